//! The languages that Epitome can name: those of this file, and every one that linguist knows.
//!
//! A name does not imply an outline: `shell/parse` lists the languages with a grammar.

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A language in the table below.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Language(&'static str);

/// Name, extensions (without the dot) and whole file names, all in lower case.
const LANGUAGES: &[(&str, &[&str], &[&str])] = &[
    (
        "python",
        &["py", "pyi", "pyw"],
        &["sconstruct", "sconscript"],
    ),
    ("rust", &["rs"], &[]),
    ("javascript", &["js", "mjs", "cjs", "jsx"], &[]),
    ("typescript", &["ts", "mts", "cts"], &[]),
    ("tsx", &["tsx"], &[]),
    ("go", &["go"], &[]),
    ("go-module", &[], &["go.mod", "go.work"]),
    ("java", &["java"], &[]),
    ("kotlin", &["kt", "kts"], &[]),
    ("scala", &["scala", "sc"], &[]),
    ("c", &["c", "h"], &[]),
    ("cpp", &["cc", "cpp", "cxx", "hpp", "hh", "hxx"], &[]),
    ("csharp", &["cs"], &[]),
    ("swift", &["swift"], &[]),
    ("objective-c", &["m", "mm"], &[]),
    ("ruby", &["rb", "rake", "gemspec"], &["gemfile", "rakefile"]),
    ("php", &["php"], &[]),
    ("perl", &["pl", "pm"], &[]),
    ("lua", &["lua"], &[]),
    ("elixir", &["ex", "exs"], &[]),
    ("erlang", &["erl", "hrl"], &[]),
    ("haskell", &["hs"], &[]),
    ("ocaml", &["ml", "mli"], &[]),
    ("r", &["r"], &[]),
    ("julia", &["jl"], &[]),
    ("dart", &["dart"], &[]),
    ("zig", &["zig"], &[]),
    ("cython", &["pyx", "pxd"], &[]),
    (
        "shell",
        &["sh", "bash", "zsh", "fish"],
        &[".bashrc", ".profile", ".zshrc"],
    ),
    ("powershell", &["ps1", "psm1"], &[]),
    ("batch", &["bat", "cmd"], &[]),
    ("sql", &["sql"], &[]),
    ("html", &["html", "htm", "xhtml"], &[]),
    ("css", &["css"], &[]),
    ("scss", &["scss", "sass", "less"], &[]),
    ("vue", &["vue"], &[]),
    ("svelte", &["svelte"], &[]),
    ("markdown", &["md", "markdown", "mdx"], &[]),
    ("restructuredtext", &["rst"], &[]),
    (
        "text",
        &["txt", "text"],
        &[
            "license",
            "licence",
            "copying",
            "notice",
            "authors",
            "contributors",
            "changelog",
            "readme",
            "install",
            "news",
            "todo",
            "manifest.in",
            "codeowners",
        ],
    ),
    (
        "json",
        &["json", "jsonl", "geojson", "webmanifest"],
        &[".babelrc", ".eslintrc"],
    ),
    ("yaml", &["yaml", "yml", "cff"], &[]),
    ("toml", &["toml"], &["cargo.lock", "poetry.lock", "uv.lock"]),
    (
        "ini",
        &[
            "ini",
            "cfg",
            "conf",
            "properties",
            "service",
            "socket",
            "timer",
        ],
        &[
            ".editorconfig",
            ".gitconfig",
            ".coveragerc",
            ".flake8",
            ".pylintrc",
        ],
    ),
    ("xml", &["xml", "xsd", "xsl", "svg", "plist"], &[]),
    ("csv", &["csv", "tsv"], &[]),
    (
        "ignore-list",
        &[],
        &[
            ".gitignore",
            ".dockerignore",
            ".ignore",
            ".npmignore",
            ".eslintignore",
            ".prettierignore",
            ".epitomeignore",
        ],
    ),
    ("git-attributes", &[], &[".gitattributes", ".gitmodules"]),
    (
        "dockerfile",
        &["dockerfile"],
        &["dockerfile", "containerfile"],
    ),
    ("make", &["mk", "mak"], &["makefile", "gnumakefile"]),
    ("cmake", &["cmake"], &["cmakelists.txt"]),
    ("meson", &[], &["meson.build", "meson_options.txt"]),
    ("vim", &["vim"], &[".vimrc", "vimrc"]),
    ("starlark", &["bzl", "bazel"], &["build", "workspace"]),
    ("nix", &["nix"], &[]),
    ("terraform", &["tf", "tfvars"], &[]),
    ("protobuf", &["proto"], &[]),
    ("graphql", &["graphql", "gql"], &[]),
    ("gettext", &["po", "pot"], &[]),
    ("tex", &["tex", "bib"], &[]),
    ("jinja", &["j2", "jinja", "jinja2"], &[]),
    ("diff", &["diff", "patch"], &[]),
    ("assembly", &["s", "asm"], &[]),
    ("notebook", &["ipynb"], &[]),
    (
        "image",
        &["png", "jpg", "jpeg", "gif", "webp", "ico", "bmp", "tiff"],
        &[],
    ),
    ("font", &["ttf", "otf", "woff", "woff2", "eot"], &[]),
    ("audio", &["mp3", "wav", "ogg", "flac", "m4a"], &[]),
    ("video", &["mp4", "webm", "mov", "mkv", "avi"], &[]),
    (
        "archive",
        &[
            "zip", "gz", "bz2", "xz", "zst", "tar", "tgz", "whl", "jar", "7z",
        ],
        &[],
    ),
    ("pdf", &["pdf"], &[]),
    ("gettext-binary", &["mo"], &[]),
    (
        "object-code",
        &[
            "o", "a", "so", "dll", "dylib", "exe", "pyc", "class", "wasm",
        ],
        &[],
    ),
    ("database", &["sqlite", "sqlite3", "db"], &[]),
];

impl Language {
    /// The language of a file of that name, or `None`.
    pub fn of_file(name: &[u8]) -> Option<Self> {
        Self::by_name(name).map(|(language, _)| language)
    }

    /// The same, and whether the name leaves no doubt: some extensions belong to several languages.
    pub fn by_name(name: &[u8]) -> Option<(Self, bool)> {
        let name = String::from_utf8_lossy(name).to_lowercase();
        let table = &*TABLE;
        if let Some(&language) = table.names.get(&*name) {
            return Some((language, true));
        }
        // The longest known ending wins: `a.html.erb`. A number behind another one is a version: `lib.so.1`.
        let of = |name: &str| {
            let mut endings = name.match_indices('.').map(|(at, _)| &name[at + 1..]);
            endings.find_map(|ending| table.endings.get(ending).copied())
        };
        let version = |ending: &str| ending.bytes().all(|byte| byte.is_ascii_digit());
        let stem = name.rsplit_once('.').filter(|(_, end)| version(end));
        stem.and_then(|(stem, _)| of(stem)).or_else(|| of(&name))
    }

    /// The language that this program runs, such as `python3` or `bash`.
    pub fn of_program(program: &str) -> Option<Self> {
        let version = |c: char| c.is_ascii_digit() || c == '.';
        let plain = program.trim_end_matches(version);
        let known = |name| TABLE.programs.get(name).copied();
        known(program).or_else(|| known(plain))
    }

    /// The language that an editor's setting names: a name, or a usual other one (`c++`, `sh`).
    pub fn of_alias(alias: &str) -> Option<Self> {
        let alias = alias.to_ascii_lowercase();
        let other = TABLE.aliases.get(&*alias).copied();
        other.or_else(|| Self::named(&alias))
    }

    /// The language of that name in the table.
    pub fn named(name: &str) -> Option<Self> {
        let found = TABLE.languages.get_key_value(name);
        found.map(|(name, _)| Self(name))
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.0
    }

    /// Its name for people, where linguist has one.
    pub fn display(self) -> Option<&'static str> {
        let traits = TABLE.languages.get(self.0)?;
        Some(traits.display).filter(|display| !display.is_empty())
    }

    /// Whether linguist alone knows it: there is no grammar, and no row of any other table.
    pub fn is_rare(self) -> bool {
        !LANGUAGES.iter().any(|(name, ..)| *name == self.0)
    }

    /// Whether it is a programming language, as opposed to markup, prose and data. Unknown for the languages of this file.
    pub fn is_programming(self) -> bool {
        let traits = TABLE.languages.get(self.0);
        traits.is_some_and(|traits| traits.programming)
    }
}

