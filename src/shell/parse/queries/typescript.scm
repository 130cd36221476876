; The outline of TypeScript besides javascript.scm. See ../table.rs for the captures.

(ambient_declaration (declaration)) @wrapper

(abstract_class_declaration
  name: (_) @name
  body: (class_body) @body) @item.class

(interface_declaration
  name: (_) @name
  body: (_) @body) @item.interface

(enum_declaration
  name: (identifier) @name
  body: (enum_body) @body) @item.enum

(type_alias_declaration
  name: (_) @name) @item.type

(type_alias_declaration
  name: (_) @name
  value: (object_type) @closed) @item.type

(internal_module
  name: [
    (identifier) @name
    (nested_identifier) @name
    (string (string_fragment) @name)
  ]
  body: (statement_block)? @body) @item.module

(module
  name: [
    (identifier) @name
    (nested_identifier) @name
    (string (string_fragment) @name)
  ]
  body: (statement_block)? @body) @item.module

(function_signature
  name: (identifier) @name) @item.function

(method_signature
  name: (_) @name) @item.method

(abstract_method_signature
  name: (_) @name) @item.method

(public_field_definition
  name: (_) @name
  value: [
    (arrow_function "=>" @closed)
    (function_expression body: (_) @closed)
  ]) @item.method

(export_statement
  declaration: (lexical_declaration
    "const"
    (variable_declarator
      name: (identifier) @name
      value: [
        (as_expression) (instantiation_expression) (non_null_expression) (satisfies_expression)
      ] @closed))) @item.constant

(export_statement
  declaration: (lexical_declaration
    "const"
    (variable_declarator
      name: (identifier) @name
      !value))) @item.constant

(export_statement
  declaration: (ambient_declaration
    (lexical_declaration
      "const"
      (variable_declarator
        name: (identifier) @name
        !value)))) @item.constant

; Casts of functions.
(lexical_declaration
  (variable_declarator
    name: (identifier) @name
    value: [
      (as_expression [
      (arrow_function)
      (function_expression)
      (parenthesized_expression (arrow_function))
      (parenthesized_expression (function_expression))
    ])
      (satisfies_expression [
      (arrow_function)
      (function_expression)
      (parenthesized_expression (arrow_function))
      (parenthesized_expression (function_expression))
    ])
    ] @closed)) @item.function

(pair
  key: [(property_identifier) (string (string_fragment)) (computed_property_name) (number)] @name
  value: [
    (as_expression [(arrow_function) (function_expression) (parenthesized_expression [(arrow_function) (function_expression)])])
    (satisfies_expression [(arrow_function) (function_expression) (parenthesized_expression [(arrow_function) (function_expression)])])
  ] @closed) @item.method

(ambient_declaration "global" @name (statement_block) @tail) @item.module

(object_type) @closed

(import_require_clause
  source: (string (string_fragment) @import))
