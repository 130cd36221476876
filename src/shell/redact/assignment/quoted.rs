//! Quoted values: literals, lists of them, and calls around them.

use std::ops::Range;

use super::super::literal::{self, Literal};
use super::super::names::{self, Sureness};
use super::super::syntax::Syntax;
use super::super::value;
use super::super::words::{Words, words};
use super::{LONGEST_LIST, Name};

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
            if literal::at(self.text, at).is_some() {
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
        let Some(first) = literal::at(self.text, at) else {
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
                .then(|| literal::at(self.text, self.spaces(behind + 1)))
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
            match literal::at(self.text, at) {
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
        let Some(literal) = literal::at(self.text, self.spaces(at)) else {
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
        if quotes == 0 {
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
            Sureness::Password if !sets && !flag => {
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
        let Some(literal) = literal::at(self.text, self.spaces(at)) else {
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
}
