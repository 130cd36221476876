//! Files of tests: what they test, by the names of the tests.

use crate::model::outline::{Element, Outline};

use super::bare::marked;
use super::words::{count, list};

/// Decorators and attributes that mark a test, by their beginnings.
const MARKS: [&str; 13] = [
    "@Test",
    "@ParameterizedTest",
    "@RepeatedTest",
    "#[test",
    "#[tokio::test",
    "#[rstest",
    "#[cfg(test)]",
    "#[should_panic",
    "[Fact",
    "[Theory",
    "[Test",
    "[DataTestMethod",
    "[SkippableFact",
];

fn is_mark(decorator: &str) -> bool {
    // A runtime's own attribute: `#[actix_rt::test]`.
    let is_attribute = decorator.starts_with("#[")
        && ["::test]", "::test("]
            .iter()
            .any(|end| decorator.contains(end));
    is_attribute || MARKS.iter().any(|mark| decorator.starts_with(mark))
}

/// Whether an element is a test or stands among tests that live beside what they test.
pub(super) fn is_test(element: &Element, outline: &Outline) -> bool {
    let marked = |element: &Element| element.decorators.iter().any(|text| is_mark(text));
    if marked(element) {
        return true;
    }
    let Some((module, _)) = element.qualified_name.split_once("::") else {
        return false;
    };
    let around = outline
        .elements
        .iter()
        .find(|other| other.kind == "module" && other.qualified_name == module);
    around.is_some_and(marked)
}

/// Headings are cut at about this number: there may be more tests than that.
const COUNTABLE: usize = 55;

/// The sentence about tests that are calls and no functions.
fn called(outline: &Outline) -> Option<String> {
    let cases = marked(outline, "test");
    let suites = marked(outline, "suite");
    if cases.is_empty() && suites.is_empty() {
        return None;
    }
    let number = match outline.headings.len() < COUNTABLE && !cases.is_empty() {
        true => format!(" ({})", count(cases.len(), "test", "tests")),
        false => String::new(),
    };
    let of = match suites.is_empty() {
        true => String::new(),
        false => format!(" for {}", list(&suites, 3)),
    };
    let such = match cases.is_empty() {
        true => String::new(),
        false => format!(": {}", list(&cases, 4)),
    };
    Some(format!("Tests{of}{number}{such}"))
}

/// Whether Go runs it as a test.
fn is_go_test(element: &Element) -> bool {
    let named = ["Test", "Benchmark", "Fuzz", "Example"].iter().any(|word| {
        let rest = element.name.strip_prefix(word);
        rest.is_some_and(|rest| !rest.starts_with(char::is_lowercase))
    });
    named && element.signature.starts_with("func ") && element.signature.contains("*testing.")
}

/// The sentence about a file whose functions are mostly tests; `None` for any other.
pub(super) fn sentence(outline: &Outline) -> Option<String> {
    if let Some(sentence) = called(outline) {
        return Some(sentence);
    }
    let callable = |element: &&Element| matches!(element.kind.as_str(), "function" | "method");
    let functions: Vec<&Element> = outline.elements.iter().filter(callable).collect();
    let named = functions
        .iter()
        .any(|element| element.name.starts_with("test_"));
    let tests: Vec<&Element> = functions
        .iter()
        .filter(|element| {
            element.name.starts_with("test_")
                || is_go_test(element)
                // Alone, it may be anything that is tried.
                || element.name == "test" && named
                || element
                    .decorators
                    .iter()
                    .any(|text| is_mark(text) && !text.starts_with("#[cfg("))
        })
        .copied()
        .collect();
    let types = outline
        .elements
        .iter()
        .any(|element| matches!(element.kind.as_str(), "struct" | "enum" | "trait"));
    let types = types && !tests.iter().any(|test| is_go_test(test));
    if tests.is_empty() || tests.len() * 3 < functions.len() || types {
        return by_class_names(outline);
    }
    let mut cases: Vec<String> = Vec::new();
    for test in &tests {
        let name = test.name.trim_start_matches("test");
        let name = name.strip_prefix("Test").unwrap_or(name);
        let name = spoken(name.trim_start_matches('_'));
        if !name.is_empty() && !cases.contains(&name) {
            cases.push(name);
        }
    }
    let mut topics: Vec<String> = Vec::new();
    let mut of_topics = 0;
    for class in outline
        .elements
        .iter()
        .filter(|element| element.kind == "class")
    {
        let inside = |test: &&Element| {
            test.qualified_name
                .starts_with(&format!("{}.", class.qualified_name))
        };
        let topic = topic_of(&class.name);
        let many = tests.iter().copied().filter(inside).count();
        if many > 0 && !topic.is_empty() && !topics.contains(&topic) {
            of_topics += many;
            topics.push(topic);
        }
    }
    if of_topics * 2 < tests.len() {
        topics.clear();
    }
    let number = count(tests.len(), "test", "tests");
    let such = examples(&cases);
    Some(match (topics.is_empty(), shared_beginning(&cases)) {
        (false, _) => format!("Tests for {} ({number}): {such}", list(&topics, 3)),
        (true, Some(topic)) => format!("Tests for {topic} ({number}): {such}"),
        (true, None) if tests.len() == 1 => format!("A test: {such}"),
        (true, None) => format!("{}: {such}", opening(&number)),
    })
}

