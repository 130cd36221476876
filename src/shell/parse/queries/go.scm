; The outline of Go. See ../table.rs for the captures.

(function_declaration
  name: (identifier) @name
  body: (block)? @closed) @item.function

(method_declaration
  receiver: (parameter_list
    (parameter_declaration
      type: [
        (type_identifier) @scope
        (generic_type type: (type_identifier) @scope)
        (pointer_type (type_identifier) @scope)
        (pointer_type (generic_type type: (type_identifier) @scope))
        (parenthesized_type (pointer_type (type_identifier) @scope))
      ]))
  name: (field_identifier) @name
  body: (block)? @closed) @item.method

; Types alone, which begin at the word `type`, and those in a group.
((type_declaration
  [
    (type_spec name: (type_identifier) @name)
    (type_alias name: (type_identifier) @name)
  ]) @item.type
  (#not-match? @item.type "^type\\s*\\("))

((type_declaration
  (type_spec
    name: (type_identifier) @name
    type: (struct_type (field_declaration_list) @body))) @item.struct
  (#not-match? @item.struct "^type\\s*\\("))

((type_declaration
  (type_spec
    name: (type_identifier) @name
    type: (interface_type "{" @body))) @item.interface
  (#not-match? @item.interface "^type\\s*\\("))

(type_spec
  name: (type_identifier) @name) @item.type

(type_spec
  name: (type_identifier) @name
  type: (struct_type (field_declaration_list) @body)) @item.struct

(type_spec
  name: (type_identifier) @name
  type: (interface_type "{" @body)) @item.interface

(type_alias
  name: (type_identifier) @name) @item.type

(method_elem
  name: (field_identifier) @name) @item.method

; `name` is not used as a field here: it matches only the first of several.
((const_declaration
  (const_spec
    (identifier) @name
    !value)) @item.constant
  (#not-match? @item.constant "^const\\s*\\("))

((const_declaration
  (const_spec
    (identifier) @name
    value: (_) @closed)) @item.constant
  (#not-match? @item.constant "^const\\s*\\("))

(const_spec
  (identifier) @name
  !value) @item.constant

(const_spec
  (identifier) @name
  value: (_) @closed) @item.constant

((var_declaration
  (var_spec
    (identifier) @name
    !value)) @item.variable
  (#not-match? @item.variable "^var\\s*\\("))

((var_declaration
  (var_spec
    (identifier) @name
    value: (_) @closed)) @item.variable
  (#not-match? @item.variable "^var\\s*\\("))

(var_spec
  (identifier) @name
  !value) @item.variable

(var_spec
  (identifier) @name
  value: (_) @closed) @item.variable

(parameter_list) @closed
(field_declaration) @closed
(interface_type "{" @closed)
(block) @closed

((comment) @doc.above
  (#not-match? @doc.above "^//(go:|nolint|lint:|export |extern |line |[ ]*\\+build)"))
(comment) @comment

(import_spec
  path: [
    (interpreted_string_literal (interpreted_string_literal_content) @import)
    (raw_string_literal (raw_string_literal_content) @import)
  ])
