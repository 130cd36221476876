//! The watched repositories: number, root, rules; and the notes for people.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tokio::sync::Notify;

use crate::config::{Config, Generated};
use crate::engine::event::Polled;
use crate::model::path::{RelPath, RepoId};
use crate::model::stat::Stat;
use crate::shell::export::Known;
use crate::shell::mounts;
use crate::shell::rules::{FileRules, Rules, RulesError};
use crate::shell::watch::Watch;

/// A watched repository.
#[derive(Clone)]
pub struct Entry {
    /// Its number.
    pub repo: RepoId,
    /// Its root, canonical.
    pub root: PathBuf,
    /// Its ignore rules; replaced when a rule file changes.
    pub rules: Arc<RwLock<Arc<Rules>>>,
    /// The rule files of the last scan, to detect changes without notifications; `None` before the first scan.
    pub rule_files: Arc<Mutex<Option<HashMap<RelPath, Stat>>>>,
    /// Directories without a watch, and why.
    pub unwatched: Arc<Mutex<Unwatched>>,
    /// The root without links at the last full scan: a folder that was moved and is a link at its old place is still
    /// found by it.
    pub real: Arc<Mutex<PathBuf>>,
    /// The files written into the export folder.
    pub exported: Arc<Known>,
    /// The mounts in it before the last full scan; `None` before the first.
    mounts: Arc<Mutex<Option<Vec<Vec<u8>>>>>,
    /// Held while the rules are read, so that the newest ones win.
    reloading: Arc<Mutex<()>>,
    /// The rule files outside the tree whose folders are watched.
    inputs: Arc<Mutex<BTreeSet<PathBuf>>>,
    options: Arc<FileRules>,
    /// Whether it is a linked work tree of git, as it was when it was added.
    pub is_linked: bool,
}

/// What is polled in a repository.
#[derive(Debug, Default)]
pub struct Unwatched {
    /// Directories without a watch.
    pub directories: BTreeSet<RelPath>,
    /// Why the last of them has none.
    pub reason: String,
    /// Why an enclosing folder with rule files has none.
    pub around: Option<String>,
    /// The kind of file system, if the root is on one that does not report all changes.
    pub remote: Option<&'static str>,
    /// What was last sent to the event loop.
    pub reported: Polled,
}

impl Unwatched {
    /// What to poll, if that differs from what was last sent to the event loop.
    pub fn take_change(&mut self) -> Option<Polled> {
        let mut directories = self.directories.clone();
        if self.around.is_some() {
            // A poll of the root checks the enclosing folders.
            directories.insert(RelPath::root());
        }
        let now = match (self.remote, directories.is_empty()) {
            (Some(_), _) => Polled::Everything,
            (None, true) => Polled::Nothing,
            (None, false) => Polled::Directories(directories),
        };
        let changed = now != self.reported;
        self.reported.clone_from(&now);
        changed.then_some(now)
    }

    /// The note about it, if there is anything to say.
    pub fn note(&self, poll_seconds: u64) -> Option<String> {
        if let Some(kind) = self.remote {
            return Some(format!(
                "{}: polled every {poll_seconds} s",
                unreported(kind)
            ));
        }
        let folders = match (self.directories.len(), &self.around) {
            (0, None) => return None,
            (0, Some(_)) => "the enclosing folder is".to_owned(),
            (1, _) => "1 folder is".to_owned(),
            (many, _) => format!("{many} folders are"),
        };
        let reason = match (self.directories.is_empty(), &self.around) {
            (true, Some(reason)) => reason,
            _ => &self.reason,
        };
        Some(format!("{folders} polled every {poll_seconds} s: {reason}"))
    }
}

/// Why a path on such a file system is polled.
pub fn unreported(kind: &str) -> String {
    format!("is on a file system ({kind}) that does not report all changes")
}

/// The most attempts to read rules that change meanwhile.
const RULE_ROUNDS: usize = 4;

impl Entry {
    /// The current rules.
    pub fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether some of it is polled.
    pub fn is_polled(&self) -> bool {
        let unwatched = self
            .unwatched
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        unwatched.reported != Polled::Nothing
            || unwatched.around.is_some()
            || !unwatched.directories.is_empty()
    }

    /// Whether it is on a file system that does not report all changes.
    pub fn is_remote(&self) -> bool {
        let unwatched = self
            .unwatched
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        unwatched.remote.is_some()
    }

    /// Records where the root is; called at a full scan.
    pub fn note_real(&self) {
        if let Ok(now) = self.root.canonicalize() {
            *self.real.lock().unwrap_or_else(PoisonError::into_inner) = now;
        }
    }

