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
//! - **record**: what the store keeps about a node: its last reading and its summary's key.
//! - **hint**: a notification that something may have changed at a path. Hints can be lost; the loss is reported.
//! - **suspect**: a hint concerns the node, and no scan has confirmed it since. A suspect node is never fresh.
//! - **scan**: listing folders by the ignore rules and comparing them with the tree. **rescan**: of everything.
//! - **settled**: nothing is left to do for a node and everything below it.
//! - **freshness**: `fresh`, `stale`, `pending`, `failed` or `off`: how far a summary can be trusted.
//! - **barrier**: waits for a cookie, a file created in a watched folder: its notification follows all earlier ones.
//! - **in flight**: a key is being looked up, requested or stored, once for all nodes that wait for it.
//!
//! # Modules, in reading order
//!
//! - [`model`]: the things of the domain: paths, digests, outlines, keys, summaries.
//! - [`engine`]: decides what is stale, what to read and request, when, in which order. It reads no clock, disk, network
//!   or randomness: one event in, a list of effects out.
//! - `shell`: one module for each part of the outside world: rules, scan, read, watch, parse, offline, openai, redact,
//!   store, export and others. They do not know each other, except four shared ones that `shell` names.
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
//!    rename, a copy) settles the node: second early cut-off.
//! 5. An unknown key is **requested** once, however many nodes wait for it. The content is read again first; a response
//!    counts only for the key that a node has when it comes.
//! 6. A summary that was paid for is **committed**: on disk before it is shown.
//! 7. The node is **settled**. A folder whose last child has settled is ready: its key is made of its children's names and
//!    summaries, and step 4 follows for it.
//!
//! A start, a restart after a crash and a lost notification take the same path, beginning with a full scan.
//!
//! # Invariants
//!
//! One mutable owner of the state. The engine cannot fail. One request in flight for one key. A parent waits for its
//! children. A response for an outdated key is never shown. A file that can never be summarized does not block the root.
//! What was paid for is stored before it is shown. Loss is never silent. Every queue is bounded, and a full one slows
//! its senders down.
//!
//! Deliberately absent: locks on the state (only the loop changes it), retries outside the engine, waiting inside it.
//!
//! # Where to make a change
//!
//! | change | files |
//! | --- | --- |
//! | a configuration key | `config.rs` (field, default), `config/load.rs` (read and check); `config.example.toml`, `docs/configuration.md` |
//! | a command | `cli.rs` (variant of `Command`, dispatch), `cli/NAME.rs`; a test in `tests/suite/cli.rs` |
//! | an argument of an MCP tool | `mcp/tools.rs` (schema), `mcp/tools/TOOL.rs` (field of its arguments); `docs/mcp.md` |
//! | a provider | `daemon/provider/NAME.rs` (implements `Provider`), a row of `PROVIDERS` in `daemon/provider.rs`, a name in `config.rs` and `config/load.rs` |
//! | a language | a row in `shell/parse/table/rows`, `shell/parse/queries/NAME.scm`, a sample and its outline in `tests/samples`, a row of `LANGUAGES` in `model/language.rs`; `docs/languages.md` |
//! | an ignore file | `RULE_FILES` in `shell/rules/level.rs`; one that keeps content from models only: `FILES` in `shell/rules/withheld.rs` |
//! | a redaction rule | a row of `FORMATS` in `shell/redact/vendors.rs` or of `RULES` in `shell/redact/structure.rs` (with its sample, which a test reads) |
//! | a freshness word | `Freshness` in `model/summary.rs`, `engine/view.rs` (decides), then the matches that the compiler names; `openapi.json`, `page/page.js` |
//! | a status field | `Status` in `wire/protocol.rs`, `daemon/answers/status.rs` (fills it), `cli/render/status.rs` (shows it), `client/fake.rs`, `openapi.json` |
//! | an export format | a renderer in `wire` or `page`, `Format` in `cli/export/documents.rs`; a maintained one also: `Format` in `config.rs`, `config/check.rs`, `daemon/work/exporting.rs` |

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
