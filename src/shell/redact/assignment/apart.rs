//! Names and values apart: elements of XML, and pairs such as `name: X` and `value: …`.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

use super::super::names::Sureness;
use super::super::structure::compiled;
use super::super::syntax::Syntax;
use super::{LONGEST_LINE, Name, trimmed};

/// What stands between a name and the label of its value.
const BETWEEN: &str = r#"\A\\*["']?\s*(?:,|/?>|\{|:\s*\{|:\r?\n)?\s*"#;
/// Labels that may come before the one of the value.
const ABOUT: &str = "type|description|sensitive|secure|scope|nullable|required|id|label|noecho|minlength|maxlength|allowedpattern";
const VALUE: &str = "value|default|defaultvalue|default_value|val|content|string|example";

/// How what is apart begins: told from anything else by few bytes.
static BEGINS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let pattern = format!(r#"{BETWEEN}\\*["']?(?i:{ABOUT}|{VALUE})"#);
    compiled(&pattern)
});

/// What has a name and its value apart: `name: X` then `value: …`, `variable "x" { default = … }`.
static APART: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let pattern = format!(
        r#"{BETWEEN}(?:\\*["']?(?i:{ABOUT})\b[^\n]*\n\s*){{0,4}}\\*["']?(?i:{VALUE})\\*["']?\s*[:=]\s*"#
    );
    compiled(&pattern)
});

/// The value before its name: `"value": "…", "name": "PASSWORD"`.
static VALUE_FIRST: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let pattern = r#"["']?(?i:value)["']?\s*[:=]\s*["'](?P<s>[^"'\n]{4,})["']\s*,\s*["']?(?i:name|key|id)["']?\s*[:=]\s*\z"#;
    compiled(pattern)
});

impl Name<'_> {
    /// `<password>…</password>`, also with `<![CDATA[…]]>` or `<value>…</value>` in it.
    pub(super) fn element(&self, at: usize) -> Vec<(Range<usize>, Sureness)> {
        let blank = self.spaces(at);
        let opening = [&b"<![CDATA["[..], b"<Value>", b"<value>"];
        let opening = opening
            .iter()
            .find(|tag| self.text[blank..].starts_with(tag));
        let at = opening.map_or(at, |tag| blank + tag.len());
        let is_data = opening == Some(&&b"<![CDATA["[..]);
        let rest = &self.text[at..];
        let length = rest
            .iter()
            .take(LONGEST_LINE)
            .take_while(|byte| **byte != if is_data { b']' } else { b'<' })
            .count();
        let inner = &rest[..length];
        let lead = inner.len() - inner.trim_ascii_start().len();
        let inner = inner.trim_ascii();
        let place = at + lead..at + lead + inner.len();
        let closed = [&b"</"[..], b"<!", b"]]>"]
            .iter()
            .any(|mark| rest[length..].starts_with(mark));
        let kept = closed && !inner.contains(&b'\n') && self.proves(inner, self.sureness, false);
        if kept {
            vec![(place, self.sureness)]
        } else {
            Vec::new()
        }
    }

    /// `<string name="api_key">…`, `<property name="x"><value>…`, `<key>ApiKey</key><string>…`: where the value begins.
    pub(super) fn labelled(&self, at: usize) -> Option<usize> {
        let rest = &self.text[at..];
        let labels = [
            &b"</key>"[..],
            b"</name>",
            b"</param-name>",
            b"</env-entry-name>",
            b"</property-name>",
        ];
        let key = labels.iter().find_map(|label| rest.strip_prefix(*label));
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
        let values = [
            &b"<value>"[..],
            b"<string>",
            b"<data>",
            b"<param-value>",
            b"<env-entry-value>",
            b"<property-value>",
        ];
        let inner = values
            .iter()
            .find_map(|tag| inner.strip_prefix(*tag))
            .or_else(|| (key.is_none() && !inner.starts_with(b"<")).then_some(inner))?;
        Some(self.text.len() - inner.len())
    }

    /// Where the content of the tag begins that the name opens; `at` is behind the name.
    pub(super) fn tag_end(&self, at: usize) -> Option<usize> {
        let rest = &self.text[at..self.text.len().min(at + 200)];
        let end = memchr::memchr3(b'>', b'<', b'\n', rest)?;
        (rest[end] == b'>' && !rest[..end].ends_with(b"/")).then_some(at + end + 1)
    }

    pub(super) fn is_tag(&self) -> bool {
        let before = self.before();
        let name = before
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b':')
            .count();
        before.len() > name && before[before.len() - name - 1] == b'<'
    }

    /// `name: X` and then `value: …`
    pub(super) fn apart(&self, at: usize, found: &mut Vec<(Range<usize>, Sureness)>) {
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
        let compares = [&b"=="[..], b"!=", b"<=", b">="]
            .iter()
            .any(|sign| before.ends_with(sign));
        let is_value = is_value && !compares;
        if !is_value && !opens {
            return;
        }
        self.work.spend(200);
        let last = &before[before.len().saturating_sub(300)..];
        if is_value
            && let Some(secret) = VALUE_FIRST
                .as_ref()
                .and_then(|pattern| pattern.captures(last)?.name("s"))
            && self.proves(secret.as_bytes(), self.sureness, true)
        {
            let from = self.line + before.len() - last.len() + secret.start();
            found.push((from..from + secret.len(), self.sureness));
            return;
        }
        let rest = &self.text[at..self.text.len().min(at + 900)];
        let first = &rest[..rest.len().min(200)];
        self.work.spend(200);
        if !BEGINS.as_ref().is_some_and(|begins| begins.is_match(first)) {
            return;
        }
        self.work.spend(900);
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
}
