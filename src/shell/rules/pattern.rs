//! One line of an ignore file, and how a path is held against it: git's meaning of it, byte for byte.
//!
//! It never touches the disk. It is written for this room because the globs of other crates read `{a,b}`, classes,
//! trailing blanks and bytes that are not UTF-8 in their own way, and a file that git sees must not be missed here.

/// One pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    /// `!`: what it matches is taken back in.
    negated: bool,
    /// A trailing `/`: it matches directories only.
    directories_only: bool,
    /// It has a `/` before its end: it is held against the whole path and not against the name alone.
    whole_path: bool,
    glob: Glob,
}

/// The cheapest way to hold the pattern against a text.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Glob {
    Literal(Box<[u8]>),
    /// `*` and a literal, held against a name.
    Suffix(Box<[u8]>),
    /// Held against a name.
    Name(Box<[u8]>),
    /// Held against a path: the part without specials, and the rest. git matches the rest as a glob of its own, so
    /// that in `a**/b` the stars stand at a beginning.
    Path(Box<[u8]>, Box<[u8]>),
}

/// Why a pattern can never match anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    UnclosedClass,
    UnknownClass,
    TrailingBackslash,
    UnclosedBrace,
}

impl Flaw {
    /// The flaw in words, to follow the pattern itself.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::UnclosedClass => "its `[` is never closed",
            Self::UnknownClass => "it names an unknown character class",
            Self::TrailingBackslash => "it ends in a lone backslash",
            Self::UnclosedBrace => "its `{` is never closed",
        }
    }
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

    /// Whether it matches `path`, which is relative to the directory that the pattern speaks of.
    fn matches(&self, path: &[u8], is_directory: bool) -> bool {
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

/// The patterns of one file, in its order: the last that matches decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PatternList(Vec<Pattern>);

impl PatternList {
    /// The patterns of a file's bytes. Lines that can never match anything are left out, as git does.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let lines = bytes.split(|&byte| byte == b'\n');
        let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        Self(
            lines
                .filter_map(|line| Pattern::parse(line).ok().flatten())
                .collect(),
        )
    }

    /// The patterns of a list of globs; `{a,b}` stands for both. A flawed one is an error, with the glob itself.
    pub(super) fn of_globs(globs: &[String]) -> Result<Self, (String, Flaw)> {
        let mut patterns = Vec::new();
        for glob in globs {
            let flawed = |flaw| (glob.clone(), flaw);
            for one in expand_braces(glob).map_err(flawed)? {
                patterns.extend(Pattern::parse(one.as_bytes()).map_err(flawed)?);
            }
        }
        Ok(Self(patterns))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `Some(true)`: ignored; `Some(false)`: taken back in; `None`: no pattern speaks of it.
    pub(super) fn verdict(&self, path: &[u8], is_directory: bool) -> Option<bool> {
        let mut latest_first = self.0.iter().rev();
        latest_first
            .find(|pattern| pattern.matches(path, is_directory))
            .map(|pattern| !pattern.negated)
    }
}

/// The last name of a path.
fn name_of(path: &[u8]) -> &[u8] {
    path.rsplit(|&byte| byte == b'/').next().unwrap_or(path)
}

/// Blanks at the end do not count unless a backslash holds them; tabs do.
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

/// Finds the flaws for which git never lets a pattern match.
fn check(glob: &[u8]) -> Result<(), Flaw> {
    let mut at = 0;
    while at < glob.len() {
        match glob[at] {
            b'\\' if at + 1 == glob.len() => return Err(Flaw::TrailingBackslash),
            b'\\' => at += 2,
            b'[' => at = class(glob, at, b'x')?.1,
            _ => at += 1,
        }
    }
    Ok(())
}

/// Holds `byte` against the class that opens at `glob[open]`: whether it is in it, and where the pattern goes on.
fn class(glob: &[u8], open: usize, byte: u8) -> Result<(bool, usize), Flaw> {
    let get = |at: usize| glob.get(at).copied().ok_or(Flaw::UnclosedClass);
    let mut at = open + 1;
    let negated = matches!(get(at)?, b'!' | b'^');
    at += usize::from(negated);
    let mut found = false;
    let mut low: Option<u8> = None;
    // A `]` that comes first is an ordinary member.
    let first = at;
    loop {
        match get(at)? {
            b']' if at > first => return Ok((found != negated, at + 1)),
            b'-' if low.is_some() && get(at + 1)? != b']' => {
                at += 1;
                if get(at)? == b'\\' {
                    at += 1;
                }
                let high = get(at)?;
                found |= low.is_some_and(|low| (low..=high).contains(&byte));
                low = None;
            }
            b'[' if get(at + 1)? == b':' => {
                let rest = &glob[at + 2..];
                let length = rest
                    .iter()
                    .position(|&byte| byte == b']')
                    .ok_or(Flaw::UnclosedClass)?;
                match rest[..length].strip_suffix(b":") {
                    Some(name) => {
                        found |= named_class(name, byte).ok_or(Flaw::UnknownClass)?;
                        at += 2 + length;
                        low = None;
                    }
                    None => {
                        found |= byte == b'[';
                        low = Some(b'[');
                    }
                }
            }
            mut member => {
                if member == b'\\' {
                    at += 1;
                    member = get(at)?;
                }
                found |= byte == member;
                low = Some(member);
            }
        }
        at += 1;
    }
}

/// The classes of POSIX, for ASCII.
fn named_class(name: &[u8], byte: u8) -> Option<bool> {
    Some(match name {
        b"alnum" => byte.is_ascii_alphanumeric(),
        b"alpha" => byte.is_ascii_alphabetic(),
        b"blank" => matches!(byte, b' ' | b'\t'),
        b"cntrl" => byte.is_ascii_control(),
        b"digit" => byte.is_ascii_digit(),
        b"graph" => byte.is_ascii_graphic(),
        b"lower" => byte.is_ascii_lowercase(),
        b"print" => byte == b' ' || byte.is_ascii_graphic(),
        b"punct" => byte.is_ascii_punctuation(),
        b"space" => byte == 0x0b || byte.is_ascii_whitespace(),
        b"upper" => byte.is_ascii_uppercase(),
        b"xdigit" => byte.is_ascii_hexdigit(),
        _ => return None,
    })
}

/// Where to go on after a mismatch: the place in the glob, and the place in the text that the star reached.
type Retry = Option<(usize, usize)>;

/// Holds the whole of `text` against a checked glob. With `by_names`, `*`, `?` and classes stop at a `/`, and only a
/// `**` that fills a name crosses it.
///
/// Two places to go back to are enough, so the time is bounded by the product of the lengths: a later star of the
/// same name can take over whatever an earlier one would have taken, and so can a later `**` for all before it.
fn matches_glob(glob: &[u8], text: &[u8], by_names: bool) -> bool {
    let (mut star, mut names): (Retry, Retry) = (None, None);
    let (mut g, mut t) = (0, 0);
    loop {
        if glob.get(g) == Some(&b'*') {
            let start = g;
            while glob.get(g) == Some(&b'*') {
                g += 1;
            }
            let opens = start == 0 || glob[start - 1] == b'/';
            if by_names && g - start > 1 && opens && g == glob.len() {
                return true;
            }
            if by_names && g - start > 1 && opens && glob[g] == b'/' {
                g += 1;
                (names, star) = (Some((g, t)), None);
            } else {
                star = Some((g, t));
            }
            continue;
        }
        if g == glob.len() && t == text.len() {
            return true;
        }
        if let Some(next) = step(glob, g, text.get(t).copied(), by_names) {
            (g, t) = (next, t + 1);
            continue;
        }
        if let Some((after, reached)) = star
            && reached < text.len()
            && !(by_names && text[reached] == b'/')
        {
            star = Some((after, reached + 1));
            (g, t) = (after, reached + 1);
            continue;
        }
        let Some((after, reached)) = names else {
            return false;
        };
        let Some(slash) = text[reached..].iter().position(|&byte| byte == b'/') else {
            return false;
        };
        (names, star) = (Some((after, reached + slash + 1)), None);
        (g, t) = (after, reached + slash + 1);
    }
}

/// Matches one byte with what stands at `glob[g]`, which is no star: where the glob goes on.
fn step(glob: &[u8], g: usize, byte: Option<u8>, by_names: bool) -> Option<usize> {
    let byte = byte?;
    match *glob.get(g)? {
        b'?' => (!by_names || byte != b'/').then_some(g + 1),
        b'[' => match class(glob, g, byte) {
            Ok((true, next)) if !by_names || byte != b'/' => Some(next),
            _ => None,
        },
        b'\\' => (glob.get(g + 1) == Some(&byte)).then_some(g + 2),
        literal => (literal == byte).then_some(g + 1),
    }
}

/// `a{b,c}d` as `abd` and `acd`; inner braces too.
fn expand_braces(glob: &str) -> Result<Vec<String>, Flaw> {
    let mut depth = 0_usize;
    let mut open = 0;
    let mut cuts = Vec::new();
    let mut held = false;
    for (at, character) in glob.char_indices() {
        if std::mem::take(&mut held) {
            continue;
        }
        match character {
            '\\' => held = true,
            '{' => {
                depth += 1;
                if depth == 1 {
                    open = at;
                    cuts = vec![at];
                }
            }
            ',' if depth == 1 => cuts.push(at),
            '}' if depth == 1 => {
                cuts.push(at);
                let (head, tail) = (&glob[..open], &glob[at + 1..]);
                let choices = cuts.windows(2).map(|cut| &glob[cut[0] + 1..cut[1]]);
                let mut all = Vec::new();
                for choice in choices {
                    all.extend(expand_braces(&format!("{head}{choice}{tail}"))?);
                }
                return Ok(all);
            }
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    if depth > 0 {
        return Err(Flaw::UnclosedBrace);
    }
    Ok(vec![glob.to_owned()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(pattern: &str, path: &str) -> bool {
        let list = PatternList::parse(pattern.as_bytes());
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
    fn a_long_run_of_stars_takes_no_long_time() {
        let pattern = "*a".repeat(200) + "b";
        assert!(!matched(&pattern, &"a".repeat(4000)));
    }

    #[test]
    fn braces_of_configured_globs_are_opened() {
        let globs = |text: &str| expand_braces(text);
        assert_eq!(
            globs("a{b,c{d,e}}f"),
            Ok(vec!["abf".into(), "acdf".into(), "acef".into()])
        );
        assert_eq!(globs("a\\{b"), Ok(vec!["a\\{b".into()]));
        assert_eq!(globs("a{b"), Err(Flaw::UnclosedBrace));
    }
}
