//! The sentences about what a file of code defines.

use crate::model::outline::{Element, Outline};

use super::names::Noun;
use super::publicity::publicity;
use super::shown::Shown;
use super::words::{Paragraph, continued, count, list, quoted, quoted_list};
use super::{bare, plain};

/// What does not follow a subject.
const NO_VERBS: [&str; 20] = [
    "a", "all", "an", "and", "any", "as", "at", "by", "each", "every", "for", "from", "in", "into",
    "of", "on", "the", "this", "to", "with",
];

/// The first sentence of an element's documentation, without the name that Go's begins with.
fn words_of(element: &Element) -> Option<String> {
    let words = plain::first(element.docstring.as_deref()?)?;
    let name = element.name.as_str();
    if repeats_name(&words, name) {
        return None;
    }
    let bare = ["", "A ", "An ", "The "].iter().find_map(|article| {
        let rest = words.strip_prefix(article)?.trim_start_matches('`');
        let rest = rest.strip_prefix(name)?.trim_start_matches('`');
        let rest = rest.strip_prefix(' ').filter(|rest| rest.contains(' '))?;
        // `Constrain the width`: the name is a verb there, and no subject.
        let next = rest.split(' ').next().unwrap_or("");
        if NO_VERBS.contains(&next) {
            return None;
        }
        let linked = ["is ", "are "]
            .iter()
            .find_map(|verb| rest.strip_prefix(verb));
        Some(linked.unwrap_or(rest))
    });
    Some(bare.map_or_else(|| words.clone(), str::to_owned))
}

/// Whether documentation says no more than the name and the kind: `Client class.`
fn repeats_name(words: &str, name: &str) -> bool {
    const KINDS: &str = " a an the this class classes function method object module interface struct type enum exception constructor ";
    let name = name.to_lowercase();
    let mut words = words.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.all(|word| {
        let word = word.to_lowercase();
        KINDS.contains(&format!(" {word} ")) || name.contains(&word)
    })
}

/// Definitions of one noun.
struct Group<'s, 'a> {
    noun: &'static Noun,
    members: Vec<&'s Shown<'a>>,
}

/// The documented definition that takes up most of a file.
fn central(shown: &[Shown<'_>]) -> Option<usize> {
    let lines = |element: &Element| (element.line_end + 1).saturating_sub(element.line_start);
    let weight = |shown: &Shown<'_>| {
        // Methods stand inside of their class or beside it.
        let inside: u32 = shown.methods.iter().map(|method| lines(method)).sum();
        lines(shown.element).max(inside)
    };
    let all: u32 = shown.iter().map(weight).sum();
    let at = shown.iter().position(|shown| weight(shown) * 2 > all)?;
    (shown.len() > 1 && !["function", "module"].contains(&shown[at].noun.singular)).then_some(at)
}

