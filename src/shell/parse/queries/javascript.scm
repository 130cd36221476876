; The outline of JavaScript, and the part of TypeScript's that both share. See ../table.rs for the captures.

; What several patterns share; each name stands for the lines below it.

$FUNCTION
  [(arrow_function "=>" @closed) (function_expression body: (_) @closed) (generator_function body: (_) @closed)]
$UNNAMED
  [
    (arrow_function "=>" @closed)
    (function_expression !name body: (_) @closed)
    (generator_function !name body: (_) @closed)
  ]
$CALLBACK
  [(arrow_function) (function_expression)]
$METHODS
  (object
    [
      (method_definition)
      (pair value: [(arrow_function) (function_expression) (generator_function) (parenthesized_expression $CALLBACK)])
    ])
$VALUE
  [
    (array) (await_expression) (binary_expression) (call_expression) (false) (identifier) (member_expression)
    (new_expression) (null) (number) (object) (parenthesized_expression) (regex) (string) (subscript_expression)
    (template_string) (ternary_expression) (true) (unary_expression) (undefined)
  ]
$KEY
  [(property_identifier) (string (string_fragment)) (computed_property_name) (number)]
$PATTERN
  [
    (object_pattern
      [
        (shorthand_property_identifier_pattern) @name
        (pair_pattern value: [(identifier) @name (assignment_pattern left: (identifier) @name)])
        (object_assignment_pattern left: (shorthand_property_identifier_pattern) @name)
        (rest_pattern (identifier) @name)
      ])
    (array_pattern
      [(identifier) @name (assignment_pattern left: (identifier) @name) (rest_pattern (identifier) @name)])
  ]
$MEMBER
  (member_expression object: (_) @scope property: (property_identifier) @name)
$EXPORT
  (member_expression object: (_) @_exports property: (property_identifier) @name)
$METHOD
  (member_expression
    object: (member_expression object: (_) @scope property: (property_identifier) @_prototype)
    property: (property_identifier) @name)
$PROTOTYPE
  (member_expression object: (_) @name property: (property_identifier) @_prototype)
$WRAPPER
  "(^|\\.)(memo|forwardRef|lazy|observer|connect|create[A-Z]?\\w*|define[A-Z]\\w*|with[A-Z]\\w*|styled|css|keyframes)([.(<].*)?$"

(export_statement) @wrapper

(class_declaration name: (_) @name body: (class_body) @body) @item.class

(function_declaration name: (identifier) @name body: (statement_block) @closed) @item.function

(generator_function_declaration name: (identifier) @name body: (statement_block) @closed) @item.function

(method_definition name: (_) @name body: (statement_block) @closed) @item.method

; A variable that holds a function or a class.
(lexical_declaration (variable_declarator name: (identifier) @name value: $FUNCTION)) @item.function

(variable_declaration (variable_declarator name: (identifier) @name value: $FUNCTION)) @item.function

(lexical_declaration (variable_declarator name: (identifier) @name value: (class body: (class_body) @body))) @item.class

(variable_declaration (variable_declarator name: (identifier) @name value: (class body: (class_body) @body))) @item.class

