//! The client of the daemon's socket: HTTP/1.1, one connection per request.
//!
//! It starts no daemon and retries nothing.

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod tests;

mod follow;
pub mod globs;
pub mod locate;
pub mod symbols;

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
use crate::wire::shared::{ExchangeRequest, Exchanged};

/// No daemon listens on the socket. The client makes this problem; a server never sends it.
pub const PROBLEM_NO_DAEMON: &str = "/problems/no-daemon";

/// Time limit of a response. A wait adds its own time to it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Levels of children in one response. Deeper trees come in slices: the JSON parser follows 128 levels of nesting, and
/// a level of children takes two.
const SLICE: usize = 40;

/// A client of the daemon at one socket.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

/// Why no daemon could be reached.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// There is no socket, or nothing listens on it.
    #[error(
        "no daemon runs: `epitome watch` in a repository starts one (or `epitome mcp --watch`, `epitome daemon`, `epitome service install`)"
    )]
    NoDaemon,
    /// A program of another user listens there.
    #[error("{}: another user's program listens there; name another socket with --socket", .0.display())]
    Foreign(PathBuf),
    /// The socket is there and cannot be used.
    #[error("{}: {source}", .socket.display())]
    Unusable {
        /// Its path.
        socket: PathBuf,
        /// The system's error.
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
    /// A client of the daemon at `socket`, which must accept a connection now.
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

    /// One request, and its response's body.
    async fn request(
        &self,
        method: Method,
        route: &str,
        body: Option<Vec<u8>>,
        patience: Option<Duration>,
    ) -> Result<Bytes, Problem> {
        let response = self.exchange(method, route, body);
        match patience {
            None => response.await,
            Some(patience) => timeout(patience, response).await.unwrap_or_else(|_| {
                Err(internal(format!(
                    "the daemon did not respond within {} s: check it with `epitome doctor`, or `epitome restart`",
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
            .map_err(|error| internal(format!("the request cannot be built: {error}")))?;
        let exchange = async {
            let response = sender.send_request(request).await.map_err(broken)?;
            let status = response.status();
            let body = response.into_body().collect().await.map_err(broken)?;
            Ok::<_, Problem>((status, body.to_bytes()))
        };
        // The connection does the reading and writing. A dropped request closes it, and the daemon notices.
        let mut exchange = std::pin::pin!(exchange);
        let mut connection = std::pin::pin!(connection);
        let (status, body) = tokio::select! {
            done = &mut exchange => done?,
            ended = &mut connection => match ended {
                Ok(()) => exchange.await?,
                Err(error) => return Err(broken(error)),
            },
        };
        if status.is_success() {
            return Ok(body);
        }
        Err(decode_problem(status, &body))
    }

    /// The node at `path` with `depth` levels below it, without the outlines of files.
    ///
    /// # Errors
    /// As [`Access::node`].
    pub async fn brief(&self, path: &Path, depth: usize) -> Result<Node, Problem> {
        self.levels(path, depth, false).await
    }

    async fn levels(&self, path: &Path, depth: usize, outlines: bool) -> Result<Node, Problem> {
        let mut node = self.slice(path, depth.min(SLICE), None, outlines).await?;
        if depth > SLICE {
            self.deepen(path, &mut node, depth, outlines).await?;
        }
        Ok(node)
    }

    async fn slice(
        &self,
        path: &Path,
        depth: usize,
        within: Option<&Path>,
        outlines: bool,
    ) -> Result<Node, Problem> {
        let mut route = format!("/v1/node?path={}&depth={depth}", query(path));
        if !outlines {
            route += "&outlines=0";
        }
        if let Some(root) = within {
            route += &format!("&repository={}", query(root));
        }
        decode(
            &self
                .request(Method::GET, &route, None, Some(PATIENCE))
                .await?,
        )
    }

    /// Adds the levels below the directories at which a slice ended, down to `depth`.
    async fn deepen(
        &self,
        path: &Path,
        node: &mut Node,
        depth: usize,
        outlines: bool,
    ) -> Result<(), Problem> {
        // A work list instead of recursion: the nodes at which slices ended, each with its absolute path.
        let mut open: Vec<(PathBuf, &mut Node)> = Vec::new();
        // Names the repository: one nested in it would answer for its own part otherwise.
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
                match self.slice(&path, left.min(SLICE), root, outlines).await {
                    Ok(deeper) => *end = deeper,
                    // Deleted between two slices: it stays without children.
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
                .request(Method::GET, "/v1/status", None, Some(PATIENCE))
                .await?,
        )
    }

    async fn node(&self, path: &Path, depth: usize) -> Result<Node, Problem> {
        self.levels(path, depth, true).await
    }

    async fn search(&self, search: &Search) -> Result<SearchResults, Problem> {
        // A longer query may not fit into the request line.
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
        decode(
            &self
                .request(Method::GET, &route, None, Some(PATIENCE))
                .await?,
        )
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
        let response = self.request(Method::POST, &route, Some(body), Some(PATIENCE));
        decode(&response.await?)
    }

    async fn confirm(&self, path: &Path) -> Result<(), Problem> {
        let body = encode(&WatchRequest {
            path: path.to_string_lossy().into_owned(),
            keep: false,
            confirm: true,
        })?;
        let route = format!("/v1/repositories{}", exact(path));
        self.request(Method::POST, &route, Some(body), Some(PATIENCE))
            .await
            .map(drop)
    }

    async fn unwatch(&self, path: &Path) -> Result<(), Problem> {
        let route = format!("/v1/repositories?path={}", query(path));
        self.request(Method::DELETE, &route, None, Some(PATIENCE))
            .await?;
        Ok(())
    }

    async fn estimate(&self, path: &Path, first_only: bool) -> Result<Estimate, Problem> {
        let first = u8::from(first_only);
        let route = format!("/v1/estimate?path={}&first={first}", query(path));
        // No time limit: the daemon reads every file for it.
        decode(&self.request(Method::GET, &route, None, None).await?)
    }

    async fn snapshot(&self, path: &Path) -> Result<Node, Problem> {
        let route = format!("/v1/snapshot?path={}", query(path));
        // No time limit: the daemon reads every file for it.
        decode(&self.request(Method::GET, &route, None, None).await?)
    }

    async fn prompt(&self, path: &Path) -> Result<Preview, Problem> {
        let route = format!("/v1/prompt?path={}", query(path));
        decode(
            &self
                .request(Method::GET, &route, None, Some(PATIENCE))
                .await?,
        )
    }

    async fn cache(&self) -> Result<CacheStatistics, Problem> {
        // No time limit here and in the next two: the daemon reads the whole store.
        decode(&self.request(Method::GET, "/v1/cache", None, None).await?)
    }

    async fn collect(&self, request: CollectRequest) -> Result<Collected, Problem> {
        let body = encode(&request)?;
        let response = self.request(Method::POST, "/v1/cache/gc", Some(body), None);
        decode(&response.await?)
    }

    async fn exchange(&self, request: ExchangeRequest) -> Result<Exchanged, Problem> {
        let body = encode(&request)?;
        let response = self.request(Method::POST, "/v1/cache/shared", Some(body), None);
        decode(&response.await?)
    }

    async fn verify(&self) -> Result<Verified, Problem> {
        let response = self.request(Method::POST, "/v1/cache/verify", None, None);
        decode(&response.await?)
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
        decode(
            &self
                .request(Method::POST, &route, Some(body), patience)
                .await?,
        )
    }
}

fn query(path: &Path) -> String {
    percent::encode(path.as_os_str().as_bytes())
}

/// The query that carries a path which JSON cannot: one that is not UTF-8.
fn exact(path: &Path) -> String {
    match path.to_str() {
        Some(_) => String::new(),
        None => format!("?path={}", query(path)),
    }
}

fn internal(detail: String) -> Problem {
    Problem::new(PROBLEM_INTERNAL, detail)
}

/// How the message begins when the daemon ended within a response: the next request may find another daemon.
pub const BROKEN: &str = "the daemon closed the connection before its response was complete";

fn broken(error: hyper::Error) -> Problem {
    internal(format!("{BROKEN} ({error})"))
}

fn encode(body: &impl Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(body)
        .map_err(|error| internal(format!("the request cannot be encoded: {error}")))
}

fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        internal(format!(
            "the daemon's response cannot be decoded ({error}): it may be of another version; run `epitome restart`"
        ))
    })
}

fn decode_problem(status: StatusCode, body: &[u8]) -> Problem {
    serde_json::from_slice(body).unwrap_or_else(|_| {
        internal(format!(
            "the daemon responded {status} without a reason: it may be of another version; run `epitome restart`"
        ))
    })
}
