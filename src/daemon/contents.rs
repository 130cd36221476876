//! What a file's content is and says: its digests, its outline out of the store or out of the parser, its text.

use crate::daemon::context::Shared;
use crate::engine::event::ReadProblem;
use crate::model::contents::Contents;
use crate::model::digest::{Digest, Hasher};
use crate::model::language::Language;
use crate::model::outline::Outline;
use crate::model::path::{RelPath, RepoId};
use crate::shell::read::ReadError;
use crate::shell::{parse, read};

/// The content changed between its digest and this read.
pub struct Moved;

/// A file as it is now, with the digests that its key is made of.
pub fn read_file(shared: &Shared, repo: RepoId, path: &RelPath) -> Result<Contents, ReadProblem> {
    let entry = shared.registry.get(repo).ok_or(ReadProblem::Gone)?;
    let reading = read::read(&entry.root, path, shared.config.files.max_bytes).map_err(
        |error| match error {
            ReadError::Gone | ReadError::NotRegular => ReadProblem::Gone,
            ReadError::Moving | ReadError::Crowded(_) => ReadProblem::Moving,
            other => ReadProblem::Denied(other.to_string()),
        },
    )?;
    let mut contents = Contents {
        stat: reading.stat,
        observed_ms: reading.observed_ms,
        digest: reading.digest,
        syntax: reading.digest,
        language: reading.language,
        content_kind: reading.content_kind,
    };
    if let Some(text) = reading.text {
        let (syntax, _) = outline(shared, contents.language, contents.digest, || Some(text))
            .ok_or(ReadProblem::Gone)?;
        contents.syntax = syntax;
    }
    Ok(contents)
}

/// The syntax digest and the outline of a content: from the store, or parsed from its text without secrets.
pub fn outline(
    shared: &Shared,
    language: Option<Language>,
    digest: Digest,
    bytes: impl FnOnce() -> Option<Vec<u8>>,
) -> Option<(Digest, Outline)> {
    let key = outline_key(language, digest);
    if let Ok(Some(known)) = shared.store.outline(key) {
        return Some(known);
    }
    let parsed = parse::parse(language, &bytes()?, digest);
    if shared.mode.keeps()
        && let Err(error) = shared
            .store
            .put_outline(key, parsed.syntax, &parsed.outline)
    {
        // One note for all of them: on a full disk there would be a line for each file.
        shared
            .notes
            .set("store", format!("outlines cannot be kept: {error}"));
    }
    Some((parsed.syntax, parsed.outline))
}

/// What an outline is stored under.
pub fn outline_key(language: Option<Language>, digest: Digest) -> Digest {
    let mut hasher = Hasher::new("outline.1");
    hasher.number(u64::from(parse::VERSION));
    hasher.field(language.map_or("", Language::name).as_bytes());
    hasher.digest(digest);
    hasher.finish()
}

/// The text, without secrets, of a file whose content still has the digest.
pub fn text_of(
    shared: &Shared,
    repo: RepoId,
    path: &RelPath,
    digest: Digest,
) -> Result<String, Moved> {
    let entry = shared.registry.get(repo).ok_or(Moved)?;
    let reading =
        read::read(&entry.root, path, shared.config.files.max_bytes).map_err(|_| Moved)?;
    let text = reading
        .text
        .filter(|_| reading.digest == digest)
        .ok_or(Moved)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
