//! The difference between two texts of a file, as its next request shows it.

use std::fmt::Write as _;

use similar::{Algorithm, DiffTag, capture_diff_slices, group_diff_ops};

/// Unchanged lines around a change.
const CONTEXT: usize = 3;

/// A unified diff; `None` if there is no difference or it takes more than `most` bytes.
pub fn diff(before: &str, after: &str, most: usize) -> Option<String> {
    let old: Vec<&str> = before.lines().collect();
    let new: Vec<&str> = after.lines().collect();
    // Its search is bounded, so that a rewritten file takes no longer.
    let changes = capture_diff_slices(Algorithm::Myers, &old, &new);
    let mut text = String::new();
    for group in group_diff_ops(changes, CONTEXT) {
        let line = group.first().map_or(0, |change| change.new_range().start) + 1;
        let _ = writeln!(text, "@@ line {line} @@");
        for change in group {
            let (tag, was, is) = change.as_tag_tuple();
            let (removed, added) = match tag {
                DiffTag::Equal => ("", " "),
                _ => ("-", "+"),
            };
            let was = old[was].iter().filter(|_| tag != DiffTag::Equal);
            was.for_each(|line| text.extend([removed, line, "\n"]));
            new[is]
                .iter()
                .for_each(|line| text.extend([added, line, "\n"]));
        }
        if text.len() > most {
            return None;
        }
    }
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_shows_what_changed_with_its_surroundings() {
        let lines = |range: std::ops::Range<u32>| -> String {
            range.map(|number| format!("line {number}\n")).collect()
        };
        let before = lines(0..100);
        let after = before.replace("line 50\n", "line fifty\nand more\n") + "end";
        let expected = "@@ line 48 @@\n line 47\n line 48\n line 49\n-line 50\n+line fifty\n+and more\n line 51\n \
                        line 52\n line 53\n@@ line 99 @@\n line 97\n line 98\n line 99\n+end\n";
        assert_eq!(diff(&before, &after, 1_000).as_deref(), Some(expected));
        assert_eq!(diff(&before, &after, 100), None);
        assert_eq!(diff(&before, &before, 100), None);
    }
}
