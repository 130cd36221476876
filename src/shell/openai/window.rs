//! Looks up a model's context window on servers that report it.
//!
//! It is looked up before a long prompt is sent to a self-hosted server, so that no prompt is refused or cut to learn it,
//! and after a prompt was too long.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::truncation::Length;
use super::{Endpoint, Prompt, at, least};

/// The time limit, so that a slow server does not delay summaries.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The time limit for loading a model.
const LOADING: Duration = Duration::from_secs(120);
/// The time between two lookups: the server may not run yet, or name nothing.
const AGAIN: Duration = Duration::from_secs(300);
/// Smaller values are ignored.
const SMALLEST_WINDOW: u64 = 256;
/// Prompt and output that need no more tokens fit into any window.
const FITS: u64 = 2_048;

/// Fields of a model's entry that hold its window.
const FIELDS: [&str; 11] = [
    "/loaded_context_length",
    "/max_model_len",
    "/context_length",
    "/max_context_length",
    "/context_window",
    "/max_input_tokens",
    "/inputTokenLimit",
    "/n_ctx",
    "/meta/n_ctx",
    "/top_provider/context_length",
    "/limits/max_context_length",
];

impl Endpoint {
    /// Looks up the window before the first long prompt.
    pub async fn look_up_window(&self, prompt: &Prompt, cap: u32) {
        let needed = Length::of(prompt).tokens() + u64::from(cap);
        let known = || self.adaptations.facts().context_tokens.is_some();
        if !self.self_hosted || needed <= FITS || known() {
            return;
        }
        let mut last = self.looked_up.lock().await;
        if !known() && last.is_none_or(|last| last.elapsed() >= AGAIN) {
            *last = Some(Instant::now());
            if let Some(window) = self.served_window(true).await {
                self.adaptations.learn(|facts| {
                    facts.context_tokens = Some(least(facts.context_tokens, window));
                });
            }
        }
    }

    /// The smallest window that the server names: in `/v1/models`, llama.cpp's `/props`, LM Studio's `/api/v0/models`,
    /// Ollama's `/api/ps` and `/api/show`. `in_use`: not the one that the model was made for.
    pub(super) async fn served_window(&self, in_use: bool) -> Option<u32> {
        let base = self.options.base_url.as_str();
        let root = base.strip_suffix("/v1").unwrap_or(base);
        let model = self.options.model.as_str();
        let get = async |url: String| self.exchange.fetch(&url, None, TIMEOUT).await;
        let mut windows = Vec::new();
        let models = get(format!("{base}/models")).await.unwrap_or_default();
        windows.extend(of_models(&models, model));
        if is_lm_studio(&models) {
            let loaded = get(format!("{root}/api/v0/models")).await;
            windows.extend(loaded.and_then(|loaded| of_models(&loaded, model)));
        }
        if let Some(props) = get(format!("{root}/props")).await {
            let places = ["/default_generation_settings/n_ctx", "/n_ctx"];
            windows.extend(places.iter().find_map(|place| number(&props, place)));
        }
        let body = json!({"model": model, "name": model});
        let post = async |path: &str, timeout| {
            let url = format!("{root}{path}");
            self.exchange.fetch(&url, Some(&body), timeout).await
        };
        if let Some(mut running) = get(format!("{root}/api/ps")).await {
            if of_models(&running, model).is_none() {
                // Without a prompt it loads the model, which has no window before.
                post("/api/generate", LOADING).await;
                running = get(format!("{root}/api/ps")).await.unwrap_or_default();
            }
            windows.extend(of_models(&running, model));
        }
        if let Some(shown) = post("/api/show", TIMEOUT).await {
            windows.extend(of_ollama(&shown, in_use));
        }
        windows
            .into_iter()
            .min()
            .and_then(|window| u32::try_from(window).ok())
    }
}

/// Whether it is LM Studio's list of models, which names no windows.
fn is_lm_studio(models: &Value) -> bool {
    at(models, "/data/0/owned_by").and_then(Value::as_str) == Some("organization_owner")
}

/// The window of a model in a list of models; of the only one, whatever its name.
fn of_models(list: &Value, model: &str) -> Option<u64> {
    let models = at(list, "/data")
        .or_else(|| at(list, "/models"))?
        .as_array()?;
    let is_it = |entry: &&Value| {
        ["/id", "/name", "/model"].iter().any(|place| {
            let name = at(entry, place).and_then(Value::as_str);
            name.is_some_and(|name| name == model || name.strip_suffix(":latest") == Some(model))
        })
    };
    let only = models.first().filter(|_| models.len() == 1);
    let entry = models.iter().find(is_it).or(only)?;
    FIELDS.iter().find_map(|place| number(entry, place))
}

/// Ollama's answer: the window that the model file sets, else the longest that the model was made for.
fn of_ollama(shown: &Value, in_use: bool) -> Option<u64> {
    let set = at(shown, "/parameters")
        .and_then(Value::as_str)
        .and_then(|parameters| {
            let line = parameters
                .lines()
                .find(|line| line.trim_start().starts_with("num_ctx"))?;
            line.split_whitespace().nth(1)?.parse().ok()
        });
    let made_for = || {
        let info = at(shown, "/model_info")?.as_object()?;
        info.iter()
            .find(|(name, _)| name.ends_with("context_length"))?
            .1
            .as_u64()
    };
    set.or_else(|| made_for().filter(|_| !in_use))
        .filter(|&window| window >= SMALLEST_WINDOW)
}

fn number(value: &Value, place: &str) -> Option<u64> {
    at(value, place)?
        .as_u64()
        .filter(|&window| window >= SMALLEST_WINDOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_found_in_each_form() {
        for (list, wanted) in [
            (
                json!({"data": [{"id": "other", "max_model_len": 9}, {"id": "m", "max_model_len": 4096}]}),
                Some(4096),
            ),
            (
                json!({"data": [{"id": "m", "context_length": 8192}]}),
                Some(8192),
            ),
            (
                json!({"data": [{"id": "some.gguf", "meta": {"n_ctx": 2048, "n_ctx_train": 32768}}]}),
                Some(2048),
            ),
            (
                json!({"models": [{"name": "m:latest", "context_length": 4096}]}),
                Some(4096),
            ),
            (json!({"data": [{"id": "m"}]}), None),
            (json!({"data": []}), None),
            (json!([]), None),
        ] {
            assert_eq!(of_models(&list, "m"), wanted, "{list}");
        }
        assert_eq!(
            of_ollama(
                &json!({"parameters": "stop \"x\"\nnum_ctx    8192", "model_info": {"llama.context_length": 131072}}),
                true
            ),
            Some(8192)
        );
        assert_eq!(
            of_ollama(
                &json!({"model_info": {"llama.context_length": 131072}}),
                false
            ),
            Some(131_072)
        );
    }
}
