//! Splits content that is too large for one request into parts: a request for each, and one that merges them.
//!
//! Nothing is sampled or dropped: each byte of a file and each child of a directory is in one request. Parts are cut at
//! definitions, so that an edit changes one of them and keeps the notes about the others.

mod cut;

use crate::model::digest::Hasher;
use crate::model::key::Generator;
use crate::model::outline::Outline;
use crate::model::summary::SummaryKey;

use crate::daemon::prompt::diff::diff;
use crate::daemon::prompt::{self, ChildText, Prompt};

/// No part is made smaller than this, in bytes.
pub const SMALLEST_PART: usize = 1_000;
/// The share of a part that the outline in front of it may take.
const OUTLINE_SHARE: usize = 8;
/// The share of a changed file that its diff may take.
const DIFF_SHARE: usize = 4;
/// Smaller files are sent whole, in bytes: the instructions, which a second request would repeat, are as long.
const SMALLEST_DIFFED: usize = 4_800;

/// The next request on the way to a summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The last request: its answer is the summary.
    Last(Prompt),
    /// A request about a part: its answer is stored under the key before the next request is made.
    Part(SummaryKey, Prompt),
}

/// The inputs of a request, besides its subject.
pub struct Plan<'a> {
    /// What generates the text: part of the parts' keys.
    pub generator: &'a Generator,
    /// The largest content of one request, in bytes.
    pub most: usize,
    /// The summary from before a change.
    pub earlier: Option<&'a str>,
    /// A word that the content cannot contain.
    pub boundary: &'a str,
    /// The stored note about a part.
    pub known: &'a dyn Fn(SummaryKey) -> Option<String>,
}

/// The note about a part.
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
    /// The marker word of a part's request, as long as that of the whole.
    fn word(&self, part: SummaryKey) -> String {
        let mut word = part.0.to_string();
        word.truncate(self.boundary.len());
        word
    }

    /// The next request about a file. `text` is redacted; `outline` is computed only if it is needed.
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
                    let boundary = self.word(key);
                    let prompt = prompt::file_part(language, &place, &outline, content, &boundary);
                    return Next::Part(key, prompt);
                }
            }
        }
        self.join("file of parts", language, notes, |list, whole| {
            let earlier = self.earlier;
            prompt::merge_file_parts(
                language,
                list,
                whole.is_all(),
                earlier,
                &self.boundary_of(whole),
            )
        })
    }

    /// The request about a changed file by its diff; `None` where the whole file is the better request.
    pub fn changed_file(
        &self,
        language: Option<&str>,
        before: &str,
        text: &str,
        outline: impl FnOnce() -> Outline,
    ) -> Option<Prompt> {
        let earlier = self.earlier?;
        let diff = diff(before, text, text.len() / DIFF_SHARE)?;
        let outline = cut::outline_list(&outline(), text.len() / OUTLINE_SHARE);
        let boundary = self.boundary;
        Some(prompt::changed_file(
            language, &outline, &diff, earlier, boundary,
        ))
    }

    /// Whether a diff of a file of this length can be cheaper, even if a model then asks for the whole.
    pub fn may_be_diffed(&self, length: usize) -> bool {
        (SMALLEST_DIFFED..=self.most).contains(&length)
    }

    fn boundary_of(&self, whole: Whole<'_>) -> String {
        match whole {
            Whole::All(boundary) => boundary.to_owned(),
            Whole::Some(key) => self.word(key),
        }
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
                    let prompt = prompt::directory_part(&list, &place, &self.word(key));
                    return Next::Part(key, prompt);
                }
            }
        }
        self.join("directory of parts", None, notes, |list, whole| {
            let earlier = self.earlier;
            prompt::merge_directory_parts(list, whole.is_all(), earlier, &self.boundary_of(whole))
        })
    }

    /// Merges many notes into few, and few into the last request. `prompt` makes a request of a list: of the whole one with
    /// this plan's boundary, or of some notes with the boundary of their key.
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
            // At least two, so that there are fewer each time.
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

    /// The key of a note: its inputs, and not its place in the whole.
    fn key(&self, role: &str, language: Option<&str>, content: &str) -> SummaryKey {
        let mut hasher = Hasher::new("part.1");
        hasher.field(self.generator.provider.as_bytes());
        hasher.field(self.generator.model.as_bytes());
        hasher.number(u64::from(self.generator.prompt_version));
        hasher.field(self.generator.parameters.as_bytes());
        hasher.field(role.as_bytes());
        hasher.field(language.unwrap_or("").as_bytes());
        hasher.field(content.as_bytes());
        SummaryKey(hasher.finish())
    }
}

