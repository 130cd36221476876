//! Adds, finds and removes repositories.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::client::locate::{is_work_tree, work_tree};
use crate::daemon::context::registry::{Entry, repository_topic};
use crate::daemon::mailbox::Input;
use crate::engine::event::Event;
use crate::model::path::RelPath;
use crate::shell::rules::Rules;
use crate::shell::scan;
use crate::wire::protocol::{PROBLEM_BAD_REQUEST, PROBLEM_INTERNAL, PROBLEM_NOT_WATCHED, Problem};

use super::{Handle, blocking};

impl Handle {
    /// Adds the folders of the configuration and those added by `watch` earlier.
    ///
    /// # Errors
    /// One of `more` is not a folder. The others stay even if they are missing: a disk may be mounted later.
    pub(in crate::daemon) fn watch_known(&self, more: &[PathBuf]) -> Result<(), Problem> {
        let kept = self.context.store.repositories().unwrap_or_default();
        for path in self.context.config.repos.iter().chain(&kept) {
            if let Err(problem) = self.enter(&canonical_as_far_as_possible(path), false) {
                tracing::warn!("{problem}");
                let topic = format!("repos {}", path.display());
                self.context.notes.set(&topic, problem.detail);
            }
        }
        more.iter()
            .try_for_each(|path| self.add(path, false).map(drop))
    }

    /// Adds an existing folder.
    pub(super) fn add(&self, path: &Path, keep: bool) -> Result<Entry, Problem> {
        let bad = |reason: String| Problem::new(PROBLEM_BAD_REQUEST, reason);
        let root = std::fs::canonicalize(path).map_err(|error| {
            let reason = reason(&error);
            bad(format!("{} cannot be watched: {reason}", path.display()))
        })?;
        if !root.is_dir() {
            let path = path.display();
            return Err(bad(format!(
                "{path} is no folder: name the folder that holds it"
            )));
        }
        // It may be known as the target of a link.
        if self.context.registry.at(&root).is_none()
            && let Some(known) = self.context.registry.behind(&root)
        {
            return self.enter(&known.root, keep);
        }
        if let Some(around) = self.around(&root) {
            return Ok(around);
        }
        match unfit(&root, std::env::home_dir().as_deref()) {
            Some(reason) => Err(bad(reason)),
            None => self.enter(&root, keep),
        }
    }

    /// The watched git repository that `root` is a folder of. A folder that it leaves out is no part of it; nor is a
    /// folder in a watched one without git, which may be watched alone.
    fn around(&self, root: &Path) -> Option<Entry> {
        let (entry, below) = self.context.registry.holding(root, None)?;
        let is_part = !below.is_root()
            && work_tree(root).is_some_and(|top| top == entry.root)
            && entry.rules().explain_folder(&below).is_none();
        is_part.then_some(entry)
    }

    /// Adds a repository by its canonical root.
    fn enter(&self, root: &Path, keep: bool) -> Result<Entry, Problem> {
        let bad = |reason: String| Problem::new(PROBLEM_BAD_REQUEST, reason);
        let (entry, new) = self
            .context
            .registry
            .add(root, &self.context.file_rules, &self.context.own_folder)
            .map_err(|error| bad(error.to_string()))?;
        if keep {
            self.context
                .store
                .add_repository(root)
                .map_err(|error| Problem::new(PROBLEM_INTERNAL, error.to_string()))?;
        }
        if new {
            entry.follow_outside(self.context.watch.get().map(|watch| &**watch), false);
            let inputs = self.inputs.clone();
            let repo = entry.repo;
            tokio::spawn(async move { inputs.send(Input::Event(Event::Watch(repo))).await });
        }
        Ok(entry)
    }

    /// The repository of a path, and the path in it.
    pub(in crate::daemon) fn resolve(&self, path: &Path) -> Result<(Entry, RelPath), Problem> {
        self.resolve_within(path, None)
    }

    /// The same in the repository with the root `within`; without one, the innermost repository that contains the path.
    pub(super) fn resolve_within(
        &self,
        path: &Path,
        within: Option<&Path>,
    ) -> Result<(Entry, RelPath), Problem> {
        if let Some(found) = self.context.registry.holding(path, within) {
            return Ok(found);
        }
        // By another way: through a symbolic link, or with `..` in it.
        let canonical = canonical_as_far_as_possible(path);
        let within = within.map(canonical_as_far_as_possible);
        let registry = &self.context.registry;
        let found = registry.holding(&canonical, within.as_deref());
        // The root itself may have become a link since it was added.
        let found = found.or_else(|| match within {
            None => registry.holding_behind(&canonical),
            Some(_) => None,
        });
        found.ok_or_else(|| {
            Problem::new(
                PROBLEM_NOT_WATCHED,
                format!(
                    "{} is in no watched repository: add it with `epitome watch`",
                    path.display()
                ),
            )
        })
    }

