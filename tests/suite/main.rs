//! What people rely on: the engine through simulation, everything else through the real program.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod batch;
mod burst;
mod cache;
mod cli;
mod counting;
mod failures;
mod faults;
mod following;
mod freshness;
mod harness;
mod histories;
mod index_json;
mod kill;
mod kills;
mod limits;
mod mcp;
mod notified;
mod outside;
mod parts;
mod prompt;
mod refusals;
mod searching;
mod service;
mod shapes;
mod sim;
mod size;
mod socket;
mod starting;
mod storm;
mod tidy;
mod tree;
mod unnoticed;
mod usage;
mod versions;
mod watching;
