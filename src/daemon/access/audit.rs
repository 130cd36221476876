//! Compares what the daemon tells of a repository with the disk, read anew, as if nobody had ever watched it.
//!
//! It believes no notification, no stat and no record. It changes nothing; whoever finds a difference raises the alarm.

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

/// How often the daemon audits itself. EPITOME_AUDIT_MS is for tests, which have no day.
fn every() -> Duration {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let given = std::env::var("EPITOME_AUDIT_MS").ok();
    let given = given.and_then(|milliseconds| milliseconds.parse().ok());
    given.map_or(DAY, Duration::from_millis)
}
/// How long a difference has to become one, or to vanish: files may be saved while they are compared.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much less of the processor the audit wants than others (0 to 19).
#[cfg(target_os = "linux")]
const NICE: i32 = 19;

/// The audit of one repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Files that were compared.
    pub files: u64,
    /// Where the tree is not what is on the disk, and how, a line each.
    pub differences: BTreeMap<RelPath, &'static str>,
}

/// What an audit has to know: the configuration, the program's own folder, the repository.
#[derive(Clone, Debug)]
pub struct Subject {
    /// As the daemon has it.
    pub config: Config,
    /// The store's folder.
    pub data: PathBuf,
    /// The repository's root.
    pub root: PathBuf,
}

/// Audits one repository. What differs is compared again once it is settled; only what differs still is told.
///
/// # Errors
/// Where nobody answers, or where the rules of the configuration cannot work.
pub async fn audit<A: Access>(access: &A, subject: &Subject) -> Result<Audit, Problem> {
    let first = compare(access, subject).await?;
    if first.differences.is_empty() {
        return Ok(first);
    }
    // Out of time is no reason to give up: the comparison tells.
    let _ = access.wait(Some(&subject.root), Some(PATIENCE)).await;
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
        .map_err(|_| internal("an internal error while the disk was read".to_owned()))?
        .map_err(internal)
}

fn compare_with_disk(subject: &Subject, tree: &Node) -> Result<Audit, String> {
    let Subject { config, data, root } = subject;
    let own = data.canonicalize().unwrap_or_else(|_| data.clone());
    let options = registry::leaving_out(registry::file_rules(config), root, &own);
    let rules = Rules::open(root, &options).map_err(|error| error.to_string())?;
    let listing = scan::scan(root, &rules, &RelPath::root(), true, 1, &|_, _| ());
    let mut told = BTreeMap::new();
    gather(tree, &mut told);
    let mut audit = Audit::default();
    for directory in &listing.directories {
        for entry in directory
            .entries
            .iter()
            .filter(|entry| entry.file.is_some())
        {
            let path = directory.path.join(&entry.name);
            audit.files += 1;
            let known = told.remove(&path);
            let digest = match read::read(root, &path, config.files.max_bytes) {
                Ok(reading) => Some(reading.digest.to_string()),
                Err(read::ReadError::Gone | read::ReadError::NotRegular) => continue,
                Err(_) => None,
            };
            match known {
                None => audit
                    .differences
                    .insert(path, "is on the disk and not in the tree"),
                Some(known) if known != digest => audit
                    .differences
                    .insert(path, "has another content on the disk"),
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
    // What cannot be read may still hold what it held.
    told.retain(|path, _| !unread.iter().any(|unread| path.is_within(unread)));
    let missing = |(path, _)| (path, "is in the tree and not on the disk");
    audit.differences.extend(told.into_iter().map(missing));
    Ok(audit)
}

/// The files of a tree and their digests.
fn gather(node: &Node, told: &mut BTreeMap<RelPath, Option<String>>) {
    let common = node.common();
    match node {
        Node::File(_) => {
            let bytes = common.path_base64.as_ref();
            let path = match bytes.and_then(|bytes| STANDARD.decode(bytes).ok()) {
                Some(bytes) => RelPath::new(bytes),
                None => RelPath::new(&common.path),
            };
            told.insert(path, common.digest.clone());
        }
        Node::Directory(directory) => {
            for child in directory.children.iter().flatten() {
                gather(child, told);
            }
        }
    }
}

/// Audits all repositories once a day. A difference is a defect of this program: it is told loudly, and mended by
/// looking at everything.
pub async fn daily(handle: Handle) {
    loop {
        tokio::time::sleep(every()).await;
        if let Err(problem) = audit_all(&handle).await {
            tracing::warn!("the audit could not be made: {problem}");
        }
    }
}

async fn audit_all(handle: &Handle) -> Result<(), Problem> {
    let status = handle.status().await?;
    let reachable = |state| state != RepositoryState::Unreachable;
    for repository in status.repositories {
        let shared = &handle.shared;
        let Some(entry) = shared
            .registry
            .at(Path::new(&repository.path))
            .filter(|_| reachable(repository.state))
        else {
            continue;
        };
        let subject = Subject {
            config: shared.config.clone(),
            data: shared.own_folder.clone(),
            root: entry.root.clone(),
        };
        let audit = audit(handle, &subject).await?;
        let topic = registry::repository_topic(&entry.root, "audit");
        let Some((path, what)) = audit.differences.first_key_value() else {
            shared.notes.clear(&topic);
            continue;
        };
        let count = audit.differences.len();
        let note = format!("the audit found {count} differences and looks again: {path} {what}");
        tracing::error!("{}: {note}", entry.root.display());
        shared.notes.set(&topic, note);
        let lost = Input::Event(Event::Lost(entry.repo));
        shared.inputs.send(lost).await;
    }
    Ok(())
}
