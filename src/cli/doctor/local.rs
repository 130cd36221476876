//! What this machine has: files, limits, the key, the unit.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Access as Mode, access};

use super::Check;
use crate::cli::service;
use crate::config::{Config, Provider};
use crate::shell::store::{FORMAT, format_of};
use crate::wire::protocol::Status;

/// Below this many inotify watches, large repositories are partly polled.
const FEW_WATCHES: u64 = 65_536;

/// A repository of the configuration.
pub(super) fn repository(path: &Path) -> Check {
    match fs::read_dir(path) {
        Ok(_) => Check::ok("repository", path.display().to_string()),
        Err(error) => Check::warning(
            "repository",
            format!("{}: {error}", path.display()),
            "mount or create the folder, or remove it from repos in the configuration",
        ),
    }
}

/// The endpoint's key: the running daemon's counts, else this shell's.
pub(super) fn key(config: &Config, status: Option<&Status>) -> Check {
    let openai = &config.openai;
    if !config.summaries.enabled || config.summaries.provider == Provider::Offline {
        return Check::ok("key", "not needed: summaries are written on this machine");
    }
    if openai.is_remote_http() && !openai.allow_http {
        return Check::warning(
            "key",
            format!(
                "not sent: {} is unencrypted and on another machine",
                openai.base_url
            ),
            "use https://, or set openai.allow_http = true",
        );
    }
    let variable = &openai.api_key_env;
    match status
        .and_then(|status| status.daemon.as_ref())
        .map(|daemon| &*daemon.key)
    {
        Some("present") => {
            return Check::ok("key", format!("the daemon has one for {}", openai.base_url));
        }
        Some("absent") => {
            return Check::failed(
                "key",
                format!("the daemon has none: {variable} is not set in its environment"),
                "`epitome restart` in a shell that has it, or name a file in openai.api_key_file",
            );
        }
        _ => {}
    }
    match openai.api_key() {
        Ok(Some(_)) if openai.is_remote_http() => Check::warning(
            "key",
            format!("sent unencrypted to {}", openai.base_url),
            "use https://",
        ),
        Ok(Some(_)) => Check::ok("key", format!("present, for {}", openai.base_url)),
        Ok(None) if variable.is_empty() => {
            Check::ok("key", format!("none is sent to {}", openai.base_url))
        }
        Ok(None) => Check::failed(
            "key",
            format!("the variable {variable} is not set here"),
            "set it where the daemon starts, or name a file in openai.api_key_file",
        ),
        Err(reason) => Check::failed(
            "key",
            reason,
            "put the key alone into that variable or file",
        ),
    }
}

/// A warning for a file that other users can read or write.
pub(super) fn readable(file: &Path) -> Option<Check> {
    let mode = fs::metadata(file).ok()?.mode();
    let what = match mode & 0o077 {
        0 => return None,
        others if others & 0o022 != 0 => "writable",
        _ => "readable",
    };
    Some(Check::warning(
        "permissions",
        format!(
            "{}: {what} by other users (mode {:03o})",
            file.display(),
            mode & 0o777
        ),
        format!("chmod 600 '{}'", file.display()),
    ))
}

/// The limits of inotify; nothing where the system has none.
pub(super) fn inotify(read: impl Fn(&str) -> io::Result<String>) -> Vec<Check> {
    let mut checks = Vec::new();
    let limit = |name| -> Option<u64> { read(name).ok()?.trim().parse().ok() };
    if let Some(watches) = limit("max_user_watches") {
        let detail = format!("{watches} folders can be watched, by all programs together");
        checks.push(match watches < FEW_WATCHES {
            false => Check::ok("inotify watches", detail),
            true => Check::warning(
                "inotify watches",
                detail,
                "raise it: `sudo sysctl fs.inotify.max_user_watches=524288`, and keep it in /etc/sysctl.d/",
            ),
        });
    }
    if let Some(instances) = limit("max_user_instances") {
        let detail = format!("{instances} programs can watch");
        checks.push(match instances < 16 {
            false => Check::ok("inotify instances", detail),
            true => Check::warning(
                "inotify instances",
                detail,
                "raise it: `sudo sysctl fs.inotify.max_user_instances=128`, and keep it in /etc/sysctl.d/",
            ),
        });
    }
    checks
}

/// Whether the store's folder, or the nearest existing one above it, is this user's and can be written, and whether this
/// version can read the store.
pub(super) fn store(folder: &Path) -> Check {
    let existing = folder.ancestors().find(|above| above.exists());
    let writable = existing
        .filter(|above| above.is_dir() && access(*above, Mode::WRITE_OK | Mode::EXEC_OK).is_ok());
    let shown = folder.display();
    if writable.is_some() {
        return match format_of(folder) {
            Ok(Some(format)) if format > FORMAT => Check::failed(
                "store",
                format!(
                    "{shown} has format {format}, and this version knows formats up to {FORMAT}"
                ),
                "install the newer version again, or use another folder with --data-dir",
            ),
            Ok(_) => Check::ok("store", shown.to_string()),
            Err(error) => Check::failed(
                "store",
                format!("{shown}: the file `format` cannot be read: {error}"),
                "make the folder readable for your user, or use another one with --data-dir",
            ),
        };
    }
    // As after `sudo epitome …`.
    let own = rustix::process::geteuid().as_raw();
    let owner = existing.and_then(|above| Some((above, above.metadata().ok()?.uid())));
    match owner.filter(|(above, owner)| *owner != own && above.is_dir()) {
        Some((above, owner)) => Check::failed(
            "store",
            format!(
                "{shown} cannot be written: {} belongs to user {owner}",
                above.display()
            ),
            format!("sudo chown -R {own} {}", above.display()),
        ),
        None => Check::failed(
            "store",
            format!("{shown} cannot be written"),
            "make the folder writable, or name another with --data-dir or EPITOME_DATA_DIR",
        ),
    }
}

