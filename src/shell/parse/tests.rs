//! Outlines and syntax digests of small texts. Where the language has an oracle (Python's own
//! `ast`), the expected lines and docstrings were taken from it.

mod languages;
mod reports;
mod samples;

use super::*;

fn parsed(language: &str, text: impl AsRef<[u8]>) -> Parsed {
    let text = text.as_ref();
    parse(Language::named(language), text)
}

fn python(text: &str) -> Outline {
    parsed("python", text).outline
}

fn syntax(language: &str, text: &str) -> Digest {
    let parsed = parsed(language, text);
    assert!(!parsed.outline.partial, "{text}");
    assert_ne!(parsed.syntax, Digest::of_file(text.as_bytes()));
    parsed.syntax
}

/// Kind, qualified name, first line and last line of each element.
fn places(outline: &Outline) -> Vec<(&str, &str, u32, u32)> {
    let mut places = Vec::new();
    for element in &outline.elements {
        let (kind, name) = (element.kind.as_str(), element.qualified_name.as_str());
        places.push((kind, name, element.line_start, element.line_end));
    }
    places
}

const PYTHON: &str = r#"#!/usr/bin/env python
# A comment.
"""Does
   things."""
from __future__ import annotations
import os, a.b as c
from . import x
from ..y.z import (p as q, r,)
from w import *

if os:
    def f(
        a: int = 1,  # a comment
        *, b: str = "x  y",
    ) -> str:
        "One" 'line.'
        def hidden(): pass
        class Hidden: pass
        import late
        # A comment at the end.
else:
    @decorated(1,
               2)
    # between
    @again
    class A(Base, metaclass=M):
        # Before the docstring.
        r"""It\s.

            Indented.
        """
        try:
            def m(self): return 1
        except E:
            async def n(self): f"""No docstring."""
        finally:
            class Inner[T]:
                def o(self): ("In brackets.")

        # At the end of the class.

with open("x") as g:
    for i in g:
        while 1:
            match i:
                case 1:
                    def deep(): b"no"
try:
    pass
except* E:
    def star(): pass
def p(a, b=(1,)): "x" "y" f"z"
"#;

#[test]
fn python_as_its_own_ast_sees_it() {
    let outline = python(PYTHON);
    assert!(!outline.partial);
    assert_eq!(
        places(&outline),
        [
            ("function", "f", 12, 19),
            ("class", "A", 26, 38),
            ("method", "A.m", 33, 33),
            ("method", "A.n", 35, 35),
            ("class", "A.Inner", 37, 38),
            ("method", "A.Inner.o", 38, 38),
            ("function", "deep", 47, 47),
            ("function", "star", 51, 51),
            ("function", "p", 52, 52),
        ]
    );
    assert_eq!(outline.docstring.as_deref(), Some("Does\nthings."));
    assert_eq!(
        outline.imports,
        ["os", "a.b", ".x", "..y.z.p", "..y.z.r", "w.*", "late"]
    );
    let element = |name: &str| {
        let found = outline.elements.iter().find(|element| element.name == name);
        found.unwrap_or_else(|| panic!("no {name}"))
    };
    let f = element("f");
    assert_eq!(
        f.signature,
        "def f(a: int = 1, *, b: str = \"x  y\") -> str"
    );
    assert_eq!(f.docstring.as_deref(), Some("Oneline."));
    let a = element("A");
    assert_eq!(a.signature, "class A(Base, metaclass=M)");
    assert_eq!(a.decorators, ["@decorated(1, 2)", "@again"]);
    assert_eq!(a.docstring.as_deref(), Some("It\\s.\n\nIndented."));
    assert_eq!(element("Inner").signature, "class Inner[T]");
    assert_eq!(element("n").signature, "async def n(self)");
    assert_eq!(element("n").docstring, None);
    assert_eq!(element("o").docstring.as_deref(), Some("In brackets."));
    assert_eq!(element("deep").docstring, None);
    assert_eq!(element("p").docstring, None);
    assert_eq!(element("p").signature, "def p(a, b=(1,))");
    assert!(element("m").decorators.is_empty());
}

const RUST: &str = r#"//! What it does.
//!
//! More.
use std::{fmt::{self, Write as _}, io};
pub(crate) use super::*;

