//! JavaScript, TypeScript, Go, Java and C: what stands in an outline, and what the syntax digest is blind to.

use super::{parsed, places, syntax};
use crate::model::outline::{Element, Outline};

/// Kind, qualified name and signature of each element.
fn heads(outline: &Outline) -> Vec<(&str, &str, &str)> {
    let mut heads = Vec::new();
    for element in &outline.elements {
        let (kind, name) = (element.kind.as_str(), element.qualified_name.as_str());
        heads.push((kind, name, element.signature.as_str()));
    }
    heads
}

fn element<'a>(outline: &'a Outline, name: &str) -> &'a Element {
    let mut found = outline.elements.iter();
    let found = found.find(|element| element.qualified_name == name);
    found.unwrap_or_else(|| panic!("no {name}"))
}

fn doc<'a>(outline: &'a Outline, name: &str) -> Option<&'a str> {
    element(outline, name).docstring.as_deref()
}

const JAVASCRIPT: &str = r#"#!/usr/bin/env node
/**
 * @fileoverview Does things.
 * @license MIT
 */
import React, { useState as s } from "react";
export * from './all';
export { a, default as B } from './b.js';
const fs = require('node:fs');

/** A class. */
@dec({ a: 1 })
export default class A extends B.C {
  x = 1; // Trailing.
  constructor(a, { b = class { no() {} } } = {}) { function no() {} }
  static async *gen() {}
  // Two
  // lines.
  handle = async (e) => { const no = () => {}; };
  ['a' + 1]() {}
  static { function no() {} }
}

// eslint-disable-next-line
export const add = (a, b) => a + b;
// Most.
export const LIMIT = 10;
let local = 5;
const helper = function named(x) { return x; };

// Not about it.

async function* f(a = () => {}) { class No { m() {} } }
exports.foo = function foo(a) {};
Thing.prototype.bar = function () {};
app.use = function use(fn) { function no() {} };
const obj = { no() {}, no: function () {} };
if (x) { function inIf() {} }
(function () { function wrapped() { function no() {} } })();
foo(function () { function no() {} });
const K = class Named { m() {} };
describe("the thing", () => { it('works', () => { const no = () => {}; }); });
export const App = () => <div onClick={() => {}}>{x}</div>;
"#;

#[test]
fn javascript_with_its_exports_and_assigned_functions() {
    let outline = parsed("javascript", JAVASCRIPT).outline;
    assert!(!outline.partial);
    assert_eq!(
        heads(&outline),
        [
            ("class", "A", "export default class A extends B.C"),
            (
                "method",
                "A.constructor",
                "constructor(a, { b = class { no() {} } } = {})"
            ),
            ("method", "A.gen", "static async *gen()"),
            ("method", "A.handle", "handle = async (e)"),
            ("method", "A.['a' + 1]", "['a' + 1]()"),
            ("function", "add", "export const add = (a, b)"),
            ("constant", "LIMIT", "export const LIMIT"),
            ("function", "helper", "const helper = function named(x)"),
            ("function", "f", "async function* f(a = () => {})"),
            ("function", "foo", "exports.foo = function foo(a)"),
            ("method", "Thing.bar", "Thing.prototype.bar = function ()"),
            ("method", "app.use", "app.use = function use(fn)"),
            ("constant", "obj", "const obj"),
            ("method", "obj.no", "no()"),
            ("method", "obj.no", "no: function ()"),
            ("function", "inIf", "function inIf()"),
            ("function", "wrapped", "function wrapped()"),
            ("class", "K", "const K = class Named"),
            ("method", "K.m", "m()"),
            ("function", "App", "export const App = ()"),
        ]
    );
    assert_eq!(
        outline.docstring.as_deref(),
        Some("@fileoverview Does things.")
    );
    assert_eq!(outline.imports, ["react", "./all", "./b.js", "node:fs"]);
    assert_eq!(
        outline.headings,
        [
            "re-export: *",
            "re-export: a",
            "re-export: B",
            "suite: the thing",
            "test: works"
        ]
    );
    let a = element(&outline, "A");
    assert_eq!(a.decorators, ["@dec({ a: 1 })"]);
    assert_eq!((a.line_start, a.line_end), (13, 22));
    assert_eq!(doc(&outline, "A"), Some("A class."));
    assert_eq!(doc(&outline, "A.constructor"), None);
    assert_eq!(doc(&outline, "A.handle"), Some("Two\nlines."));
    assert_eq!(doc(&outline, "add"), None);
    assert_eq!(doc(&outline, "LIMIT"), Some("Most."));
    assert_eq!(doc(&outline, "f"), None);
}

