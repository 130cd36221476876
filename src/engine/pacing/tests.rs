//! When a request may be sent and when it must wait.

use super::failed::{BROKEN, OWN_REFUSALS, STOPPED_MS};
use super::*;
use crate::engine::late_retries::FIRST_MS as CHANCE_MS;
use crate::engine::retry::{Attempts, MAX_TRIES};
use crate::model::digest::Digest;
use crate::model::failure::Remedy;

const KEY: SummaryKey = SummaryKey(Digest([7; 16]));

fn pacing() -> Pacing {
    Pacing::new(Bounds {
        max_workers: 10,
        ..Bounds::default()
    })
}

fn tried(times: u32, lost: u32) -> Attempts {
    Attempts {
        times,
        lost,
        ..Attempts::default()
    }
}

fn key(byte: u8) -> SummaryKey {
    SummaryKey(Digest([byte; 16]))
}

/// A request that was never refused succeeds.
fn pass(pacing: &mut Pacing, sent_ms: u64, now_ms: u64) {
    pacing.passed(0, sent_ms);
    pacing.succeeded(true, now_ms - sent_ms, now_ms);
}

fn at(monotonic_ms: u64) -> Timestamp {
    Timestamp {
        monotonic_ms,
        unix_ms: monotonic_ms,
    }
}

#[test]
fn an_endpoint_that_is_down_is_probed_by_one_request_at_a_time() {
    let mut pacing = pacing();
    let down = Failure::new(Remedy::Unreachable, "connection refused");
    let next = pacing.failed(&down, KEY, tried(1, 0), 900, 1_000);
    let Some(PauseReason::Until(until_ms)) = pacing.pause_reason(1, at(1_000)) else {
        panic!("no pause");
    };
    assert!(
        matches!(next, Next::Again { at_ms, .. } if at_ms > until_ms),
        "others go first"
    );
    assert_eq!(pacing.pause_reason(1, at(until_ms)), None);
    let sent = pacing.sent(1, at(until_ms));
    assert_eq!(
        pacing.pause_reason(1, at(until_ms)),
        Some(PauseReason::Full),
        "only one probes"
    );
    pacing.returned(sent, Some(1), false, &Limits::default(), until_ms);
    pacing.succeeded(true, 10, 20);
    assert_eq!(pacing.concurrency_limit(), 10);
}

#[test]
fn ten_refusals_at_once_are_one_event() {
    let mut pacing = pacing();
    let full = Failure {
        retry_after_ms: Some(500),
        ..Failure::new(Remedy::Throttled, "429")
    };
    let first = pacing.failed(&full, KEY, tried(1, 0), 0, 10);
    for _ in 0..9 {
        assert_eq!(pacing.failed(&full, KEY, tried(1, 0), 5, 11), first);
    }
    assert_eq!(pacing.concurrency_limit(), 7);
}

#[test]
fn a_bad_response_costs_an_attempt_and_a_refusal_costs_none() {
    let mut pacing = pacing();
    let garbled = Failure::new(Remedy::Retry, "garbled");
    assert_eq!(
        pacing.failed(&garbled, KEY, tried(6, MAX_TRIES - 1), 0, 0),
        Next::Never
    );
    let again = |next| match next {
        Next::Again { costs_a_try, .. } => costs_a_try,
        Next::Never => panic!("given up"),
    };
    assert!(again(pacing.failed(
        &garbled,
        KEY,
        tried(5, MAX_TRIES - 2),
        0,
        0
    )));
    let full = Failure::new(Remedy::Throttled, "429");
    assert!(!again(pacing.failed(
        &full,
        KEY,
        tried(6, MAX_TRIES - 1),
        0,
        0
    )));
}

#[test]
fn an_endpoint_that_never_responds_is_probed_by_one_request_at_a_time() {
    let mut pacing = pacing();
    let broken = Failure::new(Remedy::Retry, "500");
    for _ in 0..BROKEN {
        assert_eq!(pacing.concurrency_limit(), 10);
        pacing.failed(&broken, KEY, tried(1, 0), 10, 10);
    }
    assert_eq!(pacing.concurrency_limit(), 1);
    assert!(pacing.trouble().is_some());
    assert!(matches!(
        pacing.pause_reason(1, at(11)),
        Some(PauseReason::Until(_))
    ));
    pacing.succeeded(true, 10, 20);
    assert_eq!((pacing.concurrency_limit(), pacing.trouble()), (10, None));
}

