//! How a command can fail, and the exit code of each failure.

use std::io;

use crate::client::{ConnectError, PROBLEM_NO_DAEMON};
use crate::config::ConfigError;
use crate::config::places::PlacesError;
use crate::wire::protocol::{PROBLEM_NOT_WATCHED, PROBLEM_TIMEOUT, Problem};

/// A failure, with its message of one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Exit code 1.
    #[error("{0}")]
    Failed(String),
    /// Exit code 2: the arguments are wrong.
    #[error("{0}")]
    Usage(String),
    /// Exit code 3.
    #[error("{0}")]
    NoDaemon(String),
    /// Exit code 4.
    #[error("{0}")]
    NotWatched(String),
    /// Exit code 5.
    #[error("{0}")]
    TimedOut(String),
    /// The reader of standard output closed it (`| head`): no message, exit code 0.
    #[error("the output is no longer read")]
    Unread,
}

impl Failure {
    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Unread => 0,
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::NoDaemon(_) => 3,
            Self::NotWatched(_) => 4,
            Self::TimedOut(_) => 5,
        }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let kind = match problem.kind.as_str() {
            PROBLEM_NO_DAEMON => Self::NoDaemon,
            PROBLEM_NOT_WATCHED => Self::NotWatched,
            PROBLEM_TIMEOUT => Self::TimedOut,
            _ => Self::Failed,
        };
        kind(problem.detail)
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        Problem::from(error).into()
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<PlacesError> for Failure {
    fn from(error: PlacesError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<Problem>() {
            Ok(problem) => problem.into(),
            Err(error) => Self::Failed(format!("{error:#}")),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Unread,
            _ => Self::Failed(format!("standard output: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_problem_has_its_exit_code() {
        for (kind, code) in [
            (PROBLEM_NO_DAEMON, 3),
            (PROBLEM_NOT_WATCHED, 4),
            (PROBLEM_TIMEOUT, 5),
            (crate::wire::protocol::PROBLEM_NO_NODE, 1),
            (crate::wire::protocol::PROBLEM_INTERNAL, 1),
        ] {
            assert_eq!(
                Failure::from(Problem::new(kind, "x")).code(),
                code,
                "{kind}"
            );
            let wrapped = anyhow::Error::new(Problem::new(kind, "x"));
            assert_eq!(Failure::from(wrapped).code(), code, "{kind} in anyhow");
        }
        let pipe = io::Error::from(io::ErrorKind::BrokenPipe);
        assert_eq!(Failure::from(pipe).code(), 0);
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert_eq!(Failure::from(full).code(), 1);
    }
}
