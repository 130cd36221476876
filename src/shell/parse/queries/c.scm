; The outline of C. See ../table.rs for the captures.

(function_definition
  declarator: (_) @declarator
  body: (compound_statement) @closed) @item.function

; Prototypes.
(declaration declarator: (_) @declarator) @item.function

(struct_specifier
  name: (type_identifier) @name
  body: (field_declaration_list) @body) @item.struct

(union_specifier
  name: (type_identifier) @name
  body: (field_declaration_list) @body) @item.union

(enum_specifier
  name: (type_identifier) @name
  body: (enumerator_list) @body) @item.enum

(compound_statement) @closed
(parameter_list) @closed

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
