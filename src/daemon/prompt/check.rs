//! Checks whether a response is a summary at all, before it counts as one.
//!
//! Small models repeat themselves, the delimiters or the instructions, or do something else. Each check has a reason that
//! is shown with the failed node. What the content itself contains is never held against a response.

use super::Prompt;

/// Sentences and groups of words that are shorter are usual in any text, in bytes.
const SHORTEST_COPY: usize = 40;
/// The same sentence so often is a loop.
const REPEATED: usize = 3;
/// Words in a group that is repeated in a loop.
const GROUP: usize = 4;
/// Repeated groups from which on, and the share of all groups (one in so many).
const REPEATED_GROUPS: (usize, usize) = (8, 2);

/// Beginnings of a response to another task.
const OTHER_TASKS: [&str; 28] = [
    "i'm sorry",
    "i’m sorry",
    "i am sorry",
    "sorry, but",
    "i apologize",
    "i cannot",
    "i can't",
    "i can’t",
    "i'm unable",
    "i’m unable",
    "i am unable",
    "as an ai",
    "as a language model",
    "hello!",
    "hi there",
    "hi!",
    "how can i help",
    "how can i assist",
    "how may i",
    "please provide",
    "could you please",
    "could you provide",
    "you haven't provided",
    "you have not provided",
    "it seems that you",
    "it looks like you",
    "i don't see any",
    "no content was provided",
];

/// Phrases of a small model's response about the task instead of the content.
const ABOUT_THE_TASK: [&str; 22] = [
    "ready to assist",
    "happy to help",
    "your request",
    "as requested",
    "requested paragraph",
    "requested summary",
    "i have written",
    "i've written",
    "i have rewritten",
    "needs to be rewritten",
    "needs rewriting",
    "be rewritten to",
    "rewritten paragraph",
    "rewritten version",
    "revised version of the paragraph",
    "revised version of the text",
    "revised version of the summary",
    "version of the paragraph",
    "do you want to know",
    "would you like me to",
    "let me know if",
    "plain text format with no",
];

/// Characters that code and markup are full of, and prose is not.
const SYMBOLS: [char; 11] = ['{', '}', '[', ']', '=', '<', '>', ';', '#', '\\', '|'];
/// Such characters from which on a text may be code, and their share of it (one in so many).
const DENSE_SYMBOLS: (usize, usize) = (10, 25);

/// Why a response is no summary; `None`: it may be one.
pub fn fault(answer: &str, prompt: &Prompt) -> Option<&'static str> {
    if !answer.chars().any(char::is_alphabetic) {
        return Some("it contains no words");
    }
    if super::wants_whole(answer) {
        return Some("it asks for the whole file, which it has");
    }
    if repeats_delimiters(answer, prompt) {
        return Some("it repeats the delimiters of the prompt");
    }
    if answer.contains("```")
        || prompt.json && is_dense_in_symbols(answer)
        || answer.starts_with("<p>")
        || answer.starts_with(".. ") && answer.contains("::")
        || answer.starts_with(['{', '[', '<']) && answer.ends_with(['}', ']', '>'])
    {
        return Some("it is code or markup");
    }
    let lower = answer.to_lowercase();
    if OTHER_TASKS.iter().any(|start| lower.starts_with(start)) {
        return Some("it answers another question");
    }
    let shown = || content(prompt).to_lowercase();
    let about_task = ABOUT_THE_TASK
        .iter()
        .filter(|_| prompt.json)
        .find(|phrase| lower.contains(**phrase));
    if about_task.is_some_and(|phrase| !shown().contains(phrase)) {
        return Some("it is about the request, not about the content");
    }
    if repeats_itself(answer) {
        return Some("it repeats itself");
    }
    if repeats_opening(answer, prompt) || copies_instructions(answer, prompt) {
        return Some("it repeats the instructions");
    }
    None
}

