//! One HTTP exchange, through `async-openai` and a tower service beneath it.
//!
//! The service keeps that crate from retrying, from logging bodies that it cannot read, from reading the key out of the
//! environment, and from dropping status and headers. It never follows a redirect: the key would go along.

use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Response, Url};
use serde_json::Value;

use super::limits::{self, Limits};
use super::problem::{Problem, one_line};
use super::stream;
use crate::model::failure::{Failure, Remedy};

/// The time limit of connecting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The form of an exchange.
#[derive(Clone, Copy)]
pub(super) struct RequestForm {
    /// Its time limit; `None`: the configured one.
    pub timeout: Option<Duration>,
    /// The longest body that is read, in bytes.
    pub longest: usize,
    /// Whether a response has to be JSON.
    pub json: bool,
}

/// A chat request: its response takes a few thousand bytes.
pub(super) const QUESTION: RequestForm = RequestForm {
    timeout: None,
    longest: 4 << 20,
    json: true,
};

/// Shorter values are placeholders for local servers. They are not secret and may be ordinary words.
const SHORTEST_SECRET: usize = 8;

/// The headers that authenticate, and the secrets in them.
#[derive(Clone, Default)]
pub(super) struct Secret {
    values: Vec<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// An endpoint's response.
pub(super) enum Body<T = Value> {
    /// 2xx, and a readable body.
    Answer(T),
    /// Anything else: the status and the refusal.
    Refusal(u16, Problem),
}

/// An HTTP client for one endpoint.
pub(super) struct Exchange {
    http: reqwest::Client,
    query: Arc<[(String, String)]>,
    proxy: Option<&'static str>,
    client: Client<OpenAIConfig>,
    secret: Secret,
}

impl Secret {
    /// A key without white space around it (an empty one is none) in its header, and further headers.
    pub fn new(
        key: &str,
        key_header: Option<&str>,
        headers: &[(String, String)],
    ) -> Result<Self, Failure> {
        let mut secret = Self::default();
        match key_header {
            _ if key.is_empty() => {}
            None => secret
                .add(AUTHORIZATION.as_str(), &format!("Bearer {key}"), key)
                .map_err(|_| bad_key())?,
            Some(name) => secret.add(name, key, key).map_err(|_| bad_key())?,
        }
        for (name, value) in headers {
            secret.add(name, value, value).map_err(|_| {
                Failure::new(
                    Remedy::Fatal,
                    format!("[openai] headers: {name:?} or its value is no HTTP header"),
                )
                .hint("use a header's name and one line of printable text")
            })?;
        }
        Ok(secret)
    }

    fn add(&mut self, name: &str, value: &str, secret: &str) -> Result<(), ()> {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(drop)?;
        let mut value = HeaderValue::from_str(value).map_err(drop)?;
        value.set_sensitive(true);
        self.headers.push((name, value));
        self.values.push(secret.to_owned());
        Ok(())
    }

    fn add_to(&self, headers: &mut HeaderMap) {
        headers.remove(AUTHORIZATION);
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
    }

    /// Removes the secrets from a response: some endpoints repeat a key that they refuse.
    fn cut_from(&self, sent: Vec<u8>) -> Vec<u8> {
        let secrets = self
            .values
            .iter()
            .filter(|value| value.len() >= SHORTEST_SECRET);
        secrets.fold(sent, |sent, secret| match std::str::from_utf8(&sent) {
            Ok(text) if text.contains(secret.as_str()) => {
                text.replace(secret.as_str(), "[the key]").into_bytes()
            }
            _ => sent,
        })
    }
}

fn bad_key() -> Failure {
    Failure::new(
        Remedy::Fatal,
        "the API key holds characters that no key can have",
    )
    .hint("check that api_key_env or api_key_file holds the key and nothing else")
}

impl Exchange {
    pub fn new(
        base_url: &str,
        url: &Url,
        query: Vec<(String, String)>,
        secret: Secret,
        timeout: Duration,
    ) -> Result<Self, Failure> {
        let http = http_client(url, timeout)?;
        // All four are given: a missing one would come from the environment.
        let config = OpenAIConfig::new()
            .with_api_base(base_url)
            .with_api_key("")
            .with_org_id("")
            .with_project_id("");
        Ok(Self {
            client: Client::build(http.clone(), config),
            http,
            query: query.into(),
            proxy: proxy_variable(url, |name| std::env::var_os(name)),
            secret,
        })
    }

    /// Sends one chat request. The limits are returned whatever the outcome.
    pub async fn send(&self, request: Value) -> (Result<Body, Failure>, Limits) {
        self.run(QUESTION, async |client| {
            client.chat().create_byot(request).await
        })
        .await
    }

