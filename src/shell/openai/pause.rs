//! How long an endpoint asks to be left alone, in every form in which that is said: headers, and bodies where there
//! are no headers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::header::{DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use serde_json::Value;

use super::at;
use super::limits::{LONGEST_PAUSE_MS, Limits, number, text};

/// A reset above this is a moment in seconds since 1970, and no length of time.
const A_MOMENT: f64 = 1e8;
/// The same in milliseconds.
const A_MOMENT_MS: f64 = 1e11;

/// The pause that is asked for outright: milliseconds, seconds or a date, in this order.
pub(super) fn pause_from_headers_ms(headers: &HeaderMap, now: SystemTime) -> Option<u64> {
    let in_ms = text(headers, "retry-after-ms").and_then(|text| text.parse().ok());
    if let Some(ms) = in_ms.and_then(whole_ms) {
        return Some(ms);
    }
    let after = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = after.parse::<f64>() {
        return whole_ms(seconds * 1000.0);
    }
    let pause = Duration::from_secs(http_date(after)?).saturating_sub(clock(headers, now)?);
    Some(pause.as_millis() as u64)
}

/// How long until a limit that is told without a name is there again. Its reset is a moment or a length of time.
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

/// The time since 1970 by the endpoint's own clock, where it tells it: ours may be wrong.
fn clock(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let date = headers.get(DATE).and_then(|date| date.to_str().ok());
    match date.and_then(http_date) {
        Some(seconds) => Some(Duration::from_secs(seconds)),
        None => now.duration_since(UNIX_EPOCH).ok(),
    }
}

/// The pause that a refusal asks for in its body: headers of whoever is behind the endpoint, a delay of its own, or
/// words. At most an hour.
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
    let delay = || {
        let details = at(error, "/details").and_then(Value::as_array)?;
        let said = details.iter().find_map(|one| at(one, "/retryDelay"))?;
        duration_ms(said.as_str()?)
    };
    let words = || {
        let (_, rest) = message
            .split_once("try again in ")
            .or_else(|| message.split_once("retry in "))?;
        let length = rest.split_whitespace().next()?;
        let length = length.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        // A bare number has its unit in the next word, if any.
        length.ends_with('s').then(|| duration_ms(length))?
    };
    let pause_ms = behind.or_else(delay).or_else(words)?;
    Some(pause_ms.min(LONGEST_PAUSE_MS))
}

/// Rounded up: a pause that is too short costs a request.
fn whole_ms(ms: f64) -> Option<u64> {
    (ms.is_finite() && ms >= 0.0).then(|| ms.ceil() as u64)
}

/// A length of time as Go prints it ("6m0s", "20ms", "1h2m3.5s"), or a plain number of seconds.
pub(super) fn duration_ms(text: &str) -> Option<u64> {
    if let Ok(seconds) = text.parse::<f64>() {
        return whole_ms(seconds * 1000.0);
    }
    if text.is_empty() {
        return None;
    }
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let unit = match &rest[..letters] {
            "d" => 86_400_000.0,
            "h" => 3_600_000.0,
            "m" => 60_000.0,
            "s" => 1000.0,
            "ms" => 1.0,
            "us" | "µs" => 0.001,
            "ns" => 0.000_001,
            _ => return None,
        };
        rest = &rest[letters..];
        total += number * unit;
    }
    whole_ms(total)
}

/// Seconds since 1970 of a date as HTTP writes it today: "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7).
fn http_date(text: &str) -> Option<u64> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let (_, rest) = text.split_once(", ")?;
    let parts: Vec<&str> = rest.split(' ').collect();
    let [day, month, year, time, "GMT"] = parts[..] else {
        return None;
    };
    let month = MONTHS.find(month).filter(|at| at % 3 == 0)? as u64 / 3 + 1;
    let (day, year): (u64, u64) = (day.parse().ok()?, year.parse().ok()?);
    let clock: Vec<u64> = time
        .split(':')
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    let [hour, minute, second] = clock[..] else {
        return None;
    };
    let sane = (1970..10_000).contains(&year) && (1..=31).contains(&day);
    if !sane || month > 12 || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // Days since 1970 of a date of the Gregorian calendar, counted in years that begin in March.
    let (y, m) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1;
    let days = days.checked_sub(719_468)?;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pauses_are_read_from_bodies() {
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        for (error, message, wanted) in [
            (
                json!({"metadata": {"headers": {"Retry-After": "3"}}}),
                "",
                Some(3_000),
            ),
            (
                json!({"metadata": {"headers": {"Retry-After": 3}}}),
                "",
                Some(3_000),
            ),
            (
                json!({"metadata": {"headers": {
                    "X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1700000005000",
                }}}),
                "",
                Some(5_000),
            ),
            (
                json!({"metadata": {"headers": {"a b": "1", "c": "\n"}}}),
                "",
                None,
            ),
            (
                json!({"details": [{"@type": "Help"}, {"@type": "RetryInfo", "retryDelay": "34.5s"}]}),
                "",
                Some(34_500),
            ),
            (
                json!("text"),
                "Rate limit reached. Please try again in 20ms. See …",
                Some(20),
            ),
            (json!({}), "Please try again in 6m0s.", Some(360_000)),
            (json!({}), "Please retry in 34.07s", Some(34_070)),
            (
                json!({}),
                "Please try again in 99999h0s.",
                Some(LONGEST_PAUSE_MS),
            ),
            (json!({}), "Please try again in 5 minutes.", None),
            (json!({}), "Please try again in a few seconds.", None),
            (json!({}), "Please try again in ", None),
        ] {
            assert_eq!(
                pause_from_text_ms(&error, message, now),
                wanted,
                "{error} {message}"
            );
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
            ("", None),
            ("5x", None),
            ("s", None),
            ("5", Some(5000)),
        ] {
            assert_eq!(duration_ms(text), wanted, "{text}");
        }
        for (text, wanted) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Tue, 29 Feb 2028 12:00:00 GMT", Some(1_835_438_400)),
            ("Sun, 06 Nov 1994 08:49 GMT", None),
            ("Sun, 06 Nov 1994 08:49:37 CET", None),
            ("Sun, 06 ovD 1994 08:49:37 GMT", None),
            ("nonsense", None),
        ] {
            assert_eq!(http_date(text), wanted, "{text}");
        }
    }
}
