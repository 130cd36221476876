; The outline of Zig. See ../table.rs for the captures.

(variable_declaration (identifier) @name (struct_declaration "struct" @body)) @item.struct
(variable_declaration (identifier) @name (enum_declaration "enum" @body)) @item.enum
(variable_declaration (identifier) @name (union_declaration "union" @body)) @item.union
(variable_declaration (identifier) @name (error_set_declaration) @closed) @item.enum
(variable_declaration "pub" "const" (identifier) @name "=" @closed) @item.constant

(function_declaration name: (identifier) @name body: (_)? @closed) @item.function

(test_declaration (block) @closed)
(comptime_declaration (block) @closed)

((comment) @doc
  (#match? @doc "^///"))
((comment) @doc.inner
  (#match? @doc.inner "^//!"))
(comment) @comment

(variable_declaration
  (builtin_function (builtin_identifier) @_import (arguments (string (string_content) @import)))
  (#eq? @_import "@import"))

(test_declaration (string (string_content) @heading.test))
