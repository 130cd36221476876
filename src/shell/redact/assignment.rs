//! A name that marks a secret, and the value it is given: in code, settings, commands, markup and prose.

mod apart;
mod quoted;
mod unquoted;

use std::collections::HashMap;
use std::ops::Range;

use super::literal::{self, Literal};
use super::names::{self, Sureness};
use super::syntax::Syntax;
use super::value;
use super::work::Work;

/// How far a name reaches to either side of its stem, in bytes.
const LONGEST_NAME: usize = 80;
/// How far back a line is read, in bytes.
const LONGEST_LINE: usize = 512;
/// How long an unquoted value may be, in bytes.
const LONGEST_VALUE: usize = 1024;
/// How many literals of a list are judged.
const LONGEST_LIST: usize = 64;

/// The names that were judged: texts repeat theirs.
pub(super) type Known<'t> = HashMap<&'t [u8], Option<Sureness>>;

/// A name in the text.
struct Name<'t> {
    work: &'t Work,
    text: &'t [u8],
    at: Range<usize>,
    sureness: Sureness,
    syntax: Syntax,
    line: usize,
}

/// The end of the name that a stem at `at` belongs to, and the places of its values.
pub(super) fn find<'t>(
    text: &'t [u8],
    at: usize,
    (syntax, work): (Syntax, &'t Work),
    known: &mut Known<'t>,
    found: &mut Vec<(Range<usize>, &'static str)>,
) -> usize {
    let part =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte) || !byte.is_ascii();
    let before = text[at.saturating_sub(LONGEST_NAME)..at].iter().rev();
    let mut start = at - before.take_while(|byte| part(byte)).count();
    let end = at
        + text[at..]
            .iter()
            .take(LONGEST_NAME)
            .take_while(|byte| part(byte))
            .count();
    // The letter of an escape such as `\n` belongs to no name, nor does a dash or a dot in front.
    if start > 0 && text[start - 1] == b'\\' && start < at && text[start].is_ascii_alphabetic() {
        start += 1;
    }
    while start < at && b"-.".contains(&text[start]) {
        start += 1;
    }
    let trimmed = text[start..end]
        .iter()
        .rev()
        .take_while(|byte| b"-.".contains(byte))
        .count();
    let end = end.max(start + 1) - trimmed.min(end - start);
    let name = &text[start..end];
    // A name alone on its line has no value, nor has a statement such as `def f(): pass`.
    let blanks = text[..start].iter().rev();
    let blanks = blanks.take_while(|byte| b" \t".contains(byte)).count();
    let begins = match text[..start - blanks].last() {
        None | Some(b'\n') => true,
        Some(byte) => syntax == Syntax::Code && *byte == b':',
    };
    if begins && matches!(text.get(end), None | Some(b'\n' | b'\r')) {
        return end.max(at + 1);
    }
    work.spend(40 + name.len());
    let sureness = *known.entry(name).or_insert_with(|| {
        work.spend(300);
        names::sureness(name)
    });
    let Some(sureness) = sureness else {
        return end.max(at + 1);
    };
    let back = &text[start.saturating_sub(LONGEST_LINE)..start];
    let line = memchr::memrchr(b'\n', back)
        .map_or(start - back.len(), |feed| start - back.len() + feed + 1);
    work.spend(200 + (start - line) / 4);
    let name = Name {
        work,
        text,
        at: start..end,
        sureness,
        syntax,
        line,
    };
    for (place, sureness) in name.values() {
        let kind = match sureness {
            Sureness::Password => "password",
            _ => "secret",
        };
        found.push((place, kind));
    }
    end.max(at + 1)
}

