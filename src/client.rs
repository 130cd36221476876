//! Asks a daemon over its socket: HTTP/1.1, a connection for each question.
//!
//! It starts no daemon and retries nothing.

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod tests;

mod follow;

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::wire::access::Access;
use crate::wire::cache::{CacheStatistics, CollectRequest, Collected, Verified};
use crate::wire::estimate::Estimate;
use crate::wire::events::EventStream;
use crate::wire::percent;
use crate::wire::prompt::Preview;
use crate::wire::protocol::{
    Node, PROBLEM_INTERNAL, PROBLEM_NO_NODE, Problem, Repository, Status, WaitOutcome, WaitRequest,
    WatchRequest,
};
use crate::wire::search::{MAX_QUERY_BYTES, Search, SearchResults, too_long};

/// No daemon answers at the socket (never sent by a server).
pub const PROBLEM_NO_DAEMON: &str = "/problems/no-daemon";

/// How long a daemon that lives may need for an answer; a wait has its own time.
const PATIENCE: Duration = Duration::from_secs(60);

/// Levels of children in one answer. Deeper trees come in slices: a JSON reader follows 128 levels of nesting, and a
/// level of children takes two.
const SLICE: usize = 40;

/// A way to the daemon at one socket.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

/// Why no daemon could be reached.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// There is no socket, or nobody listens on it.
    #[error(
        "no daemon runs: `epitome watch` in a repository starts one (or `epitome daemon`, or `epitome service install`)"
    )]
    NoDaemon,
    /// Somebody else's program listens there.
    #[error("{}: another user's program listens there; name another socket with --socket", .0.display())]
    Foreign(PathBuf),
    /// The socket is there and cannot be used.
    #[error("{}: {source}", .socket.display())]
    Unusable {
        /// Its path.
        socket: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl From<ConnectError> for Problem {
    fn from(error: ConnectError) -> Self {
        let kind = match error {
            ConnectError::NoDaemon => PROBLEM_NO_DAEMON,
            _ => PROBLEM_INTERNAL,
        };
        Self::new(kind, error.to_string())
    }
}

impl Client {
    /// A client for the daemon at `socket`, which must answer a connection now.
    ///
    /// # Errors
    ///
    /// No daemon listens there, or the socket cannot be used.
    pub async fn connect(socket: &Path) -> Result<Self, ConnectError> {
        let client = Self {
            socket: socket.to_path_buf(),
        };
        client.open().await?;
        Ok(client)
    }

    async fn open(&self) -> Result<UnixStream, ConnectError> {
        let unusable = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => ConnectError::NoDaemon,
            _ => ConnectError::Unusable {
                socket: self.socket.clone(),
                source,
            },
        };
        let stream = UnixStream::connect(&self.socket).await.map_err(unusable)?;
        let peer = stream.peer_cred().map_err(unusable)?;
        if peer.uid() != rustix::process::geteuid().as_raw() {
            return Err(ConnectError::Foreign(self.socket.clone()));
        }
        Ok(stream)
    }

    /// One question and its answer's body.
    async fn ask(
        &self,
        method: Method,
        route: &str,
        body: Option<Vec<u8>>,
        patience: Option<Duration>,
    ) -> Result<Bytes, Problem> {
        let answer = self.exchange(method, route, body);
        match patience {
            None => answer.await,
            Some(patience) => timeout(patience, answer).await.unwrap_or_else(|_| {
                Err(internal(format!(
                    "the daemon did not answer within {} s; see what it does with `epitome doctor`",
                    patience.as_secs()
                )))
            }),
        }
    }

    async fn exchange(
        &self,
        method: Method,
        route: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Bytes, Problem> {
        let stream = TokioIo::new(self.open().await?);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream)
            .await
            .map_err(broken)?;
        let mut request = Request::builder()
            .method(method)
            .uri(route)
            .header(HOST, "localhost");
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request
            .body(Full::new(Bytes::from(body.unwrap_or_default())))
            .map_err(|error| internal(format!("the question cannot be asked: {error}")))?;
        let answer = async {
            let response = sender.send_request(request).await.map_err(broken)?;
            let status = response.status();
            let body = response.into_body().collect().await.map_err(broken)?;
            Ok::<_, Problem>((status, body.to_bytes()))
        };
        // The connection does the reading and writing; it need not outlive the answer, and a dropped question closes
        // it, which tells the daemon.
        let mut answer = std::pin::pin!(answer);
        let mut connection = std::pin::pin!(connection);
        let (status, body) = tokio::select! {
            answer = &mut answer => answer?,
            ended = &mut connection => match ended {
                Ok(()) => answer.await?,
                Err(error) => return Err(broken(error)),
            },
        };
        if status.is_success() {
            return Ok(body);
        }
        Err(decode_problem(status, &body))
    }

    async fn slice(
        &self,
        path: &Path,
        depth: usize,
        within: Option<&Path>,
    ) -> Result<Node, Problem> {
        let mut route = format!("/v1/node?path={}&depth={depth}", query(path));
        if let Some(root) = within {
            route += &format!("&repository={}", query(root));
        }
        decode(&self.ask(Method::GET, &route, None, Some(PATIENCE)).await?)
    }

    /// Puts the levels from `depth` on below the directories at which a slice ended.
    async fn deepen(&self, path: &Path, node: &mut Node, depth: usize) -> Result<(), Problem> {
        // A list instead of recursion: the nodes at which slices ended, each with its own path.
        let mut open: Vec<(PathBuf, &mut Node)> = Vec::new();
        // A repository that lies in this one must not answer for it.
        let names = node
            .common()
            .path
            .split('/')
            .filter(|name| !name.is_empty());
        let root = path.ancestors().nth(names.count());
        collect_ends(path.to_path_buf(), node, SLICE, &mut open);
        let mut left = depth;
        while !open.is_empty() {
            left = left.saturating_sub(SLICE);
            if left == 0 {
                break;
            }
            let mut next = Vec::new();
            for (path, end) in open {
                match self.slice(&path, left.min(SLICE), root).await {
                    Ok(deeper) => *end = deeper,
                    // It went away between two slices: it stays as it was told, without children.
                    Err(problem) if problem.kind == PROBLEM_NO_NODE => continue,
                    Err(problem) => return Err(problem),
                }
                collect_ends(path, end, SLICE, &mut next);
            }
            open = next;
        }
        Ok(())
    }
}

