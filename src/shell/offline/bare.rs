//! Files of code that define nothing public: what they re-export, or the names that they set.

use crate::model::outline::Outline;

use super::names;
use super::publicity::module;
use super::words::{Paragraph, capitalized, quoted_list};

/// A file that defines nothing public: what it re-exports, or the names that it sets.
pub(super) fn without_definitions(language: &str, outline: &Outline, paragraph: &mut Paragraph) {
    let exported = marked(outline, "re-export");
    if !exported.is_empty() {
        exports_of_others(outline, &exported, paragraph);
        return;
    }
    // A name of a kind, or the comment that begins the file, is no variable.
    let is_name = |name: &&String| !name.starts_with("# ") && !name.contains(": ");
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
        && (outline.imports.len() < 4 || !is_re_export(outline))
    {
        paragraph.say(&capitalized(words));
        return;
    }
    let camel =
        |name: &&String| name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase);
    let camels = public.iter().filter(camel).count() * 2 > public.len();
    if is_re_export(outline) && !camels {
        re_exports(outline, paragraph);
    }
    if !public.is_empty() {
        let upper = |name: &&String| !name.contains(char::is_lowercase);
        let verb = if public.iter().filter(upper).count() * 2 > public.len() {
            "Sets the constants "
        } else if camels {
            "Defines the names "
        } else {
            "Sets "
        };
        let verb = match (public.len(), camels) {
            (1, true) => "Defines ",
            (1, false) => "Sets ",
            _ => verb,
        };
        paragraph.say(&format!("{verb}{}", quoted_list(&public, 6)));
    }
    if paragraph.is_empty() {
        let modules = modules(language, outline);
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

/// The headings of a kind.
pub(super) fn marked(outline: &Outline, kind: &str) -> Vec<String> {
    let of_kind = |heading: &String| {
        let rest = heading.strip_prefix(kind)?.strip_prefix(": ")?;
        Some(rest.to_owned())
    };
    outline.headings.iter().filter_map(of_kind).collect()
}

/// What a file passes on that says so itself.
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
    let beside = outline.imports.iter().filter(is_beside).count();
    !marked(outline, "re-export").is_empty() || beside > 0 && beside * 2 >= outline.imports.len()
}

fn re_exports(outline: &Outline, paragraph: &mut Paragraph) {
    let mut names: Vec<String> = Vec::new();
    let mut minor: Vec<String> = Vec::new();
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
        (name.starts_with('_'), variant && names.len() < 500, !camel)
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
    paragraph.say(&format!("{verb} {names} from {from}"));
}

/// The foreign modules that a file imports and that tell something.
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
