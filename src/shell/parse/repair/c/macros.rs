//! Macros that stand where the grammar expects types, names or nothing.

use std::ops::Range;

use super::tokens::{closings, is_word, tokens};

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
const QUALIFIERS: [&[u8]; 9] = [
    b"static",
    b"extern",
    b"inline",
    b"const",
    b"volatile",
    b"register",
    b"virtual",
    b"explicit",
    b"constexpr",
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
/// Words that begin a declaration: what stands before them is no type.
const BEGINNINGS: [&[u8]; 14] = [
    b"namespace",
    b"template",
    b"class",
    b"struct",
    b"union",
    b"enum",
    b"using",
    b"typedef",
    b"static",
    b"inline",
    b"extern",
    b"constexpr",
    b"virtual",
    b"explicit",
];
/// Words that may follow a star and precede another word.
const AFTER_STAR: [&[u8]; 14] = [
    b"const",
    b"volatile",
    b"restrict",
    b"__restrict",
    b"__restrict__",
    b"operator",
    b"new",
    b"delete",
    b"sizeof",
    b"not",
    b"throw",
    b"mutable",
    b"co_await",
    b"typename",
];
/// Words whose group in parentheses is not that of parameters.
const ATTRIBUTES: [&[u8]; 5] = [
    b"alignas",
    b"decltype",
    b"__attribute__",
    b"__declspec",
    b"noexcept",
];

/// Parts of a macro's name that say that it is no type.
const NO_TYPE: [&str; 12] = [
    "CONSTEXPR",
    "INLINE",
    "EXPORT",
    "NODISCARD",
    "NORETURN",
    "DEPRECATED",
    "EXPLICIT",
    "UNUSED",
    "ATTRIBUTE",
    "BEGIN",
    "END",
    "API",
];

/// Whether a macro's name says that it is no type: `FMT_CONSTEXPR20`.
fn is_attribute(word: &[u8]) -> bool {
    let word = std::str::from_utf8(word).unwrap_or("");
    let digits = |c: char| c.is_ascii_digit();
    word.split('_')
        .any(|part| NO_TYPE.contains(&part.trim_end_matches(digits)))
}

/// What to blank in a text.
pub(super) struct Found {
    /// Macros that the grammar cannot place, and in C++ a few forms that it does not know.
    pub macros: Vec<Range<usize>>,
    /// The insides of functions.
    pub bodies: Vec<Range<usize>>,
}

pub(super) fn macros(text: &[u8], cpp: bool) -> Found {
    let tokens = tokens(text);
    let closings = closings(text, &tokens);
    let mut reader = Reader {
        text,
        tokens: &tokens,
        closings: &closings,
        found: Vec::new(),
        bodies: Vec::new(),
    };
    reader.declarations();
    reader.anywhere(cpp);
    Found {
        macros: reader.found,
        bodies: reader.bodies,
    }
}

struct Reader<'a> {
    text: &'a [u8],
    tokens: &'a [Range<usize>],
    closings: &'a [usize],
    found: Vec<Range<usize>>,
    bodies: Vec<Range<usize>>,
}

/// A word, or a group in parentheses as one.
#[derive(Clone)]
struct Part {
    range: Range<usize>,
    group: bool,
}

