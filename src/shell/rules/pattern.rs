//! One line of an ignore file, and matching of paths against it, with exactly git's semantics.
//!
//! Does not touch the disk. It does not use the globs of another crate because those read `{a,b}`, classes, trailing
//! blanks and non-UTF-8 bytes differently, and a file that git sees must not be missed here.

use super::glob::{Flaw, check, expand_braces, matches_glob};

/// One pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    /// `!`: a match is included again.
    negated: bool,
    /// Trailing `/`: matches directories only.
    directories_only: bool,
    /// Contains a `/` before its end: matched against the whole path, not only the name.
    whole_path: bool,
    glob: Glob,
}

/// The cheapest way to match the pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Glob {
    Literal(Box<[u8]>),
    /// `*` and a literal, matched against a name.
    Suffix(Box<[u8]>),
    /// Matched against a name.
    Name(Box<[u8]>),
    /// Matched against a path: the literal prefix, and the rest. git matches the rest as a glob of its own, so the
    /// stars in `a**/b` are at its beginning.
    Path(Box<[u8]>, Box<[u8]>),
}

impl Pattern {
    /// The pattern of one line without its line feed; `None` for a comment or a blank line.
    pub(super) fn parse(line: &[u8]) -> Result<Option<Self>, Flaw> {
        let mut text = without_trailing_blanks(line);
        if text.is_empty() || text[0] == b'#' {
            return Ok(None);
        }
        let negated = text[0] == b'!';
        text = &text[usize::from(negated)..];
        let directories_only = text.last() == Some(&b'/');
        text = &text[..text.len() - usize::from(directories_only)];
        let whole_path = text.contains(&b'/');
        if text.first() == Some(&b'/') {
            text = &text[1..];
        }
        if text.is_empty() {
            return Ok(None);
        }
        check(text)?;
        let special = |bytes: &[u8]| bytes.iter().position(|byte| b"*?[\\".contains(byte));
        let glob = match special(text) {
            None => Glob::Literal(text.into()),
            Some(at) if whole_path => Glob::Path(text[..at].into(), text[at..].into()),
            Some(0) if text[0] == b'*' && special(&text[1..]).is_none() => {
                Glob::Suffix(text[1..].into())
            }
            Some(_) => Glob::Name(text.into()),
        };
        Ok(Some(Self {
            negated,
            directories_only,
            whole_path,
            glob,
        }))
    }

    /// Whether it matches `path`, which is relative to the directory of the rule file.
    pub(super) fn matches(&self, path: &[u8], is_directory: bool) -> bool {
        if self.directories_only && !is_directory {
            return false;
        }
        let text = if self.whole_path { path } else { name_of(path) };
        match &self.glob {
            Glob::Literal(literal) => text == &literal[..],
            Glob::Suffix(suffix) => text.ends_with(suffix),
            Glob::Name(glob) => matches_glob(glob, text, false),
            Glob::Path(start, glob) => text
                .strip_prefix(&start[..])
                .is_some_and(|rest| matches_glob(glob, rest, true)),
        }
    }
}

/// The patterns of one file with their 1-based lines, in order. The last match decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PatternList(Vec<(u32, Pattern)>);

/// What a list says of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Whether the path is ignored or, by a negated pattern, included again.
    pub(super) ignored: bool,
    /// The pattern's line in its file, 1-based.
    pub(super) line: u32,
}

impl PatternList {
    /// Parses a file. Lines that can never match are dropped, as git does. With `ignore_case`, the patterns are for
    /// lower-case paths.
    pub(super) fn parse(bytes: &[u8], ignore_case: bool) -> Self {
        let folded;
        let bytes = match ignore_case {
            true => {
                folded = folded_pattern(bytes);
                &folded
            }
            false => bytes,
        };
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let lines = bytes.split(|&byte| byte == b'\n');
        let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let patterns = (1..).zip(lines).filter_map(|(number, line)| {
            let pattern = Pattern::parse(line).ok().flatten();
            pattern.map(|pattern| (number, pattern))
        });
        Self(patterns.collect())
    }

