//! `epitome stop` and `epitome restart`: end the daemon, or replace it by one of this program.

use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep};

use super::failure::Failure;
use super::service::{self, systemctl};
use super::{Context, output, start};
use crate::client::{Client, ConnectError};
use crate::wire::access::Access;

/// How long a daemon may take to end: it waits a few seconds for requests in flight.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at whether it has ended.
const PAUSE: Duration = Duration::from_millis(20);

pub async fn stop(context: &Context) -> Result<(), Failure> {
    end(&context.places.socket).await?;
    output::say("stopped the daemon");
    Ok(())
}

pub async fn restart(context: &Context) -> Result<(), Failure> {
    // A mistake in the configuration is found before the daemon that works is gone.
    context.config()?;
    match end(&context.places.socket).await {
        Ok(()) | Err(Failure::NoDaemon(_)) => {}
        Err(failure) => return Err(failure),
    }
    let client = start::client(context).await?;
    let status = client.status().await?;
    output::say(&format!(
        "the daemon runs (process {}, version {})",
        status.pid, status.version
    ));
    Ok(())
}

/// Ends the daemon at `socket` and returns when it is gone.
async fn end(socket: &Path) -> Result<(), Failure> {
    // A connection would start it where systemd listens.
    if service::is_installed(socket) {
        if is_active("epitome.service").await {
            systemctl::user(&["stop", "epitome.service"]).await?;
            return Ok(());
        }
        if is_active("epitome.socket").await {
            return Err(ConnectError::NoDaemon.into());
        }
    }
    let client = Client::connect(socket).await?;
    let pid = client.status().await?.pid;
    let process = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let process = process.ok_or_else(|| {
        Failure::Failed(format!(
            "the daemon names {pid} as its process: end it by hand"
        ))
    })?;
    kill_process(process, Signal::TERM)
        .map_err(|error| Failure::Failed(format!("process {pid} cannot be ended: {error}")))?;
    let until = Instant::now() + PATIENCE;
    while Client::connect(socket).await.is_ok() {
        if Instant::now() >= until {
            return Err(Failure::Failed(format!(
                "the daemon (process {pid}) did not end within {} s",
                PATIENCE.as_secs()
            )));
        }
        sleep(PAUSE).await;
    }
    Ok(())
}

async fn is_active(unit: &str) -> bool {
    systemctl::user(&["is-active", "--quiet", unit])
        .await
        .is_ok()
}