; `exports.name = function …`, `Type.prototype.name = function …`, `object.name = function …`
(expression_statement
  (assignment_expression left: $EXPORT right: $FUNCTION)
  (#match? @_exports "^(module\\.)?exports$")) @item.function

(expression_statement (assignment_expression left: $METHOD right: $FUNCTION) (#eq? @_prototype "prototype")) @item.method

(expression_statement
  (assignment_expression
    left: (member_expression object: (identifier) @scope property: (property_identifier) @name)
    right: $FUNCTION)
  (#not-match? @scope "^(module|exports)$")) @item.method

; `module.exports = function name …`
(expression_statement
  (assignment_expression
    left: (member_expression) @_exports
    right: [
      (function_expression name: (identifier) @name body: (_) @closed)
      (generator_function name: (identifier) @name body: (_) @closed)
    ])
  (#eq? @_exports "module.exports")) @item.function

(expression_statement
  (assignment_expression left: (member_expression) @_exports right: (class name: (_) @name body: (class_body) @body))
  (#eq? @_exports "module.exports")) @item.class

; Other variables only if they are exported.
(export_statement
  declaration: (lexical_declaration "const" (variable_declarator name: (identifier) @name value: $VALUE @closed))) @item.constant

; Functions in an object literal that is open.
(pair key: $KEY @name value: $FUNCTION) @item.method
(pair key: (property_identifier) @name value: (class body: (class_body) @body)) @item.class

; Default exports without a name.
(export_statement "default" value: $UNNAMED) @item.function
(export_statement "default" value: (class !name body: (class_body) @body)) @item.class
(export_statement "default" value: (object) @body) @item.object
(export_statement "default" value: [(call_expression) (array) (new_expression)] @closed) @item.constant
(export_statement "default" value: (call_expression arguments: (arguments . (object) @body))) @item.object
(export_statement
  "default"
  value: (call_expression arguments: (arguments (class name: (_) @name body: (class_body) @body)))) @item.class
(expression_statement
  (assignment_expression left: (member_expression) @_exports right: $UNNAMED)
  (#eq? @_exports "module.exports")) @item.function
(expression_statement
  (assignment_expression left: (member_expression) @_exports right: (class !name body: (class_body) @body))
  (#eq? @_exports "module.exports")) @item.class

; Groups of methods in a component or a store.
(pair
  key: (property_identifier) @_group
  value: (object) @open
  (#match? @_group "^(methods|computed|watch|actions|getters|mutations|reducers|filters)$"))

; `module.exports = { … }`
(expression_statement
  (assignment_expression left: (_) @_exports right: (object) @open)
  (#match? @_exports "^(module\\.)?exports(\\.default)?$"))

(lexical_declaration (variable_declarator name: (identifier) @name value: $METHODS @body)) @item.constant
(lexical_declaration (variable_declarator name: (identifier) @name value: (parenthesized_expression $FUNCTION))) @item.function
(lexical_declaration
  (variable_declarator name: (identifier) @name value: (call_expression arguments: (arguments $CALLBACK)) @closed)) @item.function
(lexical_declaration
  (variable_declarator
    name: (identifier) @name
    value: (call_expression arguments: (arguments (call_expression arguments: (arguments $CALLBACK)))) @closed)) @item.function
(lexical_declaration
  (variable_declarator
    name: (identifier) @name
    value: (call_expression function: (_) @_wrapper arguments: (_)) @closed)
  (#match? @_wrapper $WRAPPER)) @item.constant

(variable_declaration (variable_declarator name: (identifier) @name value: $METHODS @body)) @item.constant
(variable_declaration (variable_declarator name: (identifier) @name value: (parenthesized_expression $FUNCTION))) @item.function
(variable_declaration
  (variable_declarator name: (identifier) @name value: (call_expression arguments: (arguments $CALLBACK)) @closed)) @item.function
(variable_declaration
  (variable_declarator
    name: (identifier) @name
    value: (call_expression arguments: (arguments (call_expression arguments: (arguments $CALLBACK)))) @closed)) @item.function
(variable_declaration
  (variable_declarator
    name: (identifier) @name
    value: (call_expression function: (_) @_wrapper arguments: (_)) @closed)
  (#match? @_wrapper $WRAPPER)) @item.constant

; Classes and functions that are assigned to a member.
(expression_statement
  (assignment_expression left: $EXPORT right: (class body: (class_body) @body))
  (#match? @_exports "^(module\\.)?exports$")) @item.class
(expression_statement
  (assignment_expression left: $MEMBER right: (class body: (class_body) @body))
  (#not-match? @scope "^(module|(module\\.)?exports)$")) @item.class
(expression_statement
  (assignment_expression
    left: (member_expression object: (member_expression) @scope property: (property_identifier) @name)
    right: $FUNCTION)
  (#not-match? @scope "(\\.prototype|^module\\.exports)$")) @item.method
(expression_statement
  (assignment_expression
    left: (subscript_expression object: (_) @_exports index: (string (string_fragment) @name))
    right: $FUNCTION)
  (#match? @_exports "^(module\\.)?exports$")) @item.function
(expression_statement
  (assignment_expression left: $METHOD right: (assignment_expression right: $FUNCTION))
  (#eq? @_prototype "prototype")) @item.method
(expression_statement
  (assignment_expression right: (assignment_expression left: $METHOD right: $FUNCTION))
  (#eq? @_prototype "prototype")) @item.method

; A function in parentheses, or assigned to several members at once.
(expression_statement
  (assignment_expression left: $MEMBER right: (parenthesized_expression $FUNCTION))
  (#not-match? @scope "(\\.prototype|^(module|(module\\.)?exports))$")) @item.method
(expression_statement
  (assignment_expression left: $EXPORT right: (parenthesized_expression $FUNCTION))
  (#match? @_exports "^(module\\.)?exports$")) @item.function
(expression_statement
  (assignment_expression
    left: $MEMBER
    right: [(assignment_expression right: $FUNCTION) (assignment_expression right: (assignment_expression right: $FUNCTION))])
  (#not-match? @scope "(\\.prototype|^(module|(module\\.)?exports))$")) @item.method
(expression_statement
  (assignment_expression
    left: $EXPORT
    right: [(assignment_expression right: $FUNCTION) (assignment_expression right: (assignment_expression right: $FUNCTION))])
  (#match? @_exports "^(module\\.)?exports$")) @item.function
(assignment_expression
  right: (assignment_expression left: $MEMBER right: $FUNCTION)
  (#not-match? @scope "(\\.prototype|^(module|(module\\.)?exports))$")) @item.method
(assignment_expression
  right: (assignment_expression left: $EXPORT right: $FUNCTION)
  (#match? @_exports "^(module\\.)?exports$")) @item.function
(assignment_expression
  right: (assignment_expression left: $MEMBER right: (assignment_expression right: $FUNCTION))
  (#not-match? @scope "(\\.prototype|^(module|(module\\.)?exports))$")) @item.method
(assignment_expression
  right: (assignment_expression left: $EXPORT right: (assignment_expression right: $FUNCTION))
  (#match? @_exports "^(module\\.)?exports$")) @item.function
(variable_declaration (variable_declarator name: (identifier) @name value: (assignment_expression right: $FUNCTION))) @item.function
(expression_statement
  (assignment_expression left: $METHOD right: (parenthesized_expression $FUNCTION))
  (#eq? @_prototype "prototype")) @item.method
(pair key: $KEY @name value: (parenthesized_expression $FUNCTION)) @item.method

; Objects with functions that are assigned to a member.
(expression_statement
  (assignment_expression left: $MEMBER right: $METHODS @body)
  (#not-match? @scope "^(module|(module\\.)?exports)$")
  (#not-match? @name "^prototype$")) @item.constant
(expression_statement
  (assignment_expression left: $EXPORT right: $METHODS @body)
  (#match? @_exports "^(module\\.)?exports$")) @item.constant

; A variable that gets its function later.
(expression_statement (assignment_expression left: (identifier) @name right: $FUNCTION)) @item.function

; Methods that are given to a type in one object.
(expression_statement
  (assignment_expression left: (_) right: (assignment_expression left: $PROTOTYPE right: (object) @body))
  (#eq? @_prototype "prototype")) @item.owner
(expression_statement (assignment_expression left: $PROTOTYPE right: (object) @body) (#eq? @_prototype "prototype")) @item.owner
(expression_statement
  (call_expression
    function: (member_expression property: (property_identifier) @_assign)
    arguments: (arguments . $PROTOTYPE . (object) @body))
  (#match? @_assign "^(assign|extend|mixin)$")
  (#eq? @_prototype "prototype")) @item.owner
(expression_statement
  (call_expression
    function: (member_expression property: (property_identifier) @_assign)
    arguments: (arguments . (identifier) @name . (object) @body))
  (#match? @_assign "^(assign|extend|mixin)$")) @item.owner

; Exported variables.
(export_statement
  declaration: (lexical_declaration "let" (variable_declarator name: (identifier) @name value: $VALUE @closed))) @item.variable
(export_statement
  declaration: (variable_declaration (variable_declarator name: (identifier) @name value: $VALUE @closed))) @item.variable
(export_statement
  declaration: [
    (lexical_declaration "let" (variable_declarator name: (identifier) @name !value))
    (variable_declaration (variable_declarator name: (identifier) @name !value))
  ]) @item.variable

(export_statement
  declaration: (_ (variable_declarator name: $PATTERN value: (_) @closed))) @item.constant

(export_statement declaration: (_ (variable_declarator name: (identifier) @name value: $METHODS @body))) @item.constant

; Functions that wrap a file: module loaders, "document ready", suites.
(expression_statement
  (call_expression
    function: (_) @_wrapper
    arguments: (arguments [(function_expression body: (_) @open) (arrow_function body: (statement_block) @open)]))
  (#match? @_wrapper
    "^(define|require|requirejs|\\$|jQuery|(\\$|jQuery)\\(document\\)\\.ready|(document|window)\\.addEventListener|describe(\\.\\w+)?|suite|context|System\\.register)$"))
(expression_statement
  (parenthesized_expression
    (call_expression function: (function_expression) arguments: (arguments (function_expression body: (_) @open)))))

(expression_statement
  (call_expression
    function: (parenthesized_expression (function_expression))
    arguments: (arguments (parenthesized_expression (function_expression body: (_) @open)))))
(expression_statement
  (parenthesized_expression
    (call_expression
      function: (function_expression)
      arguments: (arguments (parenthesized_expression (function_expression body: (_) @open))))))

; Unnamed functions are closed, unless the function wraps the whole file and is called at
; once.
(arrow_function body: (_) @closed)
(function_expression body: (_) @closed)
(generator_function body: (_) @closed)
(formal_parameters) @closed
(class body: (class_body) @closed)
(class_static_block body: (_) @closed)
(object) @closed

(expression_statement
  (call_expression
    function: (parenthesized_expression [(function_expression body: (_) @open) (arrow_function body: (_) @open)])))

(expression_statement
  (call_expression
    function: (parenthesized_expression (function_expression))
    arguments: (arguments (function_expression body: (_) @open))))

(expression_statement (parenthesized_expression (call_expression function: (function_expression body: (_) @open))))

(expression_statement (unary_expression argument: (call_expression function: (function_expression body: (_) @open))))

(decorator) @decorator

((comment) @doc (#match? @doc "^/\\*\\*[^/]"))
((comment) @doc.above
  (#match? @doc.above "^//.*[A-Za-z]")
  (#not-match? @doc.above
    "^//+ *(eslint|@ts-|@flow|prettier|istanbul|c8 |v8 |tslint|jshint|jslint|global |#?region|#?endregion|biome|deno-|TODO|FIXME|XXX|[-=*#<]{2})"))
(comment) @comment
(hash_bang_line) @comment

(import_statement source: (string (string_fragment) @import))

(export_statement source: (string (string_fragment) @import))

(call_expression
  function: [(identifier) (import)] @_function
  arguments: (arguments . (string (string_fragment) @import))
  (#match? @_function "^(require|import)$"))

(export_statement (export_clause (export_specifier !alias name: (_) @heading.re-export)) source: (_))

(export_statement (export_clause (export_specifier alias: (_) @heading.re-export)) source: (_))

(export_statement (namespace_export (_) @heading.re-export))

(export_statement "*" @heading.re-export source: (_))

; `module.exports = require("a")`, and what compilers make of `export * from "a"`
(expression_statement
  (assignment_expression
    left: (member_expression) @_exports
    right: (call_expression
      function: (identifier) @_require
      arguments: (arguments . (string (string_fragment) @heading.passes-on))))
  (#eq? @_exports "module.exports")
  (#eq? @_require "require"))

(expression_statement
  (call_expression
    function: (_) @_star
    arguments: (arguments
      .
      (call_expression
        function: (identifier) @_require
        arguments: (arguments . (string (string_fragment) @heading.passes-on)))))
  (#match? @_star "__exportStar$")
  (#eq? @_require "require"))

; The keys of a configuration file.
(export_statement value: (object (pair key: (property_identifier) @heading)))

(expression_statement
  (assignment_expression
    left: (member_expression) @_exports
    right: (object [(pair key: (property_identifier) @heading) (shorthand_property_identifier) @heading]))
  (#eq? @_exports "module.exports"))

; Tests are calls.
(expression_statement
  (call_expression
    function: (identifier) @_function
    arguments: (arguments . (string (string_fragment) @heading.suite)))
  (#match? @_function "^(describe|suite|context)$"))

(expression_statement
  (call_expression
    function: (identifier) @_function
    arguments: (arguments . (string (string_fragment) @heading.test)))
  (#match? @_function "^(it|test|specify)$"))
