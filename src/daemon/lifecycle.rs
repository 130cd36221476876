//! Starts and ends a daemon: lock, store, socket, signals.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::UnixListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::config::places::Places;
use crate::config::{Backend, Config};

use super::refusal;
use super::server;
use super::socket::{Socket, State};
use super::systemd;
use crate::daemon::access::{self, Handle};
use crate::daemon::context::Mode;
use crate::daemon::hints;
use crate::shell::store::StoreError;

/// How long the known repositories may take to be opened (a network folder may hang) before the daemon responds without
/// them.
const FINDING_PATIENCE: Duration = Duration::from_secs(10);
/// How long responses in flight are awaited at the end.
const FAREWELL: Duration = Duration::from_secs(1);
/// The longest pause between two attempts to recreate the socket.
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// Runs until a signal ends it.
pub async fn run(config: &Config, places: &Places, paths: &[PathBuf]) -> anyhow::Result<()> {
    let mut signals = Signals::listen()?;
    let (mut socket, listener) = listen(places).await?;
    // From here on requests wait: opening a large store takes seconds, and a client should not conclude that no daemon
    // runs.
    let handle = tokio::select! {
        handle = start(config, places, paths) => handle,
        signal = signals.next() => {
            tracing::info!("ending after {signal}, before the start was done");
            socket.remove();
            return Ok(());
        }
    };
    let handle = match handle {
        Ok(handle) => handle,
        Err(error) => {
            give_up(listener, &format!("{error:#}")).await;
            socket.remove();
            return Err(error);
        }
    };
    let mut servers = Servers::new(handle.clone());
    servers.add(listener);
    systemd::ready();
    tracing::info!("ready on {}", socket.path().display());
    tokio::spawn(systemd::update_status(handle.clone()));
    tokio::spawn(systemd::feed_watchdog(handle.clone()));
    let audits = tokio::spawn(crate::daemon::access::audit::repeat(handle.clone()));
    tokio::spawn(crate::daemon::access::cache::tend(handle.clone()));
    tokio::spawn(access::indexing::keep_current(handle.clone()));
    tokio::spawn(access::removed::forget_removed(handle.clone()));

    let mut failed = None;
    let reason = loop {
        tokio::select! {
            signal = signals.next() => break format!("after {signal}"),
            () = servers.ended() => break "because the server ended".to_owned(),
            error = lost_store(&handle) => {
                let reason = format!("because {error}: {}", error.hint());
                failed = Some(anyhow::anyhow!("{error}: {}", error.hint()));
                break reason;
            }
            again = keep(&mut socket) => match again {
                Some(listener) => servers.add(listener),
                None => break format!("because another daemon answers at {}", socket.path().display()),
            },
        }
    };
    tracing::info!("ending {reason}");
    systemd::stopping();
    audits.abort();
    tokio::select! {
        () = handle.stop() => {}
        // A second signal skips the wait.
        _ = signals.next() => {}
    }
    servers.end().await;
    socket.remove();
    failed.map_or(Ok(()), Err)
}

/// Returns when another process has taken the store: to go on would damage it.
async fn lost_store(handle: &Handle) -> StoreError {
    loop {
        // A write that fails for this reason sets a note.
        handle.context.notes.added().await;
        if let Err(error) = handle.context.store.check_owner() {
            return error;
        }
    }
}

/// Tells clients that wait on the socket passed by systemd why there is no daemon.
pub async fn refuse(reason: &str) {
    match systemd::inherited() {
        Ok(Some((listener, _))) => give_up(listener, reason).await,
        _ => systemd::status(reason),
    }
}

async fn give_up(listener: UnixListener, reason: &str) {
    systemd::status(reason);
    refusal::refuse(listener, reason).await;
}

