//! Where things are: the configuration, the store and the socket, from flags, the environment and the XDG folders.
//!
//! Looks, and makes nothing, but for [`Places::create_socket_folder`].

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The longest path that a Unix socket can have, in bytes (`sun_path` without its NUL).
const SOCKET_BYTES: usize = 107;

/// Where things are. All paths are absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The configuration file.
    pub config: PathBuf,
    /// Whether somebody named that file, so that it has to be there.
    pub config_named: bool,
    /// The store's folder.
    pub data: PathBuf,
    /// The daemon's socket.
    pub socket: PathBuf,
}

/// What the command line says of places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--config`
    pub config: Option<PathBuf>,
    /// `--data-dir`
    pub data: Option<PathBuf>,
    /// `--socket`
    pub socket: Option<PathBuf>,
}

/// Why there is no place.
#[derive(Debug, thiserror::Error)]
pub enum PlacesError {
    /// Neither `HOME` nor the user database names a home folder.
    #[error(
        "the home folder is not known: set HOME to an absolute path, or set EPITOME_CONFIG, EPITOME_DATA_DIR and EPITOME_SOCKET"
    )]
    NoHome,
    /// A socket cannot have such a long path.
    #[error(
        "the socket's path {} is {} bytes long and may have {SOCKET_BYTES}: name a shorter one with --socket or EPITOME_SOCKET",
        .0.display(),
        .0.as_os_str().len()
    )]
    SocketTooLong(PathBuf),
    /// The current folder is gone, so a relative path means nothing.
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
        // A relative HOME would put the store somewhere else for each current folder.
        (found.config.is_absolute() && found.data.is_absolute()).then_some(found)
    }
}

/// The folder that a login session has even where nobody set XDG_RUNTIME_DIR (cron, ssh with a bare command).
fn runtime_folder() -> Option<PathBuf> {
    let uid = rustix::process::geteuid().as_raw();
    let folder = PathBuf::from(format!("/run/user/{uid}"));
    let metadata = fs::symlink_metadata(&folder).ok()?;
    let ours = metadata.is_dir() && metadata.uid() == uid && metadata.mode() & 0o077 == 0;
    ours.then_some(folder)
}

impl Places {
    /// The places by flags, then by EPITOME_CONFIG, EPITOME_DATA_DIR and EPITOME_SOCKET, then by the XDG folders.
    ///
    /// # Errors
    ///
    /// No home folder is known though one is needed, or the socket's path is too long.
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

    /// Makes the folder that the socket lies in, for this user only, where it is not there yet.
    ///
    /// # Errors
    ///
    /// The folder cannot be made.
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
    fn a_flag_goes_before_the_environment_and_both_before_the_user_s_folders() {
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
    fn without_a_runtime_folder_the_socket_lies_by_the_store() {
        let places = Places::resolve(Overrides::default(), |_| None, base(None)).unwrap();
        assert_eq!(
            places.socket,
            Path::new("/home/u/.local/share/epitome/run/epitome.sock")
        );
        assert!(!places.config_named);
    }

    #[test]
    fn no_home_matters_only_where_a_place_needs_it() {
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
    fn a_socket_may_have_107_bytes_and_no_more() {
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
            error.contains("is 108 bytes long and may have 107"),
            "{error}"
        );
    }

    #[test]
    fn relative_places_become_absolute() {
        let flags = Overrides {
            data: Some("data".into()),
            ..Overrides::default()
        };
        let places = Places::resolve(flags, |_| None, base(None)).unwrap();
        assert!(places.data.is_absolute() && places.data.ends_with("data"));
    }

    #[test]
    fn the_socket_s_folder_is_for_this_user_only() {
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
