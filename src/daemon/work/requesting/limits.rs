//! The size of requests: what the model reads, what the endpoint accepts in a minute, and what refusals showed.

use std::sync::atomic::Ordering;

use super::Requester;
use crate::daemon::context::Shared;
use crate::daemon::prompt::instruction_tokens;
use crate::daemon::prompt::parts::SMALLEST_PART;
use crate::shell::openai::{self, Endpoint};

/// Tokens of a request besides instructions, content and output: delimiters, the head of a part, the chat template.
const FRAME_TOKENS: u32 = 250;
/// Bytes of a token, at least: code has four on average, dense code and other scripts three.
const BYTES_PER_TOKEN: u32 = 3;
/// The share of a limit a minute that one request may take, in tenths.
const SHARE_TENTHS: u64 = 9;
/// Without a number in a refusal, the next request has this share of the refused one.
const REDUCTION: usize = 3;

/// Sets the limits that are known before the first request: configured ones, and facts from earlier runs.
pub(super) fn set_known(shared: &Shared, endpoint: &Endpoint) {
    if let Some(window) = endpoint.facts().context_tokens {
        set_window(shared, window);
    }
    set_rate(shared, shared.config.openai.tokens_per_minute);
}

/// The model reads so many tokens.
fn set_window(shared: &Shared, window: u32) {
    shared.window.store(window, Ordering::Relaxed);
    shared
        .most
        .fetch_min(content_bytes(shared, window), Ordering::Relaxed);
}

/// The endpoint accepts so many tokens a minute; 0: not known. A larger request would never pass.
fn set_rate(shared: &Shared, tokens: u64) {
    if tokens > 0 {
        let of_one = u32::try_from(tokens.saturating_mul(SHARE_TENTHS) / 10).unwrap_or(u32::MAX);
        shared
            .most
            .fetch_min(content_bytes(shared, of_one), Ordering::Relaxed);
    }
}

/// The content of a request of so many tokens, in bytes.
fn content_bytes(shared: &Shared, tokens: u32) -> usize {
    let instructions = u32::try_from(instruction_tokens(&shared.style())).unwrap_or(u32::MAX);
    let output = shared.config.openai.max_output_tokens.min(tokens / 4);
    let content = tokens
        .saturating_sub(instructions)
        .saturating_sub(output + FRAME_TOKENS);
    // A part carries an outline of an eighth.
    let bytes = u64::from(content) * u64::from(BYTES_PER_TOKEN) * 8 / 9;
    usize::try_from(bytes)
        .unwrap_or(usize::MAX)
        .max(SMALLEST_PART)
}

impl Requester {
    /// Applies what a response says about limits.
    pub(super) fn learn(&self, endpoint: &Endpoint, said: &openai::Limits) {
        if let Some(tokens) = said.tokens.limit {
            set_rate(&self.shared, tokens);
        }
        if let Some(window) = endpoint.facts().context_tokens
            && window != self.shared.window.load(Ordering::Relaxed)
        {
            set_window(&self.shared, window);
        }
        if let Some((read, whole)) = said.truncated {
            self.shared.notes.set(
                "endpoint",
                format!(
                    "the endpoint read {read} of about {whole} tokens of a prompt, silently: raise the model's context \
                     (Ollama: OLLAMA_CONTEXT_LENGTH); until then large files are split"
                ),
            );
        }
    }

    /// A request of so many bytes was too long: further ones are smaller. `false`: smaller ones are of no use.
    pub(super) fn reduce_prompt_limit(&self, length: usize, endpoint: &Endpoint) -> bool {
        let most = self.shared.most.load(Ordering::Relaxed);
        // The limit was lowered since this request was made, by its own refusal or by another one.
        if length > most + most / 4 + SMALLEST_PART {
            return true;
        }
        let known = endpoint.facts().context_tokens.is_some();
        let parts = if known { 2 } else { REDUCTION };
        let less = (most.min(length) / parts).max(SMALLEST_PART);
        self.shared.most.fetch_min(less, Ordering::Relaxed);
        less < most.min(length)
    }
}
