//! Removes secrets from text: the one gate between a file's bytes and everything that is made from them.
//!
//! A secret is replaced by `[redacted: kind]` with as many line feeds as it had, so that line numbers stay. A false alarm
//! costs one word of a summary, a miss leaks a credential: what is uncertain is redacted. Files that are secrets by their
//! name are withheld before this (see `read`).
//!
//! One scan looks for triggers: the literals of token formats (`vendors`), parts of names (`names`), and marks of
//! structure (`structure`). At each trigger the rule reads a bounded piece of text around it, so the time grows with
//! the length of the text and not with its square; `work` bounds what a byte may cost.

mod assignment;
mod block;
mod literal;
mod names;
mod shape;
mod structure;
mod syntax;
#[cfg(test)]
mod tests;
mod value;
mod vendors;
mod words;
mod work;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};

pub use syntax::Syntax;
use work::Work;

/// How often a text is read again after something was removed: what is left may look different then.
const ROUNDS: usize = 4;
/// How far around a trigger a pattern reads, in bytes.
const BACK: usize = 512;
const FORTH: usize = 1536;

/// How much of a token format's literal a scan looks for, in bytes: the automaton takes half of the memory, and the format
/// itself is matched in full.
const FORMAT: usize = 4;

/// How much is removed at least where too much was spent, in bytes: a mark costs time as well.
const CLOSED: usize = 4096;

/// What stands for text that was not judged.
const TOO_MUCH: &str = "too much to judge";
/// How much text around a mark is read again, in bytes.
const AROUND: usize = 4096;

type Found = Vec<(Range<usize>, &'static str)>;

/// What a trigger stands for.
#[derive(Clone, Copy, Debug)]
enum Trigger {
    Format(usize),
    Stem,
    Structure(usize),
    Key,
    Kubernetes,
    KubernetesJson,
    Insert,
    Closed,
}

static TRIGGERS: LazyLock<Option<(AhoCorasick, Vec<Trigger>)>> = LazyLock::new(|| {
    let formats = vendors::SHAPES.iter().enumerate();
    let formats = formats.map(|(at, (_, shape))| (&shape.trigger[..], Trigger::Format(at)));
    let formats = formats.map(|(literal, of)| (&literal[..literal.len().min(FORMAT)], of));
    let stems = names::STEMS
        .split_whitespace()
        .map(|stem| (stem.as_bytes(), Trigger::Stem));
    let rules = structure::RULES.iter().enumerate();
    let rules = rules.flat_map(|(at, rule)| {
        let triggers = rule.triggers.iter();
        triggers.map(move |trigger| (trigger.as_bytes(), Trigger::Structure(at)))
    });
    let blocks = [
        (&b"-----BEGIN "[..], Trigger::Key),
        (&b"---- BEGIN "[..], Trigger::Key),
        (&b"kind: secret"[..], Trigger::Kubernetes),
        (&b"kind: \"secret\""[..], Trigger::Kubernetes),
        (&b"\"kind\": \"secret\""[..], Trigger::KubernetesJson),
        (&b"\"kind\":\"secret\""[..], Trigger::KubernetesJson),
        (&b"insert into"[..], Trigger::Insert),
        (&b"[redacted: too "[..], Trigger::Closed),
    ];
    let (literals, triggers): (Vec<_>, Vec<_>) =
        formats.chain(stems).chain(rules).chain(blocks).unzip();
    let scan = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .kind(Some(AhoCorasickKind::DFA))
        .match_kind(MatchKind::Standard)
        .build(literals)
        .ok()?;
    Some((scan, triggers))
});

/// The text without its secrets; borrowed where there are none. `syntax` says how the file writes values.
pub fn redact(text: &[u8], syntax: Syntax) -> Cow<'_, [u8]> {
    let mut redacted = Cow::Borrowed(text);
    let mut pieces: Vec<_> = std::iter::once(0..text.len()).collect();
    for round in 0..ROUNDS {
        let found = find(&redacted, syntax, &pieces, &Work::of_round(round));
        if found.is_empty() {
            break;
        }
        let (next, around) = replace(&redacted, &found);
        redacted = Cow::Owned(next);
        pieces = around;
    }
    redacted
}

/// A text that is no file, such as a model's answer, without its secrets.
pub fn redact_prose(text: &str) -> Cow<'_, str> {
    match redact(text.as_bytes(), Syntax::Prose) {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        Cow::Owned(redacted) => Cow::Owned(String::from_utf8_lossy(&redacted).into_owned()),
    }
}

/// The text with marks in place of what was found, and what has to be read again: the text around the marks.
fn replace(text: &[u8], found: &Found) -> (Vec<u8>, Vec<Range<usize>>) {
    let mut redacted = Vec::with_capacity(text.len());
    let mut around: Vec<Range<usize>> = Vec::new();
    let mut copied = 0;
    for (place, kind) in found {
        redacted.extend_from_slice(&text[copied..place.start]);
        let start = redacted.len().saturating_sub(AROUND);
        redacted.extend_from_slice(b"[redacted: ");
        redacted.extend_from_slice(kind.as_bytes());
        redacted.push(b']');
        let lines = memchr::memchr_iter(b'\n', &text[place.clone()]).count();
        redacted.resize(redacted.len() + lines, b'\n');
        copied = place.end;
        let end = redacted.len() + AROUND;
        match around.last_mut() {
            // What stands before it has been judged, and it ends its line.
            _ if *kind == TOO_MUCH => {}
            Some(last) if start <= last.end => last.end = end,
            _ => around.push(start..end),
        }
    }
    redacted.extend_from_slice(&text[copied..]);
    for piece in &mut around {
        piece.end = piece.end.min(redacted.len());
    }
    (redacted, around)
}

