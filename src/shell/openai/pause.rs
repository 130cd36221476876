//! Reads how long an endpoint requests a pause: from headers, from fields of a refusal, or from its text.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::header::{DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use serde_json::Value;

use super::at;
use super::limits::{LONGEST_PAUSE_MS, Limits, number, text};

/// A reset above this is a time in seconds since 1970, not a duration.
const A_MOMENT: f64 = 1e8;
/// The same in milliseconds.
const A_MOMENT_MS: f64 = 1e11;

/// The pause of `retry-after-ms` or `retry-after` (seconds or a date), in this order.
pub(super) fn pause_from_headers_ms(headers: &HeaderMap, now: SystemTime) -> Option<u64> {
    let in_ms = text(headers, "retry-after-ms").and_then(|text| text.parse().ok());
    if let Some(ms) = in_ms.and_then(whole_ms) {
        return Some(ms);
    }
    let after = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = after.parse::<f64>() {
        return whole_ms(seconds * 1000.0);
    }
    match since_epoch(after) {
        Some(date) => {
            let pause = date.saturating_sub(clock(headers, now)?);
            Some(pause.as_millis() as u64)
        }
        None => duration_ms(after),
    }
}

/// The time until the limit in the generic headers is renewed. The reset is a time or a duration.
pub(super) fn until_reset_ms(headers: &HeaderMap, now: SystemTime) -> Option<u64> {
    if number(headers, "x-ratelimit-remaining") != Some(0) {
        return None;
    }
    let reset = text(headers, "x-ratelimit-reset")?;
    let moment = match reset.parse::<f64>() {
        Ok(ms) if ms >= A_MOMENT_MS => Duration::from_millis(ms as u64),
        Ok(seconds) if seconds >= A_MOMENT => Duration::from_secs(seconds as u64),
        _ => return duration_ms(reset),
    };
    let pause = moment.saturating_sub(clock(headers, now)?);
    Some(pause.as_millis() as u64)
}

/// The time since 1970 by the endpoint's own clock if it sends one: the local one may be wrong.
fn clock(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let date = headers.get(DATE).and_then(|date| date.to_str().ok());
    date.and_then(since_epoch)
        .or_else(|| now.duration_since(UNIX_EPOCH).ok())
}

/// The time since 1970 of an HTTP date.
fn since_epoch(date: &str) -> Option<Duration> {
    let date = httpdate::parse_http_date(date).ok()?;
    date.duration_since(UNIX_EPOCH).ok()
}

/// The pause that a refusal's body requests: in headers of an upstream provider, a field, or the text.
pub(super) fn pause_from_text_ms(error: &Value, message: &str, now: SystemTime) -> Option<u64> {
    let behind = at(error, "/metadata/headers").and_then(Value::as_object);
    let behind = behind.and_then(|all| {
        let headers = all.iter().filter_map(|(name, value)| {
            let value = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            Some((name, HeaderValue::from_str(&value).ok()?))
        });
        Limits::read(&headers.collect(), now).retry_after_ms
    });
    let pause_ms = behind
        .or_else(|| pause_from_fields_ms(error))
        .or_else(|| pause_from_words_ms(message))?;
    Some(pause_ms.min(LONGEST_PAUSE_MS))
}

fn pause_from_fields_ms(error: &Value) -> Option<u64> {
    let details = at(error, "/details")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let places = [error]
        .into_iter()
        .chain(at(error, "/metadata"))
        .chain(details);
    for place in places {
        for (name, unit_ms) in [
            ("/retryDelay", 1000.0),
            ("/retry_after", 1000.0),
            ("/retryAfter", 1000.0),
            ("/retry_after_seconds", 1000.0),
            ("/retry_after_ms", 1.0),
            ("/retryAfterMs", 1.0),
        ] {
            let pause_ms = match at(place, name) {
                Some(Value::String(text)) => duration_ms(text.trim()),
                Some(number) => number
                    .as_f64()
                    .and_then(|number| whole_ms(number * unit_ms)),
                None => None,
            };
            if pause_ms.is_some() {
                return pause_ms;
            }
        }
    }
    None
}