/// A point.
///
///   Indented.
#[derive(Clone)]
// between
#[repr(C)]
pub struct Point<T> where T: Copy { x: T, /** y */ y: T }
pub struct Unit;
struct Pair(u8, pub u8);

/** Shapes.
 * Of all kinds. */
enum Shape { /// A circle.
    Circle }

union U { a: u8, b: i8 }

impl<T: Copy> Point<T> {
    const ZERO: u32 = { 0 };
    /// Makes one.
    pub async fn new(
        x: T, // x
        y: T,
    ) -> Self {
        fn hidden() {}
        Self { x, y }
    }
}
impl<T> fmt::Display for crate::a::Point<T> { fn fmt(&self) {} }
pub trait Area: Sized {
    type Out;
    /// Computes.
    fn area(&self) -> f64;
    fn twice(&self) -> f64 { 2.0 }
}
mod tests {
    //! Inside.
    fn works() {}
    mod deeper { static S: &str = "x"; }
}
mod other;
type Alias = Vec<u8>;
macro_rules! make { () => {}; ($x:ident) => { fn $x() {} } }
extern "C" { fn c(x: i32); }
/// Lost.

pub const LAST: &str = "a";
"#;

#[test]
fn rust_with_its_types_and_methods() {
    let outline = parsed("rust", RUST).outline;
    assert!(!outline.partial);
    let names: Vec<(&str, &str)> = outline
        .elements
        .iter()
        .map(|element| (element.qualified_name.as_str(), element.signature.as_str()))
        .collect();
    assert_eq!(
        names,
        [
            ("Point", "pub struct Point<T> where T: Copy"),
            ("Unit", "pub struct Unit"),
            ("Pair", "struct Pair(u8, pub u8)"),
            ("Shape", "enum Shape"),
            ("U", "union U"),
            ("Point", "impl<T: Copy> Point<T>"),
            ("Point::ZERO", "const ZERO: u32"),
            ("Point::new", "pub async fn new(x: T, y: T) -> Self"),
            (
                "crate::a::Point",
                "impl<T> fmt::Display for crate::a::Point<T>"
            ),
            ("crate::a::Point::fmt", "fn fmt(&self)"),
            ("Area", "pub trait Area: Sized"),
            ("Area::Out", "type Out"),
            ("Area::area", "fn area(&self) -> f64"),
            ("Area::twice", "fn twice(&self) -> f64"),
            ("tests", "mod tests"),
            ("tests::works", "fn works()"),
            ("tests::deeper", "mod deeper"),
            ("tests::deeper::S", "static S: &str"),
            ("other", "mod other"),
            ("Alias", "type Alias = Vec<u8>"),
            ("make", "macro_rules! make"),
            ("c", "fn c(x: i32)"),
            ("LAST", "pub const LAST: &str"),
        ]
    );
    let element = |name: &str| {
        let mut found = outline.elements.iter();
        let found = found.find(|element| element.qualified_name == name);
        found.unwrap_or_else(|| panic!("no {name}"))
    };
    assert_eq!(outline.docstring.as_deref(), Some("What it does.\n\nMore."));
    assert_eq!(
        outline.imports,
        ["std::fmt", "std::fmt::Write", "std::io", "super::*"]
    );
    assert_eq!(
        element("Point").docstring.as_deref(),
        Some("A point.\n\n  Indented.")
    );
    assert_eq!(
        element("Point").decorators,
        ["#[derive(Clone)]", "#[repr(C)]"]
    );
    assert_eq!(
        (element("Point").line_start, element("Point").line_end),
        (13, 13)
    );
    assert_eq!(
        element("Shape").docstring.as_deref(),
        Some("Shapes.\nOf all kinds.")
    );
    assert_eq!(element("U").docstring, None);
    assert_eq!(element("Point::new").kind, "method");
    assert_eq!(
        (
            element("Point::new").line_start,
            element("Point::new").line_end
        ),
        (27, 33)
    );
    assert_eq!(
        element("Point::new").docstring.as_deref(),
        Some("Makes one.")
    );
    assert_eq!(
        element("Area::area").docstring.as_deref(),
        Some("Computes.")
    );
    assert_eq!(element("tests").docstring.as_deref(), Some("Inside."));
    assert_eq!(element("tests::works").kind, "function");
    assert_eq!(element("LAST").docstring.as_deref(), Some("Lost."));
}

