//! Request bodies: JSON of bounded size, read in bounded time. Problem documents as responses.

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
/// Of a larger body this much is still read before the response.
const MAX_THROWN_AWAY: usize = 64 * MAX_BYTES;

/// The JSON of a body; `None` if the body is empty.
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
            // A client that is still sending does not read; if the connection closed now, the response would be lost.
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
    // serde would also accept a list for a struct.
    let object: serde_json::Result<Map<String, Value>> = serde_json::from_slice(&whole);
    let read = object.and_then(|object| serde_json::from_value(Value::Object(object)));
    read.map(Some)
        .map_err(|error| bad(format!("the body is not the expected JSON: {error}")))
}

/// Reads the rest of a body that is too large, up to a limit.
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

/// A problem named only by its HTTP status.
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
