//! Keeps root from making files in another user's folders (`sudo -E epitome …`).

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::failure::Failure;
use crate::config::places::Places;

/// Refuses to go on as root if the store or the socket would be in another user's folder: that user's own programs could
/// not use what root creates there.
pub fn refuse_foreign_folders(places: &Places) -> Result<(), Failure> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    for path in [&places.data, &places.socket] {
        if let Some((folder, owner)) = foreign(path) {
            return Err(Failure::Failed(format!(
                "root would make files in {}, which belongs to user {owner}: run it without sudo, as `sudo -H`, or name other places with --data-dir and --socket",
                folder.display()
            )));
        }
    }
    Ok(())
}

/// The nearest folder that exists at or above `path`, where it is not root's.
fn foreign(path: &Path) -> Option<(&Path, u32)> {
    let nearest = path.ancestors().find_map(|above| {
        let found = above.metadata().ok().filter(std::fs::Metadata::is_dir)?;
        Some((above, found.uid()))
    });
    nearest.filter(|(_, owner)| *owner != 0)
}