    /// Reads a JSON document of the same server, with the same headers; `None`: there is none. With a body it is a POST.
    pub async fn fetch(&self, url: &str, body: Option<&Value>, timeout: Duration) -> Option<Value> {
        let url = Url::parse(url).ok()?;
        let request = match body {
            None => self.http.get(url),
            Some(body) => self
                .http
                .post(url)
                .header(reqwest::header::CONTENT_TYPE, "application/json")
                .body(body.to_string()),
        };
        let mut request = request.timeout(timeout).build().ok()?;
        self.secret.add_to(request.headers_mut());
        let mut response = self.http.execute(request).await.ok()?;
        if !response.status().is_success() {
            return None;
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.ok()? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > QUESTION.longest {
                return None;
            }
        }
        serde_json::from_slice(&bytes).ok()
    }

    /// Makes one request by `call`. The limits are returned whatever the outcome.
    pub async fn run<T>(
        &self,
        form: RequestForm,
        call: impl AsyncFnOnce(Client<OpenAIConfig>) -> Result<T, OpenAIError>,
    ) -> (Result<Body<T>, Failure>, Limits) {
        let seen = Arc::new(Mutex::new(Limits::default()));
        let service = Service {
            http: self.http.clone(),
            query: Arc::clone(&self.query),
            proxy: self.proxy,
            secret: self.secret.clone(),
            seen: Arc::clone(&seen),
            form,
        };
        let client = self.client.clone().with_http_service(service);
        let body = match call(client).await {
            Ok(value) => Ok(Body::Answer(value)),
            Err(OpenAIError::Boxed(error)) => match error.downcast::<Stopped>() {
                Ok(stopped) => match *stopped {
                    Stopped::Refused(status, problem) => Ok(Body::Refusal(status, problem)),
                    Stopped::Failed(failure) => Err(failure),
                },
                Err(other) => Err(Failure::new(Remedy::Retry, one_line(&other.to_string()))),
            },
            Err(other) => Err(Failure::new(Remedy::Retry, one_line(&other.to_string()))),
        };
        let limits = *seen.lock().unwrap_or_else(PoisonError::into_inner);
        (body, limits)
    }
}

pub(super) fn http_client(url: &Url, timeout: Duration) -> Result<reqwest::Client, Failure> {
    // An error says that one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("epitome/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .tcp_keepalive(Duration::from_secs(30));
    if is_loopback(url) {
        // A proxy does not know this machine's own servers.
        builder = builder.no_proxy();
    }
    if url.scheme() == "http" {
        // No certificates are needed, and the machine may have none.
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|error| {
        Failure::new(
            Remedy::Fatal,
            format!("cannot prepare https: {}", innermost(&error)),
        )
        .hint("install the system's certificates (package ca-certificates) or set SSL_CERT_FILE")
    })
}

/// Whether a URL's host is this machine.
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or("");
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// Why the service returns no response to the crate above it.
#[derive(Debug)]
enum Stopped {
    Refused(u16, Problem),
    Failed(Failure),
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(status, _) => write!(f, "status {status}"),
            Self::Failed(failure) => f.write_str(&failure.message),
        }
    }
}

impl Error for Stopped {}

impl From<Stopped> for OpenAIError {
    fn from(stopped: Stopped) -> Self {
        Self::Boxed(Box::new(stopped))
    }
}

/// The service of one request.
#[derive(Clone)]
struct Service {
    http: reqwest::Client,
    query: Arc<[(String, String)]>,
    proxy: Option<&'static str>,
    secret: Secret,
    seen: Arc<Mutex<Limits>>,
    form: RequestForm,
}

impl Service {
    fn note(&self, headers: &HeaderMap) {
        let limits = Limits::read(headers, SystemTime::now());
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = limits;
    }

    async fn read_body(&self, mut response: Response) -> Result<Vec<u8>, Stopped> {
        let longest = self.form.longest;
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| broken(error, self.proxy))?
        {
            if body.len() + chunk.len() > longest {
                let message = format!("the endpoint's answer is above {} MiB", longest >> 20);
                return Err(Stopped::Failed(Failure::new(Remedy::Retry, message)));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

impl tower::Service<HttpRequestFactory> for Service {
    type Response = Response;
    type Error = Stopped;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Stopped>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Stopped>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, factory: HttpRequestFactory) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            let mut request = factory.build().await.map_err(|error| {
                let message = one_line(&error.to_string());
                Stopped::Failed(Failure::new(Remedy::Permanent, message))
            })?;
            service.secret.add_to(request.headers_mut());
            if !service.query.is_empty() {
                request
                    .url_mut()
                    .query_pairs_mut()
                    .extend_pairs(service.query.iter());
            }
            if let Some(timeout) = service.form.timeout {
                *request.timeout_mut() = Some(timeout);
            }
            let response = service.http.execute(request).await;
            if !response.as_ref().is_err_and(reqwest::Error::is_connect) {
                // It may have reached the endpoint, so it counts.
                let headers = response.as_ref().map(|response| response.headers());
                service.note(headers.unwrap_or(&HeaderMap::new()));
            }
            let response = response.map_err(|error| broken(error, service.proxy))?;
            let (status, headers) = (response.status(), response.headers().clone());
            let body = service.secret.cut_from(service.read_body(response).await?);
            if !status.is_success() {
                let location = headers.get(LOCATION).map(|place| {
                    let place = service.secret.cut_from(place.as_bytes().to_vec());
                    String::from_utf8_lossy(&place).into_owned()
                });
                let mut problem = Problem::read(&body);
                problem.location = location;
                problem.should_retry = limits::should_retry(&headers);
                return Err(Stopped::Refused(status.as_u16(), problem));
            }
            let body = match service.form.json {
                true => json(body).map_err(Stopped::Failed)?,
                false => body,
            };
            // It is whole and readable: the crate above cannot fail on it.
            let mut whole = axum::http::Response::new(body);
            *whole.headers_mut() = headers;
            Ok(Response::from(whole))
        })
    }
}

