//! Connects the rooms, starts and stops tasks.

pub mod server;
