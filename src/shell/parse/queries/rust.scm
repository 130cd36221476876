; The outline of Rust. See ../table.rs for the captures.

(mod_item
  name: (identifier) @name
  body: (declaration_list)? @body) @item.module

(struct_item
  name: (type_identifier) @name
  body: (field_declaration_list)? @body) @item.struct

(union_item
  name: (type_identifier) @name
  body: (field_declaration_list) @body) @item.union

(enum_item
  name: (type_identifier) @name
  body: (enum_variant_list) @body) @item.enum

(trait_item
  name: (type_identifier) @name
  body: (declaration_list) @body) @item.trait

; The name of an `impl` is that of its type without arguments, so that `Type::method` is found by it.
(impl_item
  type: [
    (type_identifier) @name
    (primitive_type) @name
    (scoped_type_identifier) @name
    (generic_type type: (_) @name)
    (abstract_type) @name
    (array_type) @name
    (dynamic_type) @name
    (function_type) @name
    (macro_invocation) @name
    (metavariable) @name
    (never_type) @name
    (pointer_type) @name
    (reference_type) @name
    (tuple_type) @name
    (unit_type) @name
  ]
  body: (declaration_list) @body) @item.impl

(function_item
  name: [(identifier) (metavariable)] @name
  body: (block) @closed) @item.function

(function_signature_item
  name: [(identifier) (metavariable)] @name) @item.function

(const_item
  name: (identifier) @name
  value: (_)? @body) @item.constant

(static_item
  name: (identifier) @name
  value: (_)? @body) @item.static

(type_item
  name: (type_identifier) @name) @item.type

(associated_type
  name: (type_identifier) @name) @item.type

(macro_definition
  name: (identifier) @name
  (macro_rule)? @body) @item.macro

(attribute_item) @decorator

(line_comment outer: (_)) @doc
(block_comment outer: (_)) @doc
(line_comment inner: (_)) @doc.inner
(block_comment inner: (_)) @doc.inner
(line_comment !outer !inner) @comment
(block_comment !outer !inner) @comment

(use_declaration argument: (_) @import)
(extern_crate_declaration name: (identifier) @import)
