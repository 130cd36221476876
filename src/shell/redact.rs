//! Secrets out of a text before it becomes part of a prompt.
//!
//! What is found is replaced by `[redacted: kind]`, on as many lines as it had, so that line numbers stay. It must
//! never be the only guard: files that are secrets by their name are not read at all, and what has no form cannot be
//! found. A false alarm costs a reader a word; a miss cannot be taken back: in doubt, it is redacted.

mod judge;
mod rules;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use self::rules::{Proof, RULES, Rule};

static PATTERNS: LazyLock<Vec<(&'static Rule, Regex)>> = LazyLock::new(|| {
    // A test compiles every pattern, so none is left out here.
    RULES
        .iter()
        .filter_map(|rule| Some((rule, Regex::new(rule.pattern).ok()?)))
        .collect()
});

/// The text without its secrets; borrowed where there are none.
pub fn redact(text: &str) -> Cow<'_, str> {
    let found = find(text);
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut redacted = String::with_capacity(text.len());
    let mut copied = 0;
    for (place, kind) in found {
        redacted.push_str(&text[copied..place.start]);
        redacted.push_str(&format!("[redacted: {kind}]"));
        let lines = text[place.clone()].matches('\n').count();
        redacted.extend(std::iter::repeat_n('\n', lines));
        copied = place.end;
    }
    redacted.push_str(&text[copied..]);
    Cow::Owned(redacted)
}

/// The secrets' places in order, none within another, and their kinds.
fn find(text: &str) -> Vec<(Range<usize>, &'static str)> {
    let mut found: Vec<(Range<usize>, &'static str)> = Vec::new();
    for (rule, pattern) in PATTERNS.iter() {
        // Finding alone is several times quicker than finding with groups, and most texts hold nothing.
        let mut from = 0;
        while let Some(whole) = pattern.find_at(text, from) {
            let captures = pattern.captures_at(text, whole.start());
            let secret = captures
                .and_then(|groups| groups.name("s"))
                .map_or(whole.range(), |group| group.range());
            let proven = match rule.proof {
                Proof::Form => judge::is_no_example(&text[secret.clone()]),
                Proof::Random => judge::is_random(&text[secret.clone()]),
                Proof::Chosen => judge::is_chosen(&text[secret.clone()]),
            };
            // A key's end mark may be the next one's beginning, a quote that of the next value.
            from = secret.end.max(whole.start() + 1);
            while !text.is_char_boundary(from) {
                from += 1;
            }
            if proven {
                found.push((secret, rule.kind));
            }
        }
    }
    // Stable: of two rules that begin at one place, the one further up in the table comes first.
    found.sort_by_key(|(place, _)| place.start);
    let mut merged: Vec<(Range<usize>, &'static str)> = Vec::new();
    for (place, kind) in found {
        match merged.last_mut() {
            Some((last, _)) if place.start < last.end => last.end = last.end.max(place.end),
            _ => merged.push((place, kind)),
        }
    }
    merged
}
