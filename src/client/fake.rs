//! A fake daemon for tests: one repository in memory, served through [`Access`].

#![allow(clippy::unwrap_used)]

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use tokio::sync::watch;

use crate::model::key::Kind;
use crate::model::outline::Element;
use crate::model::summary::Freshness;
use crate::wire::access::Access;
use crate::wire::cache::{CacheStatistics, CollectRequest, Collected, Verified};
use crate::wire::estimate::Estimate;
use crate::wire::events::{EventStream, StreamEvent, StreamEventKind};
use crate::wire::prompt::{Preview, PromptMessage, PromptRequest};
use crate::wire::protocol::*;
use crate::wire::search::{Search, SearchResults};
use crate::wire::shared::{ExchangeRequest, Exchanged};
use crate::wire::usage::{BudgetStatus, DayUsage, RepositoryUsage, Used};

/// The fake daemon.
#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) world: Arc<Mutex<World>>,
    /// Waits in progress: tests check that a dropped one ended.
    pub(crate) waits: watch::Sender<usize>,
}

/// Its state.
pub(crate) struct World {
    pub(crate) root: PathBuf,
    pub(crate) tree: Node,
    pub(crate) status: Status,
    /// The outcome of a wait; `None`: it never ends.
    pub(crate) waited: Option<WaitOutcome>,
    /// The problem that every request for a node returns.
    pub(crate) refusal: Option<Problem>,
    /// The calls so far, but for those that only read nodes or the status.
    pub(crate) log: Vec<String>,
}

impl Fake {
    pub(crate) fn new(root: impl Into<PathBuf>, tree: Node) -> Self {
        let root = root.into();
        Self {
            world: Arc::new(Mutex::new(World {
                status: status(vec![repository(&root.to_string_lossy())]),
                root,
                tree,
                waited: Some(WaitOutcome {
                    settled: true,
                    failed: Vec::new(),
                }),
                refusal: None,
                log: Vec::new(),
            })),
            waits: watch::Sender::new(0),
        }
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.world.lock().unwrap().log.clone()
    }
}

/// Counts a wait while it lives.
struct Waiting(watch::Sender<usize>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.send_modify(|waits| *waits -= 1);
    }
}

impl Access for Fake {
    async fn status(&self) -> Result<Status, Problem> {
        Ok(self.world.lock().unwrap().status.clone())
    }

    async fn node(&self, path: &Path, depth: usize) -> Result<Node, Problem> {
        let world = self.world.lock().unwrap();
        if let Some(refusal) = &world.refusal {
            return Err(refusal.clone());
        }
        let below = path.strip_prefix(&world.root).map_err(|_| {
            let detail = format!("{}: no repository", path.display());
            Problem::new(PROBLEM_NOT_WATCHED, detail)
        })?;
        let mut node = &world.tree;
        for name in below {
            node = children(node)
                .iter()
                .find(|child| bytes(child).rsplit(|&b| b == b'/').next() == Some(name.as_bytes()))
                .ok_or_else(|| Problem::new(PROBLEM_NO_NODE, format!("{name:?}: no node")))?;
        }
        Ok(cut(node, depth))
    }

    async fn search(&self, search: &Search) -> Result<SearchResults, Problem> {
        self.world.lock().unwrap().log.push(format!("{search:?}"));
        Ok(SearchResults {
            query: search.query.clone(),
            hits: Vec::new(),
            total: 0,
            freshness: Freshness::Fresh,
            unindexed: 0,
            notes: Vec::new(),
        })
    }

    async fn events(&self, path: Option<&Path>) -> Result<EventStream, Problem> {
        self.world
            .lock()
            .unwrap()
            .log
            .push(format!("events {path:?}"));
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        let mut settled =
            StreamEvent::new("2026-01-31T12:00:00Z".to_owned(), StreamEventKind::Settled);
        settled.repository = Some("/repo".to_owned());
        sender.send(Ok(settled)).await.unwrap();
        Ok(receiver)
    }

    async fn estimate(&self, path: &Path, _: bool) -> Result<Estimate, Problem> {
        self.world
            .lock()
            .unwrap()
            .log
            .push(format!("estimate {path:?}"));
        Ok(Estimate::default())
    }

