//! The forms that a made first sentence can have, and the words that open each.
//!
//! What writes a sentence takes its opening from here, and a folder recognizes its children's sentences by the same
//! table. A sentence of no form here was written by the author of the file.

use crate::model::summary::first_sentence;

/// What a first sentence says, where it was made here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    Tests,
    Migration,
    ManagementCommand,
    Translations,
    Template,
    Svg,
    Workflow,
    Definitions,
    Program,
    ReExports,
    Values,
    Statements,
    Configuration,
    Data,
    Page,
    Listing,
    Generated,
    Licence,
    Nothing,
}

/// Openings with their forms. The first that fits counts.
const OPENINGS: &[(&str, Form)] = &[
    ("Tests of ", Form::Tests),
    ("Tests for ", Form::Tests),
    ("Tests: ", Form::Tests),
    ("Tests (", Form::Tests),
    ("A test: ", Form::Tests),
    ("Test helpers", Form::Tests),
    ("A Django migration", Form::Migration),
    ("A Django management command", Form::ManagementCommand),
    ("Translations", Form::Translations),
    ("HTML page or template", Form::Template),
    ("HTML template", Form::Template),
    ("SVG image", Form::Svg),
    ("GitHub workflow", Form::Workflow),
    ("Contains ", Form::Listing),
    ("Programs: ", Form::Listing),
    ("Programs that use ", Form::Listing),
    ("Generated", Form::Generated),
    ("Minified or bundled", Form::Generated),
    ("Data: ", Form::Data),
    ("Licence", Form::Licence),
    ("Image as text", Form::Svg),
    ("Defines ", Form::Definitions),
    ("Declares ", Form::Definitions),
    ("Adds ", Form::Definitions),
    ("Implements the ", Form::Definitions),
    ("A program that defines ", Form::Definitions),
    ("A program that ", Form::Program),
    ("Re-exports ", Form::ReExports),
    ("Imports ", Form::ReExports),
    ("Offers ", Form::ReExports),
    ("Sets ", Form::Values),
    ("Runs ", Form::Statements),
    ("Script that calls ", Form::Statements),
    ("Calls ", Form::Statements),
    ("Exports ", Form::Statements),
    ("Registers ", Form::Statements),
    ("Code that ", Form::Statements),
    ("Only comments", Form::Nothing),
    ("Statements about ", Form::Statements),
    ("Images: ", Form::Listing),
    ("Page “", Form::Page),
    ("Vite configuration", Form::Configuration),
    ("Empty file", Form::Nothing),
    ("Binary file", Form::Nothing),
    ("Too large", Form::Nothing),
    ("Holds secrets", Form::Nothing),
    ("Text file", Form::Nothing),
    ("Requirements: ", Form::Configuration),
    ("Lock file", Form::Configuration),
    ("Cargo manifest", Form::Configuration),
    ("Cargo workspace manifest", Form::Configuration),
    ("Python project manifest", Form::Configuration),
    ("Package manifest", Form::Configuration),
    ("Citation data", Form::Configuration),
    ("Git submodules", Form::Configuration),
    ("Git attributes", Form::Configuration),
    ("Paths that ", Form::Configuration),
    ("XML document of", Form::Data),
    ("A list that begins", Form::Data),
    ("Table with ", Form::Data),
    ("JSON ", Form::Data),
    ("YAML ", Form::Data),
    ("TOML ", Form::Data),
    ("INI ", Form::Data),
    ("Text “", Form::Page),
    ("Text that begins with ", Form::Page),
    ("Markdown page", Form::Page),
    ("reStructuredText page", Form::Page),
    ("Change log with ", Form::Page),
    ("The version (", Form::Values),
    ("Version ", Form::Values),
    ("Nothing is known", Form::Nothing),
];

/// Words inside of sentences about files of a language that has no parser here.
const MIDDLES: &[(&str, Form)] = &[
    (" code that defines ", Form::Definitions),
    (": contains ", Form::Listing),
    (" page “", Form::Page),
    (" file of ", Form::Nothing),
    (" data with the ", Form::Data),
    (" with the key", Form::Data),
    (" list of entries", Form::Data),
    ("ettings in the section", Form::Data),
    ("akefile with the target", Form::Configuration),
    ("ontainer image built from", Form::Configuration),
];

/// Openings of licences, whose names vary.
const LICENCE_ENDS: [&str; 2] = ["licence.", "License."];

/// The form of a summary's first sentence; `None` where its author wrote it.
pub(super) fn form(summary: &str) -> Option<Form> {
    let first = first_sentence(summary);
    let known = OPENINGS
        .iter()
        .find(|(opening, _)| first.starts_with(opening));
    let licence = || {
        let is_licence = first.starts_with(['T', 'A'])
            && first.len() < 60
            && LICENCE_ENDS.iter().any(|end| first.ends_with(end));
        is_licence.then_some(Form::Licence)
    };
    let middle = || {
        MIDDLES
            .iter()
            .find(|(words, _)| first.contains(words))
            .map(|(_, form)| *form)
    };
    known
        .map(|(_, form)| *form)
        .or_else(middle)
        .or_else(licence)
}

/// What an author's words about a project are, behind `Cargo manifest: ` and the like.
pub(super) fn manifest_description(summary: &str) -> Option<&str> {
    let first = first_sentence(summary);
    let (kind, words) = first.split_once(": ")?;
    (kind.ends_with(" manifest") || kind == "Maven project").then_some(words)
}
