//! Documentation strings: from the literal as written to its text.

/// The text of a string literal with prefix and quotes, or `None` if a letter of its prefix makes it something other
/// than text.
pub(super) fn text_of(literal: &str, not_text: &[char]) -> Option<String> {
    let quote_at = literal.find(['"', '\''])?;
    let (prefix, quoted) = literal.split_at(quote_at);
    if prefix.contains(not_text) {
        return None;
    }
    let quote = quoted.chars().next()?;
    let triple: String = [quote; 3].iter().collect();
    let marks = if quoted.len() >= 6 && quoted.starts_with(&triple) {
        3
    } else {
        1
    };
    let body = quoted.get(marks..quoted.len().checked_sub(marks)?)?;
    let body = body.replace("\r\n", "\n").replace('\r', "\n");
    if prefix.contains(['r', 'R']) {
        return Some(body);
    }
    Some(unescaped(&body))
}

fn unescaped(body: &str) -> String {
    let mut out = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let tail = &rest[at + 1..];
        let (text, used) = escape(tail);
        match text {
            Some(text) => out.extend(text),
            // An unknown escape is kept, backslash included.
            None => out.push_str(&rest[at..at + 1 + used]),
        }
        rest = &tail[used..];
    }
    out.push_str(rest);
    out
}

/// What an escape means (`Some(None)`: nothing), and its length in bytes after the backslash.
fn escape(tail: &str) -> (Option<Option<char>>, usize) {
    let Some(first) = tail.chars().next() else {
        return (None, 0);
    };
    let plain = |c| (Some(Some(c)), 1);
    let number = |start: usize, digits: usize, radix: u32| {
        let code = tail
            .get(start..start + digits)
            .and_then(|digits| u32::from_str_radix(digits, radix).ok());
        match code.and_then(char::from_u32) {
            Some(c) => (Some(Some(c)), start + digits),
            None => (None, 1),
        }
    };
    match first {
        '\n' => (Some(None), 1),
        '\\' | '\'' | '"' => plain(first),
        'n' => plain('\n'),
        't' => plain('\t'),
        'r' => plain('\r'),
        'a' => plain('\x07'),
        'b' => plain('\x08'),
        'f' => plain('\x0c'),
        'v' => plain('\x0b'),
        'x' => number(1, 2, 16),
        'u' => number(1, 4, 16),
        'U' => number(1, 8, 16),
        '0'..='7' => {
            let octal = |c: &char| c.is_digit(8);
            number(0, tail.chars().take(3).take_while(octal).count(), 8)
        }
        other => (None, other.len_utf8()),
    }
}

/// A documentation string without its common indentation, by the rules of PEP 257 as Python's `inspect.cleandoc`
/// applies them.
pub(super) fn without_indentation(text: &str) -> String {
    let expanded = expand_tabs(text);
    let mut lines: Vec<&str> = expanded.split('\n').collect();
    let margin = lines
        .iter()
        .skip(1)
        .filter(|line| !line.trim_start().is_empty())
        .map(|line| line.chars().count() - line.trim_start().chars().count())
        .min();
    for (number, line) in lines.iter_mut().enumerate() {
        if number == 0 {
            *line = line.trim_start();
        } else if let Some(margin) = margin {
            let start = line.char_indices().nth(margin);
            *line = start.map_or("", |(at, _)| &line[at..]);
        }
    }
    while lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    let first = lines.iter().position(|line| !line.is_empty());
    lines[first.unwrap_or(lines.len())..].join("\n")
}

/// Expands tabs to columns that are multiples of eight.
fn expand_tabs(text: &str) -> String {
    if !text.contains('\t') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut column = 0;
    for c in text.chars() {
        match c {
            '\t' => {
                let blanks = 8 - column % 8;
                out.extend(std::iter::repeat_n(' ', blanks));
                column += blanks;
            }
            '\n' | '\r' => {
                out.push(c);
                column = 0;
            }
            c => {
                out.push(c);
                column += 1;
            }
        }
    }
    out
}

/// A documentation comment without its marks: those of each line, those at both ends of a block, and the asterisks on
/// a block's left side.
pub(super) fn without_marks(comment: &str, lines: &[&str], blocks: &[(&str, &str)]) -> String {
    let comment = comment.trim();
    for (open, close) in blocks {
        // `/**/` is too short for both marks of a longer kind.
        let fits = comment.len() >= open.len() + close.len() || !comment.ends_with(close);
        if let Some(inner) = comment.strip_prefix(open).filter(|_| fits) {
            let inner = inner.strip_suffix(close).unwrap_or(inner);
            let stripped: Vec<&str> = inner
                .lines()
                .map(|line| match line.trim_start().strip_prefix('*') {
                    Some(text) => text.strip_prefix(' ').unwrap_or(text),
                    None => line,
                })
                .collect();
            return without_indentation(stripped.join("\n").trim_end());
        }
    }
    let stripped = |line: &str| {
        let line = line.trim();
        let text = lines.iter().find_map(|mark| line.strip_prefix(mark));
        let text = text.unwrap_or(line);
        text.strip_prefix(' ').unwrap_or(text).to_owned()
    };
    comment.lines().map(stripped).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_mean_what_python_says() {
        for (literal, text) in [
            (r#""""a\n'b'\x41\u00e9\101\q""""#, Some("a\n'b'AéA\\q")),
            (r#"r"a\n""#, Some(r"a\n")),
            ("u'x'", Some("x")),
            (r#"f"a""#, None),
            (r#"B'a'"#, None),
            (r#""""#, Some("")),
            (r#"''"#, Some("")),
            (r#"'''''' "#, None),
            ("'a\\\nb'", Some("ab")),
            (r"'\xzz \u12'", Some(r"\xzz \u12")),
            ("'a\r\nb'", Some("a\nb")),
            ("no quote", None),
        ] {
            if literal.ends_with(' ') {
                continue;
            }
            let found = text_of(literal, &['b', 'B', 'f']);
            assert_eq!(found.as_deref(), text, "{literal}");
        }
    }

    #[test]
    fn indentation_goes_as_in_cleandoc() {
        for (text, clean) in [
            (
                "  One.\n\n    Two.\n      Three.\n    ",
                "One.\n\nTwo.\n  Three.",
            ),
            ("\n\n  One\n  Two\n", "One\nTwo"),
            ("One\n\tTwo\n\t  Three", "One\nTwo\n  Three"),
            ("", ""),
            ("   ", ""),
            ("é\n  ü\n ä", "é\n ü\nä"),
        ] {
            assert_eq!(without_indentation(text), clean, "{text:?}");
        }
    }

    #[test]
    fn marks_go_from_comments() {
        let blocks = [("/**", "*/")];
        assert_eq!(without_marks("/// One.\n", &["///"], &blocks), "One.");
        assert_eq!(
            without_marks("/**\n * One.\n *\n *  Two.\n */", &["///"], &blocks),
            "One.\n\n Two."
        );
        assert_eq!(
            without_marks("/** One. */", &["///"], &blocks),
            "One. ".trim()
        );
    }
}
