//! Standard input that tells when it has ended.
//!
//! Hosts close it to end a server, and kill one that is still there two seconds later; a script that writes its
//! questions into a pipe closes it, too, and wants its answers. So a call that only waits must hear of it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::watch;

/// An input, and who is told of its end.
pub struct Closing<R> {
    input: R,
    tell: watch::Sender<bool>,
}

impl<R> Closing<R> {
    /// The input, and whether it has ended.
    pub fn of(input: R) -> (Self, watch::Receiver<bool>) {
        let (tell, closed) = watch::channel(false);
        (Self { input, tell }, closed)
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Closing<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.input).poll_read(cx, buffer));
        let ended = buffer.filled().len() == before && buffer.remaining() > 0;
        if read.is_err() || ended {
            self.tell.send_replace(true);
        }
        Poll::Ready(read)
    }
}