    async fn snapshot(&self, path: &Path) -> Result<Node, Problem> {
        let mut world = self.world.lock().unwrap();
        world.log.push(format!("snapshot {path:?}"));
        Ok(world.tree.clone())
    }

    async fn prompt(&self, path: &Path) -> Result<Preview, Problem> {
        let message = |role: &str| PromptMessage {
            role: role.to_owned(),
            content: format!("{path:?}"),
        };
        Ok(Preview {
            path: String::new(),
            kind: Kind::File,
            provider: "openai".to_owned(),
            model: "m".to_owned(),
            base_url: "http://localhost/v1".to_owned(),
            to_be_sent: true,
            note: None,
            requests: vec![PromptRequest {
                messages: ["system", "user"].map(message).to_vec(),
                prompt_tokens: 1_200,
                max_output_tokens: 600,
                answered: false,
                exact: true,
            }],
        })
    }

    async fn cache(&self) -> Result<CacheStatistics, Problem> {
        Ok(CacheStatistics {
            summaries: 4,
            used: 3,
            oldest: Some("2025-01-31".to_owned()),
            ..CacheStatistics::default()
        })
    }

    async fn collect(&self, request: CollectRequest) -> Result<Collected, Problem> {
        let mut world = self.world.lock().unwrap();
        let CollectRequest {
            max_age_days,
            max_bytes,
        } = request;
        world
            .log
            .push(format!("collect {max_age_days:?} {max_bytes:?}"));
        Ok(Collected {
            summaries: 1,
            ..Collected::default()
        })
    }

    async fn exchange(&self, request: ExchangeRequest) -> Result<Exchanged, Problem> {
        self.world
            .lock()
            .unwrap()
            .log
            .push(format!("{:?}", request.action));
        Ok(Exchanged {
            url: "s3://team".to_owned(),
            here: 3,
            there: 5,
            chosen: 2,
            ..Exchanged::default()
        })
    }

    async fn verify(&self) -> Result<Verified, Problem> {
        self.world.lock().unwrap().log.push("verify".to_owned());
        Ok(Verified {
            damaged: vec!["the journal has 1 damaged place".to_owned()],
            lost: 1,
            ..Verified::default()
        })
    }

    async fn watch(&self, path: &Path, keep: bool) -> Result<Repository, Problem> {
        let mut world = self.world.lock().unwrap();
        world.log.push(format!("watch {path:?} {keep}"));
        let added = repository(&path.to_string_lossy());
        world.status.repositories = vec![added.clone()];
        world.root = path.to_path_buf();
        Ok(added)
    }

    async fn confirm(&self, path: &Path) -> Result<(), Problem> {
        let mut world = self.world.lock().unwrap();
        world.log.push(format!("confirm {path:?}"));
        Ok(())
    }

    async fn unwatch(&self, path: &Path) -> Result<(), Problem> {
        let mut world = self.world.lock().unwrap();
        world.log.push(format!("unwatch {path:?}"));
        if world.root == path {
            return Ok(());
        }
        Err(Problem::new(PROBLEM_NOT_WATCHED, "not that one"))
    }

    async fn wait(
        &self,
        path: Option<&Path>,
        timeout: Option<Duration>,
    ) -> Result<WaitOutcome, Problem> {
        self.waits.send_modify(|waits| *waits += 1);
        let _waiting = Waiting(self.waits.clone());
        let waited = {
            let mut world = self.world.lock().unwrap();
            world.log.push(format!("wait {path:?} {timeout:?}"));
            world.waited.clone()
        };
        match (waited, timeout) {
            (Some(waited), _) => Ok(waited),
            (None, Some(_)) => Err(Problem::new(
                PROBLEM_TIMEOUT,
                "2 files are still to be read",
            )),
            (None, None) => std::future::pending().await,
        }
    }
}

fn children(node: &Node) -> &[Node] {
    match node {
        Node::Directory(directory) => directory.children.as_deref().unwrap_or_default(),
        Node::File(_) => &[],
    }
}

fn bytes(node: &Node) -> Vec<u8> {
    let common = node.common();
    match &common.path_base64 {
        Some(text) => base64::engine::general_purpose::STANDARD
            .decode(text)
            .unwrap(),
        None => common.path.clone().into_bytes(),
    }
}