#[test]
fn line_ends_marks_and_encodings_do_not_break() {
    let plain = "class A:\n    def b(self):\n        \"\"\"One.\n\n        Two.\n        \"\"\"\n\n\ndef c(): pass\n";
    let want = python(plain);
    assert_eq!(want.elements.len(), 3);
    for (name, text) in [
        ("CRLF", plain.replace('\n', "\r\n")),
        ("CR", plain.replace('\n', "\r")),
        ("byte order mark", format!("\u{feff}{plain}")),
        ("form feed", plain.replace("\n\n\n", "\n\x0c\n\n")),
    ] {
        assert_eq!(python(&text), want, "{name}");
    }
    let tabs = plain.replace("    ", "\t");
    assert_eq!(places(&python(&tabs)), places(&want));
    let latin = b"# -*- coding: latin-1 -*-\n\"\"\"Gr\xfc\xdfe.\"\"\"\ndef f(): 'h\xe9'\n";
    let outline = parsed("python", latin).outline;
    assert_eq!(outline.docstring.as_deref(), Some("Gr\u{fffd}\u{fffd}e."));
    assert_eq!(places(&outline), [("function", "f", 3, 3)]);
    let nulls = parsed("python", b"def f(): pass\n\0\0\ndef g(): pass\n");
    assert_eq!(nulls.outline.elements.len(), 2);
    assert_eq!(python("").lines, 0);
    assert_eq!(python("a").lines, 1);
    assert_eq!(python("a\n\n").lines, 2);
}

#[test]
fn broken_files_give_what_can_be_read() {
    let text = "class A:\n    def b(self): pass\n\ndef c(:\n    pass\n\ndef d(): pass\n";
    let found = parsed("python", text);
    assert!(found.outline.partial);
    assert_eq!(found.outline.missing, [(4, 4)]);
    let indented = text.replace("    ", "\t").replace("\n\n", "\n\n\n");
    assert_eq!(parsed("python", &indented).syntax, found.syntax);
    let moved = text.replace("    pass", "pass");
    assert_ne!(parsed("python", &moved).syntax, found.syntax);
    let changed = text.replace("def d", "def e");
    assert_ne!(parsed("python", &changed).syntax, found.syntax);
    let names = places(&found.outline);
    assert!(names.contains(&("method", "A.b", 2, 2)), "{names:?}");
    assert!(names.contains(&("function", "d", 7, 7)), "{names:?}");
}

/// Stack and time grow no faster than the text.
#[test]
fn depth_and_length_are_harmless() {
    let depth = 100_000;
    let nested =
        |open: &str, close: &str| format!("{}1{}\n", open.repeat(depth), close.repeat(depth));
    for (language, text) in [
        ("python", nested("(", ")")),
        ("python", "(".repeat(depth)),
        ("python", format!("x = [{}]\n", "1, ".repeat(depth))),
        ("python", format!("x = \"{}\"\n", "a".repeat(5 << 20))),
        ("rust", "{".repeat(depth)),
        ("rust", format!("use {};", nested("a::{", "}"))),
        ("rust", nested("mod a { ", "}")),
        ("rust", nested("m![", "]")),
        ("markdown", "[".repeat(depth)),
        ("json", "{\"a\":".repeat(depth)),
        ("html", "<title ".repeat(depth)),
    ] {
        let found = parsed(language, &text);
        assert!(found.outline.lines <= 2, "{language}");
        let longest = found.outline.elements.iter();
        let longest = longest.map(|element| element.qualified_name.len()).max();
        assert!(longest.unwrap_or(0) < 8_000, "{language}");
    }
}

