//! Limits as endpoints keep them: buckets that fill all the time, told in headers or not.

use std::time::{Duration, Instant};

use super::answering::respond;
use super::{FakeModel, Request};
use axum::response::Response;
use serde_json::json;

/// The limits of a model.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Requests in each minute; 0: any number.
    pub requests: f64,
    /// Tokens in each minute, as prompt and cap; 0: any number.
    pub tokens: f64,
    /// The share of a minute's worth that may come at once.
    pub burst: f64,
    /// Requests at once; 0: any number.
    pub at_once: usize,
    /// Whether it tells them.
    pub told: bool,
}

/// What is left of them.
#[derive(Debug, Default)]
pub(super) struct Gate {
    limits: Limits,
    requests: f64,
    tokens: f64,
    at: Option<Instant>,
    refused: usize,
    /// From when until when nobody was to ask, and how many did.
    pause: Option<(Instant, Instant)>,
    too_early: usize,
}

impl FakeModel {
    /// From now on it keeps these limits, full at first.
    pub fn limit(&self, limits: Limits) -> &Self {
        let mut book = self.desk.book();
        book.gate = Gate {
            limits,
            requests: limits.requests * limits.burst,
            tokens: limits.tokens * limits.burst,
            ..Gate::default()
        };
        drop(book);
        self
    }

    /// How many requests its limits refused.
    pub fn refused(&self) -> usize {
        self.desk.book().gate.refused
    }

    /// How many came in a time in which it had asked for none.
    pub fn too_early(&self) -> usize {
        self.desk.book().gate.too_early
    }
}

impl Gate {
    /// Lets a request in, or refuses it; the headers go with every answer.
    pub(super) fn enter(
        &mut self,
        request: &Request,
        others: usize,
    ) -> (Vec<(&'static str, String)>, Option<Response>) {
        let limits = self.limits;
        let now = Instant::now();
        let passed = self.at.map_or(0.0, |at| (now - at).as_secs_f64());
        self.at = Some(now);
        let fill =
            |level: f64, limit: f64| (level + passed * limit / 60.0).min(limit * limits.burst);
        self.requests = fill(self.requests, limits.requests);
        self.tokens = fill(self.tokens, limits.tokens);
        let body = request.body.to_string();
        let cap = ["max_tokens", "max_completion_tokens"]
            .iter()
            .find_map(|name| request.body[*name].as_u64());
        let need = body.len() as f64 / 4.0 + cap.unwrap_or(0) as f64;
        let wait = |level: f64, amount: f64, limit: f64| match limit > 0.0 {
            true => ((amount - level) / limit * 60.0).max(0.0),
            false => 0.0,
        };
        let mut pause =
            wait(self.requests, 1.0, limits.requests).max(wait(self.tokens, need, limits.tokens));
        if limits.at_once > 0 && others >= limits.at_once {
            pause = pause.max(0.05);
        }
        if self
            .pause
            .is_some_and(|(from, until)| from < now && now < until)
        {
            self.too_early += 1;
        }
        if pause == 0.0 {
            self.requests -= 1.0;
            self.tokens -= need;
        }
        let mut headers = Vec::new();
        if limits.told && limits.requests > 0.0 {
            headers.push(("x-ratelimit-limit-requests", limits.requests.to_string()));
            let left = self.requests.max(0.0).floor();
            headers.push(("x-ratelimit-remaining-requests", left.to_string()));
        }
        if limits.told && limits.tokens > 0.0 {
            headers.push(("x-ratelimit-limit-tokens", limits.tokens.to_string()));
            let left = self.tokens.max(0.0).floor();
            headers.push(("x-ratelimit-remaining-tokens", left.to_string()));
        }
        if pause == 0.0 {
            return (headers, None);
        }
        self.refused += 1;
        let mut with = headers.clone();
        if limits.told {
            with.push(("retry-after", format!("{pause:.3}")));
            // Those that were on their way when it said so are no offence.
            let from = now + Duration::from_millis(50);
            if self.pause.is_none_or(|(_, until)| until < now) {
                self.pause = Some((from, now + Duration::from_secs_f64(pause)));
            }
        }
        let body =
            json!({"error": {"message": "Rate limit reached", "code": "rate_limit_exceeded"}});
        (headers, Some(respond(429, &with, body.to_string())))
    }
}
