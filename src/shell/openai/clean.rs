//! Turns a model's output into plain text: without reasoning, markup around it, and invisible characters.

use super::reasoning;
use crate::model::text::is_invisible;

/// The longest text, in characters. It ends with a sentence where one ends before that.
const LONGEST_TEXT: usize = 2000;

/// How often a text is unwrapped at most: each wrapping costs a pass.
const MAX_PASSES: usize = 64;

/// Removes reasoning, fences, headings, quotes and invisible characters; collapses white space, keeps paragraphs, and
/// cuts at about 2,000 characters.
pub(super) fn clean(text: &str) -> String {
    let mut text = visible(text);
    // A pass may uncover another heading or label.
    for _ in 0..MAX_PASSES {
        let answer = reasoning::answer(text.trim());
        let bare = bounded(spaced(unwrapped(answer.trim())));
        if bare == text {
            return bare;
        }
        text = bare;
    }
    text
}

/// Removes what is wrapped around the text.
fn unwrapped(mut text: &str) -> &str {
    // Wrappings are nested: a fence around a heading, a label before quotes.
    loop {
        let bare = without_quotes(without_label(without_fence(text)));
        if bare == text {
            return text;
        }
        text = bare;
    }
}

/// Collapses white space to single spaces and single blank lines.
fn spaced(text: &str) -> String {
    let paragraphs: Vec<String> = text
        .split("\n\n")
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|paragraph| !paragraph.is_empty())
        .collect();
    paragraphs.join("\n\n")
}

/// The whole sentences within the first `limit` bytes of a text, if any.
pub(super) fn whole_sentences(text: &str, limit: usize) -> Option<&str> {
    let marks = text.match_indices(['.', '!', '?', '。', '！', '？']);
    let ends = marks.map(|(at, mark)| (at + mark.len(), mark.len() > 1));
    let ends = ends.take_while(|(end, _)| *end <= limit);
    // Full-width marks need no space behind them.
    let ends = ends
        .filter(|(end, wide)| *wide || text[*end..].chars().next().is_none_or(char::is_whitespace));
    ends.last().map(|(end, _)| &text[..end])
}

/// Shortens a text at the end of a sentence, else after a word and with an ellipsis.
fn bounded(text: String) -> String {
    let Some((limit, _)) = text.char_indices().nth(LONGEST_TEXT) else {
        return text;
    };
    match whole_sentences(&text, limit) {
        Some(whole) => whole.to_owned(),
        None => {
            let head = &text[..limit];
            let word = head.rfind(char::is_whitespace).unwrap_or(limit);
            format!("{}…", head[..word].trim_end())
        }
    }
}

/// Removes characters that are invisible or reorder others: a model must not be able to hide anything in a summary.
fn visible(text: &str) -> String {
    text.replace("\r\n", "\n")
        .chars()
        .filter_map(|c| match c {
            '\n' => Some('\n'),
            '\t' | '\u{b}' | '\u{c}' | '\r' => Some(' '),
            '\u{2028}' | '\u{2029}' | '\u{85}' => Some('\n'),
            c if c.is_control() || is_invisible(c) => None,
            c => Some(c),
        })
        .collect()
}

fn without_fence(text: &str) -> &str {
    let inner = text
        .strip_prefix("```")
        .and_then(|rest| rest.strip_suffix("```"));
    match inner.and_then(|inner| inner.split_once('\n')) {
        // The rest of the first line names a language.
        Some((language, inner)) if !language.contains(' ') && !inner.contains("```") => {
            inner.trim()
        }
        _ => text,
    }
}

/// Removes a heading or label "summary", and a line that only announces the text.
fn without_label(text: &str) -> &str {
    let first = text.lines().next().unwrap_or("");
    let after = |length: usize| text[length..].trim_start();
    let bare = first.trim_matches(|c: char| matches!(c, '#' | '*' | '_' | ' ' | ':'));
    let lower = bare.to_lowercase();
    let is_heading = first.starts_with(['#', '*', '_']) || first.trim_end().ends_with(':');
    let rest = after(first.len());
    if is_heading && !rest.is_empty() {
        let says_summary = lower == "summary" || lower.ends_with(" summary");
        let announces = first.trim_end().ends_with(':')
            && first.len() < 120
            && [
                "here is",
                "here's",
                "here’s",
                "sure",
                "certainly",
                "below is",
            ]
            .iter()
            .any(|start| lower.starts_with(start));
        if says_summary || announces {
            return rest;
        }
    }
    for label in [
        "**Summary:**",
        "**Summary**:",
        "Summary:",
        "SUMMARY:",
        "summary:",
    ] {
        if let Some(rest) = text.strip_prefix(label)
            && !rest.trim().is_empty()
        {
            return rest.trim_start();
        }
    }
    text
}

