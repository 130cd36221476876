//! The provider `openai`: a model behind an OpenAI-compatible endpoint.

use std::time::Duration;

use crate::config::Config;
use crate::daemon::prompt::{self, Prompt};
use crate::model::failure::{Failure, Remedy};
use crate::model::key::Generator;
use crate::model::limits::Limits;
use crate::shell::openai::{self, Endpoint};

use super::{Capabilities, Provider, Response, Sending};

/// A model behind an endpoint.
pub struct OpenAi {
    generator: Generator,
    /// Why there is none when the configuration can never work.
    endpoint: Result<Endpoint, Failure>,
}

impl OpenAi {
    /// Prepares the configured endpoint; sends nothing.
    pub fn new(config: &Config) -> Self {
        let endpoint = endpoint(config);
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
        parameters: String::new(),
    }
}

/// The prompt in the endpoint's type.
pub fn to_endpoint_prompt(prompt: Prompt) -> openai::Prompt {
    openai::Prompt {
        system: prompt.system,
        user: prompt.user,
    }
}

fn endpoint(config: &Config) -> Result<Endpoint, Failure> {
    let key = config
        .openai
        .api_key()
        .map_err(|problem| Failure::new(Remedy::Fatal, problem))?;
    Endpoint::new(openai::Options {
        base_url: config.openai.base_url.clone(),
        model: config.openai.model.clone(),
        api_key: key,
        timeout: Duration::from_secs(config.openai.timeout_seconds),
        // The endpoint may raise the cap of each request as far as it finds necessary.
        max_output_tokens: 0,
    })
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
                        .ask(&to_endpoint_prompt(prompt), max_output_tokens)
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
                },
                too_long: reported.too_long,
            }
        })
    }

    fn batch_api(&self) -> Result<&Endpoint, Failure> {
        self.endpoint.as_ref().map_err(Clone::clone)
    }
}
