//! `epitome doctor --audit`: whether the daemon's state matches the disk.

use super::Check;
use crate::cli::Context;
use crate::cli::failure::Failure;
use crate::cli::text::count;
use crate::client::{Client, ConnectError};
use crate::daemon::audit::{Audit, Subject, audit};
use crate::wire::access::Access;
use crate::wire::protocol::{Repository, RepositoryState};

/// The most differences named.
const NAMED: usize = 20;
const NAME: &str = "audit";

/// A check for each repository.
pub(super) async fn checks(context: &Context, client: Result<Client, ConnectError>) -> Vec<Check> {
    let Ok(client) = client else {
        let fix = "start the daemon: its state is what is checked";
        return vec![Check::failed(NAME, "no daemon answers", fix)];
    };
    let repositories = match client.status().await {
        Ok(status) => status.repositories,
        Err(problem) => return vec![Check::failed(NAME, problem.to_string(), "try again")],
    };
    let mut checks = Vec::new();
    for repository in repositories {
        checks.push(match one(context, &client, &repository).await {
            Ok(check) => check,
            Err(failure) => {
                let detail = format!("{}: {failure}", repository.path);
                Check::failed(NAME, detail, "fix that and try again")
            }
        });
    }
    checks
}

async fn one(
    context: &Context,
    client: &Client,
    repository: &Repository,
) -> Result<Check, Failure> {
    let path = &repository.path;
    if repository.state == RepositoryState::Unreachable {
        let detail = format!("{path}: the folder does not exist");
        return Ok(Check::warning(NAME, detail, "mount or create the folder"));
    }
    let subject = Subject {
        config: context.config()?,
        data: context.places.data.clone(),
        root: path.into(),
    };
    Ok(check(path, &audit(client, &subject).await?))
}

fn check(root: &str, audit: &Audit) -> Check {
    let differences = &audit.differences;
    let files = count(audit.files, "file");
    if differences.is_empty() {
        return Check::ok(
            NAME,
            format!("{root}: {files} on the disk checked, all match"),
        );
    }
    let mut named: Vec<String> = differences
        .iter()
        .take(NAMED)
        .map(|(path, what)| format!("{path} {what}"))
        .collect();
    if differences.len() > NAMED {
        named.push(format!("and {} more", differences.len() - NAMED));
    }
    let detail = format!("{root}: {files} on the disk checked; {}", named.join("; "));
    let fix = "`epitome restart`, which scans everything, and report this as a defect";
    Check::failed(NAME, detail, fix)
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;
    use crate::model::path::RelPath;

    #[test]
    fn differences_are_named_and_fail() {
        let mut found = Audit {
            files: 2,
            ..Audit::default()
        };
        assert_eq!(check("/r", &found).state, State::Ok);
        for number in 0..25 {
            let path = RelPath::new(format!("f{number}"));
            found.differences.insert(path, "is elsewhere");
        }
        let check = check("/r", &found);
        assert_eq!(check.state, State::Failed);
        assert!(check.detail.contains("f0 is elsewhere") && check.detail.contains("and 5 more"));
    }
}
