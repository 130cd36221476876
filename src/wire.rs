//! The shapes that cross the socket and that `--json` prints. Types only, no behaviour.

pub mod access;
pub mod cache;
pub mod escape;
pub mod estimate;
pub mod events;
pub mod index;
pub mod markdown;
pub mod percent;
pub mod plain;
pub mod prompt;
pub mod protocol;
pub mod search;
pub mod shared;
pub mod target;
pub mod usage;
