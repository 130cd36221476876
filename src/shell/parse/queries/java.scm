; The outline of Java. See ../table.rs for the captures.

(class_declaration
  name: (identifier) @name
  body: (class_body) @body) @item.class

(interface_declaration
  name: (identifier) @name
  body: (interface_body) @body) @item.interface

(enum_declaration
  name: (identifier) @name
  body: (enum_body) @body) @item.enum

(record_declaration
  name: (identifier) @name
  body: (class_body) @body) @item.record

(annotation_type_declaration
  name: (identifier) @name
  body: (annotation_type_body) @body) @item.annotation

(method_declaration
  name: (identifier) @name
  body: (block)? @closed) @item.method

(annotation_type_element_declaration
  name: (identifier) @name
  "default"? @closed) @item.method

(constructor_declaration
  name: (identifier) @name
  body: (constructor_body) @closed) @item.constructor

(compact_constructor_declaration
  name: (identifier) @name
  body: (block) @closed) @item.constructor

(block) @closed
(object_creation_expression (class_body) @closed)
(enum_constant name: (identifier) @name body: (class_body) @body) @item.constant

(field_declaration
  (modifiers) @_modifiers
  declarator: (variable_declarator name: (identifier) @name value: (_)? @closed)
  (#match? @_modifiers "static[^;]*final|final[^;]*static")) @item.constant
(constant_declaration
  declarator: (variable_declarator name: (identifier) @name value: (_)? @closed)) @item.constant

(module_declaration name: (_) @name body: (_) @body) @item.module

((block_comment) @doc
  (#match? @doc "^/\\*\\*[^/]"))
((line_comment) @doc
  (#match? @doc "^///"))
(block_comment) @comment
(line_comment) @comment

(import_declaration (scoped_identifier) @import .)
(import_declaration (identifier) @import .)
(import_declaration
  [(scoped_identifier) (identifier)] @import.from
  (asterisk) @import.name)
(requires_module_directive module: (_) @import)