const TYPESCRIPT: &str = r#"import fs = require('fs');
/** An interface. */
export interface I<T> extends J { a: string; m(x: T): void; new (): I }
export type T1 = { a: { no(): void } };
type T2 = Array<string> | "a;";
export declare function over(a: string): void;
declare module "ext" { export function q(): void }
export namespace N.M { export class Inner { m?(): void } export const c: number; }
declare global { interface Window { x: 1 } }
@Component({ selector: 'a',
  template: `x` })
export class Cmp {
  constructor(private readonly a: string, @Inject() b?: number) { super(); }
  @Input() name: string;
  /** Doc. */
  @Output() ev = () => {};
  overl(a: string): void;
  overl(a: any) {}
}
abstract class Abs { protected abstract get y(): string }
export const enum E { A = 1 }
export const x = { a: 1 } as const;
export const y = <T,>(a: T): T => a;
"#;

#[test]
fn typescript_with_its_types() {
    let outline = parsed("typescript", TYPESCRIPT).outline;
    assert!(!outline.partial);
    assert_eq!(
        heads(&outline),
        [
            ("interface", "I", "export interface I<T> extends J"),
            ("method", "I.m", "m(x: T): void"),
            ("type", "T1", "export type T1"),
            ("type", "T2", "type T2 = Array<string> | \"a;\""),
            (
                "function",
                "over",
                "export declare function over(a: string): void"
            ),
            ("module", "ext", "declare module \"ext\""),
            ("function", "ext.q", "export function q(): void"),
            ("module", "N.M", "export namespace N.M"),
            ("class", "N.M.Inner", "export class Inner"),
            ("method", "N.M.Inner.m", "m?(): void"),
            ("constant", "N.M.c", "export const c: number"),
            ("module", "global", "declare global"),
            ("interface", "Window", "interface Window"),
            ("class", "Cmp", "export class Cmp"),
            (
                "method",
                "Cmp.constructor",
                "constructor(private readonly a: string, @Inject() b?: number)"
            ),
            ("method", "Cmp.ev", "ev = ()"),
            ("method", "Cmp.overl", "overl(a: string): void"),
            ("method", "Cmp.overl", "overl(a: any)"),
            ("class", "Abs", "abstract class Abs"),
            ("method", "Abs.y", "protected abstract get y(): string"),
            ("enum", "E", "export const enum E"),
            ("constant", "x", "export const x"),
            ("function", "y", "export const y = <T,>(a: T): T"),
        ]
    );
    let cmp = element(&outline, "Cmp");
    assert_eq!(
        cmp.decorators,
        ["@Component({ selector: 'a', template: `x` })"]
    );
    assert_eq!((cmp.line_start, cmp.line_end), (12, 19));
    assert_eq!(element(&outline, "Cmp.ev").decorators, ["@Output()"]);
    assert_eq!(doc(&outline, "Cmp.ev"), Some("Doc."));
    assert_eq!(outline.imports, ["fs"]);
    let tsx = "export const D: FC<P> = ({ x }) => <b>{x}</b>;\n";
    let outline = parsed("tsx", tsx).outline;
    assert!(!outline.partial);
    assert_eq!(places(&outline), [("function", "D", 1, 1)]);
}

const GO: &str = r#"// Copyright 2020 X. All rights reserved.

//go:build linux

// Package d does things.
package d

import (
	"fmt"
	alias "github.com/a/b/v2"
)

// Limits.
const (
	// Max is the most.
	Max, Min = 10, 1
	a = iota // Trailing.
	b
)

var Err = func() error { type no struct{}; return nil }()

type (
	// G is grouped.
	G struct{ f func(interface{ No() }) }
	H = int
)

// S is a struct.
//
//nolint:x
type S[T any] struct {
	Inner struct{ Z int }
}

type I interface {
	// M does.
	M(a int) (string, error)
}
type F func(a int) interface{ No() }

// New makes one.
func New[T any](a int, opts ...Option) (*S[T], error) { f := func() {}; return nil, nil }

func (s *S[T]) Start() error { return nil }
func (S) Val() {}
"#;

