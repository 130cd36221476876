//! Arguments in, exit code out.

use std::process::ExitCode;

/// An index allocates much on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    epitome::cli::main()
}
