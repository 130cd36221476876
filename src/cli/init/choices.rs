//! The providers that this machine could use.

use crate::config::{Config, Provider};
use crate::shell::openai::models::{Address, is_local, models};

/// Where summaries come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No model.
    Offline,
    /// A server on this machine.
    Local,
    /// A service that is paid.
    Hosted,
}

/// A provider with all that its configuration needs.
#[derive(Clone, Debug)]
pub struct Choice {
    pub name: String,
    pub kind: Kind,
    pub base_url: String,
    pub model: String,
    /// The variable with the key; empty: none.
    pub key: String,
}

/// Local servers: name and default address.
const LOCAL: [(&str, &str); 4] = [
    (OLLAMA, "http://localhost:11434/v1"),
    ("lm-studio", "http://localhost:1234/v1"),
    ("llama.cpp", "http://localhost:8080/v1"),
    ("vllm", "http://localhost:8000/v1"),
];

const OLLAMA: &str = "ollama";
const OPENAI: &str = "openai";

/// Hosted services: name, the variable that usually holds the key, address, an inexpensive model.
const HOSTED: [(&str, &str, &str, &str); 5] = [
    (
        OPENAI,
        "OPENAI_API_KEY",
        "https://api.openai.com/v1",
        "gpt-4o-mini",
    ),
    (
        "openrouter",
        "OPENROUTER_API_KEY",
        "https://openrouter.ai/api/v1",
        "openai/gpt-4o-mini",
    ),
    (
        "mistral",
        "MISTRAL_API_KEY",
        "https://api.mistral.ai/v1",
        "mistral-small-latest",
    ),
    (
        "groq",
        "GROQ_API_KEY",
        "https://api.groq.com/openai/v1",
        "llama-3.1-8b-instant",
    ),
    (
        "gemini",
        "GEMINI_API_KEY",
        "https://generativelanguage.googleapis.com/v1beta/openai",
        "gemini-2.0-flash",
    ),
];

impl Choice {
    /// The configuration of this choice.
    pub fn config(&self) -> Config {
        let mut config = Config::default();
        if self.kind != Kind::Offline {
            config.summaries.provider = Provider::Openai;
            config.openai.base_url.clone_from(&self.base_url);
            config.openai.model.clone_from(&self.model);
            config.openai.api_key_env.clone_from(&self.key);
        }
        config
    }

    /// The same as a file.
    pub fn toml(&self) -> String {
        // A JSON string is a TOML string.
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        match self.kind {
            Kind::Offline => "[summaries]\nprovider = \"offline\"\n".to_owned(),
            _ => format!(
                "[summaries]\nprovider = \"openai\"\n\n[openai]\nbase_url = {}\nmodel = {}\napi_key_env = {}\n",
                quoted(&self.base_url),
                quoted(&self.model),
                quoted(&self.key)
            ),
        }
    }
}

/// The choices, the offline provider first.
pub async fn find() -> Vec<Choice> {
    let mut found = vec![Choice {
        name: "offline".to_owned(),
        kind: Kind::Offline,
        base_url: String::new(),
        model: "offline".to_owned(),
        key: String::new(),
    }];
    let [a, b, c, d] = LOCAL.map(local);
    let (a, b, c, d) = tokio::join!(a, b, c, d);
    found.extend([a, b, c, d].into_iter().flatten());
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let hosted = HOSTED.into_iter().filter(|(_, key, ..)| is_set(key));
    found.extend(hosted.map(hosted_choice));
    found
}

/// A server that answers there and has a model for text.
async fn local((name, base_url): (&str, &str)) -> Option<Choice> {
    let base_url = match std::env::var("OLLAMA_HOST") {
        Ok(host) if name == OLLAMA => ollama(&host).unwrap_or_else(|| base_url.to_owned()),
        _ => base_url.to_owned(),
    };
    let address = Address {
        base_url: base_url.clone(),
        ..Address::default()
    };
    let names = models(&address).await.ok()??;
    let for_text = |name: &&String| !name.contains("embed") && !name.contains("whisper");
    let model = names.iter().find(for_text)?;
    Some(Choice {
        name: name.to_owned(),
        kind: match is_local(&base_url) {
            true => Kind::Local,
            false => Kind::Hosted,
        },
        base_url,
        model: model.clone(),
        key: String::new(),
    })
}

/// The address that `OLLAMA_HOST` names, in the forms that Ollama takes: `host`, `host:port`, a URL.
fn ollama(host: &str) -> Option<String> {
    let (scheme, host) = host
        .trim()
        .split_once("://")
        .unwrap_or(("http", host.trim()));
    let host = host.trim_end_matches('/');
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => (name, port),
        _ => (host, "11434"),
    };
    // A server listens on all addresses; a client needs one.
    let name = if matches!(name, "" | "0.0.0.0") {
        "localhost"
    } else {
        name
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-[]:".contains(c);
    let usable = matches!(scheme, "http" | "https") && name.chars().all(is_plain);
    (usable && !host.is_empty()).then(|| format!("{scheme}://{name}:{port}/v1"))
}

fn hosted_choice((name, key, base_url, model): (&str, &str, &str, &str)) -> Choice {
    // OpenAI's own clients read this variable.
    let named = std::env::var("OPENAI_BASE_URL").ok();
    let named = named.filter(|url| name == OPENAI && !url.trim().is_empty());
    Choice {
        name: name.to_owned(),
        kind: Kind::Hosted,
        base_url: named.unwrap_or_else(|| base_url.to_owned()),
        model: model.to_owned(),
        key: key.to_owned(),
    }
}

#[cfg(test)]
pub fn hosted_for_tests() -> Choice {
    hosted_choice(HOSTED[0])
}

#[cfg(test)]
mod tests {
    use super::ollama;

    #[test]
    fn ollama_s_variable_is_read_in_its_forms() {
        for (host, address) in [
            ("127.0.0.1:9999", Some("http://127.0.0.1:9999/v1")),
            ("0.0.0.0", Some("http://localhost:11434/v1")),
            (
                "https://gpu.example.org/",
                Some("https://gpu.example.org:11434/v1"),
            ),
            (" box:80 ", Some("http://box:80/v1")),
            ("", None),
            ("ftp://x", None),
            ("a b", None),
        ] {
            assert_eq!(ollama(host).as_deref(), address, "{host}");
        }
    }
}