#[test]
fn depth_and_length_are_harmless_in_languages_with_braces() {
    for (language, around) in [
        ("javascript", "x = _"),
        ("typescript", "x = _"),
        ("tsx", "x = _"),
        ("go", "package a; var x = _"),
        ("java", "class A{int x = _;}"),
        ("c", "int x = _;"),
    ] {
        let deep = format!("{}1{}", "(".repeat(100_000), ")".repeat(100_000));
        let found = parsed(language, around.replace('_', &deep));
        assert!(found.outline.lines <= 1, "{language}");
        let open = parsed(language, around.replace('_', &"{".repeat(100_000)));
        assert!(open.outline.partial, "{language}");
    }
    let depth = 10_000;
    let nested =
        |open: &str, close: &str| format!("{}1{}\n", open.repeat(depth), close.repeat(depth));
    for (language, text) in [
        ("javascript", nested("[", "]")),
        ("javascript", "`${".repeat(depth)),
        ("javascript", nested("x=>{", "}")),
        ("javascript", nested("(function(){", "})()")),
        ("javascript", nested("<a>", "</a>")),
        ("javascript", nested("class A{m(){", "}}")),
        (
            "javascript",
            format!("export const {}z = 1", "a = 1, ".repeat(depth)),
        ),
        (
            "javascript",
            format!("{}b = function () {{}}", "a.".repeat(depth)),
        ),
        ("typescript", nested("namespace a{", "}")),
        ("typescript", nested("type A<", ">")),
        ("typescript", format!("let x: {}", "{a:".repeat(depth))),
        ("tsx", nested("<a>", "</a>")),
        ("go", format!("package a; var x = {}", nested("(", ")"))),
        (
            "go",
            format!("package a; type x {}", "struct{a ".repeat(depth)),
        ),
        ("go", format!("package a; func f() {}", "{".repeat(depth))),
        (
            "go",
            format!("package a; const {}b = 1", "a, ".repeat(depth)),
        ),
        ("java", nested("class A{", "}")),
        ("java", nested("class A{void m(){", "}}")),
        ("java", format!("class A{{int x = {};}}", nested("(", ")"))),
        ("java", "@A(".repeat(depth)),
        ("c", nested("struct a{", "};")),
        ("c", format!("int f() {}", nested("{", "}"))),
        ("c", format!("int {}a;", "*".repeat(depth))),
        ("c", "(".repeat(depth)),
    ] {
        let found = parsed(language, &text);
        assert!(found.outline.lines <= 2, "{language}");
        let longest = found.outline.elements.iter();
        let longest = longest.map(|element| element.qualified_name.len()).max();
        assert!(longest.unwrap_or(0) < 8_000, "{language}");
    }
}

#[test]
fn a_file_that_exceeds_the_limits_gives_the_same_outline_each_time() {
    // Noise with many ways out of every error.
    let mut random = fastrand::Rng::with_seed(1);
    let noise: Vec<u8> = (0..60_000).map(|_| random.u8(..)).collect();
    let one = parsed("python", &noise);
    assert_eq!(one, parsed("python", &noise));
    assert!(one.outline.partial);
    assert!(!one.outline.missing.is_empty());
}

#[test]
fn layout_does_not_change_the_syntax_of_python() {
    let text = "def f(a,  b):\n    \"\"\"Doc.\n\n    More.\n    \"\"\"\n    if a:  # why\n        x = [1,\n             2]\n        return \"a  b\"\n    return 1\n";
    let want = syntax("python", text);
    for (name, other) in [
        ("two blanks a level", text.replace("    ", "  ")),
        ("tabs", text.replace("    ", "\t")),
        ("blank lines", text.replace("    if a", "\n\n    if a")),
        (
            "trailing blanks",
            text.replace(":\n", ":   \n").replace("why", "why  "),
        ),
        ("CRLF", text.replace('\n', "\r\n")),
        (
            "inside a line",
            text.replace("a,  b", "a,b").replace("x = [", "x=["),
        ),
        ("continuation", text.replace("x = [", "x = \\\n  [")),
        (
            "line breaks in brackets",
            text.replace("[1,\n             2]", "[1, 2]"),
        ),
        ("no last line end", text.trim_end().to_owned()),
        ("a trailing comma", text.replace("2]", "2,]")),
        ("parentheses", text.replace("if a:", "if (a):")),
        ("quotes", text.replace("\"a  b\"", "'a  b'")),
        ("a comment's space", text.replace("# why", "#why")),
    ] {
        assert_eq!(syntax("python", &other), want, "{name}:\n{other}");
    }
    for (name, other) in [
        ("a name", text.replace("def f", "def g")),
        ("a number", text.replace("return 1", "return 2")),
        ("a string's blanks", text.replace("a  b\"", "a b\"")),
        ("a comment", text.replace("why", "how")),
        ("the docstring", text.replace("More", "Less")),
        (
            "a statement out of the if",
            text.replace("        return \"a", "    return \"a"),
        ),
        (
            "a comma that makes a tuple",
            text.replace("return 1", "return 1,"),
        ),
        ("an operator", text.replace("x = [", "x += [")),
    ] {
        assert_ne!(syntax("python", &other), want, "{name}:\n{other}");
    }
}