/// The languages, extensions and names that linguist knows; see `contrib/linguist-table`.
const LINGUIST: &str = include_str!("language/linguist.txt");

static TABLE: LazyLock<Table> = LazyLock::new(Table::read);

/// Both tables by what is looked up. The rows of this file come first.
#[derive(Default)]
struct Table {
    languages: HashMap<&'static str, Traits>,
    /// With whether no other language has the ending.
    endings: HashMap<&'static str, (Language, bool)>,
    names: HashMap<&'static str, Language>,
    programs: HashMap<&'static str, Language>,
    aliases: HashMap<&'static str, Language>,
}

#[derive(Default)]
struct Traits {
    display: &'static str,
    programming: bool,
}

impl Table {
    fn read() -> Self {
        let mut table = Self::default();
        for (name, endings, names) in LANGUAGES {
            let language = Language(name);
            table.languages.insert(name, Traits::default());
            let endings = endings.iter().map(|ending| (*ending, (language, true)));
            table.endings.extend(endings);
            table
                .names
                .extend(names.iter().map(|name| (*name, language)));
        }
        let rows = LINGUIST.lines().filter(|line| !line.starts_with('#'));
        for row in rows {
            let mut columns = row.split('|');
            let mut column = || columns.next().unwrap_or("");
            let (name, display, kind) = (column(), column(), column());
            let language = Language(name);
            table.languages.entry(name).or_insert(Traits {
                display,
                programming: kind == "p",
            });
            for ending in column().split_whitespace() {
                let (ending, sure) = match ending.strip_suffix('?') {
                    Some(ending) => (ending, false),
                    None => (ending, true),
                };
                table.endings.entry(ending).or_insert((language, sure));
            }
            for name in column().split_whitespace() {
                // The endings of this file say more: `requirements.txt` is text.
                let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
                let known = LANGUAGES
                    .iter()
                    .any(|(_, endings, _)| endings.contains(&ending));
                if !known {
                    table.names.entry(name).or_insert(language);
                }
            }
            for program in column().split_whitespace() {
                table.programs.entry(program).or_insert(language);
            }
            for alias in column().split_whitespace() {
                table.aliases.entry(alias).or_insert(language);
            }
        }
        table
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Serialize for Language {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for Language {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name)
            .ok_or_else(|| serde::de::Error::custom(format!("unknown language {name}")))
    }
}

#[cfg(test)]
mod tests {
    use super::Language;

