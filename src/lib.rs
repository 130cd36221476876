//! Epitome keeps a written map of your code true while you work.

pub mod client;
pub mod config;
pub mod daemon;
pub mod engine;
pub mod model;
pub mod shell;
pub mod wire;
