//! Quoted values: literals, lists of them, and calls around them.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

use super::super::literal::{self, Literal};
use super::super::names::{self, Sureness};
use super::super::structure::compiled;
use super::super::syntax::Syntax;
use super::super::value;
use super::super::words::{Words, words};
use super::{LONGEST_LINE, LONGEST_LIST, Name};

/// What leads from a name that is looked up to the value that counts without it: `.unwrap_or("`, `) or "`, `) { "`.
static OTHERWISE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let lead = r#"\A\]?\)*[?!]?\s*(?:\.\w*(?i:or|else|default)\w*\(\s*(?:\|\w*\|\s*|\(\) => )?|\|\|=?\s*|or\s+|\?\?=?\s*|\?:\s*|\{\s*)["'`]"#;
    compiled(lead)
});

/// What leads to another value of an expression: `x ? a : "b"`, `a or "b"`, `a if x else "b"`.
static ALTERNATIVE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let lead = r#"\A[^"'`\n;]*?(?:\|\||\?\??|\bor|:|\belse)\s*["'`]"#;
    compiled(lead)
});

/// Functions that take a name and a value.
static SETTERS: Words = words!(
    "define getenv get setenv putenv set put env setdefault setproperty getproperty property fetch \
    getordefault lookupenv getenvordefault store save setsecret addsecret setitem setattr environment \
    withenv with_env set_var setvar envordefault getstring getenvdefault secret"
);
/// Functions around a literal that leave it a secret.
static WRAPPERS: Words = words!(
    "secretstr secretbytes secret secretstring string from some bytes bytearray fromhex byte b64decode str \
    password new of securestring converttosecurestring ok zeroizing credential token unhexlify secretvalue \
    plaintext unsafeplaintext quote optional just u8 char box arc rc cow sensitive literal stringvalue vec"
);

