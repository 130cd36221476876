//! Finds the configuration, the store and the socket, from flags, the environment and the XDG folders.
//!
//! Creates nothing except in [`Places::create_socket_folder`].

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The longest path that a Unix socket can have, in bytes (`sun_path` without its NUL).
const SOCKET_BYTES: usize = 107;

/// The paths of the configuration, the store and the socket. All are absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The configuration file.
    pub config: PathBuf,
    /// Whether the user named that file, so that it has to exist.
    pub config_named: bool,
    /// The store's folder.
    pub data: PathBuf,
    /// The daemon's socket.
    pub socket: PathBuf,
}

/// The paths given on the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--config`
    pub config: Option<PathBuf>,
    /// `--data-dir`
    pub data: Option<PathBuf>,
    /// `--socket`
    pub socket: Option<PathBuf>,
}

/// Why a path cannot be determined.
#[derive(Debug, thiserror::Error)]
pub enum PlacesError {
    /// Neither `HOME` nor the user database names a home folder.
    #[error(
        "the home folder is unknown: set HOME to an absolute path, or set EPITOME_CONFIG, EPITOME_DATA_DIR and EPITOME_SOCKET"
    )]
    NoHome,
    /// The path is too long for a socket.
    #[error(
        "the socket's path {} is {} bytes long, at most {SOCKET_BYTES} are possible: set a shorter one with --socket or EPITOME_SOCKET",
        .0.display(),
        .0.as_os_str().len()
    )]
    SocketTooLong(PathBuf),
    /// The current folder does not exist any more, so relative paths cannot be resolved.
    #[error("the current folder cannot be found ({0}): change to one that exists")]
    NoCurrentFolder(#[source] io::Error),
}

/// The user's folders, as the `directories` crate finds them.
#[derive(Clone, Debug)]
struct Base {
    config: PathBuf,
    data: PathBuf,
    runtime: Option<PathBuf>,
}

impl Base {
    fn of_this_user() -> Option<Self> {
        let project = directories::ProjectDirs::from("", "", "epitome")?;
        let base = directories::BaseDirs::new()?;
        let found = Self {
            config: project.config_dir().join("config.toml"),
            data: project.data_dir().to_path_buf(),
            runtime: base
                .runtime_dir()
                .map(Path::to_path_buf)
                .or_else(runtime_folder),
        };
        // A relative HOME would give each current folder its own store.
        (found.config.is_absolute() && found.data.is_absolute()).then_some(found)
    }
}

/// The runtime folder of a login session if XDG_RUNTIME_DIR is not set (cron, ssh with a command).
fn runtime_folder() -> Option<PathBuf> {
    let uid = rustix::process::geteuid().as_raw();
    let folder = PathBuf::from(format!("/run/user/{uid}"));
    let metadata = fs::symlink_metadata(&folder).ok()?;
    let ours = metadata.is_dir() && metadata.uid() == uid && metadata.mode() & 0o077 == 0;
    ours.then_some(folder)
}

impl Places {
    /// Finds the paths: flags first, then EPITOME_CONFIG, EPITOME_DATA_DIR and EPITOME_SOCKET, then the XDG folders.
    ///
    /// # Errors
    ///
    /// The home folder is needed but unknown, or the socket's path is too long.
    pub fn find(overrides: Overrides) -> Result<Self, PlacesError> {
        Self::resolve(
            overrides,
            |name| std::env::var_os(name),
            Base::of_this_user(),
        )
    }

    fn resolve(
        overrides: Overrides,
        environment: impl Fn(&str) -> Option<OsString>,
        base: Option<Base>,
    ) -> Result<Self, PlacesError> {
        let chosen = |flag: Option<PathBuf>, variable: &str| {
            flag.or_else(|| environment(variable).map(PathBuf::from))
                .filter(|path| !path.as_os_str().is_empty())
                .map(|path| std::path::absolute(path).map_err(PlacesError::NoCurrentFolder))
                .transpose()
        };
        let named = chosen(overrides.config, "EPITOME_CONFIG")?;
        let data = chosen(overrides.data, "EPITOME_DATA_DIR")?;
        let socket = chosen(overrides.socket, "EPITOME_SOCKET")?;

        let config_named = named.is_some();
        let config = named
            .or_else(|| base.as_ref().map(|base| base.config.clone()))
            .ok_or(PlacesError::NoHome)?;
        let data = data
            .or_else(|| base.as_ref().map(|base| base.data.clone()))
            .ok_or(PlacesError::NoHome)?;
        let socket = socket.unwrap_or_else(|| {
            let runtime = base.and_then(|base| base.runtime);
            runtime
                .unwrap_or_else(|| data.join("run"))
                .join("epitome.sock")
        });
        if socket.as_os_str().as_bytes().len() > SOCKET_BYTES {
            return Err(PlacesError::SocketTooLong(socket));
        }
        Ok(Self {
            config,
            config_named,
            data,
            socket,
        })
    }

