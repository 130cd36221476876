//! Text for terminals: escaping of control characters, wrapping, truncation, and numbers for people.

use std::path::Path;

use crate::wire::plain::escape;

/// The text with control characters, bidirectional marks and invisible characters written as escapes, so that a file's
/// name cannot control the terminal or imitate another name. Line breaks are escaped too. Joiners stay, because emoji need
/// them.
pub fn clean(text: &str) -> String {
    escape(text, is_unsafe)
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Columns that the text takes on a terminal, approximately: East Asian wide characters and emoji take two, combining
/// marks none.
pub fn columns(text: &str) -> usize {
    text.chars().map(column).sum()
}

fn column(c: char) -> usize {
    match u32::from(c) {
        0x0300..=0x036f | 0x200c..=0x200d | 0x20d0..=0x20ff | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1f64f
        | 0x1f680..=0x1f6ff
        | 0x1f900..=0x1f9ff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// The text in at most `width` columns, with `…` in place of what was cut.
pub fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let mut short = String::new();
    for c in text.chars() {
        let Some(rest) = left.checked_sub(column(c)) else {
            break;
        };
        left = rest;
        short.push(c);
    }
    short.truncate(short.trim_end().len());
    if width > 0 {
        short.push('…');
    }
    short
}

/// The text's paragraphs in lines of at most `width` columns; a longer word gets its own line.
pub fn wrap(text: &str, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for paragraph in text.trim().lines() {
        let mut line = String::new();
        let mut used = 0;
        for word in paragraph.split_whitespace().map(clean) {
            let more = columns(&word);
            if used > 0 && used + 1 + more > width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(&word);
            used += more;
        }
        lines.push(line);
    }
    lines.join("\n")
}

/// Each line in lines of at most `width` columns, broken between words. The rest of a line stands below its second column,
/// which two spaces precede. Colours and links take no columns.
pub fn fold(text: &str, width: usize) -> String {
    let lines = text.split('\n').map(|line| fold_line(line, width));
    lines.collect::<Vec<_>>().join("\n")
}

fn fold_line(line: &str, width: usize) -> String {
    if visible(line) <= width {
        return line.to_owned();
    }
    let start = line.len() - line.trim_start_matches(' ').len();
    let second = line[start..].find("  ").map(|gap| {
        let after = line[start + gap..].trim_start_matches(' ');
        visible(&line[..line.len() - after.len()])
    });
    let indent = second
        .filter(|column| *column <= width / 2)
        .unwrap_or(start + 2);
    let (mut folded, mut used) = (String::new(), 0);
    for (at, word) in line.split(' ').enumerate() {
        let more = visible(word);
        let space = usize::from(at > 0);
        if used + space + more > width && used > indent {
            folded.truncate(folded.trim_end().len());
            folded.push('\n');
            folded.push_str(&" ".repeat(indent));
            used = indent;
        } else if at > 0 {
            folded.push(' ');
            used += 1;
        }
        folded.push_str(word);
        used += more;
    }
    folded
}

/// Columns of a text without its escape sequences: `ESC [ … letter` and `ESC ] … ESC \`.
fn visible(text: &str) -> usize {
    let mut rest = text;
    let mut used = 0;
    while let Some(at) = rest.find('\x1b') {
        used += columns(&rest[..at]);
        let sequence = &rest[at + 1..];
        let end = match sequence.strip_prefix(']') {
            Some(link) => link.find("\x1b\\").map(|end| end + 3),
            None => sequence
                .find(|c: char| c.is_ascii_alphabetic())
                .map(|end| end + 1),
        };
        rest = end.and_then(|end| sequence.get(end..)).unwrap_or_default();
    }
    used + columns(rest)
}

/// `12,345`
pub fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 file`, `2 files`, `2 directories`: plurals in `s`, and in `ies` after `y`.
pub fn count(many: u64, word: &str) -> String {
    match (many, word.strip_suffix('y')) {
        (1, _) => format!("1 {word}"),
        (_, Some(stem)) => format!("{} {stem}ies", number(many)),
        (_, None) => format!("{} {word}s", number(many)),
    }
}

/// `12.34`, and four decimals below one: `0.0123`; without a currency, because the configuration does not name one.
pub fn money(amount: f64) -> String {
    match amount {
        0.0 => "0".to_owned(),
        1.0.. => format!("{amount:.2}"),
        _ => format!("{amount:.4}"),
    }
}

/// `512 bytes`, `1.2 KiB`
pub fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    if bytes < 1_024 {
        return count(bytes, "byte");
    }
    for unit in ["KiB", "MiB", "GiB"] {
        value /= 1_024.0;
        if value < 1_023.95 {
            return format!("{value:.1} {unit}");
        }
    }
    format!("{:.1} TiB", value / 1_024.0)
}

/// `12 s`, `3 min`, `5 h`, `4 days`; from seconds.
pub fn duration(seconds: f64) -> String {
    // NaN becomes 0.
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3_600 => format!("{} min", whole / 60),
        3_600..172_800 => format!("{} h", whole / 3_600),
        _ => format!("{} days", number(whole / 86_400)),
    }
}

/// Tokens for people: `850`, `8.3 k`, `53 k`, `1.26 M`.
pub fn tokens(many: u64) -> String {
    let value = many as f64;
    match many {
        0..1_000 => many.to_string(),
        1_000..9_950 => format!("{:.1} k", value / 1e3),
        9_950..999_500 => format!("{:.0} k", value / 1e3),
        _ => format!("{:.2} M", value / 1e6),
    }
}

/// A UTC time stamp as the time since then: `just now`, `8 min ago`. A text that is no time stamp is returned as it is.
pub fn ago(rfc3339: &str) -> String {
    let Ok(then) = humantime::parse_rfc3339(rfc3339) else {
        return clean(rfc3339);
    };
    match then.elapsed() {
        Ok(passed) if passed.as_secs() >= 5 => format!("{} ago", duration(passed.as_secs_f64())),
        _ => "just now".to_owned(),
    }
}

/// A UTC time stamp as the time since then, or its day if that is more than a month ago: `2026-01-31`.
pub fn date(rfc3339: &str) -> String {
    let then = humantime::parse_rfc3339(rfc3339).ok();
    let passed = then.and_then(|then| then.elapsed().ok());
    match (passed, rfc3339.split_once('T')) {
        (Some(passed), Some((day, _))) if passed.as_secs() > 31 * 86_400 => clean(day),
        _ => ago(rfc3339),
    }
}

/// A UTC time stamp in the future as the time until then: `in 5 h`.
pub fn until(rfc3339: &str) -> String {
    let left = humantime::parse_rfc3339(rfc3339)
        .ok()
        .and_then(|then| then.duration_since(std::time::SystemTime::now()).ok());
    match left {
        Some(left) => format!("in {}", duration(left.as_secs_f64())),
        None => format!("at {}", clean(rfc3339)),
    }
}

/// The path with `~` for the home folder.
pub fn tilde(path: &Path) -> String {
    let home = std::env::home_dir().filter(|home| home.parent().is_some());
    let below = home
        .as_deref()
        .and_then(|home| path.strip_prefix(home).ok());
    match below {
        Some(below) if below.as_os_str().is_empty() => "~".to_owned(),
        Some(below) => format!("~/{}", clean(&below.to_string_lossy())),
        None => clean(&path.to_string_lossy()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_control_the_terminal() {
        assert_eq!(
            clean("a\x1b[31mb\n\u{202e}c\u{9b}"),
            "a\\u{1b}[31mb\\n\\u{202e}c\\u{9b}"
        );
        assert_eq!(
            clean("naïve 日本 👩\u{200d}💻.py"),
            "naïve 日本 👩\u{200d}💻.py"
        );
        for c in [
            '\u{7f}', '\u{85}', '\u{2066}', '\u{2069}', '\u{200f}', '\u{feff}', '\u{2028}',
        ] {
            assert!(clean(&c.to_string()).is_ascii(), "{c:?}");
        }
    }

    #[test]
    fn text_is_cut_by_columns() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdef", 5), "abcd…");
        assert_eq!(cut("ab cdef", 4), "ab…");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("abc", 0), "");
    }

    #[test]
    fn text_is_wrapped_by_words() {
        assert_eq!(wrap("one two three", 7), "one two\nthree");
        assert_eq!(wrap("a\n\nlonger-than-it b", 5), "a\n\nlonger-than-it\nb");
        assert_eq!(
            wrap("bad\x1b[2J word\u{202e}", 80),
            "bad\\u{1b}[2J word\\u{202e}"
        );
        assert_eq!(wrap("", 10), "");
    }

    #[test]
    fn lines_are_folded_below_their_second_column() {
        for (line, width, folded) in [
            ("short", 9, "short"),
            (
                "usage     one two three",
                20,
                "usage     one two\n          three",
            ),
            ("  to do: one two three", 14, "  to do: one\n    two three"),
            (
                "a-long-name-first  then the rest",
                20,
                "a-long-name-first\n  then the rest",
            ),
            (
                "a\n  b  \u{1b}[31mred one\u{1b}[0m",
                12,
                "a\n  b  \u{1b}[31mred one\u{1b}[0m",
            ),
            (
                "\u{1b}]8;;file:///x\u{1b}\\x\u{1b}]8;;\u{1b}\\ y",
                3,
                "\u{1b}]8;;file:///x\u{1b}\\x\u{1b}]8;;\u{1b}\\ y",
            ),
            ("/a/path/that/is/longer", 8, "/a/path/that/is/longer"),
        ] {
            assert_eq!(fold(line, width), folded, "{line:?}");
        }
    }

    #[test]
    fn numbers_are_rounded_for_people() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!(count(1, "directory"), "1 directory");
        assert_eq!(count(1_200, "directory"), "1,200 directories");
        assert_eq!(money(0.0), "0");
        assert_eq!(money(0.012_34), "0.0123");
        assert_eq!(money(12.345), "12.35");
        assert_eq!(size(1), "1 byte");
        assert_eq!(size(1_023), "1,023 bytes");
        assert_eq!(size(1_536), "1.5 KiB");
        assert_eq!(size(1_048_575), "1.0 MiB");
        assert_eq!(size(u64::MAX), "16777216.0 TiB");
        assert_eq!(duration(0.4), "0 s");
        assert_eq!(duration(119.0), "1 min");
        assert_eq!(duration(7_200.0), "2 h");
        assert_eq!(duration(200_000.0), "2 days");
        assert_eq!(duration(f64::NAN), "0 s");
        for (many, text) in [
            (0, "0"),
            (999, "999"),
            (8_300, "8.3 k"),
            (52_680, "53 k"),
            (999_499, "999 k"),
            (1_258_166, "1.26 M"),
        ] {
            assert_eq!(tokens(many), text);
        }
    }

    #[test]
    fn times_are_relative_and_home_is_short() {
        let stamp = |seconds: u64| {
            let then = std::time::SystemTime::now() - std::time::Duration::from_secs(seconds);
            humantime::format_rfc3339_millis(then).to_string()
        };
        assert_eq!(ago(&stamp(1)), "just now");
        assert_eq!(ago(&stamp(500)), "8 min ago");
        assert_eq!(ago("x\u{1b}"), "x\\u{1b}");
        assert_eq!(until("2000-01-01T00:00:00Z"), "at 2000-01-01T00:00:00Z");
        if let Some(home) = std::env::home_dir().filter(|home| home.parent().is_some()) {
            assert_eq!(tilde(&home.join("src")), "~/src");
            assert_eq!(tilde(&home), "~");
        }
        assert_eq!(tilde(Path::new("/srv/a")), "/srv/a");
    }
}