    #[test]
    fn files_are_recognized_by_extension_or_name() {
        let name = |file: &str| Language::of_file(file.as_bytes()).map(Language::name);
        assert_eq!(name("a.PY"), Some("python"));
        assert_eq!(name("Makefile"), Some("make"));
        assert_eq!(name("CMakeLists.txt"), Some("cmake"));
        assert_eq!(name("x.unknown"), None);
        assert_eq!(name(""), None);
        for (file, language) in [
            ("a.clj", "clojure"),
            ("a.f90", "fortran-free-form"),
            ("a.adb", "ada"),
            ("a.sol", "solidity"),
            ("a.v", "verilog"),
            ("page.html.erb", "html+erb"),
            ("a.kts", "kotlin"),
            ("Vagrantfile", "ruby"),
            ("Jenkinsfile", "groovy"),
            ("a.org", "org"),
            ("a.d.ts", "typescript"),
            ("requirements.txt", "text"),
            ("lib.so.1", "object-code"),
            ("ls.1", "roff"),
            ("tsconfig.json", "json"),
        ] {
            assert_eq!(name(file), Some(language), "{file}");
        }
        for row in super::LINGUIST.lines().filter(|row| !row.starts_with('#')) {
            let endings = row.split('|').nth(3).unwrap_or("");
            for ending in endings.split_whitespace() {
                let file = format!("x.{}", ending.trim_end_matches('?'));
                assert!(name(&file).is_some(), "{file}");
            }
        }
    }

    #[test]
    fn programs_and_aliases_name_languages() {
        let program = |name| Language::of_program(name).map(Language::name);
        let alias = |name| Language::of_alias(name).map(Language::name);
        assert_eq!(program("python3.12"), Some("python"));
        assert_eq!(program("bash"), Some("shell"));
        assert_eq!(program("node"), Some("javascript"));
        assert_eq!(program("nothing"), None);
        assert_eq!(alias("C++"), Some("cpp"));
        assert_eq!(alias("sh"), Some("shell"));
        assert_eq!(alias("dosini"), Some("ini"));
        assert_eq!(alias("nothing"), None);
        let clojure = Language::named("clojure").expect("a language");
        assert_eq!(clojure.display(), Some("Clojure"));
        assert!(clojure.is_programming() && clojure.is_rare());
    }
}
