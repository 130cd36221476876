; The outline of Scala. See ../table.rs for the captures.

(class_definition name: (_) @name body: (_)? @body) @item.class
(trait_definition name: (_) @name body: (_)? @body) @item.trait
(object_definition name: (_) @name body: (_)? @body) @item.object
(package_object name: (_) @name body: (_)? @body) @item.object
(enum_definition name: (_) @name body: (_)? @body) @item.enum

(function_definition name: (_) @name body: (_) @closed) @item.function
(function_declaration name: (_) @name) @item.function
(type_definition name: (_) @name) @item.type
(given_definition name: (_) @name body: (_)? @closed) @item.constant

(val_definition value: (_) @closed)
(var_definition value: (_) @closed)

((block_comment) @doc
  (#match? @doc "^/\\*\\*[^/]"))
(block_comment) @comment
(comment) @comment

(import_declaration) @import.statement
