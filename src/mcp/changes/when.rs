//! `since` as agents write it: a time, a time ago, or a revision.

use std::time::{Duration, SystemTime};

use chrono::{
    DateTime, Datelike, Days, Local, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime,
    TimeZone, Weekday,
};

/// From when on changes are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Since {
    /// The last commit: what is not committed.
    LastCommit,
    /// A time.
    Time(SystemTime),
    /// A revision of git.
    Revision(String),
}

/// Other words for what is not committed.
const UNCOMMITTED: [&str; 6] = [
    "uncommitted",
    "working tree",
    "working directory",
    "worktree",
    "last commit",
    "the last commit",
];
/// Forms of a time without a zone, in local time.
const TIMES: [&str; 8] = [
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%d.%m.%Y %H:%M",
    "%Y-%m-%d %I:%M %p",
];
/// Forms of a day.
const DAYS: [&str; 6] = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%d %B %Y",
    "%B %d %Y",
    "%B %d, %Y",
];
/// Forms of a time with a zone.
const ZONED: [&str; 4] = [
    "%Y-%m-%d %H:%M:%S%.f %z",
    "%Y-%m-%dT%H:%M:%S%.f%z",
    "%Y-%m-%d %H:%M %z",
    "%Y-%m-%d %H:%M:%S%.f%z",
];
/// Days in the named spans.
const SPANS: [(&str, u64); 5] = [
    ("day", 1),
    ("week", 7),
    ("fortnight", 14),
    ("month", 30),
    ("year", 365),
];

impl Since {
    /// Reads `text`; what is no time is a revision.
    pub fn parse(text: &str, now: SystemTime) -> Result<Self, String> {
        let text = text.trim();
        let text = text.strip_prefix("since ").unwrap_or(text).trim();
        let lower = text.to_ascii_lowercase();
        if lower.is_empty() || UNCOMMITTED.contains(&lower.as_str()) {
            return Ok(Self::LastCommit);
        }
        if let Some(time) = time(text, &lower, now) {
            // Clocks of machines differ by a little.
            return match time > now + Duration::from_secs(60) {
                true => Err(format!(
                    "since: {} is in the future; {EXAMPLES}",
                    crate::wire::plain::clean(text)
                )),
                false => Ok(Self::Time(time)),
            };
        }
        // `main..`, `main...HEAD`: the left side is the base.
        let revision = match text.split_once("..") {
            Some((base, _)) if !base.is_empty() => base,
            _ => text,
        };
        let (name, rest) =
            revision.split_at(revision.find(['~', '^', '@']).unwrap_or(revision.len()));
        let revision = match name.eq_ignore_ascii_case("head") {
            true => format!("HEAD{rest}"),
            false => revision.to_owned(),
        };
        match revision.starts_with('-') || revision.chars().any(char::is_control) {
            true => Err(format!(
                "since: {} is no revision and no time; {EXAMPLES}",
                crate::wire::plain::clean(text)
            )),
            false => Ok(Self::Revision(revision)),
        }
    }
}

/// How to write it.
pub const EXAMPLES: &str = "for example HEAD~3, main, 2h, yesterday or 2026-01-31 13:00";

fn time(text: &str, lower: &str, now: SystemTime) -> Option<SystemTime> {
    let here: DateTime<Local> = now.into();
    let midnight = |back: u64| {
        let day = here.date_naive().checked_sub_days(Days::new(back))?;
        local(day.and_time(NaiveTime::MIN))
    };
    let ago = |days: u64| now.checked_sub(Duration::from_secs(days * 86_400));
    match lower {
        "now" => return Some(now),
        "today" | "midnight" | "this morning" => return midnight(0),
        "this week" => return midnight(here.weekday().num_days_from_monday().into()),
        "this month" => return midnight(u64::from(here.day()) - 1),
        "yesterday" => return midnight(1),
        "last hour" => return now.checked_sub(Duration::from_secs(3_600)),
        _ => {}
    }
    let (past, span) = match lower.split_once(' ') {
        Some(("last" | "past" | "previous", span)) => (true, span),
        _ => (false, lower),
    };
    if past && let Some((_, days)) = SPANS.iter().find(|(name, _)| *name == span) {
        return ago(*days);
    }
    if let Ok(day) = span.trim_start_matches("on ").parse::<Weekday>() {
        let back = here.weekday().days_since(day);
        return midnight(match (back, past) {
            (0, true) => 7,
            (back, _) => back.into(),
        });
    }
    if let Some(time) = moment(text) {
        return Some(time);
    }
    let (day, clock) = match lower.split_once(' ') {
        Some(("today", clock)) => (0, clock),
        Some(("yesterday", clock)) => (1, clock),
        _ => (0, lower),
    };
    if let Some(clock) = of_day(clock) {
        let day = here.date_naive().checked_sub_days(Days::new(day))?;
        let at = local(day.and_time(clock))?;
        // A time of day that is still to come was yesterday's.
        return match at > now {
            true => at.checked_sub(Duration::from_secs(86_400)),
            false => Some(at),
        };
    }
    let span = span.strip_suffix("ago").unwrap_or(span).trim();
    let span = match span.split_once(' ') {
        Some(("a" | "an" | "one", unit)) => format!("1 {unit}"),
        _ => span.to_owned(),
    };
    humantime::parse_duration(&span)
        .ok()
        .and_then(|ago| now.checked_sub(ago))
}

