//! A few threads for what costs processor time: reading, parsing, writing summaries offline.
//!
//! They run at a lower priority than what the person at the machine does. Only they do: the thread that drains
//! notifications must never starve, or the kernel's queue overflows.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

type Job = Box<dyn FnOnce() + Send>;

/// How much less of the processor the threads want than others (0 to 19).
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// The threads; they end when the pool is dropped.
#[derive(Clone)]
pub struct Pool {
    jobs: SyncSender<Job>,
}

/// How many threads a pool has: as many as the machine has processors, at most four.
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, |count| count.get().clamp(1, 4))
}

impl Pool {
    /// Starts the threads.
    pub fn start() -> std::io::Result<Self> {
        // The engine bounds how many jobs are under way; the channel never fills.
        let (jobs, receiver) = sync_channel::<Job>(1_024);
        let receiver = Arc::new(Mutex::new(receiver));
        for index in 0..threads() {
            let receiver = Arc::clone(&receiver);
            std::thread::Builder::new()
                .name(format!("reader-{index}"))
                .spawn(move || work(&receiver))?;
        }
        Ok(Self { jobs })
    }

    /// Has a job done. A panic in it ends the job, and nothing else.
    pub fn spawn(&self, job: impl FnOnce() + Send + 'static) {
        // The threads live as long as a sender does.
        let _ = self.jobs.send(Box::new(job));
    }
}

fn work(receiver: &Mutex<Receiver<Job>>) {
    // On Linux a thread has a priority of its own; elsewhere the process keeps the one it has.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE);
    loop {
        let job = receiver
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok(job) = job else { return };
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
    }
}
