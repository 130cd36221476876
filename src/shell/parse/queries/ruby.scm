; The outline of Ruby. See ../table.rs for the captures.

(module name: (_) @name body: (body_statement)? @body) @item.module
(class name: (_) @name body: (body_statement)? @body) @item.class
(class name: (_) @name superclass: (_) !body "end" @closed) @item.class
(class name: (_) @name !superclass !body "end" @closed) @item.class
(module name: (_) @name !body "end" @closed) @item.module

(method name: (_) @name body: (_) @closed) @item.method
(method name: (_) @name !body "end" @closed) @item.method
(singleton_method name: (_) @name body: (_) @closed) @item.method
(singleton_method name: (_) @name !body "end" @closed) @item.method

; `Point = Struct.new(:x) do … end`
(assignment
  left: (constant) @name
  right: (call
    receiver: (constant) @_class
    method: (identifier) @_new
    block: (do_block) @body)
  (#match? @_class "^(Struct|Class|Module|Data)$")
  (#match? @_new "^(new|define)$")) @item.class

(assignment
  left: (constant) @name
  right: (_) @closed) @item.constant

((comment) @doc.above
  (#match? @doc.above "[A-Za-z]")
  (#not-match? @doc.above "^#( *(frozen_string_literal|encoding|rubocop|-\\*-)|!)"))
(comment) @comment

(call
  method: (identifier) @_require
  arguments: (argument_list . (string (string_content) @import))
  (#match? @_require "^(require|require_relative|load)$"))
