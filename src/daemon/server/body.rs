//! Bodies in both directions: JSON of bounded size and time in, JSON and problem documents out.

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::query::bad;
use crate::wire::protocol::Problem;

/// The largest body that is read.
const MAX_BYTES: usize = 1_048_576;
/// Of a larger one so much is still taken in before the answer.
const MAX_THROWN_AWAY: usize = 64 * MAX_BYTES;

/// The JSON of a body; `None` where the body is empty.
pub(super) async fn read<T: DeserializeOwned>(
    mut body: Body,
    time: Duration,
) -> Result<Option<T>, Problem> {
    let whole = Limited::new(&mut body, MAX_BYTES).collect();
    let whole = match tokio::time::timeout(time, whole).await {
        Err(_) => {
            return Err(plain(
                StatusCode::REQUEST_TIMEOUT,
                "the body did not arrive",
            ));
        }
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            // Whoever still sends does not read, and a connection that closes meanwhile takes the answer with it.
            let _ = tokio::time::timeout(time, throw_away(body)).await;
            let detail = format!("the body is larger than {MAX_BYTES} bytes");
            return Err(plain(StatusCode::PAYLOAD_TOO_LARGE, &detail));
        }
        Ok(Err(error)) => return Err(bad(format!("the body cannot be read: {error}"))),
        Ok(Ok(whole)) => whole.to_bytes(),
    };
    if whole.is_empty() {
        return Ok(None);
    }
    // serde would read a struct from a list as well, in the order of its fields.
    let object: serde_json::Result<Map<String, Value>> = serde_json::from_slice(&whole);
    let read = object.and_then(|object| serde_json::from_value(Value::Object(object)));
    read.map(Some).map_err(|error| {
        bad(format!(
            "the body is not the JSON that belongs here: {error}"
        ))
    })
}

/// Reads what is left of a body that is too large, to a limit of its own.
async fn throw_away(mut body: Body) {
    let mut left = MAX_THROWN_AWAY;
    while let Some(Ok(frame)) = body.frame().await {
        let bytes = frame.data_ref().map_or(0, |data| data.len());
        match left.checked_sub(bytes) {
            Some(fewer) => left = fewer,
            None => return,
        }
    }
}

/// A problem that has no name but that of its HTTP status.
pub(super) fn plain(status: StatusCode, detail: &str) -> Problem {
    Problem {
        kind: "about:blank".to_owned(),
        title: status.canonical_reason().unwrap_or("Problem").to_owned(),
        status: status.as_u16(),
        detail: detail.to_owned(),
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status)
            .ok()
            .filter(|status| status.is_client_error() || status.is_server_error())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let kind = [(CONTENT_TYPE, "application/problem+json")];
        (status, kind, Json(self)).into_response()
    }
}