/// Phrases before a duration to wait.
const BEFORE: [&str; 14] = [
    "again in",
    "again after",
    "retry in",
    "retry after",
    "retry-after",
    "retrying in",
    "retrying after",
    "wait",
    "available in",
    "reset in",
    "resets in",
    "resets after",
    "reset after",
    "cooldown",
];
/// Words that may come in between.
const FILLING: [&str; 16] = [
    "at",
    "least",
    "about",
    "approximately",
    "around",
    "another",
    "for",
    "is",
    "of",
    "up",
    "to",
    "the",
    "next",
    "a",
    "an",
    "period",
];

/// A pause in words: "try again in 1m30s", "retry after 45 seconds", "wait 5 minutes", "allowed in 12 s", "30秒后".
fn pause_from_words_ms(message: &str) -> Option<u64> {
    let message = message.to_lowercase();
    for before in BEFORE {
        for (at, _) in message.match_indices(before) {
            if let Some(pause_ms) = length_at_start_ms(&message[at + before.len()..], true) {
                return Some(pause_ms);
            }
        }
    }
    for (at, _) in message.match_indices(" in ") {
        // "20 requests in 1 minute" is a limit.
        let counted = [
            "requests", "tokens", "calls", "messages", "used", "limit", "made",
        ];
        if counted.iter().any(|word| message[..at].ends_with(word)) {
            continue;
        }
        if let Some(pause_ms) = length_at_start_ms(&message[at + 4..], false) {
            return Some(pause_ms);
        }
    }
    ["秒", "分钟", "小时"]
        .iter()
        .zip([1_000, 60_000, 3_600_000])
        .find_map(|(unit, unit_ms)| {
            let at = message.find(unit)?;
            let digits = message[..at]
                .trim_end()
                .rsplit(|c: char| !c.is_ascii_digit())
                .next()?;
            Some(digits.parse::<u64>().ok()?.saturating_mul(unit_ms))
        })
}

/// A duration at the start of a text, as people and programs write it. `bare`: a number without a unit means seconds.
fn length_at_start_ms(text: &str, bare: bool) -> Option<u64> {
    let mut rest = text.trim_start_matches([' ', ':', '(', '=', '"', '~', '<', '\'']);
    let mut one = false;
    // The words between: "at least", "about", …; "a minute" is one.
    loop {
        let end = rest
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let word = &rest[..end];
        if word.is_empty() || !FILLING.contains(&word) {
            break;
        }
        one = matches!(word, "a" | "an");
        rest = rest[end..].trim_start_matches([' ', ':', '(', '=', '~']);
    }
    let mut total_ms = 0.0;
    let mut found = false;
    loop {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let number = rest[..digits].trim_end_matches('.');
        let behind = &rest[number.len()..];
        let after = behind.trim_start_matches([' ', '-']);
        let letters = after
            .find(|c: char| !c.is_alphabetic())
            .unwrap_or(after.len());
        let unit_ms = unit_ms(&after[..letters]);
        let amount = match number.parse::<f64>() {
            Ok(amount) => amount,
            Err(_) if one && !found => 1.0,
            Err(_) => break,
        };
        match unit_ms {
            Some(unit_ms) => {
                total_ms += amount * unit_ms;
                found = true;
                let next = after[letters..].trim_start_matches([' ', ',']);
                rest = next.strip_prefix("and ").unwrap_or(next);
                if number.is_empty() {
                    break;
                }
            }
            None if bare && !found && !number.is_empty() => {
                total_ms = amount * 1000.0;
                found = true;
                break;
            }
            None => break,
        }
    }
    found.then(|| whole_ms(total_ms))?
}

fn unit_ms(unit: &str) -> Option<f64> {
    Some(match unit {
        "d" | "day" | "days" => 86_400_000.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600_000.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60_000.0,
        "s" | "sec" | "secs" | "second" | "seconds" => 1000.0,
        "ms" | "msec" | "millisecond" | "milliseconds" => 1.0,
        "us" | "µs" => 0.001,
        "ns" => 0.000_001,
        _ => return None,
    })
}

