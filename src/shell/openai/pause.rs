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

/// The time since 1970 of an HTTP date, or of one as ISO 8601 writes it in UTC.
fn since_epoch(date: &str) -> Option<Duration> {
    let utc = || humantime::parse_rfc3339_weak(&date.replace("+00:00", "Z")).ok();
    let date = httpdate::parse_http_date(date).ok().or_else(utc)?;
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
        .or_else(|| pause_from_fields_ms(error, now))
        .or_else(|| pause_from_words_ms(message))?;
    Some(pause_ms.min(LONGEST_PAUSE_MS))
}

/// Names of fields with a pause or the moment of its end, in lower-case letters and without their unit.
const FIELDS: [&str; 14] = [
    "retryafter",
    "retrydelay",
    "retryin",
    "retryat",
    "wait",
    "waittime",
    "waitfor",
    "cooldown",
    "backoff",
    "resetin",
    "resetsin",
    "resetafter",
    "resetat",
    "resetsat",
];

/// The pause in a field of an error, of an object in it, or of its details.
fn pause_from_fields_ms(error: &Value, now: SystemTime) -> Option<u64> {
    let details = at(error, "/details").and_then(Value::as_array);
    let inner = error.as_object().into_iter().flat_map(|all| all.values());
    let places = [error]
        .into_iter()
        .chain(inner)
        .chain(details.into_iter().flatten());
    let fields = places.filter_map(Value::as_object).flatten();
    fields
        .filter_map(|(name, value)| {
            let name = name.to_lowercase().replace(['_', '-'], "");
            let (name, unit_ms) = without_unit(&name);
            let text = match value {
                Value::String(text) => text.trim().to_owned(),
                Value::Number(number) => number.to_string(),
                _ => return None,
            };
            FIELDS
                .contains(&name)
                .then(|| length_or_moment_ms(&text, unit_ms, now))?
        })
        .next()
}

/// A field's name without the unit at its end, and the unit.
fn without_unit(name: &str) -> (&str, f64) {
    const UNITS: [(&str, f64); 7] = [
        ("milliseconds", 1.0),
        ("millis", 1.0),
        ("ms", 1.0),
        ("seconds", 1000.0),
        ("secs", 1000.0),
        ("sec", 1000.0),
        ("minutes", 60_000.0),
    ];
    let found = UNITS
        .iter()
        .find_map(|(unit, unit_ms)| Some((name.strip_suffix(unit)?, *unit_ms)));
    found.unwrap_or((name, 1000.0))
}

/// A number in the field's unit, a duration with its own unit, or a moment in any usual form.
fn length_or_moment_ms(text: &str, unit_ms: f64, now: SystemTime) -> Option<u64> {
    let moment = match text.parse::<f64>() {
        Ok(ms) if ms >= A_MOMENT_MS => Some(Duration::from_millis(ms as u64)),
        Ok(seconds) if seconds >= A_MOMENT => Some(Duration::from_secs(seconds as u64)),
        Ok(number) => return whole_ms(number * unit_ms),
        Err(_) => since_epoch(text),
    };
    match moment {
        Some(moment) => {
            let now = now.duration_since(UNIX_EPOCH).ok()?;
            Some(moment.saturating_sub(now).as_millis() as u64)
        }
        None => duration_ms(text),
    }
}

/// Phrases before a duration to wait.
const BEFORE: [&str; 20] = [
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
    "cooling down",
    "retry_after",
    "retryafter",
    "back off",
    "backoff",
    "sleep",
];
/// Prepositions before a duration.
const PREPOSITIONS: [&str; 7] = [
    " in ",
    " after ",
    " dans ",
    " en ",
    " em ",
    "через ",
    " nach ",
];
/// Words before a preposition that make the duration a limit or a fact.
const COUNTED: [&str; 18] = [
    "requests",
    "tokens",
    "calls",
    "messages",
    "used",
    "limit",
    "made",
    "timed out",
    "timeout",
    "time out",
    "failed",
    "aborted",
    "expired",
    "expires",
    "respond",
    "responded",
    "complete",
    "finish",
];
/// Phrases behind a duration.
const BEHIND: [&str; 5] = [
    "remaining",
    "left",
    "until",
    "before retry",
    "before the next",
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
    for preposition in PREPOSITIONS {
        for (at, _) in message.match_indices(preposition) {
            // "20 requests in 1 minute" is a limit.
            if COUNTED.iter().any(|word| message[..at].ends_with(word)) {
                continue;
            }
            if let Some(pause_ms) = length_at_start_ms(&message[at + preposition.len()..], false) {
                return Some(pause_ms);
            }
        }
    }
    for behind in BEHIND {
        for (at, _) in message.match_indices(behind) {
            let before = message[..at].trim_end();
            let start = before
                .rfind(['.', ',', ':', ';', '('])
                .map_or(0, |at| at + 1);
            if let Some(pause_ms) = length_at_start_ms(&before[start..], false) {
                return Some(pause_ms);
            }
        }
    }
    ["秒", "초", "分钟", "分鐘", "小时"]
        .iter()
        .zip([1_000, 1_000, 60_000, 60_000, 3_600_000])
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
    if let Some(clock_ms) = clock_ms(rest) {
        return Some(clock_ms);
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

/// "00:01:30" at the start of a text.
fn clock_ms(text: &str) -> Option<u64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != ':')
        .unwrap_or(text.len());
    let parts: Result<Vec<u64>, _> = text[..end].split(':').map(str::parse).collect();
    match parts.ok()?.as_slice() {
        &[hours, minutes, seconds] if hours < 1_000 && minutes < 60 && seconds < 60 => {
            Some(((hours * 60 + minutes) * 60 + seconds) * 1_000)
        }
        _ => None,
    }
}