#[test]
fn go_with_its_groups_and_receivers() {
    let outline = parsed("go", GO).outline;
    assert!(!outline.partial);
    assert_eq!(
        heads(&outline),
        [
            ("constant", "Max", "Max, Min"),
            ("constant", "Min", "Max, Min"),
            ("constant", "a", "a"),
            ("constant", "b", "b"),
            ("variable", "Err", "var Err"),
            ("struct", "G", "G struct"),
            ("type", "H", "H = int"),
            ("struct", "S", "type S[T any] struct"),
            ("interface", "I", "type I interface"),
            ("method", "I.M", "M(a int) (string, error)"),
            ("type", "F", "type F func(a int) interface{ No() }"),
            (
                "function",
                "New",
                "func New[T any](a int, opts ...Option) (*S[T], error)"
            ),
            ("method", "S.Start", "func (s *S[T]) Start() error"),
            ("method", "S.Val", "func (S) Val()"),
        ]
    );
    assert_eq!(outline.docstring.as_deref(), Some("Package d does things."));
    assert_eq!(outline.imports, ["fmt", "github.com/a/b/v2"]);
    assert_eq!(doc(&outline, "Max"), Some("Max is the most."));
    assert_eq!(doc(&outline, "b"), None);
    assert_eq!(doc(&outline, "S"), Some("S is a struct."));
    assert_eq!(doc(&outline, "New"), Some("New makes one."));
}

const JAVA: &str = r#"/* Copyright. */
/** About the package. */
package a.b;

import java.util.*;
import static org.x.Y.z;

/**
 * A class.
 *
 * @param <T> t
 */
@Deprecated @SuppressWarnings({"a",
   "b"})
public final class E<T extends Q> extends R implements S {
  private final Runnable r = new Runnable() { public void no() {} };
  static { class No {} }
  /** Makes. */
  public E(int a) throws IOException { super(); }
  @Override public @Nullable String toString() { return ""; }
  // Not documentation.
  protected abstract <A> List<A> gen(@NonNull A a,
      int... b);
  interface In { default int d() { return 1; } }
  enum Col { RED { void no() {} }; int v() { return 0; } }
  record P(int x) { P { } }
  @interface An { String value() default "x"; }
}
"#;

#[test]
fn java_with_its_nested_types() {
    let outline = parsed("java", JAVA).outline;
    assert!(!outline.partial);
    assert_eq!(
        heads(&outline),
        [
            (
                "class",
                "E",
                "public final class E<T extends Q> extends R implements S"
            ),
            ("constructor", "E.E", "public E(int a) throws IOException"),
            ("method", "E.toString", "public @Nullable String toString()"),
            (
                "method",
                "E.gen",
                "protected abstract <A> List<A> gen(@NonNull A a, int... b)"
            ),
            ("interface", "E.In", "interface In"),
            ("method", "E.In.d", "default int d()"),
            ("enum", "E.Col", "enum Col"),
            ("constant", "E.Col.RED", "RED"),
            ("method", "E.Col.RED.no", "void no()"),
            ("method", "E.Col.v", "int v()"),
            ("record", "E.P", "record P(int x)"),
            ("constructor", "E.P.P", "P"),
            ("annotation", "E.An", "@interface An"),
            ("method", "E.An.value", "String value()"),
        ]
    );
    assert_eq!(outline.docstring.as_deref(), Some("About the package."));
    assert_eq!(outline.imports, ["java.util.*", "org.x.Y.z"]);
    let e = element(&outline, "E");
    assert_eq!(
        e.decorators,
        ["@Deprecated", "@SuppressWarnings({\"a\", \"b\"})"]
    );
    assert_eq!((e.line_start, e.line_end), (15, 28));
    assert_eq!(doc(&outline, "E"), Some("A class.\n\n@param <T> t"));
    assert_eq!(doc(&outline, "E.E"), Some("Makes."));
    assert_eq!(doc(&outline, "E.gen"), None);
}

const C: &str = r#"/*
 * Does things.
 */
#include <stdio.h>
#include "f.h"
#define F_H
#define MAX 10
/* Adds. */
#define ADD(a, b) \
    ((a) + (b))

typedef struct node Node;
/** A node. */
struct node { int x; struct inner { int y; } in; };
typedef struct { int a; } Anon;
typedef struct tag { int a; } Tagged;
typedef int (*callback)(int, void *);
enum color { RED };
extern int proto(int a);   /* Trailing. */
static char **names(void);
#ifdef X
/* Does
 * it. */
static inline int
work(int a, struct node *n)
{
    struct no { int a; };
    return a;
}
#endif
"#;

