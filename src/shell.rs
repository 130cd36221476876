//! The hands: each file here touches one part of the world. Siblings are strangers; none knows the engine.

pub mod openai;
pub mod redact;
pub mod store;
