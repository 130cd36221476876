//! The one thread that writes to the store. What comes together is written together: one sync for many answers.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::engine::event::Event;
use crate::model::path::RelPath;
use crate::model::record::NodeRecord;
use crate::model::summary::{Summary, SummaryKey};
use crate::model::usage::Usage;
use crate::shell::store::{Store, StoreError};

use crate::daemon::context::registry::Notes;
use crate::daemon::mailbox::{Input, Inputs};

/// Writes that go to the disk together, at most.
const BATCH: usize = 256;
/// What is written is flushed after this much quiet, or after so long without any.
const FLUSH_QUIET: Duration = Duration::from_millis(500);
const FLUSH_CAP: Duration = Duration::from_secs(5);
/// How long to wait before a failed write is tried again.
const PATIENCE: Duration = Duration::from_secs(2);

/// The topic of the note that says that answers cannot be written.
pub const WAITING: &str = "store: waiting";

/// Nodes of a repository, and what is known of them; `None`: nothing any more.
pub type Records = Vec<(RelPath, Option<NodeRecord>)>;

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
        root: PathBuf,
        /// Node by node.
        records: Records,
    },
    /// What was used.
    Usage {
        /// The day, since 1970, UTC.
        day: u64,
        /// The root of the repository that it was used for; empty: nobody's.
        root: PathBuf,
        /// What to add.
        delta: Usage,
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
        let mut together = Together::default();
        together.add(write);
        while together.count < BATCH
            && let Ok(write) = writes.try_recv()
        {
            together.add(write);
        }
        if together.write(store, inputs, notes) {
            unflushed.get_or_insert_with(Instant::now);
        }
        if let Some(since) = unflushed {
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

/// What comes together. A write to sled has a price of its own, however little it holds.
#[derive(Default)]
struct Together {
    usage: Vec<(u64, PathBuf, Usage)>,
    /// Those that were paid for, and those that were not: only the first go to the journal.
    paid: Vec<(SummaryKey, Summary)>,
    free: Vec<(SummaryKey, Summary)>,
    /// By repository, in the order in which they came.
    records: Vec<(PathBuf, Records)>,
    flushed: Vec<oneshot::Sender<()>>,
    /// Writes that were taken in.
    count: usize,
}

impl Together {
    fn add(&mut self, write: Write) {
        self.count += 1;
        match write {
            Write::Summary { key, summary, paid } => match paid {
                true => self.paid.push((key, summary)),
                false => self.free.push((key, summary)),
            },
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

    /// Writes all of it, and says whether there was anything. What was used goes first, so that a crash between the
    /// two never makes a budget larger; records go last, as they name the summaries that their nodes have.
    fn write(self, store: &Store, inputs: &Inputs, notes: &Notes) -> bool {
        let anything = self.count > self.flushed.len();
        // Nothing but answers is insisted on: the rest can be found out again, or is a count.
        let tell = |done: Result<(), StoreError>| {
            if let Err(error) = done {
                notes.set("store", error.to_string());
            }
        };
        for (day, root, delta) in self.usage {
            tell(store.add_usage(day, &root, delta));
        }
        for (summaries, durable) in [(self.paid, true), (self.free, false)] {
            if !summaries.is_empty() {
                // The disk may be full now and not be so later.
                until_written(notes, || store.put_summaries(&summaries, durable));
            }
            for (key, _) in summaries {
                inputs.send_blocking(Input::Event(Event::Committed(key)));
            }
        }
        for (root, records) in self.records {
            tell(store.put_records(&root, &records));
        }
        for done in self.flushed {
            let _ = done.send(());
        }
        anything
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