#[test]
fn keys_that_were_given_up_are_retried_after_a_recovery_and_then_at_growing_intervals() {
    let mut pacing = pacing();
    let broken = Failure::new(Remedy::Retry, "500");
    for other in 1..BROKEN {
        let key = SummaryKey(Digest([other as u8; 16]));
        pacing.failed(&broken, key, tried(1, 0), 10, 10);
    }
    pacing.failed(&broken, KEY, tried(6, MAX_TRIES - 1), 10, 10);
    assert_eq!(pacing.late_retry_ms(), Some(10 + CHANCE_MS));
    pacing.succeeded(true, 10, 500);
    assert_eq!(pacing.late_retry_ms(), Some(500));
    assert_eq!(pacing.take_late_retries(500).len(), 1);
    assert_eq!(pacing.late_retry_ms(), None);
    // That failed too: after the next recovery it waits.
    pacing.failed(&broken, KEY, tried(6, MAX_TRIES - 1), 600, 600);
    let later = Some(600 + 2 * CHANCE_MS);
    assert_eq!(pacing.late_retry_ms(), later);
    for _ in 0..BROKEN {
        pacing.failed(&broken, KEY, tried(1, 0), 700, 700);
    }
    pacing.succeeded(true, 10, 800);
    assert_eq!(pacing.late_retry_ms(), later);
}

#[test]
fn timeouts_lower_concurrency() {
    let mut pacing = pacing();
    let late = Failure::new(Remedy::TimedOut, "no response in time");
    for _ in 0..5 {
        pacing.failed(&late, KEY, tried(1, 0), 0, 60_000);
    }
    assert_eq!(pacing.concurrency_limit(), 7, "all of one event");
}

#[test]
fn a_late_response_does_not_end_a_stop() {
    let mut pacing = pacing();
    pacing.failed(&Failure::new(Remedy::Fatal, "401"), KEY, tried(1, 0), 0, 10);
    pacing.succeeded(true, 10, 20);
    assert_eq!(pacing.stopped_until_ms(), Some(10 + STOPPED_MS));
    pacing.probe();
    assert_eq!(
        (pacing.stopped_until_ms(), pacing.concurrency_limit()),
        (None, 1)
    );
    pacing.succeeded(true, 10, 30 + STOPPED_MS);
    assert_eq!(pacing.concurrency_limit(), 10);
}

#[test]
fn one_forbidden_text_does_not_block_others_and_three_in_a_row_do() {
    let no = Failure::new(Remedy::Forbidden, "403");
    let mut pacing = pacing();
    pacing.failed(&no, KEY, tried(1, 0), 0, 10);
    assert!(pacing.stopped().is_some(), "no request succeeded before");
    pacing.probe();
    pass(&mut pacing, 10, 20);
    for round in 0..5 {
        for text in 0..2 {
            let next = pacing.failed(&no, key(text), tried(1, 0), 20, 30);
            assert_eq!((next, pacing.stopped()), (Next::Never, None), "{round}");
        }
        pass(&mut pacing, 30, 40);
    }
    for text in 0..3 {
        assert!(pacing.stopped().is_none());
        pacing.failed(&no, key(text), tried(1, 0), 40, 50);
    }
    assert_eq!(
        pacing.stopped().map(|failure| failure.remedy),
        Some(Remedy::Fatal)
    );
}

