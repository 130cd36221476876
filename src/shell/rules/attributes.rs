//! The attributes of `.gitattributes` by which people say what a file is: generated, vendored, documentation.

use super::pattern::Pattern;
use crate::model::policy::Policy;

/// The file's name.
pub(super) const FILE: &str = ".gitattributes";

/// The attributes, and what they say where they are set. The first that is set decides.
const KNOWN: [(&[u8], Policy); 3] = [
    (b"linguist-generated", Policy::Generated),
    (b"linguist-vendored", Policy::Vendored),
    (b"linguist-documentation", Policy::Documentation),
];

/// What is known of each attribute of a path: `None`: not yet.
pub(super) type Found = [Option<bool>; KNOWN.len()];

/// The lines of one file that are about these attributes, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct AttributeList(Vec<(Pattern, Found)>);

impl AttributeList {
    /// Parses a file. Macros and patterns that can never match are skipped, as git does.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let lines = bytes.split(|&byte| byte == b'\n');
        Self(lines.filter_map(line).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Completes what is known of a path, which is relative to the file's folder.
    pub(super) fn complete(&self, path: &[u8], found: &mut Found) {
        for (pattern, said) in self.0.iter().rev() {
            let news = found
                .iter()
                .zip(said)
                .any(|(known, said)| known.is_none() && said.is_some());
            if news && pattern.matches(path, false) {
                for (known, said) in found.iter_mut().zip(said) {
                    *known = known.or(*said);
                }
            }
        }
    }
}

/// What attributes say of a file.
pub(super) fn policy(found: &Found) -> Policy {
    let set = found
        .iter()
        .zip(KNOWN)
        .find(|(known, _)| **known == Some(true));
    match set {
        Some((_, (_, policy))) => policy,
        None if found.contains(&Some(false)) => Policy::Source,
        None => Policy::None,
    }
}

fn line(line: &[u8]) -> Option<(Pattern, Found)> {
    let line = line.trim_ascii();
    if line.starts_with(b"[attr]") || line.starts_with(b"!") {
        return None;
    }
    let (pattern, rest) = match line.strip_prefix(b"\"") {
        Some(quoted) => {
            let end = quoted.iter().position(|&byte| byte == b'"')?;
            (&quoted[..end], &quoted[end + 1..])
        }
        None => {
            let end = line.iter().position(u8::is_ascii_whitespace)?;
            (&line[..end], &line[end..])
        }
    };
    let mut found = Found::default();
    for word in rest.split(u8::is_ascii_whitespace) {
        let (name, value) = match word.split_first() {
            Some((b'-' | b'!', name)) => (name, false),
            _ => {
                let mut parts = word.splitn(2, |&byte| byte == b'=');
                let name = parts.next().unwrap_or_default();
                (name, !matches!(parts.next(), Some(b"false" | b"0" | b"no")))
            }
        };
        for ((known, _), found) in KNOWN.iter().zip(&mut found) {
            if *known == name {
                *found = Some(value);
            }
        }
    }
    let says_something = found.iter().any(Option::is_some);
    let pattern = Pattern::parse(pattern).ok().flatten();
    pattern
        .filter(|_| says_something)
        .map(|pattern| (pattern, found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_about_an_attribute_decides() {
        let list = AttributeList::parse(
            b"*.go linguist-generated\ngen/** linguist-generated=true text\nreal.go -linguist-generated\n\
              \"a b/*\" linguist-vendored\ndocs/* linguist-documentation=false\n[attr]x linguist-generated\n",
        );
        for (path, expected) in [
            ("x.go", Policy::Generated),
            ("gen/a/b.txt", Policy::Generated),
            ("real.go", Policy::Source),
            ("a b/c", Policy::Vendored),
            ("docs/a.md", Policy::Source),
            ("other", Policy::None),
        ] {
            let mut found = Found::default();
            list.complete(path.as_bytes(), &mut found);
            assert_eq!(policy(&found), expected, "{path}");
        }
    }
}
