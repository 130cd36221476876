//! Places that hold a secret by their structure: URLs, headers, commands, SQL, connection strings. The rules are data in
//! `structure.txt`.

use std::sync::{LazyLock, OnceLock};

use regex::bytes::{Regex, RegexBuilder};

use super::value;

/// How much memory a pattern's automaton may take, in bytes.
const DFA_SIZE: usize = 256 << 10;

/// What a secret must be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// Any literal that is no placeholder.
    Literal,
    /// Letters with digits or signs among them.
    Mixed,
    /// Drawn at random.
    Random,
}

/// One rule.
pub(super) struct Rule {
    pub kind: &'static str,
    /// What a scan looks for, in lower case; the pattern is tried on the lines that have one of them.
    pub triggers: Vec<&'static str>,
    pub proof: Proof,
    source: &'static str,
    pattern: OnceLock<Option<Regex>>,
    /// A byte without which the pattern cannot match, at the trigger or behind it.
    pub needs: Option<u8>,
    /// Whether the pattern reads on over line feeds.
    pub spans_lines: bool,
    /// A line that the rule finds a secret in: `%s` stands for it.
    #[cfg_attr(not(test), allow(dead_code))]
    pub sample: &'static str,
}

pub(super) static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let lines = include_str!("structure.txt").lines();
    let mut lines = lines.filter(|line| !line.is_empty() && !line.starts_with("# "));
    let mut rules = Vec::new();
    while let (Some(head), Some(pattern)) = (lines.next(), lines.next()) {
        rules.extend(parse(head, pattern.trim_start()));
    }
    rules
});

fn parse(head: &'static str, pattern: &'static str) -> Option<Rule> {
    let mut fields = head.splitn(4, " | ");
    let kind = fields.next()?;
    let triggers = fields.next()?.split(", ").collect();
    let proof = match fields.next()?.trim_end_matches(" |") {
        "literal" => Proof::Literal,
        "mixed" => Proof::Mixed,
        _ => Proof::Random,
    };
    Some(Rule {
        kind,
        triggers,
        proof,
        source: pattern,
        pattern: OnceLock::new(),
        needs: if pattern.contains(")@") || pattern.contains(")?@") {
            Some(b'@')
        } else {
            pattern.contains(")=(?P<s>").then_some(b'=')
        },
        spans_lines: pattern.starts_with("(?is)"),
        sample: fields.next().unwrap_or_default(),
    })
}

impl Rule {
    /// The pattern, compiled when a text needs it first: most texts need few. `None` for one that does not compile; a test
    /// holds that there is none.
    pub fn pattern(&self) -> Option<&Regex> {
        self.pattern.get_or_init(|| compiled(self.source)).as_ref()
    }
}

/// Compiles a pattern for bytes, with little memory: what it is tried on is short.
pub(super) fn compiled(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern)
        .unicode(false)
        .dfa_size_limit(DFA_SIZE)
        .build()
        .ok()
}

impl Proof {
    pub fn holds(self, secret: &[u8]) -> bool {
        let fits = match self {
            Self::Literal => secret.len() >= 3,
            Self::Mixed => value::is_mixed(secret) || value::is_random(secret),
            Self::Random => value::is_random(secret),
        };
        fits && !value::is_placeholder(secret) && !secret.starts_with(b"[redacted")
    }
}