/// The directories exactly `level` levels below `node`.
fn collect_ends<'n>(
    path: PathBuf,
    node: &'n mut Node,
    level: usize,
    into: &mut Vec<(PathBuf, &'n mut Node)>,
) {
    if level == 0 {
        if matches!(node, Node::Directory(_)) {
            into.push((path, node));
        }
        return;
    }
    let Node::Directory(directory) = node else {
        return;
    };
    for child in directory.children.iter_mut().flatten() {
        let below = path.join(file_name(child));
        collect_ends(below, child, level - 1, into);
    }
}

/// A node's own name, as on disk.
fn file_name(node: &Node) -> OsString {
    let common = node.common();
    let exact = common
        .path_base64
        .as_ref()
        .and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
    let path = exact.unwrap_or_else(|| common.path.clone().into_bytes());
    let name = path.rsplit(|&byte| byte == b'/').next();
    OsString::from_vec(name.unwrap_or_default().to_vec())
}

impl Access for Client {
    async fn status(&self) -> Result<Status, Problem> {
        decode(
            &self
                .ask(Method::GET, "/v1/status", None, Some(PATIENCE))
                .await?,
        )
    }

    async fn node(&self, path: &Path, depth: usize) -> Result<Node, Problem> {
        let mut node = self.slice(path, depth.min(SLICE), None).await?;
        if depth > SLICE {
            self.deepen(path, &mut node, depth).await?;
        }
        Ok(node)
    }

    async fn search(&self, search: &Search) -> Result<SearchResults, Problem> {
        // As long as this or longer, it might not even fit into the route.
        if search.query.trim().len() > MAX_QUERY_BYTES {
            return Err(too_long());
        }
        let mut route = format!("/v1/search?q={}", percent::encode(search.query.as_bytes()));
        if let Some(path) = &search.path {
            route += &format!("&path={}", query(path));
        }
        if let Some(glob) = &search.glob {
            route += &format!("&glob={}", percent::encode(glob.as_bytes()));
        }
        if let Some(kind) = search.kind {
            route += &format!("&kind={}", kind.name());
        }
        if let Some(limit) = search.limit {
            route += &format!("&limit={limit}");
        }
        decode(&self.ask(Method::GET, &route, None, Some(PATIENCE)).await?)
    }