    /// The root without links. A file system that may hang is not accessed: the last record is used.
    fn real_root(&self) -> PathBuf {
        if !self.is_remote() {
            self.note_real();
        }
        let real = self.real.lock().unwrap_or_else(PoisonError::into_inner);
        real.clone()
    }

    /// Records the mounts in it; called before a full scan.
    pub fn note_mounts(&self) {
        let now = mounts::at_or_below(&self.root);
        *self.mounts.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }

    /// Whether anything was mounted in it at the last full scan.
    pub fn has_mounts(&self) -> bool {
        let known = self.mounts.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().is_some_and(|known| !known.is_empty())
    }

    /// Whether the mounts in it changed: then a full scan is needed.
    pub fn mounts_changed(&self) -> bool {
        let known = self.mounts.lock().unwrap_or_else(PoisonError::into_inner);
        let now = || mounts::at_or_below(&self.root);
        known.as_ref().is_some_and(|known| *known != now())
    }

    /// Rereads the rules.
    pub fn reload_rules(&self) -> Result<(), RulesError> {
        let _reloading = self
            .reloading
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let rules = Arc::new(Rules::open(&self.root, &self.options)?);
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = rules;
        Ok(())
    }

    /// Watches the rule files outside the tree, and reads the rules again if they changed before. Returns whether they
    /// did: then a full rescan is needed. `seen_all`: the rules have seen the whole tree, so files that they do not name
    /// are no inputs any more.
    pub fn follow_outside(&self, watch: Option<&Watch>, seen_all: bool) -> bool {
        let mut reloaded = false;
        for _ in 0..RULE_ROUNDS {
            let rules = self.rules();
            let mut inputs: BTreeSet<PathBuf> = rules.outside_inputs().into_iter().collect();
            let mut known = self.inputs.lock().unwrap_or_else(PoisonError::into_inner);
            if reloaded || !seen_all {
                inputs.extend(known.iter().cloned());
            }
            *known = inputs;
            if let Some(watch) = watch {
                let inputs: Vec<PathBuf> = known.iter().cloned().collect();
                let refused =
                    watch.add_repository(self.repo, &self.root, &inputs, &rules.lock_files());
                let mut unwatched = self
                    .unwatched
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                unwatched.around = refused.map(|error| error.to_string());
            }
            drop(known);
            if rules.is_current() {
                break;
            }
            self.reload_or_say_why();
            reloaded = true;
        }
        reloaded
    }

    /// The same after a scan, if it found inputs that are not watched, or watched ones that are no inputs any more.
    pub fn follow_outside_after_look(&self, watch: Option<&Watch>, seen_all: bool) -> bool {
        let met: BTreeSet<PathBuf> = self.rules().outside_inputs().into_iter().collect();
        let known = self.inputs.lock().unwrap_or_else(PoisonError::into_inner);
        let same = met == *known || (!seen_all && met.is_subset(&known));
        drop(known);
        let refused = self
            .unwatched
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .around
            .is_some();
        let unwatched = watch.is_some_and(|watch| watch.lacks_around(self.repo));
        (!same || refused || unwatched) && self.follow_outside(watch, seen_all)
    }

    /// Rereads the rules; keeps the earlier ones if that fails.
    pub fn reload_or_say_why(&self) {
        if let Err(error) = self.reload_rules() {
            tracing::warn!(
                "{}: {error}; the earlier rules stay in use",
                self.root.display()
            );
        }
    }
}

/// The repositories, by number; cheap to share.
#[derive(Clone, Default)]
pub struct Registry {
    entries: Arc<Mutex<Entries>>,
}

#[derive(Default)]
struct Entries {
    by_repo: BTreeMap<RepoId, Entry>,
    last: u32,
}

impl Entries {
    fn at(&self, root: &Path) -> Option<Entry> {
        let mut entries = self.by_repo.values();
        entries.find(|entry| entry.root == root).cloned()
    }
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a repository; returns whether it is new. The program's own folder `own` is never part of it.
    pub fn add(
        &self,
        root: &Path,
        options: &FileRules,
        own: &Path,
    ) -> Result<(Entry, bool), RulesError> {
        if let Some(known) = self.at(root) {
            return Ok((known, false));
        }
        let options = &leaving_out(options.clone(), root, own);
        let rules = Arc::new(RwLock::new(Arc::new(Rules::open(root, options)?)));
        let mut entries = self.lock();
        // Another request may have added it meanwhile.
        if let Some(known) = entries.at(root) {
            return Ok((known, false));
        }
        entries.last += 1;
        let entry = Entry {
            repo: RepoId(entries.last),
            root: root.to_path_buf(),
            rules,
            rule_files: Arc::default(),
            unwatched: Arc::default(),
            real: Arc::new(Mutex::new(root.to_path_buf())),
            exported: Arc::default(),
            mounts: Arc::default(),
            reloading: Arc::default(),
            inputs: Arc::default(),
            options: Arc::new(options.clone()),
            is_linked: root.join(".git").is_file(),
        };
        entries.by_repo.insert(entry.repo, entry.clone());
        Ok((entry, true))
    }