#[test]
fn text_between_leaves_counts_for_the_syntax() {
    let text = "x = f\"a  {b}\\n c\"\ny = 'd\\te'\n";
    let want = syntax("python", text);
    for other in [
        "x = f\"a {b}\\n c\"",
        "x = f\"a  {b}\\n  c\"",
        "x = f\"a  {b}\\n e\"",
    ] {
        let other = text.replace("x = f\"a  {b}\\n c\"", other);
        assert_ne!(syntax("python", &other), want, "{other}");
    }
    assert_ne!(syntax("python", &text.replace("'d\\te'", "'d\\tf'")), want);
    assert_ne!(syntax("rust", "m!(a + b);"), syntax("rust", "m!(a - b);"),);
    // The same tokens, another tree.
    assert_ne!(
        syntax("python", "if a:\n    b\nelse:\n    c\nd\n"),
        syntax("python", "if a:\n    b\nelse:\n    c\n    d\n"),
    );
}

#[test]
fn layout_does_not_change_the_syntax_of_rust() {
    let text = "/// Doc.\nfn f(a: u8) -> u8 {\n    /* one\n       two */\n    let s = \"a  b\\n\";\n    if a > 1 {\n        g();\n    }\n    h()\n}\n";
    let want = syntax("rust", text);
    for (name, other) in [
        ("tabs", text.replace("    ", "\t")),
        ("CRLF", text.replace('\n', "\r\n")),
        (
            "one line",
            text.replace("{\n        g();\n    }", "{ g(); }"),
        ),
        (
            "trailing blanks",
            text.replace("Doc.", "Doc.  ").replace("();", "();  "),
        ),
    ] {
        assert_eq!(syntax("rust", &other), want, "{name}:\n{other}");
    }
    for (name, other) in [
        ("the string", text.replace("a  b", "a b")),
        ("the comment", text.replace("two", "three")),
        ("the documentation", text.replace("Doc", "Dog")),
        ("a semicolon", text.replace("h()", "h();")),
        (
            "out of the block",
            text.replace("g();\n    }", "}\n    g();"),
        ),
    ] {
        assert_ne!(syntax("rust", &other), want, "{name}:\n{other}");
    }
}

#[test]
fn prose_is_known_by_its_text_without_layout() {
    let text = "# Title\n\nA paragraph of some words.\n";
    let found = parsed("markdown", text);
    let spaced = "# Title  \r\n\r\n\r\nA paragraph of some words.";
    assert_eq!(parsed("markdown", spaced).syntax, found.syntax);
    let changed = text.replace("some", "many");
    assert_ne!(parsed("markdown", &changed).syntax, found.syntax);
    let untitled = |text| parsed("markdown", text).syntax;
    assert_eq!(untitled("-\n"), untitled("-  \r\n"));
    assert_ne!(untitled("-\n"), untitled("-\n\n"), "the lines describe it");
    assert_eq!(found.outline.headings, ["Title"]);
    assert_eq!(
        found.outline.docstring.as_deref(),
        Some("A paragraph of some words.")
    );
    assert_eq!(found.outline.lines, 3);
    let nothing = parse(None, b"\xff\xfe");
    assert_eq!(nothing.outline.lines, 1);
}

