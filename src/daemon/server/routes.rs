//! The routes: each parses its query, calls [`Access`] and writes the response.

use std::path::PathBuf;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, RawQuery, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode, Uri};
use axum::response::sse::{self, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use futures_util::{StreamExt, stream};

use super::body::{plain, read};
use super::listener::Peer;
use super::metrics;
use super::query::{Query, absolute, bad, needed};
use crate::wire::access::Access;
use crate::wire::cache::{CacheStatistics, CollectRequest, Collected, Verified};
use crate::wire::estimate::Estimate;
use crate::wire::prompt::Preview;
use crate::wire::protocol::{
    Node, PROBLEM_INTERNAL, Problem, Repositories, Repository, Status, WaitOutcome, WaitRequest,
    WatchRequest,
};
use crate::wire::search::{Search, SearchKind, SearchResults};
use crate::wire::shared::{ExchangeRequest, Exchanged};
use crate::wire::target::{Target, narrow};

/// The description of the routes; a test requests each of them.
pub(super) const OPENAPI: &str = include_str!("openapi.json");

#[derive(Clone)]
struct Answers<A> {
    access: A,
    /// How long a body may take.
    patience: Duration,
}

type Answer<T> = Result<Json<T>, Problem>;

/// A response about a node up to this size has a content length; a larger one is streamed.
const WHOLE_BYTES: usize = 4 << 20;

pub(super) fn router<A: Access>(access: A, patience: Duration) -> Router {
    Router::new()
        .route("/v1/status", get(status::<A>))
        .route(
            "/v1/repositories",
            get(repositories::<A>).post(watch::<A>).delete(unwatch::<A>),
        )
        .route("/v1/node", get(node::<A>))
        .route("/v1/prompt", get(prompt::<A>))
        .route("/v1/search", get(search::<A>))
        .route("/v1/events", get(events::<A>))
        .route("/v1/estimate", get(estimate::<A>))
        .route("/v1/snapshot", get(snapshot::<A>))
        .route("/v1/cache", get(cache::<A>))
        .route("/v1/cache/gc", post(collect::<A>))
        .route("/v1/cache/verify", post(verify::<A>))
        .route("/v1/cache/shared", post(exchange::<A>))
        .route("/v1/wait", post(wait::<A>))
        .route("/metrics", get(prometheus::<A>))
        .route("/openapi.json", get(openapi))
        .fallback(unknown)
        .method_not_allowed_fallback(not_allowed)
        .with_state(Answers { access, patience })
}

async fn status<A: Access>(
    State(answers): State<Answers<A>>,
    RawQuery(query): RawQuery,
) -> Answer<Status> {
    Query::parse(query.as_deref(), &[])?;
    answers.access.status().await.map(Json)
}

async fn repositories<A: Access>(
    State(answers): State<Answers<A>>,
    RawQuery(query): RawQuery,
) -> Answer<Repositories> {
    Query::parse(query.as_deref(), &[])?;
    let repositories = answers.access.status().await?.repositories;
    Ok(Json(Repositories { repositories }))
}

async fn watch<A: Access>(
    State(answers): State<Answers<A>>,
    RawQuery(query): RawQuery,
    body: Body,
) -> Answer<Repository> {
    let query = Query::parse(query.as_deref(), &["path"])?;
    let body: Option<WatchRequest> = read(body, answers.patience).await?;
    let keep = body.as_ref().is_none_or(|body| body.keep);
    let confirm = body.as_ref().is_some_and(|body| body.confirm);
    // The query's path takes precedence over the body's: JSON cannot express one that is not UTF-8.
    let said = body.map(|body| absolute(PathBuf::from(body.path)));
    let path = match query.path()? {
        Some(path) => Some(path),
        None => said.transpose()?,
    };
    let path = needed(path)?;
    let repository = answers.access.watch(&path, keep).await?;
    if confirm {
        answers.access.confirm(&path).await?;
    }
    Ok(Json(repository))
}

async fn unwatch<A: Access>(
    State(answers): State<Answers<A>>,
    RawQuery(query): RawQuery,
) -> Result<StatusCode, Problem> {
    let query = Query::parse(query.as_deref(), &["path"])?;
    answers.access.unwatch(&needed(query.path()?)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn node<A: Access>(
    State(answers): State<Answers<A>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = Query::parse(
        query.as_deref(),
        &["path", "depth", "repository", "outlines"],
    )?;
    let depth = query.number("depth")?.unwrap_or(0);
    let outlines = query.number("outlines")?.unwrap_or(1) > 0;
    let Target { path, spot } = needed(query.target_of("path")?)?;
    let within = query.path_of("repository")?;
    let access = &answers.access;
    let text = access.node_text(&path, depth, within.as_deref(), outlines);
    let mut pieces = text.await?;
    let failed = |detail: &str| Problem::new(PROBLEM_INTERNAL, detail);
    if let Some(spot) = spot {
        let mut text = Vec::new();
        while let Some(piece) = pieces.recv().await {
            text.extend(piece.map_err(|error| failed(&error.to_string()))?);
        }
        let mut node: Node =
            serde_json::from_slice(&text).map_err(|error| failed(&error.to_string()))?;
        narrow(&mut node, &spot);
        return Ok(Json(node).into_response());
    }
    let mut begin = Vec::new();
    let body = loop {
        match pieces.recv().await {
            Some(piece) => begin.extend(piece.map_err(|error| failed(&error.to_string()))?),
            None if begin.is_empty() => return Err(failed("the daemon is ending")),
            None => break Body::from(begin),
        }
        if begin.len() > WHOLE_BYTES {
            let rest = stream::unfold(pieces, |mut pieces| async move {
                pieces.recv().await.map(|piece| (piece, pieces))
            });
            break Body::from_stream(stream::iter([Ok(begin)]).chain(rest));
        }
    };
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}

async fn prompt<A: Access>(
    State(answers): State<Answers<A>>,
    RawQuery(query): RawQuery,
) -> Answer<Preview> {
    let query = Query::parse(query.as_deref(), &["path"])?;
    let path = needed(query.path()?)?;
    answers.access.prompt(&path).await.map(Json)
}

async fn search<A: Access>(
    State(answers): State<Answers<A>>,
    RawQuery(query): RawQuery,
) -> Answer<SearchResults> {
    let query = Query::parse(query.as_deref(), &["q", "path", "limit", "kind", "glob"])?;
    let kind = query.text("kind")?.map(|name| {
        let unknown = || bad("kind must be file, directory, symbol or all".to_owned());
        SearchKind::named(&name).ok_or_else(unknown)
    });
    let missing = || bad("q is missing: give a query".to_owned());
    let search = Search {
        query: query.text("q")?.ok_or_else(missing)?,
        path: query.path()?,
        glob: query.text("glob")?,
        kind: kind.transpose()?,
        limit: query.number("limit")?,
    };
    answers.access.search(&search).await.map(Json)
}

/// Server-sent events; the connection is busy as long as the client listens.
async fn events<A: Access>(
    State(answers): State<Answers<A>>,
    peer: Option<Extension<ConnectInfo<Peer>>>,
    RawQuery(query): RawQuery,
) -> Result<impl IntoResponse, Problem> {
    let query = Query::parse(query.as_deref(), &["path"])?;
    let happenings = answers.access.events(query.path()?.as_deref()).await?;
    let busy = peer.map(|Extension(ConnectInfo(peer))| peer.busy());
    let stream = stream::unfold((happenings, busy), |(mut happenings, busy)| async move {
        // A problem ends the stream: the HTTP status was sent already.
        let happening = happenings.recv().await?.ok()?;
        let event = sse::Event::default().json_data(&happening);
        Some((event, (happenings, busy)))
    });
    Ok(Sse::new(stream))
}

async fn estimate<A: Access>(
    State(answers): State<Answers<A>>,
    RawQuery(query): RawQuery,
) -> Answer<Estimate> {
    let query = Query::parse(query.as_deref(), &["path", "first"])?;
    let path = needed(query.path()?)?;
    let first_only = query.number("first")?.unwrap_or(0) > 0;
    answers.access.estimate(&path, first_only).await.map(Json)
}

async fn snapshot<A: Access>(
    State(answers): State<Answers<A>>,
    RawQuery(query): RawQuery,
) -> Answer<Node> {
    let query = Query::parse(query.as_deref(), &["path"])?;
    answers
        .access
        .snapshot(&needed(query.path()?)?)
        .await
        .map(Json)
}

async fn cache<A: Access>(
    State(answers): State<Answers<A>>,
    RawQuery(query): RawQuery,
) -> Answer<CacheStatistics> {
    Query::parse(query.as_deref(), &[])?;
    answers.access.cache().await.map(Json)
}

async fn collect<A: Access>(
    State(answers): State<Answers<A>>,
    RawQuery(query): RawQuery,
    body: Body,
) -> Answer<Collected> {
    Query::parse(query.as_deref(), &[])?;
    let body: Option<CollectRequest> = read(body, answers.patience).await?;
    let request = body.unwrap_or_default();
    answers.access.collect(request).await.map(Json)
}

async fn exchange<A: Access>(
    State(answers): State<Answers<A>>,
    RawQuery(query): RawQuery,
    body: Body,
) -> Answer<Exchanged> {
    Query::parse(query.as_deref(), &[])?;
    let body: Option<ExchangeRequest> = read(body, answers.patience).await?;
    let request =
        body.ok_or_else(|| bad("the body is missing: {\"action\": \"push\"}".to_owned()))?;
    answers.access.exchange(request).await.map(Json)
}

async fn verify<A: Access>(
    State(answers): State<Answers<A>>,
    RawQuery(query): RawQuery,
) -> Answer<Verified> {
    Query::parse(query.as_deref(), &[])?;
    answers.access.verify().await.map(Json)
}

async fn wait<A: Access>(
    State(answers): State<Answers<A>>,
    RawQuery(query): RawQuery,
    body: Body,
) -> Answer<WaitOutcome> {
    let query = Query::parse(query.as_deref(), &["path"])?;
    let body: Option<WaitRequest> = read(body, answers.patience).await?;
    let body = body.unwrap_or(WaitRequest {
        path: None,
        timeout_ms: None,
    });
    let said = body.path.map(|path| absolute(PathBuf::from(path)));
    let path = match query.path()? {
        Some(path) => Some(path),
        None => said.transpose()?,
    };
    let timeout = body.timeout_ms.map(Duration::from_millis);
    answers
        .access
        .wait(path.as_deref(), timeout)
        .await
        .map(Json)
}

async fn prometheus<A: Access>(
    State(answers): State<Answers<A>>,
) -> Result<impl IntoResponse, Problem> {
    let status = answers.access.status().await?;
    let kind = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok((kind, metrics::text(&status)))
}

async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], OPENAPI)
}

async fn unknown(uri: Uri) -> Response {
    let detail = format!(
        "no such route: {}; GET /openapi.json lists the routes",
        uri.path()
    );
    plain(StatusCode::NOT_FOUND, &detail).into_response()
}

async fn not_allowed(method: Method, uri: Uri) -> Response {
    let detail = format!(
        "{} does not support {method}; GET /openapi.json lists the routes",
        uri.path()
    );
    plain(StatusCode::METHOD_NOT_ALLOWED, &detail).into_response()
}
