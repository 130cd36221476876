//! Starts processes so that no other thread's write is delayed by the fork.
//!
//! A forked child holds a copy of every descriptor of this process until it calls exec. If another thread closes a file
//! meanwhile, the kernel reports the close-after-write event only when the child's copy is closed too, a moment after
//! `close` returned (1,774 of 200,000 files written beside a thread that starts processes). The program under test then
//! sees the write end later than the test assumes.

use std::io;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{PoisonError, RwLock};

static FORKS: RwLock<()> = RwLock::new(());

/// Runs `work`, which opens files for writing, while no process is being started.
pub fn unforked<T>(work: impl FnOnce() -> T) -> T {
    let _shared = FORKS.read().unwrap_or_else(PoisonError::into_inner);
    work()
}

/// The methods of `Command`, run while no thread is in [`unforked`].
pub trait Alone {
    fn spawn_alone(&mut self) -> io::Result<Child>;
    fn status_alone(&mut self) -> io::Result<ExitStatus>;
    /// Captures everything it prints.
    fn output_alone(&mut self) -> io::Result<Output>;
}

impl Alone for Command {
    fn spawn_alone(&mut self) -> io::Result<Child> {
        let _alone = FORKS.write().unwrap_or_else(PoisonError::into_inner);
        // Returns when the child has called exec, or failed to.
        self.spawn()
    }

    fn status_alone(&mut self) -> io::Result<ExitStatus> {
        self.spawn_alone()?.wait()
    }

    fn output_alone(&mut self) -> io::Result<Output> {
        let piped = self.stdout(Stdio::piped()).stderr(Stdio::piped());
        piped.spawn_alone()?.wait_with_output()
    }
}
