//! An effect, carried out by a thread or a task, becomes an event: one for one, even where the work panics.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::engine::effect::{Depth, Effect};
use crate::engine::event::{Event, ReadProblem};
use crate::engine::view::NodeView;
use crate::model::contents::{Contents, Matter};
use crate::model::digest::{Digest, Hasher};
use crate::model::language::Language;
use crate::model::listing::Listing;
use crate::model::path::{RelPath, RepoId};
use crate::model::recipe::Kind;
use crate::model::record::NodeRecord;
use crate::model::stat::Stat;
use crate::model::summary::{Summary, SummaryDigest, SummaryKey};
use crate::model::usage::Usage;
use crate::shell::read::ReadError;
use crate::shell::rules::Rules;
use crate::shell::watch::{Watch, WatchError, remote_kind};
use crate::shell::{export, lstat, parse, read, scan};

use crate::wire::index;
use crate::wire::protocol::Node;

use super::asking::Asking;
use super::batching::{self, Batching};
use super::driver::Input;
use super::handle::Shared;
use super::pool::{Pool, threads};
use super::registry::Entry;
use super::writer::{Write, Writer};
use super::{answers, asking};

/// How often a listing is repeated because rule files changed under it.
const RULE_ROUNDS: usize = 3;

/// Carries effects out.
pub struct Executor {
    shared: Arc<Shared>,
    watch: Option<Arc<Watch>>,
    pool: Pool,
    writer: Writer,
    asking: Asking,
    batching: Batching,
    /// In batches of earlier runs, which may still be with the endpoint.
    batched: Vec<SummaryKey>,
}

impl Executor {
    /// Starts the threads that do the work.
    pub fn new(shared: Arc<Shared>, watch: Option<Arc<Watch>>) -> anyhow::Result<Self> {
        let pool = Pool::start()?;
        let writer = Writer::start(
            Arc::clone(&shared.store),
            shared.inputs.clone(),
            shared.notes.clone(),
        )?;
        let asking = Asking::new(Arc::clone(&shared), pool.clone(), writer.clone());
        let left = match shared.mode.keeps() {
            false => Vec::new(),
            true => batching::left_over(&asking),
        };
        let lines = left.iter().flat_map(|batch| &batch.lines);
        let batched = lines.map(|line| line.key).collect();
        let batching = Batching::start(asking.clone(), left);
        Ok(Self {
            shared,
            watch,
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
            Effect::Ask(ask) => self.asking.ask(*ask),
            Effect::AskBatch(asks) => {
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
                day: asking::today(),
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
        let watch = self.watch.clone();
        let nothing = targets.clone();
        let job = move || list(&shared, watch.as_deref(), repo, &targets);
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
        if let (Some(watch), Some(entry)) = (&self.watch, self.shared.registry.get(repo)) {
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
                match answers::node(&shared, repo, view) {
                    Node::Directory(directory) => Some((path, index::render(&directory).ok()?)),
                    Node::File(_) => None,
                }
            });
            let topic = format!("export {}", entry.root.display());
            let outcome = export::update(&entry.root, &folder, files, &removed);
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
            contents.matter != Matter::Secret
                && (contents.matter == Matter::TooLarge) != too_large(contents)
        });
    }
    records
}

fn list(
    shared: &Shared,
    watch: Option<&Watch>,
    repo: RepoId,
    targets: &[(RelPath, Depth)],
) -> Listing {
    let Some(entry) = shared.registry.get(repo) else {
        return Listing::default();
    };
    let lost = || {
        let inputs = shared.inputs.clone();
        inputs.send_blocking(Input::Event(Event::Lost(repo)));
    };
    let is_all = |(path, depth): &(RelPath, Depth)| path.is_root() && *depth == Depth::Everything;
    let all = targets.iter().any(is_all);
    // A look at everything believes nothing from before, and one at what nobody notifies of neither.
    let polled = watch.is_none() || entry.is_polled();
    if (all || polled) && !entry.rules().is_current() {
        entry.reload_or_say_why();
        if !all {
            lost();
        }
    }
    let mut listing = list_once(watch, &entry, &entry.rules(), targets);
    for _ in 0..RULE_ROUNDS {
        if !rule_files_changed(&entry, &listing, polled) {
            break;
        }
        entry.reload_or_say_why();
        // What a rule file says matters for all that lies below it: everything below its folder is looked at.
        if !all {
            lost();
        }
        listing = list_once(watch, &entry, &entry.rules(), targets);
    }
    if entry.follow_outside_after_look(watch, all) {
        lost();
    }
    if watch.is_some() {
        tell_what_is_polled(shared, &entry, &listing.gone);
    }
    listing
}

fn list_once(
    watch: Option<&Watch>,
    entry: &Entry,
    rules: &Rules,
    targets: &[(RelPath, Depth)],
) -> Listing {
    let before_listing = |path: &RelPath, directory: &std::path::Path| {
        let Some(watch) = watch else { return };
        let refused = match watch.add_directory(entry.repo, directory) {
            // It is gone, or will be told of when its mode changes.
            Ok(()) | Err(WatchError::Gone(_) | WatchError::Denied(_)) => None,
            Err(error) => Some(error.to_string()),
        };
        let mut unwatched = lock(&entry.unwatched);
        match refused {
            None => {
                unwatched.directories.remove(path);
            }
            Some(reason) => {
                tracing::debug!("{} is not watched: {reason}", directory.display());
                unwatched.directories.insert(path.clone());
                unwatched.reason = reason;
            }
        }
    };
    let mut listing = Listing::default();
    for (path, depth) in targets {
        let whole = *depth == Depth::Everything;
        let found = scan::scan(&entry.root, rules, path, whole, threads(), &before_listing);
        listing.directories.extend(found.directories);
        listing.gone.extend(found.gone);
    }
    listing
}

