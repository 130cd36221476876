//! Files of code: what they say of themselves, then what they define.

use std::collections::HashMap;

use crate::model::outline::{Element, Outline};

use super::names::{self, Noun};
use super::words::{Paragraph, capitalized, continued, count, list, quoted, quoted_list};
use super::{plain, suite};

/// The longest opening that is taken from documentation, in characters, before definitions are told.
const OPENING: usize = 260;

/// Writes what a file of code is.
pub(super) fn write(language: &str, outline: &Outline, paragraph: &mut Paragraph) {
    let comment = outline
        .headings
        .first()
        .and_then(|heading| heading.strip_prefix("# "));
    let documentation = outline.docstring.as_deref().or(comment).unwrap_or("");
    let mut length = 0;
    for sentence in plain::lead(documentation).iter().take(2) {
        length += sentence.chars().count();
        if !paragraph.is_empty() && length > OPENING {
            break;
        }
        paragraph.say(&without_preamble(sentence));
    }
    let spoken = !paragraph.is_empty();
    let elements = visible(language, outline);
    if let Some(tests) = suite::told(outline) {
        paragraph.say(&tests);
    } else if elements.is_empty() {
        without_definitions(language, outline, paragraph);
    } else {
        definitions(language, outline, &elements, paragraph);
    }
    let told = elements
        .iter()
        .any(|shown| shown.element.docstring.is_some());
    if !spoken && !told {
        uses(language, outline, paragraph);
    }
    if is_generated(comment.unwrap_or("")) || is_generated(documentation) {
        paragraph.say("Generated code.");
    }
}

/// A definition at the top of a file, and the public methods that belong to it.
struct Shown<'a> {
    element: &'a Element,
    noun: &'static Noun,
    place: usize,
    methods: Vec<&'a Element>,
    /// The base class by which a class may be known.
    base: Option<String>,
}

/// The public definitions at the top, most important first; all, where none is public.
fn visible<'a>(language: &str, outline: &'a Outline) -> Vec<Shown<'a>> {
    let mark = names::public_mark(language);
    let is_public = |element: &Element| {
        !element.name.starts_with('_')
            && mark.is_none_or(|mark| element.signature.starts_with(mark))
    };
    let elements = || {
        outline
            .elements
            .iter()
            .filter(|element| !suite::is_test(element, outline))
    };
    let mut methods: HashMap<&str, Vec<&Element>> = HashMap::new();
    for element in elements().filter(|element| element.kind == "method" && is_public(element)) {
        let around = element.qualified_name.strip_suffix(element.name.as_str());
        let around = around.unwrap_or("").trim_end_matches([':', '.']);
        let known = methods.entry(around).or_default();
        if !known.iter().any(|known| known.name == element.name) {
            known.push(element);
        }
    }
    let mut shown: Vec<Shown<'a>> = Vec::new();
    for element in elements() {
        let Some((place, noun)) = names::kind(&element.kind) else {
            continue;
        };
        let at_top = element.qualified_name == element.name;
        let known = shown
            .iter()
            .any(|other| other.element.name == element.name && other.place == place);
        if !at_top || known {
            continue;
        }
        let bases = bases(&element.signature);
        let by_base = bases.iter().find_map(|base| names::base(base));
        let by_decorator = element
            .decorators
            .iter()
            .find_map(|decorator| names::decorator(decorator));
        let special = by_base.or(by_decorator).filter(|_| element.kind == "class");
        shown.push(Shown {
            element,
            noun: special.unwrap_or(noun),
            place,
            methods: methods.remove(element.name.as_str()).unwrap_or_default(),
            base: bases
                .into_iter()
                .next()
                .filter(|_| special.is_none() && element.kind == "class"),
        });
    }
    if shown.iter().any(|shown| is_public(shown.element)) {
        shown.retain(|shown| is_public(shown.element));
    } else if mark.is_none() {
        shown.retain(|shown| !shown.element.name.starts_with("__"));
    }
    // The order of the text stays where nothing makes one more important than the other.
    shown.sort_by_key(|shown| {
        let documented = usize::from(shown.element.docstring.is_some());
        (
            shown.place,
            std::cmp::Reverse(2 * shown.methods.len() + 3 * documented),
        )
    });
    shown
}

