//! Files from reports about comparable software: which names an outline holds, in order.

use super::parsed;

fn check(language: &str, cases: &[(&str, &[&str])]) {
    for (text, names) in cases {
        let outline = parsed(language, text).outline;
        let found: Vec<&str> = outline
            .elements
            .iter()
            .map(|element| element.qualified_name.as_str())
            .collect();
        assert_eq!(found, *names, "{language}: {text}");
    }
}

/// Each text stands between `first` and `last`; nothing of its neighbours may be lost.
fn check_between(language: &str, before: &str, after: &str, cases: &[(&str, &[&str])]) {
    for (text, names) in cases {
        let all = format!("{before}\n{text}\n{after}\n");
        let outline = parsed(language, &all).outline;
        let found: Vec<&str> = outline
            .elements
            .iter()
            .map(|element| element.qualified_name.as_str())
            .collect();
        let want = [&["first"][..], names, &["last"]].concat();
        assert_eq!(found, want, "{language}: {text}");
    }
}

const SCRIPTS: &[(&str, &[&str])] = &[
    ("export default function () {}", &["default"]),
    ("export default async () => {};", &["default"]),
    (
        "export default class { run() {} }",
        &["default", "default.run"],
    ),
    (
        "export default { name: 'x', data() {}, methods: { go() {} } };",
        &["default", "default.data", "default.go"],
    ),
    ("export default defineConfig({});", &["default"]),
    (
        "export default connect(a)(class Foo { b() {} });",
        &["default", "Foo", "Foo.b"],
    ),
    (
        "export const { auth, handlers: h, ...rest } = f();",
        &["auth", "h", "rest"],
    ),
    ("export const [x, y = 1] = f();", &["x", "y"]),
    (
        "export let counter = 0; export var old;",
        &["counter", "old"],
    ),
    ("export const a = 1, b = 2;", &["a", "b"]),
    ("const f = () => 1, g = () => 2;", &["f", "g"]),
    ("var a = function () {}, b = function () {};", &["a", "b"]),
    (
        "const Row = memo(function Row() {}); export { Row };",
        &["Row"],
    ),
    ("const B = React.forwardRef((p, ref) => null);", &["B"]),
    ("const useX = create(() => ({}));", &["useX"]),
    ("const Title = styled.h1`a`;", &["Title"]),
    ("const Row = memo(Plain);", &["Row"]),
    (
        "module.exports = { create(ctx) { return { no() {} }; }, run: function () {} };",
        &["create", "run"],
    ),
    ("module.exports = () => 1;", &["default"]),
    ("exports.Foo = class { a() {} };", &["Foo", "Foo.a"]),
    (
        "A.Template = class { a() {} };",
        &["A.Template", "A.Template.a"],
    ),
    ("A.b.c = function () {};", &["A.b.c"]),
    ("exports['x'] = function () {};", &["x"]),
    (
        "A.prototype = { a() {}, b: function () {} };",
        &["A.a", "A.b"],
    ),
    (
        "A.prototype.x = A.prototype.y = function () {};",
        &["A.x", "A.y"],
    ),
    ("Object.assign(A.prototype, { a() {} });", &["A.a"]),
    ("const f = /** @type {X} */ (function () {});", &["f"]),
    (
        "const handlers = { click() {} };",
        &["handlers", "handlers.click"],
    ),
    ("export const api = { get() {} };", &["api", "api.get"]),
    ("define(['a'], function (a) { function b() {} });", &["b"]),
    ("$(function () { function b() {} });", &["b"]),
    (
        "(function (root, factory) { factory(); })(this, function () { function b() {} });",
        &["b"],
    ),
    (
        "describe('a', () => { function helper() {} });",
        &["helper"],
    ),
    ("for (using x of y) {}", &[]),
    ("for (await using x of y) {}", &[]),
];

#[test]
fn scripts_with_every_form_of_definition() {
    for language in ["javascript", "typescript", "tsx"] {
        check(language, SCRIPTS);
        check_between(
            language,
            "function first() {}",
            "function last() {}",
            SCRIPTS,
        );
    }
    let typescript: &[(&str, &[&str])] = &[
        ("const f = (() => 1) as Fn;", &["f"]),
        ("declare global { interface W {} }", &["global", "W"]),
        ("export type * from './a';", &[]),
        ("interface X<in T, out U> { a(): T }", &["X", "X.a"]),
        ("class A { accessor b = 1; c() {} }", &["A", "A.c"]),
        ("const x = { a: await f<typeof import('./a')>() };", &[]),
    ];
    check_between(
        "typescript",
        "function first() {}",
        "function last() {}",
        typescript,
    );
}

