//! What crosses the socket and what `--json` prints: the shapes of the contract, and nothing that acts.

pub mod access;
pub mod cache;
pub mod document;
pub mod estimate;
pub mod events;
pub mod index;
pub mod percent;
pub mod plain;
pub mod prompt;
pub mod protocol;
pub mod search;
pub mod target;
pub mod usage;