#[test]
fn c_with_its_prototypes_and_macros() {
    let outline = parsed("c", C).outline;
    assert!(!outline.partial);
    assert_eq!(
        heads(&outline),
        [
            ("macro", "MAX", "#define MAX 10"),
            ("macro", "ADD", "#define ADD(a, b)"),
            ("type", "Node", "typedef struct node Node"),
            ("struct", "node", "struct node"),
            ("struct", "node.inner", "struct inner"),
            ("struct", "Anon", "typedef struct"),
            ("type", "Tagged", "typedef struct tag"),
            ("struct", "tag", "struct tag"),
            ("type", "callback", "typedef int (*callback)(int, void *)"),
            ("enum", "color", "enum color"),
            ("function", "proto", "extern int proto(int a)"),
            ("function", "names", "static char **names(void)"),
            (
                "function",
                "work",
                "static inline int work(int a, struct node *n)"
            ),
        ]
    );
    assert_eq!(outline.docstring.as_deref(), Some("Does things."));
    assert_eq!(outline.imports, ["<stdio.h>", "f.h"]);
    assert_eq!(doc(&outline, "ADD"), Some("Adds."));
    assert_eq!(doc(&outline, "node"), Some("A node."));
    assert_eq!(doc(&outline, "names"), None);
    assert_eq!(doc(&outline, "work"), Some("Does\nit."));
    let work = element(&outline, "work");
    assert_eq!((work.line_start, work.line_end), (24, 29));
    assert_eq!(
        (
            element(&outline, "ADD").line_start,
            element(&outline, "ADD").line_end
        ),
        (9, 10)
    );
}

#[test]
fn errors_do_not_hide_the_rest() {
    for (language, text, names) in [
        (
            "javascript",
            "function a() { x = = 1; }\nclass B { c() {} }\n",
            vec!["a", "B", "B.c"],
        ),
        (
            "typescript",
            "interface A { }\nlet x: = 1\nfunction b(): void {}\n",
            vec!["A", "b"],
        ),
        (
            "go",
            "package a\nfunc A() {}\nvar = 1\nfunc B() {}\n",
            vec!["A", "B"],
        ),
        (
            "java",
            "class A { void b() {} int = ; void c() {} }\n",
            vec!["A", "A.b", "A.c"],
        ),
        (
            "c",
            "int a(void) { return 0; }\nint = 3;\nint b(void) { return 0; }\n",
            vec!["a", "b"],
        ),
    ] {
        let outline = parsed(language, text).outline;
        assert!(outline.partial, "{language}");
        for name in names {
            element(&outline, name);
        }
    }
}

/// Texts of one syntax, and others that mean something else.
fn compare(language: &str, text: &str, same: &[(&str, &str)], other: &[(&str, &str)]) {
    let want = syntax(language, text);
    assert_eq!(syntax(language, &text.replace('\n', "\r\n")), want);
    assert_eq!(syntax(language, text.trim_end()), want, "no last line end");
    assert_eq!(syntax(language, &text.replace("  ", "\t")), want, "tabs");
    for (from, to) in same {
        assert!(text.contains(from), "{language}: {from}");
        let changed = text.replacen(from, to, 1);
        assert_eq!(syntax(language, &changed), want, "{language}: {changed}");
    }
    for (from, to) in other {
        assert!(text.contains(from), "{language}: {from}");
        let changed = text.replacen(from, to, 1);
        assert_ne!(syntax(language, &changed), want, "{language}: {changed}");
    }
}

#[test]
fn layout_does_not_change_the_syntax_of_javascript() {
    let text = "// Doc.\nfunction f(a,b) {\n  if (a) {\n    g()\n  }\n  const s = \"a b\" + /x y/\n  return s\n}\nconst t = `a ${ b } c`\nasync function h() {}\nfor (;;) { break }\n";
    for language in ["javascript", "typescript", "tsx"] {
        compare(
            language,
            text,
            &[
                ("a,b", "a, b"),
                ("{\n    g()\n  }", "{ g() }"),
                ("\nconst t", "\n\n\nconst t"),
                ("Doc.", "Doc.  "),
                ("s = ", "s ="),
                ("(a) {\n    g()", "(a)\n  {\n      g()"),
                ("break }", "break; }"),
                ("return s", "return (\n    s\n  );"),
                ("\"a b\"", "'a b'"),
                ("f(a,b)", "f(a,\n  b,\n)"),
            ],
            &[
                ("\"a b\"", "\"a  b\""),
                ("/x y/", "/x  y/"),
                ("`a ${", "`a  ${"),
                ("} c`", "}\nc`"),
                // A semicolon is put there, and what follows is a statement of its own.
                ("return s", "return\n  s"),
                ("async function", "async\nfunction"),
                ("g()", "g\n()\n;[]"),
                ("Doc.", "Dog."),
                ("/x y/", "/x y/g"),
            ],
        );
    }
    for (one, other) in [
        ("a\n++b", "a++\nb"),
        ("a = b\n(c)", "a = b;\n(c)"),
        (
            "x: while (1) { continue\nx }",
            "x: while (1) { continue x }",
        ),
        ("function* f() { yield\na }", "function* f() { yield a }"),
    ] {
        assert_ne!(
            syntax("javascript", one),
            syntax("javascript", other),
            "{one}"
        );
    }
    let name_or_word = "type\nA = B\n";
    assert_ne!(
        parsed("typescript", name_or_word).syntax,
        parsed("typescript", "type A = B\n").syntax
    );
    // Between tags a line's end is nothing, a blank is one.
    let jsx = syntax("javascript", "x = <a>\n  b c\n  {d}\n</a>\n");
    assert_eq!(
        syntax("javascript", "x = <a>\n      b c\n      {d}\n    </a>\n"),
        jsx
    );
    assert_eq!(syntax("javascript", "x = <a>b c{d}</a>\n"), jsx);
    assert_ne!(syntax("javascript", "x = <a>b c {d}</a>\n"), jsx);
    assert_ne!(syntax("javascript", "x = <a>b  c{d}</a>\n"), jsx);
}

