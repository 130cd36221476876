//! What people rely on: the engine through simulation, everything else through the real program.
#![allow(clippy::unwrap_used)]

mod batch;
mod burst;
mod cli;
mod counting;
mod freshness;
mod harness;
mod index_json;
mod kill;
mod parts;
mod sim;
mod socket;
mod tree;
mod watching;