#[test]
fn what_formatters_change_does_not_change_the_syntax() {
    for (language, one, other) in [
        ("python", "class A():\n    x = 1\n", "class A:\n    x = 1\n"),
        (
            "python",
            "from a import b, c\n",
            "from a import (\n    b,\n    c,\n)\n",
        ),
        ("python", "x = f(a, b)\n", "x = f(\n    a,\n    b,\n)\n"),
        ("python", "x = (1, 2)\n", "x = (\n    1,\n    2,\n)\n"),
        ("python", "return_ = (a\n  and b)\n", "return_ = a and b\n"),
        ("python", "x = u'it\\'s'\n", "x = \"it's\"\n"),
        (
            "rust",
            "fn f(a: u8, b: u8) { g(a, b) }",
            "fn f(\n    a: u8,\n    b: u8,\n) {\n    g(\n        a,\n        b,\n    )\n}",
        ),
        (
            "rust",
            "fn f() { match a { A => { b } C => d } }",
            "fn f() { match a { A => b, C => d, } }",
        ),
        (
            "rust",
            "fn f() { a.map(|x| { x + 1 }) }",
            "fn f() { a.map(|x| x + 1) }",
        ),
        (
            "rust",
            "fn f() -> u8 { return 1 }",
            "fn f() -> u8 { return 1; }",
        ),
        (
            "rust",
            "struct A { x: u8, y: u8 }",
            "struct A {\n    x: u8,\n    y: u8,\n}",
        ),
        (
            "rust",
            "fn f() { println!(\"{}\", a) }",
            "fn f() { println!(\n    \"{}\",\n    a,\n) }",
        ),
        ("javascript", "const f = x => x", "const f = (x) => x;\n"),
        (
            "javascript",
            "const a = { b: 'c', d }",
            "const a = {\n  b: \"c\",\n  d,\n};\n",
        ),
        (
            "javascript",
            "const f = () => <a/>",
            "const f = () => (\n  <a />\n);\n",
        ),
        ("typescript", "const f = x => x", "const f = (x) => x;\n"),
        (
            "typescript",
            "interface A { a: string, b: number }",
            "interface A {\n  a: string;\n  b: number;\n}\n",
        ),
        (
            "typescript",
            "import { a } from 'b'",
            "import { a } from \"b\";\n",
        ),
        (
            "go",
            "package a\nvar x = []int{1, 2}\n",
            "package a\nvar x = []int{\n\t1,\n\t2,\n}\n",
        ),
    ] {
        assert_eq!(
            syntax(language, one),
            syntax(language, other),
            "{one}\n{other}"
        );
    }
    for (language, one, other) in [
        ("python", "x = (a,)\n", "x = (a)\n"),
        ("python", "x = a[1,]\n", "x = a[1]\n"),
        ("python", "x = (a + b) * c\n", "x = a + b * c\n"),
        ("python", "x = a < (b < c)\n", "x = a < b < c\n"),
        ("python", "x = \"a\"\n", "x = b\"a\"\n"),
        ("rust", "fn f() { (a,) }", "fn f() { (a) }"),
        ("rust", "fn f() { (a.b)() }", "fn f() { a.b() }"),
        ("rust", "fn f() { a }", "fn f() { a; }"),
        (
            "rust",
            "fn f() { match a { A => { b; } } }",
            "fn f() { match a { A => { b } } }",
        ),
        ("javascript", "x = (a?.b).c", "x = a?.b.c"),
        ("javascript", "x = [a, ]", "x = [a, , ]"),
        ("javascript", "f((a, b))", "f(a, b)"),
        ("javascript", "x = () => ({})", "x = () => {}"),
        ("javascript", "x = (a + b) * c", "x = a + b * c"),
        ("javascript", "if (a); b()", "if (a) b()"),
    ] {
        assert_ne!(
            parsed(language, one).syntax,
            parsed(language, other).syntax,
            "{one}\n{other}"
        );
    }
}

#[test]
fn licence_headers_and_years_do_not_change_the_syntax() {
    let mit = "Permission is hereby granted, free of charge, to any person obtaining a copy\nof this software and associated documentation files (the \"Software\"), to deal";
    for (language, mark, code) in [
        ("python", "#", "def f():\n    return 1\n"),
        ("rust", "//", "fn f() {}\n"),
        ("javascript", "//", "function f() {}\n"),
        ("go", "//", "package a\n"),
        ("java", "//", "class A {}\n"),
        ("c", "//", "int f(void);\n"),
    ] {
        let header = |text: &str| {
            let lines = text.lines().map(|line| format!("{mark} {line}\n"));
            lines.collect::<String>()
        };
        let of = |text: &str| syntax(language, &format!("{}\n{code}", header(text)));
        let bare = syntax(language, code);
        assert_eq!(of("Copyright 2020 Some One"), bare, "{language}");
        assert_eq!(of("SPDX-License-Identifier: MIT"), bare, "{language}");
        assert_eq!(
            of(&format!("Copyright (c) 2020 X\n\n{mit}")),
            bare,
            "{language}"
        );
        assert_ne!(of("Reads dates."), bare, "{language}");
        assert_eq!(
            of("Copyright 2020 X\n\nReads dates."),
            of("Copyright 2026 Y\n\nReads dates."),
            "{language}"
        );
        assert_ne!(of("Copyright 2020 X\n\nReads dates."), bare, "{language}");
    }
}