#[test]
fn a_spent_budget_lasts_until_the_next_day() {
    let mut pacing = Pacing::new(Bounds {
        max_workers: 10,
        budget: Budget {
            requests: 2,
            ..Budget::default()
        },
        ..Bounds::default()
    });
    for _ in 0..2 {
        assert_eq!(pacing.pause_reason(1, at(5)), None);
        pacing.sent(1, at(5));
    }
    assert_eq!(pacing.pause_reason(1, at(5)), Some(PauseReason::Budget));
    let later = |days: u64| at(days * crate::model::time::DAY_MS + 5);
    assert_eq!(pacing.pause_reason(1, later(1)), None);
    for _ in 0..2 {
        pacing.sent(1, later(1));
    }
    assert_eq!(pacing.pause_reason(1, later(1)), Some(PauseReason::Budget));
    // The clock was set back, then forward again.
    assert_eq!(pacing.pause_reason(1, later(0)), Some(PauseReason::Budget));
    assert_eq!(pacing.budget_left(0), (0, u64::MAX, u64::MAX));
    assert_eq!(pacing.pause_reason(1, later(1)), Some(PauseReason::Budget));
    assert_eq!(pacing.pause_reason(1, later(9)), None);
    pacing.sent(1, later(9));
    // The clock was far in the future by mistake.
    assert_eq!(pacing.budget_left(1), (2, u64::MAX, u64::MAX));
}

#[test]
fn money_and_tokens_in_flight_are_not_spent_twice() {
    let prices = Prices::per_million(1.0, 1.0, 2.0, 0.5);
    let mut pacing = Pacing::new(Bounds {
        max_workers: 10,
        budget: Budget {
            // 1,000 input and 600 output tokens cost 2,200,000.
            cost_nanos: 5_000_000,
            ..Budget::default()
        },
        prices: Some(prices),
        answer_tokens: 600,
        ..Bounds::default()
    });
    assert_eq!(pacing.guess_nanos(1_600, false), 2_200_000);
    assert_eq!(pacing.guess_nanos(1_600, true), 1_100_000);
    let mut under_way = Vec::new();
    while pacing.pause_reason(1_600, at(5)).is_none() {
        under_way.push(pacing.sent(1_600, at(5)));
    }
    assert_eq!(under_way.len(), 3, "only the third may exceed it");
    assert_eq!(pacing.pause_reason(1_600, at(5)), Some(PauseReason::Full));
    for sent in under_way {
        pacing.returned(sent, Some(1_100), false, &Limits::default(), 6);
        // Much less than estimated.
        pacing.spent_money(1_200_000);
    }
    assert_eq!(pacing.spent_bound(0), None);
    assert_eq!(pacing.pause_reason(1_600, at(7)), None);
    pacing.spent_money(1_400_000);
    assert_eq!(pacing.spent_bound(0), Some("max_cost_per_day"));
    assert_eq!(pacing.pause_reason(1_600, at(7)), Some(PauseReason::Budget));
    assert_eq!(pacing.spent_bound(1), None);
}

/// Plays one request that is always refused, beside others that succeed.
fn play_refused(
    pacing: &mut Pacing,
    key: SummaryKey,
    failure: &Failure,
    others: bool,
) -> (u32, u64) {
    let mut attempts = Attempts::default();
    let mut now_ms = 1_000;
    for times in 1..100 {
        attempts.times = times;
        if others {
            pass(pacing, now_ms, now_ms);
        }
        match pacing.failed(failure, key, attempts, now_ms, now_ms) {
            Next::Never => return (times, now_ms),
            Next::Again { at_ms, costs_a_try } => {
                attempts = attempts.failed(failure.remedy, costs_a_try, now_ms);
                now_ms = at_ms;
            }
        }
    }
    panic!("{failure:?} never ends");
}

#[test]
fn a_request_that_never_passes_does_not_delay_the_others() {
    for remedy in [
        Remedy::Throttled,
        Remedy::Unreachable,
        Remedy::Retry,
        Remedy::TimedOut,
        Remedy::RetryLater,
    ] {
        let mut pacing = pacing();
        let no = Failure::new(remedy, "no");
        let (times, now_ms) = play_refused(&mut pacing, KEY, &no, true);
        assert!(times <= OWN_REFUSALS + 1, "{remedy:?}: {times}");
        assert!(now_ms < 90_000, "{remedy:?}: {now_ms}");
        assert!(pacing.late_retry_ms().is_some(), "{remedy:?}");
    }
    // The first refusal may concern the endpoint; later ones pause only this request.
    let mut pacing = pacing();
    let full = Failure::new(Remedy::Throttled, "503");
    let first = pacing.failed(&full, KEY, tried(1, 0), 0, 10);
    let Next::Again { at_ms, .. } = first else {
        panic!("given up");
    };
    let until_ms = match pacing.pause_reason(1, at(11)) {
        Some(PauseReason::Until(until_ms)) => until_ms,
        other => panic!("{other:?}"),
    };
    assert!(until_ms < at_ms, "others go first");
    pass(&mut pacing, until_ms, until_ms);
    let refused = tried(2, 0).failed(Remedy::Throttled, false, 10);
    pacing.failed(&full, KEY, refused, at_ms, at_ms + 10);
    assert_eq!(pacing.pause_reason(1, at(at_ms + 11)), None);
}