/// `13:00`, `at 5pm`, `5:30 pm`.
fn of_day(text: &str) -> Option<NaiveTime> {
    let text = text.strip_prefix("at ").unwrap_or(text).replace(' ', "");
    let half = ["am", "pm"]
        .iter()
        .find_map(|half| text.strip_suffix(*half));
    let full = match half {
        Some(hour) if !hour.contains(':') => text.replace(hour, &format!("{hour}:00")),
        _ => text.clone(),
    };
    ["%H:%M", "%H:%M:%S", "%I:%M%p"]
        .iter()
        .find_map(|form| NaiveTime::parse_from_str(&full, form).ok())
}

/// A moment that is written out.
fn moment(text: &str) -> Option<SystemTime> {
    if let Ok(time) =
        DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_rfc2822(text))
    {
        return Some(time.into());
    }
    let zoned = ZONED
        .iter()
        .find_map(|form| DateTime::parse_from_str(text, form).ok());
    if let Some(time) = zoned {
        return Some(time.into());
    }
    if let Some(plain) = text.strip_suffix(" UTC").or_else(|| text.strip_suffix('Z')) {
        let time = TIMES
            .iter()
            .find_map(|form| NaiveDateTime::parse_from_str(plain, form).ok())?;
        return Some(time.and_utc().into());
    }
    if let Some(time) = TIMES
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
    {
        return local(time);
    }
    let day = DAYS
        .iter()
        .find_map(|form| NaiveDate::parse_from_str(text, form).ok());
    if let Some(day) = day {
        return local(day.and_time(NaiveTime::MIN));
    }
    // Seconds, or milliseconds, since 1970; shorter numbers may be a commit's.
    let seconds = match (text.len(), text.trim_start_matches('@').parse::<u64>()) {
        (10, Ok(seconds)) => seconds,
        (11, Ok(seconds)) if text.starts_with('@') => seconds,
        (13, Ok(milliseconds)) => milliseconds / 1_000,
        _ => return None,
    };
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

fn local(time: NaiveDateTime) -> Option<SystemTime> {
    match Local.from_local_datetime(&time) {
        MappedLocalTime::Single(time) | MappedLocalTime::Ambiguous(time, _) => Some(time.into()),
        MappedLocalTime::None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_revisions_and_nothing_are_told_apart() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000);
        let parse = |text: &str| Since::parse(text, now);
        for text in [
            "2h",
            "3 days",
            "2 hours ago",
            "an hour ago",
            "1 week",
            "last week",
            "yesterday",
            "today",
            "last month",
            "monday",
            "last Friday",
            "this week",
            "this month",
            "this morning",
            "13:00",
            "5pm",
            "yesterday 13:00",
            "yesterday at 5pm",
            "31 Jan 2026",
            "January 31, 2026",
        ] {
            let Ok(Since::Time(time)) = parse(text) else {
                panic!("{text} is a time");
            };
            assert!(time < now, "{text}");
        }
        for text in [
            "2026-01-31",
            "2026-01-31 13:00",
            "2026-01-31T13:00",
            "2026-01-31 13:00:07",
            "2026/01/31 13:00",
            "2026-01-31T12:00:00Z",
            "2026-01-31T12:00:00+02:00",
            "2026-01-31 12:00:00 +0200",
            "Sat, 31 Jan 2026 12:00:00 +0000",
            "1770000000",
            "@1770000000",
        ] {
            assert!(matches!(parse(text), Ok(Since::Time(_))), "{text}");
        }
        let seconds = |text: &str| match parse(text) {
            Ok(Since::Time(time)) => time
                .duration_since(SystemTime::UNIX_EPOCH)
                .map(|since| since.as_secs())
                .ok(),
            _ => None,
        };
        assert_eq!(seconds("2026-01-31T12:00:00+02:00"), Some(1_769_853_600));
        for (text, revision) in [
            ("HEAD~3", "HEAD~3"),
            ("main", "main"),
            ("main..HEAD", "main"),
            ("head~2", "HEAD~2"),
            ("main...", "main"),
            ("2026", "2026"),
            ("abc1234", "abc1234"),
        ] {
            assert_eq!(parse(text), Ok(Since::Revision(revision.to_owned())));
        }
        for text in ["", "  ", "uncommitted"] {
            assert_eq!(parse(text), Ok(Since::LastCommit));
        }
        assert!(parse("--output=x").is_err());
        let future = parse("2099-01-01").expect_err("the future");
        assert!(future.contains("in the future"), "{future}");
    }
}
