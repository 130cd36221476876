//! Texts as they count for the syntax digest.

use std::borrow::Cow;

/// White space, and backslashes that end a line.
pub(super) fn is_layout(gap: &[u8]) -> bool {
    let mut bytes = gap.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let continues = byte == b'\\' && matches!(bytes.peek(), Some(b'\n' | b'\r'));
        if !continues && !is_space(byte) {
            return false;
        }
    }
    true
}

/// Vertical tab and form feed are white space to every language here.
pub(in super::super) fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

/// A comment without the white space around its lines.
pub(super) fn without_margins(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for line in text.split(|byte| *byte == b'\n') {
        if !out.is_empty() {
            out.push(b'\n');
        }
        out.extend_from_slice(line.trim_ascii());
    }
    out.truncate(out.trim_ascii_end().len());
    out
}

/// `#x` equals `# x`: formatters add the space.
pub(super) fn without_space_behind_mark(text: &[u8]) -> Vec<u8> {
    let marks = text.iter().take_while(|byte| **byte == b'#').count();
    let mut out = text[..marks].to_vec();
    out.extend_from_slice(text[marks..].trim_ascii_start());
    out
}

/// A text in which every character counts, but line ends are the same on every system, as compilers read them.
pub(in super::super) fn with_one_line_end(text: &[u8]) -> Cow<'_, [u8]> {
    let text = text.trim_ascii_end();
    if !text.contains(&b'\r') {
        return Cow::Borrowed(text);
    }
    let ends = (0..text.len()).filter(|at| !text[*at..].starts_with(b"\r\n"));
    Cow::Owned(ends.map(|at| text[at]).collect())
}

/// A string literal in a form that is the same for both kinds of quotes: double quotes, no backslash before a quote,
/// and a small prefix without `u`.
pub(super) fn with_canonical_quotes(literal: &[u8]) -> Cow<'_, [u8]> {
    let Some(at) = literal.iter().position(|byte| matches!(byte, b'"' | b'\'')) else {
        return Cow::Borrowed(literal);
    };
    let (prefix, quoted) = literal.split_at(at);
    let quote = quoted[0];
    let marks = match quoted.len() >= 6 && quoted[1] == quote && quoted[2] == quote {
        true => 3,
        false => 1,
    };
    let Some(body) = quoted
        .len()
        .checked_sub(marks)
        .and_then(|end| quoted.get(marks..end))
    else {
        return Cow::Borrowed(literal);
    };
    let raw = prefix.iter().any(|byte| byte.eq_ignore_ascii_case(&b'r'));
    let mut out: Vec<u8> = prefix
        .iter()
        .map(u8::to_ascii_lowercase)
        .filter(|byte| *byte != b'u')
        .collect();
    out.extend(std::iter::repeat_n(b'"', marks));
    let mut expression = match prefix.iter().any(|byte| b"fFtT".contains(byte)) {
        true => Expression::default(),
        false => Expression::NONE,
    };
    let mut bytes = body.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte == b'\\' && !raw {
            match bytes.next() {
                Some(quote @ (b'"' | b'\'')) => out.push(quote),
                Some(other) => out.extend([b'\\', other]),
                None => out.push(b'\\'),
            }
        } else {
            out.push(expression.canonical(byte));
        }
    }
    out.extend(std::iter::repeat_n(b'"', marks));
    Cow::Owned(out)
}

/// Where in the expressions of an f-string a byte stands: the quotes of strings in them are free as well.
#[derive(Default)]
struct Expression {
    /// It is no f-string.
    none: bool,
    /// Open brackets.
    depth: usize,
    /// Behind the colon of a format, where a quote is a character.
    is_format: bool,
    /// The quote that ends the string around it.
    string: Option<u8>,
}

impl Expression {
    const NONE: Self = Self {
        none: true,
        depth: 0,
        is_format: false,
        string: None,
    };