/// Tells the loop, and people, what nobody notifies of, where that has changed.
fn tell_what_is_polled(shared: &Shared, entry: &Entry, gone: &[RelPath]) {
    let mut unwatched = lock(&entry.unwatched);
    unwatched
        .directories
        .retain(|path| !gone.iter().any(|gone| path.is_within(gone)));
    unwatched.remote = remote_kind(&entry.root);
    let Some(polled) = unwatched.news() else {
        return;
    };
    let topic = format!("watch {}", entry.root.display());
    match unwatched.note(shared.config.watch.poll_seconds) {
        Some(note) => {
            tracing::warn!("{}: {note}", entry.root.display());
            shared.notes.set(&topic, note);
        }
        None => shared.notes.clear(&topic),
    }
    drop(unwatched);
    let repo = entry.repo;
    shared
        .inputs
        .send_blocking(Input::Event(Event::Polled { repo, polled }));
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the listing shows other rule files than were known. The first look only takes note of them. `look_closely`:
/// nobody notifies of some, and those that are ignored themselves are in no listing.
fn rule_files_changed(entry: &Entry, listing: &Listing, look_closely: bool) -> bool {
    let mut seen = lock(&entry.rule_files);
    let first = seen.is_none();
    let known = seen.get_or_insert_default();
    let mut changed = false;
    for directory in &listing.directories {
        let listed = directory
            .entries
            .iter()
            .filter(|entry| Rules::is_rule_file(&entry.name))
            .filter_map(|entry| Some((directory.path.join(&entry.name), entry.file?)));
        let mut here: HashMap<RelPath, Stat> = listed.collect();
        if look_closely {
            let paths = Rules::file_names().map(|name| directory.path.join(name.as_bytes()));
            let ignored = paths
                .into_iter()
                .filter_map(|path| Some((path.clone(), lstat::look(&path.under(&entry.root))?)));
            here.extend(ignored);
        }
        known.retain(|path, _| {
            let gone = path.parent().as_ref() == Some(&directory.path) && !here.contains_key(path);
            changed |= gone;
            !gone
        });
        for (path, stat) in here {
            changed |= known.insert(path, stat) != Some(stat);
        }
    }
    changed && !first
}

fn read_file(shared: &Shared, repo: RepoId, path: &RelPath) -> Result<Contents, ReadProblem> {
    let entry = shared.registry.get(repo).ok_or(ReadProblem::Gone)?;
    let reading = read::read(&entry.root, path, shared.config.files.max_bytes).map_err(
        |error| match error {
            ReadError::Gone | ReadError::NotRegular => ReadProblem::Gone,
            ReadError::Moving | ReadError::Crowded(_) => ReadProblem::Moving,
            other => ReadProblem::Denied(other.to_string()),
        },
    )?;
    let mut contents = Contents {
        stat: reading.stat,
        observed_ms: reading.observed_ms,
        digest: reading.digest,
        syntax: reading.digest,
        language: reading.language,
        matter: reading.matter,
    };
    if let Some(bytes) = reading.bytes {
        let (syntax, _) = outline(shared, contents.language, contents.digest, || Some(bytes))
            .ok_or(ReadProblem::Gone)?;
        contents.syntax = syntax;
    }
    Ok(contents)
}

/// The syntax digest and the outline of a content: from the store, or parsed from the bytes.
pub fn outline(
    shared: &Shared,
    language: Option<Language>,
    digest: Digest,
    bytes: impl FnOnce() -> Option<Vec<u8>>,
) -> Option<(Digest, crate::model::outline::Outline)> {
    let key = outline_key(language, digest);
    if let Ok(Some(known)) = shared.store.outline(key) {
        return Some(known);
    }
    let parsed = parse::parse(language, &bytes()?, digest);
    if shared.mode.keeps()
        && let Err(error) = shared
            .store
            .put_outline(key, parsed.syntax, &parsed.outline)
    {
        // One note for all of them: on a full disk there would be a line for each file.
        shared
            .notes
            .set("store", format!("outlines cannot be kept: {error}"));
    }
    Some((parsed.syntax, parsed.outline))
}

/// What an outline is stored under.
pub fn outline_key(language: Option<Language>, digest: Digest) -> Digest {
    let mut hasher = Hasher::new("outline.1");
    hasher.number(u64::from(parse::VERSION));
    hasher.field(language.map_or("", Language::name).as_bytes());
    hasher.digest(digest);
    hasher.finish()
}

/// The text of a file whose content still has the digest, for a prompt.
pub fn text_of(
    shared: &Shared,
    repo: RepoId,
    path: &RelPath,
    digest: Digest,
) -> Result<String, asking::Moved> {
    let entry = shared.registry.get(repo).ok_or(asking::Moved)?;
    let reading =
        read::read(&entry.root, path, shared.config.files.max_bytes).map_err(|_| asking::Moved)?;
    let bytes = reading
        .bytes
        .filter(|_| reading.digest == digest)
        .ok_or(asking::Moved)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
