//! The one thread that writes to the store. Writes that wait together are written together: one sync for many
//! responses.
//!
//! The channel is bounded. A task waits for its turn; the event loop must not wait, so it keeps what does not fit and
//! takes no further input until there is room (see `event_loop`). Confirmations go back through a channel of their own,
//! which the loop reads even then: so the two never wait for each other.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc, oneshot};

use crate::daemon::context::Context;
use crate::daemon::context::registry::Notes;
use crate::daemon::context::shared::Shared;
use crate::daemon::work::sharing::note_unshared;
use crate::daemon::work::storing::until_written;
use crate::model::path::RelPath;
use crate::model::record::NodeRecord;
use crate::model::summary::{Summary, SummaryKey};
use crate::model::usage::Usage;
use crate::shell::store::{Store, StoreError};

/// Writes that wait for the thread.
const CAPACITY: usize = 1_024;
/// Confirmations that wait for the loop.
const CONFIRMATIONS: usize = 64;
/// The largest number of writes in one batch.
const BATCH: usize = 256;
/// Written data is flushed after this time without a write, and after `FLUSH_CAP` in any case.
const FLUSH_QUIET: Duration = Duration::from_millis(500);
const FLUSH_CAP: Duration = Duration::from_secs(5);
/// The records of some nodes; `None` deletes a record.
pub type Records = Vec<(RelPath, Option<NodeRecord>)>;

/// One write.
pub enum Write {
    /// A summary that was paid for, and must survive a crash.
    Summary { key: SummaryKey, summary: Summary },
    /// The records of some nodes of a repository.
    Records { root: PathBuf, records: Records },
    /// The use of the model on one day (number since 1970, UTC). An empty root: for no repository.
    Usage {
        day: u64,
        root: PathBuf,
        delta: Usage,
    },
    /// Answers when everything before it is written.
    Flush(oneshot::Sender<()>),
}

/// The sending end of the thread's channel.
#[derive(Clone)]
pub struct Writer {
    writes: SyncSender<Write>,
    room: Arc<Notify>,
}

/// The keys of summaries that were written.
pub type Confirmations = mpsc::Receiver<Vec<SummaryKey>>;

impl Writer {
    /// Starts the thread. It ends when the last `Writer` is dropped.
    ///
    /// # Errors
    /// The system has no more threads.
    pub fn start(context: &Context) -> std::io::Result<(Writer, Confirmations)> {
        Self::start_with(context, CAPACITY)
    }

    pub(in crate::daemon) fn start_with(
        context: &Context,
        capacity: usize,
    ) -> std::io::Result<(Writer, Confirmations)> {
        let (writes, receiver) = sync_channel(capacity);
        let (confirm, confirmations) = mpsc::channel(CONFIRMATIONS);
        let room = Arc::new(Notify::new());
        let thread = Thread {
            store: Arc::clone(&context.store),
            notes: context.notes.clone(),
            overgrown: Arc::clone(&context.overgrown),
            shared: context.shared.clone(),
            writes: receiver,
            confirm,
            room: Arc::clone(&room),
        };
        std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || thread.run())?;
        Ok((Self { writes, room }, confirmations))
    }

    /// Hands over a write, and waits while the channel is full.
    pub async fn write(&self, mut write: Write) {
        while let Err(unsent) = self.try_write(write) {
            write = unsent;
            self.room().await;
        }
    }

    /// Hands over a write without waiting.
    ///
    /// # Errors
    /// Returns the write when the channel is full.
    pub fn try_write(&self, write: Write) -> Result<(), Write> {
        match self.writes.try_send(write) {
            // The thread ends only after all senders are gone.
            Ok(()) | Err(TrySendError::Disconnected(_)) => Ok(()),
            Err(TrySendError::Full(write)) => Err(write),
        }
    }

    /// Returns when the channel may have room again.
    pub async fn room(&self) {
        // The limit covers a wake-up that went to another waiter.
        let _ = tokio::time::timeout(Duration::from_millis(10), self.room.notified()).await;
    }

    /// Returns when everything handed over before is written.
    pub async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        self.write(Write::Flush(done)).await;
        let _ = flushed.await;
    }
}

struct Thread {
    store: Arc<Store>,
    notes: Notes,
    overgrown: Arc<Notify>,
    shared: Option<Arc<Shared>>,
    writes: Receiver<Write>,
    confirm: mpsc::Sender<Vec<SummaryKey>>,
    room: Arc<Notify>,
}

impl Thread {
    fn run(&self) {
        let mut next = self.writes.recv().ok();
        // When the first unflushed write was made.
        let mut unflushed: Option<Instant> = None;
        while let Some(write) = next.take() {
            let mut batch = Batch::default();
            batch.add(write);
            while batch.count < BATCH
                && let Ok(write) = self.writes.try_recv()
            {
                batch.add(write);
            }
            self.room.notify_waiters();
            self.room.notify_one();
            if self.write(batch) {
                unflushed.get_or_insert_with(Instant::now);
            }
            if let Some(since) = unflushed {
                next = match since.elapsed() < FLUSH_CAP {
                    true => self.writes.recv_timeout(FLUSH_QUIET).ok(),
                    false => None,
                };
                if next.is_none() {
                    if let Err(error) = self.store.flush() {
                        self.notes.set("store", error.to_string());
                    }
                    unflushed = None;
                    if self.store.is_overgrown() {
                        self.overgrown.notify_one();
                    }
                }
            }
            if next.is_none() {
                next = self.writes.recv().ok();
            }
        }
    }

    /// Writes a batch; returns whether it contained anything. Usage goes first, so that a crash in between never
    /// leaves a budget too large; records go last, because they name their nodes' summaries.
    fn write(&self, batch: Batch) -> bool {
        let anything = batch.count > batch.flushed.len();
        // Only summaries are repeated until they are written: everything else can be derived again, or is a count.
        let note = |done: Result<(), StoreError>| {
            if let Err(error) = done {
                self.notes.set("store", error.to_string());
            }
        };
        for (day, root, delta) in batch.usage {
            note(self.store.add_usage(day, &root, delta));
        }
        if !batch.summaries.is_empty() {
            let put = || self.store.put_paid(&batch.summaries);
            until_written(&self.notes, put);
            let keys: Vec<SummaryKey> = batch.summaries.into_iter().map(|(key, _)| key).collect();
            if let Some(shared) = &self.shared {
                note_unshared(&self.store, shared, &keys);
            }
            // After the loop has ended, there is nothing to confirm.
            let _ = self.confirm.blocking_send(keys);
        }
        for (root, records) in batch.records {
            note(self.store.put_records(&root, &records));
        }
        for done in batch.flushed {
            let _ = done.send(());
        }
        anything
    }
}

/// Writes that go to the store together: each call of the store has a fixed cost.
#[derive(Default)]
struct Batch {
    usage: Vec<(u64, PathBuf, Usage)>,
    summaries: Vec<(SummaryKey, Summary)>,
    /// By repository, in order of arrival.
    records: Vec<(PathBuf, Records)>,
    flushed: Vec<oneshot::Sender<()>>,
    /// The number of writes.
    count: usize,
}

impl Batch {
    fn add(&mut self, write: Write) {
        self.count += 1;
        match write {
            Write::Summary { key, summary } => self.summaries.push((key, summary)),
            Write::Records { root, records } => {
                match self.records.iter_mut().find(|(known, _)| *known == root) {
                    Some((_, earlier)) => earlier.extend(records),
                    None => self.records.push((root, records)),
                }
            }
            Write::Usage { day, root, delta } => self.usage.push((day, root, delta)),
            Write::Flush(done) => self.flushed.push(done),
        }
    }
}
