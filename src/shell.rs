//! The hands: each file here touches one part of the world. Siblings are strangers; none knows the engine.

pub mod offline;
pub mod parse;