impl<'a> Reader<'a> {
    fn word(&self, at: usize) -> &'a [u8] {
        self.tokens
            .get(at)
            .map_or(&[][..], |token| &self.text[token.clone()])
    }

    fn blank(&mut self, first: usize, last: usize) {
        self.found
            .push(self.tokens[first].start..self.tokens[last].end);
    }

    fn is_name(&self, at: usize) -> bool {
        self.word(at)
            .first()
            .is_some_and(|byte| is_word(*byte) && !byte.is_ascii_digit())
    }

    /// Whether a token is the first of its line.
    fn begins_line(&self, at: usize) -> bool {
        let Some(token) = self.tokens.get(at) else {
            return true;
        };
        let before = at
            .checked_sub(1)
            .map_or(0, |before| self.tokens[before].end);
        self.text[before..token.start].contains(&b'\n')
    }

    /// Reads the text statement by statement.
    fn declarations(&mut self) {
        // For each open brace whether it is that of code.
        let mut braces: Vec<bool> = Vec::new();
        let mut body = 0;
        let mut start = 0;
        let mut at = 0;
        while at < self.tokens.len() {
            let in_code = braces.last().copied().unwrap_or(false);
            if !in_code && at == start {
                let after = self.leading(at);
                if after > at {
                    (start, at) = (after, after);
                    continue;
                }
            }
            match self.word(at) {
                b"(" => {
                    // `(WINAPI *name)`
                    let pointer = self.word(at + 2) == b"*" && self.word(at + 4) == b")";
                    if !in_code
                        && is_macro(self.word(at + 1))
                        && pointer
                        && self.word(at + 5) == b"("
                    {
                        self.blank(at + 1, at + 1);
                    }
                    at = self.closings[at];
                }
                b"{" => {
                    let code = in_code || !self.is_container(start..at);
                    if in_code {
                        self.block_macro(start..at);
                    } else {
                        self.head(start..at);
                    }
                    braces.push(code);
                    if code && !in_code {
                        body = self.tokens[at].end;
                    }
                    start = at + 1;
                }
                b"}" => {
                    let closed = braces.pop() == Some(true);
                    if closed && !braces.last().is_some_and(|code| *code) {
                        let range = body..self.tokens[at].start;
                        if !holds_function(&self.text[range.clone()]) {
                            self.bodies.push(range);
                        }
                    }
                    start = at + 1;
                }
                b";" => {
                    if !in_code {
                        self.head(start..at);
                    }
                    start = at + 1;
                }
                b":" if !in_code && at == start + 1 => start = at + 1,
                _ => {}
            }
            at += 1;
        }
    }

    /// Blanks the macros alone at the beginning of a declaration; returns the token behind them.
    fn leading(&mut self, start: usize) -> usize {
        if !is_macro(self.word(start)) {
            return start;
        }
        let group = self.word(start + 1) == b"(";
        let last = if group {
            self.closings[start + 1]
        } else {
            start
        };
        let next = self.word(last + 1);
        if group && last == start + 1 {
            return start;
        }
        let arrow = group && next == b"-" && self.word(last + 2) == b">";
        if arrow {
            let end = (last..self.tokens.len()).find(|at| self.word(*at) == b";");
            let end = end.unwrap_or(last);
            self.blank(start, end);
            return end + 1;
        }
        let alone = self.begins_line(start) && self.begins_line(last + 1);
        let blanked = match next {
            b"" | b"}" => true,
            b"{" | b"=" | b";" => group && next == b";" && !self.is_plain(start + 2..last),
            _ if is_attribute(self.word(start)) => true,
            b":" | b"," | b"<" | b"*" | b"&" | b"[" => false,
            next if BEGINNINGS.contains(&next) => true,
            // A type on a line of its own, or one macro of several.
            _ if group => alone,
            _ => {
                let scoped = self.word(last + 2) == b":" && self.word(last + 3) == b":";
                let typed = is_macro(next) || self.is_name(last + 2) || scoped;
                alone && (!self.is_name(last + 1) || typed)
            }
        };
        if blanked {
            let last = if next == b";" { last + 1 } else { last };
            self.blank(start, last);
            return last + 1;
        }
        // `TEST_CASE("a") {`
        if group && next == b"{" && !self.is_plain(start + 2..last) {
            self.blank(start + 2, last - 1);
        }
        start
    }

    /// Whether arguments are names and stars only, which the grammar reads as parameters.
    fn is_plain(&self, mut arguments: Range<usize>) -> bool {
        arguments.all(|at| {
            self.is_name(at) || matches!(self.word(at), b"," | b"*" | b"&" | b":" | b"<" | b">")
        })
    }

    /// Whether the brace behind a statement opens a type, a namespace or a linkage block.
    fn is_container(&self, statement: Range<usize>) -> bool {
        let mut at = statement.start;
        let mut container = false;
        while at < statement.end {
            let word = self.word(at);
            match word {
                b"template" if self.word(at + 1) == b"<" => {
                    at = self.angle_end(at + 1, statement.end)
                }
                b"(" => {
                    let before = self.word(at.wrapping_sub(1));
                    if at > statement.start && !is_macro(before) && !ATTRIBUTES.contains(&before) {
                        return false;
                    }
                    at = self.closings[at];
                }
                b"=" => return false,
                word if CONTAINERS.contains(&word) => container = true,
                _ => {}
            }
            at += 1;
        }
        container
    }

    /// The token that closes an angle bracket.
    fn angle_end(&self, open: usize, end: usize) -> usize {
        let mut depth = 0;
        let mut at = open;
        while at < end {
            match self.word(at) {
                b"<" => depth += 1,
                b">" => {
                    depth -= 1;
                    if depth == 0 {
                        return at;
                    }
                }
                b"(" => at = self.closings[at],
                _ => {}
            }
            at += 1;
        }
        open
    }

    /// `for_each(x, list) {` in code: without the macro a block is left.
    fn block_macro(&mut self, statement: Range<usize>) {
        let Range { start, end: brace } = statement;
        if start >= brace || !self.is_name(start) || CONTROL.contains(&self.word(start)) {
            return;
        }
        if self.word(start + 1) == b"(" && self.closings[start + 1] + 1 == brace {
            self.blank(start, brace - 1);
        }
    }

    /// Finds the macros in the head of a declaration.
    fn head(&mut self, statement: Range<usize>) {
        let mut parts: Vec<Part> = Vec::new();
        let mut at = statement.start;
        while at < statement.end {
            match self.word(at) {
                b"(" => {
                    let end = self.closings[at].min(statement.end - 1);
                    let range = self.tokens[at].start..self.tokens[end].end;
                    parts.push(Part { range, group: true });
                    at = end;
                }
                b"template" if self.word(at + 1) == b"<" => {
                    let end = self.angle_end(at + 1, statement.end);
                    self.template(at + 2..end);
                    at = end;
                }
                b"=" if self.word(at.wrapping_sub(1)) != b"operator" => break,
                _ => {
                    let range = self.tokens[at].clone();
                    parts.push(Part {
                        range,
                        group: false,
                    });
                }
            }
            at += 1;
        }
        let found = parts_of_head(self.text, &parts);
        self.found.extend(found);
    }

    /// `template <typename T, ENABLE_IF(…)>`
    fn template(&mut self, parameters: Range<usize>) {
        for at in parameters.clone() {
            let next = self.word(at + 1);
            if self.word(at) == b"," && is_macro(next) && self.word(at + 2) == b"(" {
                self.blank(at, self.closings[at + 2]);
            }
        }
    }

    /// Attributes of parameters and pointers, and default values in braces.
    fn anywhere(&mut self, cpp: bool) {
        for at in 1..self.tokens.len() {
            let (before, word, next) = (self.word(at - 1), self.word(at), self.word(at + 1));
            let attribute = if matches!(before, b"*" | b"&") {
                // `char *ATTRIBUTE name`
                self.is_name(at) && self.is_name(at + 1) && !AFTER_STAR.contains(&word)
            } else if !is_macro(word) {
                false
            } else if matches!(before, b"(" | b",") {
                // `(IN HANDLE name)`
                self.is_name(at + 1)
                    && !QUALIFIERS.contains(&next)
                    && (self.is_name(at + 2) || matches!(self.word(at + 2), b"*" | b"&"))
            } else {
                // `int name UNUSED)`
                self.is_name(at - 1)
                    && !TYPES.contains(&before)
                    && !QUALIFIERS.contains(&before)
                    && !CONTAINERS.contains(&before)
                    && matches!(next, b")" | b",")
            };
            if attribute {
                self.blank(at, at);
            }
            if cpp
                && word == b"="
                && next == b"{"
                && self.word(at + 2) == b"}"
                && matches!(self.word(at + 3), b")" | b",")
            {
                self.blank(at, at + 2);
            }
        }
    }
}