/// The socket: the one that systemd passed, else a new one.
async fn listen(places: &Places) -> anyhow::Result<(Socket, UnixListener)> {
    if let Some((listener, path)) = systemd::inherited()? {
        return Ok((Socket::inherited(&path), listener));
    }
    places.create_socket_folder()?;
    let mut socket = Socket::claim(&places.socket).await?;
    let listener = socket.bind()?;
    Ok((socket, listener))
}

/// Starts everything except the socket. No client gets a response before it is done.
async fn start(config: &Config, places: &Places, paths: &[PathBuf]) -> anyhow::Result<Handle> {
    systemd::status("opening the store");
    let store = Arc::new(crate::daemon::context::open_store(&places.data).await?);
    let cookies = match config.watch.backend {
        Backend::Native => Some(cookie_directory(&places.data)?),
        Backend::Poll => None,
    };
    let handle = access::start(
        config,
        &places.data,
        store,
        Mode::Daemon,
        |context, inputs| {
            if let Some(folder) = &cookies {
                hints::start(context, inputs, folder);
            }
        },
    )?;
    let _ = handle.context.places.set(places.clone());
    find_known(&handle, paths).await?;
    Ok(handle)
}

/// Opens the repositories that were added earlier, before the first request: none of them is ever reported as unknown.
async fn find_known(handle: &Handle, paths: &[PathBuf]) -> anyhow::Result<()> {
    let (handle, paths) = (handle.clone(), paths.to_vec());
    // A folder on a network file system may hang; that must not block the loop's thread.
    let finding = tokio::task::spawn_blocking(move || handle.watch_known(&paths));
    match timeout(FINDING_PATIENCE, finding).await {
        Ok(found) => found.context("opening the repositories")??,
        Err(_) => {
            tracing::warn!("a watched folder does not respond: starting without waiting for it");
        }
    }
    Ok(())
}

/// Waits until the socket's file is lost, and recreates it. `None`: another daemon has taken its place.
async fn keep(socket: &mut Socket) -> Option<UnixListener> {
    let mut pause = Duration::from_secs(1);
    loop {
        match socket.state().await {
            State::Ours => {
                socket.touched().await;
                continue;
            }
            State::Taken => return None,
            State::Lost => {}
        }
        match socket.bind_again().await {
            Ok(listener) => {
                tracing::warn!("{} was removed and is recreated", socket.path().display());
                return Some(listener);
            }
            Err(error) => {
                tracing::warn!("the socket was removed and cannot be recreated: {error:#}")
            }
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_RETRY);
    }
}

/// The servers of all listeners. Those of removed sockets may still have responses in flight.
struct Servers {
    handle: Handle,
    end: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Servers {
    fn new(handle: Handle) -> Self {
        Self {
            handle,
            end: watch::Sender::new(false),
            tasks: JoinSet::new(),
        }
    }

    fn add(&mut self, listener: UnixListener) {
        let mut ended = self.end.subscribe();
        let end = async move {
            let _ = ended.wait_for(|ended| *ended).await;
        };
        self.tasks
            .spawn(server::serve(listener, self.handle.clone(), end));
    }

    async fn ended(&mut self) {
        if self.tasks.join_next().await.is_none() {
            std::future::pending().await
        }
    }

    async fn end(mut self) {
        let _ = self.end.send(true);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        let _ = timeout(FAREWELL, all).await;
    }
}

/// The signals that end the daemon.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        let listen =
            |kind, name| signal(kind).with_context(|| format!("listening for the signal {name}"));
        Ok(Self {
            terminate: listen(SignalKind::terminate(), "SIGTERM")?,
            interrupt: listen(SignalKind::interrupt(), "SIGINT")?,
            hangup: listen(SignalKind::hangup(), "SIGHUP")?,
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

/// The folder of barrier cookies: its notifications prove that all earlier ones have arrived. Outside every repository.
fn cookie_directory(data: &Path) -> anyhow::Result<PathBuf> {
    let folder = data.join("barriers");
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .with_context(|| format!("creating {}", folder.display()))?;
    Ok(std::fs::canonicalize(folder)?)
}
