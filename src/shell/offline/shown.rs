//! Which definitions of a file are shown to a reader, and in which order.

use std::collections::{HashMap, HashSet};

use crate::model::outline::{Element, Outline};

use super::bare::marked;
use super::names::{self, Noun};
use super::publicity::publicity;
use super::suite;

/// So many owners of methods that stand in other files are told apart.
const MAX_OTHERS: usize = 20;

/// Base classes are followed so far up.
const MAX_ANCESTORS: usize = 8;

/// A definition at the top of a file, and the public methods that belong to it.
pub(super) struct Shown<'a> {
    pub element: &'a Element,
    pub noun: &'static Noun,
    pub place: usize,
    pub methods: Vec<&'a Element>,
    /// The base class by which a class may be known.
    pub base: Option<String>,
    pub public: bool,
}

/// The public definitions at the top, most important first; all, where none is public.
pub(super) fn visible<'a>(language: &str, outline: &'a Outline) -> Vec<Shown<'a>> {
    let publicity = publicity(language);
    // What the file itself names is public, where any of it is defined here.
    let mut exports: HashSet<String> = marked(outline, "export").into_iter().collect();
    if !outline
        .elements
        .iter()
        .any(|element| exports.contains(&element.qualified_name))
    {
        exports.clear();
    }
    let is_public = |element: &Element| {
        let member = element.qualified_name != element.name;
        if !member && !exports.is_empty() {
            return exports.contains(&element.name);
        }
        !element.name.starts_with('_')
            && publicity.is_none_or(|publicity| publicity.shows(element, member))
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
        let by_base = bases
            .iter()
            .find_map(|base| names::base(resolved(base, outline).as_deref().unwrap_or(base)));
        let by_decorator = element
            .decorators
            .iter()
            .find_map(|decorator| names::decorator(decorator));
        let special = by_base.or(by_decorator).filter(|_| element.kind == "class");
        shown.push(Shown {
            element,
            noun: special.unwrap_or(noun),
            place,
            public: is_public(element),
            methods: methods.remove(element.name.as_str()).unwrap_or_default(),
            base: bases
                .into_iter()
                .next()
                .filter(|_| special.is_none() && element.kind == "class"),
        });
    }
    if shown.iter().any(|shown| is_public(shown.element)) {
        shown.retain(|shown| is_public(shown.element));
    } else if publicity.is_none() {
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

/// The first base class, further up in the same file, that is defined elsewhere.
fn resolved(base: &str, outline: &Outline) -> Option<String> {
    let mut at = base.to_owned();
    // A class may name itself as its base, in broken code.
    for _ in 0..MAX_ANCESTORS {
        let of_name = |element: &&Element| element.kind == "class" && element.name == at;
        let Some(class) = outline.elements.iter().find(of_name) else {
            return Some(at);
        };
        at = bases(&class.signature).into_iter().next()?;
    }
    None
}

/// The methods of what is defined in other files, by that: in the order of the text.
pub(super) fn methods_of_others<'a>(
    language: &str,
    outline: &'a Outline,
) -> Vec<(&'a str, Vec<&'a str>)> {
    let publicity = publicity(language);
    let here: HashSet<&str> = outline
        .elements
        .iter()
        .filter(|element| element.kind != "method")
        .map(|element| element.qualified_name.as_str())
        .collect();
    let mut others: Vec<(&str, Vec<&str>)> = Vec::new();
    for element in &outline.elements {
        let owner = element.qualified_name.strip_suffix(element.name.as_str());
        let owner = owner.unwrap_or("").trim_end_matches([':', '.']);
        let public = publicity.is_none_or(|publicity| publicity.shows(element, true));
        if element.kind != "method" || owner.is_empty() || here.contains(owner) || !public {
            continue;
        }
        let name = element.name.as_str();
        let known = others.iter().position(|(known, _)| *known == owner);
        match known {
            Some(at) if others[at].1.contains(&name) => {}
            Some(at) => others[at].1.push(name),
            None if others.len() < MAX_OTHERS => others.push((owner, vec![name])),
            None => {}
        }
    }
    others
}

/// The last parts of the base classes' names in a signature such as `class A(b.C, metaclass=D)` or
/// `class A extends b.C<D>`.
fn bases(signature: &str) -> Vec<String> {
    let mut depth = 0usize;
    let outside = |c: &char| {
        depth = match c {
            '<' => depth + 1,
            '>' => depth.saturating_sub(1),
            _ => depth,
        };
        depth == 0
    };
    let without_parameters: String = signature.chars().filter(outside).collect();
    if let Some((_, base)) = without_parameters.replace('>', "").split_once(" extends ") {
        let end = base.find(|c: char| !c.is_alphanumeric() && !"_$.".contains(c));
        let base = &base[..end.unwrap_or(base.len())];
        let last = base.rsplit('.').next().unwrap_or("");
        return Some(last.to_owned())
            .filter(|last| !last.is_empty())
            .into_iter()
            .collect();
    }
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
    let plain = |base: &String| {
        !base.is_empty() && !base.contains('=') && !names::EMPTY_BASES.contains(&base.as_str())
    };
    bases
        .iter()
        .filter(|base| !base.contains('='))
        .map(last)
        .filter(plain)
        .collect()
}
