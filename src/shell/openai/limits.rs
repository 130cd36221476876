//! What an endpoint's headers say about its limits and about when to ask again.
//!
//! Every one of them may be missing or make no sense: then it says nothing.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use crate::model::limits::Limit;
use crate::model::usage::Usage;

/// Longer pauses than this are not believed, in milliseconds: one hour.
const LONGEST_PAUSE_MS: u64 = 3_600_000;

/// What one exchange told about limits, and what it used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Of requests.
    pub requests: Limit,
    /// Of tokens.
    pub tokens: Limit,
    /// The pause that the endpoint asks for, in milliseconds, at most an hour.
    pub retry_after_ms: Option<u64>,
    /// Whether the request was refused because it is longer than the model can read.
    pub too_long: bool,
    /// What the exchange used up, also where its answer was of no use. No requests: it never arrived.
    pub spent: Usage,
}

impl Limits {
    /// Reads an answer's headers; `now` is used where the answer has no date of its own.
    pub(super) fn read(headers: &HeaderMap, now: SystemTime) -> Self {
        let limit = |what: &str| Limit {
            limit: number(headers, &format!("x-ratelimit-limit-{what}")),
            remaining: number(headers, &format!("x-ratelimit-remaining-{what}")),
            reset_ms: text(headers, &format!("x-ratelimit-reset-{what}")).and_then(duration_ms),
        };
        let mut limits = Self {
            requests: limit("requests"),
            tokens: limit("tokens"),
            retry_after_ms: None,
            too_long: false,
            spent: Usage {
                requests: 1,
                ..Usage::default()
            },
        };
        limits.retry_after_ms = retry_after_ms(headers, now)
            .or_else(|| limits.used_up_for_ms())
            .map(|pause| pause.min(LONGEST_PAUSE_MS));
        limits
    }

    /// How long until whatever is used up is there again.
    fn used_up_for_ms(&self) -> Option<u64> {
        let all = [self.requests, self.tokens];
        let empty = all.iter().filter(|limit| limit.remaining == Some(0));
        empty.filter_map(|limit| limit.reset_ms).max()
    }
}

/// The pause that is asked for outright: milliseconds, seconds or a date, in this order.
fn retry_after_ms(headers: &HeaderMap, now: SystemTime) -> Option<u64> {
    let in_ms = text(headers, "retry-after-ms").and_then(|text| text.parse().ok());
    if let Some(ms) = in_ms.and_then(whole_ms) {
        return Some(ms);
    }
    let after = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = after.parse::<f64>() {
        return whole_ms(seconds * 1000.0);
    }
    // By the endpoint's own clock, where it tells it: ours may be wrong.
    let date = headers.get(DATE).and_then(|date| date.to_str().ok());
    let now = date.and_then(http_date).or_else(|| {
        let since = now.duration_since(UNIX_EPOCH).ok()?;
        Some(since.as_secs())
    })?;
    let pause = Duration::from_secs(http_date(after)?.saturating_sub(now));
    Some(pause.as_millis() as u64)
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    Some(headers.get(name)?.to_str().ok()?.trim())
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    let number = text(headers, name)?.parse::<f64>().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number as u64)
}

/// Rounded up: a pause that is too short costs a request.
fn whole_ms(ms: f64) -> Option<u64> {
    (ms.is_finite() && ms >= 0.0).then(|| ms.ceil() as u64)
}

/// A length of time as Go prints it ("6m0s", "20ms", "1h2m3.5s"), or a plain number of seconds.
fn duration_ms(text: &str) -> Option<u64> {
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
    #![allow(clippy::unwrap_used)]
    use super::*;

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
        ] {
            assert_eq!(pause(headers), wanted, "{headers:?}");
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