/// Ends of the names of classes that a test runner finds by them.
const TEST_CLASS_ENDS: [&str; 5] = ["Test", "Tests", "Spec", "Specs", "TestCase"];

/// The sentence about classes that are called tests, in languages whose tests are not marked.
fn by_class_names(outline: &Outline) -> Option<String> {
    let at_top = |element: &&Element| element.qualified_name == element.name;
    let is_type = |element: &&Element| {
        matches!(
            element.kind.as_str(),
            "class" | "struct" | "interface" | "enum" | "function"
        )
    };
    let all: Vec<&Element> = outline
        .elements
        .iter()
        .filter(at_top)
        .filter(is_type)
        .collect();
    let is_test = |element: &&&Element| {
        element.kind == "class"
            && TEST_CLASS_ENDS
                .iter()
                .any(|end| element.name.ends_with(end))
    };
    let tests: Vec<&&Element> = all.iter().filter(is_test).collect();
    if tests.is_empty() || tests.len() * 2 < all.len() {
        return None;
    }
    let topics: Vec<String> = tests.iter().map(|class| topic_of(&class.name)).collect();
    let name = tests[0].name.as_str();
    let inside = |element: &&Element| {
        let rest = element.qualified_name.strip_prefix(name);
        element.kind == "method" && rest.is_some_and(|rest| rest.starts_with(['.', ':', '#']))
    };
    let cases: Vec<String> = outline
        .elements
        .iter()
        .filter(inside)
        .map(|method| spoken(&method.name))
        .collect();
    let such = match cases.len() {
        0..3 => String::new(),
        _ => format!(": {}", list(&cases, 4)),
    };
    Some(format!("Tests for {}{such}", list(&topics, 3)))
}

fn examples(cases: &[String]) -> String {
    match cases {
        [] => "unnamed cases".to_owned(),
        cases => list(cases, 4),
    }
}

fn opening(number: &str) -> String {
    format!("Tests ({number})")
}

/// `TestAsyncClient` and `AsyncClientTests` are about `async client`.
fn topic_of(class: &str) -> String {
    let mut name = class.trim_start_matches('_');
    for end in [
        "Mixin",
        "TestCases",
        "TestCase",
        "Tests",
        "Test",
        "Specs",
        "Spec",
        "Base",
    ] {
        name = name.strip_suffix(end).unwrap_or(name);
    }
    in_words(name.strip_prefix("Test").unwrap_or(name))
}

/// `AsyncClient` is `async client`, `HTTPServer` is `HTTP server`.
fn in_words(name: &str) -> String {
    let mut words = String::new();
    let chars: Vec<char> = name.chars().collect();
    for (at, c) in chars.iter().enumerate() {
        let starts = c.is_uppercase()
            && at > 0
            && (chars[at - 1].is_lowercase()
                || chars.get(at + 1).is_some_and(|next| next.is_lowercase()));
        if starts {
            words.push(' ');
        }
        words.push(*c);
    }
    let small = |word: &str| {
        let all_capitals = word.len() > 1 && !word.contains(char::is_lowercase);
        if all_capitals {
            word.to_owned()
        } else {
            word.to_lowercase()
        }
    };
    words
        .replace('_', " ")
        .split_whitespace()
        .map(small)
        .collect::<Vec<_>>()
        .join(" ")
}

/// A name as words: `empty_list_is_fine` is `empty list is fine`.
fn spoken(name: &str) -> String {
    let words: Vec<String> = name
        .split('_')
        .filter(|word| !word.is_empty())
        .map(|word| match word.contains(char::is_lowercase) {
            true => in_words(word),
            false => word.to_owned(),
        })
        .collect();
    words.join(" ")
}

/// The words with which most cases begin.
fn shared_beginning(cases: &[String]) -> Option<String> {
    let first = cases.first()?.split(' ').next()?;
    let same = cases
        .iter()
        .filter(|case| case.split(' ').next() == Some(first))
        .count();
    // A verb is no matter that is tested.
    const VERBS: [&str; 22] = [
        "can", "does", "get", "set", "should", "when", "with", "without", "return", "returns",
        "raise", "raises", "handle", "handles", "has", "not", "the", "invalid", "valid", "make",
        "read", "write",
    ];
    let telling = first.len() > 2 && !VERBS.contains(&first);
    (cases.len() >= 3 && same * 3 >= cases.len() * 2 && telling).then(|| first.to_owned())
}
