; The outline of Python. See ../table.rs for the captures.

(class_definition
  name: (identifier) @name
  body: (block) @body) @item.class

(function_definition
  name: (identifier) @name
  body: (block) @closed) @item.function

(decorator) @decorator

(comment) @comment

(import_statement
  name: [
    (dotted_name) @import
    (aliased_import name: (dotted_name) @import)
  ])

(import_from_statement
  module_name: (_) @import.from
  name: [
    (dotted_name) @import.name
    (aliased_import name: (dotted_name) @import.name)
  ])

(import_from_statement
  module_name: (_) @import.from
  (wildcard_import) @import.name)

(module
  (expression_statement
    (assignment left: (identifier) @heading)))

; The names that a module exports.
(module
  (expression_statement
    (assignment
      left: (identifier) @_all
      right: [
        (list (string (string_content) @heading.export))
        (tuple (string (string_content) @heading.export))
      ]))
  (#eq? @_all "__all__"))

(module
  (expression_statement
    (augmented_assignment
      left: (identifier) @_all
      right: [
        (list (string (string_content) @heading.export))
        (tuple (string (string_content) @heading.export))
      ]))
  (#eq? @_all "__all__"))
