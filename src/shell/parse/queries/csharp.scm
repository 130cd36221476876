; The outline of C#. See ../table.rs for the captures.

(namespace_declaration name: (_) @name body: (_) @tail) @item.namespace
(file_scoped_namespace_declaration name: (_) @name) @item.namespace

(class_declaration name: (identifier) @name body: (_)? @body) @item.class
(struct_declaration name: (identifier) @name body: (_)? @body) @item.struct
(interface_declaration name: (identifier) @name body: (_)? @body) @item.interface
(record_declaration name: (identifier) @name body: (_)? @body) @item.record
(enum_declaration name: (identifier) @name body: (_)? @body) @item.enum
(delegate_declaration name: (identifier) @name) @item.delegate

(method_declaration name: (identifier) @name body: (_)? @closed) @item.method
(constructor_declaration name: (identifier) @name body: (_)? @closed) @item.constructor
(destructor_declaration name: (identifier) @name body: (_)? @closed) @item.method
(property_declaration name: (identifier) @name accessors: (_) @closed) @item.property
(property_declaration name: (identifier) @name value: (_) @closed) @item.property
(local_function_statement name: (identifier) @name body: (_)? @closed) @item.function

(accessor_list) @closed
(lambda_expression body: (_) @closed)
(anonymous_method_expression (block) @closed)

((comment) @doc
  (#match? @doc "^(///|/\\*\\*[^/])"))
(comment) @comment

(using_directive [(qualified_name) (identifier)] @import .)
