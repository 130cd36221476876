; Fields that hold a function, as JavaScript's grammar calls them.

(field_definition
  property: (_) @name
  value: [
    (arrow_function "=>" @closed)
    (function_expression body: (_) @closed)
  ]) @item.method
