//! Headings of Markdown and reStructuredText.

use super::Section;

fn heading(name: String, line: usize, level: usize, signature: &str) -> Section {
    Section {
        kind: "heading",
        name,
        signature: signature.trim().to_owned(),
        line,
        level,
        ..Section::default()
    }
}

pub(super) fn markdown(lines: &[&str]) -> Vec<Section> {
    let mut found = Vec::new();
    let mut fence: Option<&str> = None;
    let mut at = 0;
    if lines.first() == Some(&"---") {
        let end = lines.iter().skip(1).position(|line| *line == "---");
        at = end.map_or(0, |end| end + 2);
    }
    for number in at..lines.len() {
        let trimmed = lines[number].trim();
        if let Some(mark) = fence {
            if trimmed.starts_with(mark) {
                fence = None;
            }
            continue;
        }
        fence = ["```", "~~~"]
            .into_iter()
            .find(|mark| trimmed.starts_with(mark));
        if let Some(name) = crate::shell::parse::scan::prose::heading(trimmed) {
            let level = match trimmed.strip_prefix("<h") {
                Some(rest) => rest
                    .chars()
                    .next()
                    .and_then(|c| c.to_digit(10))
                    .unwrap_or(1) as usize,
                None => trimmed.len() - trimmed.trim_start_matches('#').len(),
            };
            found.push(heading(name, number, level, trimmed));
            continue;
        }
        let underline = trimmed.len() >= 3
            && (trimmed.chars().all(|c| c == '=') || trimmed.chars().all(|c| c == '-'));
        let above = number.checked_sub(1).and_then(|above| lines.get(above));
        let before = number.checked_sub(2).and_then(|before| lines.get(before));
        let title = above.filter(|above| {
            let alone = before.is_none_or(|before| before.trim().is_empty());
            number > at
                && alone
                && !above.trim().is_empty()
                && !above.starts_with(['-', '*', '|', '>', '#'])
        });
        if let Some(title) = title.filter(|_| underline) {
            let level = if trimmed.starts_with('=') { 1 } else { 2 };
            found.push(heading(title.trim().to_owned(), number - 1, level, title));
        }
    }
    found
}

pub(super) fn restructured_text(lines: &[&str]) -> Vec<Section> {
    const RULERS: &str = "=-~^\"'#*+`.:_";
    let ruler = |line: &str| {
        let first = line.chars().next()?;
        let plain = line.len() >= 3 && RULERS.contains(first) && line.chars().all(|c| c == first);
        plain.then_some(first)
    };
    let mut levels: Vec<(char, bool)> = Vec::new();
    let mut found = Vec::new();
    for number in 1..lines.len() {
        let title = lines[number - 1];
        let Some(mark) = ruler(lines[number].trim_end()) else {
            continue;
        };
        let name = title.trim();
        let long_enough = lines[number].trim_end().chars().count() >= name.chars().count();
        if name.is_empty() || !long_enough || ruler(name).is_some() {
            continue;
        }
        let before = number.checked_sub(2).and_then(|before| lines.get(before));
        let overlined = before.is_some_and(|before| ruler(before.trim_end()) == Some(mark));
        let alone = before.is_none_or(|before| before.trim().is_empty());
        if !overlined && (!alone || title.starts_with([' ', '\t'])) {
            continue;
        }
        let style = (mark, overlined);
        let level = levels.iter().position(|known| *known == style);
        let level = level.unwrap_or_else(|| {
            levels.push(style);
            levels.len() - 1
        });
        found.push(heading(name.to_owned(), number - 1, level + 1, name));
    }
    found
}
