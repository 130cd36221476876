; The outline of PHP. See ../table.rs for the captures.

(namespace_definition name: (_) @name body: (_)? @tail) @item.namespace

(class_declaration name: (name) @name body: (_) @body) @item.class
(interface_declaration name: (name) @name body: (_) @body) @item.interface
(trait_declaration name: (name) @name body: (_) @body) @item.trait
(enum_declaration name: (name) @name body: (_) @body) @item.enum

(method_declaration name: (name) @name body: (_)? @closed) @item.method
(function_definition name: (name) @name body: (_) @closed) @item.function
(const_declaration (const_element . (name) @name)) @item.constant

(anonymous_function body: (_) @closed)
(arrow_function body: (_) @closed)

((comment) @doc
  (#match? @doc "^/\\*\\*[^/]"))
(comment) @comment

(namespace_use_declaration (namespace_use_clause [(qualified_name) (name)] @import))
(namespace_use_declaration (namespace_name) @import)
(expression_statement
  [
    (require_expression (string (string_content) @import))
    (require_once_expression (string (string_content) @import))
    (include_expression (string (string_content) @import))
    (include_once_expression (string (string_content) @import))
  ])
