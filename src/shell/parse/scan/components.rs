//! The components that the template of a component file uses.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::model::outline::Element;

/// At most this many are listed.
const MAX_COMPONENTS: usize = 200;

/// Each component with the line on which the template uses it first: tags with a capital letter or a hyphen.
pub(in super::super) fn components(text: &[u8]) -> Vec<Element> {
    static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?s)<!--.*?-->|<script\b.*?</script\s*>|<style\b.*?</style\s*>|<([A-Z][\w.]*|[a-z]+(?:-[a-z0-9]+)+)[\s/>]").ok()
    });
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    let mut line = 1;
    let mut counted = 0;
    for captures in PATTERN
        .iter()
        .flat_map(|pattern| pattern.captures_iter(text))
    {
        let Some(tag) = captures.get(1) else {
            continue;
        };
        let name = String::from_utf8_lossy(tag.as_bytes()).into_owned();
        if found.len() >= MAX_COMPONENTS || !seen.insert(name.clone()) {
            continue;
        }
        let between = &text[counted..tag.start()];
        line += between.iter().filter(|byte| **byte == b'\n').count();
        counted = tag.start();
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        found.push(super::element(
            "component",
            &name,
            &format!("<{name}>"),
            line,
            line,
        ));
    }
    found
}