impl Name<'_> {
    /// A quoted literal, several that are joined, a list of them, or a call around one. Returns whether it was any.
    pub(super) fn expression(
        &self,
        from: usize,
        found: &mut Vec<(Range<usize>, Sureness)>,
    ) -> bool {
        let mut at = from;
        let mut sureness = self.sureness;
        let mut is_list = false;
        let mut known_call = true;
        for _ in 0..4 {
            if self.literal(at).is_some() {
                break;
            }
            let rest = &self.text[at..];
            if self.syntax == Syntax::Code
                && let Some(long) = literal::long(rest)
            {
                let inner = &rest[long.clone()];
                if self.proves(inner, sureness, true) {
                    found.push((at + long.start..at + long.end, sureness));
                }
                return true;
            }
            if let Some(bytes) = literal::numbers(rest) {
                if !self.text[self.at.clone()].ends_with(b"s") {
                    found.push((
                        at + bytes.start..at + bytes.end,
                        self.sureness.min(Sureness::Strong),
                    ));
                }
                return true;
            }
            let word = rest
                .iter()
                .take(60)
                .take_while(|byte| byte.is_ascii_alphanumeric() || b"_.:<>-!$".contains(byte))
                .count();
            match rest.get(word) {
                Some(b'(') if word > 0 => {
                    let called = rest[..word]
                        .rsplit(|byte| b".:>".contains(byte))
                        .find(|part| !part.is_empty());
                    let called = called.unwrap_or_default().to_ascii_lowercase();
                    let called = String::from_utf8_lossy(&called).replace(['-', '!', '$'], "");
                    known_call &= WRAPPERS.has(&called);
                    at = self.spaces(at + word + 1);
                    for keyword in [&b"default="[..], b"default: ", b"value="] {
                        if self.text[at..].starts_with(keyword) {
                            known_call = true;
                            at = self.spaces(at + keyword.len());
                        }
                    }
                }
                Some(b'(' | b'[' | b'{' | b'&') if word == 0 => {
                    is_list |= rest[0] != b'&';
                    at = self.spaces(at + 1);
                }
                Some(b'[')
                    if rest[word..].starts_with(b"[]")
                        || rest[word..].starts_with(b"[") && word <= 3 =>
                {
                    at = self.spaces(at + word + 1);
                }
                Some(b' ')
                    if [
                        &b"new"[..],
                        b"await",
                        b"return",
                        b"ConvertTo-SecureString",
                        b"-String",
                        b"static",
                        b"const",
                    ]
                    .contains(&&rest[..word]) =>
                {
                    at = self.blanks(at + word);
                }
                Some(b']') if word == 0 => at += 1,
                _ => return false,
            }
        }
        let Some(first) = self.literal(at) else {
            return false;
        };
        if !known_call {
            sureness = Sureness::Weak;
        }
        let parts = self.joined(first);
        let whole: Vec<u8> = parts
            .iter()
            .flat_map(|part| self.text[part.inner.clone()].iter().copied())
            .collect();
        let last = &parts[parts.len() - 1];
        let behind = self.spaces(last.end);
        if is_list && (self.byte(behind) == b':' || self.text[behind..].starts_with(b"=>")) {
            // The key of a table.
            return true;
        }
        if !is_list || parts.len() > 1 || self.byte(self.spaces(last.end)) != b',' {
            self.judge(&whole, last, sureness, &parts, found);
            return true;
        }
        let mut next = Some(parts[0].clone());
        for _ in 0..LONGEST_LIST {
            let Some(item) = next else { break };
            let inner = &self.text[item.inner.clone()];
            let listed = match sureness {
                Sureness::Password if !value::is_mixed(inner) => false,
                _ => self.proves(inner, sureness, true),
            };
            if listed {
                found.push((item.inner.clone(), sureness));
            }
            let behind = self.spaces(item.end);
            next = (self.byte(behind) == b',')
                .then(|| self.literal(self.spaces(behind + 1)))
                .flatten();
        }
        true
    }

    pub(super) fn joined(&self, first: Literal) -> Vec<Literal> {
        let mut parts = vec![first];
        while parts.len() < 8 {
            let mut at = self.spaces(parts[parts.len() - 1].end);
            let start = at;
            while b"+.\\&".contains(&self.byte(at)) && at - start < 3 {
                at = self.spaces(at + 1);
            }
            // In settings the next line is another entry.
            let here =
                self.text[parts[parts.len() - 1].end..at.min(self.text.len())].contains(&b'\n');
            if here && self.syntax != Syntax::Code {
                break;
            }
            match self.literal(at) {
                Some(next) if !next.inner.is_empty() && at > parts[parts.len() - 1].end => {
                    parts.push(next)
                }
                _ => break,
            }
        }
        parts
    }

    pub(super) fn judge(
        &self,
        whole: &[u8],
        last: &Literal,
        sureness: Sureness,
        parts: &[Literal],
        found: &mut Vec<(Range<usize>, Sureness)>,
    ) {
        let (scheme, credential) = literal::without_scheme(whole);
        let formatted = parts
            .iter()
            .any(|part| part.is_format && self.text[part.inner.clone()].contains(&b'{'));
        let behind = &self.text[last.end..self.text.len().min(last.end + 12)];
        let behind = behind.trim_ascii_start();
        let computed = behind.starts_with(b".format")
            || behind.starts_with(b"% ")
            || behind.starts_with(b"%(")
            || (behind.starts_with(b"+") && parts.len() == 1);
        let sureness = match sureness {
            Sureness::Password if formatted || computed => Sureness::Strong,
            other => other,
        };
        let proven = match scheme {
            true => {
                credential.len() >= 8
                    && !value::contains(credential, b"${")
                    && !value::contains(credential, b"{}")
                    && !value::is_placeholder(credential)
                    && (value::is_mixed(credential) || value::is_random(credential))
            }
            false => self.proves(whole, sureness, true),
        };
        if !proven {
            return;
        }
        let skip = whole.len() - credential.len();
        for (number, part) in parts.iter().enumerate() {
            let from = part.inner.start
                + if number == 0 {
                    skip.min(part.inner.len())
                } else {
                    0
                };
            if from < part.inner.end {
                found.push((from..part.inner.end, sureness));
            }
        }
    }

    /// `"name", "value"`
    pub(super) fn argument(&self, at: usize, found: &mut Vec<(Range<usize>, Sureness)>) {
        let Some(literal) = self.literal(self.spaces(at)) else {
            return;
        };
        let inner = &self.text[literal.inner.clone()];
        let before = self.before();
        let quotes = before
            .iter()
            .rev()
            .take_while(|byte| b"\"'`\\-".contains(byte))
            .count();
        let before = before[..before.len() - quotes].trim_ascii_end();
        if quotes == 0 && !self.opens_tuple() {
            return;
        }
        let is_call = before.ends_with(b"(");
        let before = &before[..before.len() - usize::from(is_call)];
        let called = before
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
            .count();
        let called = String::from_utf8_lossy(&before[before.len() - called..]).to_lowercase();
        let sets = is_call && SETTERS.has(&called);
        let flag = self.is_flag() && !inner.starts_with(b"-") && !inner.contains(&b' ');
        let proven = match self.sureness {
            Sureness::Password if !sets && !flag && quotes > 0 => {
                value::is_mixed(inner)
                    && names::sureness(inner).is_none()
                    && !inner.contains(&b' ')
                    && self.proves(inner, self.sureness, true)
            }
            Sureness::Password => !inner.contains(&b' ') && self.proves(inner, self.sureness, true),
            other => {
                value::is_random(inner)
                    && names::sureness(inner).is_none()
                    && self.proves(inner, other, true)
            }
        };
        if proven {
            found.push((literal.inner, self.sureness));
        }
    }

    /// `set_password("value")`
    pub(super) fn called(&self, at: usize, found: &mut Vec<(Range<usize>, Sureness)>) {
        let Some(literal) = self.literal(self.spaces(at)) else {
            return;
        };
        let inner = &self.text[literal.inner.clone()];
        let name = self.text[self.at.clone()]
            .rsplit(|byte| *byte == b'.')
            .next();
        let first = names::words_in(name.unwrap_or_default())
            .into_iter()
            .next()
            .unwrap_or_default();
        let sets = ["set", "with", "password", "passwd"].contains(&first.as_str());
        let fits = (sets || value::is_mixed(inner)) && names::sureness(inner).is_none();
        if fits
            && !inner.contains(&b' ')
            && !literal.is_format
            && self.proves(inner, self.sureness, true)
        {
            found.push((literal.inner, self.sureness));
        }
    }

    /// Whether the name is the first of a tuple of Erlang or Elixir: `{password, "x"}`.
    pub(super) fn opens_tuple(&self) -> bool {
        self.syntax == Syntax::Code
            && (self.before().ends_with(b"{") || self.before().ends_with(b"{:"))
    }

    /// `env("PASSWORD").unwrap_or("value")`, `fetch('PASSWORD') { 'value' }`
    pub(super) fn otherwise(&self, at: usize, found: &mut Vec<(Range<usize>, Sureness)>) {
        self.work.spend(300);
        let rest = &self.text[at..self.text.len().min(at + 200)];
        if let Some(lead) = OTHERWISE.as_ref().and_then(|lead| lead.find(rest)) {
            self.expression(at + lead.end() - 1, found);
        }
    }

    /// The other literals of an expression: `dev ? 'x' : 'value'`, `get("x") or "value"`.
    pub(super) fn alternatives(&self, from: usize, found: &mut Vec<(Range<usize>, Sureness)>) {
        let mut at = from;
        for _ in 0..3 {
            self.work.spend(400);
            let rest = &self.text[at..self.text.len().min(at + 200)];
            let lead = ALTERNATIVE.as_ref().and_then(|lead| lead.find(rest));
            let Some(literal) = lead.and_then(|lead| self.literal(at + lead.end() - 1)) else {
                break;
            };
            let inner = &self.text[literal.inner.clone()];
            let fits = value::is_random(inner) || value::is_mixed(inner) || value::is_coded(inner);
            if fits && !inner.contains(&b' ') && self.proves(inner, self.sureness, true) {
                found.push((literal.inner, self.sureness));
            }
            at = literal.end;
        }
    }

    /// `user, password = 'bob', 'value'`
    pub(super) fn unpacked(&self, found: &mut Vec<(Range<usize>, Sureness)>) {
        let mut before = self.before().trim_ascii_start();
        for keyword in [&b"const "[..], b"let ", b"var ", b"my ", b"local ", b"val "] {
            before = before.strip_prefix(keyword).unwrap_or(before);
        }
        if let [b'(' | b'[' | b'{', rest @ ..] = before {
            before = rest;
        }
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_$@, ".contains(byte);
        let behind = &self.text[self.at.end..];
        let rest = behind
            .iter()
            .take(LONGEST_LINE)
            .take_while(|byte| is_name(byte) || b")]}:".contains(byte))
            .count();
        let column = before.iter().filter(|byte| **byte == b',').count();
        let listed = column > 0 || behind[..rest].contains(&b',');
        // Without a blank it is a named argument.
        let set = behind[..rest].ends_with(b" ") || behind[..rest].ends_with(b" :");
        if !listed || !set || behind.get(rest) != Some(&b'=') || !before.iter().all(is_name) {
            return;
        }
        let mut at = self.spaces(self.at.end + rest + 1);
        at += usize::from(b"([{".contains(&self.byte(at)));
        for number in 0..=column {
            at = self.spaces(at);
            if let Some(literal) = self.literal(at) {
                let inner = &self.text[literal.inner.clone()];
                at = literal.end;
                if number == column && self.proves(inner, self.sureness, true) {
                    found.push((literal.inner, self.sureness));
                    return;
                }
            }
            let skipped = self.text[at.min(self.text.len())..]
                .iter()
                .take(100)
                .take_while(|byte| !b",\n\"'".contains(byte))
                .count();
            at += skipped;
            if self.byte(at) != b',' {
                return;
            }
            at += 1;
        }
    }
}
