//! A few threads for what costs processor time: reading, parsing, writing summaries offline.
//!
//! They run at a lower priority than what the person at the machine does. Only they do: the thread that drains
//! notifications must never starve, or the kernel's queue overflows.
//!
//! A file system may hang, and whoever reads there with it. So that this holds up nobody else, there are more threads
//! where jobs wait and none is taken for a while.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::thread::{self, Thread};
use std::time::Duration;

type Job = Box<dyn FnOnce() + Send>;

/// How much less of the processor the threads want than others (0 to 19).
#[cfg(target_os = "linux")]
const NICE: i32 = 10;
/// How long jobs wait while none is taken before there is one thread more.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many more threads there may be.
const MOST_MORE: usize = 16;

/// The threads; they end when the pool is dropped.
#[derive(Clone)]
pub struct Pool {
    jobs: SyncSender<Job>,
    crew: Arc<PoolState>,
}

/// What the threads have in common.
struct PoolState {
    receiver: Mutex<Receiver<Job>>,
    /// Jobs that no thread has taken yet.
    waiting: AtomicUsize,
    /// Threads that have none.
    free: AtomicUsize,
    /// Jobs that were taken so far.
    taken: AtomicU64,
    overseer: OnceLock<Thread>,
}

impl PoolState {
    fn oversee(&self) {
        if let Some(overseer) = self.overseer.get() {
            overseer.unpark();
        }
    }
}

impl Drop for PoolState {
    fn drop(&mut self) {
        self.oversee();
    }
}

/// How many threads a pool has: as many as the machine has processors, at most four.
pub fn threads() -> usize {
    thread::available_parallelism().map_or(2, |count| count.get().clamp(1, 4))
}

impl Pool {
    /// Starts the threads.
    pub fn start() -> std::io::Result<Self> {
        // The engine bounds how many jobs are under way; the channel never fills.
        let (jobs, receiver) = sync_channel::<Job>(1_024);
        let crew = Arc::new(PoolState {
            receiver: Mutex::new(receiver),
            waiting: AtomicUsize::new(0),
            free: AtomicUsize::new(0),
            taken: AtomicU64::new(0),
            overseer: OnceLock::new(),
        });
        for index in 0..threads() {
            begin(index, &crew)?;
        }
        let overseen = Arc::downgrade(&crew);
        let overseer = thread::Builder::new().name("overseer".to_owned());
        let overseer = overseer.spawn(move || oversee(&overseen))?;
        let _ = crew.overseer.set(overseer.thread().clone());
        Ok(Self { jobs, crew })
    }

    /// Has a job done. A panic in it ends the job, and nothing else.
    pub fn spawn(&self, job: impl FnOnce() + Send + 'static) {
        let waiting = self.crew.waiting.fetch_add(1, Ordering::SeqCst) + 1;
        // The threads live as long as a sender does.
        let _ = self.jobs.send(Box::new(job));
        if waiting > self.crew.free.load(Ordering::SeqCst) {
            self.crew.oversee();
        }
    }
}

fn begin(index: usize, crew: &Arc<PoolState>) -> std::io::Result<()> {
    let crew = Arc::clone(crew);
    let reader = thread::Builder::new().name(format!("reader-{index}"));
    reader.spawn(move || work(&crew)).map(drop)
}

/// Sees to it that jobs are taken. It sleeps while each of them finds a thread at once.
fn oversee(overseen: &Weak<PoolState>) {
    let taken = |crew: Arc<PoolState>| crew.taken.load(Ordering::SeqCst);
    let mut more = 0;
    loop {
        thread::park();
        loop {
            let Some(before) = overseen.upgrade().map(taken) else {
                return;
            };
            thread::sleep(PATIENCE);
            let Some(crew) = overseen.upgrade() else {
                return;
            };
            if crew.waiting.load(Ordering::SeqCst) == 0 {
                break;
            }
            if taken(Arc::clone(&crew)) == before && more < MOST_MORE {
                tracing::warn!("all threads that read are held up: there is one more now");
                match begin(threads() + more, &crew) {
                    Ok(()) => more += 1,
                    Err(error) => tracing::warn!("there is no thread more: {error}"),
                }
            }
        }
    }
}

fn work(crew: &PoolState) {
    // On Linux a thread has a priority of its own; elsewhere the process keeps the one it has.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE);
    loop {
        crew.free.fetch_add(1, Ordering::SeqCst);
        let job = crew
            .receiver
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        // In this order: who counts in between finds too few threads, never too many.
        crew.free.fetch_sub(1, Ordering::SeqCst);
        let Ok(job) = job else { return };
        crew.waiting.fetch_sub(1, Ordering::SeqCst);
        crew.taken.fetch_add(1, Ordering::SeqCst);
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
    }
}
