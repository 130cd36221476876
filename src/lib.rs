//! Epitome keeps a written map of your code true while you work.
//!
//! # The rooms, in reading order
//!
//! - [`model`] names the things: paths, digests, outlines, recipes, summaries. It acts on nothing.
//! - [`engine`] decides: what is in doubt, what to read, what to ask, when, in which order. It touches nothing: no
//!   clock, no disk, no network, no chance. One event in, a list of effects out.
//! - [`shell`] touches the world, one part of it a file: rules, scan, read, watch, parse, offline, openai, redact,
//!   store, export. Its rooms do not know each other.
//! - [`wire`] is what crosses the socket and what `--json` prints.
//! - [`config`] is the configuration, checked.
//! - [`daemon`] connects: the one loop that owns the engine, the workers that carry its effects out, the server.
//! - [`client`] asks a daemon, [`cli`] speaks to a person, [`mcp`] to a coding agent.
//!
//! Imports point one way: `model <- {engine, shell, wire} <- {config, daemon, client} <- mcp <- cli <- main`. The engine and
//! the shell never meet; `daemon/work.rs` makes the one's effects the other's work. A test holds this.
//!
//! # The way of a saved file
//!
//! 1. The **watch** hints that something happened at a path. Hints may be lost, and say so.
//! 2. The node is in **doubt** from then on: whoever asks is told `stale`. After a quiet time its directory is
//!    **listed** again, by the same rules as at the start, its watch set first.
//! 3. What was listed is **compared** by stat; what differs is **read** and digested. The same digest: nothing moved.
//! 4. The content is parsed; its syntax digest, language and author make its **key**. The words of that key may be
//!    known already (white space, an undo, a branch and back, a rename, a copy): then they are its words.
//! 5. Otherwise the key is **asked** about, once, however many nodes wait for it; the content is read again first, and
//!    an answer counts only for the key that a node has when it comes.
//! 6. The answer is **committed**: on the disk before it is shown.
//! 7. The node is **settled**. A directory whose last child settled makes its own key of its children's names and words,
//!    and goes on at 4.
//!
//! A start, a crash and a lost notification take the same way, from a listing of everything.
//!
//! # What always holds
//!
//! One mutable owner of the state. The engine cannot fail. One request in flight for one key. A parent waits for its
//! children. An answer for an old key never lands. A file that can never be summarized does not block the root. What
//! was paid for is stored before it is shown. Loss is never silent. Queues are bounded.
//!
//! What is absent: no thread but the loop changes the state, so there is no lock on it; nothing retries but the
//! engine; nothing in the engine waits.

pub mod cli;
pub mod client;
pub mod config;
pub mod daemon;
pub mod engine;
#[cfg(test)]
mod fuzz;
pub mod mcp;
pub mod model;
pub mod page;
pub mod shell;
pub mod wire;
