//! Repairs of C and C++: what the preprocessor would remove. Comments in directives, the branches of conditionals that
//! split braces, and macros that stand where the grammar expects types, names or nothing.

use std::sync::LazyLock;

use regex::bytes::Regex;

use super::blank;

mod directives;
mod macros;
mod tokens;

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
    repaired(text, false, false)
}

pub(in super::super) fn cpp(text: &[u8]) -> Option<Vec<u8>> {
    repaired(text, true, false)
}

/// The same without what is in functions, of which an outline says nothing.
pub(in super::super) fn c_heads(text: &[u8]) -> Option<Vec<u8>> {
    repaired(text, false, true)
}

pub(in super::super) fn cpp_heads(text: &[u8]) -> Option<Vec<u8>> {
    repaired(text, true, true)
}

fn repaired(text: &[u8], cpp: bool, heads: bool) -> Option<Vec<u8>> {
    let mut out = text.to_vec();
    let directives = directives::directives(text);
    for directive in &directives {
        let line = &mut out[directive.range.clone()];
        directives::blank_comments(line);
        if matches!(directive.word, "if" | "elif") {
            directives::simplify_condition(line, directive.word);
        }
    }
    for range in directives::unused_branches(&out, &directives, cpp) {
        blank(&mut out[range]);
    }
    let found = macros::macros(&out, cpp);
    let bodies = if heads { found.bodies } else { Vec::new() };
    for range in found.macros.into_iter().chain(bodies) {
        blank(&mut out[range]);
    }
    (out != text).then_some(out)
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
