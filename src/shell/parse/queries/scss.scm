; The outline of SCSS. See ../table.rs for the captures.

(rule_set (selectors) @name (block) @tail) @item.selector
(keyframes_statement (keyframes_name) @name (keyframe_block_list) @closed) @item.keyframes
(mixin_statement name: (identifier) @name (block) @closed) @item.mixin
(function_statement name: (identifier) @name (block) @closed) @item.function
((declaration (property_name) @name) @item.variable
  (#match? @name "^(--|\\$)"))

((comment) @doc.above
  (#match? @doc.above "[A-Za-z]"))
((js_comment) @doc.above
  (#match? @doc.above "[A-Za-z]"))
(comment) @comment
(js_comment) @comment

(import_statement (string_value) @import)
(use_statement (string_value) @import)
(forward_statement (string_value) @import)
