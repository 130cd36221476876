//! What changed since a git revision or since a time.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use crate::wire::protocol::Node;

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    Added,
    Modified,
    Deleted,
}

impl Change {
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Modified => "modified",
            Self::Deleted => "deleted",
        }
    }
}

/// Since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Since {
    Time(SystemTime),
    Revision(String),
}

impl Since {
    /// A time (`2026-01-31`, `2026-01-31T12:00:00Z`), a time ago (`2h`, `3 days`), or else a revision.
    pub fn parse(text: &str, now: SystemTime) -> Result<Self, String> {
        let text = text.trim();
        let ago = text.strip_suffix("ago").unwrap_or(text).trim();
        if let Ok(ago) = humantime::parse_duration(ago)
            && let Some(time) = now.checked_sub(ago)
        {
            return Ok(Self::Time(time));
        }
        let day = format!("{text}T00:00:00Z");
        if let Ok(time) =
            humantime::parse_rfc3339_weak(text).or_else(|_| humantime::parse_rfc3339(&day))
        {
            return Ok(Self::Time(time));
        }
        match text {
            "" => Err(
                "since is empty: give a git revision (HEAD~3, a branch) or a time (2h, 2026-01-31)"
                    .to_owned(),
            ),
            text if text.starts_with('-') => Err(format!("{text} is no revision")),
            text => Ok(Self::Revision(text.to_owned())),
        }
    }
}

/// The files of the repository at `root` that differ, by their path in it. What is no node is not among them, unless it
/// was deleted.
pub fn since(root: &Path, tree: &Node, since: &Since) -> Result<BTreeMap<String, Change>, String> {
    let mut changes = BTreeMap::new();
    match since {
        Since::Time(time) => {
            each_file(tree, &mut |path| {
                // A second of grace: not all file systems count finer.
                let modified =
                    std::fs::symlink_metadata(root.join(path)).and_then(|stat| stat.modified());
                if modified.is_ok_and(|at| at + Duration::from_secs(1) > *time) {
                    changes.insert(path.to_owned(), Change::Modified);
                }
            });
        }
        Since::Revision(revision) => {
            let commit = format!("{revision}^{{commit}}");
            let verify = [
                "rev-parse",
                "--verify",
                "--quiet",
                "--end-of-options",
                &commit,
            ];
            let commit = git(root, &verify).map_err(|_| {
                format!(
                    "{revision} is neither a revision of the git repository at {} nor a time such as 2h or 2026-01-31",
                    root.display()
                )
            })?;
            let commit = String::from_utf8_lossy(&commit).trim().to_owned();
            let differ = [
                "diff",
                "--name-status",
                "--no-renames",
                "--no-ext-diff",
                "--no-textconv",
                "--relative",
                "-z",
                &commit,
                "--",
            ];
            let differ = git(root, &differ)?;
            let mut fields = differ.split(|&byte| byte == 0).map(String::from_utf8_lossy);
            while let (Some(status), Some(path)) = (fields.next(), fields.next()) {
                let change = match status.as_ref() {
                    "A" => Change::Added,
                    "D" => Change::Deleted,
                    _ => Change::Modified,
                };
                changes.insert(path.into_owned(), change);
            }
            let new = git(root, &["ls-files", "--others", "--exclude-standard", "-z"])?;
            for path in new.split(|&byte| byte == 0).filter(|path| !path.is_empty()) {
                changes.insert(String::from_utf8_lossy(path).into_owned(), Change::Added);
            }
            let mut nodes = std::collections::BTreeSet::new();
            each_file(tree, &mut |path| {
                nodes.insert(path.to_owned());
            });
            changes.retain(|path, change| *change == Change::Deleted || nodes.contains(path));
        }
    }
    Ok(changes)
}

fn each_file(tree: &Node, take: &mut impl FnMut(&str)) {
    let mut open = vec![tree];
    while let Some(node) = open.pop() {
        match node {
            Node::File(file) => take(&file.common.path),
            Node::Directory(directory) => open.extend(directory.children.iter().flatten()),
        }
    }
}

/// What git prints, which is asked for nothing but reading.
fn git(root: &Path, arguments: &[&str]) -> Result<Vec<u8>, String> {
    let done = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(["-c", "core.fsmonitor=false", "-c", "core.quotePath=false"])
        .args(arguments)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| {
            format!("git cannot be run ({error}): give a time instead of a revision")
        })?;
    if done.status.success() {
        return Ok(done.stdout);
    }
    let said = String::from_utf8_lossy(&done.stderr);
    let said = said.lines().next().unwrap_or("it does not say why");
    Err(format!("git failed in {}: {said}", root.display()))
}
