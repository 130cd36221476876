//! Which excludes file git's configuration names: the system's files and the user's, with those that they include. It
//! reads them as git does, as far as that one question goes; what is included on a condition is left out.

use std::env;
use std::path::{Path, PathBuf};

use super::files::read_small;
use crate::model::digest::Digest;

/// How deep files include others, at most; git's own limit.
const DEEPEST: usize = 10;

/// What git's configuration says, and where that stands.
pub(super) struct UserConfig {
    /// The excludes file, which need not exist.
    pub(super) excludes_file: Option<PathBuf>,
    /// The files that were read or looked for, and what was in them.
    pub(super) files: Vec<(PathBuf, Option<Digest>)>,
}

/// Reads the configuration that the environment leads to.
pub(super) fn user_config() -> UserConfig {
    let variable = |name| {
        let value = env::var_os(name).map(PathBuf::from);
        value.filter(|path| !path.as_os_str().is_empty())
    };
    let home = env::home_dir().filter(|home| home.is_absolute());
    let own = variable("XDG_CONFIG_HOME").or_else(|| Some(home.as_ref()?.join(".config")));
    let own = own.map(|own| own.join("git"));
    let mut reading = Reading {
        home,
        named: None,
        files: Vec::new(),
    };
    // The later word counts.
    if variable("GIT_CONFIG_NOSYSTEM").is_none() {
        let system = variable("GIT_CONFIG_SYSTEM").unwrap_or_else(|| "/etc/gitconfig".into());
        reading.file(&system, 0);
    }
    match variable("GIT_CONFIG_GLOBAL") {
        Some(global) => reading.file(&global, 0),
        None => {
            let user = reading.home.as_ref().map(|home| home.join(".gitconfig"));
            let own = own.as_ref().map(|own| own.join("config"));
            for file in own.into_iter().chain(user) {
                reading.file(&file, 0);
            }
        }
    }
    UserConfig {
        excludes_file: match reading.named {
            Some(named) => reading.home.map_or_else(
                || expanded(None, &named),
                |home| expanded(Some(&home), &named),
            ),
            None => own.map(|own| own.join("ignore")),
        }
        .filter(|file| file.is_absolute()),
        files: reading.files,
    }
}

struct Reading {
    home: Option<PathBuf>,
    /// The last word on `core.excludesFile`.
    named: Option<String>,
    files: Vec<(PathBuf, Option<Digest>)>,
}

impl Reading {
    fn file(&mut self, file: &Path, depth: usize) {
        let bytes = read_small(file, true);
        let digest = bytes.as_deref().map(Digest::of_file);
        self.files.push((file.to_path_buf(), digest));
        let text = String::from_utf8_lossy(bytes.as_deref().unwrap_or_default()).into_owned();
        let mut section = String::new();
        for line in text.lines() {
            let mut line = line.trim();
            if let Some((name, rest)) = line.strip_prefix('[').and_then(|at| at.split_once(']')) {
                section = name.trim().to_lowercase();
                line = rest.trim();
            }
            let Some((key, value)) = line.split_once('=') else {
                continue;
            };
            match (&*section, &*key.trim().to_lowercase()) {
                ("core", "excludesfile") => self.named = Some(plain(value)),
                ("include", "path") if depth < DEEPEST => {
                    let folder = file.parent().unwrap_or(file);
                    if let Some(path) = expanded(self.home.as_deref(), &plain(value)) {
                        self.file(&folder.join(path), depth + 1);
                    }
                }
                _ => {}
            }
        }
    }
}

/// A value without its quotes, its escapes and the comment behind it.
fn plain(value: &str) -> String {
    let mut text = String::new();
    // What stands between quotes is kept, spaces at the end too.
    let mut kept = 0;
    let mut quoted = false;
    let mut characters = value.trim().chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => quoted = !quoted,
            '#' | ';' if !quoted => break,
            '\\' => text.extend(characters.next()),
            other => text.push(other),
        }
        if quoted || !character.is_whitespace() {
            kept = text.len();
        }
    }
    text.truncate(kept);
    text
}

/// A path as git writes it: `~/` is the user's home. `None` for one that means no file here.
fn expanded(home: Option<&Path>, path: &str) -> Option<PathBuf> {
    match path.strip_prefix('~') {
        Some(rest) => Some(home?.join(rest.strip_prefix('/')?)),
        None => (!path.is_empty()).then(|| path.into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_last_word_counts_and_what_is_included_has_its_say() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let write = |name: &str, text: &str| std::fs::write(at(name), text).unwrap();
        let named = || {
            let mut reading = Reading {
                home: Some("/home/me".into()),
                named: None,
                files: Vec::new(),
            };
            reading.file(&at("config"), 0);
            (reading.named, reading.files.len())
        };
        assert_eq!(named(), (None, 1));
        write("config", "[core]\n\texcludesFile = ~/one # mine\n");
        assert_eq!(named(), (Some("~/one".to_owned()), 1));
        write(
            "config",
            "[CORE] ExcludesFile=\"/a b;c \" ; x\n[core \"no\"]\nexcludesfile = /no\n[user]\nexcludesfile = /no\n",
        );
        assert_eq!(named(), (Some("/a b;c ".to_owned()), 1));
        write(
            "more",
            "[core]\nexcludesfile = /more\n[include]\npath = config\n",
        );
        write(
            "config",
            "[include]\npath = more\n[includeIf \"x\"]\npath = none\n",
        );
        assert_eq!(named().0, Some("/more".to_owned()));
        let expanded = |path| expanded(Some(Path::new("/home/me")), path);
        assert_eq!(expanded("~/x"), Some("/home/me/x".into()));
        assert_eq!((expanded("~other/x"), expanded("")), (None, None));
    }
}
