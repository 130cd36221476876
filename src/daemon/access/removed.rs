//! Forgets repositories whose folder was removed: a linked work tree soon, others after a while.
//!
//! An unmounted disk does not count as a removed folder: there the folder above the root is empty or missing, too.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::{Handle, blocking};
use crate::client::locate::work_tree;

/// How long the folder of a linked work tree has to be missing.
const LINKED: Duration = Duration::from_secs(10);
/// How long any other folder has to be missing: it may be about to be cloned again.
const OTHER: Duration = Duration::from_secs(600);
/// The shortest time between two checks.
const PAUSE: Duration = Duration::from_secs(2);

/// Runs until the daemon ends. Does nothing while every root exists.
pub async fn forget_removed(handle: Handle) {
    let mut stirred = handle.stirred();
    let mut missing: HashMap<PathBuf, Instant> = HashMap::new();
    loop {
        let Some((repositories, _)) = handle.glance().await else {
            return;
        };
        let mut removed = Vec::new();
        if repositories.iter().any(|one| one.unreachable) {
            let entries = handle.context.registry.all();
            let checked = blocking(move || {
                let gone = entries.into_iter().filter(|entry| is_removed(&entry.root));
                gone.collect::<Vec<_>>()
            });
            let Ok(found) = checked.await else { return };
            removed = found;
        }
        missing.retain(|root, _| removed.iter().any(|entry| entry.root == *root));
        for entry in removed {
            let since = *missing
                .entry(entry.root.clone())
                .or_insert_with(Instant::now);
            let patience = if entry.is_linked { LINKED } else { OTHER };
            if since.elapsed() >= patience && handle.leave(&entry.root).await.is_ok() {
                let root = entry.root.display();
                tracing::info!("{root} was removed and is no longer watched");
            }
        }
        let patience = match missing.is_empty() {
            true => Duration::from_secs(86_400),
            false => PAUSE,
        };
        if let Ok(Err(_)) = timeout(patience, stirred.changed()).await {
            return;
        }
        sleep(PAUSE).await;
    }
}

/// Whether a root is permanently gone. With a missing disk or an unreadable folder above, that is unknown.
fn is_removed(root: &Path) -> bool {
    let Err(error) = root.symlink_metadata() else {
        return false;
    };
    let holds_others =
        |above: &Path| std::fs::read_dir(above).is_ok_and(|mut entries| entries.next().is_some());
    // The folder of all work trees may be removed with the last one.
    let above = root.ancestors().skip(1).find(|one| one.is_dir());
    error.kind() == std::io::ErrorKind::NotFound
        && (root.parent().is_some_and(holds_others) || above.and_then(work_tree).is_some())
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
        for (root, removed) in [
            ("mnt/disk/repo", false),
            ("media/usb/repo", false),
            ("home/other", false),
            ("home/gone", true),
            ("r/.worktrees/x", true),
        ] {
            assert_eq!(is_removed(&at(root)), removed, "{root}");
        }
    }
}
