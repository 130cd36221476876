; The outline of shell scripts. See ../table.rs for the captures.

(function_definition name: (_) @name body: (_) @closed) @item.function

((comment) @doc.above
  (#match? @doc.above "[A-Za-z]")
  (#not-match? @doc.above "^#(!| *(shellcheck|vim:|-\\*-))"))
(comment) @comment

(command
  name: (command_name (word) @_source)
  argument: [(word) (string) (raw_string) (concatenation)] @import
  (#match? @_source "^(source|\\.)$"))

(program (variable_assignment name: (variable_name) @heading))
