//! Accepts connections of this user only, a limited number at a time, and closes idle ones.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

use super::Limits;

/// Accepts connections of one user.
pub(super) struct OwnListener {
    inner: UnixListener,
    uid: u32,
    permits: Arc<Semaphore>,
    limits: Limits,
}

/// One connection's number of responses in progress.
#[derive(Clone, Debug, Default)]
pub(super) struct Peer(Arc<AtomicUsize>);

/// A response in progress, until it is dropped.
pub(super) struct Busy(Arc<AtomicUsize>);

/// A stream that ends if its peer is silent for too long.
pub(super) struct Connection {
    stream: UnixStream,
    peer: Peer,
    silence: Pin<Box<Sleep>>,
    /// When the last byte was read or written.
    last: Instant,
    limits: Limits,
    permits: Arc<Semaphore>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl OwnListener {
    pub(super) fn new(inner: UnixListener, uid: u32, limits: Limits) -> Self {
        Self {
            inner,
            uid,
            permits: Arc::new(Semaphore::new(limits.connections)),
            limits,
        }
    }
}

impl Peer {
    pub(super) fn busy(&self) -> Busy {
        self.0.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(&self.0))
    }

    fn is_busy(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Listener for OwnListener {
    type Io = Connection;
    type Addr = Peer;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            // The semaphore is never closed; an error would only mean one connection more.
            let permit = Arc::clone(&self.permits).acquire_owned().await.ok();
            // The trait's accept pauses if the process has no file descriptor left.
            let (stream, _) = Listener::accept(&mut self.inner).await;
            match stream.peer_cred() {
                Ok(peer) if peer.uid() == self.uid => {
                    let peer = Peer::default();
                    let connection = Connection {
                        stream,
                        peer: peer.clone(),
                        silence: Box::pin(sleep(self.limits.check_interval())),
                        last: Instant::now(),
                        limits: self.limits,
                        permits: Arc::clone(&self.permits),
                        _permit: permit,
                    };
                    return (connection, peer);
                }
                Ok(peer) => {
                    tracing::warn!("refused a connection of another user (uid {})", peer.uid());
                }
                Err(error) => {
                    tracing::warn!("refused a connection of an unknown user: {error}");
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(Peer::default())
    }
}

impl Connected<IncomingStream<'_, OwnListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, OwnListener>) -> Self {
        stream.remote_addr().clone()
    }
}

impl Limits {
    /// How often a silent connection is checked.
    fn check_interval(&self) -> Duration {
        self.idle.min(self.crowded)
    }
}

impl Connection {
    fn note_activity(&mut self) {
        self.last = Instant::now();
        self.check_later();
    }

    fn check_later(&mut self) {
        let until = Instant::now() + self.limits.check_interval();
        self.silence.as_mut().reset(until);
    }

    /// Whether it was silent for too long; for a shorter time while others wait.
    fn is_idle(&self) -> bool {
        let silent = self.last.elapsed();
        let crowded = self.permits.available_permits() == 0;
        silent >= self.limits.idle || crowded && silent >= self.limits.crowded
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if read.is_ready() {
            self.note_activity();
            return read;
        }
        loop {
            ready!(self.silence.as_mut().poll(cx));
            if self.peer.is_busy() {
                self.note_activity();
            } else if self.is_idle() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            } else {
                self.check_later();
            }
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if written.is_ready() {
            self.note_activity();
        }
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        if written.is_ready() {
            self.note_activity();
        }
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
