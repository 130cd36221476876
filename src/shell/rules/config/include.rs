//! The conditions of `includeIf`; see git-config(1).

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::shell::rules::files::read_small;
use crate::shell::rules::git::Place;
use crate::shell::rules::glob::{check, matches_glob};

/// A condition.
pub(super) enum Condition<'a> {
    /// The git directory matches; `fold`: ignore case.
    GitDirectory { pattern: &'a [u8], fold: bool },
    /// The checked-out branch matches.
    OnBranch(&'a [u8]),
    /// A remote has a matching URL.
    HasRemote(&'a [u8]),
}

impl<'a> Condition<'a> {
    /// `None` for an unknown condition.
    pub(super) fn parse(text: &'a [u8]) -> Option<Self> {
        let after = |mark: &[u8]| text.strip_prefix(mark);
        let at = |pattern, fold| Self::GitDirectory { pattern, fold };
        None.or_else(|| Some(at(after(b"gitdir:")?, false)))
            .or_else(|| Some(at(after(b"gitdir/i:")?, true)))
            .or_else(|| Some(Self::OnBranch(after(b"onbranch:")?)))
            .or_else(|| Some(Self::HasRemote(after(b"hasconfig:remote.*.url:")?)))
    }
}

/// Whether a text matches a path pattern.
pub(super) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    check(pattern).is_ok() && matches_glob(pattern, text, true)
}

/// Whether the git directory matches a condition in `file`.
pub(super) fn is_at(
    place: &Place,
    pattern: &[u8],
    fold: bool,
    home: Option<&Path>,
    file: &Path,
) -> bool {
    // The prefix that `./` and `~/` stand for is literal.
    let (start, pattern) = if let Some(rest) = pattern.strip_prefix(b"~/") {
        let Some(home) = home else { return false };
        (real(home), [b"/", rest].concat())
    } else if let Some(rest) = pattern.strip_prefix(b"./") {
        let Some(folder) = file.parent() else {
            return false;
        };
        (real(folder), [b"/", rest].concat())
    } else if pattern.starts_with(b"/") {
        (Vec::new(), pattern.to_vec())
    } else {
        (Vec::new(), [b"**/", pattern].concat())
    };
    let pattern = with_all_below(pattern);
    let folded = |bytes: &[u8]| match fold {
        true => bytes.to_ascii_lowercase(),
        false => bytes.to_vec(),
    };
    let as_written = place.own.as_os_str().as_bytes().to_vec();
    [real(&place.own), as_written].iter().any(|text| {
        let text = folded(text);
        let rest = text.strip_prefix(&*folded(&start));
        rest.is_some_and(|rest| matches(&folded(&pattern), rest))
    })
}

/// Whether the checked-out branch matches.
pub(super) fn is_on_branch(place: &Place, pattern: &[u8]) -> bool {
    let head = read_small(&place.own.join("HEAD"), true).unwrap_or_default();
    let name = head.strip_prefix(b"ref:").map(<[u8]>::trim_ascii);
    let branch = name.and_then(|name| name.strip_prefix(b"refs/heads/"));
    branch.is_some_and(|branch| matches(&with_all_below(pattern.to_vec()), branch))
}

/// A trailing slash matches everything below.
fn with_all_below(mut pattern: Vec<u8>) -> Vec<u8> {
    if pattern.ends_with(b"/") {
        pattern.extend(b"**");
    }
    pattern
}

fn real(path: &Path) -> Vec<u8> {
    let real = path.canonicalize();
    let path = real.as_deref().unwrap_or(path);
    path.as_os_str().as_bytes().to_vec()
}