impl Name<'_> {
    fn before(&self) -> &[u8] {
        &self.text[self.line..self.at.start]
    }

    /// The string that begins at `at`.
    fn literal(&self, at: usize) -> Option<Literal> {
        let literal = literal::at(self.text, at);
        let length = match &literal {
            Some(literal) => literal.end - at,
            // Without an end it was read as far as it may go.
            None if b"\"'`".contains(&self.byte(at)) => {
                let rest = &self.text[at..self.text.len().min(at + 4096)];
                memchr::memchr(b'\n', rest).unwrap_or(rest.len())
            }
            None => 0,
        };
        self.work.spend(4 + 3 * length);
        literal
    }

    fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(b'\n')
    }

    fn blanks(&self, at: usize) -> usize {
        at + self.text[at.min(self.text.len())..]
            .iter()
            .take(LONGEST_LINE)
            .take_while(|byte| b" \t".contains(byte))
            .count()
    }

    fn spaces(&self, at: usize) -> usize {
        at + self.text[at.min(self.text.len())..]
            .iter()
            .take(LONGEST_LINE)
            .take_while(|byte| byte.is_ascii_whitespace())
            .count()
    }

    /// Whether only an indent, a dash or a keyword stands before the name on its line.
    fn begins_line(&self) -> bool {
        let before = self.before().trim_ascii();
        let before = before.strip_prefix(b"- ").unwrap_or(before).trim_ascii();
        matches!(
            before,
            b"" | b"-"
                | b"export"
                | b"ENV"
                | b"ARG"
                | b"set"
                | b"SET"
                | b"setx"
                | b"env"
                | b"declare"
                | b"local"
                | b"readonly"
                | b"\""
                | b"'"
                | b"*"
                | b";"
                | b"#"
        )
    }

    /// Whether the name stands in a string: an odd number of quotes before it on its line.
    fn in_string(&self) -> bool {
        let before = self.before();
        if b"\"'`".contains(&self.byte(self.at.end)) {
            return false;
        }
        let mut quotes = [0_usize; 3];
        for at in memchr::memchr3_iter(b'"', b'\'', b'`', before) {
            match before[at] {
                b'"' => quotes[0] += 1,
                b'\'' => quotes[1] += 1,
                _ => quotes[2] += 1,
            }
        }
        quotes.iter().any(|count| count % 2 == 1)
    }

    fn in_comment(&self) -> bool {
        let before = self.before().trim_ascii_start();
        [
            &b"#"[..],
            b"//",
            b"*",
            b"--",
            b"/*",
            b";",
            b"<!--",
            b"rem ",
            b"REM ",
        ]
        .iter()
        .any(|mark| before.starts_with(mark))
            || [&b" # "[..], b" // ", b"/* "]
                .iter()
                .any(|mark| value::contains(before, mark))
    }

    /// Whether the name follows a sign that separates the pairs of a query or a connection string: `?a=b&name=`, `a=b;name=`.
    fn in_pairs(&self) -> bool {
        self.before()
            .last()
            .is_some_and(|byte| b"?&;".contains(byte))
    }

    fn is_flag(&self) -> bool {
        let before = self.before();
        let dashes = before
            .iter()
            .rev()
            .take_while(|byte| **byte == b'-')
            .count();
        let behind = before.len() - dashes;
        (1..=2).contains(&dashes)
            && before[..behind]
                .last()
                .is_none_or(|byte| b" \t\"'`([=,".contains(byte))
    }

    /// The places of the values that this name marks as secret.
    fn values(&self) -> Vec<(Range<usize>, Sureness)> {
        self.work.spend(400);
        let mut at = self.at.end;
        let mut quote = None;
        while let byte @ (b'"' | b'\'' | b'`' | b'\\' | b']' | b'*' | b')') = self.byte(at) {
            if byte == b')' && quote.is_none() {
                break;
            }
            if b"\"'`".contains(&byte) {
                if quote.is_some() {
                    break;
                }
                quote = Some(byte);
            }
            at += 1;
            if at - self.at.end > 8 {
                return Vec::new();
            }
        }
        if quote.is_none()
            && b"> ".contains(&self.byte(at))
            && self.is_tag()
            && let Some(inner) = self.tag_end(at)
        {
            return self.element(inner);
        }
        if let Some(inner) = self.labelled(at) {
            return self.element(inner);
        }
        if let Some(after) = self.index(at) {
            at = after;
        }
        let close = at;
        at = self.blanks(at);
        let mut found = Vec::new();
        if let Some((after, connector)) = self.connector(at, quote) {
            match connector {
                // Behind its bracket a call is over.
                b',' if self.text[self.at.end..at].contains(&b')') => {}
                b',' => self.argument(after, &mut found),
                b'(' => self.called(after, &mut found),
                b'{' => drop(self.expression(after, &mut found)),
                b'-' => self.fallback(after, &mut found),
                _ => self.assigned(after, connector, at == self.at.end, &mut found),
            }
        } else if (at > close || quote.is_some()) && !matches!(quote, Some(b'"' | b'\'')) {
            self.apposed(at, &mut found);
        }
        if found.is_empty() {
            self.apart(self.at.end, &mut found);
        }
        if found.is_empty() && self.syntax == Syntax::Code {
            self.unpacked(&mut found);
        }
        if found.is_empty() && quote.is_some() {
            self.otherwise(close, &mut found);
        }
        found
    }

    /// `name[16]`, `name[]`
    fn index(&self, at: usize) -> Option<usize> {
        if self.byte(at) != b'[' {
            return None;
        }
        let rest = &self.text[at + 1..];
        let inner = rest
            .iter()
            .take(40)
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
            .count();
        (rest.get(inner) == Some(&b']')).then_some(at + inner + 2)
    }

    /// What connects a name with its value, and where the value may begin.
    fn connector(&self, at: usize, quote: Option<u8>) -> Option<(usize, u8)> {
        let rest = &self.text[at..];
        let expands = self.before().ends_with(b"${");
        for (sign, kind) in [
            (&b"=>"[..], b'='),
            (b"|| ", b'='),
            (b"?? ", b'='),
            (b"or ", b'='),
            (b":=", b'='),
            (b"?=", b'='),
            (b"+=", b'='),
            (b"||=", b'='),
            (b"??=", b'='),
            (b"===", b'='),
            (b"==", b'='),
            (b"!==", b'='),
            (b"!=", b'='),
            (b"<-", b'='),
            (b"->", b'='),
            (b"::", 0),
            (b":-", b'-'),
            (b"=", b'='),
            (b":", b':'),
            (b",", b','),
            (b"(", b'('),
            (b"{", b'{'),
        ] {
            if !rest.starts_with(sign) {
                continue;
            }
            let kept = match kind {
                // `{password, "x"}` of Erlang has no quotes.
                b',' => quote.is_some() || self.opens_tuple(),
                b'(' => quote.is_none(),
                b'{' => quote.is_none() && self.literal(at + 1).is_some(),
                b'-' => expands,
                0 => false,
                // In prose it is a word.
                _ if sign == b"or " => self
                    .literal(at + 3)
                    .is_some_and(|literal| literal.quote != b'`'),
                b':' if expands => !b"?+".contains(&self.byte(at + 1)),
                _ => !expands || sign == b":=",
            };
            let kind = if expands { b'-' } else { kind };
            return kept.then_some((at + sign.len(), kind));
        }
        None
    }

    /// Skips a type and the `=` behind it.
    fn typed(&self, at: usize) -> Option<usize> {
        let rest = &self.text[at..];
        let kind = rest
            .iter()
            .take(60)
            .take_while(|byte| byte.is_ascii_alphanumeric() || b"_<>[]&'?|., *:()".contains(byte))
            .count();
        let behind = &rest[kind..];
        (behind.starts_with(b"=")
            && !behind.starts_with(b"==")
            && !behind.starts_with(b"=>")
            && kind > 0)
            .then_some(at + kind + 1)
    }

    /// `name = value`, `"name": value`, `name => value`
    fn assigned(
        &self,
        at: usize,
        connector: u8,
        tight: bool,
        found: &mut Vec<(Range<usize>, Sureness)>,
    ) {
        let mut from = self.blanks(at);
        while self.byte(from) == b'*' && self.byte(from + 1) == b'*' {
            from = self.blanks(from + 2);
        }
        if self.syntax == Syntax::Code && connector == b':' && self.literal(from).is_none() {
            from = self.typed(from).map_or(from, |at| self.blanks(at));
        }
        if self.byte(from) == b'\n'
            || self.byte(from) == b'\r'
            || (self.byte(from) == b'\\' && self.byte(from + 1) == b'\n')
        {
            let skip = from + usize::from(self.byte(from) == b'\\');
            let next = self.spaces(skip);
            let opens = self.literal(next).is_some();
            if !opens || self.syntax != Syntax::Code {
                return self.items(skip, found);
            }
            from = next;
        }
        if self.expression(from, found) {
            return;
        }
        let block = matches!(self.syntax, Syntax::Config | Syntax::Unknown)
            && connector == b':'
            && b"|>".contains(&self.byte(from));
        if block {
            return self.block(from, found);
        }
        self.bare(from, connector, tight, found);
    }

    /// Whether a value is a secret under this name.
    fn proves(&self, inner: &[u8], sureness: Sureness, quoted: bool) -> bool {
        let inner = inner.trim_ascii();
        if inner.starts_with(b"[redacted: ") || value::is_placeholder(inner) {
            return false;
        }
        match sureness {
            Sureness::Password => {
                let is_own_name = || {
                    inner.len() <= LONGEST_NAME
                        && names::words_in(inner) == names::words_in(&self.text[self.at.clone()])
                };
                // `PASSWORD_ENV = "DB_PASSWORD"`
                let names_another = || {
                    inner.contains(&b'_')
                        && inner.iter().all(|byte| {
                            byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_'
                        })
                        && names::sureness(inner).is_some()
                };
                let template = value::contains(inner, b"${")
                    || value::contains(inner, b"{{")
                    || value::contains(inner, b"$(");
                let call = !quoted
                    && inner.ends_with(b")")
                    && inner.contains(&b'(')
                    && !inner.starts_with(b"(");
                inner.len() >= 4
                    && !template
                    && !call
                    && !is_own_name()
                    && !names_another()
                    && (quoted
                        || !inner.starts_with(b"{")
                            && !inner.starts_with(b"[")
                            && !inner.starts_with(b"<")
                            && !inner.starts_with(b"*")
                            && !inner.starts_with(b"&"))
            }
            Sureness::Strong => {
                value::is_random(inner)
                    || value::has_hex_part(inner)
                    || value::is_long_number(inner)
                    || value::is_phrase(inner)
                    || (quoted && value::is_coded(inner))
            }
            Sureness::Weak => {
                let named = names::words_in(&self.text[self.at.clone()]);
                let hex = inner
                    .iter()
                    .all(|byte| byte.is_ascii_hexdigit() || *byte == b'-');
                let alone = named.len() == 1 && named[0] == "key";
                let phrase = named
                    .iter()
                    .any(|word| ["seed", "phrase"].contains(&word.as_str()));
                (inner.len() >= 16 && value::is_random(inner) && !(alone && hex))
                    || (phrase && value::is_phrase(inner))
            }
        }
    }
}

/// A value without the blanks around it and the sign that ends a sentence or a statement behind it.
fn trimmed(value: &[u8], start: usize) -> (&[u8], Range<usize>) {
    let lead = value.len() - value.trim_ascii_start().len();
    let mut inner = value.trim_ascii();
    while let [rest @ .., b',' | b';'] = inner {
        inner = rest;
    }
    (inner, start + lead..start + lead + inner.len())
}
