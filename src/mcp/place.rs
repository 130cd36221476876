//! Which repository a call is about, and the daemon that knows it.
//!
//! In this order: the `repository` argument; the folder that the server was started for (`--root`); the working folder,
//! where it lies in a work tree or a watched folder; the client's roots; the working folder, where it may be a project.
//! A folder is never answered from a repository around the one that it belongs to, nor from one that leaves it out.

use std::ffi::OsStr;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rmcp::service::{Peer, RoleServer};
use tokio::sync::{Mutex, watch};
use tokio::time::{sleep, timeout};

use crate::client::locate::{self, Located, canonical, locate};
use crate::client::{Client, ConnectError, globs};
use crate::wire::access::Access;
use crate::wire::plain::clean;
use crate::wire::protocol::{Repository, RepositoryState, Status};
use crate::wire::target::{Base, Outside, Target, clean_path};

/// How long a call waits for the first scan of its repository.
const FIRST_SCAN: Duration = Duration::from_secs(25);
/// How long it waits after that until the files are read and, offline, summarized.
const FIRST_READ: Duration = Duration::from_secs(10);
/// Between two looks at the scan.
const PAUSE: Duration = Duration::from_millis(40);
/// How long a client may take to name its roots.
const ROOTS: Duration = Duration::from_secs(5);
/// How much longer after standard input has ended.
const LAST_WAIT: Duration = Duration::from_secs(2);
/// Files and folders of a repository that is read within moments.
const SMALL: u64 = 2_000;
/// Watched repositories named in an error.
const NAMED: usize = 12;

/// Starts the daemon where none runs, and returns when it answers.
pub type Starter =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// Why a folder below a repository's root is left out of its map; `None` if no rule does that.
pub type LeftOut = Arc<dyn Fn(&Path, &Path) -> Option<String> + Send + Sync>;

/// Where the server was told to work.
#[derive(Clone, Debug)]
pub enum Start {
    /// A folder was named.
    Named(PathBuf),
    /// What was named is no folder; why.
    Unusable(String),
    /// Nothing was named: the working folder, where there is one.
    Here(Option<PathBuf>),
}

impl Start {
    fn folder(&self) -> Option<PathBuf> {
        match self {
            Self::Named(folder) => Some(folder.clone()),
            Self::Unusable(_) => None,
            // A folder that was moved is the working folder still.
            Self::Here(here) => match here.as_deref() {
                Some(here) if here.is_dir() => Some(here.to_path_buf()),
                _ => std::env::current_dir().ok(),
            },
        }
    }
}

/// What a server needs to know from the command line.
pub struct Options {
    /// The daemon's socket.
    pub socket: PathBuf,
    /// The folder of the agent.
    pub start: Start,
    /// Starts the daemon and watches repositories as they are needed, where the user allowed it.
    pub starter: Option<Starter>,
    /// The rules of repositories.
    pub left_out: LeftOut,
    /// The configuration and the store that this user's shell has, to compare with the daemon's.
    pub own: (PathBuf, PathBuf),
}

/// What the tools work with.
pub(super) struct Place {
    options: Options,
    /// The client's roots, once asked for.
    roots: Mutex<Option<Vec<String>>>,
    /// One call at a time starts the daemon and adds a repository.
    adding: Mutex<()>,
    /// Whether standard input has ended.
    closed: watch::Receiver<bool>,
}

/// The daemon and the repository, as they are at one call.
pub(super) struct Session {
    pub client: Client,
    pub status: Status,
    pub repository: Repository,
    /// The repository's root without links.
    pub root: PathBuf,
    /// What the agent should know besides the answer.
    pub notes: Vec<String>,
    /// The folder of the agent, for paths relative to it.
    folder: PathBuf,
    own: (PathBuf, PathBuf),
    closed: watch::Receiver<bool>,
    /// When the call began: clients give up a minute later, whatever it waited for.
    pub begun: Instant,
}

impl Place {
    pub fn new(options: Options, closed: watch::Receiver<bool>) -> Self {
        Self {
            options,
            roots: Mutex::default(),
            adding: Mutex::default(),
            closed,
        }
    }

    /// The client's roots changed.
    pub async fn forget_roots(&self) {
        *self.roots.lock().await = None;
    }

