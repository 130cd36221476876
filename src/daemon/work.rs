//! An effect, carried out by a thread or a task, becomes an event: one for one, even where the work panics.

pub mod batching;
mod listing;
pub mod pool;
pub mod requesting;
pub mod writer;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::engine::effect::{Depth, Effect};
use crate::engine::event::{Event, ReadProblem};
use crate::engine::view::NodeView;
use crate::model::contents::{ContentKind, Contents};
use crate::model::key::Kind;
use crate::model::listing::Listing;
use crate::model::path::{RelPath, RepoId};
use crate::model::record::NodeRecord;
use crate::model::summary::{Summary, SummaryDigest, SummaryKey};
use crate::model::usage::Usage;
use crate::shell::export;
use crate::wire::index;
use crate::wire::protocol::Node;

use crate::daemon::answers;
use crate::daemon::contents::read_file;
use crate::daemon::context::{Shared, today};
use crate::daemon::mailbox::Input;

use batching::Batching;
use listing::{list, lock};
use pool::Pool;
use requesting::Requester;
use writer::{Write, Writer};

/// Carries effects out.
pub struct Executor {
    shared: Arc<Shared>,
    pool: Pool,
    writer: Writer,
    asking: Requester,
    batching: Batching,
    /// In batches of earlier runs, which may still be with the endpoint.
    batched: Vec<SummaryKey>,
}

impl Executor {
    /// Starts the threads that do the work.
    pub fn new(shared: Arc<Shared>) -> anyhow::Result<Self> {
        let pool = Pool::start()?;
        let writer = Writer::start(
            Arc::clone(&shared.store),
            shared.inputs.clone(),
            shared.notes.clone(),
        )?;
        let asking = Requester::new(Arc::clone(&shared), pool.clone(), writer.clone());
        let left = match shared.mode.keeps() {
            false => Vec::new(),
            true => batching::left_over(&asking),
        };
        let lines = left.iter().flat_map(|batch| &batch.lines);
        let batched = lines.map(|line| line.key).collect();
        let batching = Batching::start(asking.clone(), left);
        Ok(Self {
            shared,
            pool,
            writer,
            asking,
            batching,
            batched,
        })
    }

    /// What earlier runs put into batches; to be told to the engine before anything else.
    pub fn batched(&mut self) -> Vec<SummaryKey> {
        std::mem::take(&mut self.batched)
    }

    /// No request begins any more.
    pub fn stop_asking(&self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
    }

    /// Returns when all that was to be written is written.
    pub async fn flush(&self) {
        self.writer.flush().await;
    }

    /// Begins one effect; its event follows.
    pub fn begin(&self, effect: Effect) {
        tracing::trace!(?effect);
        let dry = !self.shared.mode.keeps();
        match effect {
            Effect::Load(repo) => self.load(repo),
            Effect::List { repo, targets } => self.list(repo, targets),
            Effect::Forget { repo, paths } => self.forget(repo, &paths),
            Effect::Read { repo, node, path } => {
                let shared = Arc::clone(&self.shared);
                let job = move || read_file(&shared, repo, &path);
                let panicked = || {
                    Err(ReadProblem::Denied(
                        "an internal error while reading it".to_owned(),
                    ))
                };
                self.answered_by(job, panicked, move |result| Event::Read {
                    repo,
                    node,
                    result,
                });
            }
            Effect::LookUp(keys) => {
                let store = Arc::clone(&self.shared.store);
                let unknown: Vec<_> = keys.iter().map(|&key| (key, None)).collect();
                let job = move || {
                    keys.into_iter()
                        .map(|key| (key, words_of(&store, key)))
                        .collect()
                };
                self.answered_by(job, move || unknown, Event::LookedUp);
            }
            Effect::SummaryRequest(ask) => self.asking.ask(*ask),
            Effect::RequestBatch(asks) => {
                if let Some(event) = self.batching.ask(asks) {
                    self.send(event);
                }
            }
            Effect::Commit { key, .. } if dry => self.send(Event::Committed(key)),
            Effect::Commit { key, summary, paid } => {
                self.writer.write(Write::Summary { key, summary, paid })
            }
            Effect::Record { .. } if dry => {}
            Effect::Record { repo, records } => {
                if let Some(entry) = self.shared.registry.get(repo) {
                    self.writer.write(Write::Records {
                        root: entry.root,
                        records,
                    });
                }
            }
            Effect::Export {
                repo,
                directories,
                removed,
            } => self.export(repo, directories, removed),
            Effect::Spared { .. } if dry => {}
            Effect::Spared {
                repo,
                unchanged,
                spared,
            } => self.writer.write(Write::Usage {
                day: today(),
                root: self.shared.root_of(repo),
                delta: Usage {
                    unchanged,
                    spared,
                    ..Usage::default()
                },
            }),
            Effect::Tell { repo, news } => self.shared.followers.tell(repo, news),
            Effect::Notice(text) => {
                tracing::error!("{text}");
                self.shared.followers.notice(&text);
                self.shared.notes.set("model", text);
            }
            // The driver's own.
            Effect::Barrier(_) | Effect::Settled { .. } => {}
        }
    }

