//! Files that define nothing public: what their statements do.

use crate::model::outline::{Binding, Outline};

use super::shown::Shown;
use super::words::{Paragraph, count, list, quoted, quoted_list};

/// Tools with the module that their configuration imports, or the function that it calls.
const TOOLS: &[(&str, &str)] = &[
    ("vitest", "Vitest configuration"),
    ("vite", "Vite configuration"),
    ("eslint", "ESLint configuration"),
    ("typescript-eslint", "ESLint configuration"),
    ("@eslint", "ESLint configuration"),
    ("neostandard", "ESLint configuration"),
    ("tsdown", "tsdown configuration"),
    ("tsup", "tsup configuration"),
    ("rollup", "Rollup configuration"),
    ("webpack", "webpack configuration"),
    ("esbuild", "esbuild script"),
    ("jest", "Jest configuration"),
    ("@playwright", "Playwright configuration"),
    ("cypress", "Cypress configuration"),
    ("tailwindcss", "Tailwind CSS configuration"),
    ("prettier", "Prettier configuration"),
    ("next", "Next.js configuration"),
    ("astro", "Astro configuration"),
    ("@sveltejs", "Svelte configuration"),
    ("setuptools", "Package setup (setuptools)"),
    ("distutils", "Package setup (distutils)"),
    ("nox", "Nox sessions"),
    ("invoke", "Invoke tasks"),
    ("gulp", "gulp tasks"),
];

/// Names set by the configuration of a tool, all of them.
const TOOLS_BY_NAMES: &[(&[&str], &str)] = &[
    (&["extensions", "project"], "Sphinx configuration"),
    (&["html_theme"], "Sphinx configuration"),
    (&["INSTALLED_APPS"], "Django settings"),
    (&["SECRET_KEY", "DATABASES"], "Django settings"),
    (&["urlpatterns"], "URL routes (`urlpatterns`)"),
    (&["bind", "workers"], "Gunicorn configuration"),
];

/// The configuration of which tool a file is. Only a file that hands something to a tool is one.
pub(super) fn tool(outline: &Outline) -> Option<&'static str> {
    let facts = &outline.facts;
    let is_set = |name: &str| {
        facts.bindings.iter().any(|binding| binding.name == name)
            || outline.headings.iter().any(|heading| heading == name)
    };
    let sets = |names: &[&str]| names.iter().all(|name| is_set(name));
    if let Some((_, tool)) = TOOLS_BY_NAMES.iter().find(|(names, _)| sets(names)) {
        return Some(tool);
    }
    let hands_over = facts.default_export.is_some()
        || facts
            .calls
            .iter()
            .any(|call| call == "setup" || call.ends_with(".setup"));
    let imports = |module: &str| {
        outline.imports.iter().any(|import| {
            let rest = import.strip_prefix(module);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '.', '-', ':']))
        })
    };
    let by_import = || TOOLS.iter().find(|(module, _)| imports(module));
    let tool = hands_over.then(by_import).flatten();
    tool.map(|(_, tool)| *tool)
}

/// Says what the statements at the top level do; `false` where there are none.
pub(super) fn write(language: &str, outline: &Outline, paragraph: &mut Paragraph) -> bool {
    let facts = &outline.facts;
    let before = paragraph.is_empty();
    if let Some(tool) = tool(outline) {
        paragraph.say(tool);
    }
    registrations(outline, paragraph);
    if let Some(what) = facts
        .default_export
        .as_deref()
        .filter(|_| paragraph.is_empty())
    {
        paragraph.say(&match what {
            "" => "Exports one value".to_owned(),
            "function" => "Exports a function".to_owned(),
            "class" => "Exports a class".to_owned(),
            what => match what.strip_prefix("call of ") {
                Some(name) => format!("Exports the result of {}", quoted(name)),
                None if what.starts_with('`') => format!("Exports {what}"),
                None if what.starts_with('o') => format!("Exports an {what}"),
                None => format!("Exports a {what}"),
            },
        });
    }
    bindings(&facts.bindings, paragraph);
    if paragraph.is_empty() && !facts.calls.is_empty() {
        let calls: Vec<String> = facts.calls.iter().map(|call| called(call)).collect();
        let verb = if facts.is_script {
            "Script that calls"
        } else {
            "Runs"
        };
        paragraph.say(&format!("{verb} {}", list(&calls, 5)));
    }
    if paragraph.is_empty() && facts.is_script {
        paragraph.say("Runs as a script");
    }
    if paragraph.is_empty() && !outline.imports.is_empty() {
        let modules: Vec<String> = super::bare::modules(language, outline);
        let modules = if modules.is_empty() {
            outline.imports.clone()
        } else {
            modules
        };
        paragraph.say(&format!(
            "Imports {}, and nothing else",
            quoted_list(&modules, 4)
        ));
    }
    before && !paragraph.is_empty()
}