fn unit_ms(unit: &str) -> Option<f64> {
    Some(match unit {
        "d" | "day" | "days" => 86_400_000.0,
        "h" | "hr" | "hrs" | "hour" | "hours" | "stunde" | "stunden" | "heure" | "heures"
        | "hora" | "horas" | "часов" => 3_600_000.0,
        "m" | "min" | "mins" | "minute" | "minutes" | "minuten" | "minuto" | "minutos"
        | "минут" | "минуты" => 60_000.0,
        "s" | "sec" | "secs" | "second" | "seconds" | "sekunde" | "sekunden" | "seconde"
        | "secondes" | "segundo" | "segundos" | "секунд" | "секунды" => 1000.0,
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
            (json!({"retry_after": "12"}), Some(12_000)),
            (json!({"retry_after": "12s"}), Some(12_000)),
            (
                json!({"retry_after": "Tue, 14 Nov 2023 22:13:30 GMT"}),
                Some(10_000),
            ),
            (json!({"retry_after": "2023-11-14T22:13:30Z"}), Some(10_000)),
            (json!({"retryAfterSeconds": 8}), Some(8_000)),
            (json!({"retryAfterMillis": "800"}), Some(800)),
            (json!({"retry-after": 8}), Some(8_000)),
            (json!({"wait_seconds": 8}), Some(8_000)),
            (json!({"cooldown": 8}), Some(8_000)),
            (json!({"reset_in": "1m"}), Some(60_000)),
            (json!({"reset_at": 1_700_000_020}), Some(20_000)),
            (
                json!({"resets_at": "2023-11-14T22:13:50+00:00"}),
                Some(30_000),
            ),
            (json!({"extra": {"retry_after": 8}}), Some(8_000)),
            (json!({"parameters": {"retry_after": 8}}), Some(8_000)),
            (json!({"data": {"retryAfter": "8"}}), Some(8_000)),
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
            ("Too many requests. Wait 20 seconds.", Some(20_000)),
            (
                "Please slow down, next request allowed in 1500 ms",
                Some(1_500),
            ),
            ("Rate limit exceeded, retry in 2m", Some(120_000)),
            ("Please retry your request after 20 sec", Some(20_000)),
            ("You can retry this request in 7.66 seconds", Some(7_660)),
            ("try again in 1 minute and 5 seconds", Some(65_000)),
            ("Retry-After: 30", Some(30_000)),
            ("retry_after=15", Some(15_000)),
            ("retryAfter: 9s", Some(9_000)),
            ("Come back in 2 hours", Some(7_200_000)),
            ("Please back off for 10 seconds", Some(10_000)),
            ("backoff: 4s", Some(4_000)),
            ("Sleep for 3 seconds and retry", Some(3_000)),
            ("limit will reset in 00:01:30", Some(90_000)),
            ("Quota will be refreshed in 45s", Some(45_000)),
            ("Cooling down. 12 seconds remaining", Some(12_000)),
            ("60 seconds until reset", Some(60_000)),
            (
                "You have to wait for 1 min. before sending another request",
                Some(60_000),
            ),
            (
                "No deployments available for selected model, Try again in 60 seconds. Passed model=m",
                Some(60_000),
            ),
            ("Bitte in 30 Sekunden erneut versuchen", Some(30_000)),
            ("Veuillez réessayer dans 20 secondes", Some(20_000)),
            ("Inténtelo de nuevo en 15 segundos", Some(15_000)),
            ("повторите через 30 секунд", Some(30_000)),
            ("30秒後に再試行してください", Some(30_000)),
            ("20초 후에 다시 시도하세요", Some(20_000)),
            ("请等待 2 分钟后再试", Some(120_000)),
            (
                "The last 60 seconds held 20 requests, the limit is 10",
                None,
            ),
            ("Limit: 3 requests / 1 minute", None),
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
