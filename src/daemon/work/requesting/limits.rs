//! The size of requests: what the model reads, what the endpoint accepts in a minute, and what refusals showed.

use std::sync::atomic::Ordering;

use crate::daemon::context::Context;
use crate::daemon::prompt::instruction_tokens;
use crate::daemon::prompt::parts::SMALLEST_PART;
use crate::daemon::provider::Response;

/// Tokens of a request besides instructions, content and output: delimiters, the head of a part, the chat template.
const FRAME_TOKENS: u32 = 250;
/// Bytes of a token, at least: code has four on average, dense code and other scripts three.
const BYTES_PER_TOKEN: u64 = 3;
/// The share of a limit a minute that one request may take, in tenths.
const SHARE_TENTHS: u64 = 9;
/// Without a number in a refusal, the next request has this share of the refused one.
const REDUCTION: usize = 3;

/// Sets the limits that are known before the first request: configured ones, and facts from earlier runs.
pub(super) fn set_known(context: &Context) {
    if let Some(window) = context.provider.context_tokens() {
        set_window(context, window);
    }
    set_longest(context);
    set_rate(context, context.config.openai.tokens_per_minute);
}

/// Applies what a response says about limits.
pub(super) fn learn(context: &Context, response: &Response) {
    if let Some(tokens) = response.limits.tokens.limit {
        set_rate(context, tokens);
    }
    if let Some(window) = context.provider.context_tokens()
        && window != context.context_tokens.load(Ordering::Relaxed)
    {
        set_window(context, window);
    }
    set_longest(context);
    if let Some((read, whole)) = response.truncated {
        context.notes.set(
            "endpoint",
            format!(
                "the endpoint read {read} of about {whole} tokens of a prompt, silently: raise the model's context \
                 (Ollama: OLLAMA_CONTEXT_LENGTH); until then large files are sent in parts"
            ),
        );
    }
}

/// A prompt of so many bytes was too long: further ones are smaller. `false`: they cannot be smaller.
pub(super) fn reduce(context: &Context, length: usize) -> bool {
    let limit = context.max_prompt_bytes.load(Ordering::Relaxed);
    // The limit was lowered since this prompt was made, by its own refusal or by another one.
    if length > limit + limit / 4 + SMALLEST_PART {
        return true;
    }
    let known = context.context_tokens.load(Ordering::Relaxed) > 0;
    let parts = if known { 2 } else { REDUCTION };
    let reduced = (limit.min(length) / parts).max(SMALLEST_PART);
    context
        .max_prompt_bytes
        .fetch_min(reduced, Ordering::Relaxed);
    reduced < limit.min(length)
}

/// The model reads so many tokens.
fn set_window(context: &Context, window: u32) {
    context.context_tokens.store(window, Ordering::Relaxed);
    bound(context, window);
}

/// A refusal without a number showed how long a prompt may be.
fn set_longest(context: &Context) {
    if let Some(bytes) = context.provider.longest_prompt() {
        let bytes = bytes.max(SMALLEST_PART);
        context.max_prompt_bytes.fetch_min(bytes, Ordering::Relaxed);
    }
}

/// The endpoint accepts so many tokens a minute; 0: not known. A larger request would never pass.
fn set_rate(context: &Context, tokens: u64) {
    if tokens > 0 {
        let of_one = tokens.saturating_mul(SHARE_TENTHS) / 10;
        bound(context, u32::try_from(of_one).unwrap_or(u32::MAX));
    }
}

/// No request is larger than so many tokens.
fn bound(context: &Context, tokens: u32) {
    let instructions = instruction_tokens(&context.style());
    let instructions = u32::try_from(instructions).unwrap_or(u32::MAX);
    let output = context.answer_cap().min(tokens / 4);
    let fixed = instructions.saturating_add(output + FRAME_TOKENS);
    // A part carries an outline of an eighth.
    let bytes = u64::from(tokens.saturating_sub(fixed)) * BYTES_PER_TOKEN * 8 / 9;
    let bytes = usize::try_from(bytes)
        .unwrap_or(usize::MAX)
        .max(SMALLEST_PART);
    context.max_prompt_bytes.fetch_min(bytes, Ordering::Relaxed);
}