    async fn events(&self, path: Option<&Path>) -> Result<EventStream, Problem> {
        let query = path.map(|path| format!("?path={}", query(path)));
        self.follow(&format!("/v1/events{}", query.unwrap_or_default()))
            .await
    }

    async fn watch(&self, path: &Path, keep: bool) -> Result<Repository, Problem> {
        let body = encode(&WatchRequest {
            path: path.to_string_lossy().into_owned(),
            keep,
            confirm: false,
        })?;
        let route = format!("/v1/repositories{}", exact(path));
        let answer = self.ask(Method::POST, &route, Some(body), Some(PATIENCE));
        decode(&answer.await?)
    }

    async fn confirm(&self, path: &Path) -> Result<(), Problem> {
        let body = encode(&WatchRequest {
            path: path.to_string_lossy().into_owned(),
            keep: false,
            confirm: true,
        })?;
        let route = format!("/v1/repositories{}", exact(path));
        self.ask(Method::POST, &route, Some(body), Some(PATIENCE))
            .await
            .map(drop)
    }

    async fn unwatch(&self, path: &Path) -> Result<(), Problem> {
        let route = format!("/v1/repositories?path={}", query(path));
        self.ask(Method::DELETE, &route, None, Some(PATIENCE))
            .await?;
        Ok(())
    }

    async fn estimate(&self, path: &Path, first_only: bool) -> Result<Estimate, Problem> {
        let first = u8::from(first_only);
        let route = format!("/v1/estimate?path={}&first={first}", query(path));
        // Everything is read for it.
        decode(&self.ask(Method::GET, &route, None, None).await?)
    }

    async fn prompt(&self, path: &Path) -> Result<Preview, Problem> {
        let route = format!("/v1/prompt?path={}", query(path));
        decode(&self.ask(Method::GET, &route, None, Some(PATIENCE)).await?)
    }

    async fn cache(&self) -> Result<CacheStatistics, Problem> {
        // Everything is read for it, and for the next two.
        decode(&self.ask(Method::GET, "/v1/cache", None, None).await?)
    }

    async fn collect(&self, request: CollectRequest) -> Result<Collected, Problem> {
        let body = encode(&request)?;
        let answer = self.ask(Method::POST, "/v1/cache/gc", Some(body), None);
        decode(&answer.await?)
    }

    async fn verify(&self) -> Result<Verified, Problem> {
        let answer = self.ask(Method::POST, "/v1/cache/verify", None, None);
        decode(&answer.await?)
    }

    async fn wait(
        &self,
        path: Option<&Path>,
        timeout: Option<Duration>,
    ) -> Result<WaitOutcome, Problem> {
        let body = encode(&WaitRequest {
            path: path.map(|path| path.to_string_lossy().into_owned()),
            timeout_ms: timeout.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
        })?;
        let route = format!("/v1/wait{}", path.map(exact).unwrap_or_default());
        let patience = timeout.and_then(|timeout| timeout.checked_add(PATIENCE));
        decode(&self.ask(Method::POST, &route, Some(body), patience).await?)
    }
}

fn query(path: &Path) -> String {
    percent::encode(path.as_os_str().as_bytes())
}

/// The query that says a path exactly where JSON cannot.
fn exact(path: &Path) -> String {
    match path.to_str() {
        Some(_) => String::new(),
        None => format!("?path={}", query(path)),
    }
}

fn internal(detail: String) -> Problem {
    Problem::new(PROBLEM_INTERNAL, detail)
}

fn broken(error: hyper::Error) -> Problem {
    internal(format!(
        "the daemon ended the connection before it had answered ({error})"
    ))
}

fn encode(question: &impl Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(question)
        .map_err(|error| internal(format!("the question cannot be written: {error}")))
}

fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        internal(format!(
            "the daemon's answer cannot be read ({error}): is it of another version? Restart it with `systemctl --user restart epitome`"
        ))
    })
}

fn decode_problem(status: StatusCode, body: &[u8]) -> Problem {
    serde_json::from_slice(body).unwrap_or_else(|_| {
        internal(format!(
            "the daemon answered {status} and did not say why: is it of another version? Restart it with `systemctl --user restart epitome`"
        ))
    })
}
