//! Text for people: without characters that a terminal would obey, wrapped, cut, and numbers as one says them.

/// The text with control characters and those that reorder or hide others written as escapes, so that a file's name
/// cannot steer the terminal or pass for another. Line breaks are escaped too.
pub fn clean(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) {
            safe.extend(c.escape_default());
        } else {
            safe.push(c);
        }
    }
    safe
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Columns that the text takes on a terminal, near enough: East Asian wide characters and emoji take two, combining
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

/// The text in at most `width` columns, with `…` where something was cut.
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

/// The text's paragraphs in lines of at most `width` columns; a longer word has a line of its own.
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

/// `1 file`, `2 files`; for words whose plural ends in `s` or, after `y`, in `ies`.
pub fn count(many: u64, word: &str) -> String {
    match (many, word.strip_suffix('y')) {
        (1, _) => format!("1 {word}"),
        (_, Some(stem)) => format!("{} {stem}ies", number(many)),
        (_, None) => format!("{} {word}s", number(many)),
    }
}

/// `12.34`, and four digits that say something where it is less than one: `0.0123`; no currency, which nobody named.
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
    // A float that is no number becomes 0.
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3_600 => format!("{} min", whole / 60),
        3_600..172_800 => format!("{} h", whole / 3_600),
        _ => format!("{} days", number(whole / 86_400)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_steer_the_terminal() {
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
    fn numbers_are_said_as_people_say_them() {
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
    }
}