/// Whether it begins like the request: "A file, language: python."
fn repeats_opening(answer: &str, prompt: &Prompt) -> bool {
    let opening = prompt.user.split([':', '.', '\n']).next().unwrap_or("");
    let answer = answer.trim_start_matches(|c: char| !c.is_alphabetic());
    opening.len() >= 8
        && prompt.user[opening.len()..].starts_with(':')
        && answer.starts_with(opening)
        && answer[opening.len()..].starts_with(':')
}

/// Whether a text, without its quoted code, is dense in the characters of code.
fn is_dense_in_symbols(answer: &str) -> bool {
    let prose: String = answer.split('`').step_by(2).collect();
    let symbols = prose.chars().filter(|c| SYMBOLS.contains(c)).count();
    let (least, share) = DENSE_SYMBOLS;
    symbols >= least && symbols * share >= prose.chars().count()
}

/// Whether a delimiter's own word or its tag is in it.
fn repeats_delimiters(answer: &str, prompt: &Prompt) -> bool {
    let boundary = prompt
        .user
        .split_once("<content ")
        .and_then(|(_, rest)| rest.split_once('>'));
    let boundary = boundary.map_or("", |(boundary, _)| boundary);
    !boundary.is_empty() && answer.contains(boundary)
        || [
            "</content",
            "<content ",
            "<outline ",
            "</outline",
            "<earlier ",
            "</earlier",
        ]
        .iter()
        .any(|tag| answer.contains(tag) && !content(prompt).contains(tag))
}

/// What stands between the delimiters.
fn content(prompt: &Prompt) -> &str {
    let rest = prompt
        .user
        .split_once("<content ")
        .map_or("", |(_, rest)| rest);
    let (boundary, rest) = rest.split_once(">\n").unwrap_or(("", rest));
    let end = rest
        .rfind(&format!("</content {boundary}>"))
        .unwrap_or(rest.len());
    &rest[..end]
}

/// A sentence three times, or mostly the same groups of words.
fn repeats_itself(answer: &str) -> bool {
    let mut sentences: Vec<String> = sentences(answer)
        .map(plain)
        .filter(|one| one.len() >= 12)
        .collect();
    sentences.sort_unstable();
    let repeated = sentences
        .chunk_by(|one, other| one == other)
        .any(|same| same.len() >= REPEATED);
    let words: Vec<String> = answer.split_whitespace().map(plain).collect();
    let mut groups: Vec<&[String]> = words.windows(GROUP).collect();
    let all = groups.len();
    groups.sort_unstable();
    groups.dedup();
    let again = all - groups.len();
    let (least, share) = REPEATED_GROUPS;
    repeated || again >= least && again * share >= all
}

/// Whether a sentence of the instructions, or of the request around the content, is repeated.
fn copies_instructions(answer: &str, prompt: &Prompt) -> bool {
    let content = plain(content(prompt));
    let instructions = plain(&prompt.system);
    let request = plain(&prompt.user).replacen(&content, " ", 1);
    let copied = |sentence: &String| {
        sentence.len() >= SHORTEST_COPY
            && (instructions.contains(sentence.as_str()) || request.contains(sentence.as_str()))
            && !content.contains(sentence.as_str())
    };
    // An earlier summary in the request may be repeated.
    let earlier = prompt
        .user
        .split_once("<earlier ")
        .map_or("", |(_, earlier)| earlier);
    let earlier = plain(earlier);
    sentences(answer)
        .map(plain)
        .any(|sentence| copied(&sentence) && !earlier.contains(sentence.as_str()))
}

fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(['.', '!', '?', '\n', '。', '！', '？'])
}

/// In lower case, letters and digits only, single spaces.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_alphanumeric() {
            plain.extend(c.to_lowercase());
        } else if !plain.is_empty() && !plain.ends_with(' ') {
            plain.push(' ');
        }
    }
    plain.truncate(plain.trim_end().len());
    plain
}

