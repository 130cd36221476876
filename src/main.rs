//! Arguments in, exit code out.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use epitome::cli::Cli;

fn main() -> ExitCode {
    let cli = Cli::of_this_process();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = writeln!(
                std::io::stderr(),
                "epitome: no threads could be started: {error}"
            );
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(cli.run());
    // What still reads or asks in the background is not worth waiting for: all that matters is stored by now.
    runtime.shutdown_timeout(Duration::from_secs(1));
    code
}
