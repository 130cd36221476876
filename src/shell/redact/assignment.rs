//! A name that marks a secret, and the value it is given: in code, settings, commands, markup and prose.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

use super::literal::{self, Literal};
use super::names::{self, Sureness};
use super::syntax::Syntax;
use super::value;
use super::words::{Words, words};

/// How far a name reaches to either side of its stem, in bytes.
const LONGEST_NAME: usize = 80;
/// How far back a line is read, in bytes.
const LONGEST_LINE: usize = 512;
/// How many literals of a list are judged.
const LONGEST_LIST: usize = 64;

/// What has a name and its value apart: `name: X` then `value: …`, `variable "x" { default = … }`.
static APART: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let about = r"(?i:type|description|sensitive|secure|scope|nullable|required|id|label|noecho|minlength|maxlength|allowedpattern)";
    let pattern = format!(
        r#"\A\\*["']?\s{{0,40}}(?:,|/?>|\{{|:\s{{0,40}}\{{|:(?-s:\r?\n))?\s{{0,40}}(?:\\*["']?{about}\b[^\n]{{0,200}}\n\s{{0,40}}){{0,4}}\\*["']?(?i:value|default|defaultvalue|default_value|val|content|string)\\*["']?\s{{0,8}}[:=]\s{{0,8}}"#
    );
    Regex::new(&pattern).ok()
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

/// A name in the text.
struct Name<'t> {
    text: &'t [u8],
    at: Range<usize>,
    sureness: Sureness,
    syntax: Syntax,
    line: usize,
}

