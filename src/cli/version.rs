//! Whether the running daemon and this program are the same version.

use super::output;
use super::text::clean;
use crate::client::Client;
use crate::wire::access::Access;

/// Says on standard error where they are not. A daemon that does not answer is the command's own failure.
pub async fn compare(client: &Client) {
    let Ok(status) = client.status().await else {
        return;
    };
    let own = env!("CARGO_PKG_VERSION");
    if status.version != own {
        output::say(&format!(
            "the daemon is version {}, this program {own}: `epitome restart` replaces it",
            clean(&status.version)
        ));
    }
}
