//! Forgets repositories whose folder was removed: a linked work tree soon, others after a while.
//!
//! A disk that is not mounted is no removed folder: there the folder that holds the root is empty or missing, too.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::{Handle, blocking};
use crate::client::locate::work_tree;

/// How long the folder of a linked work tree has to be missing.
const LINKED: Duration = Duration::from_secs(10);
/// How long any other has to be missing: it may be about to be cloned anew.
const OTHER: Duration = Duration::from_secs(600);
/// The shortest time between two looks.
const PAUSE: Duration = Duration::from_secs(2);

/// Runs until the daemon ends. Nothing is done while every root is there.
pub async fn forget_removed(handle: Handle) {
    let mut stirred = handle.stirred();
    let mut missing: HashMap<PathBuf, Instant> = HashMap::new();
    // Where `.git` was a file when the root was last seen.
    let mut linked: HashMap<PathBuf, bool> = HashMap::new();
    loop {
        let Some((repositories, _)) = handle.glance().await else {
            return;
        };
        let unreachable = repositories.iter().any(|one| one.unreachable);
        let roots: Vec<PathBuf> = handle
            .shared
            .registry
            .all()
            .into_iter()
            .map(|one| one.root)
            .collect();
        let known = linked.len() == roots.len();
        if unreachable || !known {
            let looked = blocking(move || {
                let looked = roots.into_iter().map(|root| (look(&root), root));
                looked.collect::<Vec<_>>()
            });
            let Ok(looked) = looked.await else { return };
            linked.retain(|root, _| looked.iter().any(|(_, one)| one == root));
            missing.retain(|root, _| looked.iter().any(|(_, one)| one == root));
            for (look, root) in looked {
                match look {
                    Look::There { is_linked } => {
                        linked.insert(root.clone(), is_linked);
                        missing.remove(&root);
                    }
                    Look::Unknown => {
                        linked.entry(root.clone()).or_insert(false);
                        missing.remove(&root);
                    }
                    Look::Removed => {
                        let since = *missing.entry(root.clone()).or_insert_with(Instant::now);
                        let is_linked = *linked.entry(root.clone()).or_insert(false);
                        let patience = if is_linked { LINKED } else { OTHER };
                        if since.elapsed() >= patience && handle.leave(&root).await.is_ok() {
                            tracing::info!(
                                "{} was removed and is no longer watched",
                                root.display()
                            );
                        }
                    }
                }
            }
        }
        let patience = match missing.is_empty() {
            true => Duration::from_secs(86_400),
            false => PAUSE,
        };
        if let Ok(Err(_)) = timeout(patience, stirred.changed()).await {
            return;
        }
        // A root that is new is looked at before it can be removed again.
        if handle.shared.registry.all().len() == linked.len() {
            sleep(PAUSE).await;
        }
    }
}

/// What is found at a root.
enum Look {
    There {
        is_linked: bool,
    },
    Removed,
    /// A disk may be missing, or the folder above is closed.
    Unknown,
}

fn look(root: &Path) -> Look {
    match root.symlink_metadata() {
        Ok(_) => {
            let mark = root.join(".git").symlink_metadata();
            Look::There {
                is_linked: mark.is_ok_and(|mark| mark.is_file()),
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let Some(above) = root.parent() else {
                return Look::Unknown;
            };
            let holds_others =
                std::fs::read_dir(above).is_ok_and(|mut entries| entries.next().is_some());
            // The folder of all work trees may be removed with the last one.
            let in_work_tree = root
                .ancestors()
                .skip(1)
                .find(|one| one.is_dir())
                .and_then(work_tree);
            match holds_others || in_work_tree.is_some() {
                true => Look::Removed,
                false => Look::Unknown,
            }
        }
        Err(_) => Look::Unknown,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_missing_disk_is_no_removed_folder() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        std::fs::create_dir_all(at("mnt/disk")).unwrap();
        std::fs::create_dir_all(at("home/other")).unwrap();
        std::fs::create_dir_all(at("r/.git")).unwrap();
        std::fs::write(at("r/.git/HEAD"), "x").unwrap();
        for (root, removed) in [
            ("mnt/disk/repo", false),
            ("media/usb/repo", false),
            ("home/gone", true),
            ("r/.worktrees/x", true),
        ] {
            let found = matches!(look(&at(root)), Look::Removed);
            assert_eq!(found, removed, "{root}");
        }
        assert!(matches!(
            look(&at("home/other")),
            Look::There { is_linked: false }
        ));
    }
}
