//! Rate limits as endpoints keep them: token buckets, reported in headers or not.

use std::time::{Duration, Instant};

use super::responding::respond;
use super::{FakeModel, Request};
use axum::response::Response;
use serde_json::json;

/// The limits of a model.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Requests in each minute; 0: any number.
    pub requests: f64,
    /// Tokens in each minute, input and output cap together; 0: any number.
    pub tokens: f64,
    /// The burst, as a share of one minute's limit.
    pub burst: f64,
    /// Concurrent requests; 0: any number.
    pub at_once: usize,
    /// Whether headers report the limits.
    pub reported: bool,
}

/// The current level of the buckets.
#[derive(Debug, Default)]
pub(super) struct Gate {
    limits: Limits,
    requests: f64,
    tokens: f64,
    at: Option<Instant>,
    refused: usize,
    /// The last pause that a response requested.
    pause: Option<(Instant, Instant)>,
    too_early: usize,
}

impl FakeModel {
    /// Applies these limits, with full buckets at first.
    pub fn limit(&self, limits: Limits) -> &Self {
        let mut inner = self.server.lock();
        inner.gate = Gate {
            limits,
            requests: limits.requests * limits.burst,
            tokens: limits.tokens * limits.burst,
            ..Gate::default()
        };
        drop(inner);
        self
    }

    /// The number of requests that the limits refused.
    pub fn refused(&self) -> usize {
        self.server.lock().gate.refused
    }

    /// The number of requests that arrived during a requested pause.
    pub fn too_early(&self) -> usize {
        self.server.lock().gate.too_early
    }
}

impl Gate {
    /// Accepts or refuses a request. The headers go with every response.
    pub(super) fn enter(
        &mut self,
        request: &Request,
        others: usize,
    ) -> (Vec<(&'static str, String)>, Option<Response>) {
        let limits = self.limits;
        let now = Instant::now();
        let elapsed_s = self.at.map_or(0.0, |at| (now - at).as_secs_f64());
        self.at = Some(now);
        let fill =
            |level: f64, limit: f64| (level + elapsed_s * limit / 60.0).min(limit * limits.burst);
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
        if limits.reported && limits.requests > 0.0 {
            headers.push(("x-ratelimit-limit-requests", limits.requests.to_string()));
            let left = self.requests.max(0.0).floor();
            headers.push(("x-ratelimit-remaining-requests", left.to_string()));
        }
        if limits.reported && limits.tokens > 0.0 {
            headers.push(("x-ratelimit-limit-tokens", limits.tokens.to_string()));
            let left = self.tokens.max(0.0).floor();
            headers.push(("x-ratelimit-remaining-tokens", left.to_string()));
        }
        if pause == 0.0 {
            return (headers, None);
        }
        self.refused += 1;
        let mut with = headers.clone();
        if limits.reported {
            with.push(("retry-after", format!("{pause:.3}")));
            // Requests that were sent before this response arrived are allowed.
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
