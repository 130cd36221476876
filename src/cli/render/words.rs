//! The words that differ between two texts.

use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::cli::terminal::{Style, Terminal};
use crate::cli::text::{clean, columns, wrap};

/// Texts that share a smaller part of their words than this are shown one after the other.
const MIN_SHARED: f32 = 0.4;

/// What became of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Kept,
    Removed,
    Added,
}

/// The new text with the words that were removed and added, in lines of at most `width` columns. Without colours they
/// stand in `[-…-]` and `{+…+}`, as git prints them.
pub fn diff(old: &str, new: &str, width: usize, terminal: Terminal) -> Vec<String> {
    let words = |text: &str| -> Vec<String> { text.split_whitespace().map(clean).collect() };
    let (old_words, new_words) = (words(old), words(new));
    let ops = capture_diff_slices(Algorithm::Myers, &old_words, &new_words);
    if similar::diff_ratio(&ops, old_words.len(), new_words.len()) < MIN_SHARED {
        let side = |text: &str, mark: &str, style: Style| -> Vec<String> {
            let text = wrap(text, width.saturating_sub(2));
            let lines = text.lines().filter(|line| !line.is_empty());
            lines
                .map(|line| terminal.paint(style, &format!("{mark} {line}")))
                .collect()
        };
        let mut lines = side(old, "-", Style::Error);
        lines.extend(side(new, "+", Style::Good));
        return lines;
    }
    let mut marked: Vec<(Fate, &str)> = Vec::new();
    for op in ops {
        let (old_range, new_range) = (op.old_range(), op.new_range());
        let kept = matches!(op, DiffOp::Equal { .. });
        let removed = old_words[old_range].iter().filter(|_| !kept);
        marked.extend(removed.map(|word| (Fate::Removed, word.as_str())));
        let fate = if kept { Fate::Kept } else { Fate::Added };
        marked.extend(
            new_words[new_range]
                .iter()
                .map(|word| (fate, word.as_str())),
        );
    }
    lines(&marked, width, terminal)
}

/// Fills lines with words; runs of one fate are marked together.
fn lines(words: &[(Fate, &str)], width: usize, terminal: Terminal) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for (at, &(fate, word)) in words.iter().enumerate() {
        let same = |other: Option<&(Fate, &str)>| other.is_some_and(|(other, _)| *other == fate);
        let begins = !same(at.checked_sub(1).and_then(|before| words.get(before)));
        let ends = !same(words.get(at + 1));
        let (open, close) = match (terminal.color, fate) {
            (true, _) | (_, Fate::Kept) => ("", ""),
            (false, Fate::Removed) => ("[-", "-]"),
            (false, Fate::Added) => ("{+", "+}"),
        };
        let mut text = word.to_owned();
        if begins {
            text.insert_str(0, open);
        }
        if ends {
            text.push_str(close);
        }
        let more = columns(&text);
        if used > 0 && used + 1 + more > width {
            lines.push(String::new());
            used = 0;
        }
        let style = match fate {
            Fate::Kept => Style::Plain,
            Fate::Removed => Style::Removed,
            Fate::Added => Style::Added,
        };
        let line = lines.last_mut();
        if let Some(line) = line {
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(&terminal.paint(style, &text));
        }
        used += more;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_marked_in_place() {
        let plain = Terminal::default();
        let old = "Cart totals are rounded up. It adds things.";
        let new = "Cart totals are truncated. It adds new things.";
        let text = diff(old, new, usize::MAX, plain).join("\n");
        assert_eq!(
            text,
            "Cart totals are [-rounded up.-] {+truncated.+} It adds {+new+} things."
        );
        let narrow = diff(old, new, 20, plain);
        assert!(narrow.iter().all(|line| columns(line) <= 20), "{narrow:?}");
        let color = Terminal {
            color: true,
            ..plain
        };
        let text = diff("a b c", "a b d", 80, color).join("\n");
        assert!(
            text.contains("c\u{1b}[0m") && !text.contains("[-"),
            "{text:?}"
        );
    }

    #[test]
    fn different_texts_are_shown_one_after_the_other() {
        let lines = diff("One two.", "Three four\x1b[2J.", 80, Terminal::default());
        assert_eq!(lines, ["- One two.", "+ Three four\\u{1b}[2J."]);
    }
}
