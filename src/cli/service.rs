//! `epitome service`: the daemon as a service of the user's systemd.
//!
//! A unit that the user changed is overwritten or removed only with `--force`; the old one is kept then.

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
    /// Install the units: systemd listens, and the first request starts the daemon
    Install {
        /// Also replace units that were changed by hand; the old ones are kept beside them
        #[arg(long)]
        force: bool,
        /// Start the daemon at every login, not only at the first request
        #[arg(long)]
        at_login: bool,
        /// Let the daemon write only its own files; the system must allow user namespaces
        #[arg(long)]
        hardened: bool,
    },
    /// Stop the daemon and remove the units; store and configuration stay
    Uninstall {
        /// Also remove units that were changed by hand
        #[arg(long)]
        force: bool,
    },
    /// Show what is installed and what runs; starts nothing
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

/// Whether a socket unit, the user's or the system's, has systemd listen at `socket`.
pub fn is_installed(socket: &Path) -> bool {
    let own = folder().ok();
    let system = ["/etc", "/run", "/usr/local/lib", "/usr/lib"]
        .map(|above| Path::new(above).join("systemd/user"));
    let text = own
        .into_iter()
        .chain(system)
        .find_map(|folder| fs::read_to_string(folder.join(SOCKET)).ok());
    let listens = text.and_then(|text| units::listens_at(&text, &systemctl::runtime_folder()));
    listens.is_some_and(|listens| listens == socket)
}

/// The folder of the user's own units.
fn folder() -> Result<PathBuf, Failure> {
    let base = directories::BaseDirs::new();
    let folder = base.map(|base| base.config_dir().join("systemd/user"));
    folder
        .filter(|folder| folder.is_absolute())
        .ok_or_else(|| Failure::Failed("the home folder is not known: set HOME".to_owned()))
}

/// The user's own unit of the daemon, where one is installed, and the program that it runs.
pub fn installed_program() -> Option<(PathBuf, PathBuf)> {
    let unit = folder().ok()?.join(SERVICE);
    let text = fs::read_to_string(&unit).ok()?;
    let program = units::program_of(&text, &std::env::home_dir()?)?;
    Some((unit, program))
}

async fn install(
    context: &Context,
    folder: &Path,
    force: bool,
    at_login: bool,
    hardened: bool,
) -> Result<(), Failure> {
    let differences = differences(context, systemctl::version().await?)?;
    // Before anything is written: whether the user's systemd answers.
    systemctl::user(&["show-environment"]).await.map_err(|failure| {
        Failure::Failed(format!(
            "{failure}; the user's systemd does not answer: log in with a session that has one (not su or sudo), or run `epitome daemon`"
        ))
    })?;
    // A drop-in that was asked for once stays.
    let hardened_before = units::found(&folder.join(HARDENING))? != Found::Nothing;
    let mut names = vec![SOCKET, SERVICE];
    if hardened || hardened_before {
        names.push(HARDENING);
    }
    if !force {
        refuse_changed(folder, &names, "overwritten")?;
    }
    create_private(&context.places.data)?;
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
            // This stops the daemon, too.
            systemctl::user(&["restart", SOCKET]).await?;
        }
    } else if let Ok(client) = Client::connect(&context.places.socket).await
        && let Ok(status) = client.status().await
    {
        let process = status.pid;
        output::say(&format!(
            "the running daemon (process {process}) ends, and the service takes its place"
        ));
    }
    systemctl::user(&["enable", "--now", SOCKET]).await?;
    if at_login {
        systemctl::user(&["enable", SERVICE]).await?;
    }
    if runs || at_login || hardened {
        // The program or the unit may be new.
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
            false => "the first request, such as `epitome status`, starts the daemon",
        }
    ));
    Ok(())
}

/// The failure of a service that does not start. A drop-in that this system does not allow is removed again.
async fn not_started(folder: &Path, hardened_now: bool, failure: Failure) -> Failure {
    if hardened_now {
        let _ = fs::remove_file(folder.join(HARDENING));
        let reloaded = systemctl::user(&["daemon-reload"]).await;
        let _ = systemctl::user(&["reset-failed", SERVICE]).await;
        let started = systemctl::user(&["restart", SERVICE]).await;
        if reloaded.is_ok() && started.is_ok() {
            return Failure::Failed(
                "installed without --hardened: with it the service does not start here, probably because the system allows users no user namespaces"
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
    // Without systemd nothing runs, and the files are removed all the same.
    let disabled = systemctl::user(&["disable", "--now", SOCKET, SERVICE]).await;
    for name in there {
        let path = folder.join(name);
        fs::remove_file(&path).map_err(|error| failed(&path, &error))?;
    }
    // Fails where the user has drop-ins of their own in it.
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

/// How this user's places differ from the units' defaults. The user's systemd may lack this shell's variables.
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

/// Writes a unit atomically. One that was changed by hand is kept beside it.
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

/// The same name with an ending that systemd ignores.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

fn create_private(folder: &Path) -> Result<(), Failure> {
    let mut builder = fs::DirBuilder::new();
    let created = builder.recursive(true).mode(0o700).create(folder);
    created.map_err(|error| failed(folder, &error))
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::Failed(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_changed_unit_is_kept_even_with_force() {
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
