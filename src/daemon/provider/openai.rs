//! The provider `openai`: a model behind an OpenAI-compatible endpoint.

use std::path::Path;
use std::time::Duration;

use crate::config::{Config, Openai, Profile};
use crate::daemon::prompt::{self, Prompt, Style};
use crate::model::failure::{Failure, Remedy};
use crate::model::key::Generator;
use crate::model::limits::Limits;
use crate::shell::openai::{self, Endpoint};

use super::{Capabilities, Lookup, Provider, Response, Sending};

/// A model behind an endpoint.
pub struct OpenAi {
    generator: Generator,
    /// Why there is none when the configuration can never work.
    endpoint: Result<Endpoint, Failure>,
}

impl OpenAi {
    /// Prepares the configured endpoint; sends nothing.
    pub fn new(config: &Config, data: &Path) -> Self {
        let endpoint = endpoint(config, data);
        if let Err(failure) = &endpoint {
            tracing::error!("{}", failure.to_line());
        }
        Self {
            generator: generator(config),
            endpoint,
        }
    }
}

/// The configured model, whether or not it is the provider.
pub fn generator(config: &Config) -> Generator {
    Generator {
        provider: "openai".to_owned(),
        model: config.openai.model.clone(),
        prompt_version: prompt::VERSION,
        // Facts that are learnt about an endpoint are not part of the key: they must not make a summary be paid for twice.
        parameters: style(config).parameters(),
    }
}

/// The length and language of the instructions, by the configuration. The profile `auto` goes by the model's name; a
/// small window is learnt later.
pub fn style(config: &Config) -> Style {
    Style {
        small: match config.openai.profile {
            Profile::Small => true,
            Profile::Full => false,
            Profile::Auto => is_small(&config.openai.model),
        },
        language: config.summaries.language.clone(),
    }
}

/// From so many parameters on a model follows the long instructions, in billions.
const FOLLOWS_RULES: f64 = 4.0;

/// Whether a model's name says that it is small: `SmolLM2-135M-Instruct`, `qwen2.5:0.5b`, `Llama-3.2-3B`.
fn is_small(model: &str) -> bool {
    let lower = model.to_lowercase();
    let billions = lower
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '.')
        .filter_map(|word| {
            // A file's name may go on after a dot.
            let end = word.find(['m', 'b'])? + 1;
            let (number, rest) = (&word[..end - 1], &word[end..]);
            let number: f64 = number.parse().ok()?;
            let unit = if word.as_bytes()[end - 1] == b'm' {
                0.001
            } else {
                1.0
            };
            (rest.is_empty() || rest.starts_with('.')).then_some(number * unit)
        });
    billions
        .reduce(f64::max)
        .is_some_and(|billions| billions < FOLLOWS_RULES)
}

/// The prompt in the endpoint's type.
pub fn to_endpoint_prompt(prompt: Prompt) -> openai::Prompt {
    openai::Prompt {
        system: prompt.system,
        user: prompt.user,
        json: prompt.json,
    }
}

fn endpoint(config: &Config, data: &Path) -> Result<Endpoint, Failure> {
    let config = &config.openai;
    let fatal = |problem| Failure::new(Remedy::Fatal, problem);
    let api_key = config.api_key().map_err(fatal)?;
    let headers = config.headers().map_err(fatal)?;
    may_send(config, api_key.is_some())?;
    let optional = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Endpoint::new(openai::Options {
        base_url: config.base_url.clone(),
        model: config.model.clone(),
        api_key,
        api_key_header: optional(&config.api_key_header),
        headers,
        query: config.query.clone().into_iter().collect(),
        extra_body: config.extra_body.clone(),
        reasoning_effort: optional(&config.reasoning_effort),
        timeout: Duration::from_secs(config.timeout_seconds),
        // The endpoint may raise the cap of each request as far as it finds necessary.
        max_output_tokens: 0,
        facts_file: Some(data.join(openai::adapt::FACTS_FILE)),
    })
}

