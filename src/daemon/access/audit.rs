//! Compares the daemon's tree of a repository with a fresh reading of the disk.
//!
//! It trusts no notification, stat or record. It changes nothing; the caller acts on differences.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::oneshot;

use crate::config::Config;
use crate::engine::event::Event;
use crate::model::path::RelPath;
use crate::shell::rules::Rules;
use crate::shell::{read, scan};
use crate::wire::access::Access;
use crate::wire::protocol::{Node, PROBLEM_INTERNAL, Problem, RepositoryState};

use crate::daemon::access::Handle;
use crate::daemon::context::registry;
use crate::daemon::mailbox::Input;

/// The longest wait before a difference is compared again: files may be saved during the comparison.
const RECHECK_AFTER: Duration = Duration::from_secs(60);
/// The niceness of the audit's thread.
#[cfg(target_os = "linux")]
const NICE: i32 = 19;

/// The audit of one repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Files that were compared.
    pub files: u64,
    /// Differences between the tree and the disk, one line each.
    pub differences: BTreeMap<RelPath, &'static str>,
}

/// The inputs of an audit: the configuration, the program's own folder, the repository.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The daemon's configuration.
    pub config: Config,
    /// The store's folder.
    pub data: PathBuf,
    /// The repository's root.
    pub root: PathBuf,
}

/// Audits one repository. Compares differences again after everything has settled, and reports those that remain.
///
/// # Errors
/// The daemon cannot be reached, or the configured rules are invalid.
pub async fn audit<A: Access>(access: &A, subject: &Subject) -> Result<Audit, Problem> {
    let first = compare(access, subject).await?;
    if first.differences.is_empty() {
        return Ok(first);
    }
    // A timeout is no reason to give up: the comparison decides.
    let _ = access.wait(Some(&subject.root), Some(RECHECK_AFTER)).await;
    let mut second = compare(access, subject).await?;
    second
        .differences
        .retain(|path, _| first.differences.contains_key(path));
    Ok(second)
}

async fn compare<A: Access>(access: &A, subject: &Subject) -> Result<Audit, Problem> {
    let tree = access.node(&subject.root, usize::MAX).await?;
    let subject = subject.clone();
    let (done, result) = oneshot::channel();
    let internal = |reason: String| Problem::new(PROBLEM_INTERNAL, reason);
    std::thread::Builder::new()
        .name("audit".to_owned())
        .spawn(move || {
            #[cfg(target_os = "linux")]
            let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE);
            let _ = done.send(compare_with_disk(&subject, &tree));
        })
        .map_err(|error| internal(error.to_string()))?;
    result
        .await
        .map_err(|_| internal("the audit thread failed".to_owned()))?
        .map_err(internal)
}

fn compare_with_disk(subject: &Subject, tree: &Node) -> Result<Audit, String> {
    let Subject { config, data, root } = subject;
    let own = data.canonicalize().unwrap_or_else(|_| data.clone());
    let options = registry::leaving_out(registry::file_rules(config), root, &own);
    let rules = Rules::open(root, &options).map_err(|error| error.to_string())?;
    let listing = scan::scan(root, &rules, &RelPath::root(), true, 1, &|_, _| ());
    let mut reported = BTreeMap::new();
    gather(tree, &mut reported);
    let mut audit = Audit::default();
    for directory in &listing.directories {
        for entry in directory
            .entries
            .iter()
            .filter(|entry| entry.file.is_some())
        {
            let path = directory.path.join(&entry.name);
            audit.files += 1;
            let known = reported.remove(&path);
            let digest = match read::read(root, &path, config.files.max_bytes) {
                Ok(reading) => Some(reading.digest.to_string()),
                Err(read::ReadError::Gone | read::ReadError::NotRegular) => continue,
                Err(_) => None,
            };
            match known {
                None => audit
                    .differences
                    .insert(path, "is on disk but not in the tree"),
                Some(known) if known != digest => audit.differences.insert(path, "differs on disk"),
                Some(_) => None,
            };
        }
    }
    let unread: Vec<&RelPath> = listing
        .directories
        .iter()
        .filter(|directory| directory.problem.is_some())
        .map(|directory| &directory.path)
        .collect();
    // Files in unreadable directories may still exist.
    reported.retain(|path, _| !unread.iter().any(|unread| path.is_within(unread)));
    let missing = |(path, _)| (path, "is in the tree but not on disk");
    audit.differences.extend(reported.into_iter().map(missing));
    Ok(audit)
}

/// Collects the files of a tree and their digests.
fn gather(node: &Node, reported: &mut BTreeMap<RelPath, Option<String>>) {
    let common = node.common();
    match node {
        Node::File(_) => {
            let bytes = common.path_base64.as_ref();
            let path = match bytes.and_then(|bytes| STANDARD.decode(bytes).ok()) {
                Some(bytes) => RelPath::new(bytes),
                None => RelPath::new(&common.path),
            };
            reported.insert(path, common.digest.clone());
        }
        Node::Directory(directory) => {
            for child in directory.children.iter().flatten() {
                gather(child, reported);
            }
        }
    }
}

/// Audits all repositories at the configured interval. A difference is a defect of this program: it is logged as an error,
/// and a full rescan follows.
pub async fn repeat(handle: Handle) {
    let every = Duration::from_secs(handle.context.config.watch.audit_seconds);
    while !every.is_zero() {
        tokio::time::sleep(every).await;
        if let Err(problem) = audit_all(&handle).await {
            tracing::warn!("the audit failed: {problem}");
        }
    }
}

async fn audit_all(handle: &Handle) -> Result<(), Problem> {
    let status = handle.status().await?;
    let reachable = |state| state != RepositoryState::Unreachable;
    for repository in status.repositories {
        let context = &handle.context;
        let Some(entry) = context
            .registry
            .at(Path::new(&repository.path))
            .filter(|_| reachable(repository.state))
        else {
            continue;
        };
        let subject = Subject {
            config: context.config.clone(),
            data: context.own_folder.clone(),
            root: entry.root.clone(),
        };
        let audit = audit(handle, &subject).await?;
        let topic = registry::repository_topic(&entry.root, "audit");
        let Some((path, what)) = audit.differences.first_key_value() else {
            context.notes.clear(&topic);
            continue;
        };
        let count = audit.differences.len();
        let note = format!("the audit found {count} differences; rescanning: {path} {what}");
        tracing::error!("{}: {note}", entry.root.display());
        context.notes.set(&topic, note);
        let lost = Input::Event(Event::Lost(entry.repo));
        handle.inputs.send(lost).await;
    }
    Ok(())
}