    /// The session of one call. `repository`: the argument of that name; `path`: the first path among the arguments,
    /// which names the repository where nothing else does and it is absolute.
    pub async fn session(
        &self,
        peer: &Peer<RoleServer>,
        repository: Option<&str>,
        path: Option<&str>,
    ) -> Result<Session, String> {
        let begun = Instant::now();
        let client = self.daemon().await?;
        let status = status(&client).await?;
        let folder = match repository {
            Some(text) => {
                let here = self.options.start.folder();
                self.in_map(named(text, here.as_deref(), &status)?, &status)?
            }
            None => match self.folder(peer, &status).await {
                Ok(folder) => self.in_map(folder, &status),
                Err(reason) => Err(reason),
            }
            .or_else(|reason| absolute_in(path, &status).ok_or_else(|| reason + &known(&status)))?,
        };
        let (root, status) = self.watched(&client, &folder, status).await?;
        let (repository, status) = self.scanned(&client, root, status).await?;
        let mut notes = Vec::new();
        if status.version != env!("CARGO_PKG_VERSION") {
            notes.push(format!(
                "the daemon is version {}, this program {}: `epitome restart` replaces it",
                clean(&status.version),
                env!("CARGO_PKG_VERSION")
            ));
        }
        if repository_of(&folder, &repository) && client.node(&folder, 0).await.is_err() {
            notes.push(format!(
                "the folder {} contains no files so far: this is about {}",
                clean(&folder.to_string_lossy()),
                clean(&repository.path)
            ));
        }
        Ok(Session {
            root: canonical(Path::new(&repository.path)),
            client,
            status,
            repository,
            notes,
            folder,
            own: self.options.own.clone(),
            closed: self.closed.clone(),
            begun,
        })
    }

    /// A daemon that answers; with a starter, one started now where none runs.
    async fn daemon(&self) -> Result<Client, String> {
        let error = match Client::connect(&self.options.socket).await {
            Ok(client) => return Ok(client),
            Err(error) => error,
        };
        let (ConnectError::NoDaemon, Some(start)) = (&error, &self.options.starter) else {
            return Err(error.to_string());
        };
        let _one = self.adding.lock().await;
        start().await?;
        Client::connect(&self.options.socket)
            .await
            .map_err(|error| error.to_string())
    }

    /// The folder, where it is part of its repository's map. A folder that is left out, such as an ignored one, has no
    /// summaries, and what is around it is not what the agent works on.
    fn in_map(&self, folder: PathBuf, status: &Status) -> Result<PathBuf, String> {
        let root = match locate(&folder, &status.repositories) {
            Located::Watched(root) => canonical(Path::new(&root)),
            Located::Unwatched(root) => root,
        };
        match (self.options.left_out)(&root, &folder) {
            None => Ok(folder),
            Some(reason) => {
                let root = clean(&root.to_string_lossy());
                let is_of_git = folder.components().any(|part| part.as_os_str() == ".git");
                let folder = clean(&folder.to_string_lossy());
                let alone = match is_of_git {
                    true => String::new(),
                    false => format!(
                        "; to summarize the folder itself, run `epitome watch {folder}` once"
                    ),
                };
                Err(format!(
                    "{folder} is not part of the repository {root} ({reason}), so it has no summaries: \
                     to ask about that repository, pass \"repository\": {}{alone}",
                    serde_json::json!(root)
                ))
            }
        }
    }

    /// The root of the watched repository that `folder` belongs to; with a starter, one that is added now.
    async fn watched(
        &self,
        client: &Client,
        folder: &Path,
        mut status: Status,
    ) -> Result<(String, Status), String> {
        let root = match locate(folder, &status.repositories) {
            Located::Watched(root) => return Ok((root, status)),
            Located::Unwatched(root) => root,
        };
        if self.options.starter.is_none() {
            let shown = clean(&root.to_string_lossy());
            return Err(format!(
                "{shown} is in no watched repository: run `epitome watch` there once, or start this server with --watch{}",
                known(&status)
            ));
        }
        let _one = self.adding.lock().await;
        let added = client.watch(&root, true).await;
        let added = added.map_err(|problem| format!("{}{}", problem.detail, known(&status)))?;
        status = self::status(client).await?;
        Ok((added.path, status))
    }

