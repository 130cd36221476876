; What an outline of Python holds. The captures are told in ../table.rs.

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

; What a module says that it offers.
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