    /// Removes a repository.
    pub(super) async fn leave(&self, path: &Path) -> Result<(), Problem> {
        let (entry, relative) = self.resolve(path)?;
        if !relative.is_root() {
            return Err(Problem::new(
                PROBLEM_NOT_WATCHED,
                format!(
                    "{} is inside the watched folder {}: name that one",
                    path.display(),
                    entry.root.display()
                ),
            ));
        }
        // Written down by another name, it would be back after the next start.
        let is_it = |path: &PathBuf| {
            *path == entry.root || canonical_as_far_as_possible(path) == entry.root
        };
        if self.context.config.repos.iter().any(is_it) {
            return Err(Problem::new(
                PROBLEM_BAD_REQUEST,
                format!(
                    "{} stands in `repos` of the configuration: take it out there",
                    entry.root.display()
                ),
            ));
        }
        if let Some(watch) = self.context.watch.get() {
            watch.remove_repository(entry.repo);
        }
        self.context.registry.remove(entry.repo);
        let topics = repository_topic(&entry.root, "");
        self.context.notes.clear_all(&topics);
        let store = Arc::clone(&self.context.store);
        let root = entry.root.clone();
        let forget = move || {
            // What was looked at once, for `index`, is remembered for the next time.
            let mut kept = store.repositories()?;
            kept.retain(|path| *path == root || canonical_as_far_as_possible(path) == root);
            kept.iter()
                .try_for_each(|path| store.remove_repository(path))
        };
        blocking(forget)
            .await?
            .map_err(|error| Problem::new(PROBLEM_INTERNAL, error.to_string()))?;
        self.inputs
            .send(Input::Event(Event::Unwatch(entry.repo)))
            .await;
        Ok(())
    }
}

/// The git work tree below `root` that `path` lies in, if there is one: it is a repository of its own.
pub(super) fn inner_repository(root: &Path, path: &Path) -> Option<PathBuf> {
    let below = path
        .ancestors()
        .take_while(|above| *above != root && above.starts_with(root));
    let mut below = below.filter(|above| is_work_tree(above));
    below.next().map(Path::to_path_buf)
}

/// Why a folder should not be watched because a command was run in it; `repos` in the configuration accepts any.
fn unfit(root: &Path, home: Option<&Path>) -> Option<String> {
    let shown = root.display();
    let all = "name the folder of a project";
    if root.parent().is_none() {
        return Some(format!("{shown} is all of this machine: {all}"));
    }
    if root == Path::new("/dev") || scan::is_pseudo_file_system(root) {
        return Some(format!(
            "{shown} holds no files but what the kernel makes up: {all}"
        ));
    }
    let is_of_git = root.components().any(|part| part.as_os_str() == ".git");
    if is_of_git && !Rules::is_work_tree(root) {
        return Some(format!("{shown} is git's own data: {all}"));
    }
    let home = home.and_then(|home| home.canonicalize().ok());
    let holds_home = home.is_some_and(|home| home.starts_with(root));
    (holds_home && !Rules::is_work_tree(root)).then(|| {
        format!(
            "{shown} holds your home folder, and all in it would be read: {all}; \
             if you do mean it, make it a git repository, or put it into `repos` of the configuration"
        )
    })
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "it does not exist".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

/// The path without links and dots, as far as it exists.
pub(in crate::daemon) fn canonical_as_far_as_possible(path: &Path) -> PathBuf {
    for above in path.ancestors() {
        if let Ok(canonical) = std::fs::canonicalize(above)
            && let Ok(rest) = path.strip_prefix(above)
        {
            // Joined with nothing, a path gets a slash at its end.
            return if rest.as_os_str().is_empty() {
                canonical
            } else {
                canonical.join(rest)
            };
        }
    }
    path.to_path_buf()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_whole_machine_is_not_watched_by_mistake() {
        let folder = tempfile::tempdir().unwrap();
        let users = folder.path().canonicalize().unwrap();
        let home = users.join("me");
        std::fs::create_dir_all(home.join("work")).unwrap();
        let refused = |path: &Path| unfit(path, Some(&home));
        assert!(
            refused(Path::new("/"))
                .unwrap()
                .contains("all of this machine")
        );
        for path in [&home, &users] {
            assert!(refused(path).unwrap().contains("home folder"), "{path:?}");
        }
        assert_eq!(refused(&home.join("work")), None);
        assert_eq!(refused(&home.join("work.git")), None);
        let git = refused(&home.join("work/.git/refs")).unwrap();
        assert!(git.contains("git's own data"), "{git}");
        if cfg!(target_os = "linux") {
            for path in ["/proc", "/proc/self", "/sys", "/dev"] {
                assert!(
                    refused(Path::new(path)).unwrap().contains("kernel"),
                    "{path}"
                );
            }
        }
        std::fs::create_dir_all(home.join(".git/objects")).unwrap();
        std::fs::write(home.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
        assert_eq!(refused(&home), None);
        assert!(refused(&users).is_some());
    }
}