#[test]
fn javascript_with_flow_types() {
    let text = "/* @flow strict */\nimport type {A} from './a';\nexport opaque type T = string;\ntype P = {| +a: ?string, b: (x: number) => void |};\nclass B extends C<P> { d(x: ?A): void {} }\nfunction e<T>(a: Array<?T>): ?T { return (a: any); }\n";
    check("javascript", &[(text, &["T", "P", "B", "B.d", "e"])]);
    assert!(!parsed("javascript", text).outline.partial);
}

#[test]
fn rust_items_inside_macro_calls() {
    check_between(
        "rust",
        "fn first() {}",
        "fn last() {}",
        &[
            ("cfg_rt! { /// Spawns.\n pub fn spawn() {} }", &["spawn"]),
            (
                "cfg_if::cfg_if! { if #[cfg(unix)] { pub fn a() {} } else { pub fn b() {} } }",
                &["a", "b"],
            ),
            ("lazy_static! { pub static ref X: u8 = 1; }", &["X"]),
            ("bitflags! { pub struct F: u32 { const A = 1; } }", &["F"]),
            ("pin_project! { pub struct P<T> { #[pin] x: T } }", &["P"]),
            ("thread_local! { static K: u8 = const { 1 }; }", &["K"]),
            (
                "s! { pub struct tm { pub a: c_int, } pub struct sv { pub b: c_int, } }",
                &["tm", "sv"],
            ),
            (
                "quick_error! { #[derive(Debug)] pub enum E { Io(e: io::Error) { from() } } }",
                &["E"],
            ),
            (
                "cfg_io! { mod a; pub use a::B; impl C { fn d() {} } }",
                &["a", "C", "C::d"],
            ),
            ("pub macro m($x:expr) { $x }", &["m"]),
            ("trait Both = Send + Sync;", &["Both"]),
            ("fn f() { m! { fn hidden() {} } }", &["f"]),
            ("vec![1, 2];", &[]),
        ],
    );
    let outline = parsed(
        "rust",
        "a! {\n/// Spawns.\n#[must_use]\npub fn spawn(a: u8) -> u8 {\n}\n}",
    )
    .outline;
    let spawn = &outline.elements[0];
    assert_eq!(spawn.signature, "pub fn spawn(a: u8) -> u8");
    assert_eq!((spawn.line_start, spawn.line_end), (4, 5));
    assert_eq!(spawn.docstring.as_deref(), Some("Spawns."));
    assert_eq!(spawn.decorators, ["#[must_use]"]);
}

#[test]
fn c_with_a_preprocessor_around_it() {
    check_between(
        "c",
        "int first(void) { return 0; }",
        "int last(void) { return 0; }",
        &[
            ("#define M do { /*c*/; } while (0)", &["M"]),
            ("#define M (1 + /* one */ 2)", &["M"]),
            ("#define M \"http://x/*\"", &["M"]),
            ("#define M(a, b) foo((a), /* b */ (b))", &["M"]),
            (
                "#define M(x) do { \\\n x = 1; /* set */ \\\n } while (0)",
                &["M"],
            ),
            (
                "int f(int a) {\n#ifdef W\nif (a) {\n#else\nif (b) {\n#endif\n g(); }\n return 0; }",
                &["f"],
            ),
            (
                "int f(int a) {\n if (a) {}\n#ifdef X\n else if (y) { }\n#endif\n else { } return 0; }",
                &["f"],
            ),
            (
                "#ifdef __cplusplus\nextern \"C\" {\n#endif\nint p1(void);\nvoid *p2(int);\nvoid (*p3(int, void (*)(int)))(int);\nint (*p4(void))[3];\nchar ***p5(void);\n#ifdef __cplusplus\n}\n#endif",
                &["p1", "p2", "p3", "p4", "p5"],
            ),
            (
                "#ifdef A\nint f(int a)\n#else\nint f(long a)\n#endif\n{ return 0; }",
                &["f"],
            ),
            ("extern int f(int a) __THROW;", &["f"]),
            ("int f(void) MUST_CHECK;", &["f"]),
            ("int g(const char *f, ...) PRINTF(1, 2);", &["g"]),
            (
                "static inline FORMAT(1) const char *f(const char *m) { return m; }",
                &["f"],
            ),
            ("LUA_API int f (int a) { return a; }", &["f"]),
            ("LUA_API lua_CFunction h (int a) { return 0; }", &["h"]),
            (
                "static int\ninternal_function\nf (int a)\n{ return a; }",
                &["f"],
            ),
            ("typedef struct s *b_fn(int);", &["b_fn"]),
            ("typedef char *(d_fn)(int);", &["d_fn"]),
            ("typedef BOOL (WINAPI *e_fn)(int);", &["e_fn"]),
            ("struct PACKED s3 { int a; };", &["s3"]),
            (
                "int f(void) { list_for_each(p, h) { g(p); } return 0; }",
                &["f"],
            ),
            ("NORETURN void g(int a);", &["g"]),
        ],
    );
}

