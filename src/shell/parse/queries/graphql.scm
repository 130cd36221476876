; The outline of GraphQL. See ../table.rs for the captures.

(object_type_definition (name) @name (fields_definition)? @body) @item.type
(object_type_extension (name) @name (fields_definition)? @body) @item.type
(interface_type_definition (name) @name (fields_definition)? @body) @item.interface
(input_object_type_definition (name) @name (input_fields_definition)? @closed) @item.input
(enum_type_definition (name) @name (enum_values_definition)? @closed) @item.enum
(union_type_definition (name) @name) @item.union
(scalar_type_definition (name) @name) @item.scalar
(directive_definition (name) @name) @item.directive
(operation_definition (operation_type) (name) @name (selection_set) @closed) @item.operation
(fragment_definition (fragment_name (name) @name) (selection_set) @closed) @item.fragment
(field_definition (name) @name) @item.field

((comment) @doc.above
  (#match? @doc.above "[A-Za-z]"))
(comment) @comment
