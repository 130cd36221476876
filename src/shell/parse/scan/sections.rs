//! Elements of prose, data and configuration: headings, keys, targets, stages, statements, each with its lines.

mod data;
mod prose;

use crate::model::outline::Element;

/// At most this many elements of a file are listed.
const MAX_ELEMENTS: usize = 2_000;

/// Larger files, in bytes, are data: their keys are no place to navigate to.
const MAX_BYTES: usize = 2 << 20;

/// One section: it ends where the next one of its level or a higher one begins.
#[derive(Debug, Default)]
struct Section {
    kind: &'static str,
    name: String,
    signature: String,
    docstring: Option<String>,
    /// Counted from 0.
    line: usize,
    /// 1 at the top.
    level: usize,
    /// The last line, if it is known.
    end: Option<usize>,
}

/// How the sections of a language are found.
type Find = fn(&[&str]) -> Vec<Section>;

/// Language and how its sections are found; whether a qualified name holds the names of the sections around it.
const LANGUAGES: &[(&str, Find, bool)] = &[
    ("markdown", prose::markdown, false),
    ("restructuredtext", prose::restructured_text, false),
    ("notebook", data::notebook, false),
    ("make", data::make, false),
    ("dockerfile", data::dockerfile, false),
    ("toml", data::toml, true),
    ("ini", data::ini, true),
    ("yaml", data::yaml, true),
    ("json", data::json, true),
    ("sql", data::sql, false),
];

/// The elements of a text in a language without a grammar.
pub(super) fn elements(language: &str, text: &str) -> Vec<Element> {
    let Some((_, find, nested)) = LANGUAGES.iter().find(|(name, ..)| *name == language) else {
        return Vec::new();
    };
    if text.len() > MAX_BYTES {
        return Vec::new();
    }
    let lines: Vec<&str> = text.lines().collect();
    let mut sections = find(&lines);
    sections.retain(|section| !section.name.is_empty());
    sections.truncate(MAX_ELEMENTS);
    let mut around: Vec<(usize, String)> = Vec::new();
    let mut found = Vec::with_capacity(sections.len());
    for (number, section) in sections.iter().enumerate() {
        while around
            .last()
            .is_some_and(|(level, _)| *level >= section.level)
        {
            around.pop();
        }
        let qualified_name = match around.last().filter(|_| *nested) {
            Some((_, outer)) => format!("{outer}.{}", section.name),
            None => section.name.clone(),
        };
        let end = section.end.unwrap_or_else(|| {
            let next = sections[number + 1..]
                .iter()
                .find(|next| next.level <= section.level);
            let end = next.map_or(lines.len(), |next| next.line);
            let last = lines[section.line..end]
                .iter()
                .rposition(|line| !line.trim().is_empty());
            section.line + last.unwrap_or(0)
        });
        around.push((section.level, qualified_name.clone()));
        found.push(Element {
            kind: section.kind.to_owned(),
            name: super::cut(&section.name, super::MAX_HEADING),
            qualified_name: super::cut(&qualified_name, 2 * super::MAX_HEADING),
            signature: super::cut(&section.signature, super::MAX_HEADING),
            decorators: Vec::new(),
            line_start: number_of(section.line),
            line_end: number_of(end.max(section.line)),
            docstring: section.docstring.clone(),
        });
    }
    found
}

fn number_of(line: usize) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX).saturating_add(1)
}

