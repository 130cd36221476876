//! `epitome wait`: returns when everything saved before is seen, summarized and stored.

use std::path::PathBuf;
use std::time::Duration;

use super::failure::Failure;
use super::{Context, output, paths};
use crate::wire::access::Access;
use crate::wire::protocol::FailedNode;

/// How many failed nodes are named.
const NAMED: usize = 10;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A file or directory in a watched repository [default: the current folder]
    path: Option<PathBuf>,
    /// Give up after so many seconds, fractions allowed [default: never]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let path = paths::absolute(arguments.path.as_deref())?;
    let client = context.client().await?;
    let waited = client.wait(Some(&path), arguments.timeout).await?;
    name_failed(&waited.failed);
    Ok(())
}

/// Names nodes that failed for good, the first ten.
pub fn name_failed(failed: &[FailedNode]) {
    for node in failed.iter().take(NAMED) {
        output::say(&format!("not summarized: {}: {}", node.path, node.error));
    }
    if failed.len() > NAMED {
        output::say(&format!("and {} more", failed.len() - NAMED));
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