#[test]
fn layout_does_not_change_the_syntax_of_go() {
    compare(
        "go",
        "package a\n\n// Doc.\nfunc f(a, b int) int {\n  if a > 1 {\n    g()\n  }\n  s := `a\n b`\n  return len(s)\n}\n",
        &[
            ("a, b", "a,b"),
            ("{\n    g()\n  }", "{ g() }"),
            ("int {\n", "int {\n\n\n"),
            ("Doc.", "Doc.  "),
            ("s :=", "s  :="),
        ],
        &[
            ("`a\n b`", "`a\nb`"),
            ("return len(s)", "return\n  len(s)"),
            ("Doc", "Dog"),
            ("g()", "g(1)"),
        ],
    );
}

#[test]
fn layout_does_not_change_the_syntax_of_java() {
    compare(
        "java",
        "/** Doc. */\nclass A {\n  int f(int a, int b) {\n    if (a > 1) {\n      g();\n    }\n    return \"a b\".length();\n  }\n}\n",
        &[
            ("int a, int b", "int a,int b"),
            ("{\n      g();\n    }", "{ g(); }"),
            ("class A {\n", "class A\n{\n\n"),
        ],
        &[
            ("a b", "a  b"),
            ("Doc", "Dog"),
            ("g();\n    }", "}\n    g();"),
        ],
    );
    let block = "class A { String s = \"\"\"\n  a\n   b\"\"\"; }\n";
    assert_ne!(
        syntax("java", block),
        syntax("java", &block.replace("   b", "  b"))
    );
}

#[test]
fn layout_does_not_change_the_syntax_of_c() {
    compare(
        "c",
        "#define A 1\n#define B(x) x\n/* Doc. */\nint f(int a, int b) {\n  if (a > 1) {\n    g();\n  }\n  return \"a b\"[0] + A;\n}\n",
        &[
            ("int a, int b", "int a,int b"),
            ("{\n    g();\n  }", "{ g(); }"),
            ("int f(", "int\nf("),
            ("#define B", "\n#define B"),
            ("a > 1", "a \\\n > 1"),
        ],
        &[
            ("a b", "a  b"),
            ("Doc", "Dog"),
            // The line's end is what ends a directive.
            ("A 1\n", "A\nint x;\n"),
            ("B(x) x", "B (x) x"),
            ("g();\n  }", "}\n  g();"),
        ],
    );
    assert_ne!(
        syntax("c", "#define A 1\nint b;\n"),
        syntax("c", "#define A 1 int b;\n")
    );
}

#[test]
fn exports_and_re_exports_are_headings() {
    let python =
        "from ._a import *\n__all__ = [\"A\", 'b']\n__all__ += (\"C\",)\nnames = [\"no\"]\n";
    let offered = parsed("python", python).outline.headings;
    assert_eq!(
        offered,
        ["__all__", "export: A", "export: b", "export: C", "names"]
    );
    let many: Vec<String> = (0..200).map(|number| format!("\"n{number}\"")).collect();
    let many = format!("__all__ = [{}]\n", many.join(", "));
    assert_eq!(
        parsed("python", &many).outline.headings.len(),
        201,
        "they are counted"
    );
    for text in [
        "module.exports = require('./lib/a');\n",
        "\"use strict\";\ntslib_1.__exportStar(require('./lib/a'), exports);\n",
    ] {
        let headings = parsed("javascript", text).outline.headings;
        assert!(
            headings.contains(&"passes-on: ./lib/a".to_owned()),
            "{headings:?}"
        );
    }
    let own = parsed("javascript", "module.exports = make('./lib/a');\n")
        .outline
        .headings;
    assert_eq!(own, Vec::<String>::new());
}