/// Whether a body swallowed a function, because a brace is missing: a line at its own indentation that begins one.
fn holds_function(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    let lines: Vec<&str> = text.split('\n').collect();
    let Some(closing) = lines.last().filter(|line| line.trim().is_empty()) else {
        return false;
    };
    let indentation = closing.len();
    let begins = |line: &str| {
        line.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && line.contains('(')
    };
    lines.windows(2).any(|two| {
        let line = two[0].get(indentation..).filter(|_| {
            two[0]
                .get(..indentation)
                .is_some_and(|start| start.trim().is_empty())
        });
        line.is_some_and(|line| {
            begins(line) && (line.trim_end().ends_with('{') || two[1].trim() == "{")
        })
    })
}

/// The macros in the head of a declaration.
fn parts_of_head(text: &[u8], parts: &[Part]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let word = |at: usize| match parts.get(at) {
        Some(part) if !part.group && is_word(text[part.range.start]) => &text[part.range.clone()],
        _ => &[][..],
    };
    let is_group = |at: usize| parts.get(at).is_some_and(|part| part.group);
    for at in 0..parts.len() {
        let struct_like = [&b"struct"[..], b"union", b"enum", b"class"].contains(&word(at));
        if struct_like && is_macro(word(at + 1)) {
            let name = if is_group(at + 2) { at + 3 } else { at + 2 };
            if !word(name).is_empty() {
                found.push(parts[at + 1].range.start..parts[name - 1].range.end);
            }
        }
    }
    // The parameters: the first group behind a word that is no macro.
    let is_parameters = |at: &usize| *at > 0 && is_group(*at) && !word(at - 1).is_empty();
    let parameters = (0..parts.len())
        .filter(is_parameters)
        .find(|at| !is_macro(word(at - 1)) && !ATTRIBUTES.contains(&word(at - 1)));
    // Without parameters: `int name GUARDED_BY(lock)`.
    let tail = match parameters {
        Some(parameters) => parameters + 1,
        None => (2..parts.len())
            .find(|at| is_macro(word(*at)) && is_group(at + 1))
            .unwrap_or(parts.len()),
    };
    let mut at = tail;
    while at < parts.len() {
        if is_macro(word(at)) {
            let end = if is_group(at + 1) { at + 1 } else { at };
            found.push(parts[at].range.start..parts[end].range.end);
            at = end;
        }
        at += 1;
    }
    let Some(parameters) = parameters else {
        return found;
    };
    let name = parameters - 1;
    let plain = (0..=name).filter(|at| {
        let word = word(*at);
        !word.is_empty() && !is_macro(word) && !QUALIFIERS.contains(&word)
    });
    let mut types = plain.count();
    for at in 0..name {
        if is_macro(word(at)) && is_group(at + 1) {
            found.push(parts[at].range.start..parts[at + 1].range.end);
        } else if is_macro(word(at)) {
            if types >= 2 || is_attribute(word(at)) {
                found.push(parts[at].range.clone());
            }
            types += 1;
        } else if at + 1 == name
            && at > 0
            && TYPES.contains(&word(at - 1))
            && !word(at).is_empty()
            && !TYPES.contains(&word(at))
        {
            found.push(parts[at].range.clone());
        }
    }
    found
}
