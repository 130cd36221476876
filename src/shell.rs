//! Access to the outside world: one module for each part of it (disk, git's rules, events, network, parsers, store).
//!
//! A module returns plain values of `model` and decides nothing about summaries. It knows neither the engine nor its
//! siblings; only `rules`, `lstat`, `redact` and `regular` may be used by the others. A test enforces this.

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
