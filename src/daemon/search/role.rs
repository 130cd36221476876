//! The role of a file in its project: source, or something that ranks below source unless the query names it.
//!
//! A role comes from exact name forms, from the language and from the definitions in the file. A folder called `test`
//! proves nothing unless it stands at the top: `django/test/` is source, and so is `contrib/`.

use crate::model::outline::Element;

/// The role of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Source code, and folders.
    Source,
    /// Tests, their helpers, fixtures and snapshots.
    Test,
    /// Prose.
    Documentation,
    /// Data and settings.
    Data,
    /// Examples, samples and demonstrations.
    Example,
    /// Copies of other projects.
    Vendored,
}

/// What a match in a file of any role but source counts.
const DEMOTED: f64 = 0.5;
/// The same where the query speaks of the role.
const ASKED: f64 = 1.25;

/// Roles with the stems in a query that name them.
const ASKED_BY: [(Role, &[&str]); 5] = [
    (
        Role::Test,
        &[
            "test", "spec", "fixtur", "mock", "snapshot", "pytest", "testcas", "unittest", "e2e",
        ],
    ),
    (
        Role::Documentation,
        &[
            "doc",
            "docs",
            "document",
            "readm",
            "changelog",
            "guid",
            "tutori",
            "licens",
            "licenc",
            "contribut",
            "manual",
            "releas",
            "news",
        ],
    ),
    (
        Role::Data,
        &[
            "data", "json", "yaml", "toml", "csv", "xml", "config", "configur", "workflow", "ci",
            "depend", "manifest", "lock", "translat", "schema", "dataset",
        ],
    ),
    (Role::Example, &["exampl", "sampl", "demo", "playground"]),
    (Role::Vendored, &["vendor", "vendored"]),
];

const PROSE: [&str; 6] = [
    "markdown",
    "restructuredtext",
    "text",
    "tex",
    "notebook",
    "pdf",
];

const DATA: [&str; 21] = [
    "json",
    "yaml",
    "toml",
    "ini",
    "xml",
    "csv",
    "gettext",
    "gettext-binary",
    "diff",
    "ignore-list",
    "git-attributes",
    "image",
    "font",
    "audio",
    "video",
    "archive",
    "object-code",
    "database",
    "go-module",
    "svg",
    "lock",
];

const TEST_FOLDERS: [&str; 10] = [
    "tests",
    "__tests__",
    "testdata",
    "test-data",
    "test_data",
    "__mocks__",
    "__snapshots__",
    "fixtures",
    "e2e",
    "testing_data",
];
const TEST_FOLDERS_AT_TOP: [&str; 3] = ["test", "spec", "specs"];
const EXAMPLE_FOLDERS: [&str; 10] = [
    "examples",
    "example",
    "samples",
    "sample",
    "demos",
    "demo",
    "playground",
    "playgrounds",
    "tutorials",
    "docs_src",
];
const DOCUMENTATION_FOLDERS_AT_TOP: [&str; 4] = ["docs", "doc", "documentation", "website"];
const VENDORED_FOLDERS: [&str; 5] = [
    "vendor",
    "vendored",
    "_vendor",
    "third_party",
    "node_modules",
];

/// Words in a file's stem, set off by `_`, `-` or `.`, by which test runners find tests.
const TEST_WORDS: [&str; 4] = ["test", "tests", "spec", "conftest"];
/// Ends of a class file's stem by which they do.
const TEST_ENDS: [&str; 5] = ["Test", "Tests", "TestCase", "Spec", "IT"];