/// Whether a list is complete.
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

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::HashMap;

    use super::*;
    use crate::model::key::Kind;
    use crate::model::outline::Element;

    fn generator() -> Generator {
        Generator {
            provider: "openai".to_owned(),
            model: "m".to_owned(),
            prompt_version: 1,
            parameters: String::new(),
        }
    }

    /// Answers all requests; returns them in order.
    fn all_prompts(most: usize, next: impl Fn(&Plan<'_>) -> Next) -> Vec<Prompt> {
        prompts_with(&RefCell::default(), most, next)
    }

    fn prompts_with(
        texts: &RefCell<HashMap<SummaryKey, String>>,
        most: usize,
        next: impl Fn(&Plan<'_>) -> Next,
    ) -> Vec<Prompt> {
        let generator = generator();
        let known = |key| texts.borrow().get(&key).cloned();
        let plan = Plan {
            generator: &generator,
            most,
            earlier: None,
            boundary: "whole",
            known: &known,
        };
        let mut prompts = Vec::new();
        loop {
            match next(&plan) {
                Next::Last(prompt) => {
                    prompts.push(prompt);
                    return prompts;
                }
                Next::Part(key, prompt) => {
                    let number = prompts.len();
                    prompts.push(prompt);
                    let words = format!("Words {number}. {}", "x".repeat(100));
                    assert!(texts.borrow_mut().insert(key, words).is_none());
                }
            }
            assert!(prompts.len() < 1_000, "no end");
        }
    }

    fn content(prompt: &Prompt) -> &str {
        let (_, rest) = prompt.user.split_once("<content ").unwrap_or_default();
        let (boundary, rest) = rest.split_once(">\n").unwrap_or_default();
        let end = rest.find(&format!("</content {boundary}>"));
        &rest[..end.unwrap_or(0)]
    }

    fn file(functions: usize) -> (String, Outline) {
        let mut text = String::new();
        let mut outline = Outline::default();
        for number in 0..functions {
            let line = text.matches('\n').count() as u32 + 1;
            text.push_str(&format!("def f{number}():\n"));
            text.push_str(&format!("    return {number}  # é {}\n\n", "y".repeat(60)));
            outline.elements.push(Element {
                kind: "function".to_owned(),
                name: format!("f{number}"),
                qualified_name: format!("f{number}"),
                signature: String::new(),
                decorators: Vec::new(),
                line_start: line,
                line_end: line + 1,
                docstring: None,
            });
        }
        (text, outline)
    }

    #[test]
    fn content_that_fits_is_one_request() {
        let (text, outline) = file(10);
        let prompts = all_prompts(text.len(), |plan| {
            plan.file(Some("python"), &text, || outline.clone())
        });
        let whole = prompt::file(Some("python"), &text, None, "whole");
        assert_eq!(prompts, [whole]);
    }

    #[test]
    fn each_byte_of_a_large_file_is_in_one_part_and_parts_begin_with_definitions() {
        let (text, outline) = file(500);
        let prompts = all_prompts(8_000, |plan| plan.file(None, &text, || outline.clone()));
        let (last, parts) = prompts.split_last().expect("requests");
        assert!((5..=7).contains(&parts.len()), "{}", parts.len());
        let together: String = parts
            .iter()
            .map(|part| content(part).strip_suffix('\n').unwrap_or_default())
            .collect();
        assert_eq!(together, text);
        for (number, part) in parts.iter().enumerate() {
            assert!(content(part).starts_with("def f"), "{}", part.user);
            assert!(part.user.contains("function f0 (lines 1 to 2)"));
            assert!(last.user.contains(&format!("Words {number}.")), "{number}");
        }
    }

    #[test]
    fn an_edit_costs_its_own_part_and_the_last_request() {
        let (text, outline) = file(500);
        let texts = RefCell::default();
        prompts_with(&texts, 8_000, |plan| {
            plan.file(None, &text, || outline.clone())
        });
        let edited = text.replace("return 250 ", "return 251 ");
        let prompts = prompts_with(&texts, 8_000, |plan| {
            plan.file(None, &edited, || outline.clone())
        });
        assert_eq!(prompts.len(), 2);
    }

    #[test]
    fn what_is_inserted_above_renews_one_part() {
        let (text, outline) = file(500);
        let moved = Outline {
            elements: (outline.elements.iter().cloned())
                .map(|element| Element {
                    line_start: element.line_start + 1,
                    line_end: element.line_end + 1,
                    ..element
                })
                .collect(),
            ..Outline::default()
        };
        let mut random = fastrand::Rng::with_seed(3);
        let words: String = (0..6_000).map(|_| format!("{} ", random.u32(..))).collect();
        let lines = words.replace("7 ", "7\n");
        let none = Outline::default;
        for (before, outline, after, moved) in [
            (text.clone(), outline, format!("import os\n{text}"), moved),
            (words.clone(), none(), format!("x {words}"), none()),
            (
                words.clone(),
                none(),
                words.replacen("1 ", "1 more ", 1),
                none(),
            ),
            (
                lines.clone(),
                none(),
                format!("a new line\n{lines}"),
                none(),
            ),
        ] {
            let texts = RefCell::default();
            let all = prompts_with(&texts, 8_000, |plan| {
                plan.file(None, &before, || outline.clone())
            });
            assert!(all.len() > 5, "{}", all.len());
            let prompts = prompts_with(&texts, 8_000, |plan| {
                plan.file(None, &after, || moved.clone())
            });
            assert_eq!(prompts.len(), 2, "{:.40}", after);
        }
    }

    #[test]
    fn more_notes_than_fit_are_merged_in_steps() {
        let (text, outline) = file(3_000);
        let prompts = all_prompts(4_000, |plan| plan.file(None, &text, || outline.clone()));
        assert!(prompts.len() > 60);
        for prompt in &prompts {
            // The outline in front is not counted.
            assert!(content(prompt).len() <= 4_001, "{}", content(prompt).len());
        }
    }

    #[test]
    fn each_child_of_a_large_directory_is_in_one_part() {
        let children: Vec<ChildText> = (0..300)
            .map(|number| ChildText {
                name: format!("child{number:03}"),
                kind: Kind::File,
                summary: (number != 7).then(|| format!("About {number}. {}", "z".repeat(80))),
            })
            .collect();
        let prompts = all_prompts(8_000, |plan| plan.directory(&children));
        let (last, parts) = prompts.split_last().expect("requests");
        assert!(parts.len() > 3);
        let together: String = parts.iter().map(content).collect();
        for child in &children {
            assert_eq!(together.matches(&child.name).count(), 1, "{}", child.name);
        }
        assert!(together.contains("left out: child007\n"));
        assert!(last.user.contains("- child000 to child"), "{}", last.user);
        assert!(last.user.contains(" to child299: "), "{}", last.user);
    }
}
