//! Checks of the model's configuration before anything is sent: the key, the endpoint, the model's name.

use super::Context;
use super::failure::Failure;
use crate::config::{Config, Openai, Provider};
use crate::shell::openai::models::{Address, Unusable, is_local, models};

/// Names of models that an error suggests.
const SUGGESTED: usize = 3;

/// What is wrong, and how to fix it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, in one line.
    pub what: String,
    /// How to fix it.
    pub hint: String,
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Failed(format!("{}; {}", problem.what, problem.hint))
    }
}

/// The first thing that is wrong with the model's configuration; `None` with the offline provider.
pub async fn check(config: &Config) -> Option<Problem> {
    match config.summaries.provider {
        Provider::Offline => None,
        Provider::Openai => openai(&config.openai).await.err(),
    }
}

/// Fails if the configuration cannot work and `path` needs requests: what is stored is shown without an endpoint.
pub async fn require(
    context: &Context,
    config: &Config,
    path: &std::path::Path,
) -> Result<(), Failure> {
    let Some(problem) = check(config).await else {
        return Ok(());
    };
    let estimate = crate::daemon::estimate(config, &context.places, path).await?;
    match estimate.requests {
        0 => Ok(()),
        _ => Err(problem.into()),
    }
}

async fn openai(openai: &Openai) -> Result<(), Problem> {
    let problem = |what: String, hint: &str| Problem {
        what,
        hint: hint.to_owned(),
    };
    let key = openai.api_key();
    let key =
        key.map_err(|what| problem(what, "see openai.api_key_env and openai.api_key_file"))?;
    let needs_key = !openai.api_key_env.is_empty() && openai.headers.is_empty();
    if key.is_none() && needs_key && !is_local(&openai.base_url) {
        return Err(problem(
            format!("{} is not set", openai.api_key_env),
            "set it to the key, or name another variable in openai.api_key_env",
        ));
    }
    let headers = openai.headers();
    let headers = headers.map_err(|what| problem(what, "see openai.headers"))?;
    let address = Address {
        base_url: openai.base_url.clone(),
        key,
        key_header: openai.api_key_header.clone(),
        headers,
        query: openai.query.clone().into_iter().collect(),
    };
    match models(&address).await {
        Ok(Some(names)) if !names.is_empty() && !offers(&names, &openai.model) => {
            let nearest = nearest(&names, &openai.model);
            Err(problem(
                format!("{} has no model {:?}", openai.base_url, openai.model),
                &format!("set openai.model, for example to {}", nearest.join(", ")),
            ))
        }
        Ok(_) => Ok(()),
        Err(error @ Unusable::Unreachable { .. }) => Err(problem(
            error.to_string(),
            "start the server, or correct openai.base_url",
        )),
        Err(error @ Unusable::KeyRefused { .. }) => Err(problem(
            error.to_string(),
            &match openai.api_key_env.as_str() {
                "" => "set openai.api_key_env or openai.api_key_file".to_owned(),
                name => format!("check the key in {name}"),
            },
        )),
    }
}

/// Whether the model is among the names, as servers spell them: `llama3` is `llama3:latest`, `gpt-4o` may be
/// `openai/gpt-4o`.
fn offers(names: &[String], model: &str) -> bool {
    let same = |name: &String| {
        name == model
            || name.strip_suffix(":latest") == Some(model)
            || model.strip_suffix(":latest") == Some(name)
            || name.rsplit('/').next() == Some(model)
            || model.rsplit('/').next() == Some(name)
    };
    names.iter().any(same)
}

fn nearest(names: &[String], model: &str) -> Vec<String> {
    let mut names: Vec<&String> = names.iter().collect();
    let distance = |name: &&String| strsim::jaro_winkler(name, model);
    names.sort_by(|a, b| distance(b).total_cmp(&distance(a)));
    names
        .into_iter()
        .take(SUGGESTED)
        .map(|name| format!("{name:?}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_found_as_servers_spell_it() {
        let names = ["llama3:latest", "openai/gpt-4o", "qwen"].map(str::to_owned);
        for model in [
            "llama3",
            "gpt-4o",
            "qwen:latest",
            "openai/gpt-4o",
            "vendor/qwen",
        ] {
            assert!(offers(&names, model), "{model}");
        }
        assert!(!offers(&names, "gpt"));
        assert_eq!(nearest(&names, "qwem")[0], "\"qwen\"");
    }

    #[tokio::test]
    async fn a_variable_that_is_not_set_is_found_before_anything_is_sent() {
        let mut config = Config::default();
        assert_eq!(check(&config).await, None);
        config.summaries.provider = Provider::Openai;
        config.openai.api_key_env = "EPITOME_NO_SUCH_VARIABLE".to_owned();
        let problem = check(&config).await.expect("no key");
        assert_eq!(problem.what, "EPITOME_NO_SUCH_VARIABLE is not set");
    }
}