impl Role {
    /// The role of the file at this path.
    pub fn of(path: &str, language: Option<&str>, elements: &[Element]) -> Self {
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
        let language = language.unwrap_or("");
        let folders = folders.split('/').filter(|name| !name.is_empty());
        let top = folders.clone().next().unwrap_or("");
        let inside = |names: &[&str]| folders.clone().any(|folder| names.contains(&folder));
        if inside(&VENDORED_FOLDERS) {
            return Self::Vendored;
        }
        if inside(&TEST_FOLDERS) || TEST_FOLDERS_AT_TOP.contains(&top) || is_maven_test(path) {
            return Self::Test;
        }
        if inside(&EXAMPLE_FOLDERS) {
            return Self::Example;
        }
        if PROSE.contains(&language) || DOCUMENTATION_FOLDERS_AT_TOP.contains(&top) {
            return Self::Documentation;
        }
        if language.is_empty() || DATA.contains(&language) {
            return Self::Data;
        }
        if is_test_name(name) || is_mostly_tests(language, elements) {
            return Self::Test;
        }
        Self::Source
    }

    /// What a match in a file of this role counts, given the stems of the query.
    pub fn factor(self, stems: &[&str]) -> f64 {
        let asked = |(role, words): &(Role, &[&str])| {
            *role == self && stems.iter().any(|stem| words.contains(stem))
        };
        match self {
            Self::Source => 1.0,
            _ if ASKED_BY.iter().any(asked) => ASKED,
            _ => DEMOTED,
        }
    }
}

fn is_maven_test(path: &str) -> bool {
    path.contains("src/test/") || path.contains("src/androidTest/")
}

fn is_test_name(name: &str) -> bool {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let mut words = stem.split(['.', '_', '-']);
    let first = words.next().unwrap_or("");
    let last = words.next_back().unwrap_or(first);
    let set_off = stem.contains(['.', '_', '-']);
    let whole = matches!(stem, "test" | "tests" | "conftest");
    whole
        || set_off && (TEST_WORDS.contains(&first) || TEST_WORDS.contains(&last))
        || TEST_ENDS.iter().any(|end| {
            stem.strip_suffix(end)
                .is_some_and(|rest| rest.ends_with(|c: char| c.is_ascii_lowercase()))
        })
}

/// Whether most functions are tests. Rust keeps tests beside the code they test, so there only names count.
fn is_mostly_tests(language: &str, elements: &[Element]) -> bool {
    if language == "rust" {
        return false;
    }
    let mut tests = 0;
    let mut others = 0;
    for element in elements {
        let is_test = element.name.starts_with("test_")
            || element
                .decorators
                .iter()
                .any(|text| text.starts_with("@Test") || text.starts_with("@ParameterizedTest"));
        match element.kind.as_str() {
            "function" | "method" if is_test => tests += 1,
            "function" | "method" => others += 1,
            _ => {}
        }
    }
    tests > others
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::language::Language;

    #[test]
    fn roles_follow_exact_forms() {
        for (path, role) in [
            ("django/test/client.py", Role::Source),
            ("django/contrib/auth/models.py", Role::Source),
            ("src/testing.rs", Role::Source),
            ("src/latest.rs", Role::Source),
            ("src/attest_key.go", Role::Source),
            ("tests/model_forms/models.py", Role::Test),
            ("test/helper.js", Role::Test),
            ("pkg/server_test.go", Role::Test),
            ("src/a.test.ts", Role::Test),
            ("src/a.spec.tsx", Role::Test),
            ("app/tests.py", Role::Test),
            ("a/src/test/java/Base.java", Role::Test),
            ("a/ClientTest.java", Role::Test),
            ("a/LATEST.java", Role::Source),
            ("README.md", Role::Documentation),
            ("docs/conf.py", Role::Documentation),
            ("src/docs/render.ts", Role::Source),
            ("package.json", Role::Data),
            ("examples/a/main.rs", Role::Example),
            ("vendor/a/b.go", Role::Vendored),
        ] {
            let language = Language::of_file(path.rsplit('/').next().unwrap_or("").as_bytes());
            let language = language.map(Language::name);
            assert_eq!(Role::of(path, language, &[]), role, "{path}");
        }
    }

    #[test]
    fn a_query_that_speaks_of_a_role_gets_it_in_full() {
        assert!(Role::Test.factor(&["client"]) < 1.0);
        assert!(Role::Test.factor(&["client", "test"]) > 1.0);
        assert_eq!(Role::Source.factor(&[]), 1.0);
    }
}
