//! The unit files: their text for this user, and whether they were changed since.
//!
//! This module runs nothing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use crate::cli::failure::Failure;

/// The socket's unit.
pub const SOCKET: &str = "epitome.socket";
/// The daemon's unit.
pub const SERVICE: &str = "epitome.service";
/// The drop-in of `--hardened`.
pub const HARDENING: &str = "epitome.service.d/hardening.conf";
/// Their texts in the repository.
const TEXTS: [(&str, &str); 3] = [
    (SOCKET, include_str!("../../../systemd/epitome.socket")),
    (SERVICE, include_str!("../../../systemd/epitome.service")),
    (
        HARDENING,
        include_str!("../../../systemd/epitome.service.d/hardening.conf"),
    ),
];
/// The first line of a file that this program wrote, up to its checksum.
const MARK: &str =
    "# Written by `epitome service install`; to change something, use a drop-in. Check: ";
/// The first systemd whose user services get credentials.
const CREDENTIALS_SINCE: u32 = 252;
/// The first systemd that lengthens the pauses between restarts; earlier ones complain about the settings.
const STEPS_SINCE: u32 = 254;
const STEPS: &str = "# Each restart waits longer.\nRestartSteps=5\nRestartMaxDelaySec=1min";

/// How this user's places differ from the units' text. Paths are absolute; `None`: as in the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// The program.
    pub program: PathBuf,
    /// The configuration, if the user's systemd would find another.
    pub config: Option<PathBuf>,
    /// The store's folder, likewise.
    pub data: Option<PathBuf>,
    /// The socket, likewise.
    pub socket: Option<PathBuf>,
    /// systemd's version, if it is known.
    pub systemd: Option<u32>,
}

/// What is at a unit's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// A file that this program wrote, as it wrote it.
    Ours,
    /// A file that was written or changed by hand.
    Changed,
}

/// The text of a unit for this user, with its mark.
///
/// # Errors
///
/// A path cannot stand in a unit.
pub fn text(name: &str, differences: &Differences) -> Result<String, Failure> {
    let plain = TEXTS.iter().find(|(known, _)| *known == name);
    let plain = plain.map_or("", |(_, text)| text);
    let no_credentials = differences
        .systemd
        .is_some_and(|version| version < CREDENTIALS_SINCE);
    let mut lines = Vec::new();
    for line in plain.lines() {
        let key = line.split('=').next().unwrap_or_default();
        lines.push(match (key, &differences.socket) {
            ("ExecStart", _) => exec_start(differences)?,
            ("ListenStream", Some(socket)) => format!("ListenStream={}", specifier(socket)?),
            ("ReadWritePaths", _) => read_write_paths(differences)?,
            ("RestartSec", _)
                if differences
                    .systemd
                    .is_some_and(|version| version >= STEPS_SINCE) =>
            {
                format!("{line}\n{STEPS}")
            }
            ("LoadCredential" | "SetCredential", _) if no_credentials => {
                format!("# since systemd {CREDENTIALS_SINCE}: {line}")
            }
            _ => line.to_owned(),
        });
    }
    let text = lines.join("\n") + "\n";
    Ok(format!("{MARK}{:016x}\n{text}", xxh3_64(text.as_bytes())))
}

/// What is at `path`.
///
/// # Errors
///
/// It is there and cannot be read.
pub fn found(path: &Path) -> Result<Found, Failure> {
    match fs::read_to_string(path) {
        Ok(text) if is_unchanged(&text) => Ok(Found::Ours),
        Ok(_) => Ok(Found::Changed),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(Found::Changed),
        Err(error) => Err(Failure::Failed(format!("{}: {error}", path.display()))),
    }
}

fn is_unchanged(text: &str) -> bool {
    let Some((first, rest)) = text.split_once('\n') else {
        return false;
    };
    first
        .strip_prefix(MARK)
        .is_some_and(|sum| sum == format!("{:016x}", xxh3_64(rest.as_bytes())))
}

/// The program that a service unit's text runs. `home` is what `%h` means.
pub fn program_of(text: &str, home: &Path) -> Option<PathBuf> {
    let value = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("ExecStart="))
        .rfind(|value| !value.is_empty())?;
    let word = match value.strip_prefix('"') {
        Some(quoted) => {
            let mut escaped = false;
            let mut word = String::new();
            for c in quoted.chars() {
                match c {
                    _ if escaped => {
                        word.push(c);
                        escaped = false;
                    }
                    '\\' => escaped = true,
                    '"' => break,
                    c => word.push(c),
                }
            }
            word
        }
        None => value.split_whitespace().next()?.to_owned(),
    };
    let path = match word.strip_prefix("%h/") {
        Some(rest) => home.join(rest.replace("%%", "%")),
        None => PathBuf::from(word.replace("%%", "%")),
    };
    path.is_absolute().then_some(path)
}

/// The socket that a socket unit's text listens on, if that is a path. `runtime` is what `%t` means.
pub fn listens_at(text: &str, runtime: &Path) -> Option<PathBuf> {
    let value = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("ListenStream="))
        .rfind(|value| !value.is_empty())?;
    let path = match value.strip_prefix("%t/") {
        Some(rest) => runtime.join(rest.replace("%%", "%")),
        None => PathBuf::from(value.replace("%%", "%")),
    };
    path.is_absolute().then_some(path)
}

