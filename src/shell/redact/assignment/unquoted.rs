//! Unquoted values: in settings, commands and prose, on the same line or on the next ones.

use std::ops::Range;

use super::super::literal;
use super::super::names::{self, Sureness};
use super::super::syntax::Syntax;
use super::super::value;
use super::{LONGEST_LINE, LONGEST_LIST, LONGEST_VALUE, Name, trimmed};

/// Bytes that end an unquoted value.
struct Ends([bool; 256]);

impl Ends {
    const fn of(others: &[u8]) -> Self {
        let mut ends = [false; 256];
        let mut byte = 0;
        while byte < 128 {
            ends[byte] = (byte as u8).is_ascii_whitespace();
            byte += 1;
        }
        let mut at = 0;
        while at < others.len() {
            ends[others[at] as usize] = true;
            at += 1;
        }
        Self(ends)
    }
}

static BLANK: Ends = Ends::of(b"");
static SENTENCE: Ends = Ends::of(b"\"'`,;<>|\\");
static EXPRESSION: Ends = Ends::of(b"\"'`,;&)]}<>|\\");

impl Name<'_> {
    /// `${NAME:-value}`
    pub(super) fn fallback(&self, at: usize, found: &mut Vec<(Range<usize>, Sureness)>) {
        let rest = &self.text[at..];
        let length = rest
            .iter()
            .take(LONGEST_LINE)
            .take_while(|byte| !b"}\n".contains(byte))
            .count();
        let (inner, place) = trimmed(&rest[..length], at);
        if rest.get(length) == Some(&b'}') && self.proves(inner, self.sureness, false) {
            found.push((place, self.sureness));
        }
    }

    /// `password 'value'`, `--password value`, `the password is value`
    pub(super) fn apposed(&self, at: usize, found: &mut Vec<(Range<usize>, Sureness)>) {
        if self.syntax != Syntax::Prose
            && !self.in_string()
            && (self.syntax != Syntax::Code || !self.in_comment())
            && let Some(value) = self.typed(at).map(|value| self.blanks(value))
            && (self.syntax == Syntax::Code || self.literal(value).is_some())
        {
            self.expression(value, found);
            return;
        }
        let mut at = at;
        for filler in [
            &b"is "[..],
            b"was ",
            b"to ",
            b"as ",
            b"- ",
            b"is: ",
            b"BY ",
            b"by ",
        ] {
            if self.text[at..].starts_with(filler) {
                at = self.blanks(at + filler.len() - 1);
                break;
            }
        }
        // reStructuredText doubles its backticks.
        at += usize::from(self.text[at..].starts_with(b"``"));
        if let Some(literal) = self.literal(at) {
            let inner = &self.text[literal.inner.clone()];
            // Between backticks stands a name of the code as often.
            let fits = match self.sureness {
                _ if literal.quote != b'`' => true,
                Sureness::Password => {
                    value::is_mixed(inner)
                        && !inner.contains(&b'(')
                        && names::sureness(inner).is_none()
                }
                _ => value::is_random(inner),
            };
            if fits && !inner.contains(&b' ') && self.proves(inner, self.sureness, true) {
                found.push((literal.inner, self.sureness));
            }
            return;
        }
        let word = self.word(at, &SENTENCE);
        let (inner, place) = trimmed(&self.text[word.clone()], word.start);
        let flag = self.is_flag()
            && matches!(
                self.syntax,
                Syntax::Shell | Syntax::Config | Syntax::Unknown
            );
        let proven = match self.sureness {
            Sureness::Password if flag => {
                !inner.starts_with(b"-") && self.proves(inner, self.sureness, false)
            }
            Sureness::Password
                if self.syntax != Syntax::Code || self.in_comment() || self.in_string() =>
            {
                let end = inner
                    .iter()
                    .rev()
                    .take_while(|byte| b"?!.,:)}]".contains(byte))
                    .count();
                let plain = &inner[..inner.len() - end];
                (value::is_mixed(plain) || value::is_random(plain))
                    && !inner.contains(&b'(')
                    && self.proves(inner, self.sureness, false)
            }
            _ => {
                inner.len() >= 12
                    && (value::is_random(inner)
                        || value::is_long_number(inner)
                        || value::has_hex_part(inner))
                    && !value::is_placeholder(inner)
            }
        };
        if proven {
            found.push((place, self.sureness));
        } else if self.sureness >= Sureness::Strong {
            self.phrase(at, found);
        }
    }

    /// `mnemonic` and the twelve words behind it.
    pub(super) fn phrase(&self, at: usize, found: &mut Vec<(Range<usize>, Sureness)>) {
        let rest = &self.text[at..];
        let length = rest
            .iter()
            .take(LONGEST_LINE)
            .take_while(|byte| byte.is_ascii_lowercase() || **byte == b' ')
            .count();
        let (inner, place) = trimmed(&rest[..length], at);
        let named = names::words_in(&self.text[self.at.clone()]);
        let seeded = named
            .iter()
            .any(|word| ["mnemonic", "seed", "phrase", "recovery"].contains(&word.as_str()));
        if seeded && value::is_phrase(inner) {
            let words: usize = inner
                .split(|byte| *byte == b' ')
                .take(24)
                .map(|word| word.len() + 1)
                .sum();
            found.push((
                place.start..(place.start + words - 1).min(place.end),
                self.sureness,
            ));
        }
    }

    /// A block scalar of YAML.
    pub(super) fn block(&self, at: usize, found: &mut Vec<(Range<usize>, Sureness)>) {
        let line = self.text[at..]
            .iter()
            .take(8)
            .take_while(|byte| **byte != b'\n')
            .count();
        if self.byte(at + line) != b'\n' || line > 3 {
            return;
        }
        let indent = |from: usize| {
            self.text[from..]
                .iter()
                .take(200)
                .take_while(|byte| **byte == b' ')
                .count()
        };
        let own = self
            .before()
            .iter()
            .take_while(|byte| **byte == b' ')
            .count();
        let start = at + line + 1;
        let mut end = start;
        while end < self.text.len() && end - start < 16 << 10 {
            let next = self.text[end..]
                .iter()
                .position(|byte| *byte == b'\n')
                .map_or(self.text.len(), |to| end + to + 1);
            if indent(end) <= own && !self.text[end..next].trim_ascii().is_empty() {
                break;
            }
            end = next;
        }
        self.work.spend(2 * (end - start));
        let (inner, place) = trimmed(&self.text[start..end], start);
        let proven = match self.sureness {
            Sureness::Password => self.proves(inner, self.sureness, false),
            _ => value::is_random(
                inner
                    .split(u8::is_ascii_whitespace)
                    .max_by_key(|word| word.len())
                    .unwrap_or_default(),
            ),
        };
        if proven {
            found.push((place, self.sureness));
        }
    }

    /// The items of a YAML list on the next lines.
    pub(super) fn items(&self, at: usize, found: &mut Vec<(Range<usize>, Sureness)>) {
        let mut next = self.spaces(at);
        for _ in 0..LONGEST_LIST {
            if self.byte(next) != b'-' || self.byte(next + 1) != b' ' || self.syntax == Syntax::Code
            {
                break;
            }
            self.work.spend(300);
            let from = self.blanks(next + 1);
            let line = self.to_line_end(from);
            next = self.spaces(line.end);
            if line.is_empty() {
                break;
            }
            let quoted = self.literal(from).filter(|literal| literal.end <= line.end);
            let (inner, place) = match quoted {
                Some(literal) => (&self.text[literal.inner.clone()], literal.inner),
                None => trimmed(&self.text[line.clone()], line.start),
            };
            let fits = match self.sureness {
                Sureness::Password => value::is_mixed(inner) || value::is_random(inner),
                _ => value::is_random(inner),
            };
            if fits
                && !inner.contains(&b' ')
                && names::sureness(inner).is_none()
                && self.proves(inner, self.sureness, true)
            {
                found.push((place, self.sureness));
            }
        }
    }

    /// An unquoted value.
    pub(super) fn bare(
        &self,
        from: usize,
        connector: u8,
        tight: bool,
        found: &mut Vec<(Range<usize>, Sureness)>,
    ) {
        let (scheme, skip) = literal::scheme(&self.text[from..]);
        if scheme {
            let word = self.word(from + skip, &SENTENCE);
            let (inner, place) = trimmed(&self.text[word.clone()], word.start);
            if inner.len() >= 8
                && !value::is_placeholder(inner)
                && (value::is_mixed(inner) || value::is_random(inner))
            {
                found.push((place, self.sureness));
            }
            return;
        }
        if self.syntax == Syntax::Code && b"=:".contains(&connector) && !self.in_string() {
            self.alternatives(from, found);
            if !found.is_empty() {
                return;
            }
        }
        let from = match self.syntax {
            Syntax::Config | Syntax::Unknown => self.untagged(from),
            _ => from,
        };
        let line_long = self.begins_line() && !self.in_string();
        let (word, is_text) = match self.syntax {
            Syntax::Config | Syntax::Unknown if line_long => (self.to_line_end(from), true),
            Syntax::Shell if line_long => (self.word(from, &BLANK), true),
            Syntax::Config | Syntax::Shell => (self.word(from, &EXPRESSION), true),
            Syntax::Prose | Syntax::Unknown => (self.word(from, &EXPRESSION), false),
            Syntax::Code => (
                self.word(from, &EXPRESSION),
                self.in_string() || self.in_comment(),
            ),
        };
        let (inner, place) = trimmed(&self.text[word.clone()], word.start);
        if inner.starts_with(b"$(") || inner.starts_with(b"`") {
            return;
        }
        let label = connector == b':'
            && !tight_value(self.text, from)
            && (self.in_string() || self.in_comment());
        let is_pair = connector == b'=' && tight && self.in_pairs();
        let is_setting = matches!(self.syntax, Syntax::Config | Syntax::Shell);
        let proven = match (self.sureness, self.syntax) {
            (Sureness::Password, Syntax::Prose | Syntax::Unknown) if is_pair => {
                self.proves(inner, self.sureness, false)
            }
            (Sureness::Password, _) if self.sets_variable(connector, tight) => {
                self.proves(inner, self.sureness, false)
            }
            (_, Syntax::Code) if self.sets_variable(connector, tight) => {
                self.proves(inner, self.sureness, true)
            }
            (Sureness::Strong, Syntax::Config)
                if line_long && connector == b'=' && self.is_pass() =>
            {
                self.proves(inner, Sureness::Password, false)
            }
            (Sureness::Password, Syntax::Unknown)
                if connector == b'='
                    && tight
                    && !inner.iter().any(|byte| b".(["[..].contains(byte)) =>
            {
                self.proves(inner, self.sureness, false)
            }
            (Sureness::Password, Syntax::Prose | Syntax::Unknown) => {
                (value::is_mixed(inner) || value::is_random(inner))
                    && self.proves(inner, self.sureness, false)
            }
            (Sureness::Password, Syntax::Code) if !is_text => {
                inner.len() >= 16 && value::is_random(inner) && !inner.contains(&b'(')
            }
            (Sureness::Password, Syntax::Code) => {
                let plain = connector == b'=' && tight && !label;
                !inner.contains(&b'(')
                    && (plain || value::is_mixed(inner))
                    && self.proves(inner, self.sureness, false)
            }
            (Sureness::Password, _) if label => {
                value::is_mixed(inner) && self.proves(inner, self.sureness, false)
            }
            (Sureness::Password, _) => {
                !is_tagged(inner) && self.proves(inner, self.sureness, false)
            }
            _ if self.syntax == Syntax::Code && !is_text => {
                inner.len() >= 16
                    && value::is_random(inner)
                    && !inner.contains(&b'.')
                    && !inner.contains(&b'(')
            }
            (sureness, _) => self.proves(inner, sureness, is_pair || (is_setting && !label)),
        };
        if proven {
            found.push((place, self.sureness));
        } else if line_long && connector == b'=' && tight && inner.contains(&b' ') {
            // `- API_KEY=value DEBUG=1`
            let word = self.word(from, &EXPRESSION);
            if self.proves(&self.text[word.clone()], self.sureness, true) {
                found.push((word, self.sureness));
            }
        } else if self.sureness == Sureness::Strong {
            self.phrase(from, found);
        }
    }

    /// Where a YAML value begins behind a tag or an anchor: `!!str value`, `&name value`.
    fn untagged(&self, from: usize) -> usize {
        let rest = &self.text[from..];
        if !rest.starts_with(b"!!") && !rest.starts_with(b"&") {
            return from;
        }
        let word = self.word(from, &BLANK);
        let value = self.blanks(word.end);
        if value > word.end && !b"\r\n".contains(&self.byte(value)) {
            value
        } else {
            from
        }
    }

    /// Whether the line sets a variable as a shell does, in a document or a program: `export NAME=value`, `NAME=value`.
    fn sets_variable(&self, connector: u8, tight: bool) -> bool {
        let name = &self.text[self.at.clone()];
        let upper = name
            .iter()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_');
        connector == b'='
            && tight
            && self.begins_line()
            && upper
            && (self.syntax == Syntax::Prose || self.before().trim_ascii() == b"export")
    }

    /// Whether the name is `pass` alone: a verb in prose, a password in settings.
    fn is_pass(&self) -> bool {
        self.text[self.at.clone()].eq_ignore_ascii_case(b"pass")
    }

    fn word(&self, from: usize, ends: &Ends) -> Range<usize> {
        let rest = &self.text[from.min(self.text.len())..];
        let word = rest
            .iter()
            .take(LONGEST_VALUE)
            .take_while(|byte| !ends.0[usize::from(**byte)])
            .count();
        self.work.spend(2 * word);
        from..from + word
    }

    pub(super) fn to_line_end(&self, from: usize) -> Range<usize> {
        let rest = &self.text[from..];
        let length = rest
            .iter()
            .take(LONGEST_VALUE)
            .take_while(|byte| !b"\r\n".contains(byte))
            .count();
        self.work.spend(3 * length);
        let line = &rest[..length];
        let comment = line
            .windows(2)
            .position(|pair| pair == b" #" || pair == b"\t#" || pair == b" ;");
        from..from + comment.unwrap_or(length)
    }
}

/// Whether a YAML value is a tag, an alias or an anchor.
fn is_tagged(inner: &[u8]) -> bool {
    let word = inner
        .strip_prefix(b"!")
        .map(|rest| rest.split(|byte| *byte == b' ').next().unwrap_or_default());
    word.is_some_and(|word| {
        inner.len() > word.len() + 1 || [&b"vault"[..], b"reset"].contains(&word)
    })
}

fn tight_value(text: &[u8], from: usize) -> bool {
    from.checked_sub(1)
        .is_some_and(|before| !text[before].is_ascii_whitespace())
}
