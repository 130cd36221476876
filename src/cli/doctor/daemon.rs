//! The daemon: whether one runs, and whether it uses what this shell would.

use std::path::Path;

use super::{Check, State};
use crate::client::locate::canonical;
use crate::client::{Client, ConnectError};
use crate::config::places::Places;
use crate::shell::watch::is_overlay;
use crate::wire::protocol::{Repository, Status};

/// Whether a daemon answers, and which.
pub(super) fn runs(client: &Result<Client, ConnectError>, status: Option<&Status>) -> Check {
    let own = env!("CARGO_PKG_VERSION");
    match (client, status) {
        (Ok(_), Some(status)) if status.version == own => Check::ok(
            "daemon",
            format!("runs: process {}, version {own}", status.pid),
        ),
        (Ok(_), Some(status)) => Check::warning(
            "daemon",
            format!("is version {}, this program {own}", status.version),
            "`epitome restart` replaces it",
        ),
        (Ok(_), None) => Check::failed(
            "daemon",
            "listens, but gives no status",
            "`epitome restart`, and look at its log",
        ),
        (Err(ConnectError::NoDaemon), _) => Check::warning(
            "daemon",
            "does not run",
            "`epitome watch` in a repository starts one; so does `epitome daemon`, or `epitome service install`",
        ),
        (Err(error), _) => Check::failed(
            "daemon",
            error.to_string(),
            "name another socket with --socket",
        ),
    }
}

/// Where the daemon uses another configuration or store than this shell would.
pub(super) fn compared(status: &Status, places: &Places) -> Vec<Check> {
    let Some(daemon) = &status.daemon else {
        return Vec::new();
    };
    let rows = [
        ("configuration", &daemon.config, &places.config),
        ("store", &daemon.data_dir, &places.data),
    ];
    let differs = |theirs: &str, own: &Path| canonical(Path::new(theirs)) != canonical(own);
    let different = rows
        .into_iter()
        .filter(|(_, theirs, own)| differs(theirs, own));
    different
        .map(|(what, theirs, own)| {
            Check::warning(
                "daemon",
                format!("its {what} is {theirs}, this shell's {}", own.display()),
                "`epitome restart` here starts it with this shell's; or set the same XDG and EPITOME variables",
            )
        })
        .collect()
}

/// The daemon's own notes, such as what is polled, and why.
pub(super) fn notes(status: &Status) -> Vec<Check> {
    let warning = |detail: String| match detail.split_once("; ") {
        Some((detail, fix)) => Check::warning("daemon", detail, fix),
        None => Check::new("daemon", State::Warning, detail, None),
    };
    let of_repositories = status.repositories.iter().flat_map(|repository| {
        let notes = repository.notes.iter();
        notes.map(|note| format!("{}: {note}", repository.path))
    });
    let all = status.notes.iter().cloned().chain(of_repositories);
    all.map(warning).collect()
}

/// What the daemon leaves out of each repository's map, and by which rule.
pub fn left_out(status: &Status) -> Vec<Check> {
    let repositories = status.repositories.iter();
    let with_some = repositories.filter(|repository| !repository.excluded.is_empty());
    let check = |repository: &Repository| {
        let files = crate::cli::render::status::excluded(&repository.excluded);
        Check::ok("left out", format!("{}: {files}", repository.path))
    };
    with_some.map(check).collect()
}

/// Repositories that are on an overlay.
pub fn overlays(status: &Status) -> Vec<Check> {
    let repositories = status.repositories.iter();
    let layered =
        repositories.filter(|one| one.watch == "native" && is_overlay(Path::new(&one.path)));
    let check = |repository: &Repository| {
        let path = &repository.path;
        Check::ok(
            "overlay",
            format!(
                "{path} is on an overlay: writes to its layers from outside, past {path}, are found by the daily scan and by \
                 `epitome restart`; [watch] backend = \"poll\" finds them at once"
            ),
        )
    };
    layered.map(check).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::fake;
    use crate::wire::protocol::DaemonPlaces;

    #[test]
    fn a_daemon_with_other_places_is_a_warning() {
        let mut status = fake::status(Vec::new());
        let places = Places {
            config: "/c/config.toml".into(),
            config_named: false,
            data: "/d".into(),
            socket: "/s".into(),
        };
        assert!(compared(&status, &places).is_empty());
        status.daemon = Some(DaemonPlaces {
            config: "/c/config.toml".to_owned(),
            data_dir: "/other".to_owned(),
            socket: "/s".to_owned(),
            key: "absent".to_owned(),
        });
        let found = compared(&status, &places);
        assert_eq!(found.len(), 1);
        assert!(found[0].detail.contains("its store is /other"), "{found:?}");
    }
}