/// The last parts of the base classes' names in a signature such as `class A(b.C, metaclass=D)`.
fn bases(signature: &str) -> Vec<String> {
    let Some(inside) = signature
        .split_once('(')
        .and_then(|(_, rest)| rest.rsplit_once(')'))
    else {
        return Vec::new();
    };
    let mut bases = vec![String::new()];
    let mut depth = 0usize;
    for c in inside.0.chars() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => bases.push(String::new()),
            c if depth == 0 => {
                if let Some(base) = bases.last_mut() {
                    base.push(c);
                }
            }
            _ => {}
        }
    }
    let last = |base: &String| base.trim().rsplit('.').next().unwrap_or("").to_owned();
    let plain = |base: &String| !base.is_empty() && !base.contains('=') && base != "object";
    bases
        .iter()
        .filter(|base| !base.contains('='))
        .map(last)
        .filter(plain)
        .collect()
}

/// Definitions of one noun.
struct Group<'s, 'a> {
    noun: &'static Noun,
    members: Vec<&'s Shown<'a>>,
}

fn definitions(language: &str, outline: &Outline, shown: &[Shown<'_>], paragraph: &mut Paragraph) {
    let mut groups: Vec<Group<'_, '_>> = Vec::new();
    for member in shown {
        match groups
            .iter_mut()
            .find(|group| group.noun.plural == member.noun.plural)
        {
            Some(group) => group.members.push(member),
            None => groups.push(Group {
                noun: member.noun,
                members: vec![member],
            }),
        }
    }
    let opening = match (is_program(language, outline, shown), paragraph.is_empty()) {
        (true, true) => "A program that defines ",
        (false, true) if groups.iter().all(|group| group.noun.plural == "modules") => "Declares ",
        _ => "Defines ",
    };
    let mut sentence = String::new();
    if let [group] = &groups[..] {
        if group.noun.bare && group.members.len() == 1 {
            sentence = format!("A {}", group.noun.singular);
            let documentation = group.members[0].element.docstring.as_deref();
            if let Some(first) = documentation.and_then(plain::first) {
                sentence = format!("{sentence}: {}", continued(&first));
            }
        }
    }
    let alone = shown.len() == 1 && paragraph.is_empty();
    if sentence.is_empty() {
        let most = if groups.len() == 1 { 4 } else { 3 };
        let mut parts: Vec<String> = groups
            .iter()
            .take(3)
            .map(|group| phrase(group, most))
            .collect();
        let rest: usize = groups.iter().skip(3).map(|group| group.members.len()).sum();
        if rest > 0 {
            parts.push(count(rest, "other definition", "other definitions"));
        }
        sentence = format!("{opening}{}", list(&parts, 9));
        let documentation = shown[0].element.docstring.as_deref().filter(|_| alone);
        if let Some(first) = documentation.and_then(plain::first) {
            sentence = format!("{sentence}: {}", continued(&first));
        } else if let Some(methods) = methods_of(&groups) {
            sentence.push_str(&methods);
        }
    }
    paragraph.say(&sentence);
    details(shown, alone, paragraph);
}

/// `the classes `A`, `B` and 2 more`
fn phrase(group: &Group<'_, '_>, most: usize) -> String {
    let names: Vec<String> = group
        .members
        .iter()
        .map(|shown| shown.element.name.clone())
        .collect();
    if let [one] = &group.members[..] {
        let base = match &one.base {
            Some(base) => format!(" (a {})", quoted(base)),
            None => String::new(),
        };
        return format!("the {} {}{base}", group.noun.singular, quoted(&names[0]));
    }
    if group.noun.bare {
        return count(names.len(), group.noun.singular, group.noun.plural);
    }
    format!("the {} {}", group.noun.plural, quoted_list(&names, most))
}

/// The methods that one class or two have, as the end of a sentence.
fn methods_of(groups: &[Group<'_, '_>]) -> Option<String> {
    let members: Vec<&&Shown<'_>> = groups.iter().flat_map(|group| &group.members).collect();
    let mut names: Vec<String> = Vec::new();
    for method in members.iter().flat_map(|shown| &shown.methods) {
        if !names.contains(&method.name) {
            names.push(method.name.clone());
        }
    }
    let few = members
        .iter()
        .filter(|shown| !shown.methods.is_empty())
        .count()
        <= 2;
    if names.is_empty() || !few || groups.len() > 1 || members.len() > 4 {
        return None;
    }
    Some(format!(", with {}", quoted_list(&names, 4)))
}

/// What the most important definitions say of themselves.
fn details(shown: &[Shown<'_>], alone: bool, paragraph: &mut Paragraph) {
    if alone {
        let methods: Vec<String> = shown[0]
            .methods
            .iter()
            .map(|method| method.name.clone())
            .collect();
        if !methods.is_empty() && shown[0].element.docstring.is_some() {
            let noun = if methods.len() == 1 {
                "Method"
            } else {
                "Methods"
            };
            paragraph.say(&format!("{noun}: {}", quoted_list(&methods, 6)));
        }
    }
    let documented = shown.iter().filter_map(|shown| {
        let words = plain::first(shown.element.docstring.as_deref()?)?;
        Some((shown.element.name.as_str(), words))
    });
    let mut said = 0;
    for (name, words) in documented {
        if alone || said >= 2 || words.chars().count() > 160 {
            break;
        }
        if paragraph.say(&format!("{}: {}", quoted(name), continued(&words))) {
            said += 1;
        }
    }
    if shown.len() == 1 && said == 0 || said == 0 && !alone {
        let methods = shown[0].methods.iter().filter_map(|method| {
            let words = plain::first(method.docstring.as_deref()?)?;
            Some((method.name.as_str(), words))
        });
        let short = methods.filter(|(_, words)| words.chars().count() <= 140);
        for (name, words) in short.take(2) {
            paragraph.say(&format!("{}: {}", quoted(name), continued(&words)));
        }
    }
}

/// Whether a file is made to be run: it has a `main`, and nobody calls it from elsewhere.
fn is_program(language: &str, outline: &Outline, shown: &[Shown<'_>]) -> bool {
    const PARSERS: [&str; 6] = ["argparse", "optparse", "click", "typer", "docopt", "fire"];
    let has_main = shown
        .iter()
        .any(|shown| shown.element.kind == "function" && shown.element.name == "main");
    let reads_arguments = outline.imports.iter().any(|import| {
        let top = import.split(['.', ':']).next().unwrap_or("");
        PARSERS.contains(&top)
    });
    has_main && (reads_arguments || names::public_mark(language).is_some())
}

/// A file that defines nothing public: what it re-exports, or the names that it sets.
fn without_definitions(language: &str, outline: &Outline, paragraph: &mut Paragraph) {
    let is_name = |name: &&String| !name.starts_with("# ");
    let all: Vec<String> = outline.headings.iter().filter(is_name).cloned().collect();
    let telling = names::TELLING
        .iter()
        .find(|(name, _)| all.iter().any(|known| known == name));
    let public: Vec<String> = all
        .iter()
        .filter(|name| !name.starts_with('_'))
        .cloned()
        .collect();
    if let Some((_, words)) =
        telling.filter(|(name, _)| !name.starts_with('_') || public.is_empty())
    {
        if outline.imports.len() < 4 || !is_re_export(outline) {
            paragraph.say(&capitalized(words));
            return;
        }
    }
    if is_re_export(outline) {
        re_exports(outline, paragraph);
    }
    if !public.is_empty() {
        let upper = |name: &&String| !name.contains(char::is_lowercase);
        let camel = |name: &&String| {
            name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase)
        };
        let verb = if public.iter().filter(upper).count() * 2 > public.len() {
            "Sets the constants "
        } else if public.iter().filter(camel).count() * 2 > public.len() {
            "Defines the names "
        } else {
            "Sets "
        };
        let verb = if public.len() == 1 { "Sets " } else { verb };
        paragraph.say(&format!("{verb}{}", quoted_list(&public, 6)));
    }
    if paragraph.is_empty() {
        let modules = modules(outline);
        let language = names::display(language);
        if modules.is_empty() {
            paragraph.say(&format!("{language} code without definitions"));
        } else {
            paragraph.say(&format!(
                "{language} code without definitions, which uses {}",
                quoted_list(&modules, 4)
            ));
        }
    }
}

/// Whether most of what a file imports comes from beside it.
fn is_re_export(outline: &Outline) -> bool {
    let beside = outline
        .imports
        .iter()
        .filter(|import| import.starts_with('.'))
        .count();
    beside > 0 && beside * 2 >= outline.imports.len()
}

fn re_exports(outline: &Outline, paragraph: &mut Paragraph) {
    let mut names: Vec<String> = Vec::new();
    let mut modules: Vec<String> = Vec::new();
    let mut everything = true;
    for import in outline
        .imports
        .iter()
        .filter(|import| import.starts_with('.'))
    {
        let at = import.rfind('.').unwrap_or(0);
        let (module, name) = (&import[..at], &import[at + 1..]);
        let module = if module.is_empty() || module.ends_with('.') {
            format!("{module}.")
        } else {
            module.to_owned()
        };
        if name != "*" {
            everything = false;
            names.push(name.to_owned());
        }
        if !modules.contains(&module) {
            modules.push(module);
        }
    }
    let names = if everything {
        "everything".to_owned()
    } else {
        quoted_list(&names, 4)
    };
    let own = modules.len() == 1 && modules[0] == ".";
    let from = if own {
        "its own package".to_owned()
    } else {
        quoted_list(&modules, 3)
    };
    paragraph.say(&format!("Re-exports {names} from {from}"));
}

/// The foreign modules that a file imports and that tell something.
fn modules(outline: &Outline) -> Vec<String> {
    let mut modules: Vec<String> = Vec::new();
    for import in &outline.imports {
        let top = import.split(['.', ':']).next().unwrap_or("");
        if names::is_telling_import(top) && !modules.iter().any(|known| known == top) {
            modules.push(top.to_owned());
        }
    }
    modules
}

fn uses(language: &str, outline: &Outline, paragraph: &mut Paragraph) {
    let modules = modules(outline);
    let said =
        paragraph.room() < 300 || names::public_mark(language).is_some() && modules.is_empty();
    if !modules.is_empty() && !said {
        paragraph.say(&format!("Uses {}", quoted_list(&modules, 4)));
    }
}

/// Whether a comment says that nobody wrote the file.
fn is_generated(comment: &str) -> bool {
    const SAYS: [&str; 8] = [
        "do not edit",
        "do not modify",
        "generated from",
        "generated by",
        "auto-generated",
        "autogenerated",
        "automatically generated",
        "@generated",
    ];
    let head: String = comment.to_lowercase().chars().take(600).collect();
    let is_short = head.lines().count() <= 12;
    is_short && head.contains("generated") && SAYS.iter().any(|says| head.contains(says))
        || head.contains("do not edit")
}

/// `This module implements x` is `Implements x`.
fn without_preamble(sentence: &str) -> String {
    const SUBJECTS: [&str; 8] = [
        "This module ",
        "This file ",
        "This package ",
        "This script ",
        "The module ",
        "This crate ",
        "Module that ",
        "This program ",
    ];
    const NOT_VERBS: [&str; 6] = ["is", "was", "has", "this", "does", "serves"];
    for subject in SUBJECTS {
        let Some(rest) = sentence.strip_prefix(subject) else {
            continue;
        };
        let verb = rest.split(' ').next().unwrap_or("");
        if verb.ends_with('s') && !NOT_VERBS.contains(&verb) {
            return capitalized(rest);
        }
    }
    sentence.to_owned()
}