/// Nor do they change what the offline provider says.
#[test]
fn licence_headers_do_not_count_without_a_grammar() {
    for (language, open, mark, close, code) in [
        ("yaml", "", "# ", "", "name: x\non: push\n"),
        ("yaml", "", "# ", "", "# Builds it.\n#\n# Fast.\nname: x\n"),
        ("toml", "", "# ", "", "[tool.x]\na = 1\n"),
        ("ini", "", "; ", "", "[a]\nb = 1\n"),
        ("make", "", "# ", "", "all:\n\ttrue\n"),
        ("cmake", "", "# ", "", "project(x)\n"),
        ("dockerfile", "", "# ", "", "FROM scratch\n"),
        (
            "xml",
            "<!--\n",
            "",
            "-->\n",
            "<project><name>x</name></project>\n",
        ),
        (
            "html",
            "<!--\n",
            "",
            "-->\n",
            "<html><title>x</title></html>\n",
        ),
    ] {
        let with = |text: &str| {
            let lines = text.lines().map(|line| format!("{mark}{line}\n"));
            format!("{open}{}{close}\n{code}", lines.collect::<String>())
        };
        let of = |text: &str| {
            let found = parsed(language, text);
            (
                found.syntax,
                found.outline.docstring,
                found.outline.headings,
            )
        };
        let bare = of(code);
        for header in [
            "Copyright 2020 Some One. All rights reserved.\nSPDX-License-Identifier: MIT",
            "Copyright 2021 Some One\n\nLicensed under the Apache License, Version 2.0",
        ] {
            assert_eq!(of(&with(header)), bare, "{language}: {code}");
        }
        assert_ne!(of(&with("Reads dates.")).0, bare.0, "{language}");
    }
    let syntax = |text| syntax("yaml", text);
    assert_ne!(syntax("license: MIT\na: 1\n"), syntax("a: 1\n"));
}

/// Nor does a year in one, where a file does not parse or its language has no grammar.
#[test]
fn the_year_of_a_licence_counts_in_no_comment_syntax() {
    for (language, header, text) in [
        ("python", "# Copyright YEAR X\n", "def f(:\n"),
        ("rust", "// Copyright YEAR X\n", "fn f( {\n"),
        ("c", "/*\n * Copyright YEAR X\n */\n", "int f( {{\n"),
        ("php", "<?php\n// Copyright YEAR X\n", "function ((( {\n"),
        (
            "vue",
            "<!--\nCopyright YEAR X\n-->\n",
            "<template><p>a</p></template>\n",
        ),
        ("haskell", "{-\nCopyright YEAR X\n-}\n", "module A where\n"),
        (
            "html",
            "<!DOCTYPE html>\n<!--\nCopyright YEAR X\n-->\n",
            "<p>a</p>\n",
        ),
        ("yaml", "# Copyright YEAR X\n---\n", "a: 1\n"),
        ("yaml", "%YAML 1.2\n---\n# Copyright YEAR X\n", "a: 1\n"),
        (
            "markdown",
            "<!--\nCopyright YEAR X\n-->\n\n",
            "# Title\n\nText.\n",
        ),
        (
            "restructuredtext",
            "..\n   Copyright YEAR X\n\n",
            "Title\n=====\n\nText.\n",
        ),
        ("json", "// Copyright YEAR X\n", "{\"a\": 1}\n"),
        ("sql", "-- Copyright YEAR X\n", "SELECT 1;\n"),
        ("fortran", "! Copyright YEAR X\n", "subroutine f\nend\n"),
        (
            "pascal",
            "{\nCopyright YEAR X\n}\n",
            "program f;\nbegin\nend.\n",
        ),
        ("ocaml", "(*\nCopyright YEAR X\n*)\n", "let f x = x\n"),
        ("coffeescript", "###\nCopyright YEAR X\n###\n", "f = -> 1\n"),
        ("batchfile", "REM Copyright YEAR X\n", "echo f\n"),
        ("groovy", "/*\n * Copyright YEAR X\n */\n", "def f() {}\n"),
    ] {
        let of = |year: &str| parsed(language, &(header.replace("YEAR", year) + text)).syntax;
        assert_eq!(of("2020"), of("2019-2026"), "{language}: {header}");
        let other = parsed(
            language,
            &(header.replace("YEAR", "2020") + text + "other\n"),
        )
        .syntax;
        assert_ne!(of("2020"), other, "{language}: {header}");
    }
    // Titles and lists of prose count.
    let readme = |licence: &str| {
        syntax(
            "markdown",
            &format!("# Licensed under {licence}\n\nText.\n"),
        )
    };
    assert_ne!(readme("MIT"), readme("Apache"));
    let data = |year: &str| syntax("json", &format!("{{\n\"a\": \"Copyright {year} X\"\n}}\n"));
    assert_ne!(data("2020"), data("2021"));
}

