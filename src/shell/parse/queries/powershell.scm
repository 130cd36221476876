; The outline of PowerShell. See ../table.rs for the captures.

(function_statement (function_name) @name (script_block) @closed) @item.function
(class_statement . (simple_name) @name "{" @body) @item.class
(class_method_definition (simple_name) @name "{" @closed) @item.method
(enum_statement . (simple_name) @name "{" @closed) @item.enum

(script_block_expression) @closed

((comment) @doc.above
  (#match? @doc.above "[A-Za-z]"))
(comment) @comment
