//! Python, Rust, JavaScript with its relatives, Go, Java and C.

use crate::shell::parse::repair;
use crate::shell::parse::scan::comment::HASH;
use crate::shell::parse::table::{
    BRACES, Docs, Formatting, Grammar, Lines, Redundant, STRICT, StringKinds,
};

pub(super) static PYTHON: Grammar = Grammar {
    name: "python",
    language: || tree_sitter_python::LANGUAGE.into(),
    query: &[include_str!("../../queries/python.scm")],
    docs: Docs::FirstString(StringKinds {
        statement: "expression_statement",
        parentheses: "parenthesized_expression",
        literal: "string",
        concatenation: "concatenated_string",
        not_text: &['b', 'B', 'f', 'F', 't', 'T'],
    }),
    members: &[("function", &["class"], "method")],
    head_ends: &[':'],
    comment_marks: &HASH,
    verbatim: &["string"],
    layout: &["line_continuation"],
    lines: Lines::Indentation,
    formatting: &Formatting {
        trailing_commas: &[
            "argument_list",
            "parameters",
            "list",
            "set",
            "dictionary",
            "tuple",
            "import_from_statement",
        ],
        optional: &[(&["import_from_statement"], &["(", ")"])],
        redundant: &[Redundant {
            node: "parenthesized_expression",
            inside: &[],
            around: &[],
            except: &[],
        }],
        empty: &[("argument_list", "class_definition")],
        quotes: &["string"],
        plain_quotes: &[],
        quoted_keys: false,
        comment_space: true,
    },
    ..BRACES
};

pub(super) static RUST: Grammar = Grammar {
    name: "rust",
    language: || tree_sitter_rust::LANGUAGE.into(),
    query: &[include_str!("../../queries/rust.scm")],
    separator: "::",
    docs: Docs::Comments {
        lines: &["///", "//!"],
        blocks: &[("/**", "*/"), ("/*!", "*/")],
        blocks_join: true,
    },
    members: &[("function", &["impl", "trait"], "method")],
    head_ends: &['=', ';', ',', '{', '(', '['],
    import_self: Some("self"),
    comments: &["line_comment", "block_comment"],
    verbatim: &["string_literal", "raw_string_literal", "char_literal"],
    lines: Lines::Free,
    formatting: &Formatting {
        trailing_commas: &[
            "arguments",
            "array_expression",
            "closure_parameters",
            "enum_variant_list",
            "field_declaration_list",
            "field_initializer_list",
            "ordered_field_declaration_list",
            "parameters",
            "slice_pattern",
            "struct_pattern",
            "token_tree",
            "tuple_expression",
            "tuple_pattern",
            "tuple_struct_pattern",
            "tuple_type",
            "type_arguments",
            "type_parameters",
            "use_list",
        ],
        optional: &[(&["match_arm"], &[","])],
        redundant: &[
            Redundant {
                node: "block",
                inside: &["match_arm", "closure_expression"],
                around: &[],
                except: &[
                    "expression_statement",
                    "let_declaration",
                    "empty_statement",
                    "line_comment",
                    "block_comment",
                    "label",
                ],
            },
            Redundant {
                node: "expression_statement",
                inside: &[],
                around: &[
                    "return_expression",
                    "break_expression",
                    "continue_expression",
                ],
                except: &[],
            },
            Redundant {
                node: "parenthesized_expression",
                inside: &["parenthesized_expression"],
                around: &[],
                except: &[],
            },
        ],
        ..STRICT
    },
    repair: Some(repair::rust),
    macros: Some(("macro_invocation", "token_tree")),
    ..BRACES
};

/// Words behind which JavaScript inserts a semicolon at a line's end, or which are names there.
const LINE_WORDS: &[&str] = &[
    "abstract",
    "accessor",
    "async",
    "await",
    "break",
    "continue",
    "declare",
    "get",
    "global",
    "interface",
    "let",
    "module",
    "namespace",
    "override",
    "private",
    "protected",
    "public",
    "readonly",
    "return",
    "set",
    "static",
    "throw",
    "type",
    "using",
    "yield",
];

/// Statements that end with a semicolon or with their line.
const STATEMENTS: &[&str] = &[
    "break_statement",
    "class_body",
    "continue_statement",
    "debugger_statement",
    "do_statement",
    "export_statement",
    "expression_statement",
    "import_statement",
    "lexical_declaration",
    "return_statement",
    "throw_statement",
    "variable_declaration",
];

const COMMA_LISTS: &[&str] = &[
    "arguments",
    "array",
    "array_pattern",
    "export_clause",
    "formal_parameters",
    "named_imports",
    "object",
    "object_pattern",
];

/// Parentheses whose removal leaves the tree's structure as it is. Around a chain with `?.` they end it.
const PARENTHESES: Redundant = Redundant {
    node: "parenthesized_expression",
    inside: &[],
    around: &[],
    except: &[
        "call_expression",
        "member_expression",
        "subscript_expression",
        "string",
    ],
};

/// The condition of a statement always has parentheses; a value has them if its formatter breaks it into lines.
const VALUES: Redundant = Redundant {
    node: "parenthesized_expression",
    inside: &[
        "arguments",
        "arrow_function",
        "assignment_expression",
        "binary_expression",
        "return_statement",
        "ternary_expression",
        "variable_declarator",
    ],
    around: &[],
    except: &[],
};

