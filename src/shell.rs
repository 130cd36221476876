//! The hands: each file here touches one part of the world. Siblings are strangers; none knows the engine.

pub mod classify;
pub mod export;
pub mod lstat;
pub mod mounts;
pub mod offline;
pub mod openai;
pub mod parse;
pub mod read;
pub mod redact;
pub mod regular;
pub mod rules;
pub mod scan;
pub mod shared;
pub mod store;
pub mod watch;
