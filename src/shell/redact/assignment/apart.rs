//! Names and values apart: elements of XML, and pairs such as `name: X` and `value: …`.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

use super::super::names::Sureness;
use super::super::syntax::Syntax;
use super::{LONGEST_LINE, Name, trimmed};

/// What has a name and its value apart: `name: X` then `value: …`, `variable "x" { default = … }`.
static APART: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let about = r"(?i:type|description|sensitive|secure|scope|nullable|required|id|label|noecho|minlength|maxlength|allowedpattern)";
    let pattern = format!(
        r#"\A\\*["']?\s{{0,40}}(?:,|/?>|\{{|:\s{{0,40}}\{{|:(?-s:\r?\n))?\s{{0,40}}(?:\\*["']?{about}\b[^\n]{{0,200}}\n\s{{0,40}}){{0,4}}\\*["']?(?i:value|default|defaultvalue|default_value|val|content|string)\\*["']?\s{{0,8}}[:=]\s{{0,8}}"#
    );
    Regex::new(&pattern).ok()
});

impl Name<'_> {
    /// `<password>…</password>`
    pub(super) fn element(&self, at: usize) -> Vec<(Range<usize>, Sureness)> {
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

    /// `<string name="api_key">…`, `<property name="x"><value>…`, `<key>ApiKey</key><string>…`: where the value begins.
    pub(super) fn labelled(&self, at: usize) -> Option<usize> {
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
}
