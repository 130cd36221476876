//! Repairs by patterns: newer syntax of JavaScript, TypeScript, Rust and Java, Flow's types, and the scripts of a
//! component file.

use std::sync::LazyLock;

use regex::bytes::Regex;

use super::blank;

/// A pattern, and what replaces its first group, padded with blanks.
struct Rule {
    pattern: Regex,
    replacement: &'static [u8],
}

fn rules(rows: &[(&str, &'static str)]) -> Vec<Rule> {
    let rule = |(pattern, replacement): &(&str, &'static str)| {
        Some(Rule {
            pattern: Regex::new(pattern).ok()?,
            replacement: replacement.as_bytes(),
        })
    };
    rows.iter().filter_map(rule).collect()
}

/// Applies the rules; `None` if none matches.
fn apply(rules: &[Rule], text: &[u8]) -> Option<Vec<u8>> {
    let mut out: Option<Vec<u8>> = None;
    for rule in rules {
        let source = out.as_deref().unwrap_or(text);
        let found: Vec<_> = rule
            .pattern
            .captures_iter(source)
            .filter_map(|captures| captures.get(1).map(|group| group.range()))
            .collect();
        for range in found {
            let out = out.get_or_insert_with(|| text.to_vec());
            let Some(part) = out.get_mut(range) else {
                continue;
            };
            blank(part);
            let length = rule.replacement.len().min(part.len());
            part[..length].copy_from_slice(&rule.replacement[..length]);
        }
    }
    out
}

const SCRIPT: &[(&str, &str)] = &[
    (r"\bfor\s*(?:await\s*)?\((\s*await\s+using)\s", "const"),
    (r"\bfor\s*(?:await\s*)?\(\s*(using)\s", "const"),
    (r"(?m)^[ \t]*(await\s+using)\s+\w", "const"),
    (r"(?m)^[ \t]*(using)\s+\w+\s*=", "const"),
    (r"\bimport\s+(defer|source)\s", ""),
    (r"\bimport\s+type\s+(?:\w+,)?(\s)", " "),
    // Text and attributes between tags.
    (r#"=("[^"\n]*&[^"\n]*")"#, "\"\""),
    (r#">[^<>{}"'`=;()]*(&)[^<>{}"'`=;()]*<"#, " "),
];

const TYPES: &[(&str, &str)] = &[
    // A declaration without a name and a body: the type becomes the body.
    (
        r"\bexport\s+default\s+function\s*\([^(){}]*\)\s*(:)\s*\{",
        "",
    ),
    (
        r"\bexport\s+default\s+function\s*\([^(){}]*\)(\s*:[\w\s.<>\[\]|]+;)",
        "{}",
    ),
    (r"\bexport\s+(type)\s*\*", ""),
    (r"\b(accessor)\s+[\w#\[]", ""),
    (r"[<,]\s*(in\s+out|in|out|const)\s+[A-Z]\w*\s*[,>=e]", ""),
    (r#"[<,]\s*(typeof\s+import\(['"][^'"]*['"]\))"#, "any"),
    (r"\)(<[^<>()`;]*>)`", ""),
];

const FLOW: &[(&str, &str)] = &[
    (r"(?:[:<|,(=&]|=>)\s*(\?)\s*[A-Za-z_$({\[]", " "),
    (r"\{(\|)", " "),
    (r"(\|)\}", " "),
    (r"(?m)(?:^|[{,;])[ \t]*([+-])\s*[\w\[]+\??\s*:", " "),
    (r"(?m)(?:^|[{,;])[ \t]*([+-])\[", " "),
    (r"\bimport\s+(typeof)\s", "type"),
    (r"\b(opaque)\s+type\b", ""),
    (r"\b(declare\s+)export\b", ""),
    (r"\bexport\s+(opaque)\b", ""),
    (r"(\.\.\.)\s*\}", ""),
    (r"(%checks)", ""),
    (
        r"[^\w\s)\]>]\s*\([\w.\[\]'\x22()!]+(:\s*[\w$.<>?| ]+)\)\s*[;,.)\]}\n]",
        "",
    ),
];

pub(in super::super) fn javascript(text: &[u8]) -> Option<Vec<u8>> {
    static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| rules(SCRIPT));
    apply(&RULES, text)
}

pub(in super::super) fn typescript(text: &[u8]) -> Option<Vec<u8>> {
    static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| rules(&[SCRIPT, TYPES].concat()));
    apply(&RULES, text)
}

pub(in super::super) fn flow(text: &[u8]) -> Option<Vec<u8>> {
    static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| rules(&[SCRIPT, TYPES, FLOW].concat()));
    apply(&RULES, text)
}

pub(in super::super) fn java(text: &[u8]) -> Option<Vec<u8>> {
    static RULES: LazyLock<Vec<Rule>> =
        LazyLock::new(|| rules(&[(r"(?m)^[ \t]*import\s+(module)\s", "")]));
    apply(&RULES, text)
}

pub(in super::super) fn rust(text: &[u8]) -> Option<Vec<u8>> {
    static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
        rules(&[
            (
                r"(?m)^[ \t]*(?:pub(?:\([^)]*\))?\s+)?(macro)\s+\w+\s*\(",
                "fn",
            ),
            (
                r"(?m)^[ \t]*(?:pub(?:\([^)]*\))?\s+)?(trait)\s+\w+[^{;]{0,200}=[^{;]{0,400};",
                "type",
            ),
            (r"\b(const)\s+(?:unsafe\s+)?trait\b", ""),
            (r"\bimpl(?:<[^>]*>)?\s+(const)\s", ""),
            (r"\b(safe)\s+(?:fn|static)\b", ""),
        ])
    });
    apply(&RULES, text)
}

/// The text of a component file (Vue, Svelte) in which only the scripts are left.
pub(in super::super) fn component(text: &[u8]) -> Option<Vec<u8>> {
    static SCRIPTS: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?is)<script\b[^>]*>(.*?)</script\s*>").ok());
    let mut out = text.to_vec();
    blank(&mut out);
    for captures in SCRIPTS.as_ref()?.captures_iter(text) {
        let range = captures.get(1)?.range();
        out[range.clone()].copy_from_slice(&text[range]);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        for (pattern, _) in [SCRIPT, TYPES, FLOW].concat() {
            assert!(Regex::new(pattern).is_ok(), "{pattern}");
        }
        assert!(
            component(b"<a/>\n<script>let a</script>")
                .is_some_and(|text| { text == *b"    \n        let a         " })
        );
        assert!(rust(b"pub macro m($a:expr) {}").is_some());
        assert!(java(b"import module java.base;").is_some());
    }

    #[test]
    fn a_repair_moves_no_byte() {
        let text = b"for (await using x of y) {}\nexport type * from 'a'";
        let repaired = typescript(text).expect("it matches");
        assert_eq!(
            String::from_utf8_lossy(&repaired),
            "for (const       x of y) {}\nexport      * from 'a'"
        );
    }
}
