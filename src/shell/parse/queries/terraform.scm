; The outline of Terraform and HCL. See ../table.rs for the captures.

(block
  (identifier) @_kind
  . (string_lit (template_literal) @scope) . (string_lit (template_literal) @name)
  (block_start) @closed
  (#eq? @_kind "resource")) @item.resource
(block
  (identifier) @_kind
  . (string_lit (template_literal) @scope) . (string_lit (template_literal) @name)
  (block_start) @closed
  (#eq? @_kind "data")) @item.data
(block
  (identifier) @_kind . (string_lit (template_literal) @name) . (block_start) @closed
  (#eq? @_kind "variable")) @item.variable
(block
  (identifier) @_kind . (string_lit (template_literal) @name) . (block_start) @closed
  (#eq? @_kind "output")) @item.output
(block
  (identifier) @_kind . (string_lit (template_literal) @name) . (block_start) @closed
  (#eq? @_kind "module")) @item.module
(block
  (identifier) @_kind . (string_lit (template_literal) @name) . (block_start) @closed
  (#eq? @_kind "provider")) @item.provider
(block
  (identifier) @_kind . (string_lit (template_literal) @name) . (block_start) @closed
  (#not-match? @_kind "^(resource|data|variable|output|module|provider)$")) @item.block
(block
  (identifier) @name . (block_start) @closed
  (#not-match? @name "^locals$")) @item.block

(attribute (identifier) @name (expression) @closed) @item.variable

((comment) @doc.above
  (#match? @doc.above "[A-Za-z]"))
(comment) @comment

(block
  (identifier) @_kind
  (body (attribute
    (identifier) @_source
    (expression (literal_value (string_lit (template_literal) @import)))))
  (#eq? @_kind "module")
  (#eq? @_source "source"))