/// The end of the name that a stem at `at` belongs to, and the places of its values.
pub(super) fn find(
    text: &[u8],
    at: usize,
    syntax: Syntax,
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
    let Some(sureness) = names::sureness(&text[start..end]) else {
        return end.max(at + 1);
    };
    let back = &text[start.saturating_sub(LONGEST_LINE)..start];
    let line = start - back.iter().rev().take_while(|byte| **byte != b'\n').count();
    let name = Name {
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
        let odd = |quote: u8| before.iter().filter(|byte| **byte == quote).count() % 2 == 1;
        odd(b'"') || odd(b'\'') || odd(b'`')
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
        if self.byte(at) == b'>' && quote.is_none() && self.is_tag() {
            return self.element(at + 1);
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
                b',' => self.argument(after, &mut found),
                b'(' => self.called(after, &mut found),
                b'-' => self.fallback(after, &mut found),
                _ => self.assigned(after, connector, at == self.at.end, &mut found),
            }
        } else if (at > close || quote.is_some()) && !matches!(quote, Some(b'"' | b'\'')) {
            self.apposed(at, &mut found);
        }
        if found.is_empty() {
            self.apart(self.at.end, &mut found);
        }
        found
    }

    fn is_tag(&self) -> bool {
        let before = self.before();
        let name = before
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b':')
            .count();
        before.len() > name && before[before.len() - name - 1] == b'<'
    }

    /// `<string name="api_key">…`, `<property name="x"><value>…`, `<key>ApiKey</key><string>…`: where the value begins.
    fn labelled(&self, at: usize) -> Option<usize> {
        let rest = &self.text[at..];
        let key = rest.strip_prefix(b"</key>");
        let attribute = || {
            let before = self
                .before()
                .strip_suffix(b"\"")
                .or_else(|| self.before().strip_suffix(b"'"))?;
            let named = [&b"name="[..], b"key=", b"id="]
                .iter()
                .any(|name| before.ends_with(name));
            rest.strip_prefix(b">").filter(|_| named)
        };
        let behind = key.or_else(attribute)?;
        let inner = behind.trim_ascii_start();
        let inner = [&b"<value>"[..], b"<string>", b"<data>"]
            .iter()
            .find_map(|tag| inner.strip_prefix(*tag))
            .or_else(|| (key.is_none() && !inner.starts_with(b"<")).then_some(inner))?;
        Some(self.text.len() - inner.len())
    }

    /// `<password>…</password>`
    fn element(&self, at: usize) -> Vec<(Range<usize>, Sureness)> {
        let rest = &self.text[at..];
        let length = rest
            .iter()
            .take(LONGEST_LINE)
            .take_while(|byte| **byte != b'<')
            .count();
        let inner = &rest[..length];
        let lead = inner.len() - inner.trim_ascii_start().len();
        let inner = inner.trim_ascii();
        let place = at + lead..at + lead + inner.len();
        let closed = rest[length..].starts_with(b"</") || rest[length..].starts_with(b"<!");
        let kept = closed && !inner.contains(&b'\n') && self.proves(inner, self.sureness, false);
        if kept {
            vec![(place, self.sureness)]
        } else {
            Vec::new()
        }
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
        ] {
            if !rest.starts_with(sign) {
                continue;
            }
            let kept = match kind {
                b',' => quote.is_some(),
                b'(' => quote.is_none(),
                b'-' => expands,
                0 => false,
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
        if self.syntax == Syntax::Code
            && connector == b':'
            && literal::at(self.text, from).is_none()
        {
            from = self.typed(from).map_or(from, |at| self.blanks(at));
        }
        if self.byte(from) == b'\n'
            || self.byte(from) == b'\r'
            || (self.byte(from) == b'\\' && self.byte(from + 1) == b'\n')
        {
            let skip = from + usize::from(self.byte(from) == b'\\');
            let next = self.spaces(skip);
            let opens = literal::at(self.text, next).is_some();
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

    /// A quoted literal, several that are joined, a list of them, or a call around one. Returns whether it was any.
    fn expression(&self, from: usize, found: &mut Vec<(Range<usize>, Sureness)>) -> bool {
        let mut at = from;
        let mut sureness = self.sureness;
        let mut is_list = false;
        let mut known_call = true;
        for _ in 0..4 {
            if literal::at(self.text, at).is_some() {
                break;
            }
            let rest = &self.text[at..];
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

    fn joined(&self, first: Literal) -> Vec<Literal> {
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

    fn judge(
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
    fn argument(&self, at: usize, found: &mut Vec<(Range<usize>, Sureness)>) {
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
    fn called(&self, at: usize, found: &mut Vec<(Range<usize>, Sureness)>) {
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

    /// `${NAME:-value}`
    fn fallback(&self, at: usize, found: &mut Vec<(Range<usize>, Sureness)>) {
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
    fn apposed(&self, at: usize, found: &mut Vec<(Range<usize>, Sureness)>) {
        if self.syntax != Syntax::Prose
            && !self.in_string()
            && (self.syntax != Syntax::Code || !self.in_comment())
            && let Some(value) = self.typed(at).map(|value| self.blanks(value))
            && (self.syntax == Syntax::Code || literal::at(self.text, value).is_some())
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
        if let Some(literal) = literal::at(self.text, at) {
            let inner = &self.text[literal.inner.clone()];
            if !inner.contains(&b' ')
                && literal.quote != b'`'
                && self.proves(inner, self.sureness, true)
            {
                found.push((literal.inner, self.sureness));
            }
            return;
        }
        let word = self.word(at, b"\"'`,;<>|\\");
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
                    .take_while(|byte| b"?!.,:)".contains(byte))
                    .count();
                let plain = &inner[..inner.len() - end];
                (value::is_mixed(plain) || value::is_random(plain))
                    && !inner.contains(&b'(')
                    && self.proves(inner, self.sureness, false)
            }
            _ => {
                inner.len() >= 12
                    && (value::is_random(inner) || value::is_long_number(inner))
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
    fn phrase(&self, at: usize, found: &mut Vec<(Range<usize>, Sureness)>) {
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

    /// `name: X` and then `value: …`
    fn apart(&self, at: usize, found: &mut Vec<(Range<usize>, Sureness)>) {
        let before = self.before();
        let quotes = before
            .iter()
            .rev()
            .take_while(|byte| b"\"'\\ ".contains(byte))
            .count();
        let before = &before[..before.len() - quotes];
        let behind = &self.text[at..self.text.len().min(at + 4)];
        let opens = behind.trim_ascii_start().starts_with(b":")
            || behind.starts_with(b"\":")
            || behind.starts_with(b"':");
        let is_value =
            before.ends_with(b":") || before.ends_with(b"=") || before.ends_with(b"variable");
        if !is_value && !opens {
            return;
        }
        let rest = &self.text[at..self.text.len().min(at + 900)];
        let Some(pair) = APART.as_ref().and_then(|apart| apart.find(rest)) else {
            return;
        };
        let from = at + pair.end();
        if !self.expression(from, found) && self.syntax != Syntax::Code {
            let end = self.text[from..]
                .iter()
                .take(LONGEST_LINE)
                .take_while(|byte| !b"\r\n,}".contains(byte))
                .count();
            let (inner, place) = trimmed(&self.text[from..from + end], from);
            if self.proves(inner, self.sureness, false) {
                found.push((place, self.sureness));
            }
        }
    }

    /// The items of a YAML list on the next lines.
    fn items(&self, at: usize, found: &mut Vec<(Range<usize>, Sureness)>) {
        let mut next = self.spaces(at);
        for _ in 0..LONGEST_LIST {
            if self.byte(next) != b'-' || self.byte(next + 1) != b' ' || self.syntax == Syntax::Code
            {
                break;
            }
            let from = self.blanks(next + 1);
            let line = self.to_line_end(from);
            next = self.spaces(line.end);
            if line.is_empty() {
                break;
            }
            let quoted = literal::at(self.text, from).filter(|literal| literal.end <= line.end);
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

    /// A block scalar of YAML.
    fn block(&self, at: usize, found: &mut Vec<(Range<usize>, Sureness)>) {
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

    /// An unquoted value.
    fn bare(
        &self,
        from: usize,
        connector: u8,
        tight: bool,
        found: &mut Vec<(Range<usize>, Sureness)>,
    ) {
        let (scheme, skip) = literal::scheme(&self.text[from..]);
        if scheme {
            let word = self.word(from + skip, b"\"'`,;<>|\\");
            let (inner, place) = trimmed(&self.text[word.clone()], word.start);
            if inner.len() >= 8
                && !value::is_placeholder(inner)
                && (value::is_mixed(inner) || value::is_random(inner))
            {
                found.push((place, self.sureness));
            }
            return;
        }
        let line_long = self.begins_line() && !self.in_string();
        let (word, is_text) = match self.syntax {
            Syntax::Config | Syntax::Unknown if line_long => (self.to_line_end(from), true),
            Syntax::Shell if line_long => (self.word(from, b""), true),
            Syntax::Config | Syntax::Shell => (self.word(from, b"\"'`,;&)]}<>|\\"), true),
            Syntax::Prose | Syntax::Unknown => (self.word(from, b"\"'`,;&)]}<>|\\"), false),
            Syntax::Code => (
                self.word(from, b"\"'`,;&)]}<>|\\"),
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
        let proven = match (self.sureness, self.syntax) {
            (Sureness::Password, Syntax::Unknown)
                if connector == b'='
                    && tight
                    && !inner.iter().any(|byte| b".(["[..].contains(byte)) =>
            {
                self.proves(inner, self.sureness, false)
            }
            (Sureness::Password, Syntax::Prose | Syntax::Unknown) => {
                value::is_mixed(inner) && self.proves(inner, self.sureness, false)
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
            (sureness, _) => self.proves(inner, sureness, false),
        };
        if proven {
            found.push((place, self.sureness));
        } else if self.sureness == Sureness::Strong {
            self.phrase(from, found);
        }
    }

    fn word(&self, from: usize, ends: &[u8]) -> Range<usize> {
        let rest = &self.text[from.min(self.text.len())..];
        let length = rest
            .iter()
            .take(1024)
            .take_while(|byte| !byte.is_ascii_whitespace() && !ends.contains(byte))
            .count();
        from..from + length
    }

    fn to_line_end(&self, from: usize) -> Range<usize> {
        let rest = &self.text[from..];
        let length = rest
            .iter()
            .take(1024)
            .take_while(|byte| !b"\r\n".contains(byte))
            .count();
        let line = &rest[..length];
        let comment = line
            .windows(2)
            .position(|pair| pair == b" #" || pair == b"\t#" || pair == b" ;");
        from..from + comment.unwrap_or(length)
    }

    /// Whether a value is a secret under this name.
    fn proves(&self, inner: &[u8], sureness: Sureness, quoted: bool) -> bool {
        if inner.starts_with(b"[redacted: ") || value::is_placeholder(inner) {
            return false;
        }
        match sureness {
            Sureness::Password => {
                let own = names::words_in(&self.text[self.at.clone()]);
                let is_own_name = || names::words_in(inner) == own;
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

/// A value without the blanks around it and the sign that ends a sentence or a statement behind it.
fn trimmed(value: &[u8], start: usize) -> (&[u8], Range<usize>) {
    let lead = value.len() - value.trim_ascii_start().len();
    let mut inner = value.trim_ascii();
    while let [rest @ .., b',' | b';'] = inner {
        inner = rest;
    }
    (inner, start + lead..start + lead + inner.len())
}
