; The outline of C++. See ../table.rs for the captures.

(template_declaration) @wrapper

(namespace_definition name: (_) @name body: (_) @body) @item.namespace
(class_specifier name: (_) @name body: (_) @body) @item.class
(struct_specifier name: (_) @name body: (_) @body) @item.struct
(union_specifier name: (_) @name body: (_) @body) @item.union
(enum_specifier name: (_) @name body: (_) @body) @item.enum
(alias_declaration name: (_) @name) @item.type
(concept_definition name: (_) @name) @item.concept

(function_definition
  declarator: (function_declarator declarator: [
        (identifier) @name
        (field_identifier) @name
        (operator_name) @name
        (destructor_name) @name
        (template_function name: (identifier) @name)
        (parenthesized_declarator (identifier) @name)
        (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name)
        (qualified_identifier scope: (_) @scope name: (template_function name: (identifier) @name))
        (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name))
        (qualified_identifier name: (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name)] @name)))
      ])
  body: (_) @closed) @item.function
(function_definition
  declarator: (pointer_declarator declarator: (function_declarator declarator: [
        (identifier) @name
        (field_identifier) @name
        (operator_name) @name
        (destructor_name) @name
        (template_function name: (identifier) @name)
        (parenthesized_declarator (identifier) @name)
        (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name)
        (qualified_identifier scope: (_) @scope name: (template_function name: (identifier) @name))
        (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name))
        (qualified_identifier name: (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name)] @name)))
      ]))
  body: (_) @closed) @item.function
(function_definition
  declarator: (reference_declarator (function_declarator declarator: [
        (identifier) @name
        (field_identifier) @name
        (operator_name) @name
        (destructor_name) @name
        (template_function name: (identifier) @name)
        (parenthesized_declarator (identifier) @name)
        (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name)
        (qualified_identifier scope: (_) @scope name: (template_function name: (identifier) @name))
        (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name))
        (qualified_identifier name: (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name)] @name)))
      ]))
  body: (_) @closed) @item.function
(function_definition
  declarator: (pointer_declarator declarator: (pointer_declarator declarator: (function_declarator declarator: [
        (identifier) @name
        (field_identifier) @name
        (operator_name) @name
        (destructor_name) @name
        (template_function name: (identifier) @name)
        (parenthesized_declarator (identifier) @name)
        (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name)
        (qualified_identifier scope: (_) @scope name: (template_function name: (identifier) @name))
        (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name))
        (qualified_identifier name: (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name)] @name)))
      ])))
  body: (_) @closed) @item.function
(function_definition
  declarator: (function_declarator declarator: [
        (identifier) @name
        (field_identifier) @name
        (operator_name) @name
        (destructor_name) @name
        (template_function name: (identifier) @name)
        (parenthesized_declarator (identifier) @name)
        (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name)
        (qualified_identifier scope: (_) @scope name: (template_function name: (identifier) @name))
        (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name))
        (qualified_identifier name: (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name)] @name)))
      ])
  (default_method_clause) @closed) @item.function
(function_definition
  declarator: (pointer_declarator declarator: (function_declarator declarator: [
        (identifier) @name
        (field_identifier) @name
        (operator_name) @name
        (destructor_name) @name
        (template_function name: (identifier) @name)
        (parenthesized_declarator (identifier) @name)
        (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name)
        (qualified_identifier scope: (_) @scope name: (template_function name: (identifier) @name))
        (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name))
        (qualified_identifier name: (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name)] @name)))
      ]))
  (default_method_clause) @closed) @item.function
(function_definition
  declarator: (reference_declarator (function_declarator declarator: [
        (identifier) @name
        (field_identifier) @name
        (operator_name) @name
        (destructor_name) @name
        (template_function name: (identifier) @name)
        (parenthesized_declarator (identifier) @name)
        (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name)
        (qualified_identifier scope: (_) @scope name: (template_function name: (identifier) @name))
        (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name))
        (qualified_identifier name: (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name)] @name)))
      ]))
  (default_method_clause) @closed) @item.function
(function_definition
  declarator: (pointer_declarator declarator: (pointer_declarator declarator: (function_declarator declarator: [
        (identifier) @name
        (field_identifier) @name
        (operator_name) @name
        (destructor_name) @name
        (template_function name: (identifier) @name)
        (parenthesized_declarator (identifier) @name)
        (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name)
        (qualified_identifier scope: (_) @scope name: (template_function name: (identifier) @name))
        (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name))
        (qualified_identifier name: (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name)] @name)))
      ])))
  (default_method_clause) @closed) @item.function