fn cut(node: &Node, depth: usize) -> Node {
    match node {
        Node::File(_) => node.clone(),
        Node::Directory(directory) => Node::Directory(DirectoryNode {
            common: directory.common.clone(),
            left_out: directory.left_out.clone(),
            children: (depth > 0).then(|| {
                children(node)
                    .iter()
                    .map(|child| cut(child, depth - 1))
                    .collect()
            }),
            ..*directory
        }),
    }
}

/// The common fields of a node, with a fresh summary.
pub(crate) fn common(path: impl AsRef<[u8]>, summary: &str) -> Common {
    let bytes = path.as_ref();
    Common {
        path: String::from_utf8_lossy(bytes).into_owned(),
        path_base64: std::str::from_utf8(bytes)
            .is_err()
            .then(|| base64::engine::general_purpose::STANDARD.encode(bytes)),
        digest: Some("00".repeat(16)),
        line: Some(crate::model::summary::first_sentence(summary).to_owned()),
        summary: Some(summary.to_owned()),
        freshness: Freshness::Fresh,
        error: None,
        model: Some("offline".to_owned()),
        draft: false,
    }
}

/// A file with one function.
pub(crate) fn file(path: impl AsRef<[u8]>, summary: &str) -> Node {
    Node::File(FileNode {
        common: common(path, summary),
        language: Some("python".to_owned()),
        bytes: 12,
        elements: vec![Element {
            kind: "function".to_owned(),
            name: "run".to_owned(),
            qualified_name: "run".to_owned(),
            signature: "def run(x)".to_owned(),
            decorators: Vec::new(),
            line_start: 3,
            line_end: 14,
            docstring: None,
        }],
        imports: vec!["os".to_owned()],
        docstring: None,
        partial: false,
        missing_lines: Vec::new(),
        withheld: None,
    })
}

/// A directory with these children.
pub(crate) fn directory(path: &str, summary: &str, children: Vec<Node>) -> Node {
    Node::Directory(DirectoryNode {
        common: common(path, summary),
        files: children.len() as u64,
        directories: 0,
        left_out: Vec::new(),
        children: Some(children),
    })
}

/// A small repository.
pub(crate) fn tree() -> Node {
    directory(
        "",
        "A small program. It has two parts.",
        vec![
            file("main.py", "Starts it. Nothing else."),
            directory("src", "The parts.", vec![file("src/a.py", "Does a.")]),
        ],
    )
}

/// An idle repository.
pub(crate) fn repository(path: &str) -> Repository {
    Repository {
        path: path.to_owned(),
        state: RepositoryState::Idle,
        files: 2,
        directories: 2,
        fresh: 4,
        stale: 0,
        pending: 0,
        failed: 0,
        off: 0,
        watch: "native".to_owned(),
        watches: 2,
        last_change: None,
        progress: Progress::default(),
        used: Used {
            requests: 7,
            cost: Some(0.25),
            ..Used::default()
        },
        notes: Vec::new(),
        unreadable: Vec::new(),
        awaiting_confirmation: None,
        hot: Vec::new(),
        excluded: Vec::new(),
    }
}

/// An idle daemon.
pub(crate) fn status(repositories: Vec<Repository>) -> Status {
    Status {
        version: "0.1.0".to_owned(),
        pid: 7,
        uptime_seconds: 61.5,
        provider: "offline".to_owned(),
        model: None,
        repositories,
        requests: Requests {
            limit: 10,
            ..Requests::default()
        },
        store: StoreStatus {
            summaries: 4,
            bytes: 2_048,
        },
        usage: vec![DayUsage {
            day: "2026-01-31".to_owned(),
            used: Used::default(),
            repositories: vec![RepositoryUsage {
                path: Some("/repo".to_owned()),
                used: Used::default(),
            }],
        }],
        budget: Some(BudgetStatus {
            max_requests: 100,
            max_tokens: 0,
            max_cost: 0.5,
            requests: 7,
            tokens: 0,
            cost: 0.25,
            spent: false,
            until: "2026-02-01T00:00:00Z".to_owned(),
        }),
        notes: Vec::new(),
        paused_until: None,
        daemon: None,
        shared: None,
    }
}