    /// The repository once its first scan is done and its files are read, or as far as it is when the patience ends.
    async fn scanned(
        &self,
        client: &Client,
        root: String,
        mut status: Status,
    ) -> Result<(Repository, Status), String> {
        let until = Instant::now() + FIRST_SCAN;
        let mut read_until = None;
        let mut last = None;
        loop {
            let found = status.repositories.iter().find(|one| one.path == root);
            let Some(found) = found.cloned() else {
                return Err(format!(
                    "{} is no longer watched{}",
                    clean(&root),
                    known(&status)
                ));
            };
            let scanning = found.state == RepositoryState::Scanning && found.fresh == 0;
            let until = match scanning {
                true => until,
                false => *read_until.get_or_insert_with(|| Instant::now() + FIRST_READ),
            };
            let is_done = !scanning && !is_first(&found, status.provider == "offline");
            // Some write all they ask into a pipe and close it: the answers are still read.
            let is_closed = *self.closed.borrow();
            let is_last = is_closed
                && Instant::now() >= *last.get_or_insert_with(|| Instant::now() + LAST_WAIT);
            if is_done || Instant::now() >= until || is_last {
                return Ok((found, status));
            }
            sleep(PAUSE).await;
            status = self::status(client).await?;
        }
    }

    /// The folder that the agent works in.
    async fn folder(&self, peer: &Peer<RoleServer>, status: &Status) -> Result<PathBuf, String> {
        let here = match &self.options.start {
            Start::Named(folder) => return Ok(folder.clone()),
            start => start.folder(),
        };
        let known = |folder: &Path| {
            let watched = matches!(locate(folder, &status.repositories), Located::Watched(_));
            watched || locate::work_tree(folder).is_some()
        };
        let fits = |here: &Path| self.in_map(here.to_path_buf(), status).is_ok();
        let here = here.as_deref();
        if let Some(here) = here.filter(|here| is_project(here) && known(here) && fits(here)) {
            return Ok(here.to_path_buf());
        }
        let named = self.roots(peer).await;
        let folders = named.iter().map(|root| folder_of(root));
        let roots: Vec<PathBuf> = folders.filter_map(|root| directory(&root)).collect();
        if let Some(root) = roots.iter().find(|root| known(root)).or(roots.first()) {
            return Ok(root.clone());
        }
        let gone = match named.first() {
            Some(root) => format!(", and the client's root {} is no folder here", clean(root)),
            None => String::new(),
        };
        match (&self.options.start, here) {
            (_, Some(here)) if is_project(here) => Ok(here.to_path_buf()),
            (Start::Unusable(reason), _) => Err(format!("{reason}{gone}: {HOW}")),
            (_, Some(here)) => Err(format!(
                "the server was started in {}, which is no project's folder{gone}: {HOW}",
                clean(&here.to_string_lossy())
            )),
            (_, None) => Err(format!(
                "the folder that the server was started in is gone{gone}: {HOW}"
            )),
        }
    }

    /// The folders that the client works on, where it says so; they need not exist. Protocol 2026-07-28 has no way to ask.
    async fn roots(&self, peer: &Peer<RoleServer>) -> Vec<String> {
        let offers = peer
            .peer_info()
            .is_some_and(|info| info.capabilities.roots.is_some());
        if !offers {
            return Vec::new();
        }
        let mut roots = self.roots.lock().await;
        if let Some(roots) = &*roots {
            return roots.clone();
        }
        let folders = timeout(ROOTS, listed_roots(peer)).await.ok().flatten();
        let Some(folders) = folders else {
            return Vec::new();
        };
        *roots = Some(folders.clone());
        folders
    }
}

/// The client's roots; deprecated in 2026-07-28, and what clients of today have.
#[expect(
    deprecated,
    reason = "clients of today name their folder in no other way"
)]
async fn listed_roots(peer: &Peer<RoleServer>) -> Option<Vec<String>> {
    let listed = peer.list_roots().await.ok()?;
    Some(listed.roots.into_iter().map(|root| root.uri).collect())
}

/// The folder that a path names: itself, or the one that holds the file.
fn directory(path: &Path) -> Option<PathBuf> {
    let folder = match path.is_dir() {
        true => path,
        false => path.parent().filter(|_| path.exists())?,
    };
    Some(folder.to_path_buf())
}

