//! `epitome doctor`: looks at what epitome needs and says how to mend each. It changes nothing.

mod audit;

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Access as Mode, access};
use serde::Serialize;

use super::failure::Failure;
use super::terminal::{Style, Terminal};
use super::text::clean;
use super::{Context, output};
use crate::client::{Client, ConnectError};
use crate::config::{Backend, Config, Provider};
use crate::wire::access::Access as _;
use crate::wire::protocol::Status;

/// Below this many inotify watches, large repositories are partly polled.
const FEW_WATCHES: u64 = 65_536;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Read every watched file anew, and compare with what the daemon tells
    #[arg(long)]
    audit: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// How one check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Warning,
    Failed,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Check {
    name: &'static str,
    state: State,
    detail: String,
    /// How to mend it, where there is something to mend.
    mend: Option<String>,
}

#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
    checks: &'a [Check],
}

impl Check {
    fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, State::Ok, detail, None)
    }

    fn warning(name: &'static str, detail: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::new(name, State::Warning, detail, Some(mend.into()))
    }

    fn failed(name: &'static str, detail: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::new(name, State::Failed, detail, Some(mend.into()))
    }

    fn new(
        name: &'static str,
        state: State,
        detail: impl Into<String>,
        mend: Option<String>,
    ) -> Self {
        Self {
            name,
            state,
            detail: detail.into(),
            mend,
        }
    }
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let places = &context.places;
    let mut checks = Vec::new();
    match context.config() {
        Ok(config) => {
            let detail = match places.config.exists() {
                true => places.config.display().to_string(),
                false => format!("{} is not there: defaults", places.config.display()),
            };
            checks.push(Check::ok("configuration", detail));
            checks.extend(config.repos.iter().map(|path| repository(path)));
            checks.push(key(&config));
            let files = [Some(&places.config), config.openai.api_key_file.as_ref()];
            checks.extend(
                files
                    .into_iter()
                    .flatten()
                    .filter_map(|file| readable(file)),
            );
            if config.watch.backend == Backend::Native {
                checks.extend(inotify(|name| {
                    fs::read_to_string(format!("/proc/sys/fs/inotify/{name}"))
                }));
            }
        }
        Err(failure) => checks.push(Check::failed(
            "configuration",
            failure.to_string(),
            "correct that line; config.example.toml has every key",
        )),
    }
    checks.push(store(&places.data));
    checks.push(socket_folder(&places.socket));
    let client = Client::connect(&places.socket).await;
    checks.push(daemon(&client));
    if let Ok(client) = &client
        && let Ok(status) = client.status().await
    {
        checks.extend(notes(&status));
    }
    if arguments.audit {
        checks.extend(audit::checks(context, client).await);
    }

    let failed = checks
        .iter()
        .filter(|check| check.state == State::Failed)
        .count();
    if arguments.json {
        output::print_json(&Report {
            ok: failed == 0,
            checks: &checks,
        })?;
    } else {
        output::print(&report(&checks, Terminal::of_stdout()))?;
    }
    match failed {
        0 => Ok(()),
        1 => Err(Failure::Failed("1 check failed".to_owned())),
        many => Err(Failure::Failed(format!("{many} checks failed"))),
    }
}

fn report(checks: &[Check], terminal: Terminal) -> String {
    let mut text = String::new();
    for check in checks {
        let state = match check.state {
            State::Ok => terminal.paint(Style::Good, "ok     "),
            State::Warning => terminal.paint(Style::Warning, "warning"),
            State::Failed => terminal.paint(Style::Error, "failed "),
        };
        text += &format!("{state}  {}: {}\n", check.name, clean(&check.detail));
        if let Some(mend) = &check.mend {
            text += &format!("         {}\n", clean(mend));
        }
    }
    text
}

fn repository(path: &Path) -> Check {
    match fs::read_dir(path) {
        Ok(_) => Check::ok("repository", path.display().to_string()),
        Err(error) => Check::warning(
            "repository",
            format!("{}: {error}", path.display()),
            "mount or make the folder, or take it out of repos in the configuration",
        ),
    }
}