    /// Creates the folder of the socket, accessible to this user only, if it is missing.
    ///
    /// # Errors
    ///
    /// The folder cannot be created.
    pub fn create_socket_folder(&self) -> io::Result<()> {
        match self.socket.parent() {
            Some(folder) if !folder.is_dir() => fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn base(runtime: Option<&str>) -> Option<Base> {
        Some(Base {
            config: "/home/u/.config/epitome/config.toml".into(),
            data: "/home/u/.local/share/epitome".into(),
            runtime: runtime.map(PathBuf::from),
        })
    }

    #[test]
    fn flags_precede_the_environment_which_precedes_the_users_folders() {
        let environment = |name: &str| match name {
            "EPITOME_CONFIG" => Some(OsString::from("/env/c.toml")),
            "EPITOME_DATA_DIR" => Some(OsString::from("/env/data")),
            "EPITOME_SOCKET" => Some(OsString::new()),
            _ => None,
        };
        let flags = Overrides {
            data: Some("/flag/data".into()),
            ..Overrides::default()
        };
        let places = Places::resolve(flags, environment, base(Some("/run/user/7"))).unwrap();
        assert_eq!(places.config, Path::new("/env/c.toml"));
        assert!(places.config_named);
        assert_eq!(places.data, Path::new("/flag/data"));
        assert_eq!(places.socket, Path::new("/run/user/7/epitome.sock"));
    }

    #[test]
    fn without_a_runtime_folder_the_socket_is_in_the_store() {
        let places = Places::resolve(Overrides::default(), |_| None, base(None)).unwrap();
        assert_eq!(
            places.socket,
            Path::new("/home/u/.local/share/epitome/run/epitome.sock")
        );
        assert!(!places.config_named);
    }

    #[test]
    fn a_home_is_needed_only_for_paths_that_are_not_given() {
        let error = Places::resolve(Overrides::default(), |_| None, None).unwrap_err();
        assert!(error.to_string().contains("set HOME"), "{error}");
        let flags = Overrides {
            config: Some("/c".into()),
            data: Some("/d".into()),
            socket: None,
        };
        let places = Places::resolve(flags, |_| None, None).unwrap();
        assert_eq!(places.socket, Path::new("/d/run/epitome.sock"));
    }

    #[test]
    fn a_socket_path_has_at_most_107_bytes() {
        let find = |length: usize| {
            let flags = Overrides {
                socket: Some(format!("/{}", "s".repeat(length - 1)).into()),
                ..Overrides::default()
            };
            Places::resolve(flags, |_| None, base(None))
        };
        assert!(find(107).is_ok());
        let error = find(108).unwrap_err().to_string();
        assert!(
            error.contains("is 108 bytes long, at most 107 are possible"),
            "{error}"
        );
    }

    #[test]
    fn relative_paths_become_absolute() {
        let flags = Overrides {
            data: Some("data".into()),
            ..Overrides::default()
        };
        let places = Places::resolve(flags, |_| None, base(None)).unwrap();
        assert!(places.data.is_absolute() && places.data.ends_with("data"));
    }

    #[test]
    fn the_sockets_folder_is_accessible_to_this_user_only() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places {
            config: "/c".into(),
            config_named: false,
            data: "/d".into(),
            socket: folder.path().join("a/run/epitome.sock"),
        };
        places.create_socket_folder().unwrap();
        places.create_socket_folder().unwrap();
        let mode = fs::metadata(folder.path().join("a/run")).unwrap().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