/// The comment lines directly above a line, without their marks.
fn comment_above(lines: &[&str], line: usize, mark: &str) -> Option<String> {
    let above = lines[..line].iter().rev();
    let mut comment: Vec<&str> = above
        .take(20)
        .map_while(|line| line.trim().strip_prefix(mark))
        .map(str::trim)
        .collect();
    comment.reverse();
    let text = comment.join("\n").trim().to_owned();
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::elements;

    #[test]
    fn sections_have_names_and_lines() {
        for (language, text, want) in [
            (
                "markdown",
                "---\ntitle: a\n---\n# One\n\ntext\n\n## Two\n```\n# no\n```\n\nThree\n=====\nx\n",
                "heading One 4-11|heading Two 8-11|heading Three 13-15",
            ),
            (
                "restructuredtext",
                "====\nOne\n====\n\nTwo\n---\ntext\n\nThree\n-----\n",
                "heading One 2-10|heading Two 5-7|heading Three 9-10",
            ),
            (
                "make",
                ".PHONY: all\nX := 1\n# Builds.\nall: a b\n\tcc\n\nclean:\n\trm\n%.o: %.c\n\tcc\n",
                "target all 4-5|target clean 7-8|target %.o 9-10",
            ),
            (
                "dockerfile",
                "FROM a:1 AS build\nRUN x\n\nFROM b\nCOPY --from=build a b\n",
                "stage build 1-2|stage b 4-5",
            ),
            (
                "toml",
                "a = 1\n[package]\nname = \"x\"\n\n[[bin]]\nb = 1\n",
                "key a 1-1|table package 2-3|table bin 5-6",
            ),
            (
                "yaml",
                "name: CI\non: push\njobs:\n  build:\n    steps:\n      - run: a\n  test:\n    x: 1\n",
                "key name 1-1|key on 2-2|key jobs 3-8|job jobs.build 4-6|job jobs.test 7-8",
            ),
            (
                "yaml",
                "openapi: 3.0.0\npaths:\n  /users:\n    get:\n      x: 1\n    parameters: []\n",
                "key openapi 1-1|key paths 2-6|path paths./users 3-6|operation paths./users.get 4-5",
            ),
            (
                "yaml",
                "services:\n  web:\n    image: a\n",
                "key services 1-3|service services.web 2-3",
            ),
            (
                "json",
                "{\n  \"name\": \"a, b: {\",\n  \"scripts\": {\n    \"build\": \"x\"\n  },\n  \"files\": [{\"no\": 1}]\n}\n",
                "key name 2-2|key scripts 3-5|script scripts.build 4-4|key files 6-6",
            ),
            (
                "json",
                "{\"openapi\": \"3\", \"paths\": {\n\"/a\": {\n\"get\": {}\n}}}",
                "key openapi 1-1|key paths 1-4|path paths./a 2-4|operation paths./a.get 3-3",
            ),
            (
                "notebook",
                "{\"cells\": [\n {\"cell_type\": \"markdown\",\n  \"source\": [\"# Title\\n\", \"text\"]},\n {\"cell_type\": \"code\",\n  \"source\": \"import a\\nb\"}\n]}",
                "cell Title 2-3|cell import a 4-5",
            ),
            (
                "sql",
                "CREATE TABLE IF NOT EXISTS shop.users (\n  id int\n);\ncreate or replace function f() returns int as $$\n select 1;\n$$;\nCREATE VIEW v AS SELECT 1;\n",
                "table shop.users 1-3|function f 4-6|view v 7-7",
            ),
            ("ini", "a=1\n[s]\nb=2\n", "section s 2-3"),
        ] {
            let found: Vec<String> = elements(language, text)
                .iter()
                .map(|element| {
                    let (kind, name) = (&element.kind, &element.qualified_name);
                    format!("{kind} {name} {}-{}", element.line_start, element.line_end)
                })
                .collect();
            assert_eq!(found.join("|"), want, "{language}: {text}");
        }
    }

    #[test]
    fn odd_data_gives_no_panic() {
        for text in [
            "",
            "{",
            "[",
            "\"",
            "{\"a",
            "{\"a\":",
            "\\",
            "{\"cells\":[{",
            "---",
            "```",
            "a:\n\tb:",
        ] {
            for language in [
                "markdown",
                "json",
                "yaml",
                "notebook",
                "toml",
                "sql",
                "make",
                "restructuredtext",
            ] {
                elements(language, text);
            }
        }
    }
}