#[cfg(test)]
mod tests {
    use super::super::{Style, file};
    use super::*;

    fn prompt(content: &str) -> Prompt {
        file(Some("rust"), content, None, "k3f9a77b")
    }

    #[test]
    fn rubbish_is_told_from_a_summary() {
        let request = prompt("fn main() {}");
        for (answer, wanted) in [
            ("Starts the program.", None),
            (
                "Reads `Config` from a file. Fails where it is missing. Writes nothing.",
                None,
            ),
            ("Reads files. Reads lines. Reads words.", None),
            ("…", Some("it contains no words")),
            (
                "The marker k3f9a77b ends it.",
                Some("it repeats the delimiters of the prompt"),
            ),
            (
                "Ends with </content x>.",
                Some("it repeats the delimiters of the prompt"),
            ),
            (
                "```rust\nfn main() {}\n```\nIt is the entry.",
                Some("it is code or markup"),
            ),
            ("{\"kind\": \"file\"}", Some("it is code or markup")),
            (
                "I'm sorry, but I can't help with that.",
                Some("it answers another question"),
            ),
            (
                "Hello! How can I assist you today?",
                Some("it answers another question"),
            ),
            (
                "It reads the file. It reads the file. It reads the file.",
                Some("it repeats itself"),
            ),
            (
                "a b c d a b c d a b c d a b c d a b c d",
                Some("it repeats itself"),
            ),
            (
                "State only what the content shows. Plain text: no Markdown, no headings, no lists, no quotes around it.",
                Some("it repeats the instructions"),
            ),
            (
                "Write the paragraph now, and nothing else.",
                Some("it repeats the instructions"),
            ),
        ] {
            assert_eq!(fault(answer, &request), wanted, "{answer}");
        }
        let small = Style {
            small: true,
            ..Style::default()
        };
        let request = Prompt {
            system: small.instructions(),
            ..request
        };
        let small_request = Prompt {
            json: true,
            ..request.clone()
        };
        for (answer, wanted) in [
            (
                "Maps `HashMap<String, Vec<u8>>` to `[u8; 4]` and `{}`; `a[i] = b[j] | c[k];` stays.",
                None,
            ),
            ("Stores a file, language and size of each request.", None),
            (
                "A file, language: rust. It has an entry point.",
                Some("it repeats the instructions"),
            ),
            (
                "[A file, language: rust. You have to write 2 sentences.] The first one.",
                Some("it repeats the instructions"),
            ),
            (
                "I have written a new paragraph. I am ready to assist with your request.",
                Some("it is about the request, not about the content"),
            ),
            (
                "The sentence contains an error and needs to be rewritten.",
                Some("it is about the request, not about the content"),
            ),
            (
                "What? I'm not sure, but the code is still there. What do you want to know about it?",
                Some("it is about the request, not about the content"),
            ),
            (
                "from typing import Any url_safe = URLSafe( s=urllib.pack(#{0} #* {1}.{}*! *[] + b[t] = r</pre);",
                Some("it is code or markup"),
            ),
            (
                ".. header:: The message is a classic example.",
                Some("it is code or markup"),
            ),
        ] {
            assert_eq!(fault(answer, &small_request), wanted, "{answer}");
        }
        let decides = "Decides whether a file needs to be rewritten, as requested by its caller.";
        assert_eq!(fault(decides, &request), None);
        let sentence = small
            .instructions()
            .split_inclusive('.')
            .nth(2)
            .unwrap_or_default()
            .to_owned();
        assert_eq!(
            fault(&sentence, &request),
            Some("it repeats the instructions")
        );
    }

    #[test]
    fn the_contents_own_sentences_may_be_repeated() {
        let sentence = "State only what the content shows, by the rules of the house and nothing more than that.";
        assert_eq!(fault(sentence, &prompt(sentence)), None);
        assert_eq!(
            fault("Parses `<content ` tags.", &prompt("a <content b> tag")),
            None
        );
    }
}
