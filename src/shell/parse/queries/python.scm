; The outline of Python. See ../table.rs for the captures.

(class_definition
  name: (identifier) @name
  body: (block) @body) @item.class

(function_definition
  name: (identifier) @name
  body: (block) @closed) @item.function

(type_alias_statement
  left: (type [(identifier) @name (generic_type . (identifier) @name)])) @item.type
(expression_statement
  (assignment
    left: (identifier) @name
    type: (type) @_type
    right: (_))
  (#match? @_type "(^|\\.)TypeAlias$")) @item.type
(expression_statement
  (assignment
    left: (identifier) @name
    right: (call function: (_) @_function))
  (#match? @_function "(^|\\.)(NewType|TypeVar|TypeVarTuple|ParamSpec|TypeAliasType)$")) @item.type
(expression_statement
  (assignment
    left: (identifier) @name
    right: (call function: (_) @_function))
  (#match? @_function "(^|\\.)(namedtuple|NamedTuple|TypedDict|Enum|IntEnum|StrEnum|Flag|IntFlag|make_dataclass)$")) @item.class
(expression_statement
  (assignment
    left: (identifier) @name
    right: (lambda ":" @closed))) @item.function
(expression_statement
  (assignment
    left: (identifier) @name
    right: (call function: (_) @_function))
  (#match? @_function "(^|\\.)(partial|partialmethod)$")) @item.function

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
