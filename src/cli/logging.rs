//! Logging to standard error, filtered by EPITOME_LOG.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use super::failure::Failure;

/// Starts logging with the filter of EPITOME_LOG, or with `default`.
///
/// # Errors
///
/// The filter is invalid.
pub fn start(default: &str) -> Result<(), Failure> {
    let value = std::env::var_os("EPITOME_LOG").unwrap_or_default();
    let filter = filter(&value.to_string_lossy(), default)?;
    let stderr = std::io::stderr();
    let color = stderr.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(color)
        .log_internal_errors(false);
    // It fails only if there is a subscriber already, which then stays.
    let _ = subscriber.try_init();
    Ok(())
}

fn filter(value: &str, default: &str) -> Result<EnvFilter, Failure> {
    let value = match value.trim() {
        "" => default,
        value => value,
    };
    EnvFilter::try_new(value).map_err(|error| {
        Failure::Failed(format!(
            "EPITOME_LOG: {value:?} is not a filter ({error}); use error, warn, info, debug, trace, or as epitome::engine=debug"
        ))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_bad_filter_is_an_error() {
        assert_eq!(filter(" ", "warn").unwrap().to_string(), "warn");
        assert_eq!(filter("info", "warn").unwrap().to_string(), "info");
        let failure = filter("epitome=loud", "warn").unwrap_err().to_string();
        assert!(
            failure.starts_with("EPITOME_LOG: \"epitome=loud\" is not a filter"),
            "{failure}"
        );
    }
}
