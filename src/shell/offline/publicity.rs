//! What a language calls public, and which of a file's imports are worth a word. A row a language; a language that has
//! none here hides what begins with an underscore, and calls modules by their first part.

use crate::model::outline::Element;

/// Who may see a definition, by how its signature begins.
pub(super) struct Publicity {
    languages: &'static [&'static str],
    /// Without one of these, a definition at the top is private.
    marks: &'static [&'static str],
    /// The same for what belongs to another definition.
    member_marks: &'static [&'static str],
    /// With one of these, it is private.
    hidden: &'static [&'static str],
    /// A small first letter is private.
    by_capital: bool,
}

const PUBLICITY: &[Publicity] = &[
    Publicity {
        languages: &["rust"],
        marks: &["pub"],
        member_marks: &["pub"],
        hidden: &[],
        by_capital: false,
    },
    Publicity {
        languages: &["javascript", "typescript", "tsx"],
        marks: &["export", "module.exports", "declare"],
        member_marks: &[],
        hidden: &["private ", "protected ", "#", "static #", "constructor"],
        by_capital: false,
    },
    Publicity {
        languages: &["go"],
        marks: &[],
        member_marks: &[],
        hidden: &[],
        by_capital: true,
    },
    Publicity {
        languages: &["java"],
        marks: &["public", "@interface"],
        member_marks: &[],
        hidden: &["private ", "protected "],
        by_capital: false,
    },
    Publicity {
        languages: &["c"],
        marks: &[],
        member_marks: &[],
        hidden: &["static "],
        by_capital: false,
    },
];

/// How imported modules are named in a sentence.
struct Modules {
    languages: &'static [&'static str],
    /// Between the parts of a name.
    separators: &'static [char],
    /// So many parts name what is imported from elsewhere.
    parts: usize,
    /// One part more where the name begins with this.
    scope: Option<char>,
    /// Names that begin with one of these are the language's own or come from beside the file.
    near: &'static [&'static str],
    /// Names without this in their first part are the language's own.
    foreign: Option<char>,
    /// Taken off a name's ends.
    marks: &'static [&'static str],
}

const MODULES: &[Modules] = &[
    Modules {
        languages: &["javascript", "typescript", "tsx"],
        separators: &['/'],
        parts: 1,
        scope: Some('@'),
        near: &[".", "/", "#", "~", "@/", "node:"],
        foreign: None,
        marks: &[],
    },
    Modules {
        languages: &["go"],
        separators: &['/'],
        parts: 3,
        scope: None,
        near: &["golang.org/x/"],
        foreign: Some('.'),
        marks: &[],
    },
    Modules {
        languages: &["java"],
        separators: &['.'],
        parts: 3,
        scope: None,
        near: &["java.", "javax."],
        foreign: None,
        marks: &[],
    },
    Modules {
        languages: &["c"],
        separators: &['/', '.'],
        parts: 1,
        scope: None,
        near: &["<sys/", "<std", "<net/", "<arpa/", "<netinet/", "<linux/"],
        foreign: Some('<'),
        marks: &["<", ">"],
    },
];

const PLAIN: Modules = Modules {
    languages: &[],
    separators: &['.', ':'],
    parts: 1,
    scope: None,
    near: &[],
    foreign: None,
    marks: &[],
};

/// What the language calls public, where it says so in the text.
pub(super) fn publicity(language: &str) -> Option<&'static Publicity> {
    let row = PUBLICITY.iter();
    row.into_iter()
        .find(|row| row.languages.contains(&language))
}

impl Publicity {
    /// Whether the definition is public. `member`: it belongs to another definition.
    pub fn shows(&self, element: &Element, member: bool) -> bool {
        let begins = |marks: &[&str]| marks.iter().any(|mark| element.signature.starts_with(mark));
        let marks = if member {
            self.member_marks
        } else {
            self.marks
        };
        (marks.is_empty() || begins(marks))
            && !begins(self.hidden)
            && (!self.by_capital || element.name.starts_with(char::is_uppercase))
    }
}

/// What an imported name is called in a sentence; `None` where it comes from beside the file or with the language.
pub(super) fn module<'a>(language: &str, import: &'a str) -> Option<&'a str> {
    let rows = MODULES.iter();
    let row = rows
        .into_iter()
        .find(|row| row.languages.contains(&language))
        .unwrap_or(&PLAIN);
    if row.near.iter().any(|near| import.starts_with(near)) {
        return None;
    }
    let parts = row.parts + usize::from(row.scope.is_some_and(|scope| import.starts_with(scope)));
    let first_end = import.find(row.separators).unwrap_or(import.len());
    if row
        .foreign
        .is_some_and(|mark| !import[..first_end].contains(mark))
    {
        return None;
    }
    let ends = import.match_indices(row.separators).map(|(at, _)| at);
    let end = ends
        .chain([import.len()])
        .nth(parts - 1)
        .unwrap_or(import.len());
    let mut name = &import[..end];
    for mark in row.marks {
        name = name.trim_start_matches(mark).trim_end_matches(mark);
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_called_as_people_call_them() {
        for (language, import, called) in [
            ("python", "requests.api", Some("requests")),
            ("rust", "serde::de", Some("serde")),
            ("javascript", "react", Some("react")),
            ("javascript", "lodash/fp", Some("lodash")),
            ("typescript", "@nestjs/common/x", Some("@nestjs/common")),
            ("tsx", "./a", None),
            ("javascript", "node:fs", None),
            ("go", "fmt", None),
            ("go", "net/http", None),
            ("go", "github.com/a/b/v2/c", Some("github.com/a/b")),
            ("go", "gopkg.in/yaml.v3", Some("gopkg.in/yaml.v3")),
            ("java", "java.util.List", None),
            (
                "java",
                "org.junit.jupiter.api.Test",
                Some("org.junit.jupiter"),
            ),
            ("c", "<curl/curl.h>", Some("curl")),
            ("c", "own.h", None),
            ("c", "<stdio.h>", None),
        ] {
            assert_eq!(module(language, import), called, "{language} {import}");
        }
    }
}
