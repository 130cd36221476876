//! Languages beyond the first seven.

use crate::shell::parse::repair;
use crate::shell::parse::scan::comment::{DASHES, HASH};
use crate::shell::parse::table::{BRACES, Docs, Formatting, Grammar, Lines, STRICT};

/// Documentation in comments that begin with `#`.
const HASHED: Docs = Docs::Comments {
    lines: &["##", "#"],
    blocks: &[
        ("=begin", "=end"),
        ("<#", "#>"),
        ("/**", "*/"),
        ("/*", "*/"),
    ],
    blocks_join: false,
};

/// Types whose functions are methods.
const TYPES: &[&str] = &[
    "class",
    "enum",
    "extension",
    "instance",
    "interface",
    "mixin",
    "object",
    "protocol",
    "struct",
    "trait",
    "union",
];

pub(super) static CPP: Grammar = Grammar {
    name: "cpp",
    language: || tree_sitter_cpp::LANGUAGE.into(),
    query: &[
        include_str!("../../queries/cpp.scm"),
        include_str!("../../queries/typedefs.scm"),
    ],
    members: &[("function", TYPES, "method")],
    head_ends: &['=', ';', ',', '{', ':'],
    verbatim: &[
        "string_literal",
        "raw_string_literal",
        "char_literal",
        "system_lib_string",
        "preproc_arg",
    ],
    lines: Lines::Free,
    extract: Some(repair::attributes),
    repair: Some(repair::cpp),
    heads: Some(repair::cpp_heads),
    keywords: super::first::C_WORDS,
    ..BRACES
};

pub(super) static CSHARP: Grammar = Grammar {
    name: "csharp",
    language: || tree_sitter_c_sharp::LANGUAGE.into(),
    query: &[include_str!("../../queries/csharp.scm")],
    verbatim: &[
        "string_literal",
        "verbatim_string_literal",
        "raw_string_literal",
        "interpolated_string_expression",
        "character_literal",
    ],
    decorators: &["attribute_list"],
    lines: Lines::Free,
    ..BRACES
};

pub(super) static RUBY: Grammar = Grammar {
    name: "ruby",
    language: || tree_sitter_ruby::LANGUAGE.into(),
    query: &[include_str!("../../queries/ruby.scm")],
    docs: HASHED,
    comment_marks: &HASH,
    verbatim: &[
        "string",
        "heredoc_body",
        "regex",
        "subshell",
        "string_array",
        "symbol_array",
    ],
    line_words: &["break", "next", "redo", "retry", "return", "yield"],
    formatting: &Formatting {
        plain_quotes: &["string"],
        ..STRICT
    },
    ..BRACES
};

pub(super) static PHP: Grammar = Grammar {
    name: "php",
    language: || tree_sitter_php::LANGUAGE_PHP.into(),
    query: &[include_str!("../../queries/php.scm")],
    comments: &["comment", "php_tag"],
    verbatim: &[
        "string",
        "encapsed_string",
        "heredoc",
        "nowdoc",
        "text_interpolation",
        "text",
    ],
    decorators: &["attribute_list"],
    lines: Lines::Free,
    ..BRACES
};

pub(super) static SHELL: Grammar = Grammar {
    name: "shell",
    language: || tree_sitter_bash::LANGUAGE.into(),
    query: &[include_str!("../../queries/shell.scm")],
    docs: HASHED,
    comment_marks: &HASH,
    head_ends: &['{', '('],
    verbatim: &[
        "string",
        "raw_string",
        "ansi_c_string",
        "heredoc_body",
        "regex",
    ],
    ..BRACES
};

/// The scripts of a component. The tags of its template are added by name.
pub(super) static VUE: Grammar = Grammar {
    name: "vue",
    extract: Some(repair::component),
    components: true,
    ..super::first::COMPONENT
};

pub(super) static SVELTE: Grammar = Grammar {
    name: "svelte",
    extract: Some(repair::component),
    components: true,
    ..super::first::COMPONENT
};

#[cfg(feature = "kotlin")]
pub(super) static KOTLIN: Grammar = Grammar {
    name: "kotlin",
    language: || tree_sitter_kotlin_ng::LANGUAGE.into(),
    query: &[include_str!("../../queries/kotlin.scm")],
    members: &[("function", TYPES, "method")],
    comments: &["line_comment", "block_comment"],
    verbatim: &[
        "string_literal",
        "multiline_string_literal",
        "character_literal",
    ],
    decorators: &["annotation"],
    line_words: &["break", "continue", "return", "throw"],
    ..BRACES
};

#[cfg(feature = "swift")]
pub(super) static SWIFT: Grammar = Grammar {
    name: "swift",
    language: || tree_sitter_swift::LANGUAGE.into(),
    query: &[include_str!("../../queries/swift.scm")],
    members: &[("function", TYPES, "method")],
    comments: &["comment", "multiline_comment"],
    verbatim: &[
        "line_string_literal",
        "multi_line_string_literal",
        "raw_string_literal",
        "regex_literal",
    ],
    line_words: &["break", "continue", "return"],
    ..BRACES
};

#[cfg(feature = "scala")]
pub(super) static SCALA: Grammar = Grammar {
    name: "scala",
    language: || tree_sitter_scala::LANGUAGE.into(),
    query: &[include_str!("../../queries/scala.scm")],
    members: &[("function", TYPES, "method")],
    head_ends: &['=', ';', ',', '{', ':'],
    comments: &["comment", "block_comment"],
    verbatim: &["string", "interpolated_string", "character_literal"],
    decorators: &["annotation"],
    lines: Lines::Indentation,
    ..BRACES
};

