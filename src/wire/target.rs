//! Paths and globs as people and agents write them, read as what they can only mean.
//!
//! `src/a.py`, `./src/a.py`, `a/../b`, `~/x`, `@src/a.py`, `src\a.py`, `file:///r/src/a.py`, `src/a.py:42`,
//! `src/a.py#L3-L9`, `src/a.py:Class.method`. A name that exists as written always wins over another reading of it.
//! This module only rewrites text; whether a path exists is the caller's to say.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::percent;
use super::protocol::Node;
use crate::model::outline::Element;

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spot {
    /// A line, 1-based.
    Line(u32),
    /// A definition, by its name or qualified name.
    Symbol(String),
}

/// A file or folder, and perhaps a place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Absolute, without `.` and `..`; symbolic links are not resolved.
    pub path: PathBuf,
    /// The line or definition that was named with it.
    pub spot: Option<Spot>,
}

/// What relative paths start from.
#[derive(Clone, Copy, Debug)]
pub struct Base<'b> {
    /// The folder of a relative path.
    pub folder: &'b Path,
    /// The folder that `~` means.
    pub home: Option<&'b Path>,
}

impl Base<'_> {
    /// The target that `text` names: of its readings, the first that `exists`, else the most plausible one.
    pub fn resolve(&self, text: &str, exists: impl Fn(&Path) -> bool) -> Target {
        let mut readings = self.readings(text);
        let found = readings.iter().position(|one| exists(&one.path));
        readings.swap_remove(found.unwrap_or(readings.len() - 1))
    }

    /// All readings of `text`, the literal one first; at least one.
    fn readings(&self, text: &str) -> Vec<Target> {
        let mut texts = vec![text.to_owned()];
        let mut add = |next: Option<String>| {
            if let Some(next) = next.filter(|next| !texts.contains(next)) {
                texts.push(next);
            }
            texts.last().cloned().unwrap_or_default()
        };
        let now = add(Some(unquoted(text)));
        // `file:src/a.py` is no address by the rules, and means that path.
        add(relative_uri(&now));
        let now = add(from_uri(&now).or(Some(now)));
        let now = add(now
            .strip_prefix('@')
            .filter(|rest| !rest.is_empty())
            .map(str::to_owned)
            .or(Some(now)));
        let now = add((now.contains('\\'))
            .then(|| now.replace('\\', "/"))
            .or(Some(now)));
        // `src/a.py:3:` begins the line of a compiler or of grep.
        let now = add(Some(now.trim_end_matches([':', ',']).to_owned()));
        // Clients build `src/a%20b.py` from an address.
        let decoded = percent::decode(&now.replace('+', "%2B"));
        add(decoded
            .filter(|_| now.contains('%'))
            .and_then(|bytes| String::from_utf8(bytes).ok()));

        let mut readings: Vec<Target> = Vec::new();
        for text in &texts {
            let path = self.absolute(text);
            readings.push(Target { path, spot: None });
        }
        for text in &texts {
            // `a.py:42:7` has two tails, the innermost path last.
            let mut rest = text.as_str();
            let mut inner = None;
            while let Some((path, spot)) = split_spot(rest) {
                inner = match (spot, inner) {
                    // `a.py:42:7`: the 7 is a column.
                    (Spot::Line(line), _) => Some(Spot::Line(line)),
                    (Spot::Symbol(outer), Some(Spot::Symbol(name))) => {
                        Some(Spot::Symbol(format!("{outer}::{name}")))
                    }
                    (spot, None) => Some(spot),
                    (_, Some(line)) => Some(line),
                };
                readings.push(Target {
                    path: self.absolute(path),
                    spot: inner.clone(),
                });
                rest = path;
            }
        }
        readings
    }

    /// The path made absolute and cleaned by its text alone.
    fn absolute(&self, text: &str) -> PathBuf {
        let written = match (text, self.home) {
            ("~", Some(home)) => home.to_path_buf(),
            (text, Some(home)) if text.starts_with("~/") => home.join(&text[2..]),
            (text, Some(home)) if text.starts_with("$HOME/") => home.join(&text[6..]),
            (text, _) => self.folder.join(text),
        };
        clean_path(&written)
    }
}

/// The path without `.`, `..` and a slash at its end.
pub fn clean_path(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                if matches!(clean.components().next_back(), Some(Component::Normal(_))) {
                    clean.pop();
                }
            }
            part => clean.push(part),
        }
    }
    clean
}

/// Why a glob cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outside;

