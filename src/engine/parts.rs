//! What is too large for one request: cut into parts, a request for each, and one that makes them one.
//!
//! Nothing is sampled and nothing is cut off: every byte of a file and every child of a directory stands in one
//! request. Parts are cut at definitions, so that an edit changes one of them and leaves the words about the others.

mod cut;

use crate::model::digest::Hasher;
use crate::model::outline::Outline;
use crate::model::recipe::Author;
use crate::model::summary::SummaryKey;

use super::prompt::{self, ChildText, Prompt};

/// Below so many bytes no part is made smaller: instructions take as much.
pub const SMALLEST_PART: usize = 4_000;
/// The share of a part that the outline in front of it may take.
const OUTLINE_SHARE: usize = 8;

/// The next request on the way to a summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The last one: its answer is the summary.
    Last(Prompt),
    /// One about a part: what it says is to be kept under the key, and then the next is asked for.
    Part(SummaryKey, Prompt),
}

/// All that a request is made of, besides its subject.
pub struct Plan<'a> {
    /// Who answers: part of the parts' keys.
    pub author: &'a Author,
    /// The largest content of one request, in bytes.
    pub most: usize,
    /// The words from before a change.
    pub earlier: Option<&'a str>,
    /// A word that the content cannot know.
    pub boundary: &'a str,
    /// What was said about a part.
    pub known: &'a dyn Fn(SummaryKey) -> Option<String>,
}

/// What was said about a part.
#[derive(Clone)]
struct Note {
    first: String,
    last: String,
    words: String,
}

impl Note {
    fn entry(&self) -> String {
        prompt::entry(&range(&self.first, &self.last), &self.words)
    }
}

impl Plan<'_> {
    /// The next request about a file. `text` has no secrets in it; `outline` is asked for where it is needed.
    pub fn file(
        &self,
        language: Option<&str>,
        text: &str,
        outline: impl FnOnce() -> Outline,
    ) -> Next {
        if text.len() <= self.most {
            let prompt = prompt::file(language, text, self.earlier, self.boundary);
            return Next::Last(prompt);
        }
        let outline = outline();
        let parts = cut::cut(text, &outline, self.most);
        let mut notes = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let content = &text[part.bytes.clone()];
            let key = self.key("file", language, content);
            match (self.known)(key) {
                Some(words) => notes.push(Note {
                    first: format!("lines {}", part.first_line),
                    last: part.last_line.to_string(),
                    words,
                }),
                None => {
                    let place = format!(
                        "part {} of {}, lines {} to {},",
                        index + 1,
                        parts.len(),
                        part.first_line,
                        part.last_line
                    );
                    let outline = cut::outline_list(&outline, self.most / OUTLINE_SHARE);
                    let boundary = key.0.to_string();
                    let prompt = prompt::file_part(language, &place, &outline, content, &boundary);
                    return Next::Part(key, prompt);
                }
            }
        }
        self.join("file of parts", language, notes, |list, whole| {
            let earlier = self.earlier;
            prompt::file_of_parts(language, list, whole.is_all(), earlier, &boundary(whole))
        })
    }

    /// The next request about a directory.
    pub fn directory(&self, children: &[ChildText]) -> Next {
        let list = prompt::children_list(children);
        if list.len() <= self.most {
            return Next::Last(prompt::directory(&list, self.earlier, self.boundary));
        }
        let sizes = children.iter().map(|child| {
            let words = child.summary.as_ref().map_or(0, String::len);
            child.name.len() + words + 8
        });
        let groups = cut::groups(sizes, self.most, 1);
        let count = groups.len();
        let mut notes = Vec::new();
        for (index, group) in groups.into_iter().enumerate() {
            let children = &children[group];
            let list = prompt::children_list(children);
            let (first, last) = ends(children);
            let key = self.key("directory", None, &list);
            match (self.known)(key) {
                Some(words) => notes.push(Note { first, last, words }),
                None => {
                    let range = range(&first, &last);
                    let place = format!("part {} of {count}, {range},", index + 1);
                    let prompt = prompt::directory_part(&list, &place, &key.0.to_string());
                    return Next::Part(key, prompt);
                }
            }
        }
        self.join("directory of parts", None, notes, |list, whole| {
            let earlier = self.earlier;
            prompt::directory_of_parts(list, whole.is_all(), earlier, &boundary(whole))
        })
    }

    /// Many notes become few, and few the last request. `prompt` makes a request of a list: a whole one with this
    /// plan's boundary, or one about some of the notes with their key's.
    fn join(
        &self,
        role: &str,
        language: Option<&str>,
        mut notes: Vec<Note>,
        prompt: impl Fn(&str, Whole<'_>) -> Prompt,
    ) -> Next {
        loop {
            let list: String = notes.iter().map(Note::entry).collect();
            if list.len() <= self.most || notes.len() < 3 {
                return Next::Last(prompt(&list, Whole::All(self.boundary)));
            }
            // Two at least, so that there are fewer each time.
            let sizes = notes.iter().map(|note| note.entry().len());
            let mut fewer = Vec::new();
            for group in cut::groups(sizes, self.most, 2) {
                let some = &notes[group];
                if let [alone] = some {
                    fewer.push(alone.clone());
                    continue;
                }
                let list: String = some.iter().map(Note::entry).collect();
                let key = self.key(role, language, &list);
                let Some(words) = (self.known)(key) else {
                    return Next::Part(key, prompt(&list, Whole::Some(key)));
                };
                if let (Some(first), Some(last)) = (some.first(), some.last()) {
                    fewer.push(Note {
                        first: first.first.clone(),
                        last: last.last.clone(),
                        words,
                    });
                }
            }
            notes = fewer;
        }
    }

    /// What the words about a part are stored under: what went into them, and not where it stands in its whole.
    fn key(&self, role: &str, language: Option<&str>, content: &str) -> SummaryKey {
        let mut hasher = Hasher::new("part.1");
        hasher.field(self.author.provider.as_bytes());
        hasher.field(self.author.model.as_bytes());
        hasher.number(u64::from(self.author.prompt_version));
        hasher.field(self.author.parameters.as_bytes());
        hasher.field(role.as_bytes());
        hasher.field(language.unwrap_or("").as_bytes());
        hasher.field(content.as_bytes());
        SummaryKey(hasher.finish())
    }
}

/// Whether a list is all that there is.
#[derive(Clone, Copy)]
enum Whole<'a> {
    All(&'a str),
    Some(SummaryKey),
}

impl Whole<'_> {
    fn is_all(self) -> bool {
        matches!(self, Self::All(_))
    }
}

fn boundary(whole: Whole<'_>) -> String {
    match whole {
        Whole::All(boundary) => boundary.to_owned(),
        Whole::Some(key) => key.0.to_string(),
    }
}

fn ends(children: &[ChildText]) -> (String, String) {
    let title = |child: Option<&ChildText>| child.map(ChildText::title).unwrap_or_default();
    (title(children.first()), title(children.last()))
}

fn range(first: &str, last: &str) -> String {
    if first == last {
        first.to_owned()
    } else {
        format!("{first} to {last}")
    }
}