#[test]
fn headers_with_classes_are_cpp() {
    check(
        "c",
        &[
            (
                "namespace a { class B { public: int c(); }; }",
                &["a", "a.B", "a.B.c"],
            ),
            ("template <class T> struct A { T b(); };", &["A", "A.b"]),
        ],
    );
}

#[test]
fn python_aliases_and_functional_forms() {
    check(
        "python",
        &[
            (
                "type Ids = list[int]\ntype Pair[T] = tuple[T, T]\n",
                &["Ids", "Pair"],
            ),
            ("Json: TypeAlias = dict\n", &["Json"]),
            (
                "U = NewType('U', int)\nclass A:\n    type Inner = int\n",
                &["U", "A", "A.Inner"],
            ),
            (
                "Point = namedtuple('Point', 'x y')\nColor = Enum('Color', 'A B')\n",
                &["Point", "Color"],
            ),
            (
                "f = lambda x: x\ngo = functools.partial(f, 1)\n",
                &["f", "go"],
            ),
            ("def f():\n    g = lambda: 1\n", &["f"]),
        ],
    );
}

#[test]
fn java_of_newer_versions() {
    check(
        "java",
        &[
            ("module a.b { requires java.base; }", &["a.b"]),
            (
                "import module java.base;\nclass A { void b() {} }",
                &["A", "A.b"],
            ),
            (
                "void main() {}\nint greet() { return 1; }",
                &["main", "greet"],
            ),
            (
                "class A { public static final int MAX = 3; }",
                &["A", "A.MAX"],
            ),
            (
                "enum A { B { void c() {} }; void d() {} }",
                &["A", "A.B", "A.B.c", "A.d"],
            ),
        ],
    );
    let outline = parsed(
        "java",
        "import module java.base;\nclass A {\n/// Reads\n/// it.\nvoid b() {} }",
    )
    .outline;
    assert_eq!(outline.imports, ["java.base"]);
    assert_eq!(outline.elements[1].docstring.as_deref(), Some("Reads\nit."));
}

#[test]
fn components_are_read_by_their_scripts() {
    let vue = "<template>\n  <MyList :a=\"b\"><li/></MyList>\n</template>\n<script setup lang=\"ts\">\nimport a from './a';\nfunction go(): void {}\n</script>\n<style>.a { b: c }</style>\n";
    let outline = parsed("vue", vue).outline;
    assert!(!outline.partial);
    assert_eq!(outline.imports, ["./a"]);
    let go = outline.elements.iter().find(|element| element.name == "go");
    assert_eq!(go.map(|go| (go.line_start, go.line_end)), Some((6, 6)));
    assert!(
        outline
            .elements
            .iter()
            .any(|element| element.name == "MyList")
    );
}

#[test]
fn a_parser_error_is_reported_with_its_lines() {
    let outline = parsed("go", "package a\nfunc A() {}\nvar = 1\nfunc B() {}\n").outline;
    assert!(outline.partial);
    assert_eq!(outline.missing, [(3, 3)]);
    let whole = parsed("go", "package a\nfunc A() {}\n").outline;
    assert!(!whole.partial && whole.missing.is_empty());
}

