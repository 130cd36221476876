//! Request fields for the prompt cache, so that the endpoint keeps the instructions that all requests share.
//!
//! Only OpenAI gets them: other servers cache without, or refuse unknown fields. A field that an older model refuses is
//! left out from then on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Url;
use serde_json::{Value, json};

use super::adapt::complains;
use super::problem::Problem;
use super::words::Words;

/// Requests a minute for one cache key: above that, OpenAI spreads them over machines that do not share a cache.
const A_MINUTE: u32 = 15;
const MINUTE: Duration = Duration::from_secs(60);

const KEY: &str = "prompt_cache_key";
const OPTIONS: &str = "prompt_cache_options";
const BREAKPOINT: &str = "prompt_cache_breakpoint";

/// Which fields are sent.
pub(super) struct Caching {
    /// A key that routes requests with the same prefix to the same machine.
    keys: AtomicBool,
    /// The end of the shared prefix. Without it, models from 5.6 on write the whole prompt to the cache and bill a quarter
    /// more for that: a file's content is sent once, and never read from the cache.
    breakpoint: AtomicBool,
    /// The start of the counted minute, and its requests so far.
    minute: Mutex<(Instant, u32)>,
}

impl Caching {
    /// The fields for a model at an endpoint.
    pub fn of(url: &Url, model: &str) -> Self {
        Self::for_model(url.host_str() == Some("api.openai.com"), model)
    }

    /// The fields for a model; `supported`: whether the endpoint supports them.
    pub(super) fn for_model(supported: bool, model: &str) -> Self {
        Self {
            keys: AtomicBool::new(supported),
            breakpoint: AtomicBool::new(supported && writes_cost(model)),
            minute: Mutex::new((Instant::now(), 0)),
        }
    }

    /// Adds the fields to a request, and marks the end of its first message.
    pub fn add_to(&self, body: &mut Value) {
        if self.keys.load(Ordering::Relaxed) {
            body[KEY] = json!(self.key(Instant::now()));
        }
        if self.breakpoint.load(Ordering::Relaxed) {
            let content = body["messages"][0]["content"].take();
            body["messages"][0]["content"] =
                json!([{"type": "text", "text": content, BREAKPOINT: {"mode": "explicit"}}]);
            body[OPTIONS] = json!({"mode": "explicit"});
        }
    }

    /// Stops sending a field that a refusal is about; returns its name.
    pub fn refused(
        &self,
        status: u16,
        problem: &Problem,
        sent: &SentFields,
    ) -> Option<&'static str> {
        let words = Words::of(&problem.message);
        let names = |name: &&str| matches!(status, 400 | 422) && complains(problem, &words, name);
        if sent.keys && names(&KEY) {
            self.keys.store(false, Ordering::Relaxed);
            return Some(KEY);
        }
        let name = [OPTIONS, BREAKPOINT].into_iter().find(names);
        if sent.breakpoint && name.is_some() {
            self.breakpoint.store(false, Ordering::Relaxed);
            return name;
        }
        None
    }

    /// The fields of a request that is made now.
    pub fn current(&self) -> SentFields {
        SentFields {
            keys: self.keys.load(Ordering::Relaxed),
            breakpoint: self.breakpoint.load(Ordering::Relaxed),
        }
    }

    /// The cache key of a request that is made now: each serves the next few requests of a minute.
    fn key(&self, now: Instant) -> String {
        let mut minute = self.minute.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(minute.0) >= MINUTE {
            *minute = (now, 0);
        }
        let number = minute.1 / A_MINUTE;
        minute.1 = minute.1.saturating_add(1);
        format!("epitome-{number}")
    }
}

/// The fields that one request was sent with.
#[derive(Clone, Copy)]
pub(super) struct SentFields {
    keys: bool,
    breakpoint: bool,
}

/// Whether a model bills for cache writes: `gpt-5.6` and later.
fn writes_cost(model: &str) -> bool {
    let version = model.strip_prefix("gpt-").unwrap_or("");
    let mut numbers = version.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    let major: u32 = numbers.next().and_then(Result::ok).unwrap_or(0);
    let dotted = version.trim_start_matches(|c: char| c.is_ascii_digit());
    let minor: u32 = match dotted.starts_with('.') {
        true => numbers.next().and_then(Result::ok).unwrap_or(0),
        false => 0,
    };
    (major, minor) >= (5, 6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_serves_fifteen_requests_a_minute() {
        let caching = Caching::for_model(true, "gpt-4o-mini");
        let start = Instant::now();
        let keys: Vec<String> = (0..31).map(|_| caching.key(start)).collect();
        assert_eq!(keys[14], "epitome-0");
        assert_eq!((&*keys[15], &*keys[30]), ("epitome-1", "epitome-2"));
        assert_eq!(caching.key(start + MINUTE), "epitome-0");
    }

    #[test]
    fn only_recent_models_bill_for_writes() {
        for model in ["gpt-5.6", "gpt-5.10-mini", "gpt-6", "gpt-5.6-2026-08-01"] {
            assert!(writes_cost(model), "{model}");
        }
        for model in [
            "gpt-4o-mini",
            "gpt-5",
            "gpt-5-2025-08-07",
            "gpt-5.1",
            "o3",
            "m",
            "gpt-4.1",
        ] {
            assert!(!writes_cost(model), "{model}");
        }
    }

    #[test]
    fn other_endpoints_get_no_fields() {
        let mut body = json!({"messages": [{"role": "system", "content": "x"}]});
        let before = body.clone();
        let url = Url::parse("http://127.0.0.1:8000/v1").expect("a URL");
        Caching::of(&url, "gpt-5.6").add_to(&mut body);
        assert_eq!(body, before);
        let url = Url::parse("https://api.openai.com/v1").expect("a URL");
        Caching::of(&url, "gpt-5.6").add_to(&mut body);
        assert_eq!(body[KEY], "epitome-0");
        let part = &body["messages"][0]["content"][0];
        assert_eq!(
            (&part["text"], &part[BREAKPOINT]["mode"]),
            (&json!("x"), &json!("explicit"))
        );
    }
}
