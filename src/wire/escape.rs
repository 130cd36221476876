//! Escaping for HTML and Markdown.

/// Whether it is shown as U+FFFD: control characters, and those that reorder or hide what a name shows.
fn is_replaced(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200e}' | '\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// The text for HTML, also inside double quotes. Characters that control, reorder or hide become U+FFFD.
pub fn html(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            '\n' | '\t' => safe.push(c),
            c if is_replaced(c) => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

/// A Markdown code span that the text cannot leave.
pub fn code_span(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if is_replaced(c) { '\u{fffd}' } else { c })
        .collect();
    let longest = text
        .split(|c| c != '`')
        .map(str::len)
        .max()
        .unwrap_or_default();
    let ticks = "`".repeat(longest + 1);
    match longest {
        0 => format!("{ticks}{text}{ticks}"),
        _ => format!("{ticks} {text} {ticks}"),
    }
}

/// A line of running text for Markdown: its own code spans stay, all other markup is escaped.
pub fn markdown(line: &str) -> String {
    let spans = line.matches('`').count();
    if spans == 0 || spans % 2 == 1 {
        return markdown_text(line, true).replace('`', "\\`");
    }
    // In a code span a backslash would be visible: there the text stays as it is.
    let parts = line.split('`').enumerate();
    parts
        .map(|(at, part)| match at % 2 {
            0 => markdown_text(part, at == 0),
            _ => format!("`{}`", part.replace(is_replaced, "\u{fffd}")),
        })
        .collect()
}

fn markdown_text(text: &str, starts_line: bool) -> String {
    let mut safe = String::with_capacity(text.len());
    for (at, c) in text.chars().enumerate() {
        match c {
            '<' => safe.push_str("&lt;"),
            '&' => safe.push_str("&amp;"),
            '\\' | '[' | ']' | '*' | '_' | '|' => safe.extend(['\\', c]),
            '#' | '>' | '+' | '-' | '=' | '~' if at == 0 && starts_line => safe.extend(['\\', c]),
            c if is_replaced(c) => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_never_markup() {
        assert_eq!(markdown("a <b> [x](y) *c*"), "a &lt;b> \\[x\\](y) \\*c\\*");
        assert_eq!(markdown("# no heading"), "\\# no heading");
        assert_eq!(markdown("has `a_b` and c_d"), "has `a_b` and c\\_d");
        assert_eq!(markdown("one ` alone <x>"), "one \\` alone &lt;x>");
        assert_eq!(code_span("a`b"), "`` a`b ``");
        assert_eq!(code_span("a\nb"), "`a\u{fffd}b`");
        let reordered = "a\u{202e}b\u{2066}c\u{e0041}";
        for shown in [
            html(reordered),
            markdown(reordered),
            markdown("`a\u{202e}b`"),
        ] {
            assert!(
                !shown.contains(['\u{202e}', '\u{2066}', '\u{e0041}']),
                "{shown}"
            );
        }
        assert_eq!(
            html("<a href=\"x\">\u{1b}"),
            "&lt;a href=&quot;x&quot;&gt;\u{fffd}"
        );
    }
}
