; The outline of Lua. See ../table.rs for the captures.

(function_declaration
  name: [
    (identifier) @name
    (dot_index_expression table: (_) @scope field: (identifier) @name)
    (method_index_expression table: (_) @scope method: (identifier) @name)
  ]
  body: (_) @closed) @item.function
(function_declaration
  name: [
    (identifier) @name
    (dot_index_expression table: (_) @scope field: (identifier) @name)
    (method_index_expression table: (_) @scope method: (identifier) @name)
  ]
  !body "end" @closed) @item.function

(assignment_statement
  (variable_list
    name: [
      (identifier) @name
      (dot_index_expression table: (_) @scope field: (identifier) @name)
    ])
  (expression_list value: (function_definition body: (_) @closed))) @item.function
(assignment_statement
  (variable_list
    name: [
      (identifier) @name
      (dot_index_expression table: (_) @scope field: (identifier) @name)
    ])
  (expression_list value: (function_definition !body "end" @closed))) @item.function

(field
  name: (identifier) @name
  value: (function_definition body: (_) @closed)) @item.function
(field
  name: (identifier) @name
  value: (function_definition !body "end" @closed)) @item.function

(function_definition body: (_) @closed)

((comment) @doc
  (#match? @doc "^---[^-]"))
((comment) @doc.above
  (#match? @doc.above "[A-Za-z]"))
(comment) @comment

(function_call
  name: (identifier) @_require
  arguments: (arguments (string content: (string_content) @import))
  (#eq? @_require "require"))
