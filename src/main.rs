//! Runs the command line and returns its exit code.

use std::process::ExitCode;

/// An index allocates much on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    epitome::cli::main()
}