#[test]
fn adjacent_strings_of_one_prefix_are_one() {
    let same = |one: &str, other: &str| syntax("python", one) == syntax("python", other);
    for (one, other) in [
        ("a = (\n    \"b \" 'c'\n)\n", "a = \"b c\"\n"),
        ("f(f'{a}' f\"b\")\n", "f(f'{a}b')\n"),
    ] {
        assert!(same(one, other), "{one}");
    }
    for (one, other) in [
        ("a = 'b' 'c'\n", "a = 'b', 'c'\n"),
        ("a = 'b' 'c'\n", "a = 'b c'\n"),
        ("a = r'\\b' 'c'\n", "a = r'\\bc'\n"),
        ("a = '\\1' '2'\n", "a = '\\12'\n"),
        ("a = f'{b}' '{c}'\n", "a = f'{b}{c}'\n"),
    ] {
        assert!(!same(one, other), "{one}");
    }
}

/// What formatters change in settings, pages and style sheets.
#[test]
fn formatters_cost_nothing_in_any_language() {
    for (language, one, other) in [
        (
            "javascript",
            "x = {'a': 1, \"b\": 2}\n",
            "x = { a: 1, b: 2 };\n",
        ),
        ("typescript", "let x = {'a': 1}\n", "let x = { a: 1 };\n"),
        ("ruby", "foo 'a', b\n", "foo \"a\", b\n"),
        (
            "css",
            "a{b:c;d:'e'}\n.x,.y>z{d:e}\n",
            "a {\n  b: c;\n  d: \"e\";\n}\n.x,\n.y > z {\n  d: e;\n}\n",
        ),
        (
            "yaml",
            "a: 1\nb:\n  - {c: 1}\n",
            "a: 1  \n\n\nb:\n    - { c: 1 }\n\n",
        ),
        (
            "toml",
            "[a]\nb=1\nc = [1,2]\n",
            "[a]\nb = 1\n\nc = [1, 2]\n",
        ),
        (
            "html",
            "<html><body><h1>T</h1></body></html>\n",
            "<html>\n  <body>\n    <h1>T</h1>\n  </body>\n</html>\n",
        ),
        ("make", "a:\n\tb\nc:\n\td\n", "a:\n\tb \n\n\nc:\n\td\n"),
    ] {
        assert_eq!(
            syntax(language, one),
            syntax(language, other),
            "{language}: {one}"
        );
    }
    for (language, one, other) in [
        ("javascript", "x = {'a-b': 1}\n", "x = {'a-c': 1}\n"),
        ("javascript", "x = {[a]: 1}\n", "x = {a: 1}\n"),
        ("javascript", "x = {'a': 1}\n", "x = {b: 1}\n"),
        ("ruby", "a '\\n'\n", "a \"\\n\"\n"),
        ("ruby", "a '#{b}'\n", "a \"#{b}\"\n"),
        ("css", ".a .b { c: d }\n", ".a.b { c: d }\n"),
        ("css", ".a > .b { c: d }\n", ".a .b { c: d }\n"),
        ("css", ".a { b: c }\n", ".a { b: d }\n"),
        ("scss", ".a .b { c: d }\n", ".a.b { c: d }\n"),
        ("scss", ".a :hover { c: d }\n", ".a:hover { c: d }\n"),
        ("css", ".a :hover { c: d }\n", ".a:hover { c: d }\n"),
        ("yaml", "a:\n  b: 1\n", "a:\nb: 1\n"),
        ("yaml", "a: b c\n", "a: bc\n"),
        ("toml", "a = 1\nb = 2\n", "a = 1\nb = 3\n"),
        ("html", "<p>a b</p>\n", "<p>ab</p>\n"),
        ("make", "a:\n\tb\n", "a:\nb\n"),
    ] {
        assert_ne!(
            syntax(language, one),
            syntax(language, other),
            "{language}: {one}"
        );
    }
}
