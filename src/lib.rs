//! Epitome keeps an up-to-date summary of every file and folder in your repositories.
//!
//! # Terms
//!
//! - **repository**: a watched root folder. **node**: a file or folder in it.
//! - **digest**: a node's content hash. A folder's is made of its children's names, kinds and digests (Merkle).
//! - **outline**: the classes, functions and other elements that the parser finds in a file.
//! - **summary**: the text about a node. A folder's is made from its children's summaries.
//! - **key**: what a summary is stored under: a hash of everything that goes into it, and of what writes it.
//! - **provider**: what writes summaries: `offline` from facts on this machine, `openai` a model behind an endpoint.
//! - **record**: what the store keeps of a node: its last reading and its summary's key.
//! - **hint**: a notification that something may have changed at a path. Hints can be lost, and then say so.
//! - **suspect**: a hint concerns the node, and no scan has confirmed it since. A suspect node is never fresh.
//! - **scan**: listing folders by the ignore rules and comparing them with the tree. **rescan**: of everything.
//! - **settled**: nothing is left to do for a node and everything below it.
//! - **freshness**: `fresh`, `stale`, `pending`, `failed` or `off`: how far a summary can be trusted.
//! - **barrier**: a file created in a watched folder. When its notification comes back, all earlier ones have come.
//! - **in flight**: a key that is looked up, requested or being stored, once for all nodes that wait for it.
//!
//! # Modules, in reading order
//!
//! - [`model`]: the things of the domain: paths, digests, outlines, keys, summaries.
//! - [`engine`]: decides what is stale, what to read and request, when, in which order. It reads no clock, disk, network
//!   or randomness: one event in, a list of effects out.
//! - `shell`: one module for each part of the outside world: rules, scan, read, watch, parse, offline, openai, redact,
//!   store, export. They do not know each other.
//! - `wire`: what crosses the socket, and what `--json` prints.
//! - `config`: the configuration, checked.
//! - `daemon`: the event loop that owns the engine, the workers that carry out its effects, the server.
//! - `client` talks to a daemon, `cli` to people, `mcp` to coding agents, `page` to a browser.
//!
//! Imports point one way: `model <- {engine, shell, wire} <- {config, daemon, client} <- {mcp, page} <- cli <- main`, and inside
//! the daemon as its own page says. A test enforces both. Engine and shell never meet: `daemon::work` carries out the
//! effects of the one with the other.
//!
//! # The path of a saved file
//!
//! 1. The **watch** sends a hint. The node is suspect from now on, and its ancestors are blocked.
//! 2. After a quiet time its folder is **listed**, by the same rules as at the start; its watch is set first.
//! 3. The listing is **compared** with the tree by stat. Changed files are **read**, parsed and digested, many in one job.
//!    An unchanged digest settles the node: first early cut-off.
//! 4. Syntax digest, language and provider make the **key**. With a provider that costs nothing, the same job writes and
//!    stores the summary. Otherwise the key is looked up: a stored summary (white space, an undo, a branch and back, a
//!    rename, a copy) settles the node: second cut-off.
//! 5. An unknown key is **requested** once, however many nodes wait for it. The content is read again first; a response
//!    counts only for the key that a node has when it comes.
//! 6. A summary that was paid for is **committed**: on disk before it is shown.
//! 7. The node is **settled**. A folder whose last child settled is ready: its key is made of its children's names and
//!    summaries, and it goes on at 4.
//!
//! Start, crash and lost notifications take the same path, from a listing of everything.
//!
//! # Invariants
//!
//! One mutable owner of the state. The engine cannot fail. One request in flight for one key. A parent waits for its
//! children. A response for an outdated key is never shown. A file that can never be summarized does not block the root.
//! What was paid for is stored before it is shown. Loss is never silent. Every queue is bounded, and a full one slows
//! its senders down.
//!
//! Deliberately absent: locks on the state (only the loop changes it), retries outside the engine, waiting inside it.

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
