//! Files of code that define nothing public: what they re-export, or else what their statements do.

use crate::model::outline::Outline;

use super::publicity::module;
use super::words::{Paragraph, list, quoted_list};
use super::{names, statements};

/// Names are compared with each other up to this number.
const MAX_RANKED: usize = 500;

/// Writes what a file without public definitions does.
pub(super) fn without_definitions(language: &str, outline: &Outline, paragraph: &mut Paragraph) {
    let exported = marked(outline, "re-export");
    if !exported.is_empty() {
        exports_of_others(outline, &exported, paragraph);
        return;
    }
    let passed_on = marked(outline, "passes-on");
    if !passed_on.is_empty() {
        let from = quoted_list(&passed_on, 3);
        paragraph.say(&format!("Re-exports everything from {from}"));
        return;
    }
    let offered = offered(outline);
    if !offered.is_empty() {
        paragraph.say(&offers(outline, &offered));
        return;
    }
    if is_re_export(outline) {
        let (sentence, few) = re_exports(outline);
        // A file that sets names of its own says more by those than by what it takes for them.
        if !few || outline.facts.bindings.is_empty() && outline.facts.calls.is_empty() {
            paragraph.say(&sentence);
        }
    }
    if !paragraph.is_empty() || statements::write(language, outline, paragraph) {
        return;
    }
    let is_name = |name: &&String| !name.starts_with("# ") && !name.contains(": ");
    let set: Vec<String> = outline.headings.iter().filter(is_name).cloned().collect();
    let terms = &outline.facts.terms;
    paragraph.say(&match set.is_empty() {
        true if terms.is_empty() => "Only comments".to_owned(),
        true => format!("Statements about {}", list(terms, 4)),
        false => format!("Sets {}", quoted_list(&set, 6)),
    });
}

/// The headings of a kind.
pub(super) fn marked(outline: &Outline, kind: &str) -> Vec<String> {
    let of_kind = |heading: &String| {
        let rest = heading.strip_prefix(kind)?.strip_prefix(": ")?;
        Some(rest.to_owned())
    };
    outline.headings.iter().filter_map(of_kind).collect()
}

/// The exported names that other files define.
pub(super) fn offered(outline: &Outline) -> Vec<String> {
    let here = |name: &String| {
        let mut elements = outline.elements.iter();
        elements.any(|element| element.qualified_name == *name)
    };
    let mut names = marked(outline, "export");
    names.retain(|name| !name.starts_with("__") && !here(name));
    names
}

/// The sentence about exported names that other files define.
pub(super) fn offers(outline: &Outline, offered: &[String]) -> String {
    let mut modules: Vec<String> = Vec::new();
    for import in &outline.imports {
        let Some(at) = import.rfind('.') else {
            continue;
        };
        let (module, name) = (&import[..at], &import[at + 1..]);
        let module = match module.is_empty() || module.ends_with('.') {
            true => format!("{module}."),
            false => module.to_owned(),
        };
        let offers = name == "*" || offered.iter().any(|offered| offered == name);
        if offers && module != "." && !modules.contains(&module) {
            modules.push(module);
        }
    }
    // An order by the alphabet is none: then what others are named after comes first.
    let mut names = offered.to_vec();
    if names.is_sorted_by_key(|name| name.to_lowercase()) && names.len() < MAX_RANKED {
        let central = |name: &String| {
            let mut others = 0usize;
            for other in offered {
                others += usize::from(
                    name.len() > 2 && other.len() > name.len() && other.contains(name.as_str()),
                );
            }
            let error = ["Error", "Exception", "Warning"]
                .iter()
                .any(|end| name.ends_with(end));
            (name.starts_with('_'), error, std::cmp::Reverse(others))
        };
        names.sort_by_cached_key(central);
    }
    let names = quoted_list(&names, 4);
    match modules.is_empty() {
        true => format!("Offers {names}"),
        false => format!("Re-exports {names} from {}", quoted_list(&modules, 3)),
    }
}

/// The sentence about `export … from`.
fn exports_of_others(outline: &Outline, exported: &[String], paragraph: &mut Paragraph) {
    let mut modules: Vec<String> = Vec::new();
    for import in &outline.imports {
        if import.starts_with('.') && !modules.contains(import) {
            modules.push(import.clone());
        }
    }
    if modules.is_empty() {
        modules.clone_from(&outline.imports);
    }
    let names: Vec<String> = exported
        .iter()
        .filter(|name| *name != "*")
        .cloned()
        .collect();
    let what = match names.is_empty() {
        true => "everything".to_owned(),
        false => quoted_list(&names, 4),
    };
    paragraph.say(&format!(
        "Re-exports {what} from {}",
        quoted_list(&modules, 3)
    ));
}

/// Whether most of what a file imports comes from beside it, or it says itself that it passes names on.
pub(super) fn is_re_export(outline: &Outline) -> bool {
    // A path is a file and not a name in it.
    let is_beside = |import: &&String| import.starts_with('.') && !import.contains('/');
    let beside = outline.imports.iter().filter(is_beside);
    let beside = beside
        .filter(|import| !is_for_types(outline, import))
        .count();
    !marked(outline, "re-export").is_empty()
        || !marked(outline, "passes-on").is_empty()
        || beside > 0 && beside * 2 >= outline.imports.len()
}

/// The sentence about names imported from the same package, and whether they are so few that the file may only use them.
fn re_exports(outline: &Outline) -> (String, bool) {
    let mut names: Vec<String> = Vec::new();
    let mut minor: Vec<String> = Vec::new();
    let mut modules: Vec<String> = Vec::new();
    let mut everything = true;
    for import in outline
        .imports
        .iter()
        .filter(|import| import.starts_with('.') && !is_for_types(outline, import))
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
            let last = module
                .rsplit('.')
                .next()
                .unwrap_or("")
                .trim_start_matches('_');
            let list = if names::MINOR_MODULES.contains(&last) {
                &mut minor
            } else {
                &mut names
            };
            list.push(name.to_owned());
        }
        if !modules.contains(&module) {
            modules.push(module);
        }
    }
    // A file that takes one name or two may just as well be a script that uses them.
    let few = !everything && names.len() + minor.len() < 3;
    let important = |at: usize, name: &str| {
        let camel = name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase);
        // `AsyncClient` says nothing that `Client` does not.
        let variant = names.iter().enumerate().any(|(other_at, other)| {
            let shorter = other.len() < name.len() && other.len() > 2;
            name.contains(other.as_str()) && shorter && other_at != at && !other.starts_with('_')
        });
        (
            name.starts_with('_'),
            variant && names.len() < MAX_RANKED,
            !camel,
        )
    };
    let mut ranked: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(at, name)| (important(at, name), name.clone()))
        .collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    let names: Vec<String> = ranked
        .into_iter()
        .map(|(_, name)| name)
        .chain(minor)
        .collect();
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
    let verb = if few { "Imports" } else { "Re-exports" };
    (format!("{verb} {names} from {from}"), few)
}

/// Whether a name is imported for type checkers only.
fn is_for_types(outline: &Outline, import: &str) -> bool {
    let name = import.rsplit('.').next().unwrap_or(import);
    outline
        .facts
        .type_only_imports
        .iter()
        .any(|known| known == name)
}

/// The modules of other packages that a file imports.
pub(super) fn modules(language: &str, outline: &Outline) -> Vec<String> {
    let mut modules: Vec<String> = Vec::new();
    for import in &outline.imports {
        let Some(name) = module(language, import) else {
            continue;
        };
        if names::is_telling_import(name) && !modules.iter().any(|known| known == name) {
            modules.push(name.to_owned());
        }
    }
    modules
}
