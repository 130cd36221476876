//! Rate limits and pauses from an endpoint's headers.
//!
//! Any header may be missing or invalid; such a header is ignored.

use std::time::SystemTime;

use reqwest::header::HeaderMap;

use super::pause::{self, duration_ms};
use crate::model::limits::Limit;
use crate::model::usage::Usage;

/// Longer pauses are ignored, in milliseconds: one day.
pub(super) const LONGEST_PAUSE_MS: u64 = 86_400_000;

/// Limits and usage of one exchange.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Of requests.
    pub requests: Limit,
    /// Of tokens.
    pub tokens: Limit,
    /// Requests at once.
    pub parallel: Option<u64>,
    /// The refusal is about requests at once, not about requests a minute.
    pub crowded: bool,
    /// The pause that the endpoint requests, in milliseconds, at most one day.
    pub retry_after_ms: Option<u64>,
    /// The request exceeds the model's context window.
    pub too_long: bool,
    /// The tokens that the endpoint read and the tokens of the prompt, if it truncated the prompt silently.
    pub truncated: Option<(u64, u64)>,
    /// Usage of the exchange, also if the response was unusable. Without requests: it never arrived.
    pub spent: Usage,
}

impl Limits {
    /// Reads the headers of a response; `now` is used where it has no date.
    pub(super) fn read(headers: &HeaderMap, now: SystemTime) -> Self {
        let limit = |what: &str| Limit {
            limit: number(headers, &format!("x-ratelimit-limit-{what}")),
            remaining: number(headers, &format!("x-ratelimit-remaining-{what}")),
            reset_ms: text(headers, &format!("x-ratelimit-reset-{what}")).and_then(duration_ms),
        };
        let mut limits = Self {
            requests: limit("requests"),
            tokens: limit("tokens"),
            parallel: parallel(headers),
            crowded: text(headers, "rate_limit_type").is_some_and(is_about_parallel),
            retry_after_ms: None,
            too_long: false,
            truncated: None,
            spent: Usage {
                requests: 1,
                ..Usage::default()
            },
        };
        limits.retry_after_ms = pause::pause_from_headers_ms(headers, now)
            .or_else(|| limits.used_up_for_ms())
            .or_else(|| pause::until_reset_ms(headers, now))
            .map(|ms| ms.min(LONGEST_PAUSE_MS));
        limits
    }

    /// The time until the limits that are used up are renewed.
    fn used_up_for_ms(&self) -> Option<u64> {
        let all = [self.requests, self.tokens];
        let empty = all.iter().filter(|limit| limit.remaining == Some(0));
        empty.filter_map(|limit| limit.reset_ms).max()
    }
}

/// The limit on concurrent requests, under any name that proxies use.
fn parallel(headers: &HeaderMap) -> Option<u64> {
    let names = headers.keys().map(|name| name.as_str());
    let mut limits = names.filter(|name| {
        is_about_parallel(name)
            && name.contains("limit")
            && !["remaining", "reset", "used"]
                .iter()
                .any(|word| name.contains(word))
    });
    limits
        .find_map(|name| number(headers, name))
        .filter(|&limit| limit > 0)
}

/// Whether a name or a refusal is about requests at once.
pub(super) fn is_about_parallel(text: &str) -> bool {
    ["parallel", "concurren", "in-flight", "inflight"]
        .iter()
        .any(|word| text.contains(word))
}

/// `x-should-retry`; `None`: it is missing.
pub(super) fn should_retry(headers: &HeaderMap) -> Option<bool> {
    match text(headers, "x-should-retry")? {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

pub(super) fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    Some(headers.get(name)?.to_str().ok()?.trim())
}

pub(super) fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    let number = text(headers, name)?.parse::<f64>().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number as u64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn pause(headers: &[(&'static str, &str)]) -> Option<u64> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        Limits::read(&map, UNIX_EPOCH + Duration::from_secs(784_111_777)).retry_after_ms
    }

    #[test]
    fn pauses_are_read_in_every_form() {
        for (headers, wanted) in [
            (&[("retry-after", "2")][..], Some(2000)),
            (&[("retry-after", "0.25")], Some(250)),
            (&[("retry-after", "-1")], None),
            (&[("retry-after", "NaN")], None),
            (&[("retry-after", "soon")], None),
            (&[("retry-after", "999999999")], Some(LONGEST_PAUSE_MS)),
            (&[("retry-after-ms", "40"), ("retry-after", "9")], Some(40)),
            (&[("retry-after-ms", "x"), ("retry-after", "9")], Some(9000)),
            (
                &[("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT")],
                Some(10_000),
            ),
            (&[("retry-after", "Sun, 06 Nov 1994 08:49:07 GMT")], Some(0)),
            (
                &[
                    ("date", "Sun, 06 Nov 1994 08:49:40 GMT"),
                    ("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT"),
                ],
                Some(7000),
            ),
            (
                &[
                    ("x-ratelimit-remaining-requests", "0"),
                    ("x-ratelimit-reset-requests", "1m2.5s"),
                    ("x-ratelimit-remaining-tokens", "5"),
                    ("x-ratelimit-reset-tokens", "9m"),
                ],
                Some(62_500),
            ),
            (&[("x-ratelimit-reset-requests", "3s")], None),
            // Without a name: a moment in milliseconds or seconds, or a length of time.
            (
                &[
                    ("x-ratelimit-remaining", "0"),
                    ("x-ratelimit-reset", "784111780500"),
                ],
                Some(3_500),
            ),
            (
                &[
                    ("x-ratelimit-remaining", "0"),
                    ("x-ratelimit-reset", "784111780"),
                ],
                Some(3_000),
            ),
            (
                &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "8")],
                Some(8_000),
            ),
            (
                &[("x-ratelimit-remaining", "1"), ("x-ratelimit-reset", "8")],
                None,
            ),
            (&[("x-ratelimit-reset", "8")], None),
        ] {
            assert_eq!(pause(headers), wanted, "{headers:?}");
        }
    }

    #[test]
    fn a_limit_on_parallel_requests_is_read_under_each_name() {
        for (name, wanted) in [
            ("x-ratelimit-api_key-limit-max_parallel_requests", Some(2)),
            ("x-ratelimit-limit-concurrent-requests", Some(2)),
            ("x-concurrency-limit", Some(2)),
            ("x-ratelimit-api_key-remaining-max_parallel_requests", None),
            ("x-ratelimit-limit-requests", None),
        ] {
            let mut map = HeaderMap::new();
            map.insert(name, "2".parse().unwrap());
            assert_eq!(parallel(&map), wanted, "{name}");
        }
    }
}