/// The secrets' places in order, none within another, and their kinds.
fn find(text: &[u8], syntax: Syntax, pieces: &[Range<usize>], work: &Work) -> Found {
    let Some((scan, triggers)) = TRIGGERS.as_ref() else {
        return Vec::new();
    };
    let mut found = Found::new();
    let mut named_to = 0;
    let mut known = assignment::Known::default();
    let mut table_to = 0;
    let mut insert_to = 0;
    let mut secret_to = 0;
    let mut tried_to = vec![0; structure::RULES.len()];
    let mut format_to = vec![0; vendors::SHAPES.len()];
    let is_table = syntax != Syntax::Code;
    let mut unread: Vec<_> = pieces.iter().rev().cloned().collect();
    while let Some(piece) = unread.pop() {
        for hit in scan.find_overlapping_iter(Input::new(text).range(piece.clone())) {
            work.spend(16);
            if work.is_over(hit.start()) {
                let closed_to = line_end(text, text.len().min(hit.start() + CLOSED));
                found.push((hit.start()..closed_to, TOO_MUCH));
                work.resume(closed_to);
                unread.push(closed_to.min(piece.end)..piece.end);
                break;
            }
            match triggers[hit.pattern().as_usize()] {
                Trigger::Format(row) if hit.start() >= format_to[row] => {
                    let (kind, shape) = &vendors::SHAPES[row];
                    let place = shape.matched(text, hit.start(), &mut format_to[row], work);
                    found.extend(place.map(|place| (place, *kind)));
                }
                Trigger::Stem if hit.start() >= named_to => {
                    let context = (syntax, work);
                    named_to = assignment::find(text, hit.start(), context, &mut known, &mut found);
                    if is_table && hit.start() >= table_to {
                        table_to = block::table(text, hit.start(), work, &mut found);
                    }
                }
                Trigger::Structure(row) if hit.start() >= tried_to[row] => {
                    tried_to[row] = try_pattern(text, hit.start(), row, work, &mut found);
                }
                Trigger::Key => {
                    let place = block::private_key(text, hit.start());
                    work.spend(300 + 6 * place.as_ref().map_or(0, ExactSizeIterator::len));
                    found.extend(place.map(|place| (place, "private key")));
                }
                Trigger::Kubernetes if syntax != Syntax::Code && hit.start() >= secret_to => {
                    secret_to = block::kubernetes(text, hit.start(), secret_to, work, &mut found);
                }
                Trigger::KubernetesJson if hit.start() >= secret_to => {
                    secret_to =
                        block::kubernetes_json(text, hit.start(), secret_to, work, &mut found);
                }
                Trigger::Insert if hit.start() >= insert_to => {
                    work.spend(800);
                    insert_to = block::insert(text, hit.start(), work, &mut found);
                }
                Trigger::Closed => work.resume(hit.end()),
                _ => {}
            }
        }
    }
    for piece in pieces {
        block::lone(text, piece.clone(), &mut found);
    }
    merged(text, found)
}

/// The end of the line that has `at`.
fn line_end(text: &[u8], at: usize) -> usize {
    memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |line| at + line)
}

/// Tries a pattern on what is around a trigger; returns to where it has been tried.
fn try_pattern(text: &[u8], at: usize, row: usize, work: &Work, found: &mut Found) -> usize {
    let rule = &structure::RULES[row];
    let Some(pattern) = rule.pattern() else {
        return text.len();
    };
    let back = at.saturating_sub(BACK);
    let start = memchr::memrchr(b'\n', &text[back..at]).map_or(back, |line| back + line + 1);
    let forth = text.len().min(at + FORTH);
    let end = match rule.spans_lines {
        true => forth,
        false => memchr::memchr(b'\n', &text[at..forth]).map_or(forth, |line| at + line),
    };
    work.spend(20 + (end - start) / 8);
    let window = &text[start..end];
    let behind = &text[at..end];
    if rule
        .needs
        .is_some_and(|byte| memchr::memchr(byte, behind).is_none())
    {
        return end.max(at + 1);
    }
    let each = if rule.spans_lines { 12 } else { 4 };
    work.spend(100 + each * (end - start));
    for captures in pattern.captures_iter(window) {
        work.spend(400);
        let secret = ["s", "t", "u"].iter().find_map(|name| captures.name(name));
        if let Some(secret) = secret
            && rule.proof.holds(secret.as_bytes())
        {
            found.push((start + secret.start()..start + secret.end(), rule.kind));
        }
    }
    end.max(at + 1)
}

/// In order, overlapping ones as one, and without what only touches a mark that stands there already.
fn merged(text: &[u8], mut found: Found) -> Found {
    found.retain(|(place, _)| {
        let inner = &text[place.clone()];
        !inner.is_empty() && !is_mark(text, place)
    });
    // Stable: of two rules that begin at one place, the one found first names it.
    found.sort_by_key(|(place, _)| place.start);
    let mut merged = Found::new();
    for (place, kind) in found {
        match merged.last_mut() {
            Some((last, _)) if place.start < last.end => last.end = last.end.max(place.end),
            _ => merged.push((place, kind)),
        }
    }
    merged
}

/// Whether a place lies within `[redacted: …]`.
fn is_mark(text: &[u8], place: &Range<usize>) -> bool {
    let back = &text[place.start.saturating_sub(48)..place.start];
    let open = memchr::memmem::rfind(back, b"[redacted: ");
    let within = open.is_some_and(|open| !back[open..].contains(&b']'));
    let inner = &text[place.clone()];
    let starts = inner.starts_with(b"[redacted: ")
        && memchr::memchr(b']', inner).is_none_or(|close| close + 1 == inner.len());
    within || starts
}
