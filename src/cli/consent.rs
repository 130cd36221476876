//! Asks before a first index sends more requests than `[budget] confirm_above`.

use std::io::IsTerminal;
use std::path::Path;

use super::failure::Failure;
use super::index::repository_of;
use super::output;
use super::text::count;
use crate::wire::access::Access;
use crate::wire::protocol::Status;

/// How many requests of the repository at `path` wait for confirmation.
pub fn awaited(status: &Status, path: &Path) -> Option<u64> {
    repository_of(status, path)?.awaiting_confirmation
}

/// Confirms the requests, if the user agrees.
///
/// # Errors
/// The user declines, or cannot be asked.
pub async fn obtain<A: Access>(access: &A, path: &Path, requests: u64) -> Result<(), Failure> {
    let asked = count(requests, "request");
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(Failure::Failed(format!(
            "a first index needs {asked}; run again with --yes to send them, or raise [budget] confirm_above"
        )));
    }
    output::say(&format!("send {asked}? [y/N]"));
    let answer = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map(|_| line)
    });
    let answer = answer.await.ok().and_then(Result::ok).unwrap_or_default();
    if !matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
        return Err(Failure::Failed("nothing was sent".to_owned()));
    }
    Ok(access.confirm(path).await?)
}