    /// Removes a repository.
    pub fn remove(&self, repo: RepoId) {
        self.lock().by_repo.remove(&repo);
    }

    /// The repository with that number.
    pub fn get(&self, repo: RepoId) -> Option<Entry> {
        self.lock().by_repo.get(&repo).cloned()
    }

    /// The repository with that root.
    pub fn at(&self, root: &Path) -> Option<Entry> {
        self.lock().at(root)
    }

    /// All of them, by path.
    pub fn all(&self) -> Vec<Entry> {
        let mut all: Vec<Entry> = self.lock().by_repo.values().cloned().collect();
        all.sort_by(|one, other| one.root.cmp(&other.root));
        all
    }

    /// The repository whose root leads to `real` through links.
    pub fn behind(&self, real: &Path) -> Option<Entry> {
        let all = self.all().into_iter();
        all.into_iter().find(|entry| entry.real_root() == real)
    }

    /// The innermost repository that contains `path` behind links, and the path in it. Reads the disk; for paths that
    /// are below no root by name.
    pub fn holding_behind(&self, path: &Path) -> Option<(Entry, RelPath)> {
        let all = self.all().into_iter();
        let held = all.filter_map(|entry| {
            let real = entry.real_root();
            let path = RelPath::below(&real, path)?;
            Some((real, entry, path))
        });
        let (_, entry, path) = held.max_by_key(|(real, ..)| real.as_os_str().len())?;
        Some((entry, path))
    }

    /// The innermost repository that contains `path`, and the path in it; with `within`, the one with that root.
    pub fn holding(&self, path: &Path, within: Option<&Path>) -> Option<(Entry, RelPath)> {
        self.lock()
            .by_repo
            .values()
            .filter(|entry| within.is_none_or(|root| entry.root == root))
            .filter_map(|entry| Some((entry.clone(), RelPath::below(&entry.root, path)?)))
            .max_by_key(|(entry, _)| entry.root.as_os_str().len())
    }
}

/// The file rules of the configuration.
pub fn file_rules(config: &Config) -> FileRules {
    let export_dir = config.export.dir.as_ref();
    FileRules {
        include: config.files.include.clone(),
        exclude: config.files.exclude.clone(),
        export_dir: export_dir.map(|dir| dir.to_string_lossy().into_owned()),
        defaults: config.files.defaults,
        attributes: config.files.generated == Generated::Line,
    }
}

/// The same, excluding the program's own folder if that is in the repository.
pub fn leaving_out(mut options: FileRules, root: &Path, own: &Path) -> FileRules {
    if let Some(below) = RelPath::below(root, own).filter(|below| !below.is_root()) {
        options.exclude.push(literal_glob(&below));
    }
    options
}

/// A glob that matches this path only.
fn literal_glob(path: &RelPath) -> String {
    let mut glob = String::from("/");
    for character in path.to_text().chars() {
        if "*?[]{}!#\\ ".contains(character) {
            glob.push('\\');
        }
        glob.push(character);
    }
    glob
}

/// The topic of a note about one repository; all of its topics begin with the one without `what`. A NUL ends the path, so
/// that a folder is not confused with one whose name begins alike.
pub fn repository_topic(root: &Path, what: &str) -> String {
    format!("watch {}\0{what}", root.display())
}

/// Notes for people by topic: the newest of each.
#[derive(Clone, Default)]
pub struct Notes {
    notes: Arc<Mutex<BTreeMap<String, String>>>,
    added: Arc<Notify>,
}

impl Notes {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the note of a topic.
    pub fn set(&self, topic: &str, text: impl Into<String>) {
        self.lock().insert(topic.to_owned(), text.into());
        self.added.notify_waiters();
    }

    /// Returns when the next note is set.
    pub async fn added(&self) {
        self.added.notified().await;
    }

    /// Removes the note on a topic.
    pub fn clear(&self, topic: &str) {
        self.lock().remove(topic);
    }

    /// Removes the notes on all topics with this prefix.
    pub fn clear_all(&self, prefix: &str) {
        self.lock().retain(|topic, _| !topic.starts_with(prefix));
    }

    /// The notes on all topics with this prefix, in order.
    pub fn about(&self, prefix: &str) -> Vec<String> {
        let notes = self.lock();
        let found = notes.iter().filter(|(topic, _)| topic.starts_with(prefix));
        found.map(|(_, text)| text.clone()).collect()
    }
}
