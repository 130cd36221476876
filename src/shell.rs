//! The hands: each file here touches one part of the world. Siblings are strangers; none knows the engine.

pub mod lstat;
pub mod parse;
pub mod read;
pub mod rules;
pub mod scan;
pub mod store;
pub mod watch;