(function_definition
  declarator: (function_declarator declarator: [
        (identifier) @name
        (field_identifier) @name
        (operator_name) @name
        (destructor_name) @name
        (template_function name: (identifier) @name)
        (parenthesized_declarator (identifier) @name)
        (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name)
        (qualified_identifier scope: (_) @scope name: (template_function name: (identifier) @name))
        (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name))
        (qualified_identifier name: (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name)] @name)))
      ])
  (delete_method_clause) @closed) @item.function
(function_definition
  declarator: (pointer_declarator declarator: (function_declarator declarator: [
        (identifier) @name
        (field_identifier) @name
        (operator_name) @name
        (destructor_name) @name
        (template_function name: (identifier) @name)
        (parenthesized_declarator (identifier) @name)
        (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name)
        (qualified_identifier scope: (_) @scope name: (template_function name: (identifier) @name))
        (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name))
        (qualified_identifier name: (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name)] @name)))
      ]))
  (delete_method_clause) @closed) @item.function
(function_definition
  declarator: (reference_declarator (function_declarator declarator: [
        (identifier) @name
        (field_identifier) @name
        (operator_name) @name
        (destructor_name) @name
        (template_function name: (identifier) @name)
        (parenthesized_declarator (identifier) @name)
        (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name)
        (qualified_identifier scope: (_) @scope name: (template_function name: (identifier) @name))
        (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name))
        (qualified_identifier name: (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name)] @name)))
      ]))
  (delete_method_clause) @closed) @item.function
(function_definition
  declarator: (pointer_declarator declarator: (pointer_declarator declarator: (function_declarator declarator: [
        (identifier) @name
        (field_identifier) @name
        (operator_name) @name
        (destructor_name) @name
        (template_function name: (identifier) @name)
        (parenthesized_declarator (identifier) @name)
        (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name)
        (qualified_identifier scope: (_) @scope name: (template_function name: (identifier) @name))
        (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name))
        (qualified_identifier name: (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name)] @name)))
      ])))
  (delete_method_clause) @closed) @item.function
(function_definition
  declarator: (function_declarator declarator: [
        (identifier) @name
        (field_identifier) @name
        (operator_name) @name
        (destructor_name) @name
        (template_function name: (identifier) @name)
        (parenthesized_declarator (identifier) @name)
        (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name)
        (qualified_identifier scope: (_) @scope name: (template_function name: (identifier) @name))
        (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name))
        (qualified_identifier name: (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name)] @name)))
      ])
  (try_statement) @closed) @item.function
(function_definition
  declarator: (pointer_declarator declarator: (function_declarator declarator: [
        (identifier) @name
        (field_identifier) @name
        (operator_name) @name
        (destructor_name) @name
        (template_function name: (identifier) @name)
        (parenthesized_declarator (identifier) @name)
        (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name)
        (qualified_identifier scope: (_) @scope name: (template_function name: (identifier) @name))
        (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name))
        (qualified_identifier name: (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name)] @name)))
      ]))
  (try_statement) @closed) @item.function
(function_definition
  declarator: (reference_declarator (function_declarator declarator: [
        (identifier) @name
        (field_identifier) @name
        (operator_name) @name
        (destructor_name) @name
        (template_function name: (identifier) @name)
        (parenthesized_declarator (identifier) @name)
        (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name)
        (qualified_identifier scope: (_) @scope name: (template_function name: (identifier) @name))
        (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name))
        (qualified_identifier name: (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name)] @name)))
      ]))
  (try_statement) @closed) @item.function
(function_definition
  declarator: (pointer_declarator declarator: (pointer_declarator declarator: (function_declarator declarator: [
        (identifier) @name
        (field_identifier) @name
        (operator_name) @name
        (destructor_name) @name
        (template_function name: (identifier) @name)
        (parenthesized_declarator (identifier) @name)
        (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name)
        (qualified_identifier scope: (_) @scope name: (template_function name: (identifier) @name))
        (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name))
        (qualified_identifier name: (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name)] @name)))
      ])))
  (try_statement) @closed) @item.function
