//! `epitome ui`: the page of an export, live. This process serves it on a random port of 127.0.0.1 and reads from the
//! daemon; it ends when no page is open.
//!
//! Only the browser that opened the printed address may read: the address holds a token that works once, and the
//! session it starts is a cookie. Host and Origin are checked, because any web page can send requests to this machine.
//! Nothing can be changed through it.

use std::convert::Infallible;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{RawQuery, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, HOST, LOCATION, ORIGIN,
    SET_COOKIE,
};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::sse::{self, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::stream;
use tokio::net::TcpListener;

use super::failure::Failure;
use super::{Context, output, start};
use crate::client::Client;
use crate::page::{self, Origin, Policy};
use crate::wire::access::Access;
use crate::wire::percent;

/// Without an open page this process ends after this long.
const UNUSED: Duration = Duration::from_secs(120);
/// How often that is checked.
const CHECK: Duration = Duration::from_secs(5);

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Print the address and do not open a browser
    #[arg(long)]
    no_open: bool,
}

/// What the routes share.
struct Session {
    client: Client,
    /// `127.0.0.1:PORT`
    host: String,
    /// The token that opens the session, until it was used.
    token: Mutex<Option<String>>,
    cookie: String,
    /// Open streams of events.
    streams: AtomicUsize,
    last_request: Mutex<Instant>,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let client = start::client(context).await?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let host = listener.local_addr()?.to_string();
    let token = secret()?;
    let address = format!("http://{host}/?token={token}");
    let session = Arc::new(Session {
        client,
        host,
        token: Mutex::new(Some(token)),
        cookie: secret()?,
        streams: AtomicUsize::new(0),
        last_request: Mutex::new(Instant::now()),
    });
    output::print(&format!("{address}\n"))?;
    if !arguments.no_open && !open(&address) {
        output::say("open this address in a browser");
    }
    let unused = Arc::clone(&session);
    let server = axum::serve(listener, router(session));
    tokio::select! {
        served = server.into_future() => Ok(served?),
        () = unused.unused() => Ok(()),
    }
}

fn router(session: Arc<Session>) -> Router {
    Router::new()
        .route("/", get(frame))
        .route("/status", get(status))
        .route("/data", get(data))
        .route("/events", get(events))
        .layer(middleware::from_fn_with_state(Arc::clone(&session), guard))
        .with_state(session)
}

impl Session {
    /// Completes when no page was open for a while.
    async fn unused(&self) {
        loop {
            tokio::time::sleep(CHECK).await;
            let last = *self
                .last_request
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if self.streams.load(Ordering::Relaxed) == 0 && last.elapsed() > UNUSED {
                return;
            }
        }
    }

    /// Whether the request comes from this machine's browser by our own address.
    fn is_addressed(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let origin = format!("http://{}", self.host);
        text(HOST) == Some(self.host.as_str()) && text(ORIGIN).is_none_or(|from| from == origin)
    }

    fn has_cookie(&self, headers: &HeaderMap) -> bool {
        let wanted = format!("epitome={}", self.cookie);
        let all = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok());
        all.flat_map(|value| value.split(';'))
            .any(|one| one.trim() == wanted)
    }

    /// Whether this is the token; it is used up then.
    fn takes(&self, query: Option<&str>) -> bool {
        let given = query.and_then(|query| query.strip_prefix("token="));
        let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        let right = given.is_some() && token.as_deref() == given;
        if right {
            *token = None;
        }
        right
    }
}

/// Lets in what comes from the page itself; the first request with the token starts the session.
async fn guard(State(session): State<Arc<Session>>, request: Request, next: Next) -> Response {
    if !session.is_addressed(request.headers()) {
        return (StatusCode::FORBIDDEN, "this page is for this machine only").into_response();
    }
    *session
        .last_request
        .lock()
        .unwrap_or_else(PoisonError::into_inner) = Instant::now();
    if session.has_cookie(request.headers()) {
        return next.run(request).await;
    }
    if request.uri().path() == "/" && session.takes(request.uri().query()) {
        let cookie = format!(
            "epitome={}; Path=/; HttpOnly; SameSite=Strict",
            session.cookie
        );
        let headers = [(SET_COOKIE, cookie), (LOCATION, "/".to_owned())];
        return (StatusCode::SEE_OTHER, headers).into_response();
    }
    let text = "this address was used already or is wrong; run `epitome ui` again";
    (StatusCode::FORBIDDEN, text).into_response()
}

async fn frame() -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (
            CONTENT_SECURITY_POLICY,
            format!("{}; frame-ancestors 'none'", Policy::Served.text()),
        ),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    (headers, page::live())
}

/// An error as text with its status.
fn failed(problem: crate::wire::protocol::Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, problem.detail).into_response()
}

async fn status(State(session): State<Arc<Session>>) -> Response {
    match session.client.status().await {
        Ok(status) => Json(status).into_response(),
        Err(problem) => failed(problem),
    }
}

/// The tree of a watched repository.
async fn data(State(session): State<Arc<Session>>, RawQuery(query): RawQuery) -> Response {
    let named = query
        .as_deref()
        .and_then(|query| query.strip_prefix("repository="));
    let Some(path) = named
        .and_then(percent::decode)
        .and_then(|path| String::from_utf8(path).ok())
    else {
        return (StatusCode::BAD_REQUEST, "repository is missing").into_response();
    };
    let watched = match session.client.status().await {
        Ok(status) => status.repositories.into_iter().any(|one| one.path == path),
        Err(problem) => return failed(problem),
    };
    if !watched {
        return (StatusCode::NOT_FOUND, "no such repository").into_response();
    }
    let path = PathBuf::from(path);
    match session.client.node(&path, usize::MAX).await {
        Ok(tree) => {
            let changed = super::export::last_changed(path.clone());
            Json(page::data(&tree, &origin(&path), &changed)).into_response()
        }
        Err(problem) => failed(problem),
    }
}

fn origin(path: &Path) -> Origin {
    let name = path.file_name().unwrap_or(path.as_os_str());
    Origin {
        name: name.to_string_lossy().into_owned(),
        revision: super::export::revision::of(path),
        ..Origin::default()
    }
}

/// Counts an open stream while it lives.
struct Open(Arc<Session>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The daemon's events, each as it comes.
async fn events(State(session): State<Arc<Session>>) -> Response {
    let events = match session.client.events(None).await {
        Ok(events) => events,
        Err(problem) => return failed(problem),
    };
    session.streams.fetch_add(1, Ordering::Relaxed);
    let open = Open(session);
    let stream = stream::unfold((events, open), |(mut events, open)| async move {
        let event = events.recv().await?.ok()?;
        let sent = sse::Event::default().json_data(&event).unwrap_or_default();
        Some((Ok::<_, Infallible>(sent), (events, open)))
    });
    Sse::new(stream)
        .keep_alive(sse::KeepAlive::default())
        .into_response()
}

/// 128 random bits as text.
fn secret() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Opens the address in the user's browser; false if there is no way to.
fn open(address: &str) -> bool {
    let program = match cfg!(target_os = "macos") {
        true => "open",
        false => "xdg-open",
    };
    let mut command = Command::new(program);
    command
        .arg(address)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().is_ok()
}
