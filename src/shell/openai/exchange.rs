//! One HTTP exchange, through `async-openai` and a service of our own beneath it.
//!
//! The service is what keeps that crate from retrying by itself, from logging bodies it cannot read, from reading the
//! key out of the environment, and from losing status and headers. It must never follow a redirect: the key would go
//! along.

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
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Response, Url};
use serde_json::Value;

use super::limits::{self, Limits};
use super::problem::{Problem, one_line};
use crate::model::failure::{Failure, Remedy};

/// How long a connection may take to come up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How an exchange is carried out.
#[derive(Clone, Copy)]
pub(super) struct RequestForm {
    /// How long it may take; `None`: as long as a question.
    pub timeout: Option<Duration>,
    /// The longest body that is read, in bytes.
    pub longest: usize,
    /// Whether an answer has to be JSON.
    pub json: bool,
}

/// A question: its answer takes a few thousand bytes.
pub(super) const QUESTION: RequestForm = RequestForm {
    timeout: None,
    longest: 4 << 20,
    json: true,
};

/// Shorter keys are placeholders, as local servers want them: they are no secret, and may be words.
const SHORTEST_KEY: usize = 8;

/// The key, in the form in which it is sent.
#[derive(Clone)]
pub(super) struct Secret {
    key: String,
    header: Option<HeaderValue>,
}

/// What an endpoint answered.
pub(super) enum Body<T = Value> {
    /// 2xx, and what was wanted.
    Answer(T),
    /// Anything else: the status and what was said with it.
    Refusal(u16, Problem),
}

/// Everything that is needed to send.
pub(super) struct Exchange {
    http: reqwest::Client,
    proxy: Option<&'static str>,
    client: Client<OpenAIConfig>,
    secret: Secret,
}

impl Secret {
    /// A key without white space around it; an empty one is none.
    pub fn new(key: &str) -> Result<Self, Failure> {
        let header = match key {
            "" => None,
            key => {
                let mut header = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| {
                    Failure::new(
                        Remedy::Fatal,
                        "the API key holds characters that no key can have",
                    )
                    .hint("check that api_key_env or api_key_file holds the key and nothing else")
                })?;
                header.set_sensitive(true);
                Some(header)
            }
        };
        Ok(Self {
            key: key.to_owned(),
            header,
        })
    }

    /// What an endpoint sent, without the key, should it have repeated it: some do so when they refuse.
    fn cut_from(&self, sent: Vec<u8>) -> Vec<u8> {
        if self.key.len() < SHORTEST_KEY {
            return sent;
        }
        match std::str::from_utf8(&sent) {
            Ok(text) if text.contains(&self.key) => {
                text.replace(&self.key, "[the key]").into_bytes()
            }
            _ => sent,
        }
    }
}

impl Exchange {
    pub fn new(
        base_url: &str,
        url: &Url,
        secret: Secret,
        timeout: Duration,
    ) -> Result<Self, Failure> {
        let http = http_client(url, timeout)?;
        // All four are given: what is not would come from the environment.
        let config = OpenAIConfig::new()
            .with_api_base(base_url)
            .with_api_key("")
            .with_org_id("")
            .with_project_id("");
        Ok(Self {
            client: Client::build(http.clone(), config),
            http,
            proxy: proxy_variable(url, |name| std::env::var_os(name)),
            secret,
        })
    }

    /// Asks one question. The limits are told whatever the outcome.
    pub async fn send(&self, request: Value) -> (Result<Body, Failure>, Limits) {
        self.run(QUESTION, async |client| {
            client.chat().create_byot(request).await
        })
        .await
    }

