//! From the start of a daemon to its end: lock, socket, signals, and the word to systemd.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use tokio::net::{UnixListener, UnixStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::config::places::Places;
use crate::config::{Backend, Config};

use super::Mode;

/// Runs until it is told to end.
pub async fn run(config: &Config, places: &Places, paths: &[PathBuf]) -> anyhow::Result<()> {
    places.create_socket_folder()?;
    // Whoever holds the store's lock is the daemon; only then may the socket's file be touched.
    let store = Arc::new(super::open_store(&places.data).await?);
    // Before anybody can ask: who is answered may send a signal at once.
    let mut endings = Endings::listen()?;
    let listener = bind(&places.socket).await?;
    let cookies = match config.watch.backend {
        Backend::Native => Some(cookie_directory(&places.data)?),
        Backend::Poll => None,
    };
    let handle = super::driver::start(config, &places.data, store, Mode::Daemon, cookies)?;
    // Before anybody can ask: no repository that was added earlier is ever called unknown.
    if let Err(problem) = handle.watch_known(paths) {
        let _ = std::fs::remove_file(&places.socket);
        return Err(problem.into());
    }
    let (end, mut ended) = watch::channel(false);
    let mut server = tokio::spawn(super::server::serve(listener, handle.clone(), async move {
        let _ = ended.wait_for(|ended| *ended).await;
    }));
    let audits = tokio::spawn(super::audit::daily(handle.clone()));
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    tracing::info!("ready on {}", places.socket.display());
    let signal = tokio::select! {
        signal = endings.next() => signal,
        _ = &mut server => "the server's end",
    };
    tracing::info!("ending after {signal}");
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    audits.abort();
    tokio::select! {
        () = handle.stop() => {}
        // Whoever asks twice does not want to wait.
        _ = endings.next() => {}
    }
    let _ = end.send(true);
    let _ = std::fs::remove_file(&places.socket);
    Ok(())
}

/// The signals that end a daemon.
struct Endings {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Endings {
    fn listen() -> anyhow::Result<Self> {
        let heard = |kind, name| signal(kind).with_context(|| format!("listening for {name}"));
        Ok(Self {
            terminate: heard(SignalKind::terminate(), "SIGTERM")?,
            interrupt: heard(SignalKind::interrupt(), "SIGINT")?,
            hangup: heard(SignalKind::hangup(), "SIGHUP")?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.hangup.recv() => "SIGHUP",
        }
    }
}

/// Takes the socket's place: a file that nobody answers at is removed, one that somebody answers at never.
async fn bind(path: &Path) -> anyhow::Result<UnixListener> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    if path.exists() {
        if UnixStream::connect(path).await.is_ok() {
            bail!(
                "another daemon already answers at {}: use it, or name another place with --socket",
                path.display()
            );
        }
        std::fs::remove_file(path)
            .with_context(|| format!("removing the old socket {}", path.display()))?;
    }
    // Made under a name of its own and renamed, so that nobody meets it before it is private.
    let private = path.with_extension(format!("sock-{}", std::process::id()));
    let _ = std::fs::remove_file(&private);
    let listener =
        UnixListener::bind(&private).with_context(|| format!("listening at {}", path.display()))?;
    std::fs::set_permissions(&private, std::fs::Permissions::from_mode(0o600))
        .and_then(|()| std::fs::rename(&private, path))
        .with_context(|| format!("listening at {}", path.display()))?;
    Ok(listener)
}

/// The folder whose notifications prove that all earlier ones are in; outside every repository.
fn cookie_directory(data: &Path) -> anyhow::Result<PathBuf> {
    let folder = data.join("barriers");
    std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    Ok(std::fs::canonicalize(folder)?)
}
