//! Starting processes so that no other thread's writing is drawn out by it.
//!
//! A child has a copy of every descriptor of this process until it executes its program. Where another thread writes a
//! file and closes it meanwhile, the system tells of the end of that writing only when the child lets go, too: a moment
//! after `close` returned (of 200,000 files written beside a thread that starts one process after the other, 1,774). For
//! the program under test that is a write that ended later, and a test would be wrong about what came first.

use std::io;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{PoisonError, RwLock};

static FORKS: RwLock<()> = RwLock::new(());

/// Does what opens files for writing, while no process is started.
pub fn unforked<T>(work: impl FnOnce() -> T) -> T {
    let _shared = FORKS.read().unwrap_or_else(PoisonError::into_inner);
    work()
}

/// What `Command` has, done while nobody is in [`unforked`].
pub trait Alone {
    fn spawn_alone(&mut self) -> io::Result<Child>;
    fn status_alone(&mut self) -> io::Result<ExitStatus>;
    /// With all that it printed.
    fn output_alone(&mut self) -> io::Result<Output>;
}

impl Alone for Command {
    fn spawn_alone(&mut self) -> io::Result<Child> {
        let _alone = FORKS.write().unwrap_or_else(PoisonError::into_inner);
        // It returns when the child executes its program, or cannot.
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