/// Whether requests may go to the endpoint at all: with a key, encrypted, or on this machine.
fn may_send(config: &Openai, has_key: bool) -> Result<(), Failure> {
    let Ok(url) = reqwest::Url::parse(&config.base_url) else {
        // The endpoint itself reports what is wrong with it.
        return Ok(());
    };
    if openai::is_loopback(&url) {
        return Ok(());
    }
    let variable = &config.api_key_env;
    let has_secret =
        !variable.is_empty() || config.api_key_file.is_some() || !config.headers.is_empty();
    if url.scheme() == "http" && has_secret && !config.allow_http {
        return Err(Failure::new(
            Remedy::Fatal,
            "base_url is http: the key would go unencrypted to another machine, so nothing is sent",
        )
        .hint("use https, or set [openai] allow_http = true in a network that you trust"));
    }
    if !has_key && !variable.is_empty() && config.headers.is_empty() {
        return Err(Failure::new(
            Remedy::Fatal,
            format!("{variable} is not set in the daemon's environment: nothing is sent"),
        )
        .hint("set it where the daemon starts, or set [openai] api_key_file; api_key_env = \"\" sends without a key"));
    }
    Ok(())
}

impl Provider for OpenAi {
    fn generator(&self) -> Generator {
        self.generator.clone()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            costs_money: true,
            batches: true,
            prompt_cache: true,
            largest_input: prompt::PART_TOKENS,
        }
    }

    fn send(&self, prompt: Prompt, max_output_tokens: u32) -> Sending<'_> {
        Box::pin(async move {
            let sent = match &self.endpoint {
                Ok(endpoint) => {
                    endpoint
                        .complete(&to_endpoint_prompt(prompt), max_output_tokens)
                        .await
                }
                Err(failure) => Err((failure.clone(), openai::Limits::default())),
            };
            let (text, reported) = match sent {
                Ok(answer) => (Ok(answer.text), answer.limits),
                Err((failure, limits)) => (Err(failure), limits),
            };
            Response {
                text,
                used: reported.spent,
                limits: Limits {
                    requests: reported.requests,
                    tokens: reported.tokens,
                    parallel: reported
                        .parallel
                        .and_then(|limit| u32::try_from(limit).ok()),
                },
                too_long: reported.too_long,
                truncated: reported.truncated,
            }
        })
    }

    fn look_up_window<'a>(&'a self, prompt: &'a Prompt, max_output_tokens: u32) -> Lookup<'a> {
        Box::pin(async move {
            if let Ok(endpoint) = &self.endpoint {
                let prompt = to_endpoint_prompt(prompt.clone());
                endpoint.look_up_window(&prompt, max_output_tokens).await;
            }
        })
    }

    fn context_tokens(&self) -> Option<u32> {
        self.endpoint.as_ref().ok()?.facts().context_tokens
    }

    fn longest_prompt(&self) -> Option<usize> {
        self.endpoint.as_ref().ok()?.facts().longest_prompt
    }

    fn batch_api(&self) -> Result<&Endpoint, Failure> {
        self.endpoint.as_ref().map_err(Clone::clone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_models_are_known_by_their_names() {
        for small in [
            "SmolLM2-135M-Instruct.Q4_1.gguf",
            "models/SmolLM2-135M-Instruct.Q4_1.gguf",
            "qwen2.5:0.5b",
            "Llama-3.2-3B-Instruct",
            "llama3.2:1b-instruct-q4_K_M",
            "gemma-3-270m-it",
        ] {
            assert!(is_small(small), "{small}");
        }
        for other in [
            "gpt-5.6",
            "gpt-4o-mini",
            "qwen3:4b",
            "Llama-3.1-8B-Instruct",
            "Qwen3-30B-A3B",
            "mixtral-8x7b",
            "llama3.1",
            "m",
            "fake-1",
            "claude-3-5-haiku-20241022",
        ] {
            assert!(!is_small(other), "{other}");
        }
    }
}
