; The outline of Dart. See ../table.rs for the captures.

(class_declaration name: (identifier) @name body: (_) @body) @item.class
(mixin_declaration name: (identifier) @name body: (_) @body) @item.mixin
(extension_declaration name: (identifier) @name body: (_) @body) @item.extension
(extension_type_declaration name: (extension_type_name (identifier) @name) body: (_) @body) @item.extension
(enum_declaration name: (identifier) @name body: (_) @body) @item.enum
(type_alias . (type_identifier) @name) @item.type

(function_declaration
  signature: (function_signature name: (identifier) @name)
  body: (_) @closed) @item.function
(getter_declaration
  signature: (getter_signature name: (identifier) @name)
  body: (_) @closed) @item.function
(setter_declaration
  signature: (setter_signature name: (identifier) @name)
  body: (_) @closed) @item.function

(method_declaration
  signature: (method_signature
    [
      (function_signature name: (identifier) @name)
      (getter_signature name: (identifier) @name)
      (setter_signature name: (identifier) @name)
      (operator_signature operator: (_) @name)
    ])
  body: (_) @closed) @item.method
(method_declaration
  signature: (method_signature
    [
      (constructor_signature name: (identifier) @name . parameters: (_))
      (factory_constructor_signature name: (identifier) @name . parameters: (_))
    ])
  body: (_) @closed) @item.constructor

(declaration
  [
    (function_signature name: (identifier) @name)
    (getter_signature name: (identifier) @name)
    (setter_signature name: (identifier) @name)
    (operator_signature operator: (_) @name)
  ]) @item.method
(declaration
  [
    (constructor_signature name: (identifier) @name . parameters: (_))
    (constant_constructor_signature (identifier) @name . (formal_parameter_list))
    (factory_constructor_signature name: (identifier) @name . parameters: (_))
  ]) @item.constructor

(function_body) @closed

(documentation_comment) @doc
(comment) @comment

(import_or_export (library_import (import_specification uri: (configurable_uri (uri (string_literal) @import)))))
(import_or_export (library_export uri: (configurable_uri (uri (string_literal) @import))))
