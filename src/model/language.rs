//! The languages that Epitome can name.
//!
//! A name does not imply an outline: `shell/parse` lists the languages with a grammar.

use std::fmt;

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
        let name = String::from_utf8_lossy(name).to_lowercase();
        let ending = name.rsplit_once('.').map(|(_, ending)| ending);
        let by_name = LANGUAGES
            .iter()
            .find(|(_, _, names)| names.contains(&name.as_str()));
        let by_ending = || {
            let ending = ending?;
            LANGUAGES
                .iter()
                .find(|(_, endings, _)| endings.contains(&ending))
        };
        by_name
            .or_else(by_ending)
            .map(|(language, ..)| Self(language))
    }

    /// The language of that name in the table.
    pub fn named(name: &str) -> Option<Self> {
        LANGUAGES
            .iter()
            .find(|(language, ..)| *language == name)
            .map(|(language, ..)| Self(language))
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.0
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
    }
}
