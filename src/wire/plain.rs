//! Names and texts of a repository made safe to print: no control characters, nothing that reorders or hides text.

/// The text with control characters and those that reorder or hide others written as escapes, line breaks too.
pub fn clean(text: &str) -> String {
    escape(text, is_unsafe)
}

/// The text with the selected characters written as escapes.
pub fn escape(text: &str, selected: fn(char) -> bool) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if selected(c) {
            safe.extend(c.escape_default());
        } else {
            safe.push(c);
        }
    }
    safe
}

/// The text in one line: white space, including line breaks, becomes one space; the rest is as in [`clean`].
pub fn one_line(text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().map(clean).collect();
    words.join(" ")
}

/// A path as one word. A path that could be mistaken for something else (it has spaces, colons or control characters, or
/// begins with a sign) is quoted as in JSON.
pub fn name(path: &str) -> String {
    let plain =
        |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '/' | '-' | '+' | '@' | '~');
    let begins = path
        .chars()
        .next()
        .is_none_or(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '/' | '@'));
    if begins && path.chars().all(|c| plain(c) && !is_unsafe(c)) {
        return path.to_owned();
    }
    let mut quoted = String::from('"');
    for c in path.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            c if is_unsafe(c) => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    quoted.push_str(&format!("\\u{unit:04x}"));
                }
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_reader_raw() {
        assert_eq!(
            clean("a\u{1b}[31m\u{202e}b\nc"),
            "a\\u{1b}[31m\\u{202e}b\\nc"
        );
        assert_eq!(one_line(" a\n---\n b\u{7}"), "a --- b\\u{7}");
        for plain in [
            "src/a.py",
            "./",
            "",
            "@types/x.d.ts",
            "größe/日本.md",
            "a~b+c",
        ] {
            assert_eq!(name(plain), plain);
        }
        for odd in [
            "---",
            "# x",
            "freshness: all",
            "a b.md",
            "x\n---\nfreshness: fine",
            "a\"b\\c",
            "a\u{1b}]8;;x",
            "\u{202e}b",
            "\u{e0041}",
        ] {
            let quoted = name(odd);
            assert!(
                quoted.starts_with('"') && !quoted.chars().any(is_unsafe),
                "{quoted}"
            );
            assert_eq!(
                serde_json::from_str::<String>(&quoted).ok().as_deref(),
                Some(odd)
            );
        }
    }
}
