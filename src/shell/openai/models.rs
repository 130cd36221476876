//! The models that an endpoint offers: one `GET {base_url}/models`, before anything is sent to it.

use std::time::Duration;

use reqwest::{StatusCode, Url};
use serde_json::Value;

use super::exchange::{http_client, is_loopback};

/// How long the endpoint may take.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The endpoint cannot be used as it is configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// No connection.
    #[error("cannot reach {address}: {reason}")]
    Unreachable {
        /// The base URL.
        address: String,
        /// What the system says.
        reason: String,
    },
    /// 401.
    #[error("{address} refused the key (401)")]
    KeyRefused {
        /// The base URL.
        address: String,
    },
}

/// Whether the address is one of this machine.
pub fn is_local(base_url: &str) -> bool {
    Url::parse(base_url).is_ok_and(|url| is_loopback(&url))
}

/// The endpoint and the credentials.
#[derive(Clone, Debug, Default)]
pub struct Address {
    /// The URL in front of `/models`.
    pub base_url: String,
    /// The key.
    pub key: Option<String>,
    /// The header that carries the key without `Bearer`; empty: Authorization.
    pub key_header: String,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// Further query parameters.
    pub query: Vec<(String, String)>,
}

/// The names of the models; `None` if the endpoint does not list them.
///
/// # Errors
/// The endpoint cannot be reached or refuses the key.
pub async fn models(at: &Address) -> Result<Option<Vec<String>>, Unusable> {
    let address = at.base_url.trim_end_matches('/').to_owned();
    let unreachable = |reason: String| Unusable::Unreachable {
        address: address.clone(),
        reason,
    };
    let url = Url::parse(&address).map_err(|error| unreachable(error.to_string()))?;
    let client = http_client(&url, TIMEOUT).map_err(|failure| unreachable(failure.to_line()))?;
    let list = Url::parse_with_params(&format!("{address}/models"), &at.query);
    let mut list = list.map_err(|error| unreachable(error.to_string()))?;
    if at.query.is_empty() {
        // Without parameters a `?` would stay, which some servers do not know.
        list.set_query(None);
    }
    let mut request = client.get(list);
    request = match (&at.key, at.key_header.as_str()) {
        (Some(key), "") => request.bearer_auth(key),
        (Some(key), header) => request.header(header, key),
        (None, _) => request,
    };
    for (name, value) in &at.headers {
        request = request.header(name, value);
    }
    let response = request.send().await.map_err(|error| {
        unreachable(match error.is_timeout() {
            true => format!("no response within {} s", TIMEOUT.as_secs()),
            false => innermost(&error),
        })
    })?;
    match response.status() {
        StatusCode::UNAUTHORIZED => Err(Unusable::KeyRefused { address }),
        status if status.is_success() => {
            let list = response.json::<Value>().await.ok();
            Ok(list.and_then(|list| names(&list)))
        }
        _ => Ok(None),
    }
}

/// The names in a list of models, in the forms of OpenAI (`data`, `id`) and Ollama (`models`, `name`).
fn names(list: &Value) -> Option<Vec<String>> {
    let models = list
        .get("data")
        .or_else(|| list.get("models"))?
        .as_array()?;
    let name = |model: &Value| {
        let name = model.get("id").or_else(|| model.get("name"))?;
        name.as_str().map(str::to_owned)
    };
    Some(models.iter().filter_map(name).collect())
}

fn innermost(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_in_both_forms() {
        let read = |text: &str| serde_json::from_str(text).ok().as_ref().and_then(names);
        let one = Some(vec!["m".to_owned()]);
        assert_eq!(read("{\"data\": [{\"id\": \"m\"}, {}]}"), one);
        assert_eq!(read("{\"models\": [{\"name\": \"m\"}]}"), one);
        assert_eq!(read("{\"data\": 1}"), None);
        assert!(is_local("http://localhost:11434/v1") && !is_local("https://api.openai.com/v1"));
    }

    #[tokio::test]
    async fn an_endpoint_that_is_not_there_is_an_error() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}/v1", listener.local_addr().expect("bound"));
        drop(listener);
        let at = Address {
            base_url: address.clone(),
            ..Address::default()
        };
        let error = models(&at).await.expect_err("nothing listens");
        assert!(
            error
                .to_string()
                .starts_with(&format!("cannot reach {address}: ")),
            "{error}"
        );
    }
}
