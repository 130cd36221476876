//! Matches git's globs and finds flaws in them. Works on bytes; lines and files are handled in `pattern`.

/// Why a pattern can never match anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    UnclosedClass,
    UnknownClass,
    TrailingBackslash,
    UnclosedBrace,
    TooManyBraces,
}

/// Maximum number of globs that the braces of one glob may expand to.
const MOST_CHOICES: usize = 1_000;

impl Flaw {
    /// The flaw in words, to follow the glob.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::UnclosedClass => "its `[` is never closed",
            Self::UnknownClass => "it names an unknown character class",
            Self::TrailingBackslash => "it ends in a lone backslash",
            Self::UnclosedBrace => "its `{` is never closed",
            Self::TooManyBraces => "its braces stand for more than 1,000 globs",
        }
    }
}

/// Finds the flaws that make git treat a pattern as matching nothing.
pub(super) fn check(glob: &[u8]) -> Result<(), Flaw> {
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

/// Matches `byte` against the class that opens at `glob[open]`. Returns whether it is a member, and where the pattern
/// continues.
fn class(glob: &[u8], open: usize, byte: u8) -> Result<(bool, usize), Flaw> {
    let get = |at: usize| glob.get(at).copied().ok_or(Flaw::UnclosedClass);
    let mut at = open + 1;
    let negated = matches!(get(at)?, b'!' | b'^');
    at += usize::from(negated);
    let mut found = false;
    let mut low: Option<u8> = None;
    // A leading `]` is an ordinary member.
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

/// POSIX classes, for ASCII.
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

/// Where to continue after a mismatch: the position in the glob, and the position in the text that the star reached.
type Retry = Option<(usize, usize)>;

/// Matches the whole of `text` against a checked glob. With `by_names`, `*`, `?` and classes do not match `/`; only a
/// `**` that is a whole path component does.
///
/// Two backtracking positions are enough, so the time is bounded by the product of the lengths: a later star in the
/// same component can match anything that an earlier one would have matched, and a later `**` replaces everything
/// before it.
pub(super) fn matches_glob(glob: &[u8], text: &[u8], by_names: bool) -> bool {
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

/// Matches one byte with the element at `glob[g]`, which is not a star. Returns where the glob continues.
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

/// Expands `a{b,c}d` to `abd` and `acd`, nested braces included.
pub(super) fn expand_braces(glob: &str) -> Result<Vec<String>, Flaw> {
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
                    if all.len() > MOST_CHOICES {
                        return Err(Flaw::TooManyBraces);
                    }
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

    #[test]
    fn braces_are_expanded() {
        let globs = |text: &str| expand_braces(text);
        assert_eq!(
            globs("a{b,c{d,e}}f"),
            Ok(vec!["abf".into(), "acdf".into(), "acef".into()])
        );
        assert_eq!(globs("a\\{b"), Ok(vec!["a\\{b".into()]));
        assert_eq!(globs("a{b"), Err(Flaw::UnclosedBrace));
        assert_eq!(globs(&"{a,b}".repeat(40)), Err(Flaw::TooManyBraces));
    }
}
