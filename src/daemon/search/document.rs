//! What the index keeps of one file or folder: how often each term stands in each field.

use std::collections::HashMap;

use xxhash_rust::xxh3::{Xxh3DefaultBuilder, xxh3_64};

use super::role::Role;
use super::words::{Form, Splitter, Token, is_stop_word};
use crate::model::path::RelPath;
use crate::wire::protocol::Node;
use crate::wire::search::NodeKind;

/// Where a term can stand. Each field has its own statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The node's own name.
    Name,
    /// The names of the folders above it.
    Folders,
    /// The names of its definitions.
    Symbols,
    /// Docstrings, signatures and imports.
    Documentation,
    /// The summary.
    Summary,
    /// The text of the file.
    Body,
}

/// All fields, in the order of the arrays that have one entry for each.
pub const FIELDS: [Field; 6] = [
    Field::Name,
    Field::Folders,
    Field::Symbols,
    Field::Documentation,
    Field::Summary,
    Field::Body,
];

/// One number for each field.
pub type PerField<T> = [T; FIELDS.len()];

/// Bytes of a file's text that are indexed; of data, which repeats itself, fewer.
const MAX_BODY_BYTES: usize = 512 << 10;
const MAX_DATA_BYTES: usize = 32 << 10;
/// Digits that a number in a body has at most.
const MAX_DIGITS: usize = 5;

/// A file or folder, ready for the index.
pub struct Document {
    pub path: RelPath,
    pub kind: NodeKind,
    pub role: Role,
    pub language: Option<Box<str>>,
    /// How often each term stands in each field, up to 255.
    pub terms: HashMap<Box<str>, PerField<u8>, Xxh3DefaultBuilder>,
    /// The number of terms in each field.
    pub lengths: PerField<u32>,
    /// Hashes of the names of its definitions, simple and qualified; see [`name_hash`].
    pub names: Vec<u32>,
}

impl Document {
    /// `root` is the name of the repository's folder; `body` the text of a file.
    pub fn new(
        splitter: &mut Splitter,
        path: RelPath,
        root: &str,
        node: &Node,
        body: Option<&str>,
    ) -> Self {
        let common = node.common();
        let (folders, name) = split(&common.path);
        let (kind, role, language) = match node {
            Node::Directory(_) => (NodeKind::Directory, Role::Source, None),
            Node::File(file) => {
                let language = file.language.as_deref();
                let role = Role::of(&common.path, language, &file.elements);
                (NodeKind::File, role, language)
            }
        };
        let mut document = Self {
            path,
            kind,
            role,
            language: language.map(Into::into),
            terms: HashMap::default(),
            lengths: PerField::default(),
            names: Vec::new(),
        };
        // A root has no name in its repository; people know it by its folder's.
        let name = if common.path.is_empty() { root } else { name };
        document.count(splitter, Field::Name, name);
        document.count(splitter, Field::Folders, folders);
        let summary = common.summary.as_deref().unwrap_or_default();
        document.count(splitter, Field::Summary, summary);
        if let Node::File(file) = node {
            for element in &file.elements {
                document.count(splitter, Field::Symbols, &element.name);
                document.count(splitter, Field::Documentation, &element.signature);
                let docstring = element.docstring.as_deref().unwrap_or_default();
                document.count(splitter, Field::Documentation, docstring);
                document.names.push(name_hash(&element.name));
                if element.qualified_name != element.name {
                    document
                        .names
                        .push(name_hash(last_two(&element.qualified_name)));
                }
            }
            let docstring = file.docstring.as_deref().unwrap_or_default();
            document.count(splitter, Field::Documentation, docstring);
            for import in &file.imports {
                document.count(splitter, Field::Documentation, import);
            }
            document.names.sort_unstable();
            document.names.dedup();
        }
        if let Some(body) = body {
            let limit = match role {
                Role::Data | Role::Vendored => MAX_DATA_BYTES,
                _ => MAX_BODY_BYTES,
            };
            document.count(splitter, Field::Body, head(body, limit));
        }
        document
    }

    fn count(&mut self, splitter: &mut Splitter, field: Field, text: &str) {
        let place = field as usize;
        splitter.each(text, |Token { term, form, .. }| {
            if field == Field::Body && !is_worth_indexing(term) {
                return;
            }
            if form == Form::Part {
                self.lengths[place] += 1;
            }
            match self.terms.get_mut(term) {
                Some(counts) => counts[place] = counts[place].saturating_add(1),
                None => {
                    let mut counts = PerField::default();
                    counts[place] = 1;
                    self.terms.insert(term.into(), counts);
                }
            }
        });
    }
}

fn is_worth_indexing(term: &str) -> bool {
    let is_number = term.len() > MAX_DIGITS && term.bytes().all(|byte| byte.is_ascii_digit());
    !is_stop_word(term) && !is_number && (term.len() > 1 || !term.is_ascii())
}

/// The first `most` bytes, cut between two characters.
fn head(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

/// The folders of a path, and the name.
pub fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// The last two parts of a qualified name: `a::b::C::d` → `C::d`.
pub fn last_two(qualified: &str) -> &str {
    let is_separator = |c: char| c == '.' || c == ':';
    let Some(last) = qualified.rfind(is_separator) else {
        return qualified;
    };
    let before = qualified[..last].trim_end_matches(is_separator);
    let start = before.rfind(is_separator).map_or(0, |at| at + 1);
    &qualified[start..]
}

/// By which the index finds a definition, blind to how the parts are separated. The lowest bits depend on the case, the
/// others do not; see [`is_same_name`] and [`is_same_case`].
pub fn name_hash(name: &str) -> u32 {
    let mut plain = String::with_capacity(name.len());
    for part in name.split(['.', ':']).filter(|part| !part.is_empty()) {
        if !plain.is_empty() {
            plain.push('.');
        }
        plain.push_str(part);
    }
    let case = xxh3_64(plain.as_bytes()) as u32 & CASE_MASK;
    xxh3_64(plain.to_lowercase().as_bytes()) as u32 & !CASE_MASK | case
}

const CASE_MASK: u32 = 0x3f;

/// Whether two names are equal but for their case, by their hashes.
pub fn is_same_name(one: u32, other: u32) -> bool {
    one & !CASE_MASK == other & !CASE_MASK
}

/// Whether two such names are equal in case too: wrong for one pair in 64.
pub fn is_same_case(one: u32, other: u32) -> bool {
    one == other
}

/// The smallest hash of names that are equal to this one but for their case.
pub fn first_of_name(hash: u32) -> u32 {
    hash & !CASE_MASK
}