/// Whether most of a repository is still to be read, or to be summarized at no cost.
fn is_first(repository: &Repository, offline: bool) -> bool {
    let all = repository.files + repository.directories;
    let open = repository.progress.to_read > 0 || (offline && repository.pending > 0);
    // A small one is finished in a moment.
    let enough = match all < SMALL {
        true => all,
        false => all.div_ceil(2),
    };
    let stalled = matches!(
        repository.state,
        RepositoryState::Unreachable | RepositoryState::Paused
    );
    open && !stalled && repository.fresh + repository.stale < enough
}

/// How to name the folder, in one sentence.
const HOW: &str = "name it with the argument `repository`, with `epitome mcp --root PATH`, or with `cwd` in the client's configuration";

/// The folder of a path or `file:` address.
fn folder_of(text: &str) -> PathBuf {
    let home = std::env::home_dir();
    let base = Base {
        folder: Path::new("/"),
        home: home.as_deref(),
    };
    canonical(&base.resolve(text, |path| path.exists()).path)
}

/// Whether a folder may be a project: not the whole machine, and not a user's home.
fn is_project(folder: &Path) -> bool {
    let home = std::env::home_dir().and_then(|home| home.canonicalize().ok());
    let holds_home = home.is_some_and(|home| home.starts_with(folder));
    folder.is_dir() && folder.parent().is_some() && (!holds_home || locate::is_work_tree(folder))
}

async fn status(client: &Client) -> Result<Status, String> {
    client.status().await.map_err(|problem| problem.detail)
}

/// `; watched: /a, /b`
fn known(status: &Status) -> String {
    let mut names: Vec<String> = status
        .repositories
        .iter()
        .take(NAMED)
        .map(|one| clean(&one.path))
        .collect();
    if status.repositories.len() > NAMED {
        names.push(format!("and {} more", status.repositories.len() - NAMED));
    }
    match names.is_empty() {
        true => "; no repository is watched".to_owned(),
        false => format!("; watched repositories: {}", names.join(", ")),
    }
}

/// The folder that the argument `repository` names: a path, relative to `here` if it begins with a dot, or the end of a
/// watched repository's path.
fn named(text: &str, here: Option<&Path>, status: &Status) -> Result<PathBuf, String> {
    let text = text.trim();
    let folder = match here {
        Some(here) if text.starts_with('.') => canonical(&clean_path(&here.join(text))),
        _ => folder_of(text),
    };
    let is_path =
        text.starts_with(['/', '~', '.']) || text.to_ascii_lowercase().starts_with("file:");
    if let Some(folder) = directory(&folder).filter(|_| is_path) {
        return Ok(folder);
    }
    let ends: Vec<&Repository> = status
        .repositories
        .iter()
        .filter(|one| Path::new(&one.path).ends_with(text.trim_matches('/')))
        .collect();
    match (ends.as_slice(), is_path) {
        ([one], _) => Ok(canonical(Path::new(&one.path))),
        ([], _) => Err(format!(
            "repository: there is no {}{}",
            clean(text),
            known(status)
        )),
        _ => Err(format!(
            "repository: {} can be several: give the absolute path{}",
            clean(text),
            known(status)
        )),
    }
}

/// Whether `folder` lies below the root of a repository.
fn repository_of(folder: &Path, repository: &Repository) -> bool {
    let root = canonical(Path::new(&repository.path));
    folder != root && folder.starts_with(&root)
}

/// The watched repository that holds an absolute path.
fn absolute_in(path: Option<&str>, status: &Status) -> Option<PathBuf> {
    let path = folder_of(path?);
    let folder = match path.is_dir() {
        true => path,
        false => path.parent()?.to_path_buf(),
    };
    match locate(&folder, &status.repositories) {
        Located::Watched(root) => Some(PathBuf::from(root)),
        Located::Unwatched(_) => None,
    }
}

impl Session {
    /// Ready when standard input has ended: the client is gone or sends no more, and a wait ends.
    pub async fn closing(&self) {
        let mut closed = self.closed.clone();
        if closed.wait_for(|&closed| closed).await.is_err() {
            // The reader ended without saying so; then the library ends the calls.
            std::future::pending::<()>().await;
        }
    }

