//! `epitome wait`: blocks until everything saved so far is seen, summarized and stored.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::failure::Failure;
use super::failures::Failures;
use super::index::{Progress, repository_of, wait_with_progress};
use super::{Context, here, output};
use crate::wire::access::Access;
use crate::wire::protocol::{Repository, WaitOutcome};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A file or folder in a watched repository [default: the current folder]
    path: Option<PathBuf>,
    /// Give up after this many seconds, fractions allowed [default: never]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let path = here::or_here(context, arguments.path.as_deref()).await?;
    let client = context.client().await?;
    let waited = wait(&client, &path, arguments.timeout).await?;
    let status = client.status().await?;
    report(&waited, repository_of(&status, &path), &path);
    Ok(())
}

/// Waits for `path`, with a bar on a terminal.
pub async fn wait<A: Access>(
    access: &A,
    path: &Path,
    timeout: Option<Duration>,
) -> Result<WaitOutcome, Failure> {
    match Progress::bar_only() {
        None => Ok(access.wait(Some(path), timeout).await?),
        Some(mut progress) => {
            let waited =
                wait_with_progress(access, path, timeout, &mut progress, |_, _| None).await;
            progress.end();
            waited
        }
    }
}

/// Prints what could not be summarized.
pub fn report(waited: &WaitOutcome, repository: Option<&Repository>, path: &Path) {
    for line in Failures::of(waited, repository, path).lines() {
        output::say(&line);
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "must be a number of seconds, 0 or more".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_may_have_fractions() {
        assert_eq!(seconds("0"), Ok(Duration::ZERO));
        assert_eq!(seconds("1.25"), Ok(Duration::from_millis(1_250)));
        for bad in ["", "-1", "nan", "inf", "1e300", "5s"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