/// Whether a socket can be created there, and no other user can replace it.
pub(super) fn socket_folder(socket: &Path) -> Check {
    let folder = socket.parent().unwrap_or(Path::new("/"));
    let fix = "name a socket in a folder of your own with --socket or EPITOME_SOCKET";
    let shown = socket.display();
    match fs::metadata(folder) {
        Ok(found) if !found.is_dir() => {
            Check::failed("socket", format!("{shown}: the folder is a file"), fix)
        }
        Ok(_) if access(folder, Mode::WRITE_OK | Mode::EXEC_OK).is_err() => Check::failed(
            "socket",
            format!("{shown}: the folder cannot be written"),
            fix,
        ),
        // The sticky bit keeps others from replacing the socket; without it they could.
        Ok(found) if found.mode() & 0o022 != 0 && found.mode() & 0o1000 == 0 => Check::warning(
            "socket",
            format!("{shown}: other users can write the folder"),
            fix,
        ),
        Ok(_) => Check::ok("socket", shown.to_string()),
        Err(_) => {
            let above = folder.ancestors().find(|above| above.exists());
            match above.filter(|above| access(*above, Mode::WRITE_OK).is_ok()) {
                Some(_) => Check::ok("socket", shown.to_string()),
                None => Check::failed(
                    "socket",
                    format!("{shown}: the folder cannot be created"),
                    fix,
                ),
            }
        }
    }
}

/// The systemd unit, where one is installed: its program must be there.
pub(super) fn service() -> Option<Check> {
    let (unit, program) = service::installed_program()?;
    let shown = program.display();
    Some(match program.is_file() {
        true => Check::ok("service", format!("{} runs {shown}", unit.display())),
        false => Check::failed(
            "service",
            format!("{} runs {shown}, which does not exist", unit.display()),
            "`epitome service install` writes the path of this program",
        ),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::State;
    use super::*;
    use crate::client::fake;
    use crate::wire::protocol::DaemonPlaces;

    #[test]
    fn low_limits_are_a_warning_with_the_fix() {
        let checks = inotify(|name| match name {
            "max_user_watches" => Ok("8192\n".to_owned()),
            _ => Ok("128\n".to_owned()),
        });
        assert_eq!(checks[0].state, State::Warning);
        let fix = checks[0].fix.as_ref().unwrap();
        assert!(fix.contains("fs.inotify.max_user_watches=524288"));
        assert_eq!(checks[1].state, State::Ok);
        assert!(inotify(|_| Err(io::ErrorKind::NotFound.into())).is_empty());
    }

    #[test]
    fn a_missing_key_fails_only_if_one_is_needed_and_the_daemon_s_counts() {
        let mut config = Config::default();
        config.openai.api_key_env = "EPITOME_NO_SUCH_VARIABLE".to_owned();
        assert_eq!(key(&config, None).state, State::Ok);
        config.summaries.provider = Provider::Openai;
        let check = key(&config, None);
        assert_eq!(check.state, State::Failed);
        assert!(check.detail.contains("EPITOME_NO_SUCH_VARIABLE is not set"));
        let mut status = fake::status(Vec::new());
        for (daemon, state) in [("present", State::Ok), ("absent", State::Failed)] {
            status.daemon = Some(DaemonPlaces {
                config: "/c".to_owned(),
                data_dir: "/d".to_owned(),
                socket: "/s".to_owned(),
                key: daemon.to_owned(),
            });
            assert_eq!(key(&config, Some(&status)).state, state, "{daemon}");
        }
        config.openai.api_key_env = String::new();
        assert_eq!(key(&config, None).state, State::Ok);
        config.summaries.enabled = false;
        assert_eq!(key(&config, None).state, State::Ok);
    }

    #[test]
    fn folders_that_are_files_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        fs::write(&file, "").unwrap();
        assert_eq!(store(&folder.path().join("a/b")).state, State::Ok);
        assert_eq!(store(&file).state, State::Failed);
        assert_eq!(store(&file.join("below")).state, State::Failed);
        assert_eq!(socket_folder(&folder.path().join("s")).state, State::Ok);
        assert_eq!(socket_folder(&folder.path().join("run/s")).state, State::Ok);
        assert_eq!(socket_folder(&file.join("s")).state, State::Failed);
        assert!(!folder.path().join("a").exists() && !folder.path().join("run").exists());
    }

    #[test]
    fn other_users_must_not_write_the_socket_s_folder_or_read_the_key() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let set = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        set(folder.path(), 0o777);
        assert_eq!(
            socket_folder(&folder.path().join("s")).state,
            State::Warning
        );
        set(folder.path(), 0o1777);
        assert_eq!(socket_folder(&folder.path().join("s")).state, State::Ok);
        let key = folder.path().join("key");
        fs::write(&key, "k").unwrap();
        for (mode, many) in [(0o600, 0), (0o644, 1)] {
            set(&key, mode);
            let found = readable(&key);
            assert_eq!(usize::from(found.is_some()), many, "{mode:o}");
        }
    }
}