/// A warning for a file that other users can read or write.
fn readable(file: &Path) -> Option<Check> {
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

fn key(config: &Config) -> Check {
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
    match openai.api_key() {
        Ok(Some(_)) if openai.is_remote_http() => Check::warning(
            "key",
            format!("sent unencrypted to {}", openai.base_url),
            "use https://",
        ),
        Ok(Some(_)) => Check::ok("key", format!("present, for {}", openai.base_url)),
        Ok(None) if openai.api_key_env.is_empty() => {
            Check::ok("key", format!("none is sent to {}", openai.base_url))
        }
        Ok(None) => Check::failed(
            "key",
            format!("the variable {} is not set here", openai.api_key_env),
            "set it where the daemon starts, or name a file in openai.api_key_file",
        ),
        Err(reason) => Check::failed(
            "key",
            reason,
            "put the key alone into that variable or file",
        ),
    }
}

/// The limits of inotify; nothing where the system has none.
fn inotify(read: impl Fn(&str) -> io::Result<String>) -> Vec<Check> {
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

/// Whether the folder, or the nearest one above it that exists, can be written.
fn store(folder: &Path) -> Check {
    let existing = folder.ancestors().find(|above| above.exists());
    let writable = existing
        .filter(|above| above.is_dir() && access(*above, Mode::WRITE_OK | Mode::EXEC_OK).is_ok());
    match writable {
        Some(_) => Check::ok("store", folder.display().to_string()),
        None => Check::failed(
            "store",
            format!("{} cannot be written", folder.display()),
            "give yourself the folder, or name another with --data-dir or EPITOME_DATA_DIR",
        ),
    }
}

fn socket_folder(socket: &Path) -> Check {
    let folder = socket.parent().unwrap_or(Path::new("/"));
    let mend = "name a socket in a folder of your own with --socket or EPITOME_SOCKET";
    let shown = socket.display();
    match fs::metadata(folder) {
        Ok(found) if !found.is_dir() => {
            Check::failed("socket", format!("{shown}: the folder is a file"), mend)
        }
        Ok(_) if access(folder, Mode::WRITE_OK | Mode::EXEC_OK).is_err() => Check::failed(
            "socket",
            format!("{shown}: the folder cannot be written"),
            mend,
        ),
        // The sticky bit keeps others from replacing the socket; without it they could.
        Ok(found) if found.mode() & 0o022 != 0 && found.mode() & 0o1000 == 0 => Check::warning(
            "socket",
            format!("{shown}: other users can write the folder"),
            mend,
        ),
        Ok(_) => Check::ok("socket", shown.to_string()),
        Err(_) => {
            let above = folder.ancestors().find(|above| above.exists());
            match above.filter(|above| access(*above, Mode::WRITE_OK).is_ok()) {
                Some(_) => Check::ok("socket", shown.to_string()),
                None => Check::failed(
                    "socket",
                    format!("{shown}: the folder cannot be made"),
                    mend,
                ),
            }
        }
    }
}

fn daemon(answer: &Result<Client, ConnectError>) -> Check {
    match answer {
        Ok(_) => Check::ok("daemon", "runs"),
        Err(ConnectError::NoDaemon) => Check::warning(
            "daemon",
            "does not run",
            "`epitome watch` in a repository starts one; so does `epitome daemon`, or `epitome service install`",
        ),
        Err(error) => Check::failed(
            "daemon",
            error.to_string(),
            "name another socket with --socket",
        ),
    }
}

/// What the daemon has to say, such as that something is polled, and why.
fn notes(status: &Status) -> Vec<Check> {
    let warning = |detail: String| match detail.split_once("; ") {
        Some((detail, mend)) => Check::warning("daemon", detail, mend),
        None => Check::new("daemon", State::Warning, detail, None),
    };
    let of_repositories = status.repositories.iter().flat_map(|repository| {
        let notes = repository.notes.iter();
        notes.map(|note| format!("{}: {note}", repository.path))
    });
    let all = status.notes.iter().cloned().chain(of_repositories);
    all.map(warning).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn low_limits_are_warned_of_with_the_remedy() {
        let checks = inotify(|name| match name {
            "max_user_watches" => Ok("8192\n".to_owned()),
            _ => Ok("128\n".to_owned()),
        });
        assert_eq!(checks[0].state, State::Warning);
        assert!(
            checks[0]
                .mend
                .as_ref()
                .unwrap()
                .contains("fs.inotify.max_user_watches=524288")
        );
        assert_eq!(checks[1].state, State::Ok);
        assert!(inotify(|_| Err(io::ErrorKind::NotFound.into())).is_empty());
    }

    #[test]
    fn a_missing_key_fails_only_where_one_is_needed() {
        let mut config = Config::default();
        config.openai.api_key_env = "EPITOME_NO_SUCH_VARIABLE".to_owned();
        assert_eq!(key(&config).state, State::Ok);
        config.summaries.provider = Provider::Openai;
        let check = key(&config);
        assert_eq!(check.state, State::Failed);
        assert!(check.detail.contains("EPITOME_NO_SUCH_VARIABLE is not set"));
        config.openai.api_key_env = String::new();
        assert_eq!(key(&config).state, State::Ok);
        config.summaries.enabled = false;
        assert_eq!(key(&config).state, State::Ok);
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
    fn others_must_not_write_the_socket_s_folder() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(
            socket_folder(&folder.path().join("s")).state,
            State::Warning
        );
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o1777)).unwrap();
        assert_eq!(socket_folder(&folder.path().join("s")).state, State::Ok);
    }

    #[test]
    fn the_report_says_how_to_mend() {
        let checks = [
            Check::ok("store", "/d"),
            Check::failed("key", "no\nkey", "set it"),
        ];
        assert_eq!(
            report(&checks, Terminal::default()),
            "ok       store: /d\nfailed   key: no\\nkey\n         set it\n"
        );
    }
}