/// `Defines the class `Client`: sends requests`, where it takes up most of the file; else `false`.
fn say_central(at: usize, shown: &[Shown<'_>], paragraph: &mut Paragraph) -> bool {
    let (noun, element) = (shown[at].noun, shown[at].element);
    let Some(words) = words_of(element).filter(|_| !noun.bare) else {
        return false;
    };
    let name = quoted(&element.name);
    let words = continued(&words);
    paragraph.say(&format!("Defines the {} {name}: {words}", noun.singular))
}

/// Writes what the definitions are, and what the documentation says of the most important ones.
pub(super) fn definitions(
    language: &str,
    outline: &Outline,
    shown: &[Shown<'_>],
    paragraph: &mut Paragraph,
) {
    let mut groups: Vec<Group<'_, '_>> = Vec::new();
    let is_first = paragraph.is_empty() && !is_program(language, outline, shown);
    let centre = central(shown).filter(|at| is_first && say_central(*at, shown, paragraph));
    for member in shown
        .iter()
        .enumerate()
        .filter(|(at, _)| Some(*at) != centre)
        .map(|(_, shown)| shown)
    {
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
    if let ([one], true) = (
        shown,
        paragraph.is_empty() && is_program(language, outline, shown),
    ) {
        sentence = words_of(one.element).unwrap_or_else(|| lone_program(language, outline));
    }
    if let [group] = &groups[..]
        && group.noun.bare
        && group.members.len() == 1
    {
        sentence = format!("A {}", group.noun.singular);
        if let Some(first) = words_of(group.members[0].element) {
            sentence = format!("{sentence}: {}", continued(&first));
        }
    }
    let alone = shown.len() == 1;
    if sentence.is_empty() && centre.is_some() {
        let parts: Vec<String> = groups
            .iter()
            .take(3)
            .map(|group| phrase(group, outline, 3))
            .collect();
        sentence = format!("Also defines {}", list(&parts, 3));
    } else if sentence.is_empty() {
        let most = if groups.len() == 1 { 4 } else { 3 };
        let mut parts: Vec<String> = groups
            .iter()
            .take(3)
            .map(|group| phrase(group, outline, most))
            .collect();
        let rest: usize = groups.iter().skip(3).map(|group| group.members.len()).sum();
        if rest > 0 {
            parts.push(count(rest, "other definition", "other definitions"));
        }
        sentence = format!("{opening}{}", list(&parts, 9));
        let first = Some(shown[0].element).filter(|_| alone).and_then(words_of);
        if let Some(first) = first.filter(|first| !paragraph.has(&continued(first))) {
            sentence = format!("{sentence}: {}", continued(&first));
        } else if let Some(methods) = methods_of(&groups) {
            sentence.push_str(&methods);
        }
    }
    paragraph.say(&sentence);
    if let Some(at) = centre {
        details(&shown[at..=at], true, paragraph);
    } else {
        details(shown, alone, paragraph);
    }
}

/// What a program uses that defines nothing but `main`.
fn lone_program(language: &str, outline: &Outline) -> String {
    let modules = bare::modules(language, outline);
    let Some(first) = modules.first() else {
        return "A program that only defines `main`".to_owned();
    };
    let is_type = |name: &&str| name.starts_with(char::is_uppercase);
    let mut types: Vec<String> = Vec::new();
    for import in &outline.imports {
        let name = import.rsplit(['.', ':', '/']).next().filter(is_type);
        if let (true, Some(name)) = (import.starts_with(first.as_str()), name) {
            types.push(name.to_owned());
        }
    }
    match types.is_empty() {
        true => format!("A program that uses {}", quoted_list(&modules, 3)),
        false => format!(
            "A program that uses {} of {}",
            quoted_list(&types, 3),
            quoted(first)
        ),
    }
}

/// `the classes `A`, `B` and 2 more`
fn phrase(group: &Group<'_, '_>, outline: &Outline, most: usize) -> String {
    let names: Vec<String> = group
        .members
        .iter()
        .map(|shown| shown.element.name.clone())
        .collect();
    if let Some(first) = names.first().filter(|_| has_variants(group)) {
        let variants = names.len() - 1;
        let noun = group.noun.singular;
        return format!(
            "the {noun} {} ({variants} variants, such as {})",
            quoted(first),
            quoted(&names[1])
        );
    }
    if let ([_], true) = (&group.members[..], group.noun.bare) {
        return format!("a {}", group.noun.singular);
    }
    if let [one] = &group.members[..] {
        let traits = traits_of(&names[0], outline);
        let base = match &one.base {
            Some(base) => format!(" ({} {})", article(base), quoted(base)),
            None if !traits.is_empty() => format!(" (implements {})", quoted_list(&traits, 3)),
            None => String::new(),
        };
        return format!("the {} {}{base}", group.noun.singular, quoted(&names[0]));
    }
    if group.noun.bare {
        return count(names.len(), group.noun.singular, group.noun.plural);
    }
    format!("the {} {}", group.noun.plural, quoted_list(&names, most))
}

fn article(name: &str) -> &'static str {
    if name.starts_with(['A', 'E', 'I', 'O', 'a', 'e', 'i', 'o']) {
        "an"
    } else {
        "a"
    }
}

/// Whether all definitions are variants of the first: of the same base, and with its name as their first or last words.
fn has_variants(group: &Group<'_, '_>) -> bool {
    let Some(first) = group.members.first() else {
        return false;
    };
    let name = first.element.name.as_str();
    let is_variant = |shown: &&Shown<'_>| {
        let other = shown.element.name.as_str();
        let as_first = other
            .strip_prefix(name)
            .is_some_and(|rest| rest.starts_with(char::is_uppercase));
        let as_last = other.ends_with(name) && name.starts_with(char::is_uppercase);
        shown.base.is_some() && shown.base == first.base && (as_first || as_last)
    };
    group.members.len() > 2 && name.len() > 2 && group.members[1..].iter().all(is_variant)
}

/// The methods that one class or two have, as the end of a sentence.
fn methods_of(groups: &[Group<'_, '_>]) -> Option<String> {
    let members: Vec<&&Shown<'_>> = groups.iter().flat_map(|group| &group.members).collect();
    let mut names: Vec<String> = Vec::new();
    let active = |method: &&&Element| !is_property(method);
    for method in members
        .iter()
        .flat_map(|shown| shown.methods.iter().filter(active))
    {
        if !names.contains(&method.name) {
            names.push(method.name.clone());
        }
    }
    let few = members
        .iter()
        .filter(|shown| !shown.methods.is_empty())
        .count()
        <= 2
        && members.len() <= 4;
    let variants = groups.first().is_some_and(has_variants);
    if names.is_empty() || !few && !variants || groups.len() > 1 {
        return None;
    }
    Some(format!(", with {}", quoted_list(&names, 4)))
}

/// Whether a method is read like a variable.
fn is_property(method: &Element) -> bool {
    method
        .decorators
        .iter()
        .any(|text| text.contains("property") || text.ends_with(".setter"))
}

/// The documentation of the most important definitions.
fn details(shown: &[Shown<'_>], alone: bool, paragraph: &mut Paragraph) {
    if alone {
        let methods = shown[0]
            .methods
            .iter()
            .filter(|method| !is_property(method));
        let methods: Vec<String> = methods.map(|method| method.name.clone()).collect();
        let is_said = paragraph.has(&format!(", with {}", quoted_list(&methods, 4)));
        if !methods.is_empty() && shown[0].element.docstring.is_some() && !is_said {
            let noun = if methods.len() == 1 {
                "Method"
            } else {
                "Methods"
            };
            paragraph.say(&format!("{noun}: {}", quoted_list(&methods, 6)));
        }
    }
    let documented = shown.iter().filter_map(|shown| {
        let words = words_of(shown.element)?;
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
    if said == 0 {
        let methods = shown[0].methods.iter().filter_map(|method| {
            let words = words_of(method)?;
            Some((method.name.as_str(), words))
        });
        let short = methods.filter(|(_, words)| words.chars().count() <= 140);
        for (name, words) in short.take(2) {
            paragraph.say(&format!("{}: {}", quoted(name), continued(&words)));
        }
    }
}

/// Whether a file is a program: it has a `main` that no other file calls.
fn is_program(language: &str, outline: &Outline, shown: &[Shown<'_>]) -> bool {
    const PARSERS: [&str; 6] = ["argparse", "optparse", "click", "typer", "docopt", "fire"];
    let has_main = shown
        .iter()
        .any(|shown| shown.element.kind == "function" && shown.element.name == "main");
    let reads_arguments = outline.imports.iter().any(|import| {
        let top = import.split(['.', ':']).next().unwrap_or("");
        PARSERS.contains(&top)
    });
    has_main && (reads_arguments || publicity(language).is_some())
}

/// What is implemented here for types that are defined elsewhere; `false` where there is nothing of that kind.
pub(super) fn implementations(outline: &Outline, paragraph: &mut Paragraph) -> bool {
    let mut by_trait: Vec<(String, Vec<String>)> = Vec::new();
    for (name, of) in outline.elements.iter().filter_map(implemented) {
        match by_trait.iter_mut().find(|(known, _)| *known == name) {
            Some((_, types)) => types.push(of),
            None => by_trait.push((name, vec![of])),
        }
    }
    by_trait.sort_by_key(|(_, types)| std::cmp::Reverse(types.len()));
    let parts: Vec<String> = by_trait
        .iter()
        .take(2)
        .map(|(name, types)| format!("{} for {}", quoted(name), quoted_list(types, 5)))
        .collect();
    if parts.is_empty() {
        return false;
    }
    paragraph.say(&format!("Implements the trait {}", list(&parts, 2)))
}

/// The trait and the type of an `impl` block, where it has both.
fn implemented(element: &Element) -> Option<(String, String)> {
    let (head, of) = element.signature.split_once(" for ")?;
    if element.kind != "impl" {
        return None;
    }
    let last = |text: &str| {
        let plain = without_parameters(text);
        let name = plain
            .rsplit([' ', ':', '&'])
            .find(|name| !name.is_empty())?;
        Some(name.to_owned())
    };
    let of = of.split(" where ").next().unwrap_or(of);
    Some((last(head)?, last(of)?))
}

/// `Reader<'a, T>` is `Reader`.
fn without_parameters(text: &str) -> String {
    let mut depth = 0usize;
    let mut plain = String::new();
    for c in text.trim().chars() {
        match c {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            c if depth == 0 => plain.push(c),
            _ => {}
        }
    }
    plain.trim().to_owned()
}

/// Traits that say little of a type.
const ORDINARY_TRAITS: [&str; 26] = [
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "Deref",
    "DerefMut",
    "Display",
    "Drop",
    "Eq",
    "Error",
    "From",
    "FromStr",
    "Hash",
    "Into",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Send",
    "Sync",
    "TryFrom",
    "AsRef",
    "Borrow",
    "Index",
    "IndexMut",
    "Unpin",
    "Add",
];

/// The traits that say something of a type, of those that it implements here.
fn traits_of(name: &str, outline: &Outline) -> Vec<String> {
    let mut traits: Vec<String> = Vec::new();
    for (implemented, of) in outline.elements.iter().filter_map(implemented) {
        let says = !ORDINARY_TRAITS.contains(&implemented.as_str());
        if of == name && says && !traits.contains(&implemented) {
            traits.push(implemented);
        }
    }
    traits
}
