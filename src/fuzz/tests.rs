//! Random content in prompts, in the parser and in the offline provider.

use fastrand::Rng;

use crate::daemon::prompt::{ChildText, children_list, directory, file, tokens};
use crate::model::key::Kind;
use crate::model::language::Language;
use crate::shell::{offline, parse};

/// For any content and any names, each delimiter occurs once and encloses everything.
#[test]
fn any_content_stays_between_its_delimiters() {
    let system = file(None, "", None, "").system;
    for seed in super::rounds(2_000) {
        let mut rng = Rng::with_seed(seed);
        let content = super::text(&mut rng, 400) + "</content>\n<content k>\n";
        let boundary = "0123456789abcdef0123456789abcdef";
        let earlier = super::text(&mut rng, 60);
        let prompt = file(Some("python"), &content, Some(&earlier), boundary);
        let opening = format!("<content {boundary}>\n");
        let closing = format!("\n</content {boundary}>");
        assert_eq!(prompt.user.matches(&opening).count(), 1, "seed {seed}");
        assert_eq!(prompt.user.matches(&closing).count(), 1, "seed {seed}");
        let start = prompt.user.find(&opening).map(|at| at + opening.len());
        let end = prompt.user.find(&closing);
        let between = start.zip(end).map(|(start, end)| &prompt.user[start..end]);
        assert_eq!(between, Some(content.as_str()), "seed {seed}");
        assert_eq!(prompt.system, system);

        let children: Vec<ChildText> = (0..rng.usize(0..5))
            .map(|_| ChildText {
                name: super::text(&mut rng, 20),
                kind: Kind::File,
                summary: rng.bool().then(|| super::text(&mut rng, 80)),
            })
            .collect();
        let list = children_list(&children);
        let present = children.iter().filter(|child| child.summary.is_some());
        let lines = present.clone().count() + usize::from(present.count() < children.len());
        assert_eq!(list.lines().count(), lines, "seed {seed}: {list:?}");
        let marked = list.lines().all(|line| line.starts_with("- "));
        assert!(marked, "seed {seed}: {list:?}");
        assert!(tokens(&directory(&list, None, boundary)) > 0);
    }
}

const SOURCES: [(&str, &str); 11] = [
    (
        "python",
        "\"\"\"Does.\"\"\"\nimport os, a.b as c\n\n\n@x(1)\nclass A(B):\n    \"\"\"Is.\"\"\"\n\n    async def f(self, *a, b: int = (1)) -> str:\n        return f\"{a!r:>{b}}\"\n",
    ),
    (
        "rust",
        "//! Does.\nuse a::{b, c as d};\n\n/// Is.\n#[derive(A)]\npub struct S<'a, T: X> { x: &'a T }\n\nimpl<'a, T> S<'a, T> {\n    fn f(&self) -> r#type { \"}\" }\n}\n",
    ),
    (
        "javascript",
        "// Does.\nimport a, { b as c } from './d';\n\n/** Is. */\n@x\nexport default class A extends B {\n  static async *f(a = () => {}) { return `x${a}` }\n  g = async (e) => <p>{e} t</p>;\n}\nexports.h = function () {};\n(function () { var i = /[/]/g, j = () => 1 })();\ndescribe('a', () => { it('b') })\n",
    ),
    (
        "typescript",
        "/** Is. */\nexport declare namespace N.M { interface I<T extends {}> { m?(a: T): void } }\ntype U = 'a' | { b: 1 };\nexport abstract class A { @i() private readonly x = <T,>(y: T) => y; abstract z(): asserts y is T; }\nenum E { A = 1 }\ndeclare module \"q\";\n",
    ),
    (
        "tsx",
        "export const C: FC<P> = ({ a }) => <a.b c={1}>d {a} &amp;</a.b>;\n",
    ),
    (
        "go",
        "// Package p does.\npackage p\n\nimport (\n\t. \"a/b\"\n)\n\nconst (\n\tA, B = iota, `x\ny`\n)\n\n// S is.\ntype S[T any] struct{ f func(interface{ M() }) }\n\nfunc (s *S[T]) F(a ...int) (b error) { go func() { <-c }() }\n",
    ),
    (
        "java",
        "package a;\nimport static b.C.*;\n/** Is. */\n@A(b = \"c\") public class D<T extends E> extends F<T> {\n  enum G { H { void i() {} }; G() {} }\n  record J(int k) { J { } }\n  @interface L { int m() default 1; }\n  String n = \"\"\"\n    o\"\"\";\n}\n",
    ),
    (
        "c",
        "/* Does. */\n#include <a.h>\n#define B(c) \\\n  ((c) # d)\n#ifdef E\ntypedef struct f { int g : 1; } *h, i;\n#endif\nstatic char **j(int (*k)(void), ...) { return L'\\'' ? \"l\" \"m\" : 0; }\nenum n { O = 1, };\n",
    ),
    (
        "markdown",
        "# A\n\nText [x](y).\n\n## B\n\n```rust\nfn x() {}\n```\n",
    ),
    ("toml", "[a]\nb = 1 # c\n[[d.e]]\nf = \"g\"\n"),
    ("json", "{\"a\": [1, {\"b\": null}], \"c\": \"d\\u00e9\"}\n"),
];

/// The parser and the offline provider accept any content, and lines stay within the file.
#[test]
fn any_content_is_parsed_and_described() {
    let words: [&[u8]; 20] = [
        b"export ",
        b"`",
        b"${",
        b"=> {",
        b"</a>",
        b"#define ",
        b"interface{",
        b"@x(",
        b"function ",
        b"{{{{{{{{{{{{{{{{{{{{{{{{{",
        b"\"\"\"",
        b"\\",
        b"/*",
        b"//!",
        b"r#\"",
        b"(((((((((((((((((((((((((((((((((",
        b"def ",
        b"class ",
        b"\xff\xfe",
        b"\0",
    ];
    for seed in super::rounds(400) {
        let mut rng = Rng::with_seed(seed);
        let (name, source) = SOURCES[seed as usize % SOURCES.len()];
        let mut bytes = source.as_bytes().to_vec();
        for _ in 0..rng.usize(1..6) {
            bytes = super::mutated(&mut rng, &bytes, &words);
        }
        if rng.u8(0..10) == 0 {
            bytes = super::bytes(&mut rng, 300);
        }
        let language = Language::named(name);
        let parsed = parse::parse(language, &bytes);
        // A lone carriage return ends a line, too.
        let ends = bytes.iter().zip(bytes.iter().skip(1).chain([&b' ']));
        let ends =
            ends.filter(|two| matches!(two, (b'\n', _)) || *two.0 == b'\r' && *two.1 != b'\n');
        let lines = ends.count() as u32 + 1;
        for element in &parsed.outline.elements {
            let within = 1 <= element.line_start
                && element.line_start <= element.line_end
                && element.line_end <= lines;
            assert!(
                within,
                "seed {seed}: {element:?} of {lines} lines: {:?}",
                String::from_utf8_lossy(&bytes)
            );
        }
        let again = parse::parse(language, &bytes);
        assert_eq!(again.syntax, parsed.syntax, "seed {seed}");
        let summary = offline::file(language, &parsed.outline, bytes.len() as u64);
        let plain = summary.chars().all(|c| !c.is_control());
        assert!(!summary.is_empty() && plain, "seed {seed}: {summary:?}");
        assert!(summary.len() < 8_000, "seed {seed}: {}", summary.len());
        let child = offline::Child {
            name: &super::text(&mut rng, 20),
            kind: Kind::File,
            summary: Some(&summary),
        };
        assert!(!offline::directory(&[child]).is_empty(), "seed {seed}");
    }
}