    fn send(&self, event: Event) {
        let inputs = self.shared.inputs.clone();
        tokio::spawn(async move { inputs.send(Input::Event(event)).await });
    }

    /// Has a job done by the pool; what it returns, or what stands for a panic, becomes the event.
    fn answered_by<T>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
        panicked: impl FnOnce() -> T + Send + 'static,
        event: impl FnOnce(T) -> Event + Send + 'static,
    ) {
        let inputs = self.shared.inputs.clone();
        self.pool.spawn(move || {
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
            let answer = outcome.unwrap_or_else(|_| panicked());
            inputs.send_blocking(Input::Event(event(answer)));
        });
    }

    fn load(&self, repo: RepoId) {
        let shared = Arc::clone(&self.shared);
        let job = move || load(&shared, repo);
        self.answered_by(job, Vec::new, move |records| Event::Loaded {
            repo,
            records,
        });
    }

    fn list(&self, repo: RepoId, targets: Vec<(RelPath, Depth)>) {
        let shared = Arc::clone(&self.shared);
        let nothing = targets.clone();
        let job = move || list(&shared, repo, &targets);
        // Nothing is known of them: they stay in doubt until they are touched again.
        let panicked = move || {
            tracing::error!("listing {nothing:?} failed inside");
            Listing::default()
        };
        self.answered_by(job, panicked, move |listing| Event::Listed {
            repo,
            listing,
        });
    }

    fn forget(&self, repo: RepoId, paths: &[RelPath]) {
        let watch = self.shared.watch.get();
        if let (Some(watch), Some(entry)) = (watch, self.shared.registry.get(repo)) {
            lock(&entry.unwatched)
                .directories
                .retain(|known| !paths.iter().any(|path| known.is_within(path)));
            for path in paths {
                watch.remove_directory(repo, &path.under(&entry.root));
            }
        }
    }

    fn export(&self, repo: RepoId, directories: Vec<NodeView>, removed: Vec<RelPath>) {
        let shared = Arc::clone(&self.shared);
        let job = move || {
            let (Some(entry), Some(folder)) =
                (shared.registry.get(repo), &shared.config.export.dir)
            else {
                return true;
            };
            let folder = entry.root.join(folder);
            let files = directories.into_iter().filter_map(|view| {
                let path = view.path.clone();
                match answers::node(&shared, repo, &view) {
                    Node::Directory(directory) => Some((path, index::render(&directory).ok()?)),
                    Node::File(_) => None,
                }
            });
            let topic = format!("export {}", entry.root.display());
            let outcome = export::update(&entry.root, &folder, files, &removed, &entry.exported);
            if let Err(error) = &outcome {
                let told = format!("{error}; see `[export] dir` in the configuration");
                tracing::warn!("{told}");
                shared.notes.set(&topic, told);
            } else {
                shared.notes.clear(&topic);
            }
            outcome.is_ok()
        };
        let panicked = || false;
        self.answered_by(job, panicked, move |written| Event::Exported {
            repo,
            written,
        });
    }
}

/// The digest of the words under a key, where the store has them.
fn words_of(store: &crate::shell::store::Store, key: SummaryKey) -> Option<SummaryDigest> {
    store
        .summary(key)
        .ok()
        .flatten()
        .as_ref()
        .map(Summary::digest)
}

fn load(shared: &Shared, repo: RepoId) -> Vec<(RelPath, NodeRecord)> {
    let Some(entry) = shared.registry.get(repo) else {
        return Vec::new();
    };
    let mut records = match shared.store.records(&entry.root) {
        Ok(records) => records,
        Err(error) => {
            tracing::warn!(
                "what was known of {} cannot be read: {error}",
                entry.root.display()
            );
            Vec::new()
        }
    };
    if let Some(folder) = &shared.config.export.dir
        && shared.mode.keeps()
    {
        // What was written out was a directory once. Where nothing else is known of it, its removal was cut short.
        let known: HashSet<RelPath> = records.iter().map(|(path, _)| path.clone()).collect();
        let left = export::written(&entry.root, &entry.root.join(folder)).into_iter();
        let left = left.filter(|path| !path.is_root() && !known.contains(path));
        records.extend(left.map(|path| {
            let record = NodeRecord {
                kind: Kind::Directory,
                ..NodeRecord::default()
            };
            (path, record)
        }));
    }
    // Another limit than the one it was read under: to be read again.
    for (_, record) in &mut records {
        let too_large = |contents: &Contents| contents.stat.size > shared.config.files.max_bytes;
        record.contents.take_if(|contents| {
            contents.content_kind != ContentKind::Secret
                && (contents.content_kind == ContentKind::TooLarge) != too_large(contents)
        });
    }
    records
}
