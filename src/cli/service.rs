//! `epitome service`: the daemon as a service of the user's systemd.
//!
//! A unit that the user changed is never overwritten or removed without `--force`, and the old one is kept then.

mod status;
pub mod systemctl;
mod units;

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::{Context, output};
use crate::client::Client;
use crate::wire::access::Access;
use status::status;
use units::{Differences, Found, HARDENING, SERVICE, SOCKET};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Put the units in place and listen: the first question starts the daemon
    Install {
        /// Also replace units that were changed by hand; the old ones are kept beside them
        #[arg(long)]
        force: bool,
        /// Start the daemon at every login, not only at the first question
        #[arg(long)]
        at_login: bool,
        /// Let the daemon write nothing but its own files; the system must allow user namespaces
        #[arg(long)]
        hardened: bool,
    },
    /// Stop the daemon and take the units away; what was paid for is kept
    Uninstall {
        /// Also remove units that were changed by hand
        #[arg(long)]
        force: bool,
    },
    /// Tell what is installed and what runs; starts nothing
    Status {
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let folder = folder()?;
    match arguments.action {
        Action::Install {
            force,
            at_login,
            hardened,
        } => install(context, &folder, force, at_login, hardened).await,
        Action::Uninstall { force } => uninstall(&folder, force).await,
        Action::Status { json } => status(&folder, json).await,
    }
}

/// Whether systemd is to listen at `socket`: a socket unit, the user's or the system's, says so.
pub fn is_installed(socket: &Path) -> bool {
    let own = folder().ok();
    let everybody_s = ["/etc", "/run", "/usr/local/lib", "/usr/lib"]
        .map(|above| Path::new(above).join("systemd/user"));
    let text = own
        .into_iter()
        .chain(everybody_s)
        .find_map(|folder| fs::read_to_string(folder.join(SOCKET)).ok());
    let listens = text.and_then(|text| units::listens_at(&text, &systemctl::runtime_folder()));
    listens.is_some_and(|listens| listens == socket)
}

/// Where a user's own units are.
fn folder() -> Result<PathBuf, Failure> {
    let base = directories::BaseDirs::new();
    let folder = base.map(|base| base.config_dir().join("systemd/user"));
    folder
        .filter(|folder| folder.is_absolute())
        .ok_or_else(|| Failure::Failed("the home folder is not known: set HOME".to_owned()))
}

async fn install(
    context: &Context,
    folder: &Path,
    force: bool,
    at_login: bool,
    hardened: bool,
) -> Result<(), Failure> {
    let differences = differences(context, systemctl::version().await?)?;
    // Before anything is written: whether there is somebody to read it.
    systemctl::user(&["show-environment"]).await.map_err(|failure| {
        Failure::Failed(format!(
            "{failure}; the user's systemd does not answer: log in by a session that has one (not su or sudo), or run `epitome daemon`"
        ))
    })?;
    // Who asked for the drop-in once keeps it.
    let hardened_before = units::found(&folder.join(HARDENING))? != Found::Nothing;
    let mut names = vec![SOCKET, SERVICE];
    if hardened || hardened_before {
        names.push(HARDENING);
    }
    if !force {
        refuse_changed(folder, &names, "overwritten")?;
    }
    make_private(&context.places.data)?;
    let socket_before = fs::read_to_string(folder.join(SOCKET)).ok();
    for name in &names {
        put(&folder.join(name), &units::text(name, &differences)?)?;
    }
    let socket_changed = socket_before != fs::read_to_string(folder.join(SOCKET)).ok();

    systemctl::user(&["daemon-reload"]).await?;
    let _ = systemctl::user(&["reset-failed", SOCKET, SERVICE]).await;
    let runs = is_active(SERVICE).await;
    if is_active(SOCKET).await {
        if socket_changed {
            // It takes the daemon down with it.
            systemctl::user(&["restart", SOCKET]).await?;
        }
    } else if let Ok(client) = Client::connect(&context.places.socket).await
        && let Ok(status) = client.status().await
    {
        let process = status.pid;
        output::say(&format!(
            "the daemon that runs now (process {process}) ends, and the service takes its place"
        ));
    }
    systemctl::user(&["enable", "--now", SOCKET]).await?;
    if at_login {
        systemctl::user(&["enable", SERVICE]).await?;
    }
    if runs || at_login || hardened {
        // A program that was replaced, a unit that is another: the old one has run long enough.
        let restarted = systemctl::user(&["restart", SERVICE]).await;
        if let Err(failure) = restarted {
            return Err(not_started(folder, hardened && !hardened_before, failure).await);
        }
    }
    output::say(&format!(
        "installed in {}; {}",
        folder.display(),
        match runs || at_login || hardened {
            true => "the daemon runs",
            false => "the first question, as `epitome status`, starts the daemon",
        }
    ));
    Ok(())
}

/// The service does not start: a drop-in that this system does not allow is taken away again.
async fn not_started(folder: &Path, hardened_now: bool, failure: Failure) -> Failure {
    if hardened_now {
        let _ = fs::remove_file(folder.join(HARDENING));
        let reloaded = systemctl::user(&["daemon-reload"]).await;
        let _ = systemctl::user(&["reset-failed", SERVICE]).await;
        let started = systemctl::user(&["restart", SERVICE]).await;
        if reloaded.is_ok() && started.is_ok() {
            return Failure::Failed(
                "installed without --hardened: with it the service does not start here, probably because the system does not let users have user namespaces"
                    .to_owned(),
            );
        }
    }
    Failure::Failed(format!(
        "installed, but the daemon does not start ({failure}); see `journalctl --user -u epitome`, or run `epitome daemon` to see why"
    ))
}

