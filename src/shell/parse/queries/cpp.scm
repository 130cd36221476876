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
  declarator: (_) @declarator
  [
    (compound_statement)
    (default_method_clause)
    (delete_method_clause)
    (try_statement)
  ] @closed) @item.function

; Prototypes.
(declaration declarator: (_) @declarator) @item.function
(field_declaration declarator: (_) @declarator) @item.function

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
