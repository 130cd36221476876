//! What was learnt of the endpoint from its refusals and responses.

use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;

use super::Check;
use crate::cli::text::number;
use crate::config::Openai;
use crate::shell::openai::adapt::{FACTS_FILE, Facts, known};

/// The facts about the configured endpoint and model.
#[derive(Serialize)]
pub(super) struct Learnt {
    base_url: String,
    model: String,
    #[serde(flatten)]
    facts: Facts,
    /// When they are forgotten, in seconds since 1970.
    expires_unix: u64,
}

/// The facts in the store's folder; `None` if nothing was learnt.
pub(super) fn learnt(openai: &Openai, data: &Path) -> Option<Learnt> {
    let facts = known(&data.join(FACTS_FILE), &openai.base_url, &openai.model)?;
    Some(Learnt {
        base_url: openai.base_url.clone(),
        model: openai.model.clone(),
        expires_unix: facts.expires_unix(),
        facts,
    })
}

impl Learnt {
    /// All facts in one line. A context that prompts are cut to is a warning.
    pub fn check(&self, data: &Path) -> Check {
        let expires = UNIX_EPOCH + Duration::from_secs(self.expires_unix);
        let expires = humantime::format_rfc3339_seconds(expires).to_string();
        let day = expires.split('T').next().unwrap_or_default();
        let detail = format!(
            "learnt: {}; kept until {day}, or until you delete {}",
            rows(&self.facts).join("; "),
            data.join(FACTS_FILE).display()
        );
        match self.facts.cuts_silently {
            false => Check::ok("endpoint", detail),
            true => Check::warning(
                "endpoint",
                detail,
                "raise the model's context (Ollama: OLLAMA_CONTEXT_LENGTH), then delete that file",
            ),
        }
    }
}

fn rows(facts: &Facts) -> Vec<String> {
    let tokens = |many: u32| format!("{} tokens", number(u64::from(many)));
    let omitted: Vec<&str> = facts.omitted.iter().map(String::as_str).collect();
    let added = facts.added.iter();
    let added: Vec<String> = added
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    let flag = |set: bool, text: &str| set.then(|| text.to_owned());
    let rows = [
        facts
            .context_tokens
            .map(|window| format!("context of {}", tokens(window))),
        facts
            .longest_prompt
            .map(|bytes| format!("content of at most {} bytes", number(bytes as u64))),
        flag(facts.cuts_silently, "longer prompts are cut silently"),
        facts
            .largest_cap
            .map(|cap| format!("output cap of at most {}", tokens(cap))),
        facts
            .smallest_cap
            .map(|cap| format!("output cap of at least {}", tokens(cap))),
        flag(
            facts.other_cap_name,
            "the output cap has its other name (max_tokens, max_completion_tokens)",
        ),
        flag(facts.no_system_role, "no system role"),
        flag(facts.must_stream, "responses are streamed"),
        flag(
            !omitted.is_empty(),
            &format!("refused parameters: {}", omitted.join(", ")),
        ),
        flag(
            !added.is_empty(),
            &format!("required parameters: {}", added.join(", ")),
        ),
    ];
    rows.into_iter().flatten().collect()
}