async fn uninstall(folder: &Path, force: bool) -> Result<(), Failure> {
    let names = [SOCKET, SERVICE, HARDENING];
    let mut there = Vec::new();
    for name in names {
        if units::found(&folder.join(name))? != Found::Nothing {
            there.push(name);
        }
    }
    if there.is_empty() {
        output::say(&format!("nothing is installed in {}", folder.display()));
        return Ok(());
    }
    if !force {
        refuse_changed(folder, &there, "removed")?;
    }
    // Without systemd nothing runs, and the files can go all the same.
    let disabled = systemctl::user(&["disable", "--now", SOCKET, SERVICE]).await;
    for name in there {
        let path = folder.join(name);
        fs::remove_file(&path).map_err(|error| failed(&path, &error))?;
    }
    // Only where the user has no drop-ins of their own in there.
    let _ = fs::remove_dir(folder.join("epitome.service.d"));
    match disabled {
        Ok(_) => {
            systemctl::user(&["daemon-reload"]).await?;
            let _ = systemctl::user(&["reset-failed", SERVICE]).await;
        }
        Err(failure) => output::say(&format!("the units are removed; {failure}")),
    }
    output::say("uninstalled; summaries and configuration are kept");
    Ok(())
}

/// The program by the path that the user called it by: a link such as `current/epitome` or `~/.cargo/bin/epitome` stays
/// where the version behind it is replaced.
///
/// # Errors
///
/// The program's own path cannot be found.
pub fn program() -> Result<PathBuf, Failure> {
    let own = std::env::current_exe().map_err(|error| {
        Failure::Failed(format!("the program's own path cannot be found: {error}"))
    })?;
    let called = std::env::args_os()
        .next()
        .map(PathBuf::from)
        .unwrap_or_default();
    let found = match called.components().count() {
        0 => None,
        1 => std::env::var_os("PATH").and_then(|path| {
            let folders = std::env::split_paths(&path).filter(|folder| folder.is_absolute());
            folders
                .map(|folder| folder.join(&called))
                .find(|file| file.is_file())
        }),
        _ => std::path::absolute(&called).ok(),
    };
    let same = |path: &PathBuf| path.canonicalize().ok() == own.canonicalize().ok();
    let found = found.map(|path| crate::wire::target::clean_path(&path));
    Ok(found.filter(same).unwrap_or(own))
}

/// What this user has otherwise than the units say. The user's systemd need not have the variables of this shell.
fn differences(context: &Context, systemd: Option<u32>) -> Result<Differences, Failure> {
    let program = program()?;
    let home = directories::BaseDirs::new().map(|base| base.home_dir().to_path_buf());
    let home = home.unwrap_or_default();
    let places = &context.places;
    let unless = |is: &Path, usual: PathBuf| (is != usual).then(|| is.to_path_buf());
    Ok(Differences {
        program,
        config: unless(&places.config, home.join(".config/epitome/config.toml")),
        data: unless(&places.data, home.join(".local/share/epitome")),
        socket: unless(
            &places.socket,
            systemctl::runtime_folder().join("epitome.sock"),
        ),
        systemd,
    })
}

async fn is_active(unit: &str) -> bool {
    systemctl::user(&["is-active", "--quiet", unit])
        .await
        .is_ok()
}

fn refuse_changed(folder: &Path, names: &[&str], what: &str) -> Result<(), Failure> {
    for name in names {
        let path = folder.join(name);
        if units::found(&path)? == Found::Changed {
            return Err(Failure::Failed(format!(
                "{} was changed by hand and is not {what}; move your changes into a drop-in, or use --force",
                path.display()
            )));
        }
    }
    Ok(())
}

/// Writes a unit as a whole. One that was changed by hand is kept beside it.
fn put(path: &Path, text: &str) -> Result<(), Failure> {
    if fs::read_to_string(path).is_ok_and(|now| now == text) {
        return Ok(());
    }
    let write = || -> io::Result<()> {
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
        let new = beside(path, "new");
        fs::write(&new, text)?;
        fs::rename(&new, path)
    };
    if units::found(path)? == Found::Changed {
        let kept = beside(path, "before");
        fs::rename(path, &kept).map_err(|error| failed(path, &error))?;
        output::say(&format!("the changed unit is kept as {}", kept.display()));
    }
    write().map_err(|error| failed(path, &error))
}

/// The same name with a last part that systemd does not know.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

fn make_private(folder: &Path) -> Result<(), Failure> {
    let mut builder = fs::DirBuilder::new();
    let made = builder.recursive(true).mode(0o700).create(folder);
    made.map_err(|error| failed(folder, &error))
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::Failed(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_changed_unit_is_kept_even_by_force() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deeper").join(SOCKET);
        put(&path, "one\n").unwrap();
        assert!(refuse_changed(path.parent().unwrap(), &[SOCKET], "overwritten").is_err());
        let text = units::text(SOCKET, &Differences::default()).unwrap();
        put(&path, &text).unwrap();
        refuse_changed(path.parent().unwrap(), &[SOCKET], "overwritten").unwrap();
        let kept = beside(&path, "before");
        assert_eq!(fs::read_to_string(kept).unwrap(), "one\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}