    /// Makes one request by `call`. The limits are told whatever the outcome.
    pub async fn run<T>(
        &self,
        manner: RequestForm,
        call: impl AsyncFnOnce(Client<OpenAIConfig>) -> Result<T, OpenAIError>,
    ) -> (Result<Body<T>, Failure>, Limits) {
        let seen = Arc::new(Mutex::new(Limits::default()));
        let service = Service {
            http: self.http.clone(),
            proxy: self.proxy,
            secret: self.secret.clone(),
            seen: Arc::clone(&seen),
            manner,
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
    // An error says that one is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("epitome/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .tcp_keepalive(Duration::from_secs(30));
    if is_loopback(url) {
        // A proxy cannot know this machine's own servers.
        builder = builder.no_proxy();
    }
    if url.scheme() == "http" {
        // No certificates are needed, so it is no matter if the machine has none.
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

pub(super) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or("");
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// Why the service hands nothing to the crate above it.
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

/// The service: made for one request, so that what it saw belongs to that one.
#[derive(Clone)]
struct Service {
    http: reqwest::Client,
    proxy: Option<&'static str>,
    secret: Secret,
    seen: Arc<Mutex<Limits>>,
    manner: RequestForm,
}

impl Service {
    fn note(&self, headers: &HeaderMap) {
        let limits = Limits::read(headers, SystemTime::now());
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = limits;
    }

    async fn read_body(&self, mut response: Response) -> Result<Vec<u8>, Stopped> {
        let longest = self.manner.longest;
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
            match &service.secret.header {
                Some(header) => request.headers_mut().insert(AUTHORIZATION, header.clone()),
                None => request.headers_mut().remove(AUTHORIZATION),
            };
            if let Some(timeout) = service.manner.timeout {
                *request.timeout_mut() = Some(timeout);
            }
            let response = service.http.execute(request).await;
            if !response.as_ref().is_err_and(reqwest::Error::is_connect) {
                // It may have arrived: then it counts, answered or not.
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
            let is_json = || serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok();
            if service.manner.json && !is_json() {
                return Err(Stopped::Failed(garbled(&body)));
            }
            // Whole and readable: what the crate above makes of it cannot fail.
            let mut whole = axum::http::Response::new(body);
            *whole.headers_mut() = headers;
            Ok(Response::from(whole))
        })
    }
}

fn garbled(body: &[u8]) -> Failure {
    let text = String::from_utf8_lossy(body);
    if text.trim_start().starts_with('<') {
        return Failure::new(
            Remedy::Unreachable,
            "the endpoint answered with a web page instead of JSON",
        )
        .hint("check [openai] base_url, which mostly ends in /v1, and whether this network wants a login");
    }
    let start: String = text.chars().take(60).collect();
    let message = format!("the endpoint's answer is no JSON: {}", one_line(&start));
    Failure::new(Remedy::Retry, message)
}

/// The variable that names the proxy by which an endpoint is reached, unless NO_PROXY leaves it out.
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

/// What a transport error means. `proxy`: the variable that names the proxy on the way, where there is one.
fn broken(error: reqwest::Error, proxy: Option<&str>) -> Stopped {
    let cause = innermost(&error);
    let failure = if is_certificate(&error) {
        Failure::new(
            Remedy::Unreachable,
            format!("the endpoint's certificate is not trusted: {cause}"),
        )
        .hint(
            "check the clock and the system's certificates; SSL_CERT_FILE can name another file, as of a company's own \
             authority",
        )
    } else if error.is_connect() {
        Failure::new(
            Remedy::Unreachable,
            format!("cannot connect to the endpoint: {cause}"),
        )
        .hint(match proxy {
            Some(proxy) => format!(
                "check [openai] base_url, that the server runs, and the proxy that {proxy} names; NO_PROXY leaves out \
                 hosts that need none"
            ),
            None => "check [openai] base_url and that the server runs".to_owned(),
        })
    } else if error.is_timeout() {
        Failure::new(Remedy::TimedOut, "the endpoint did not answer in time")
            .hint("raise [openai] timeout_seconds where the model is slow")
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
    // One I/O error may hold another, and does not name it as its source.
    let inner = cause.downcast_ref::<std::io::Error>();
    let inner = inner.and_then(|error| error.get_ref());
    inner.is_some_and(|inner| is_invalid_certificate(inner))
}

/// The last cause says what happened; those around it say where, with the URL.
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
