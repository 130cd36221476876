//! When one may go, and when nobody may.

use super::failed::{BROKEN, STOPPED_MS};
use super::*;
use crate::engine::late_retries::FIRST_MS as CHANCE_MS;
use crate::engine::retry::{Attempts, MAX_TRIES};
use crate::model::digest::Digest;
use crate::model::failure::Remedy;

const KEY: SummaryKey = SummaryKey(Digest([7; 16]));

fn pace() -> Pacing {
    Pacing::new(Bounds {
        max_workers: 10,
        free_workers: 2,
        ..Bounds::default()
    })
}

fn tried(times: u32, lost: u32) -> Attempts {
    Attempts {
        times,
        lost,
        waited_ms: 0,
    }
}

fn at(monotonic_ms: u64) -> Timestamp {
    Timestamp {
        monotonic_ms,
        unix_ms: monotonic_ms,
    }
}

#[test]
fn an_endpoint_that_is_down_is_probed_by_one_request_at_a_time() {
    let mut pace = pace();
    let down = Failure::new(Remedy::Unreachable, "connection refused");
    let Next::Again {
        at_ms: until_ms, ..
    } = pace.failed(&down, KEY, tried(1, 0), 900, 1_000)
    else {
        panic!("given up");
    };
    assert_eq!(
        pace.hold(true, 1, at(1_000)),
        Some(PauseReason::Until(until_ms))
    );
    assert_eq!(pace.hold(true, 1, at(until_ms)), None);
    let sent = pace.sent(true, 1, at(until_ms));
    assert_eq!(
        pace.hold(true, 1, at(until_ms)),
        Some(PauseReason::Full),
        "only one probes"
    );
    assert_eq!(
        pace.hold(false, 1, at(until_ms)),
        None,
        "what is free goes on"
    );
    pace.returned(sent, Some(1), false, &Limits::default(), until_ms);
    pace.succeeded(true, 10, 20);
    assert_eq!(pace.width(), 10);
}

#[test]
fn ten_refusals_at_once_are_one_event() {
    let mut pace = pace();
    let full = Failure {
        retry_after_ms: Some(500),
        ..Failure::new(Remedy::Throttled, "429")
    };
    let first = pace.failed(&full, KEY, tried(1, 0), 0, 10);
    for _ in 0..9 {
        assert_eq!(pace.failed(&full, KEY, tried(1, 0), 5, 11), first);
    }
    assert_eq!(pace.width(), 7);
}

#[test]
fn a_bad_answer_is_tried_a_bounded_number_of_times_and_a_refusal_costs_none_of_them() {
    let mut pace = pace();
    let garbled = Failure::new(Remedy::Retry, "garbled");
    assert_eq!(
        pace.failed(&garbled, KEY, tried(6, MAX_TRIES - 1), 0, 0),
        Next::Never
    );
    let again = |next| match next {
        Next::Again { costs_a_try, .. } => costs_a_try,
        Next::Never => panic!("given up"),
    };
    assert!(again(pace.failed(
        &garbled,
        KEY,
        tried(5, MAX_TRIES - 2),
        0,
        0
    )));
    let full = Failure::new(Remedy::Throttled, "429");
    assert!(!again(pace.failed(
        &full,
        KEY,
        tried(6, MAX_TRIES - 1),
        0,
        0
    )));
}

#[test]
fn an_endpoint_that_answers_nobody_is_probed_by_one_at_a_time() {
    let mut pace = pace();
    let broken = Failure::new(Remedy::Retry, "500");
    for _ in 0..BROKEN {
        assert_eq!(pace.width(), 10);
        pace.failed(&broken, KEY, tried(1, 0), 10, 10);
    }
    assert_eq!(pace.width(), 1);
    assert!(pace.trouble().is_some());
    assert!(matches!(
        pace.hold(true, 1, at(11)),
        Some(PauseReason::Until(_))
    ));
    pace.succeeded(true, 10, 20);
    assert_eq!((pace.width(), pace.trouble()), (10, None));
}

#[test]
fn what_was_given_up_gets_new_tries_when_the_endpoint_is_back_and_then_ever_more_seldom() {
    let mut pace = pace();
    let broken = Failure::new(Remedy::Retry, "500");
    for other in 1..BROKEN {
        let key = SummaryKey(Digest([other as u8; 16]));
        pace.failed(&broken, key, tried(1, 0), 10, 10);
    }
    pace.failed(&broken, KEY, tried(6, MAX_TRIES - 1), 10, 10);
    assert_eq!(pace.chance_ms(), Some(10 + CHANCE_MS));
    pace.succeeded(true, 10, 500);
    assert_eq!(pace.chance_ms(), Some(500));
    assert_eq!(pace.take_chances(500).len(), 1);
    assert_eq!(pace.chance_ms(), None);
    // It was of no use: whatever comes back, it waits.
    pace.failed(&broken, KEY, tried(6, MAX_TRIES - 1), 600, 600);
    let later = Some(600 + 2 * CHANCE_MS);
    assert_eq!(pace.chance_ms(), later);
    for _ in 0..BROKEN {
        pace.failed(&broken, KEY, tried(1, 0), 700, 700);
    }
    pace.succeeded(true, 10, 800);
    assert_eq!(pace.chance_ms(), later);
}

