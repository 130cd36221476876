//! Serves [`Access`] on the Unix socket, as HTTP/1.1. Every error is a problem document (RFC 9457). It has no state.

mod body;
mod listener;
mod metrics;
mod query;
mod routes;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::time::Duration;

use axum::extract::{ConnectInfo, Request};
use axum::middleware::{self, Next};
use axum::response::Response;
use tokio::net::UnixListener;
use tokio::sync::watch;

use crate::wire::access::Access;
use listener::{OwnListener, Peer};

/// Limits that keep one client from blocking the others.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Open connections; more wait in the socket's queue.
    connections: usize,
    /// How long a connection may be silent without a request in progress, and how long a body may take.
    idle: Duration,
    /// The same while the maximum of connections is open.
    crowded: Duration,
    /// How long responses in progress may take after the shutdown began.
    drain: Duration,
}

const LIMITS: Limits = Limits {
    connections: 256,
    idle: Duration::from_secs(30),
    crowded: Duration::from_secs(1),
    drain: Duration::from_secs(5),
};

/// Serves until `shutdown` completes; responses in progress then get five more seconds. Only this process's own user
/// may connect.
pub async fn serve<A: Access>(
    listener: UnixListener,
    access: A,
    shutdown: impl Future<Output = ()> + Send + 'static,
) {
    let uid = rustix::process::geteuid().as_raw();
    let connections = LIMITS.connections.min(affordable());
    let limits = Limits {
        connections,
        ..LIMITS
    };
    serve_within(listener, access, shutdown, uid, limits).await;
}

/// A quarter of the files that this process may open.
fn affordable() -> usize {
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    files.map_or(usize::MAX, |files| {
        usize::try_from(files / 4).unwrap_or(usize::MAX).max(4)
    })
}

async fn serve_within<A: Access>(
    listener: UnixListener,
    access: A,
    shutdown: impl Future<Output = ()> + Send + 'static,
    uid: u32,
    limits: Limits,
) {
    let (begun, mut begins) = watch::channel(false);
    let listener = OwnListener::new(listener, uid, limits);
    let router = routes::router(access, limits.idle)
        .layer(middleware::from_fn(count))
        .into_make_service_with_connect_info::<Peer>();
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        shutdown.await;
        let _ = begun.send(true);
    });
    let drained = async move {
        // An error means that the server has ended.
        let _ = begins.wait_for(|begun| *begun).await;
        tokio::time::sleep(limits.drain).await;
    };
    tokio::select! {
        _ = server => {}
        () = drained => tracing::info!("responses still in progress at the shutdown are dropped"),
    }
}

/// Marks the connection as busy while a response is in progress, so that its silence does not count as idle.
async fn count(request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<Peer>>();
    let _busy = peer.map(|ConnectInfo(peer)| peer.busy());
    next.run(request).await
}