/// Rounded up: a pause that is too short costs a request.
fn whole_ms(ms: f64) -> Option<u64> {
    (ms.is_finite() && ms >= 0.0).then(|| ms.ceil() as u64)
}

/// A duration as Go prints it ("6m0s", "20ms", "1h2m3.5s"), with its unit in words, or a number of seconds.
pub(super) fn duration_ms(text: &str) -> Option<u64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return whole_ms(seconds * 1000.0);
    }
    let mut total = 0.0;
    let mut rest = text;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = rest[digits..].trim_start();
        let letters = rest
            .find(|c: char| !c.is_alphabetic())
            .unwrap_or(rest.len());
        total += number * unit_ms(&rest[..letters].to_lowercase())?;
        rest = rest[letters..].trim_start();
    }
    whole_ms(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pauses_are_read_from_bodies() {
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let reset = json!({"metadata": {"headers": {
            "X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1700000005000",
        }}});
        for (error, wanted) in [
            (
                json!({"metadata": {"headers": {"Retry-After": "3"}}}),
                Some(3_000),
            ),
            (
                json!({"metadata": {"headers": {"Retry-After": 3}}}),
                Some(3_000),
            ),
            (reset, Some(5_000)),
            (
                json!({"metadata": {"headers": {"a b": "1", "c": "\n"}}}),
                None,
            ),
            (
                json!({"details": [{"@type": "Help"}, {"@type": "RetryInfo", "retryDelay": "34.5s"}]}),
                Some(34_500),
            ),
            (json!({"retry_after": 12}), Some(12_000)),
            (json!({"retry_after_ms": 1500}), Some(1_500)),
            (json!({"metadata": {"retryAfter": "1m30s"}}), Some(90_000)),
        ] {
            assert_eq!(pause_from_text_ms(&error, "", now), wanted, "{error}");
        }
    }

    #[test]
    fn pauses_are_read_from_words() {
        for (message, wanted) in [
            (
                "Rate limit reached. Please try again in 20ms. See …",
                Some(20),
            ),
            ("Please try again in 6m0s.", Some(360_000)),
            ("Please retry in 34.07s", Some(34_070)),
            ("Please try again in 10s.", Some(10_000)),
            ("Please try again in 99999h0s.", Some(359_996_400_000)),
            ("Please try again in 5 minutes.", Some(300_000)),
            ("Please retry after 45 seconds.", Some(45_000)),
            ("Try again after 86400 seconds", Some(86_400_000)),
            ("Retry after 20s", Some(20_000)),
            ("try again in 1h2m", Some(3_720_000)),
            ("Please try again in 1m30s", Some(90_000)),
            (
                "Please wait 30 seconds before the next request",
                Some(30_000),
            ),
            ("The request will be allowed in 12 seconds", Some(12_000)),
            ("Slow down: retry in 10 s", Some(10_000)),
            ("retry after: 7", Some(7_000)),
            (
                "Please wait at least 2 minutes and 30 seconds",
                Some(150_000),
            ),
            ("Limit resets in 1 hour, 5 minutes", Some(3_900_000)),
            ("Try again in a minute", Some(60_000)),
            ("try again in about an hour", Some(3_600_000)),
            ("请求过于频繁，请在30秒后重试", Some(30_000)),
            ("You made 20 requests in 1 minute", None),
            ("Please try again in a few seconds.", None),
            ("Please try again later", None),
            ("Please try again in ", None),
        ] {
            assert_eq!(pause_from_words_ms(message), wanted, "{message}");
        }
    }

    #[test]
    fn durations_and_dates() {
        for (text, wanted) in [
            ("20ms", Some(20)),
            ("6m0s", Some(360_000)),
            ("1h2m3.5s", Some(3_723_500)),
            ("1.5", Some(1500)),
            ("0s", Some(0)),
            ("100µs", Some(1)),
            ("30 seconds", Some(30_000)),
            ("", None),
            ("5x", None),
            ("s", None),
            ("5", Some(5000)),
        ] {
            assert_eq!(duration_ms(text), wanted, "{text}");
        }
    }
}
