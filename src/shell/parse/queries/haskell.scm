; The outline of Haskell. See ../table.rs for the captures.

(data_type name: (_) @name constructors: (_)? @closed) @item.type
(newtype name: (_) @name constructor: (_) @closed) @item.type
(type_synonym name: (_) @name) @item.type
(class name: (_) @name declarations: (_)? @body) @item.class
(instance name: (_) @name declarations: (_)? @body) @item.instance

(signature name: (variable) @name) @item.function
(function name: (variable) @name match: (_) @closed) @item.function
(bind name: (variable) @name match: (_) @closed) @item.function

(local_binds) @closed

(haddock) @doc
(comment) @comment
(pragma) @comment

(import module: (module) @import)
