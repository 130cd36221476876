//! Files of code: their documentation, then what they define or do.

use crate::model::outline::Outline;

use super::definitions::{definitions, implementations};
use super::shown;
use super::words::{Paragraph, list, quoted, quoted_list, small};
use super::{bare, plain, statements, suite};

/// The longest opening taken from documentation, in characters.
const OPENING: usize = 260;
/// Terms named at the end.
const MAX_TERMS: usize = 8;
/// Characters that must be left for them.
const SPACE_FOR_TERMS: usize = 160;

/// Writes the summary of a file of code.
pub(super) fn write(language: &str, outline: &Outline, paragraph: &mut Paragraph) {
    let comment = outline
        .headings
        .first()
        .and_then(|heading| heading.strip_prefix("# "));
    let documentation = outline.docstring.as_deref().or(comment).unwrap_or("");
    let mut length = 0;
    for sentence in plain::lead(documentation).iter().take(2) {
        length += sentence.chars().count();
        if !paragraph.is_empty() && (length > OPENING || !plain::goes_on(sentence)) {
            break;
        }
        paragraph.say(&plain::without_preamble(sentence));
    }
    let is_spoken = !paragraph.is_empty();
    let head = outline.facts.generated.as_deref().or(comment);
    let generated = generated(head.or(outline.docstring.as_deref()).unwrap_or(""));
    match generated.filter(|_| !is_spoken) {
        Some(opening) => {
            let mut content = Paragraph::default();
            say_content(language, outline, is_spoken, &mut content);
            paragraph.say(&format!("{opening}: {}", small(&content.finish())));
        }
        None => say_content(language, outline, is_spoken, paragraph),
    }
    say_terms(outline, paragraph);
}

/// What is in the file: tests, definitions, statements.
fn say_content(language: &str, outline: &Outline, is_spoken: bool, paragraph: &mut Paragraph) {
    let mut elements = shown::visible(language, outline);
    // An unnamed default export has no name to mention: the statements say what it is.
    elements.retain(|shown| shown.element.name != "default");
    let has_public = elements.first().is_some_and(|first| first.public);
    if let Some(tests) = suite::sentence(outline) {
        paragraph.say(&tests);
        return;
    }
    if let Some(tool) = statements::tool(outline).filter(|_| !is_spoken && elements.len() <= 3) {
        paragraph.say(tool);
        statements::registrations(outline, paragraph);
        return;
    }
    if !is_spoken {
        statements::registrations(outline, paragraph);
    }
    if paragraph.is_empty() && statements::outweigh(outline, &elements) {
        statements::values(outline, paragraph);
    }
    if elements.is_empty() && methods_of_others(language, outline, paragraph)
        || elements.is_empty() && implementations(outline, paragraph)
    {
        return;
    }
    if elements.is_empty() || !has_public && bare::is_re_export(outline) {
        bare::without_definitions(language, outline, paragraph);
    } else if offers_more(outline, elements.len()) {
        paragraph.say(&bare::offers(outline, &bare::offered(outline)));
    } else if !has_public && methods_of_others(language, outline, paragraph) {
        // Private definitions serve what is added to others.
    } else if !is_spoken || has_public || elements.len() > 3 {
        definitions(language, outline, &elements, paragraph);
        methods_of_others(language, outline, paragraph);
    }
}

/// The words that the file uses most, where there is space for them and they are new.
fn say_terms(outline: &Outline, paragraph: &mut Paragraph) {
    let terms: Vec<String> = outline
        .facts
        .terms
        .iter()
        .filter(|term| !paragraph.has_ignoring_case(term))
        .take(MAX_TERMS)
        .cloned()
        .collect();
    if terms.len() >= 3 && paragraph.room() >= SPACE_FOR_TERMS {
        paragraph.say(&format!("About: {}", terms.join(", ")));
    }
}

/// Whether most of what a file offers is defined in others.
fn offers_more(outline: &Outline, own: usize) -> bool {
    bare::is_re_export(outline) && bare::offered(outline).len() > 2 * own
}

/// Methods for types that other files define; `false` if there are none.
fn methods_of_others(language: &str, outline: &Outline, paragraph: &mut Paragraph) -> bool {
    let others = shown::methods_of_others(language, outline);
    let most = if others.len() == 1 { 6 } else { 3 };
    let mut parts: Vec<String> = Vec::new();
    for (owner, methods) in others.iter().take(2) {
        let methods: Vec<String> = methods.iter().map(|name| (*name).to_owned()).collect();
        let noun = if methods.len() == 1 {
            "the method"
        } else {
            "the methods"
        };
        parts.push(format!(
            "{noun} {} of {}",
            quoted_list(&methods, most),
            quoted(owner)
        ));
    }
    if others.len() > 2 {
        parts.push("others".to_owned());
    }
    let verb = if paragraph.is_empty() {
        "Defines"
    } else {
        "Adds"
    };
    if parts.is_empty() {
        return false;
    }
    paragraph.say(&format!("{verb} {}", list(&parts, 9)));
    true
}

/// How the sentence about a generated file opens; `None` for a file that people write.
fn generated(comment: &str) -> Option<String> {
    const SAYS: [&str; 10] = [
        "do not edit",
        "do not modify",
        "don't edit",
        "generated from",
        "generated by",
        "auto-generated",
        "auto generated",
        "autogenerated",
        "automatically generated",
        "@generated",
    ];
    let head: String = comment.chars().take(600).collect();
    let lower = head.to_lowercase();
    // What is quoted is what a generator writes.
    let is_said = |says: &&&str| {
        let before = lower.split(**says).next().unwrap_or("");
        let line = before.rsplit('\n').next().unwrap_or("");
        let is_quoted = [" '", " \"", " `", "“"]
            .iter()
            .any(|quote| line.contains(quote));
        before.len() < lower.len() && !is_quoted
    };
    SAYS.iter().find(is_said)?;
    let by = ["generated by ", "generated from ", "generated with "];
    let tool = by.iter().find_map(|by| {
        let rest = lower.get(lower.find(by)? + by.len()..)?;
        let word = rest.split_whitespace().next()?;
        let word = word.trim_matches(['`', '"', '\'', ',', '.', ';', ':']);
        let is_tool = word.len() > 2 && !["the", "this", "our", "running"].contains(&word);
        is_tool.then(|| word.to_owned())
    });
    Some(match tool {
        Some(tool) => format!("Generated by {}", quoted(&tool)),
        None => "Generated code".to_owned(),
    })
}