#[test]
fn answers_that_come_too_late_make_it_ask_for_fewer_at_once() {
    let mut pace = pace();
    let late = Failure::new(Remedy::TimedOut, "no answer in time");
    for _ in 0..5 {
        pace.failed(&late, KEY, tried(1, 0), 0, 60_000);
    }
    assert_eq!(pace.width(), 7, "all of one event");
}

#[test]
fn an_answer_that_was_on_its_way_does_not_hide_that_the_asking_was_stopped() {
    let mut pace = pace();
    pace.failed(&Failure::new(Remedy::Fatal, "401"), KEY, tried(1, 0), 0, 10);
    pace.succeeded(true, 10, 20);
    assert_eq!(pace.stopped_until_ms(), Some(10 + STOPPED_MS));
    pace.try_again();
    assert_eq!((pace.stopped_until_ms(), pace.width()), (None, 1));
    pace.succeeded(true, 10, 30 + STOPPED_MS);
    assert_eq!(pace.width(), 10);
}

#[test]
fn one_forbidden_text_stops_nobody_else_and_three_in_a_row_do() {
    let no = Failure::new(Remedy::Forbidden, "403");
    let mut pace = pace();
    pace.failed(&no, KEY, tried(1, 0), 0, 10);
    assert!(pace.stopped().is_some(), "nothing was ever answered");
    pace.try_again();
    pace.succeeded(true, 10, 20);
    for round in 0..5 {
        for _ in 0..2 {
            let next = pace.failed(&no, KEY, tried(1, 0), 20, 30);
            assert_eq!((next, pace.stopped()), (Next::Never, None), "{round}");
        }
        pace.succeeded(true, 10, 40);
    }
    for _ in 0..3 {
        assert!(pace.stopped().is_none());
        pace.failed(&no, KEY, tried(1, 0), 40, 50);
    }
    assert_eq!(
        pace.stopped().map(|failure| failure.remedy),
        Some(Remedy::Fatal)
    );
}

#[test]
fn a_spent_budget_holds_until_the_next_day() {
    let mut pace = Pacing::new(Bounds {
        max_workers: 10,
        budget: Budget {
            requests: 2,
            ..Budget::default()
        },
        ..Bounds::default()
    });
    for _ in 0..2 {
        assert_eq!(pace.hold(true, 1, at(5)), None);
        pace.sent(true, 1, at(5));
    }
    assert_eq!(pace.hold(true, 1, at(5)), Some(PauseReason::Budget));
    let later = |days: u64| at(days * crate::model::time::DAY_MS + 5);
    assert_eq!(pace.hold(true, 1, later(1)), None);
    for _ in 0..2 {
        pace.sent(true, 1, later(1));
    }
    assert_eq!(pace.hold(true, 1, later(1)), Some(PauseReason::Budget));
    // The clock was set back, and on again.
    assert_eq!(pace.hold(true, 1, later(0)), Some(PauseReason::Budget));
    assert_eq!(pace.budget_left(0), (0, u64::MAX, u64::MAX));
    assert_eq!(pace.hold(true, 1, later(1)), Some(PauseReason::Budget));
    assert_eq!(pace.hold(true, 1, later(9)), None);
    pace.sent(true, 1, later(9));
    // It was far in the future by mistake.
    assert_eq!(pace.budget_left(1), (2, u64::MAX, u64::MAX));
}

#[test]
fn money_and_tokens_under_way_are_not_spent_twice() {
    let prices = Prices::per_million(1.0, 1.0, 2.0, 0.5);
    let mut pace = Pacing::new(Bounds {
        max_workers: 10,
        budget: Budget {
            // For 1,000 tokens asked and 600 answered: 2,200,000.
            cost_nanos: 5_000_000,
            ..Budget::default()
        },
        prices: Some(prices),
        answer_tokens: 600,
        ..Bounds::default()
    });
    assert_eq!(pace.guess_nanos(1_600, false), 2_200_000);
    assert_eq!(pace.guess_nanos(1_600, true), 1_100_000);
    let mut under_way = Vec::new();
    while pace.hold(true, 1_600, at(5)).is_none() {
        under_way.push(pace.sent(true, 1_600, at(5)));
    }
    assert_eq!(
        under_way.len(),
        3,
        "the third may go above it, and no other"
    );
    assert_eq!(pace.hold(true, 1_600, at(5)), Some(PauseReason::Full));
    for sent in under_way {
        pace.returned(sent, Some(1_100), false, &Limits::default(), 6);
        // Much less than was thought.
        pace.spent_money(1_200_000);
    }
    assert_eq!(pace.spent_bound(0), None);
    assert_eq!(pace.hold(true, 1_600, at(7)), None);
    pace.spent_money(1_400_000);
    assert_eq!(pace.spent_bound(0), Some("max_cost_per_day"));
    assert_eq!(pace.hold(true, 1_600, at(7)), Some(PauseReason::Budget));
    assert_eq!(pace.spent_bound(1), None);
}