fn without_quotes(text: &str) -> &str {
    for (open, close) in [('"', '"'), ('\'', '\''), ('“', '”'), ('«', '»'), ('`', '`')] {
        let inner = text
            .strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close));
        if let Some(inner) = inner
            && !inner.contains(open)
            && !inner.contains(close)
        {
            return inner.trim();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrappings_are_cut_and_the_text_stays() {
        for (text, wanted) in [
            ("Reads files.", "Reads files."),
            (
                "  Reads\n files.\t Then  writes. ",
                "Reads files. Then writes.",
            ),
            ("One.\n\n\n\nTwo.\r\n\r\nThree.", "One.\n\nTwo.\n\nThree."),
            ("<think>Hm.\n\nYes.</think>\n\nReads files.", "Reads files."),
            ("<think>Hm.", ""),
            ("<think></think>", ""),
            (
                "Hm, the user\nwants\n</think>\n\nReads files.",
                "Reads files.",
            ),
            (
                "Cuts `<think>` and `</think>` tags.",
                "Cuts `<think>` and `</think>` tags.",
            ),
            ("```\nReads files.\n```", "Reads files."),
            (
                "```markdown\n## Summary\n\nReads files.\n```",
                "Reads files.",
            ),
            ("**Summary:** Reads files.", "Reads files."),
            ("Summary: \"Reads files.\"", "Reads files."),
            ("# File summary\nReads files.", "Reads files."),
            (
                "Here is a summary of the file:\n\nReads files.",
                "Reads files.",
            ),
            (
                "Here is where keys live: in a map.",
                "Here is where keys live: in a map.",
            ),
            ("\"Reads files.\"", "Reads files."),
            ("“Reads files.”", "Reads files."),
            ("\"A\" calls \"B\"", "\"A\" calls \"B\""),
            ("`main` calls `run`", "`main` calls `run`"),
            ("Summary:", "Summary:"),
            ("Summary of runs: a table.", "Summary of runs: a table."),
            (
                "Re\u{200b}ads\u{202e} fi\u{0}les\u{1b}[31m.\u{e0041}",
                "Reads files[31m.",
            ),
            ("Café and 日本語 stay.", "Café and 日本語 stay."),
            ("", ""),
            ("\"", "\""),
            ("```", "```"),
        ] {
            assert_eq!(clean(text), wanted, "{text:?}");
            assert_eq!(clean(&clean(text)), clean(text), "{text:?}");
        }
    }

    #[test]
    fn long_texts_end_with_a_sentence() {
        let text = "Says a thing of ü. ".repeat(200);
        let short = clean(&text);
        assert!(short.ends_with("of ü."), "{short}");
        let length = short.chars().count();
        assert!((1970..=LONGEST_TEXT).contains(&length), "{length}");
        let endless = clean(&"wörd ".repeat(1000));
        assert!(endless.ends_with("wörd…"));
        assert!(endless.chars().count() <= LONGEST_TEXT);
        assert!(clean(&"ü".repeat(3000)).chars().count() <= LONGEST_TEXT + 1);
        let exact = "a".repeat(LONGEST_TEXT);
        assert_eq!(clean(&exact), exact);
    }

    /// The result is plain text of bounded length, and cleaning it again changes nothing.
    #[test]
    fn any_output_becomes_plain_text() {
        let words: [&[u8]; 16] = [
            b"<|im_end|>",
            b"<|channel|>final<|message|>",
            b"Final answer:",
            b"<answer>",
            b"<think>",
            b"</think>\n",
            b"```",
            b"```json\n",
            b"Summary:",
            b"**Summary:**",
            b"\n\n",
            b"# Summary\n",
            b"\"",
            "\u{202e}".as_bytes(),
            b"\x1b[2J\x1b]0;x\x07",
            "\u{e0041}".as_bytes(),
        ];
        for seed in crate::fuzz::rounds(3_000) {
            let mut rng = fastrand::Rng::with_seed(seed);
            let longest = if rng.u8(0..10) == 0 { 4_000 } else { 300 };
            let text = crate::fuzz::text(&mut rng, longest);
            let mut bytes = crate::fuzz::mutated(&mut rng, text.as_bytes(), &words);
            for _ in 0..rng.usize(0..4) {
                bytes = crate::fuzz::mutated(&mut rng, &bytes, &words);
            }
            let text = String::from_utf8_lossy(&bytes);
            let cleaned = clean(&text);
            let seen = |c: char| c == '\n' || !(c.is_control() || is_invisible(c));
            assert!(cleaned.chars().all(seen), "seed {seed}: {cleaned:?}");
            assert!(
                !cleaned.contains("\n\n\n") && !cleaned.contains('\r'),
                "seed {seed}"
            );
            assert!(cleaned.chars().count() <= LONGEST_TEXT + 1, "seed {seed}");
            assert_eq!(cleaned.trim(), cleaned, "seed {seed}");
            assert_eq!(clean(&cleaned), cleaned, "seed {seed}");
        }
    }
}