/// A body as one JSON document: streams are put together, a byte order mark is removed.
fn json(body: Vec<u8>) -> Result<Vec<u8>, Failure> {
    let is_json = |bytes: &[u8]| serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok();
    if is_json(&body) {
        return Ok(body);
    }
    match body.strip_prefix("\u{feff}".as_bytes()) {
        Some(rest) if is_json(rest) => Ok(rest.to_vec()),
        _ => stream::assemble(&body)
            .map(|answer| answer.to_string().into_bytes())
            .ok_or_else(|| garbled(&body)),
    }
}

fn garbled(body: &[u8]) -> Failure {
    let text = String::from_utf8_lossy(body);
    if text.trim_start().starts_with('<') {
        return Failure::new(
            Remedy::Unreachable,
            "the endpoint answered with a web page instead of JSON",
        )
        .hint("check [openai] base_url, which usually ends in /v1, and whether this network requires a login");
    }
    let start: String = text.chars().take(60).collect();
    let message = format!("the endpoint's answer is no JSON: {}", one_line(&start));
    Failure::new(Remedy::Retry, message)
}

/// The environment variable that names the proxy to an endpoint, if one is set.
fn proxy_variable(url: &Url, of: impl Fn(&str) -> Option<OsString>) -> Option<&'static str> {
    if is_loopback(url) {
        return None;
    }
    let own = match url.scheme() {
        "https" => ["HTTPS_PROXY", "https_proxy"],
        _ => ["HTTP_PROXY", "http_proxy"],
    };
    let is_set = |name: &&str| of(name).is_some_and(|value| !value.is_empty());
    let all = own.into_iter().chain(["ALL_PROXY", "all_proxy"]);
    all.into_iter().find(is_set)
}

/// The failure of a transport error. `proxy`: the variable that names the proxy on the way.
fn broken(error: reqwest::Error, proxy: Option<&str>) -> Stopped {
    let cause = innermost(&error);
    let failure = if is_certificate(&error) {
        Failure::new(
            Remedy::Unreachable,
            format!("the endpoint's certificate is not trusted: {cause}"),
        )
        .hint(
            "check the clock and the system's certificates; SSL_CERT_FILE may name a file with a company's own authority",
        )
    } else if error.is_connect() {
        Failure::new(
            Remedy::Unreachable,
            format!("cannot connect to the endpoint: {cause}"),
        )
        .hint(match proxy {
            Some(proxy) => format!(
                "check [openai] base_url, that the server runs, and the proxy in {proxy}; NO_PROXY lists hosts without one"
            ),
            None => "check [openai] base_url and that the server runs".to_owned(),
        })
    } else if error.is_timeout() {
        Failure::new(Remedy::TimedOut, "the endpoint did not answer in time")
            .hint("raise [openai] timeout_seconds if the model is slow")
    } else {
        Failure::new(
            Remedy::Retry,
            format!("the connection to the endpoint broke: {cause}"),
        )
    };
    Stopped::Failed(failure)
}

fn is_certificate(error: &reqwest::Error) -> bool {
    chain(error).any(is_invalid_certificate)
}

fn is_invalid_certificate(cause: &(dyn Error + 'static)) -> bool {
    if let Some(error) = cause.downcast_ref::<rustls::Error>() {
        return matches!(error, rustls::Error::InvalidCertificate(_));
    }
    // An I/O error may wrap another without naming it as its source.
    let inner = cause.downcast_ref::<std::io::Error>();
    let inner = inner.and_then(|error| error.get_ref());
    inner.is_some_and(|inner| is_invalid_certificate(inner))
}

/// The innermost cause says what happened; those around it repeat the URL.
fn innermost(error: &reqwest::Error) -> String {
    let last = chain(error).last().map(ToString::to_string);
    one_line(&last.unwrap_or_default())
}

fn chain(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let first: &(dyn Error + 'static) = error;
    std::iter::successors(Some(first), |error: &&(dyn Error + 'static)| {
        let error: &(dyn Error + 'static) = *error;
        error.source()
    })
}
