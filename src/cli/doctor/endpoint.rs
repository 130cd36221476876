//! The endpoint: whether it responds to one `GET /models` with the key that this shell has.

use std::time::Duration;

use reqwest::Url;
use serde_json::Value;

use super::Check;
use crate::config::{Config, Provider};

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// The most of a response that is read.
const MAX_BYTES: usize = 4 << 20;
const NAME: &str = "endpoint";

/// Asks once; nothing where no endpoint is used.
pub(super) async fn check(config: &Config) -> Option<Check> {
    let openai = &config.openai;
    if !config.summaries.enabled || config.summaries.provider == Provider::Offline {
        return None;
    }
    let url = format!("{}/models", openai.base_url.trim_end_matches('/'));
    let sent = !openai.is_remote_http() || openai.allow_http;
    let key = openai.api_key().ok().flatten().filter(|_| sent);
    let asked = tokio::time::timeout(PATIENCE, ask(&url, key.as_deref())).await;
    let base = &openai.base_url;
    Some(match asked {
        Err(_) => Check::warning(
            NAME,
            format!("{base} did not respond within {} s", PATIENCE.as_secs()),
            "check openai.base_url, the network and the proxy (HTTPS_PROXY, NO_PROXY)",
        ),
        Ok(Err(reason)) => Check::failed(
            NAME,
            format!("{base} cannot be reached: {reason}"),
            "check openai.base_url, the network and the proxy (HTTPS_PROXY, NO_PROXY)",
        ),
        Ok(Ok((200..=299, body))) => listed(base, &openai.model, &body),
        Ok(Ok((status @ (401 | 403), _))) => match key {
            Some(_) => Check::failed(
                NAME,
                format!("{base} refuses the key ({status})"),
                "check the key in openai.api_key_file, or in the variable that openai.api_key_env names",
            ),
            None => Check::failed(
                NAME,
                format!("{base} wants a key ({status})"),
                "name one with openai.api_key_env or openai.api_key_file",
            ),
        },
        // Some servers have no list of models.
        Ok(Ok((404 | 405 | 501, _))) => {
            Check::ok(NAME, format!("{base} responds; it lists no models"))
        }
        Ok(Ok((status, _))) => Check::warning(
            NAME,
            format!("{base} responds with {status}"),
            "try again; if it stays, check the endpoint's own status",
        ),
    })
}

fn listed(base: &str, model: &str, body: &[u8]) -> Check {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let models = body["data"].as_array();
    let names: Vec<&str> = models
        .into_iter()
        .flatten()
        .filter_map(|model| model["id"].as_str())
        .collect();
    if names.is_empty() || names.contains(&model) {
        return Check::ok(NAME, format!("{base} responds"));
    }
    Check::warning(
        NAME,
        format!("{base} responds, but does not list the model {model}"),
        format!("it lists {} models, for example {}", names.len(), names[0]),
    )
}

async fn ask(url: &str, key: Option<&str>) -> Result<(u16, Vec<u8>), String> {
    let url = Url::parse(url).map_err(|error| error.to_string())?;
    // An error says that one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("epitome/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never());
    let host = url.host_str().unwrap_or_default();
    if host == "localhost" || host == "[::1]" || host.starts_with("127.") {
        builder = builder.no_proxy();
    }
    if url.scheme() == "http" {
        builder = builder.tls_certs_only([]);
    }
    let client = builder.build().map_err(innermost)?;
    let mut request = client.get(url);
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    let mut response = request.send().await.map_err(innermost)?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        body.extend_from_slice(&piece);
        if body.len() > MAX_BYTES {
            break;
        }
    }
    Ok((status, body))
}

/// The cause that the system named.
fn innermost(error: reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = &error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
