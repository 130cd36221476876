//! HTML and XML: the title, the description, the root element.

use super::Scanned;
use crate::shell::parse::licence;
use crate::shell::parse::source::prefix;

/// The heading behind the root element of a Maven project.
const MAVEN: &str = "[maven]";

/// Only this much of a page is read, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// The title and the first headings; the page's description of itself.
pub(super) fn html(text: &str) -> Scanned {
    let head = prefix(text, MAX_HEAD);
    // ASCII only, so that offsets in it are offsets in the text.
    let lower = head.to_ascii_lowercase();
    let mut headings = Vec::new();
    for tag in ["title", "h1", "h2"] {
        headings.extend(inside(head, &lower, tag).filter(|text| !text.contains(['{', '<'])));
    }
    headings.extend(template_tags(head));
    let docstring = lower.find("name=\"description\"").and_then(|at| {
        let content = lower[at..].find("content=\"")? + at + "content=\"".len();
        let end = lower[content..].find('"')?;
        Some(head[content..content + end].to_owned())
    });
    Scanned {
        docstring,
        headings,
    }
}

/// The template that it extends and the blocks that it fills, as `{% extends base.html` and `{% block content`.
fn template_tags(text: &str) -> impl Iterator<Item = String> + '_ {
    let tags = text.split("{%").skip(1);
    tags.filter_map(|tag| {
        let mut words = tag.trim_start_matches('-').split_whitespace();
        let kind = words
            .next()
            .filter(|kind| matches!(*kind, "extends" | "block"))?;
        let name = words.next()?.trim_matches(['"', '\'']);
        Some(format!("{{% {kind} {name}"))
    })
}

/// The root element's name and the comment before it; for a Maven project its own description.
pub(super) fn xml(text: &str) -> Scanned {
    let head = prefix(text, MAX_HEAD);
    let mut before = head;
    let mut docstring = None;
    while let Some((between, rest)) = before.split_once("<!--") {
        let root = between.split('<').skip(1);
        let mut root = root.filter(|tag| !tag.starts_with(['?', '!']));
        let Some((comment, after)) = rest.split_once("-->").filter(|_| root.next().is_none())
        else {
            break;
        };
        let comment = licence::stripped(comment.trim());
        if docstring.is_none() && !comment.is_empty() {
            docstring = Some(comment.into_owned());
        }
        before = after;
    }
    let maven = head
        .contains("http://maven.apache.org/POM/")
        .then(|| MAVEN.to_owned());
    if maven.is_some() {
        let lower = head.to_ascii_lowercase();
        docstring = inside(head, &lower, "description").next();
    }
    let root = head.split('<').skip(1).find_map(|rest| {
        let name: String = rest
            .chars()
            .take_while(|c| c.is_alphanumeric() || "_:-.".contains(*c))
            .collect();
        (!name.is_empty() && !name.starts_with('-')).then_some(name)
    });
    Scanned {
        docstring,
        headings: root.into_iter().chain(maven).collect(),
    }
}

/// The texts inside a tag.
fn inside<'a>(text: &'a str, lower: &'a str, tag: &'a str) -> impl Iterator<Item = String> + 'a {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let at = from + lower[from..].find('<')? + 1;
            from = at;
            let Some(rest) = lower[at..].strip_prefix(tag) else {
                continue;
            };
            if !rest.starts_with(['>', ' ', '\n']) {
                continue;
            }
            let start = at + lower[at..].find('>')? + 1;
            let end = start + lower[start..].find("</")?;
            from = end;
            let words: Vec<&str> = text[start..end].split_whitespace().collect();
            return Some(words.join(" "));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_gives_its_title() {
        let page = "<!doctype html><HEAD><Title>\n A &amp; b</title><meta name=\"description\" content=\"Words.\"></head>\
                    <h1 class=x>One</h1><h1>{{ two }}</h1>";
        let found = html(page);
        assert_eq!(found.headings, ["A &amp; b", "One"]);
        assert_eq!(found.docstring.as_deref(), Some("Words."));
        assert_eq!(html("<title"), Scanned::default());
    }

    #[test]
    fn a_document_gives_its_root() {
        assert_eq!(
            xml("<?xml version='1'?>\n<!-- c -->\n<svg:a b='c'/>").headings,
            ["svg:a"]
        );
        assert_eq!(xml("nothing"), Scanned::default());
    }
}
