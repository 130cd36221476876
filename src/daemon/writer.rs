//! The one thread that writes to the store. What comes together is written together: one sync for many answers.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::engine::event::Event;
use crate::model::path::RelPath;
use crate::model::record::NodeRecord;
use crate::model::summary::{Summary, SummaryKey};
use crate::shell::store::Store;

use super::driver::{Input, Inputs};
use super::registry::Notes;

/// Answers written with one sync, at most.
const BATCH: usize = 256;
/// What is written is flushed after this much quiet, or after so long without any.
const FLUSH_QUIET: Duration = Duration::from_millis(500);
const FLUSH_CAP: Duration = Duration::from_secs(5);
/// How long to wait before a failed write is tried again.
const PATIENCE: Duration = Duration::from_secs(2);

/// The topic of the note that says that answers cannot be written.
pub const WAITING: &str = "store: waiting";

/// Something to be written.
pub enum Write {
    /// A summary, which must survive a crash if it was paid for.
    Summary {
        /// Its key.
        key: SummaryKey,
        /// Its words.
        summary: Summary,
        /// Whether it was paid for.
        paid: bool,
    },
    /// What is known of nodes.
    Records {
        /// The repository's root.
        root: std::path::PathBuf,
        /// Node by node.
        records: Vec<(RelPath, Option<NodeRecord>)>,
    },
    /// What was used.
    Usage {
        /// The day, since 1970, UTC.
        day: u64,
        /// The root of the repository that it was used for; empty: nobody's.
        root: std::path::PathBuf,
        /// What to add.
        delta: crate::model::usage::Usage,
    },
    /// All before this is written; the answer says so.
    Flush(oneshot::Sender<()>),
}

/// Hands writes to the thread, in order.
#[derive(Clone)]
pub struct Writer {
    writes: Sender<Write>,
}

impl Writer {
    /// Starts the thread. It ends when the last `Writer` is dropped.
    pub fn start(store: Arc<Store>, inputs: Inputs, notes: Notes) -> std::io::Result<Self> {
        // Unbounded in form; in fact bounded by the requests under way and by the nodes of a step.
        let (writes, receiver) = channel();
        std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || work(&store, &receiver, &inputs, &notes))?;
        Ok(Self { writes })
    }

    /// Hands over one write.
    pub fn write(&self, write: Write) {
        // The thread ends only after all senders are gone.
        let _ = self.writes.send(write);
    }

    /// Returns when all that was handed over before is written.
    pub async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        self.write(Write::Flush(done));
        let _ = flushed.await;
    }
}

fn work(store: &Store, writes: &Receiver<Write>, inputs: &Inputs, notes: &Notes) {
    let mut next = writes.recv().ok();
    // Since when something written is not flushed.
    let mut unflushed: Option<Instant> = None;
    while let Some(write) = next.take() {
        if !matches!(write, Write::Flush(_)) {
            unflushed.get_or_insert_with(Instant::now);
        }
        match write {
            Write::Summary { key, summary, paid } => {
                let mut batch = vec![(key, summary)];
                let mut durable = paid;
                while batch.len() < BATCH {
                    match writes.try_recv() {
                        Ok(Write::Summary { key, summary, paid }) => {
                            batch.push((key, summary));
                            durable |= paid;
                        }
                        other => {
                            next = other.ok();
                            break;
                        }
                    }
                }
                // It was paid for: it is not given up. The disk may be full now and not be so later.
                until_written(notes, || store.put_summaries(&batch, durable));
                for (key, _) in batch {
                    inputs.send_blocking(Input::Event(Event::Committed(key)));
                }
            }
            Write::Records { root, records } => {
                // Nothing that cannot be found out again: a failure is told, not insisted on.
                if let Err(error) = store.put_records(&root, &records) {
                    notes.set("store", error.to_string());
                }
            }
            Write::Usage { day, root, delta } => {
                if let Err(error) = store.add_usage(day, &root, delta) {
                    notes.set("store", error.to_string());
                }
            }
            Write::Flush(done) => {
                let _ = done.send(());
            }
        }
        if let Some(since) = unflushed
            && next.is_none()
        {
            next = match since.elapsed() < FLUSH_CAP {
                true => writes.recv_timeout(FLUSH_QUIET).ok(),
                false => None,
            };
            if next.is_none() {
                if let Err(error) = store.flush() {
                    notes.set("store", error.to_string());
                }
                unflushed = None;
            }
        }
        if next.is_none() {
            next = writes.recv().ok();
        }
    }
}

fn until_written<E: std::fmt::Display>(notes: &Notes, mut write: impl FnMut() -> Result<(), E>) {
    while let Err(error) = write() {
        tracing::error!("the store cannot be written, trying again: {error}");
        notes.set(WAITING, format!("answers wait to be stored: {error}"));
        std::thread::sleep(PATIENCE);
    }
    notes.clear(WAITING);
    notes.clear("store");
}
