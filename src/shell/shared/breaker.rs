//! A circuit breaker: after a failure nothing is tried for a while, then one attempt decides.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The first pause; it doubles with each further failure.
const FIRST: Duration = Duration::from_secs(2);
/// Doublings: the longest pause is about a minute.
const DOUBLINGS: u32 = 5;

/// The breaker of one kind of operation.
#[derive(Debug, Default)]
pub struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Failures in a row; attempts in progress at the first one count with it.
    failures: u32,
    open_until: Option<Instant>,
    error: Option<String>,
}

impl Breaker {
    /// Whether an operation may be tried now. While it is open, one attempt is let through after each pause.
    pub fn allows(&self, now: Instant) -> bool {
        let mut state = self.lock();
        match state.open_until {
            None => true,
            Some(until) if now < until => false,
            Some(_) => {
                state.open_until = Some(now + FIRST);
                true
            }
        }
    }

    /// An operation succeeded.
    pub fn succeeded(&self) {
        let mut state = self.lock();
        if state.failures > 0 {
            *state = State::default();
        }
    }

    /// An operation that began at `began` failed.
    pub fn failed(&self, began: Instant, now: Instant, error: String) {
        let mut state = self.lock();
        // Of operations side by side the first failure opens it.
        if state.open_until.is_none_or(|until| began + FIRST >= until) || state.failures == 0 {
            let pause = FIRST * 2_u32.pow(state.failures.min(DOUBLINGS));
            state.failures += 1;
            state.open_until = Some(now + pause);
        }
        state.error = Some(error);
    }

    /// Why it is open, if it is.
    pub fn error(&self) -> Option<String> {
        let state = self.lock();
        state.error.clone().filter(|_| state.failures > 0)
    }

    /// How long it stays open.
    pub fn pause(&self, now: Instant) -> Duration {
        let until = self.lock().open_until;
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_at_once_closes_on_success_and_lets_one_attempt_through() {
        let breaker = Breaker::default();
        let start = Instant::now();
        assert!(breaker.allows(start));
        for _ in 0..64 {
            breaker.failed(start, start + Duration::from_millis(900), "slow".to_owned());
        }
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(!breaker.allows(at(2)), "64 side by side are one failure");
        assert!(breaker.allows(at(3)));
        assert!(!breaker.allows(at(3)), "one attempt only");
        breaker.failed(at(3), at(4), "slow".to_owned());
        assert!(
            !breaker.allows(at(7)) && breaker.allows(at(9)),
            "the pause grows"
        );
        assert_eq!(breaker.error().as_deref(), Some("slow"));
        breaker.succeeded();
        assert!(breaker.allows(at(9)) && breaker.allows(at(9)));
        assert_eq!(breaker.error(), None);
    }
}