; Prototypes.
(declaration
  declarator: (function_declarator declarator: [
        (identifier) @name
        (field_identifier) @name
        (operator_name) @name
        (destructor_name) @name
        (template_function name: (identifier) @name)
        (parenthesized_declarator (identifier) @name)
        (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name)
        (qualified_identifier scope: (_) @scope name: (template_function name: (identifier) @name))
        (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name))
        (qualified_identifier name: (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name)] @name)))
      ])
  ) @item.function
(declaration
  declarator: (pointer_declarator declarator: (function_declarator declarator: [
        (identifier) @name
        (field_identifier) @name
        (operator_name) @name
        (destructor_name) @name
        (template_function name: (identifier) @name)
        (parenthesized_declarator (identifier) @name)
        (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name)
        (qualified_identifier scope: (_) @scope name: (template_function name: (identifier) @name))
        (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name))
        (qualified_identifier name: (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name)] @name)))
      ]))
  ) @item.function
(declaration
  declarator: (reference_declarator (function_declarator declarator: [
        (identifier) @name
        (field_identifier) @name
        (operator_name) @name
        (destructor_name) @name
        (template_function name: (identifier) @name)
        (parenthesized_declarator (identifier) @name)
        (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name)
        (qualified_identifier scope: (_) @scope name: (template_function name: (identifier) @name))
        (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name))
        (qualified_identifier name: (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name)] @name)))
      ]))
  ) @item.function
(declaration
  declarator: (pointer_declarator declarator: (pointer_declarator declarator: (function_declarator declarator: [
        (identifier) @name
        (field_identifier) @name
        (operator_name) @name
        (destructor_name) @name
        (template_function name: (identifier) @name)
        (parenthesized_declarator (identifier) @name)
        (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name)
        (qualified_identifier scope: (_) @scope name: (template_function name: (identifier) @name))
        (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name))
        (qualified_identifier name: (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name)] @name)))
      ])))
  ) @item.function
(field_declaration
  declarator: (function_declarator declarator: [
        (identifier) @name
        (field_identifier) @name
        (operator_name) @name
        (destructor_name) @name
        (template_function name: (identifier) @name)
        (parenthesized_declarator (identifier) @name)
        (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name)
        (qualified_identifier scope: (_) @scope name: (template_function name: (identifier) @name))
        (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name))
        (qualified_identifier name: (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name)] @name)))
      ])
  ) @item.function
(field_declaration
  declarator: (pointer_declarator declarator: (function_declarator declarator: [
        (identifier) @name
        (field_identifier) @name
        (operator_name) @name
        (destructor_name) @name
        (template_function name: (identifier) @name)
        (parenthesized_declarator (identifier) @name)
        (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name)
        (qualified_identifier scope: (_) @scope name: (template_function name: (identifier) @name))
        (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name))
        (qualified_identifier name: (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name)] @name)))
      ]))
  ) @item.function
(field_declaration
  declarator: (reference_declarator (function_declarator declarator: [
        (identifier) @name
        (field_identifier) @name
        (operator_name) @name
        (destructor_name) @name
        (template_function name: (identifier) @name)
        (parenthesized_declarator (identifier) @name)
        (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name)
        (qualified_identifier scope: (_) @scope name: (template_function name: (identifier) @name))
        (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name))
        (qualified_identifier name: (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name)] @name)))
      ]))
  ) @item.function
(field_declaration
  declarator: (pointer_declarator declarator: (pointer_declarator declarator: (function_declarator declarator: [
        (identifier) @name
        (field_identifier) @name
        (operator_name) @name
        (destructor_name) @name
        (template_function name: (identifier) @name)
        (parenthesized_declarator (identifier) @name)
        (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name)
        (qualified_identifier scope: (_) @scope name: (template_function name: (identifier) @name))
        (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name) (operator_cast)] @name))
        (qualified_identifier name: (qualified_identifier name: (qualified_identifier scope: (_) @scope name: [(identifier) (destructor_name) (operator_name)] @name)))
      ])))
  ) @item.function
(function_definition
  declarator: (operator_cast) @name
  body: (_) @closed) @item.function
(field_declaration declarator: (operator_cast) @name) @item.function
(declaration declarator: (operator_cast) @name) @item.function

(compound_statement) @closed
(parameter_list) @closed
(lambda_expression body: (_) @closed)

((comment) @doc
  (#match? @doc "^(/\\*[*!][^/]|//[/!])"))
((comment) @doc.above
  (#match? @doc.above "[A-Za-z]"))
(comment) @comment

(preproc_include
  path: [
    (string_literal (string_content) @import)
    (system_lib_string) @import
  ])
