//! A search as somebody asked it, read and checked.

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::words::{Term, terms};
use crate::wire::protocol::{PROBLEM_BAD_REQUEST, Problem};
use crate::wire::search::{DEFAULT_HITS, MAX_HITS, MAX_QUERY_BYTES, NodeKind, Search, too_long};

/// Words of a query that are looked for.
const MOST_TERMS: usize = 16;

/// A search that can be done.
pub struct Question {
    pub(super) query: String,
    pub(super) terms: Vec<Term>,
    glob: Option<Gitignore>,
    kind: Option<NodeKind>,
    pub(super) limit: usize,
}

impl Question {
    /// Reads a search.
    ///
    /// # Errors
    /// The query says nothing or is too long, the glob cannot be read, the limit is out of bounds.
    pub fn new(search: &Search) -> Result<Self, Problem> {
        let bad = |detail: String| Problem::new(PROBLEM_BAD_REQUEST, detail);
        let query = search.query.trim();
        if query.len() > MAX_QUERY_BYTES {
            return Err(too_long());
        }
        let mut terms = terms(query);
        if terms.is_empty() {
            return Err(bad(
                "the query has no word in it: give some, or a definition's name".to_owned(),
            ));
        }
        terms.truncate(MOST_TERMS);
        let limit = search.limit.unwrap_or(DEFAULT_HITS);
        if !(1..=MAX_HITS).contains(&limit) {
            return Err(bad(format!("limit must be from 1 to {MAX_HITS}")));
        }
        let glob = search.glob.as_deref().map(|glob| {
            let mut builder = GitignoreBuilder::new("/");
            // Whoever asks has one glob and no file of them: a slip is told, and not read as another pattern.
            builder.allow_unclosed_class(false);
            let added = builder.add_line(None, glob).map(|_| ());
            let built = added
                .and_then(|()| builder.build())
                .map_err(|error| bad(format!("the glob {glob:?} cannot be read: {error}")))?;
            match built.num_ignores() {
                0 => Err(bad(format!(
                    "the glob {glob:?} names no paths: write one as *.py or src/**"
                ))),
                _ => Ok(built),
            }
        });
        Ok(Self {
            query: query.to_owned(),
            terms,
            glob: glob.transpose()?,
            kind: search.kind,
            limit,
        })
    }

    pub(super) fn admits(&self, kind: NodeKind, path: &str) -> bool {
        let directory = kind == NodeKind::Directory;
        self.kind.is_none_or(|wanted| wanted == kind)
            && self.glob.as_ref().is_none_or(|glob| {
                glob.matched_path_or_any_parents(path, directory)
                    .is_ignore()
            })
    }
}