#[test]
fn a_request_that_is_refused_alone_ends_without_any_other() {
    let mut pacing = pacing();
    let full = Failure::new(Remedy::Throttled, "503");
    let (times, _) = play_refused(&mut pacing, KEY, &full, false);
    assert!(times < 40, "{times}");
}

#[test]
fn refusals_of_many_requests_concern_the_endpoint() {
    let mut pacing = pacing();
    let full = Failure::new(Remedy::Throttled, "503");
    for round in 0..200_u32 {
        for byte in 0..6 {
            let refused = Attempts {
                times: 1 + round,
                refused: round,
                refused_ms: 1,
                ..Attempts::default()
            };
            let next = pacing.failed(
                &full,
                key(byte),
                refused,
                u64::from(round) * 1_000,
                u64::from(round) * 1_000,
            );
            assert_ne!(next, Next::Never, "no request passed");
        }
    }
}

#[test]
fn equal_refusals_of_different_requests_stop_the_rest() {
    let no = |message: &str| Failure::new(Remedy::Rejected, message);
    let mut fresh = pacing();
    for text in 0..3 {
        assert!(fresh.stopped().is_none());
        fresh.failed(
            &no(&format!("400: no system role (request r{text})")),
            key(text),
            tried(1, 0),
            0,
            10,
        );
    }
    let stopped = fresh.stopped().expect("a stop");
    assert_eq!(stopped.remedy, Remedy::Fatal);
    assert!(stopped.hint.is_some());
    assert_eq!(
        fresh.take_late_retries(20 + STOPPED_MS).len(),
        3,
        "they are retried after the stop"
    );

    // After other requests succeeded, more refusals are needed, and different refusals prove nothing.
    let mut pacing = pacing();
    pass(&mut pacing, 0, 10);
    for text in 0..4 {
        pacing.failed(&no("400: no"), key(text), tried(1, 0), 20, 30);
    }
    assert!(pacing.stopped().is_none());
    for (text, message) in (4..).zip(["one", "two", "three", "four", "five", "six", "seven"]) {
        pacing.failed(&no(message), key(text), tried(1, 0), 20, 30);
    }
    assert!(pacing.stopped().is_none());
    pass(&mut pacing, 40, 50);
    for text in 0..5 {
        assert!(pacing.stopped().is_none());
        pacing.failed(&no("400: no"), key(text), tried(1, 0), 60, 70);
    }
    assert!(pacing.stopped().is_some());
}

#[test]
fn a_useless_response_is_retried_once() {
    let mut pacing = pacing();
    let useless = Failure::new(Remedy::Useless, "repetition");
    let first = pacing.failed(&useless, KEY, tried(1, 0), 0, 10);
    assert!(matches!(
        first,
        Next::Again {
            costs_a_try: true,
            ..
        }
    ));
    assert_eq!(
        pacing.failed(&useless, KEY, tried(2, 1), 20, 30),
        Next::Never
    );
    assert_eq!(pacing.pause_reason(1, at(40)), None);
}

#[test]
fn a_limit_on_parallel_requests_is_obeyed() {
    let mut pacing = pacing();
    let sent = pacing.sent(1, at(5));
    let limits = Limits {
        parallel: Some(2),
        ..Limits::default()
    };
    pacing.returned(sent, Some(1), false, &limits, 6);
    assert_eq!(pacing.concurrency_limit(), 2);
    pacing.succeeded(true, 1, 7);
    assert_eq!(pacing.concurrency_limit(), 2);
}
