; The outline of Elixir. See ../table.rs for the captures.

(call
  target: (identifier) @_keyword
  (arguments . (alias) @name)
  (do_block) @body
  (#eq? @_keyword "defmodule")) @item.module
(call
  target: (identifier) @_keyword
  (arguments . (alias) @name)
  (do_block) @body
  (#eq? @_keyword "defprotocol")) @item.protocol
(call
  target: (identifier) @_keyword
  (arguments . (alias) @name)
  (do_block) @body
  (#eq? @_keyword "defimpl")) @item.impl

(call
  target: (identifier) @_keyword
  (arguments
    . [
      (identifier) @name
      (call target: (identifier) @name)
      (binary_operator left: (identifier) @name)
      (binary_operator left: (call target: (identifier) @name))
    ]
    (keywords)? @closed)
  (#match? @_keyword "^(def|defp|defdelegate|defguard|defguardp|defn|defnp)$")) @item.function
(call
  target: (identifier) @_keyword
  (arguments
    . [
      (identifier) @name
      (call target: (identifier) @name)
      (binary_operator left: (identifier) @name)
      (binary_operator left: (call target: (identifier) @name))
    ])
  (do_block) @closed
  (#match? @_keyword "^(def|defp|defn|defnp)$")) @item.function
(call
  target: (identifier) @_keyword
  (arguments
    . [
      (identifier) @name
      (call target: (identifier) @name)
      (binary_operator left: (call target: (identifier) @name))
    ])
  (do_block)? @closed
  (#match? @_keyword "^(defmacro|defmacrop)$")) @item.macro

((unary_operator
  operand: (call target: (identifier) @_doc (arguments (string)))) @doc
  (#match? @_doc "^(doc|typedoc)$"))
((unary_operator
  operand: (call target: (identifier) @_doc (arguments (string)))) @doc.inner
  (#eq? @_doc "moduledoc"))
(unary_operator
  operand: (call)) @comment
(comment) @comment

(call
  target: (identifier) @_keyword
  (arguments . (alias) @import)
  (#match? @_keyword "^(use|alias|import|require)$"))
