//! Requests for barrier cookies, from the event loop to the watcher's thread.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Requests that wait while the disk does not respond; the loop's deadline covers the ones beyond.
const CAPACITY: usize = 16;

/// The sending end.
pub struct Cookies(SyncSender<u64>);

impl Cookies {
    /// Creates the channel.
    pub fn channel() -> (Cookies, Receiver<u64>) {
        let (sender, receiver) = sync_channel(CAPACITY);
        (Cookies(sender), receiver)
    }

    /// Has a cookie with this number created, without waiting for it.
    pub fn request(&self, number: u64) {
        let _ = self.0.try_send(number);
    }
}