/// Constants for each function from which on a file is there for its constants.
const CONSTANTS_PER_FUNCTION: usize = 5;

/// Whether a file is there for its constants, with a few functions beside them.
pub(super) fn outweigh(outline: &Outline, elements: &[Shown<'_>]) -> bool {
    let is_function = |shown: &Shown<'_>| shown.element.kind == "function";
    let is_constant = |binding: &&Binding| !binding.name.contains(char::is_lowercase);
    let constants = outline.facts.bindings.iter().filter(is_constant).count();
    !elements.is_empty()
        && elements.iter().all(is_function)
        && constants >= CONSTANTS_PER_FUNCTION * elements.len()
}

/// Says which names are set, definitions apart.
pub(super) fn values(outline: &Outline, paragraph: &mut Paragraph) {
    let is_defined = |name: &str| outline.elements.iter().any(|element| element.name == name);
    let mut set = outline.facts.bindings.clone();
    set.retain(|binding| !is_defined(&binding.name));
    bindings(&set, paragraph);
}

/// Routes and commands.
pub(super) fn registrations(outline: &Outline, paragraph: &mut Paragraph) {
    let facts = &outline.facts;
    if !facts.routes.is_empty() {
        let noun = if facts.routes.len() == 1 {
            "route"
        } else {
            "routes"
        };
        paragraph.say(&format!(
            "Registers the {noun} {}",
            quoted_list(&facts.routes, 5)
        ));
    }
    if facts.commands.len() > 1 {
        let commands = quoted_list(&facts.commands, 7);
        paragraph.say(&format!("Registers the commands {commands}"));
    }
}

/// `release`, or `app.use('/x')` with its string.
fn called(call: &str) -> String {
    match call.split_once(' ') {
        Some((name, text)) => quoted(&format!("{name}('{text}')")),
        None => quoted(call),
    }
}

/// The names that are set, with what they are where it tells something.
fn bindings(bindings: &[Binding], paragraph: &mut Paragraph) {
    let is_shown = |binding: &&Binding| {
        !binding.name.starts_with("__") && !binding.name.contains('.') && binding.what != "number"
    };
    let public: Vec<&Binding> = bindings
        .iter()
        .filter(is_shown)
        .filter(|binding| !binding.name.starts_with('_'))
        .collect();
    let shown: Vec<&Binding> = match public.is_empty() {
        true => bindings.iter().filter(is_shown).collect(),
        false => public,
    };
    let Some(first) = shown.first() else {
        return;
    };
    // Many results of one function say more together: the signals, the warnings.
    let alike = shown
        .iter()
        .filter(|binding| binding.what == first.what)
        .count();
    if shown.len() >= 3 && alike * 5 >= shown.len() * 4 && !first.what.is_empty() {
        let names: Vec<String> = shown.iter().map(|binding| binding.name.clone()).collect();
        let of = match first.what.strip_prefix("call of ") {
            Some(function) => format!(" made by {}", quoted(function)),
            None => String::new(),
        };
        let number = count(names.len(), "value", "values");
        paragraph.say(&format!("Sets {number}{of}: {}", quoted_list(&names, 6)));
        return;
    }
    let described: Vec<String> = shown.iter().map(|binding| described(binding)).collect();
    paragraph.say(&format!("Sets {}", list(&described, 4)));
}

/// `X (table of 16 entries)`
fn described(binding: &Binding) -> String {
    let name = quoted(&binding.name);
    match binding.what.as_str() {
        "" | "text" | "function" => name,
        what => match what.strip_prefix("call of ") {
            Some(function) => format!("{name} (from {})", quoted(function)),
            None => format!("{name} ({})", what.replace(['(', ')'], "").trim()),
        },
    }
}
