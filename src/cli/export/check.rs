//! `epitome check`: whether a committed export is what the tree says.

use std::fs;
use std::path::{Path, PathBuf};

use super::documents::{Document, Format, documents, leftovers};
use crate::cli::failure::Failure;
use crate::cli::text::{count, tilde};
use crate::cli::{Context, here, output, paths};
use crate::config;
use crate::wire::markdown::MARKER;

/// Files that are named.
const NAMED: usize = 10;

#[derive(Debug, clap::Args)]
pub struct CheckArguments {
    /// The exported folder [default: the current folder]
    path: Option<PathBuf>,
    /// The folder that the export was written to [default: `[export] dir` of the configuration]
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
    /// The format of the export [default: those that are in the folder]
    #[arg(long, value_enum)]
    format: Option<Format>,
}

pub async fn check(context: &Context, arguments: &CheckArguments) -> Result<(), Failure> {
    let path = here::or_here(context, arguments.path.as_deref()).await?;
    let (folder, configured) = match &arguments.output {
        Some(folder) => (paths::absolute(Some(folder))?, Vec::new()),
        None => configured(context, &path)?,
    };
    let formats = match arguments.format {
        Some(format) => vec![format],
        None if configured.is_empty() => present(&folder),
        None => configured,
    };
    if formats.is_empty() {
        let reason = format!(
            "{}: no export here; write one with `epitome export`",
            tilde(&folder)
        );
        return Err(Failure::Failed(reason));
    }
    super::settle(context, &path).await;
    let tree = super::tree(context, &path, &folder).await?;
    let place = super::place(&tree, &path, &folder);
    let mut outdated = Vec::new();
    let mut checked = 0;
    for format in formats {
        let documents = documents(&tree, format, &place, &path)?;
        checked += documents.len() as u64;
        let changed = documents.iter().filter(|one| !is_current(one, &folder));
        outdated.extend(changed.map(|one| folder.join(&one.path)));
        outdated.extend(leftovers(&folder, format, &documents));
    }
    if outdated.is_empty() {
        output::say(&format!(
            "{} checked, all up to date",
            count(checked, "file")
        ));
        return Ok(());
    }
    for file in outdated.iter().take(NAMED) {
        output::say(&format!("out of date: {}", tilde(file)));
    }
    Err(Failure::Failed(format!(
        "{} out of date; run `epitome export` again and commit the result",
        match outdated.len() {
            1 => "1 exported file is".to_owned(),
            many => format!("{} are", count(many as u64, "exported file")),
        }
    )))
}

/// The export folder that the configuration names, and what is written there.
fn configured(context: &Context, path: &Path) -> Result<(PathBuf, Vec<Format>), Failure> {
    let export = context.config()?.export;
    let Some(folder) = export.dir else {
        let reason = "no export to check: name its folder with --output, or set [export] dir";
        return Err(Failure::Failed(reason.to_owned()));
    };
    let formats = export.formats.iter().map(|format| match format {
        config::Format::Index => Format::Index,
        config::Format::Markdown => Format::Markdown,
    });
    Ok((path.join(folder), formats.collect()))
}

/// The formats whose files are in the folder. A page is not among them: its date is part of it.
fn present(folder: &Path) -> Vec<Format> {
    let formats = [Format::Index, Format::Markdown, Format::MarkdownSingle];
    let is_there = |format: &Format| {
        fs::read(folder.join(format.file())).is_ok_and(|bytes| format.wrote(&bytes))
    };
    formats.into_iter().filter(is_there).collect()
}

fn is_current(document: &Document, folder: &Path) -> bool {
    let written = fs::read(folder.join(&document.path)).unwrap_or_default();
    written == document.bytes
        || without_revision(&written)
            .is_some_and(|page| Some(page) == without_revision(&document.bytes))
}

/// A Markdown page without the revision in its head: committing the export changes the revision, and the daemon writes
/// none.
fn without_revision(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let text = text.strip_prefix(MARKER)?;
    let without = text
        .split_once(" · revision `")
        .and_then(|(before, after)| {
            let (_, after) = after.split_once("`*\n")?;
            Some(format!("{before}*\n{after}"))
        });
    Some(without.unwrap_or_else(|| text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_revision_does_not_make_a_page_out_of_date() {
        let page =
            |revision: &str| format!("{MARKER}# a/\n\n*1 file · revision `{revision}`*\n\nText.\n");
        assert_eq!(
            without_revision(page("a1").as_bytes()),
            without_revision(page("b2").as_bytes())
        );
        let live = format!("{MARKER}# a/\n\n*1 file*\n\nText.\n");
        assert_eq!(
            without_revision(page("a1").as_bytes()),
            without_revision(live.as_bytes())
        );
        assert_eq!(without_revision(b"# other"), None);
    }
}
