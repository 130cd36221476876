//! What people rely on: the engine through simulation, everything else through the real program.
#![allow(clippy::unwrap_used)]

mod harness;
mod histories;
mod sim;
