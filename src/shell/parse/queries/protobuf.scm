; The outline of Protocol Buffers. See ../table.rs for the captures.

(message (message_name (identifier) @name) (message_body) @body) @item.message
(enum (enum_name (identifier) @name) (enum_body) @body) @item.enum
(service (service_name (identifier) @name) "{" @body) @item.service
(rpc (rpc_name (identifier) @name) "{"? @closed) @item.method

((comment) @doc.above
  (#match? @doc.above "[A-Za-z]"))
(comment) @comment

(import path: (string) @import)