/// What the comparison with the TypeScript compiler and with ctags found.
#[test]
fn scripts_of_real_projects() {
    check(
        "javascript",
        &[
            (
                "(function (g, f) { f(g); })(this, (function (exports) { function a() {} }));",
                &["a"],
            ),
            (
                "A.x = A.b.y = A.z = function () {};",
                &["A.x", "A.b.y", "A.z"],
            ),
            ("exports.a = exports.b = function () {};", &["a", "b"]),
            ("exports.a = (function (x) { return x; });", &["a"]),
            ("var proto = module.exports = function () {};", &["proto"]),
            (
                "exports.clock = { now: function () {}, at() {} };",
                &["clock", "clock.now", "clock.at"],
            ),
            (
                "var a = {\n x() {} },\n f = () => { const no = () => 1; },\n b = {\n y: function () {} };",
                &["a", "a.x", "f", "b", "b.y"],
            ),
            (
                "jQuery.fn = jQuery.prototype = { each: function () {} };",
                &["jQuery.each"],
            ),
            ("let f = null;\nf = function () {};", &["f"]),
        ],
    );
    check(
        "typescript",
        &[
            (
                "export default function (): {\n  a: b.C;\n};\nexport type T = 1;",
                &["default", "T"],
            ),
            ("export default function (): b.C<D>;", &["default"]),
        ],
    );
}

#[test]
fn macros_of_real_projects() {
    let begin = "#ifndef A_H\n#define A_H\nnamespace a {\nABSL_NAMESPACE_BEGIN\nvoid first();";
    let end = "ABSL_NAMESPACE_END\n}\n#endif\n";
    let cases: &[(&str, &[&str])] = &[
        (
            "FMT_BEGIN_EXPORT\ntemplate <typename T> FMT_CONSTEXPR auto f(T t) -> int { return (void)B<T>{}; }",
            &["a.f"],
        ),
        (
            "int f(void* absl_nonnull p, const T& t ABSL_LIFETIME);",
            &["a.f"],
        ),
        (
            "FMT_PRAGMA_GCC(push_options)\nclass C { FMT_CONSTEXPR C(int a) : a(a) {} };",
            &["a.C", "a.C.C"],
        ),
        (
            "template <typename T, FMT_ENABLE_IF(is<T>::value)> void f(T t) {}",
            &["a.f"],
        ),
        (
            "class C {\n  void f() LOCKS(mu_) {}\n  int a_ GUARDED_BY(mu_);\n  void g(A a = {});\n};",
            &["a.C", "a.C.f", "a.C.g"],
        ),
        (
            "#if HAS(clang::x)\nint f();\n#else\nint g();\n#endif",
            &["a.f", "a.g"],
        ),
        (
            "TEST_CASE(\"a b\") { CHECK(x == 1); }\nint f();",
            &["a.TEST_CASE", "a.f"],
        ),
        ("BENCHMARK(b)->Range(1, 2);\nint f();", &["a.f"]),
        (
            "int f(int a,\n#ifdef X\n  int b,\n#endif\n  int c);",
            &["a.f"],
        ),
        (
            "typedef int (*fn)(int);\ntypedef struct { int a; } S;",
            &["a.fn", "a.S"],
        ),
        (
            "int (*variable)(int);\nint (*f(int a))[3];\nint ****g();",
            &["a.f", "a.g"],
        ),
    ];
    for (text, names) in cases {
        let outline = parsed("cpp", format!("{begin}\n{text}\n{end}")).outline;
        let found: Vec<&str> = outline
            .elements
            .iter()
            .filter(|element| !["macro", "namespace"].contains(&element.kind.as_str()))
            .map(|element| element.qualified_name.as_str())
            .collect();
        assert_eq!(found, [&["a.first"][..], names].concat(), "{text}");
        assert!(!outline.partial, "{text}: {:?}", outline.missing);
    }
}

/// A brace too many does not make the next function part of the one before it.
#[test]
fn an_unbalanced_body_is_not_left_out() {
    let text = "int a(void)\n{\n  if (x) {\n    y(%);\n}\n\nint b(void)\n{\n}\n";
    let outline = parsed("c", text).outline;
    assert!(outline.partial);
}
