//! The content of a file: its digests, its outline from the store or the parser, its text.

use std::borrow::Cow;

use crate::config::Generated;
use crate::daemon::context::Context;
use crate::engine::event::ReadProblem;
use crate::model::contents::Contents;
use crate::model::digest::{Digest, Hasher};
use crate::model::failure::{Failure, Remedy};
use crate::model::language::Language;
use crate::model::outline::Outline;
use crate::model::path::{RelPath, RepoId};
use crate::shell::read::ReadError;
use crate::shell::redact::{self, Syntax};
use crate::shell::{classify, parse, read};

/// The content is no longer the one that was requested.
pub struct Moved;

/// The failure of a request whose content changed.
pub fn moved() -> Failure {
    Failure::new(Remedy::Changed, "it changed before it was summarized")
}

/// The outline of a content.
pub struct Parsed {
    /// Its key in the store.
    pub key: Digest,
    /// The digest of the syntax.
    pub syntax: Digest,
    pub outline: Outline,
    /// It is not stored yet.
    pub is_new: bool,
}

/// Reads a file; returns the digests that its key is made of, and a text file's outline.
pub fn read_file(
    context: &Context,
    repo: RepoId,
    path: &RelPath,
) -> Result<(Contents, Option<Parsed>), ReadProblem> {
    let entry = context.registry.get(repo).ok_or(ReadProblem::Gone)?;
    let max_bytes = context.config.files.max_bytes;
    let reading = read::read(&entry.root, path, max_bytes).map_err(|error| match error {
        ReadError::Gone | ReadError::NotRegular => ReadProblem::Gone,
        ReadError::Moving | ReadError::Crowded(_) => ReadProblem::Moving,
        other => ReadProblem::Denied(other.to_string()),
    })?;
    let mut contents = Contents {
        stat: reading.stat,
        observed_ms: reading.observed_ms,
        digest: reading.digest,
        syntax: reading.digest,
        language: reading.language,
        content_kind: reading.content_kind,
    };
    let Some(text) = reading.text else {
        return Ok((contents, None));
    };
    let detect = context.config.files.generated == Generated::Line;
    let policy = entry.rules().policy(path);
    contents.content_kind = classify::kind(path, contents.language, &text, policy, detect);
    let head = match context.uses_model() {
        true => classify::head(contents.content_kind, &text),
        false => None,
    };
    let parsed = parsed(context, contents.language, contents.digest, || Some(text));
    let parsed = parsed.ok_or(ReadProblem::Gone)?;
    // What is below the head is not sent.
    contents.syntax = head.map_or(parsed.syntax, |head| {
        parse::parse(contents.language, head.as_bytes()).syntax
    });
    Ok((contents, Some(parsed)))
}

/// The syntax digest and the outline of a content: from the store, or parsed from its text without secrets and
/// stored.
pub fn outline(
    context: &Context,
    language: Option<Language>,
    digest: Digest,
    bytes: impl FnOnce() -> Option<Vec<u8>>,
) -> Option<(Digest, Outline)> {
    let parsed = parsed(context, language, digest, bytes)?;
    if parsed.is_new && context.mode.keeps_contents() {
        store_outline(context, &parsed);
    }
    Some((parsed.syntax, parsed.outline))
}

/// Stores an outline. A failure costs time only, and is noted.
fn store_outline(context: &Context, parsed: &Parsed) {
    let outline = (parsed.key, parsed.syntax, &parsed.outline);
    if let Err(error) = context.store.put_free(&[outline], &[]) {
        let note = format!("cannot store outlines: {error}");
        context.notes.set("store", note);
    }
}

fn parsed(
    context: &Context,
    language: Option<Language>,
    digest: Digest,
    bytes: impl FnOnce() -> Option<Vec<u8>>,
) -> Option<Parsed> {
    let key = outline_key(language, digest);
    if let Ok(Some((syntax, outline))) = context.store.outline(key) {
        return Some(Parsed {
            key,
            syntax,
            outline,
            is_new: false,
        });
    }
    let parsed = parse::parse(language, &bytes()?);
    Some(Parsed {
        key,
        syntax: parsed.syntax,
        outline: parsed.outline,
        is_new: true,
    })
}

/// The key of an outline in the store.
pub fn outline_key(language: Option<Language>, digest: Digest) -> Digest {
    let mut hasher = Hasher::new("outline.1");
    hasher.number(u64::from(parse::VERSION));
    hasher.field(language.map_or("", Language::name).as_bytes());
    hasher.digest(digest);
    hasher.finish()
}

/// The language and the text of a file, without secrets.
///
/// # Errors
/// The content no longer has this digest.
pub fn decoded(
    context: &Context,
    repo: RepoId,
    path: &RelPath,
    digest: Digest,
) -> Result<(Option<Language>, Vec<u8>), Moved> {
    let entry = context.registry.get(repo).ok_or(Moved)?;
    let max_bytes = context.config.files.max_bytes;
    let reading = read::read(&entry.root, path, max_bytes).map_err(|_| Moved)?;
    let text = reading.text.filter(|_| reading.digest == digest);
    Ok((reading.language, text.ok_or(Moved)?))
}

/// What people wrote in a file, without secrets; see [`parse::written`].
///
/// # Errors
/// The content no longer has this digest.
pub fn text_of(
    context: &Context,
    repo: RepoId,
    path: &RelPath,
    digest: Digest,
) -> Result<String, Moved> {
    let (language, text) = decoded(context, repo, path, digest)?;
    let text = String::from_utf8_lossy(&text);
    Ok(match parse::written(language, &text) {
        // What was a string of JSON may be code with a secret.
        Cow::Owned(written) => {
            let redacted = redact::redact(written.as_bytes(), Syntax::Code);
            String::from_utf8_lossy(&redacted).into_owned()
        }
        Cow::Borrowed(_) => text.into_owned(),
    })
}
