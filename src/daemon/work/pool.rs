//! The threads that list, read, parse and describe.
//!
//! They have a lower priority than other programs. The thread that drains notifications does not: if it starved, the
//! kernel's queue would overflow.
//!
//! A thread can hang in a file system that does not respond. When jobs wait and none is taken for a while, another
//! thread starts, so that other repositories are not blocked.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::thread::{self, Thread};
use std::time::Duration;

type Job = Box<dyn FnOnce() + Send>;

/// The threads' niceness.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;
/// How long jobs wait, while none is taken, before another thread starts.
const PATIENCE: Duration = Duration::from_secs(2);
/// The largest number of additional threads.
const MAX_MORE: usize = 16;

/// The threads; they end when the pool is dropped.
#[derive(Clone)]
pub struct Pool {
    jobs: SyncSender<Job>,
    state: Arc<PoolState>,
}

/// What the threads share.
struct PoolState {
    receiver: Mutex<Receiver<Job>>,
    /// Jobs that no thread has taken.
    waiting: AtomicUsize,
    /// Threads without a job.
    free: AtomicUsize,
    /// Jobs taken so far.
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

/// The number of threads: one for each processor, at most four.
pub fn threads() -> usize {
    thread::available_parallelism().map_or(2, |count| count.get().clamp(1, 4))
}

impl Pool {
    /// Starts the threads.
    pub fn start() -> std::io::Result<Self> {
        // The engine limits the jobs in progress; the channel never fills.
        let (jobs, receiver) = sync_channel::<Job>(1_024);
        let state = Arc::new(PoolState {
            receiver: Mutex::new(receiver),
            waiting: AtomicUsize::new(0),
            free: AtomicUsize::new(0),
            taken: AtomicU64::new(0),
            overseer: OnceLock::new(),
        });
        for index in 0..threads() {
            begin(index, &state)?;
        }
        let overseen = Arc::downgrade(&state);
        let overseer = thread::Builder::new().name("overseer".to_owned());
        let overseer = overseer.spawn(move || oversee(&overseen))?;
        let _ = state.overseer.set(overseer.thread().clone());
        Ok(Self { jobs, state })
    }

    /// Runs a job. A panic ends only the job.
    pub fn spawn(&self, job: impl FnOnce() + Send + 'static) {
        let waiting = self.state.waiting.fetch_add(1, Ordering::SeqCst) + 1;
        // The threads live as long as the pool.
        let _ = self.jobs.send(Box::new(job));
        if waiting > self.state.free.load(Ordering::SeqCst) {
            self.state.oversee();
        }
    }
}

fn begin(index: usize, state: &Arc<PoolState>) -> std::io::Result<()> {
    let state = Arc::clone(state);
    let reader = thread::Builder::new().name(format!("reader-{index}"));
    reader.spawn(move || work(&state)).map(drop)
}

/// Starts threads when jobs are not taken. It sleeps while each job finds a free thread.
fn oversee(overseen: &Weak<PoolState>) {
    let taken = |state: Arc<PoolState>| state.taken.load(Ordering::SeqCst);
    let mut more = 0;
    loop {
        thread::park();
        loop {
            let Some(before) = overseen.upgrade().map(taken) else {
                return;
            };
            thread::sleep(PATIENCE);
            let Some(state) = overseen.upgrade() else {
                return;
            };
            if state.waiting.load(Ordering::SeqCst) == 0 {
                break;
            }
            if taken(Arc::clone(&state)) == before && more < MAX_MORE {
                tracing::warn!("all worker threads are blocked; starting another one");
                match begin(threads() + more, &state) {
                    Ok(()) => more += 1,
                    Err(error) => tracing::warn!("cannot start a thread: {error}"),
                }
            }
        }
    }
}

fn work(state: &PoolState) {
    // Only Linux has a niceness for each thread.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE);
    loop {
        state.free.fetch_add(1, Ordering::SeqCst);
        let job = state
            .receiver
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        // In this order, `spawn` may see too few free threads, never too many.
        state.free.fetch_sub(1, Ordering::SeqCst);
        let Ok(job) = job else { return };
        state.waiting.fetch_sub(1, Ordering::SeqCst);
        state.taken.fetch_add(1, Ordering::SeqCst);
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
    }
}