    /// Parses a list of globs; `{a,b}` expands to both. An invalid one is returned with its flaw.
    pub(super) fn of_globs(globs: &[String]) -> Result<Self, (String, Flaw)> {
        let mut patterns = Vec::new();
        for (number, glob) in (1..).zip(globs) {
            let flawed = |flaw| (glob.clone(), flaw);
            for one in expand_braces(glob).map_err(flawed)? {
                let pattern = Pattern::parse(one.as_bytes()).map_err(flawed)?;
                patterns.extend(pattern.map(|pattern| (number, pattern)));
            }
        }
        Ok(Self(patterns))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `Some(true)`: ignored; `Some(false)`: included again; `None`: no pattern matches.
    pub(super) fn verdict(&self, path: &[u8], is_directory: bool) -> Option<bool> {
        self.decide(path, is_directory)
            .map(|verdict| verdict.ignored)
    }

    /// The same with the line that decides; of a list of globs, the glob's number.
    pub(super) fn decide(&self, path: &[u8], is_directory: bool) -> Option<Verdict> {
        let mut latest_first = self.0.iter().rev();
        let found = latest_first.find(|(_, pattern)| pattern.matches(path, is_directory));
        found.map(|(line, pattern)| Verdict {
            ignored: !pattern.negated,
            line: *line,
        })
    }
}

/// Lower-cases patterns, classes of capital letters included.
fn folded_pattern(bytes: &[u8]) -> Vec<u8> {
    let mut folded = bytes.to_ascii_lowercase();
    let capital = b"[:upper:]";
    for at in 0..folded.len() {
        if folded[at..].starts_with(capital) {
            folded[at..at + capital.len()].copy_from_slice(b"[:lower:]");
        }
    }
    folded
}

/// The last name of a path.
fn name_of(path: &[u8]) -> &[u8] {
    path.rsplit(|&byte| byte == b'/').next().unwrap_or(path)
}

/// Trailing blanks do not count unless a backslash escapes them; tabs do.
fn without_trailing_blanks(line: &[u8]) -> &[u8] {
    let mut end = 0;
    let mut at = 0;
    while at < line.len() {
        let held = line[at] == b'\\' && at + 1 < line.len();
        if line[at] != b' ' {
            end = at + 1 + usize::from(held);
        }
        at += 1 + usize::from(held);
    }
    &line[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(pattern: &str, path: &str) -> bool {
        let list = PatternList::parse(pattern.as_bytes(), false);
        list.verdict(path.as_bytes(), false) == Some(true)
    }

    #[test]
    fn names_and_whole_paths() {
        assert!(matched("*.pyc", "a/b.pyc"));
        assert!(matched("b", "a/b"));
        assert!(!matched("/b", "a/b"));
        assert!(matched("a/*/c", "a/x/c"));
        assert!(!matched("a/*/c", "a/x/y/c"));
        assert!(matched("a/**/c", "a/c"));
        assert!(matched("a/**/c", "a/x/y/c"));
        assert!(matched("**/x/c", "x/c"));
        assert!(matched("a/**", "a/b/c"));
        assert!(!matched("a/**", "a"));
        assert!(matched("a**/d", "ad") && matched("a**/d", "ax/d"));
        assert!(!matched("?**c/d", "a/c/d"));
        assert!(matched("*a*b*c*", "xaxbxcx"));
        assert!(!matched("a?b", "a/b"));
        assert!(!matched("x/a[!x]b", "x/a/b"));
    }

    #[test]
    fn classes_blanks_and_marks() {
        assert!(matched("[]-]", "]"));
        assert!(matched("[[:digit:]-x]", "-"));
        assert!(matched("[!a-c]", "d"));
        assert!(matched("a\\ ", "a "));
        assert!(matched("a  ", "a"));
        assert!(!matched("a\t", "a"));
        assert!(matched("\\#a", "#a"));
        assert!(matched("\u{feff}a\r\n", "a"));
        assert!(matched("*.{a,b}", "x.{a,b}"));
        assert!(!matched("*.{a,b}", "x.a"));
        assert_eq!(Pattern::parse(b"a[b"), Err(Flaw::UnclosedClass));
        assert_eq!(Pattern::parse(b"a\\"), Err(Flaw::TrailingBackslash));
        assert_eq!(Pattern::parse(b"[[:no:]]"), Err(Flaw::UnknownClass));
    }

    #[test]
    fn many_stars_match_quickly() {
        let pattern = "*a".repeat(200) + "b";
        assert!(!matched(&pattern, &"a".repeat(4000)));
    }
}
