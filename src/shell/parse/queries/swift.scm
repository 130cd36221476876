; The outline of Swift. See ../table.rs for the captures.

(class_declaration "class" name: (_) @name body: (_) @body) @item.class
(class_declaration "struct" name: (_) @name body: (_) @body) @item.struct
(class_declaration "enum" name: (_) @name body: (_) @body) @item.enum
(class_declaration "actor" name: (_) @name body: (_) @body) @item.class
(class_declaration "extension" name: (_) @name body: (_) @body) @item.extension
(protocol_declaration name: (_) @name body: (_) @body) @item.protocol

(function_declaration name: (simple_identifier) @name body: (_)? @closed) @item.function
(protocol_function_declaration name: (simple_identifier) @name) @item.function
(init_declaration "init" @name body: (_)? @closed) @item.constructor
(typealias_declaration name: (type_identifier) @name) @item.type
(associatedtype_declaration name: (type_identifier) @name) @item.type

(lambda_literal) @closed
(computed_property) @closed
(deinit_declaration) @closed
(subscript_declaration) @closed

((comment) @doc
  (#match? @doc "^///"))
((multiline_comment) @doc
  (#match? @doc "^/\\*\\*[^/]"))
(comment) @comment
(multiline_comment) @comment

(import_declaration (identifier) @import)