fn exec_start(differences: &Differences) -> Result<String, Failure> {
    let mut line = format!("ExecStart={}", quoted("", &differences.program)?);
    for (flag, path) in [
        ("--config", &differences.config),
        ("--data-dir", &differences.data),
    ] {
        if let Some(path) = path {
            line += &format!(" {flag} {}", quoted("", path)?.replace('$', "$$"));
        }
    }
    Ok(line + " daemon")
}

fn read_write_paths(differences: &Differences) -> Result<String, Failure> {
    let data = match &differences.data {
        Some(data) => quoted("-", data)?,
        None => "-%h/.local/share/epitome".to_owned(),
    };
    let folder = differences.socket.as_deref().and_then(Path::parent);
    let folder = match folder {
        Some(folder) => format!(" {}", quoted("-", folder)?),
        None => String::new(),
    };
    Ok(format!("ReadWritePaths={data} %t{folder}"))
}

/// A path as one word of a unit, after a sign.
fn quoted(sign: &str, path: &Path) -> Result<String, Failure> {
    let text = specifier(path)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@%".contains(c);
    Ok(match text.chars().all(plain) {
        true => format!("{sign}{text}"),
        false => {
            let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
            format!("\"{sign}{escaped}\"")
        }
    })
}

/// A path in which `%` means itself.
fn specifier(path: &Path) -> Result<String, Failure> {
    match path.to_str() {
        Some(text) if !text.chars().any(char::is_control) => Ok(text.replace('%', "%%")),
        _ => Err(Failure::Failed(format!(
            "{} cannot be in a systemd unit: give it a name without control characters",
            path.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn plain() -> Differences {
        Differences {
            program: "/usr/bin/epitome".into(),
            ..Differences::default()
        }
    }

    #[test]
    fn with_the_default_places_only_the_program_differs() {
        for (name, text) in TEXTS {
            let rendered = super::text(name, &plain()).unwrap();
            let expected = text.replace("%h/.cargo/bin/epitome", "/usr/bin/epitome");
            assert_eq!(rendered.split_once('\n').unwrap().1, expected, "{name}");
        }
    }

    #[test]
    fn other_places_are_quoted_as_systemd_reads_them() {
        let differences = Differences {
            program: "/opt/my tools/100%/epi\"tome".into(),
            config: Some("/etc/e.toml".into()),
            data: Some("/big disk/$x".into()),
            socket: Some("/s/e.sock".into()),
            systemd: None,
        };
        let service = text(SERVICE, &differences).unwrap();
        assert!(
            service.contains(
                "\nExecStart=\"/opt/my tools/100%%/epi\\\"tome\" --config /etc/e.toml --data-dir \"/big disk/$$x\" daemon\n"
            ),
            "{service}"
        );
        let socket = text(SOCKET, &differences).unwrap();
        assert!(socket.contains("\nListenStream=/s/e.sock\n"));
        let hardening = text(HARDENING, &differences).unwrap();
        assert!(
            hardening.contains("\nReadWritePaths=\"-/big disk/$x\" %t -/s\n"),
            "{hardening}"
        );
        let broken = Differences {
            program: "/a\nExecStartPre=/b".into(),
            ..plain()
        };
        assert!(text(SERVICE, &broken).is_err());
    }

    #[test]
    fn each_systemd_gets_the_settings_that_it_knows() {
        for (version, credentials, steps) in [
            (Some(249), false, false),
            (Some(252), true, false),
            (Some(254), true, true),
            (None, true, false),
        ] {
            let differences = Differences {
                systemd: version,
                ..plain()
            };
            let text = text(SERVICE, &differences).unwrap();
            assert_eq!(text.contains("\nLoadCredential="), credentials);
            assert_eq!(text.contains("\nSetCredential="), credentials);
            assert_eq!(text.contains("\nRestartSteps="), steps);
        }
    }

    #[test]
    fn a_changed_unit_is_recognized() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(SOCKET);
        assert_eq!(found(&path).unwrap(), Found::Nothing);
        let text = text(SOCKET, &plain()).unwrap();
        for (text, expected) in [
            (text.clone(), Found::Ours),
            (text.replace("0600", "0660"), Found::Changed),
            (text.clone() + "\n", Found::Changed),
            (text.split_once('\n').unwrap().1.to_owned(), Found::Changed),
            (String::new(), Found::Changed),
        ] {
            fs::write(&path, &text).unwrap();
            assert_eq!(found(&path).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn the_socket_and_the_program_are_read_from_the_units() {
        let runtime = Path::new("/run/user/7");
        let text = text(SOCKET, &plain()).unwrap();
        assert_eq!(
            listens_at(&text, runtime),
            Some("/run/user/7/epitome.sock".into())
        );
        let own = "[Socket]\nListenStream=/a%%b/s\n";
        assert_eq!(listens_at(own, runtime), Some("/a%b/s".into()));
        assert_eq!(listens_at("[Socket]\nListenStream=8080\n", runtime), None);
        assert_eq!(listens_at("", runtime), None);
        let home = Path::new("/home/u");
        for program in ["/usr/bin/epitome", "/opt/my tools/100%/epi\"tome"] {
            let differences = Differences {
                program: program.into(),
                ..Differences::default()
            };
            let text = super::text(SERVICE, &differences).unwrap();
            assert_eq!(program_of(&text, home), Some(program.into()));
        }
        let plain = TEXTS[1].1;
        assert_eq!(
            program_of(plain, home),
            Some("/home/u/.cargo/bin/epitome".into())
        );
    }
}