impl Base<'_> {
    /// A glob relative to `root`, which need not be this base's folder. One that starts at an absolute path is made
    /// relative; one outside of the root is refused. `canonical` resolves the links of a path.
    pub fn glob(
        &self,
        text: &str,
        root: &Path,
        canonical: impl Fn(&Path) -> PathBuf,
    ) -> Result<String, Outside> {
        let text = unquoted(text);
        let text = from_uri(&text).unwrap_or(text);
        let text = match text.strip_prefix('@') {
            Some(rest) if !rest.is_empty() => rest.to_owned(),
            _ => text,
        };
        let text = separators(&text);
        let text = match (text.strip_prefix("~/"), self.home) {
            (Some(rest), Some(home)) => format!("{}/{rest}", home.display()),
            _ => text,
        };
        let folder_only = text.ends_with('/');
        if let Some(below) = text.strip_prefix('/') {
            // `/src/**` means the root's `src`, as in .gitignore, unless it is a real absolute path.
            let whole = clean_path(Path::new(&text));
            let literal = literal_prefix(&text);
            let resolved = whole
                .strip_prefix(clean_path(&literal))
                .map(|rest| clean_path(&canonical(&literal).join(rest)));
            let below_root = [Some(whole.clone()), resolved.ok()]
                .into_iter()
                .flatten()
                .find_map(|path| Some(path.strip_prefix(root).ok()?.to_path_buf()));
            if let Some(rest) = below_root {
                return Ok(anchored(&rest, folder_only));
            }
            let top = below.split('/').next().unwrap_or_default();
            let elsewhere = !root.join(top).exists() && Path::new("/").join(top).exists();
            return match elsewhere {
                true => Err(Outside),
                false => Ok(text),
            };
        }
        if !text.split('/').any(|part| part == "." || part == "..") {
            return Ok(text);
        }
        let whole = clean_path(&self.folder.join(&text));
        match whole.strip_prefix(root) {
            Ok(rest) => Ok(anchored(rest, folder_only)),
            Err(_) => Err(Outside),
        }
    }
}

/// A cleaned path as a glob that starts at the root.
fn anchored(rest: &Path, folder_only: bool) -> String {
    let text = rest.to_string_lossy();
    match (text.is_empty(), folder_only) {
        (true, _) => "**".to_owned(),
        (false, true) => format!("/{text}/"),
        (false, false) => format!("/{text}"),
    }
}

/// The part of a glob before its first wildcard.
fn literal_prefix(text: &str) -> PathBuf {
    let parts = text
        .split('/')
        .take_while(|part| !part.contains(['*', '?', '[', '{']));
    PathBuf::from(parts.collect::<Vec<_>>().join("/"))
}

/// Backslashes as separators, where they escape nothing: `src\*.py` and `src\main.py`, but not `\[x\]`.
fn separators(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let next = rest.peek().copied();
        let separates = c == '\\'
            && next.is_some_and(|next| next.is_alphanumeric() || "_.*-".contains(next))
            && !text.contains('/');
        out.push(if separates { '/' } else { c });
    }
    out
}

/// Without white space and quotation marks around it. Between `"` the escapes of JSON are decoded.
fn unquoted(text: &str) -> String {
    let text = text.trim();
    if text.len() >= 2 && text.starts_with('"') && text.ends_with('"') {
        return serde_json::from_str(text).unwrap_or_else(|_| text[1..text.len() - 1].to_owned());
    }
    for (open, close) in [('\'', '\''), ('`', '`'), ('<', '>')] {
        if text.len() >= 2 && text.starts_with(open) && text.ends_with(close) {
            return text[1..text.len() - 1].to_owned();
        }
    }
    text.to_owned()
}

/// Addresses that open a file in an editor: `vscode://file/r/a.py:3`.
const EDITORS: [&str; 6] = [
    "vscode",
    "vscode-insiders",
    "vscodium",
    "cursor",
    "windsurf",
    "zed",
];

/// The path of a `file:` address, or of an editor's.
pub fn from_uri(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once(':')?;
    let is_file = scheme.eq_ignore_ascii_case("file") && rest.starts_with('/');
    let is_editor = EDITORS.contains(&scheme) && rest.starts_with("//file/");
    if !is_file && !is_editor {
        return None;
    }
    let path = match rest.strip_prefix("//") {
        // The host's name comes before the path.
        Some(rest) => rest.find('/').map_or("", |at| &rest[at..]),
        None => rest,
    };
    // In an address a plus sign is a plus sign; only forms write a space so.
    let decoded = percent::decode(&path.replace('+', "%2B"));
    let bytes = decoded.unwrap_or_else(|| path.as_bytes().to_vec());
    Some(OsStr::from_bytes(&bytes).to_string_lossy().into_owned())
}

