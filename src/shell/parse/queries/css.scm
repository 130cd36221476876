; The outline of CSS. See ../table.rs for the captures.

(rule_set (selectors) @name (block) @tail) @item.selector
(keyframes_statement (keyframes_name) @name (keyframe_block_list) @closed) @item.keyframes
((declaration (property_name) @name) @item.variable
  (#match? @name "^--"))

((comment) @doc.above
  (#match? @doc.above "[A-Za-z]"))
(comment) @comment

(import_statement (string_value) @import)
