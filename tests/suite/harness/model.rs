//! A model at the other end of an HTTP connection: it counts what it is asked, and answers as it is told to.
//!
//! What it says depends on nothing but what it was asked, so that two indexes of equal trees get equal words.

mod answering;
mod batches;
mod limits;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::{get, post};
use serde_json::Value;
use tokio::sync::Notify;

use answering::{answer, strange};

pub use limits::Limits;

/// Tokens of each prompt that it has in its cache.
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
    /// What stands between the markers: a file's text, or its children's words.
    pub content: String,
    /// The request's body.
    pub body: Value,
    /// The Authorization header.
    pub authorization: String,
    /// The status that it was answered with; `None` while it waits, and for ever where nobody took the answer.
    pub answered: Option<u16>,
    /// When it came.
    pub at: Instant,
}

impl Request {
    /// What is asked, without the marker words: equal for equal questions.
    pub fn question(&self) -> String {
        format!("{:?} {}", self.kind, self.content)
    }
}

/// What to say instead of words.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A status, headers, a body.
    Status(u16, Vec<(&'static str, String)>, String),
    /// Status 200 and no JSON.
    Garbled,
    /// No words at all.
    Empty,
    /// Cut off, as the cap on tokens does it.
    Length,
    /// The connection ends in the middle of the answer.
    Dropped,
    /// No answer, for as long as somebody waits for one.
    Stalled,
    /// An answer that says just this.
    SummaryRef(&'static str),
}

type Wanted = Box<dyn Fn(&Request) -> bool + Send>;

#[derive(Default)]
struct Book {
    requests: Vec<Request>,
    strange: Vec<String>,
    in_flight: usize,
    max_in_flight: usize,
    flying: BTreeMap<String, usize>,
    twice_at_once: Vec<String>,
    /// How many may still be answered; `None`: all.
    allowed: Option<usize>,
    latency: Duration,
    constant: bool,
    failures: Vec<(Wanted, Reply, usize)>,
    batches: batches::Batches,
    gate: limits::Gate,
}

#[derive(Default)]
struct BatchRunner {
    book: Mutex<Book>,
    opened: Notify,
}

/// The model. Its requests end with it.
pub struct FakeModel {
    desk: Arc<BatchRunner>,
    port: u16,
    runtime: Option<tokio::runtime::Runtime>,
}

impl FakeModel {
    /// A model that answers at once.
    pub fn new() -> Self {
        Self::at(0)
    }

    /// The same at a given port; 0: any.
    pub fn at(port: u16) -> Self {
        let desk = Arc::new(BatchRunner::default());
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
            .route("/v1/chat/completions", post(answer))
            // It does not list its models, as some servers do not.
            .route("/v1/models", get(answering::unlisted))
            .fallback(strange)
            .with_state(Arc::clone(&desk));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            desk,
            port,
            runtime: Some(runtime),
        }
    }

    /// The `base_url` of its users.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// How long it thinks about each request.
    pub fn latency(&self, milliseconds: u64) -> &Self {
        self.desk.book().latency = Duration::from_millis(milliseconds);
        self
    }

    /// It says the same about every file, and the same about every directory.
    pub fn constant(&self) -> &Self {
        self.desk.book().constant = true;
        self
    }

    /// From now on nothing is answered.
    pub fn hold(&self) -> &Self {
        self.hold_after(0)
    }

    /// From now on so many more are answered, and no others.
    pub fn hold_after(&self, requests: usize) -> &Self {
        self.desk.book().allowed = Some(requests);
        // Those that wait may be among them.
        self.desk.opened.notify_waiters();
        self
    }

    /// All are answered again.
    pub fn release(&self) {
        self.desk.book().allowed = None;
        self.desk.opened.notify_waiters();
    }

    /// The next `times` requests that `wanted` picks get this reply.
    pub fn fail(
        &self,
        times: usize,
        reply: Reply,
        wanted: impl Fn(&Request) -> bool + Send + 'static,
    ) -> &Self {
        let mut book = self.desk.book();
        book.failures.push((Box::new(wanted), reply, times));
        drop(book);
        self
    }

    /// It answers all again.
    pub fn heal(&self) {
        self.desk.book().failures.clear();
    }

    /// All requests so far, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.desk.book().requests.clone()
    }

    /// How many there were.
    pub fn count(&self) -> usize {
        self.desk.book().requests.len()
    }

    /// How many were answered with words.
    pub fn answered(&self) -> usize {
        let book = self.desk.book();
        let answered = book
            .requests
            .iter()
            .filter(|request| request.answered == Some(200));
        answered.count()
    }

    /// Those since the first `count`, as (about files, about directories).
    pub fn since(&self, count: usize) -> (usize, usize) {
        let book = self.desk.book();
        let later = &book.requests[count..];
        let files = later
            .iter()
            .filter(|request| request.kind == Kind::File)
            .count();
        (files, later.len() - files)
    }

    /// Requests that wait now.
    pub fn in_flight(&self) -> usize {
        self.desk.book().in_flight
    }

    /// The most that ever waited at once.
    pub fn max_in_flight(&self) -> usize {
        self.desk.book().max_in_flight
    }

    /// Waits until nobody waits for it: after a kill, until it has noticed.
    #[track_caller]
    pub fn idle(&self) {
        super::until("nothing in flight at the model", || self.in_flight() == 0);
    }

    /// What it says about a file or directory.
    pub fn words(kind: Kind, content: &str) -> String {
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
            let book = self.desk.book();
            assert!(
                book.twice_at_once.is_empty(),
                "asked twice at once: {:?}",
                book.twice_at_once
            );
            assert!(
                book.strange.is_empty(),
                "strange requests: {:?}",
                book.strange
            );
        }
    }
}

impl BatchRunner {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Book {
    /// What is to be said to a request instead of words.
    fn failure(&mut self, request: &Request) -> Option<Reply> {
        let (_, reply, times) = self
            .failures
            .iter_mut()
            .find(|(wanted, _, times)| *times > 0 && wanted(request))?;
        *times -= 1;
        Some(reply.clone())
    }
}