/// The path in an address that has no absolute one: `file:src/a.py`, `file://src/a.py`.
fn relative_uri(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once(':')?;
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let is_relative = scheme.eq_ignore_ascii_case("file") && !rest.starts_with('/');
    is_relative.then(|| rest.to_owned())
}

/// What stands before and what after the last `:` or `#`, where that can be a line or a definition; `a.py(42,7)`, as
/// compilers write it; `"a.py", line 42`, as tracebacks do.
fn split_spot(text: &str) -> Option<(&str, Spot)> {
    if let Some((path, tail)) = text.rsplit_once(" line ")
        && let Some(line) = line_of(tail.trim())
    {
        let path = path.trim_end_matches([',', ' ']).trim_matches('"');
        return Some((path, Spot::Line(line)));
    }
    if let Some((path, tail)) = text
        .strip_suffix(')')
        .and_then(|text| text.rsplit_once('('))
        && !path.is_empty()
        && let Some(line) = line_of(tail)
    {
        return Some((path, Spot::Line(line)));
    }
    let at = text.rfind([':', '#'])?;
    let (path, tail) = (&text[..at], &text[at + 1..]);
    let path = path.strip_suffix(':').unwrap_or(path);
    if path.is_empty() || tail.is_empty() || tail.contains('/') {
        return None;
    }
    if let Some(line) = line_of(tail) {
        return Some((path, Spot::Line(line)));
    }
    // `go(self, n)`: the parameters are no part of the name.
    let name = match tail
        .trim_end()
        .strip_suffix(')')
        .and_then(|tail| tail.split_once('('))
    {
        Some((name, _)) => name.trim(),
        None => tail.trim(),
    };
    let symbol = name
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '$' | '~' | '<' | '>' | ' ' | '-'));
    let symbol = symbol && name.chars().any(|c| c.is_alphabetic() || c == '_');
    symbol.then(|| (path, Spot::Symbol(name.to_owned())))
}

/// `42`, `L42`, `42-50`, `L42-L50`, `L42C7`, `42,7`: the first line.
fn line_of(tail: &str) -> Option<u32> {
    let digits = tail.strip_prefix(['L', 'l']).unwrap_or(tail);
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    let rest = &digits[end..];
    let plain = rest
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, '-' | ',' | 'L' | 'l' | 'C' | 'c'));
    // A line 0 holds nothing; as a column it is usual.
    digits[..end].parse().ok().filter(|_| plain)
}

/// Leaves only the definitions of a file that are meant. `false`: there is none.
pub fn narrow(node: &mut Node, spot: &Spot) -> bool {
    let Node::File(file) = node else {
        return true;
    };
    let meant = definitions(&file.elements, spot);
    file.elements = meant.into_iter().cloned().collect();
    !file.elements.is_empty()
}