#[cfg(feature = "dart")]
pub(super) static DART: Grammar = Grammar {
    name: "dart",
    language: || tree_sitter_dart::LANGUAGE.into(),
    query: &[include_str!("../../queries/dart.scm")],
    head_ends: &['=', ';', ',', '{', '>'],
    comments: &["comment", "documentation_comment"],
    verbatim: &["string_literal"],
    decorators: &["annotation"],
    lines: Lines::Free,
    ..BRACES
};

#[cfg(feature = "lua")]
pub(super) static LUA: Grammar = Grammar {
    name: "lua",
    language: || tree_sitter_lua::LANGUAGE.into(),
    query: &[include_str!("../../queries/lua.scm")],
    docs: Docs::Comments {
        lines: &["---", "--"],
        blocks: &[("--[[", "]]"), ("--[==[", "]==]")],
        blocks_join: true,
    },
    head_ends: &['='],
    comment_marks: &DASHES,
    verbatim: &["string"],
    lines: Lines::Free,
    ..BRACES
};

#[cfg(feature = "elixir")]
pub(super) static ELIXIR: Grammar = Grammar {
    name: "elixir",
    language: || tree_sitter_elixir::LANGUAGE.into(),
    query: &[include_str!("../../queries/elixir.scm")],
    docs: Docs::Comments {
        lines: &["#"],
        blocks: &[
            ("@doc \"\"\"", "\"\"\""),
            ("@moduledoc \"\"\"", "\"\"\""),
            ("@typedoc \"\"\"", "\"\"\""),
            ("@doc ~S\"\"\"", "\"\"\""),
            ("@doc \"", "\""),
            ("@moduledoc \"", "\""),
            ("@typedoc \"", "\""),
        ],
        blocks_join: false,
    },
    members: &[],
    head_ends: &[','],
    comment_marks: &HASH,
    verbatim: &["string", "charlist", "sigil"],
    clauses: true,
    ..BRACES
};

#[cfg(feature = "protobuf")]
pub(super) static PROTOBUF: Grammar = Grammar {
    name: "protobuf",
    language: || tree_sitter_proto::LANGUAGE.into(),
    query: &[include_str!("../../queries/protobuf.scm")],
    verbatim: &["string"],
    lines: Lines::Free,
    ..BRACES
};

#[cfg(feature = "graphql")]
pub(super) static GRAPHQL: Grammar = Grammar {
    name: "graphql",
    language: || tree_sitter_graphql::LANGUAGE.into(),
    query: &[include_str!("../../queries/graphql.scm")],
    docs: Docs::Comments {
        lines: &["#"],
        blocks: &[("\"\"\"", "\"\"\""), ("\"", "\"")],
        blocks_join: false,
    },
    comment_marks: &HASH,
    verbatim: &["string_value"],
    lines: Lines::Free,
    leading_docs: &["description"],
    ..BRACES
};

#[cfg(feature = "terraform")]
pub(super) static TERRAFORM: Grammar = Grammar {
    name: "terraform",
    language: || tree_sitter_hcl::LANGUAGE.into(),
    query: &[include_str!("../../queries/terraform.scm")],
    docs: HASHED,
    comment_marks: &HASH,
    verbatim: &["quoted_template", "string_lit", "heredoc_template"],
    ..BRACES
};

#[cfg(feature = "css")]
const STYLES: &Formatting = &Formatting {
    optional: &[(&["declaration"], &[";"])],
    quotes: &["string_value"],
    ..STRICT
};

#[cfg(feature = "css")]
pub(super) static CSS: Grammar = Grammar {
    name: "css",
    language: || tree_sitter_css::LANGUAGE.into(),
    query: &[include_str!("../../queries/css.scm")],
    verbatim: &["string_value"],
    lines: Lines::Free,
    formatting: STYLES,
    ..BRACES
};

#[cfg(feature = "css")]
pub(super) static SCSS: Grammar = Grammar {
    name: "scss",
    language: tree_sitter_scss::language,
    query: &[include_str!("../../queries/scss.scm")],
    comments: &["comment", "js_comment"],
    verbatim: &["string_value"],
    formatting: STYLES,
    ..BRACES
};

#[cfg(feature = "zig")]
pub(super) static ZIG: Grammar = Grammar {
    name: "zig",
    language: || tree_sitter_zig::LANGUAGE.into(),
    query: &[include_str!("../../queries/zig.scm")],
    members: &[("function", TYPES, "method")],
    verbatim: &["string", "multiline_string", "character"],
    lines: Lines::Free,
    ..BRACES
};

#[cfg(feature = "haskell")]
pub(super) static HASKELL: Grammar = Grammar {
    name: "haskell",
    language: || tree_sitter_haskell::LANGUAGE.into(),
    query: &[include_str!("../../queries/haskell.scm")],
    docs: Docs::Comments {
        lines: &["-- |", "-- ^", "-- *", "--"],
        blocks: &[("{-|", "-}"), ("{- |", "-}"), ("{-", "-}")],
        blocks_join: true,
    },
    members: &[("function", TYPES, "method")],
    head_ends: &['='],
    comment_marks: &DASHES,
    comments: &["comment", "haddock"],
    verbatim: &["string", "char"],
    lines: Lines::Indentation,
    clauses: true,
    ..BRACES
};

#[cfg(feature = "powershell")]
pub(super) static POWERSHELL: Grammar = Grammar {
    name: "powershell",
    language: || tree_sitter_powershell::LANGUAGE.into(),
    query: &[include_str!("../../queries/powershell.scm")],
    docs: HASHED,
    comment_marks: &HASH,
    verbatim: &["string_literal"],
    ..BRACES
};
