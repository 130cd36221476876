//! Who gets in: this user only, so many at a time, and nobody who sits there and says nothing.

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
use super::refusal::Refusal;

/// Accepts connections of one user.
pub(super) struct OwnListener {
    inner: UnixListener,
    uid: u32,
    places: Arc<Semaphore>,
    limits: Limits,
}

/// One connection: its number of answers under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Peer(Arc<AtomicUsize>);

/// While it lives, an answer is under way.
pub(super) struct Busy(Arc<AtomicUsize>);

/// A stream that ends when its peer is silent for too long, and that gives its place back at its end.
pub(super) struct Connection {
    stream: UnixStream,
    peer: Peer,
    silence: Pin<Box<Sleep>>,
    /// When the last byte went either way.
    last: Instant,
    limits: Limits,
    places: Arc<Semaphore>,
    /// What is being sent instead of what the HTTP library wrote.
    refusal: Option<Refusal>,
    _place: Option<OwnedSemaphorePermit>,
}

impl OwnListener {
    pub(super) fn new(inner: UnixListener, uid: u32, limits: Limits) -> Self {
        Self {
            inner,
            uid,
            places: Arc::new(Semaphore::new(limits.connections)),
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
            // The semaphore is never closed; without a place there would be one connection more, and no harm.
            let place = Arc::clone(&self.places).acquire_owned().await.ok();
            // The trait's own accept waits a little where the process has no file descriptor left.
            let (stream, _) = Listener::accept(&mut self.inner).await;
            match stream.peer_cred() {
                Ok(peer) if peer.uid() == self.uid => {
                    let peer = Peer::default();
                    let connection = Connection {
                        stream,
                        peer: peer.clone(),
                        silence: Box::pin(sleep(self.limits.glance())),
                        last: Instant::now(),
                        limits: self.limits,
                        places: Arc::clone(&self.places),
                        refusal: None,
                        _place: place,
                    };
                    return (connection, peer);
                }
                Ok(peer) => {
                    tracing::warn!(
                        "a program of another user (uid {}) was not let in",
                        peer.uid()
                    );
                }
                Err(error) => {
                    tracing::warn!("a program that cannot be identified was not let in: {error}");
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
    /// How often a silent connection is thought about.
    fn glance(&self) -> Duration {
        self.idle.min(self.crowded)
    }
}

impl Connection {
    fn moved(&mut self) {
        self.last = Instant::now();
        self.look_again();
    }

    fn look_again(&mut self) {
        let until = Instant::now() + self.limits.glance();
        self.silence.as_mut().reset(until);
    }

    /// Whether it said nothing for too long; shorter, while others wait for a place.
    fn is_idle(&self) -> bool {
        let silent = self.last.elapsed();
        let crowded = self.places.available_permits() == 0;
        silent >= self.limits.idle || crowded && silent >= self.limits.crowded
    }
}

impl Connection {
    /// Sends the refusal, and says then that what it stands for is sent.
    fn poll_refuse(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Some(refusal) = &mut self.refusal else {
            return Poll::Ready(Ok(0));
        };
        while !refusal.rest().is_empty() {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, refusal.rest()))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                bytes => refusal.sent(bytes),
            }
        }
        let stands_for = refusal.stands_for;
        self.refusal = None;
        self.moved();
        Poll::Ready(Ok(stands_for))
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
            self.moved();
            return read;
        }
        loop {
            ready!(self.silence.as_mut().poll(cx));
            if self.peer.is_busy() {
                self.moved();
            } else if self.is_idle() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            } else {
                self.look_again();
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
        if self.refusal.is_none() {
            self.refusal = Refusal::instead_of(bytes);
        }
        if self.refusal.is_some() {
            return self.poll_refuse(cx);
        }
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if written.is_ready() {
            self.moved();
        }
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [slice] = slices {
            return self.poll_write(cx, slice);
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        if written.is_ready() {
            self.moved();
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