    fn canonical(&mut self, byte: u8) -> u8 {
        match (byte, self.string) {
            _ if self.none => {}
            (b'"' | b'\'', Some(quote)) if quote == byte => {
                self.string = None;
                return b'"';
            }
            (_, Some(_)) => {}
            (b'"' | b'\'', None) if self.depth > 0 && !self.is_format => {
                self.string = Some(byte);
                return b'"';
            }
            (b'{', None) => self.depth += 1,
            (b'[' | b'(', None) if self.depth > 0 => self.depth += 1,
            (b'}' | b']' | b')', None) => {
                self.depth = self.depth.saturating_sub(1);
                self.is_format &= self.depth > 0;
            }
            (b':', None) if self.depth == 1 => self.is_format = true,
            _ => {}
        }
        byte
    }
}

/// One string literal that means the same as adjacent ones with canonical quotes. `None` where prefixes differ, where
/// one has three quotes, and where an escape could go on in the next.
pub(super) fn joined(literals: &[Cow<'_, [u8]>]) -> Option<Vec<u8>> {
    let start = literals.first()?.iter().position(|byte| *byte == b'"')? + 1;
    let (opening, _) = literals.first()?.split_at_checked(start)?;
    let mut out = opening.to_vec();
    for literal in literals {
        let body = literal.strip_prefix(opening)?.strip_suffix(b"\"")?;
        let triple = body.starts_with(b"\"\"");
        let escapes = out.contains(&b'\\') && out.last().is_some_and(u8::is_ascii_hexdigit);
        if triple || escapes && body.first().is_some_and(u8::is_ascii_hexdigit) {
            return None;
        }
        out.extend_from_slice(body);
    }
    out.push(b'"');
    Some(out)
}

/// Running text as it is shown: its lines without the white space around them, joined by one blank. White space within
/// its first and its last line counts.
pub(super) fn flowing(text: &[u8]) -> Vec<u8> {
    let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    let last = lines.len() - 1;
    for (number, line) in lines.iter_mut().enumerate() {
        if number > 0 {
            *line = line.trim_ascii_start();
        }
        if number < last {
            *line = line.trim_ascii_end();
        }
    }
    lines.retain(|line| !line.is_empty());
    lines.join(&b' ')
}

/// A documentation string without its layout: a run of white space is a blank, a line end if it holds one, or a blank
/// line if it holds more. White space around the text is nothing.
pub(super) fn collapsed(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.first() {
        let run = rest.iter().take_while(|byte| is_space(**byte)).count();
        let ends = rest[..run].iter().filter(|byte| **byte == b'\n').count();
        let after_quotes = out.ends_with(b"\"\"\"") && out.len() < 8;
        let before_quotes = rest[run..] == *b"\"\"\"";
        match (run, ends) {
            (0, _) => out.push(*first),
            _ if after_quotes || before_quotes => {}
            (_, 0) => out.push(b' '),
            (_, 1) => out.push(b'\n'),
            _ => out.extend_from_slice(b"\n\n"),
        }
        rest = &rest[run.max(1)..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_free_and_the_text_is_not() {
        let canonical = |text: &str| {
            String::from_utf8(with_canonical_quotes(text.as_bytes()).into_owned()).expect("UTF-8")
        };
        for (one, other) in [
            ("'a'", "\"a\""),
            ("'it\\'s'", "\"it's\""),
            ("'say \"a\"'", "\"say \\\"a\\\"\""),
            ("U'a'", "\"a\""),
            ("F'a'", "f\"a\""),
            ("'''a'''", "\"\"\"a\"\"\""),
            ("f'{x[\"a\"]} it\\'s'", "f\"{x['a']} it's\""),
            ("f'{x[\"a:b\"]:>{n[\"w\"]}}'", "f\"{x['a:b']:>{n[\"w\"]}}\""),
        ] {
            assert_eq!(canonical(one), canonical(other), "{one} {other}");
        }
        for (one, other) in [
            ("'a'", "'b'"),
            ("'\\\\'", "'\\\\\\\\'"),
            ("'a'", "b'a'"),
            ("'a'", "'''a'''"),
            ("''", "''''''"),
            ("r'\\''", "r'\\\\''"),
            ("'\\n'", "'n'"),
            ("f'{x:\">9}'", "f\"{x:'>9}\""),
            ("f'{x[\"a\"]}'", "f'{x[\"b\"]}'"),
            ("'{x[\"a\"]}'", "\"{x['a']}\""),
        ] {
            assert_ne!(canonical(one), canonical(other), "{one} {other}");
        }
    }
}
