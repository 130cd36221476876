//! Repairs of C and C++: what the preprocessor would remove. Comments in directives, the branches of conditionals that
//! split braces, and macros that stand where the grammar expects types, names or nothing.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

use super::blank;

/// C++ by its looks: a header of C holds no such line.
pub(in super::super) fn dialect(text: &[u8]) -> Option<&'static str> {
    static SIGNS: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"(?m-u)^[ \t]*(?:class\s+\w+[^;()]{0,300}\{|namespace\b[\w\s:]{0,300}\{|template\s*<|using\s+\w+|(?:public|private|protected):)",
        )
        .ok()
    });
    SIGNS.as_ref()?.is_match(text).then_some("cpp")
}

/// The text without macros between the word `struct` and a name, which the grammar reads as a function.
pub(in super::super) fn attributes(text: &[u8]) -> Option<Vec<u8>> {
    static MACROS: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"(?-u)\b(?:struct|union|enum|class)[ \t]+([A-Z_][A-Z0-9_]+(?:\([^()]{0,200}\))?)[ \t]+[A-Za-z_]\w*\s*(?:final\s*)?[{:]",
        )
        .ok()
    });
    let mut out = None;
    for captures in MACROS.as_ref()?.captures_iter(text) {
        let range = captures.get(1)?.range();
        blank(&mut out.get_or_insert_with(|| text.to_vec())[range]);
    }
    out
}

pub(in super::super) fn c(text: &[u8]) -> Option<Vec<u8>> {
    repaired(text, false)
}

pub(in super::super) fn cpp(text: &[u8]) -> Option<Vec<u8>> {
    repaired(text, true)
}

fn repaired(text: &[u8], cpp: bool) -> Option<Vec<u8>> {
    let mut out = text.to_vec();
    let directives = directives(text);
    for directive in &directives {
        blank_comments(&mut out[directive.range.clone()]);
    }
    for range in unused_branches(&out, &directives, cpp) {
        blank(&mut out[range]);
    }
    let tokens = tokens(&out);
    for range in macros(&out, &tokens) {
        blank(&mut out[range]);
    }
    (out != text).then_some(out)
}

/// A preprocessor directive with its continuation lines.
struct Directive {
    range: Range<usize>,
    word: &'static str,
}

const DIRECTIVES: [&str; 7] = ["ifdef", "ifndef", "if", "elif", "else", "endif", "define"];

fn directives(text: &[u8]) -> Vec<Directive> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut comment = false;
    while at < text.len() {
        let line_end = |from: usize| {
            let end = text[from..].iter().position(|byte| *byte == b'\n');
            end.map_or(text.len(), |end| from + end)
        };
        let mut end = line_end(at);
        let line = text[at..end].trim_ascii_start();
        if !comment && line.first() == Some(&b'#') {
            while text[at..end].trim_ascii_end().ends_with(b"\\") && end < text.len() {
                end = line_end(end + 1);
            }
            let word = line[1..].trim_ascii_start();
            let word = DIRECTIVES
                .into_iter()
                .find(|name| word.starts_with(name.as_bytes()));
            found.push(Directive {
                range: at..end,
                word: word.unwrap_or(""),
            });
        }
        comment = ends_in_comment(&text[at..end], comment);
        at = end + 1;
    }
    found
}

fn ends_in_comment(line: &[u8], mut comment: bool) -> bool {
    let mut at = 0;
    while at < line.len() {
        let rest = &line[at..];
        if comment {
            comment = !rest.starts_with(b"*/");
            at += if comment { 1 } else { 2 };
        } else if rest.starts_with(b"//") {
            return false;
        } else if rest.starts_with(b"/*") {
            comment = true;
            at += 2;
        } else if matches!(rest[0], b'"' | b'\'') {
            at += quoted(rest);
        } else {
            at += 1;
        }
    }
    comment
}

