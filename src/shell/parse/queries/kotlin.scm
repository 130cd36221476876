; The outline of Kotlin. See ../table.rs for the captures.

(class_declaration
  "class" name: (identifier) @name [(class_body) (enum_class_body)]? @body) @item.class
(class_declaration
  (modifiers (class_modifier "enum")) "class" name: (identifier) @name (enum_class_body)? @body) @item.enum
(class_declaration
  "interface" name: (identifier) @name (class_body)? @body) @item.interface
(object_declaration name: (identifier) @name (class_body)? @body) @item.object
(companion_object "companion" @name (class_body)? @tail) @item.object

(function_declaration name: (identifier) @name (function_body)? @closed) @item.function
(secondary_constructor "constructor" @name (block)? @closed) @item.constructor
(type_alias type: (_) @name) @item.type

(property_declaration
  (modifiers (property_modifier "const"))
  (variable_declaration (identifier) @name) "="? @closed) @item.constant
(property_declaration "="? @closed)
(property_declaration (getter) @closed)

(lambda_literal) @closed
(anonymous_initializer) @closed
(object_literal (class_body) @closed)

((block_comment) @doc
  (#match? @doc "^/\\*\\*[^/]"))
(block_comment) @comment
(line_comment) @comment

(import (qualified_identifier) @import)