/// The innermost definition that holds a line; or those of a name: the qualified one first, then its last part.
pub fn definitions<'e>(elements: &'e [Element], spot: &Spot) -> Vec<&'e Element> {
    match spot {
        Spot::Line(line) => {
            let holds = |one: &&Element| (one.line_start..=one.line_end).contains(line);
            let innermost = elements.iter().filter(holds);
            innermost
                .min_by_key(|one| one.line_end - one.line_start)
                .into_iter()
                .collect()
        }
        Spot::Symbol(symbol) => {
            let parts = |name: &str| -> Vec<String> {
                let name = name.replace("::", ".").replace('#', ".");
                name.split('.').map(str::to_owned).collect()
            };
            let wanted = parts(symbol);
            let ends = |one: &&Element, same: fn(&str, &str) -> bool| {
                let names = parts(&one.qualified_name);
                let tail = names.len().checked_sub(wanted.len());
                tail.is_some_and(|at| {
                    names[at..]
                        .iter()
                        .zip(&wanted)
                        .all(|(one, other)| same(one, other))
                })
            };
            let exact: Vec<&Element> = elements
                .iter()
                .filter(|one| ends(one, |one, other| one == other))
                .collect();
            match exact.is_empty() {
                false => exact,
                true => elements
                    .iter()
                    .filter(|one| ends(one, |one, other| one.eq_ignore_ascii_case(other)))
                    .collect(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Base<'static> {
        Base {
            folder: Path::new("/r"),
            home: Some(Path::new("/home/u")),
        }
    }

    fn line(line: u32) -> Option<Spot> {
        Some(Spot::Line(line))
    }

    fn symbol(name: &str) -> Option<Spot> {
        Some(Spot::Symbol(name.to_owned()))
    }

    #[test]
    fn many_ways_to_write_a_path_name_one_file() {
        let exists = |path: &Path| path == Path::new("/r/src/a.py");
        for (text, spot) in [
            ("src/a.py", None),
            (" src/a.py\n", None),
            ("./src/a.py", None),
            ("src//a.py", None),
            ("src/a.py/", None),
            ("src/../src/./a.py", None),
            ("/r/src/a.py", None),
            ("/r/../r/src/a.py", None),
            ("file:///r/src/a.py", None),
            ("file://localhost/r/src/a.py", None),
            ("FILE:/r/src/a%2Epy", None),
            ("@src/a.py", None),
            ("`src/a.py`", None),
            ("'src/a.py'", None),
            ("\"src/a.py\"", None),
            ("\"src\\u002fa.py\"", None),
            ("src\\a.py", None),
            (".\\src\\a.py:7", line(7)),
            ("src/a.py:42", line(42)),
            ("src/a.py:42:7", line(42)),
            ("src/a.py:42-50", line(42)),
            ("src/a.py:42:0", line(42)),
            ("src/a.py:42:", line(42)),
            ("src/a.py:", None),
            ("src/a.py:0", line(0)),
            ("src/a.py line 42", line(42)),
            ("\"src/a.py\", line 42", line(42)),
            ("file:src/a.py", None),
            ("file://src/a.py#L3", line(3)),
            ("src/a.py:Cart.add(self, item)", symbol("Cart.add")),
            ("src/a.py#L3", line(3)),
            ("src/a.py(42)", line(42)),
            ("src/a.py(42,7)", line(42)),
            ("src\\a.py(42)", line(42)),
            ("src/%61.py", None),
            ("src/%61.py:42", line(42)),
            ("src/a.py#L3-L9", line(3)),
            ("src/a.py#L3C2", line(3)),
            ("file:///r/src/a.py#L3", line(3)),
            ("@src/a.py:12", line(12)),
            ("src/a.py:Cart", symbol("Cart")),
            ("src/a.py::Cart", symbol("Cart")),
            ("src/a.py::Cart::add", symbol("Cart::add")),
            ("src/a.py:Cart.add()", symbol("Cart.add")),
            ("src/a.py#Cart", symbol("Cart")),
        ] {
            let target = base().resolve(text, exists);
            assert_eq!(target.path, Path::new("/r/src/a.py"), "{text}");
            assert_eq!(target.spot, spot, "{text}");
        }
        let home = base().resolve("~/x.py", |_| false);
        assert_eq!(home.path, Path::new("/home/u/x.py"));
    }

    #[test]
    fn a_name_that_exists_as_written_wins() {
        for name in [
            "/r/a:42",
            "/r/@x",
            "/r/a\\b",
            "/r/`q`",
            "/r/file:/x",
            "/r/a#L3",
            "/r/a(3)",
            "/r/a%20b",
        ] {
            let target = base().resolve(&name[3..], |path| path == Path::new(name));
            let expected = Target {
                path: name.into(),
                spot: None,
            };
            assert_eq!(target, expected, "{name}");
        }
    }

    #[test]
    fn what_exists_nowhere_is_read_as_a_plain_path() {
        assert_eq!(
            base().resolve("none.py", |_| false).path,
            Path::new("/r/none.py")
        );
        let gone = base().resolve("gone.py:3", |_| false);
        assert_eq!((gone.path, gone.spot), ("/r/gone.py".into(), line(3)));
    }

    #[test]
    fn globs_are_made_relative_to_the_root() {
        let root = Path::new("/r");
        for (text, expected) in [
            ("*.py", "*.py"),
            ("src/**", "src/**"),
            ("/src/**", "/src/**"),
            ("./src/**", "/src/**"),
            ("a/../src/*.py", "/src/*.py"),
            ("/r/src/**", "/src/**"),
            ("/r/", "**"),
            ("file:///r/src/*.py", "/src/*.py"),
            ("@src/**", "src/**"),
            ("src\\*.py", "src/*.py"),
            ("\\[x\\].py", "\\[x\\].py"),
            ("./src/", "/src/"),
            ("!src", "!src"),
        ] {
            assert_eq!(
                base().glob(text, root, Path::to_path_buf).as_deref(),
                Ok(expected),
                "{text}"
            );
        }
        for text in ["../x/**", "/usr/lib/**/*.py", "~/x/*.py"] {
            assert_eq!(
                base().glob(text, root, Path::to_path_buf),
                Err(Outside),
                "{text}"
            );
        }
    }
}
