//! A fake model behind an HTTP endpoint. It records all requests and responds as the test configures it.
//!
//! A summary depends only on the content in the request, so two indexes of equal trees get equal summaries.

mod batches;
mod limits;
mod responding;
mod windows;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::{get, post};
use serde_json::Value;
use tokio::sync::Notify;

use responding::{complete, unexpected};

pub use limits::Limits;
pub use windows::{CUT, Style};

/// Input tokens of each request that come from its cache.
pub const CACHED: usize = 100;

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Directory,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    pub kind: Kind,
    /// The text between the markers: a file's content, or the summaries of a directory's children.
    pub content: String,
    /// The request's body.
    pub body: Value,
    /// The Authorization header.
    pub authorization: String,
    /// The status of the response; `None` while the request waits, and if the client disconnected.
    pub status: Option<u16>,
    /// When it arrived.
    pub at: Instant,
}

impl Request {
    /// The kind and the content, without the random markers: equal for equal requests.
    pub fn subject(&self) -> String {
        format!("{:?} {}", self.kind, self.content)
    }
}

/// A response that replaces the usual summary.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A status, headers, a body.
    Status(u16, Vec<(&'static str, String)>, String),
    /// Status 200 without JSON.
    Garbled,
    /// An empty text.
    Empty,
    /// Cut off by the cap on output tokens.
    Length,
    /// The connection is cut in the middle of the body.
    Dropped,
    /// No response while the client stays connected.
    Stalled,
    /// Exactly this text.
    Text(&'static str),
}

type Filter = Box<dyn Fn(&Request) -> bool + Send>;

#[derive(Default)]
struct Inner {
    requests: Vec<Request>,
    unexpected: Vec<String>,
    in_flight: usize,
    max_in_flight: usize,
    /// How many requests are in flight, by subject.
    in_flight_by_subject: BTreeMap<String, usize>,
    duplicates: Vec<String>,
    /// How many more requests get a response; `None`: all.
    allowed: Option<usize>,
    latency: Duration,
    constant: bool,
    failures: Vec<(Filter, Reply, usize)>,
    batches: batches::Batches,
    gate: limits::Gate,
    /// A server with a window.
    window: Option<windows::Server>,
    /// Output tokens of all responses of that server.
    output_tokens: u64,
}

#[derive(Default)]
struct Server {
    inner: Mutex<Inner>,
    opened: Notify,
}

/// The model. Dropping it ends the requests in flight.
pub struct FakeModel {
    server: Arc<Server>,
    port: u16,
    runtime: Option<tokio::runtime::Runtime>,
}

impl FakeModel {
    /// A model that responds at once.
    pub fn new() -> Self {
        Self::at(0)
    }

    /// The same at the given port; 0: any.
    pub fn at(port: u16) -> Self {
        let server = Arc::new(Server::default());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind(("127.0.0.1", port)))
            .unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = batches::routes(Router::new())
            .route("/v1/chat/completions", post(complete))
            // Like some servers, it has no list of models.
            .route("/v1/models", get(unexpected))
            .fallback(unexpected)
            .with_state(Arc::clone(&server));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            server,
            port,
            runtime: Some(runtime),
        }
    }

    /// The value of `base_url` for this model.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// Sets the latency of each response.
    pub fn latency(&self, milliseconds: u64) -> &Self {
        self.server.lock().latency = Duration::from_millis(milliseconds);
        self
    }

    /// Gives all files the same summary, and all directories the same summary.
    pub fn constant(&self) -> &Self {
        self.server.lock().constant = true;
        self
    }

    /// Responds to no request from now on.
    pub fn hold(&self) -> &Self {
        self.hold_after(0)
    }

    /// Responds to `requests` more requests and then to none.
    pub fn hold_after(&self, requests: usize) -> &Self {
        self.server.lock().allowed = Some(requests);
        // Waiting requests count, too.
        self.server.opened.notify_waiters();
        self
    }

    /// Responds to all requests again.
    pub fn release(&self) {
        self.server.lock().allowed = None;
        self.server.opened.notify_waiters();
    }

    /// The next `times` requests that match the filter get this reply.
    pub fn fail(
        &self,
        times: usize,
        reply: Reply,
        filter: impl Fn(&Request) -> bool + Send + 'static,
    ) -> &Self {
        let mut inner = self.server.lock();
        inner.failures.push((Box::new(filter), reply, times));
        drop(inner);
        self
    }

    /// Removes all configured failures.
    pub fn heal(&self) {
        self.server.lock().failures.clear();
    }

    /// All requests so far, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.server.lock().requests.clone()
    }

    /// The number of requests so far.
    pub fn count(&self) -> usize {
        self.server.lock().requests.len()
    }

    /// The number of requests with a successful response.
    pub fn responded(&self) -> usize {
        let inner = self.server.lock();
        let responded = inner
            .requests
            .iter()
            .filter(|request| request.status == Some(200));
        responded.count()
    }

    /// The output tokens of all responses, if it is a server with a window.
    pub fn output_tokens(&self) -> u64 {
        self.server.lock().output_tokens
    }

    /// The numbers of requests for files and for directories after the first `count` requests.
    pub fn since(&self, count: usize) -> (usize, usize) {
        let inner = self.server.lock();
        let later = &inner.requests[count..];
        let files = later
            .iter()
            .filter(|request| request.kind == Kind::File)
            .count();
        (files, later.len() - files)
    }

    /// The number of requests in flight.
    pub fn in_flight(&self) -> usize {
        self.server.lock().in_flight
    }

    /// The largest number of requests in flight so far.
    pub fn max_in_flight(&self) -> usize {
        self.server.lock().max_in_flight
    }

    /// Waits until no request is in flight: after a kill, until the model has noticed the disconnects.
    #[track_caller]
    pub fn wait_idle(&self) {
        super::until("no request in flight", || self.in_flight() == 0);
    }

    /// The summary that it writes for a file or directory.
    pub fn summary(kind: Kind, content: &str) -> String {
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        let mark = hasher.finish();
        match kind {
            Kind::File => format!(
                "Holds piece {mark:016x}. It is {} bytes long.",
                content.len()
            ),
            Kind::Directory => format!("Gathers pieces as {mark:016x}. They belong together."),
        }
    }
}

impl Drop for FakeModel {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        if !std::thread::panicking() {
            let inner = self.server.lock();
            assert!(
                inner.duplicates.is_empty(),
                "two requests for the same subject at once: {:?}",
                inner.duplicates
            );
            assert!(
                inner.unexpected.is_empty(),
                "unexpected requests: {:?}",
                inner.unexpected
            );
        }
    }
}

impl Server {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Inner {
    /// The configured reply for a request, if any.
    fn failure(&mut self, request: &Request) -> Option<Reply> {
        let (_, reply, times) = self
            .failures
            .iter_mut()
            .find(|(filter, _, times)| *times > 0 && filter(request))?;
        *times -= 1;
        Some(reply.clone())
    }
}