pub(super) static JAVASCRIPT: Grammar = Grammar {
    name: "javascript",
    language: || tree_sitter_javascript::LANGUAGE.into(),
    query: &[
        include_str!("../../queries/javascript.scm"),
        include_str!("../../queries/fields.scm"),
    ],
    comments: &["comment", "html_comment", "hash_bang_line"],
    verbatim: &["string", "template_string", "regex"],
    flowing: &["jsx_text"],
    line_words: LINE_WORDS,
    decorators: &["decorator"],
    formatting: &Formatting {
        trailing_commas: COMMA_LISTS,
        optional: &[(STATEMENTS, &[";"])],
        redundant: &[
            PARENTHESES,
            VALUES,
            Redundant {
                node: "formal_parameters",
                inside: &["arrow_function"],
                around: &["identifier"],
                except: &[],
            },
        ],
        quotes: &["string"],
        quoted_keys: true,
        ..STRICT
    },
    repair: Some(repair::javascript),
    fallbacks: &["flow"],
    ..BRACES
};

const TYPESCRIPT_FORMATTING: &Formatting = &Formatting {
    trailing_commas: &[
        "arguments",
        "array",
        "array_pattern",
        "enum_body",
        "export_clause",
        "formal_parameters",
        "named_imports",
        "object",
        "object_pattern",
        "tuple_type",
        "type_arguments",
        "type_parameters",
    ],
    optional: &[
        (STATEMENTS, &[";"]),
        (
            &[
                "abstract_class_declaration",
                "ambient_declaration",
                "function_signature",
                "import_alias",
                "type_alias_declaration",
            ],
            &[";"],
        ),
        (&["interface_body", "object_type"], &[";", ","]),
    ],
    redundant: &[
        PARENTHESES,
        VALUES,
        Redundant {
            node: "formal_parameters",
            inside: &["arrow_function"],
            around: &["identifier", "required_parameter"],
            except: &[],
        },
        Redundant {
            node: "required_parameter",
            inside: &["formal_parameters"],
            around: &["identifier"],
            except: &[],
        },
    ],
    quotes: &["string"],
    quoted_keys: true,
    ..STRICT
};

/// TypeScript under another name, for the scripts of a component.
pub(super) const COMPONENT: Grammar = Grammar {
    name: "",
    language: || tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
    query: &[
        include_str!("../../queries/javascript.scm"),
        include_str!("../../queries/typescript.scm"),
    ],
    comments: &["comment", "html_comment", "hash_bang_line"],
    verbatim: &[
        "string",
        "template_string",
        "regex",
        "template_literal_type",
    ],
    line_words: LINE_WORDS,
    decorators: &["decorator"],
    formatting: TYPESCRIPT_FORMATTING,
    repair: Some(repair::typescript),
    ..BRACES
};

pub(super) static TYPESCRIPT: Grammar = Grammar {
    name: "typescript",
    ..COMPONENT
};

pub(super) static TSX: Grammar = Grammar {
    name: "tsx",
    language: || tree_sitter_typescript::LANGUAGE_TSX.into(),
    query: COMPONENT.query,
    comments: COMPONENT.comments,
    verbatim: COMPONENT.verbatim,
    flowing: &["jsx_text"],
    line_words: LINE_WORDS,
    decorators: &["decorator"],
    formatting: TYPESCRIPT_FORMATTING,
    repair: Some(repair::typescript),
    ..BRACES
};

/// JavaScript with type annotations, which the grammar of TSX reads in large part.
pub(super) static FLOW: Grammar = Grammar {
    name: "flow",
    language: || tree_sitter_typescript::LANGUAGE_TSX.into(),
    query: COMPONENT.query,
    comments: COMPONENT.comments,
    verbatim: COMPONENT.verbatim,
    flowing: &["jsx_text"],
    line_words: LINE_WORDS,
    decorators: &["decorator"],
    formatting: TYPESCRIPT_FORMATTING,
    repair: Some(repair::flow),
    ..BRACES
};

pub(super) static GO: Grammar = Grammar {
    name: "go",
    language: || tree_sitter_go::LANGUAGE.into(),
    query: &[include_str!("../../queries/go.scm")],
    verbatim: &[
        "interpreted_string_literal",
        "raw_string_literal",
        "rune_literal",
    ],
    formatting: &Formatting {
        trailing_commas: &["argument_list", "parameter_list", "literal_value"],
        redundant: &[Redundant {
            node: "parenthesized_expression",
            inside: &[
                "if_statement",
                "for_statement",
                "expression_switch_statement",
            ],
            around: &[],
            except: &[],
        }],
        ..STRICT
    },
    ..BRACES
};

pub(super) static JAVA: Grammar = Grammar {
    name: "java",
    language: || tree_sitter_java::LANGUAGE.into(),
    query: &[include_str!("../../queries/java.scm")],
    comments: &["line_comment", "block_comment"],
    verbatim: &["string_literal", "character_literal"],
    decorators: &["annotation", "marker_annotation"],
    lines: Lines::Free,
    repair: Some(repair::java),
    ..BRACES
};

/// Words of C that errors turn into names.
pub(super) const C_WORDS: &[&str] = &[
    "case", "char", "const", "do", "double", "else", "extern", "float", "for", "goto", "if", "int",
    "long", "return", "short", "signed", "sizeof", "static", "struct", "switch", "typedef",
    "union", "unsigned", "void", "volatile", "while", "defined",
];

pub(super) static C: Grammar = Grammar {
    name: "c",
    language: || tree_sitter_c::LANGUAGE.into(),
    query: &[
        include_str!("../../queries/c.scm"),
        include_str!("../../queries/typedefs.scm"),
    ],
    verbatim: &[
        "string_literal",
        "char_literal",
        "system_lib_string",
        "preproc_arg",
    ],
    lines: Lines::Free,
    extract: Some(repair::attributes),
    repair: Some(repair::c),
    heads: Some(repair::c_heads),
    keywords: C_WORDS,
    // Many headers of C++ end in `.h`.
    dialect: Some(repair::dialect),
    fallbacks: &["cpp"],
    ..BRACES
};