/// The length of a string or character literal, at most to the end of its line.
fn quoted(text: &[u8]) -> usize {
    let mut at = 1;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 2,
            b'\n' => return at,
            byte if byte == text[0] => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// Blanks the block comments of a directive, and what looks like one in a string.
fn blank_comments(line: &mut [u8]) {
    let mut at = 0;
    while at < line.len() {
        if line[at..].starts_with(b"//") {
            return;
        }
        if line[at..].starts_with(b"/*") {
            let Some(end) = line[at + 2..].windows(2).position(|two| two == b"*/") else {
                return;
            };
            blank(&mut line[at..at + 2 + end + 2]);
            at += end + 4;
        } else if matches!(line[at], b'"' | b'\'') {
            let length = quoted(&line[at..]).min(line.len() - at);
            for byte in &mut line[at..at + length] {
                if *byte == b'*' {
                    *byte = b'x';
                }
            }
            at += length.max(1);
        } else {
            at += 1;
        }
    }
}

/// The parts of conditionals to blank: all but one branch and the directives, where a branch opens or closes braces
/// that it does not close or open.
fn unused_branches(text: &[u8], directives: &[Directive], cpp: bool) -> Vec<Range<usize>> {
    let mut blanked = Vec::new();
    let mut open: Vec<Vec<usize>> = Vec::new();
    for (number, directive) in directives.iter().enumerate() {
        match directive.word {
            "if" | "ifdef" | "ifndef" => open.push(vec![number]),
            "elif" | "else" => {
                if let Some(group) = open.last_mut() {
                    group.push(number);
                }
            }
            "endif" => {
                let Some(mut group) = open.pop() else {
                    continue;
                };
                group.push(number);
                let branches: Vec<Range<usize>> = group
                    .windows(2)
                    .map(|two| directives[two[0]].range.end..directives[two[1]].range.start)
                    .collect();
                let split = branches
                    .iter()
                    .any(|branch| !is_balanced(&text[branch.clone()]))
                    || heads_split(text, &branches, directive.range.end);
                if !split {
                    continue;
                }
                let condition = &text[directives[group[0]].range.clone()];
                let other = condition.windows(11).any(|word| word == b"__cplusplus") && !cpp
                    || condition.trim_ascii().ends_with(b"if 0");
                let kept = if other && directives[group[0]].word != "ifndef" {
                    1
                } else {
                    0
                };
                let directive = |number: &usize| directives[*number].range.clone();
                blanked.extend(group.iter().map(directive));
                let unused = branches.into_iter().enumerate();
                blanked.extend(unused.filter(|(at, _)| *at != kept).map(|(_, range)| range));
            }
            _ => {}
        }
    }
    blanked
}

/// Whether the branches end with the heads of one function, whose body follows.
fn heads_split(text: &[u8], branches: &[Range<usize>], end: usize) -> bool {
    let next = text[end..].trim_ascii_start().first();
    let ends_head = |branch: &Range<usize>| text[branch.clone()].trim_ascii_end().ends_with(b")");
    branches.len() > 1 && next == Some(&b'{') && branches.iter().all(ends_head)
}

fn is_balanced(text: &[u8]) -> bool {
    let mut depth = 0i32;
    for token in tokens(text) {
        match text[token.start] {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

/// Words and single characters, without comments, literals and directives.
fn tokens(text: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut line_start = true;
    while at < text.len() {
        let rest = &text[at..];
        let byte = rest[0];
        let length = if byte == b'\n' {
            line_start = true;
            at += 1;
            continue;
        } else if byte.is_ascii_whitespace() {
            at += 1;
            continue;
        } else if byte == b'#' && line_start {
            let mut end = 0;
            loop {
                let line = rest[end..].iter().position(|byte| *byte == b'\n');
                let Some(line) = line else {
                    return found;
                };
                end += line;
                if !rest[..end].trim_ascii_end().ends_with(b"\\") {
                    break;
                }
                end += 1;
            }
            at += end;
            continue;
        } else if rest.starts_with(b"//") {
            let end = rest.iter().position(|byte| *byte == b'\n');
            at += end.unwrap_or(rest.len());
            continue;
        } else if rest.starts_with(b"/*") {
            let end = rest.windows(2).skip(2).position(|two| two == b"*/");
            at += end.map_or(rest.len(), |end| end + 4);
            continue;
        } else if matches!(byte, b'"' | b'\'') {
            quoted(rest)
        } else if is_word(byte) {
            rest.iter().take_while(|byte| is_word(**byte)).count()
        } else {
            1
        };
        line_start = false;
        let end = (at + length).min(text.len());
        found.push(at..end);
        at = end;
    }
    found
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether a word looks like a macro: capitals, or two underscores and no keyword of a compiler.
fn is_macro(word: &[u8]) -> bool {
    const KEYWORDS: [&[u8]; 10] = [
        b"__attribute__",
        b"__inline",
        b"__inline__",
        b"__int128",
        b"__restrict",
        b"__const",
        b"__typeof__",
        b"__volatile__",
        b"__extension__",
        b"__declspec",
    ];
    let capitals = word.iter().filter(|byte| byte.is_ascii_uppercase()).count();
    let small = word.iter().any(u8::is_ascii_lowercase);
    capitals >= 2 && !small || word.starts_with(b"__") && !KEYWORDS.contains(&word)
}

const TYPES: [&[u8]; 10] = [
    b"int",
    b"char",
    b"void",
    b"long",
    b"short",
    b"unsigned",
    b"signed",
    b"float",
    b"double",
    b"bool",
];
const QUALIFIERS: [&[u8]; 8] = [
    b"static",
    b"extern",
    b"inline",
    b"const",
    b"volatile",
    b"register",
    b"virtual",
    b"explicit",
];
const CONTAINERS: [&[u8]; 6] = [
    b"struct",
    b"union",
    b"enum",
    b"class",
    b"namespace",
    b"extern",
];
const CONTROL: [&[u8]; 9] = [
    b"if", b"for", b"while", b"switch", b"catch", b"return", b"sizeof", b"else", b"do",
];

/// Where macros stand that the grammar cannot place.
fn macros(text: &[u8], tokens: &[Range<usize>]) -> Vec<Range<usize>> {
    let word = |at: usize| tokens.get(at).map_or(&[][..], |token| &text[token.clone()]);
    let closings = closings(text, tokens);
    let mut found = Vec::new();
    // For each open brace whether it is that of code.
    let mut braces: Vec<bool> = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while at < tokens.len() {
        let in_code = braces.last().copied().unwrap_or(false);
        match word(at) {
            b"(" => {
                // `(WINAPI *name)`
                if !in_code && is_macro(word(at + 1)) && word(at + 2) == b"*" {
                    found.push(tokens[at + 1].clone());
                }
                at = closings[at];
            }
            b"{" => {
                let statement = &tokens[start..at];
                let container = statement
                    .iter()
                    .any(|token| CONTAINERS.contains(&&text[token.clone()]))
                    && at > 0
                    && word(at - 1) != b")";
                if in_code {
                    block_macro(text, tokens, &closings, start..at, &mut found);
                } else {
                    head(text, tokens, &closings, start..at, &mut found);
                }
                braces.push(!container || in_code);
                start = at + 1;
            }
            b"}" => {
                braces.pop();
                start = at + 1;
            }
            b";" => {
                if !in_code {
                    head(text, tokens, &closings, start..at, &mut found);
                }
                start = at + 1;
            }
            b":" if !in_code && at == start + 1 => start = at + 1,
            _ => {}
        }
        at += 1;
    }
    found
}

/// For each token that opens a parenthesis the index of the one that closes it; for all others their own.
fn closings(text: &[u8], tokens: &[Range<usize>]) -> Vec<usize> {
    let mut closings: Vec<usize> = (0..tokens.len()).collect();
    let mut open = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match text[token.start] {
            b'(' => open.push(at),
            b')' => {
                if let Some(opening) = open.pop() {
                    closings[opening] = at;
                }
            }
            // A statement in braces may stand in a macro's arguments, but then it is short.
            b'}' | b';' => open.retain(|opening| at < opening + 400),
            _ => {}
        }
    }
    closings
}

/// `for_each(x, list) {` in code: without the macro a block is left.
fn block_macro(
    text: &[u8],
    tokens: &[Range<usize>],
    closings: &[usize],
    statement: Range<usize>,
    found: &mut Vec<Range<usize>>,
) {
    let Range { start, end: brace } = statement;
    let (Some(first), Some(last)) = (tokens.get(start), tokens.get(brace.wrapping_sub(1))) else {
        return;
    };
    let name = &text[first.clone()];
    let group = tokens
        .get(start + 1)
        .is_some_and(|token| text[token.start] == b'(');
    if group && is_word(name[0]) && !CONTROL.contains(&name) && closings[start + 1] + 1 == brace {
        found.push(first.start..last.end);
    }
}

/// Finds the macros in the head of a declaration.
fn head(
    text: &[u8],
    tokens: &[Range<usize>],
    closings: &[usize],
    part: Range<usize>,
    found: &mut Vec<Range<usize>>,
) {
    // Words, and groups in parentheses as one.
    let mut items: Vec<(Range<usize>, bool)> = Vec::new();
    let mut at = part.start;
    while at < part.end {
        let byte = text[tokens[at].start];
        if byte == b'(' {
            let end = closings[at].min(part.end - 1);
            items.push((tokens[at].start..tokens[end].end, true));
            at = end + 1;
            continue;
        }
        if byte == b'=' {
            break;
        }
        items.push((tokens[at].clone(), false));
        at += 1;
    }
    let word = |at: usize| match items.get(at) {
        Some((range, false)) if is_word(text[range.start]) => &text[range.clone()],
        _ => &[][..],
    };
    let is_group = |at: usize| items.get(at).is_some_and(|(_, group)| *group);
    for at in 0..items.len() {
        let struct_like = [&b"struct"[..], b"union", b"enum", b"class"].contains(&word(at));
        if struct_like && is_macro(word(at + 1)) {
            let name = if is_group(at + 2) { at + 3 } else { at + 2 };
            if !word(name).is_empty() {
                found.push(items[at + 1].0.start..items[name - 1].0.end);
            }
        }
    }
    // The parameters: the first group behind a word that is no macro, or else the last group.
    let is_parameters = |at: &usize| *at > 0 && is_group(*at) && !word(at - 1).is_empty();
    let parameters = (0..items.len())
        .filter(is_parameters)
        .find(|at| !is_macro(word(at - 1)));
    let Some(parameters) = parameters else {
        return;
    };
    let mut at = parameters + 1;
    while at < items.len() {
        if is_macro(word(at)) {
            let end = if is_group(at + 1) { at + 1 } else { at };
            found.push(items[at].0.start..items[end].0.end);
            at = end;
        }
        at += 1;
    }
    let name = parameters - 1;
    let plain = (0..=name).filter(|at| {
        let word = word(*at);
        !word.is_empty() && !is_macro(word) && !QUALIFIERS.contains(&word)
    });
    let mut types = plain.count();
    for at in 0..name {
        if is_macro(word(at)) && is_group(at + 1) {
            found.push(items[at].0.start..items[at + 1].0.end);
        } else if is_macro(word(at)) {
            if types >= 2 {
                found.push(items[at].0.clone());
            }
            types += 1;
        } else if at + 1 == name
            && at > 0
            && TYPES.contains(&word(at - 1))
            && !word(at).is_empty()
            && !TYPES.contains(&word(at))
        {
            found.push(items[at].0.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macros_and_split_braces_are_blanked() {
        for (text, repaired) in [
            ("int f(int a) __THROW;", "int f(int a);"),
            (
                "int g(const char *f, ...) PRINTF(1, 2);",
                "int g(const char *f, ...);",
            ),
            ("LUA_API int f (int a) {}", "int f (int a) {}"),
            (
                "LUA_API lua_CFunction h (int a) {}",
                "lua_CFunction h (int a) {}",
            ),
            (
                "static int\ninternal_function\nf (int a) {}",
                "static int f (int a) {}",
            ),
            (
                "static inline FORMAT(1) const char *f(int m) {}",
                "static inline const char *f(int m) {}",
            ),
            ("struct PACKED s3 { int a; };", "struct s3 { int a; };"),
            ("BOOL f(int a) {}", "BOOL f(int a) {}"),
            ("MODULE(\"a\")\nint f(void) {}", "int f(void) {}"),
            ("int f() { each(p, h) { a(); } }", "int f() { { a(); } }"),
            ("int f() { if (a) { b(); } }", "int f() { if (a) { b(); } }"),
            ("#define M { /* a */ 1 }\nint a;", "#define M { 1 }\nint a;"),
            (
                "#ifdef W\nif (a) {\n#else\nif (b) {\n#endif\n}",
                "if (a) { }",
            ),
            (
                "#ifdef __cplusplus\nextern \"C\" {\n#endif\nint a;\n#ifdef __cplusplus\n}\n#endif",
                "int a;",
            ),
        ] {
            let out = c(text.as_bytes()).unwrap_or_else(|| text.as_bytes().to_vec());
            assert_eq!(out.len(), text.len());
            let words = |text: &str| {
                let text = text.replace(" ;", ";").replace(") {", "){");
                text.split_whitespace().collect::<Vec<_>>().join(" ")
            };
            assert_eq!(
                words(&words(&String::from_utf8_lossy(&out))),
                words(&words(repaired)),
                "{text}"
            );
        }
    }
}