    /// The target that an agent names, absolute and in the repository.
    pub fn target(&self, text: &str) -> Result<Target, String> {
        // `/src` is read as `src`, so `/` is the repository.
        let text = if text.trim() == "/" { "" } else { text };
        let home = std::env::home_dir();
        let at = |folder| Base {
            folder,
            home: home.as_deref(),
        };
        let exists = |path: &Path| path.symlink_metadata().is_ok();
        let mut target = at(&self.root).resolve(text, exists);
        if !exists(&target.path) && self.folder.starts_with(&self.root) {
            // Some agents name paths from their working folder.
            let from_folder = at(&self.folder).resolve(text, exists);
            if exists(&from_folder.path) {
                target = from_folder;
            }
        }
        if !exists(&target.path) {
            // `/src` and `project/src` are what some agents write for `src`.
            let bare = text.trim().trim_start_matches(['/', '@']);
            let own = self.root.file_name().and_then(OsStr::to_str);
            let after = own.and_then(|name| bare.strip_prefix(name)?.strip_prefix('/'));
            // `a/src/x.py` and `b/src/x.py` stand in diffs.
            let of_diff = bare.strip_prefix("a/").or(bare.strip_prefix("b/"));
            let readings = [Some(bare), after, of_diff].into_iter().flatten();
            let mut readings = readings.map(|text| at(&self.root).resolve(text, exists));
            let below = readings.find(|one| exists(&one.path) && self.holds(&one.path));
            target = below.unwrap_or(target);
        }
        let path = canonical(&target.path);
        // What is named through a link below the root stays as it is named: the daemon explains it.
        let path = match (self.holds(&target.path), self.holds(&path)) {
            (true, false) => target.path.clone(),
            _ => path,
        };
        if !self.holds(&path) {
            return Err(self.outside(text, &path));
        }
        // The daemon knows the root by the path that it was added with.
        let below = path.strip_prefix(&self.root).map(Path::to_path_buf);
        let path = match below {
            Ok(below) if below.as_os_str().is_empty() => PathBuf::from(&self.repository.path),
            Ok(below) => Path::new(&self.repository.path).join(below),
            Err(_) => path,
        };
        Ok(Target { path, ..target })
    }

    fn holds(&self, path: &Path) -> bool {
        path.starts_with(&self.root) || path.starts_with(&self.repository.path)
    }

    fn outside(&self, text: &str, path: &Path) -> String {
        let other = match locate(path, &self.status.repositories) {
            Located::Watched(root) => format!(
                ": it is in {}, so pass \"repository\": {}",
                clean(&root),
                serde_json::json!(root)
            ),
            Located::Unwatched(_) => String::new(),
        };
        format!(
            "{}: outside of the repository {}{other}",
            clean(text),
            clean(&self.repository.path)
        )
    }

    /// A glob as the daemon reads it, relative to the root.
    pub fn glob(&self, text: &str) -> Result<String, String> {
        let home = std::env::home_dir();
        let at = |folder| Base {
            folder,
            home: home.as_deref(),
        };
        let root = Path::new(&self.repository.path);
        let read = at(&self.root).glob(text, &self.root, canonical);
        let read = read.or_else(|_| at(root).glob(text, root, canonical));
        read.map_err(|Outside| {
            let path = folder_of(text.split(['*', '?', '[', '{']).next().unwrap_or_default());
            format!("path_glob: {}", self.outside(text, &path))
        })
    }

    /// Whether no path of the repository matches a glob: then the words of a search are not what is wrong.
    pub async fn matches_nothing(&self, glob: &str) -> Result<bool, String> {
        let root = Path::new(&self.repository.path);
        let tree = self.client.brief(root, usize::MAX).await;
        let tree = tree.map_err(|problem| clean(&problem.detail))?;
        Ok(globs::matches_nothing(&tree, glob))
    }

    /// Where the daemon's configuration and store are others than this user's shell has.
    pub fn other_places(&self) -> Option<String> {
        let daemon = self.status.daemon.as_ref()?;
        let differs = |daemon: &str, own: &Path| canonical(Path::new(daemon)) != canonical(own);
        let (config, data) = &self.own;
        let differs = differs(&daemon.config, config) || differs(&daemon.data_dir, data);
        differs.then(|| {
            format!(
                "the daemon uses the configuration {} and the store {}; this server's environment names {} and {}",
                clean(&daemon.config),
                clean(&daemon.data_dir),
                clean(&config.to_string_lossy()),
                clean(&data.to_string_lossy())
            )
        })
    }
}
