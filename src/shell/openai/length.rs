//! Recognizes refusals about lengths: a prompt longer than the context window, or an output cap that is not accepted.
//!
//! Neither a status nor a phrase alone is enough: hints about the subject, a unit and an excess must occur together. Numbers
//! are used if there are any.

use super::problem::Problem;
use super::words::{Hints, Number, Words, normal};

/// Names of the output cap.
const CAPS: Hints = &[
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "max_new_tokens",
    "maxoutputtokens",
    "max tokens",
    "completion tokens",
    "output tokens",
    "max output",
    "budget_tokens",
];

/// Structured names of a prompt that is too long.
const TOO_LONG_CODES: Hints = &[
    "context_length",
    "context_size",
    "context_window",
    "context_limit",
    "string_above_max_length",
    "request_too_large",
    "request_entity_too_large",
    "input_too_long",
    "prompt_too_long",
    "tokens_exceeded",
    "token_limit_exceeded",
    "max_tokens_exceeded",
    "string_too_long",
];
/// Zhipu's number for it.
const TOO_LONG_NUMBERS: Hints = &["1261"];

/// What is too long.
const INPUT: Hints = &[
    "prompt",
    "input",
    "message",
    "request",
    "content",
    "sequence",
    "text",
    "conversation",
    "document",
    "query",
    "payload",
    "body",
    "context",
    "string",
    "输入",
    "上下文",
    "请求",
    "提示",
    "文本",
    "プロンプト",
    "入力",
    "mensaje",
    "entrada",
    "eingabe",
    "コンテキスト",
    "입력",
    "프롬프트",
    "промпт",
    "запрос",
];
/// In which unit.
const UNIT: Hints = &[
    "token",
    "length",
    "context",
    "character",
    "window",
    "size",
    "byte",
    "long",
    "large",
    "big",
    "长",
    "大小",
    "字符",
    "長",
    "トークン",
    "shorten",
    "zu lang",
    "largo",
    "longitud",
    "longueur",
    "コンテキスト",
    "길",
    "длин",
];
/// That it is more than is accepted.
const EXCESS: Hints = &[
    "too long",
    "too large",
    "too big",
    "too many token",
    "exceed",
    "longer than",
    "larger than",
    "greater than",
    "bigger than",
    "overflow",
    "over the limit",
    "above the limit",
    "beyond",
    "not fit",
    "n't fit",
    "not enough",
    "must be <=",
    "must have less",
    "must be less",
    "must be at most",
    "should be [",
    "range of input",
    "shorten",
    "truncat",
    "reduce the length",
    "reduce the number",
    "reduce your",
    "超",
    "过长",
    "太长",
    "不能大于",
    "長すぎ",
    "fewer than",
    "fewer token",
    "supera",
    "excede",
    "dépasse",
    "überschreit",
    "zu lang",
    "zu groß",
    "trop long",
    "trop grand",
    "demasiado",
    "muito long",
    "превыша",
    "слишком",
    "超过",
    "초과",
    "너무",
];
/// The same, in words that say so only together with tokens, a length or the context.
const WEAK_EXCESS: Hints = &[
    "maximum",
    "max ",
    "limit",
    "at most",
    "more than",
    "up to",
    "only",
    "less than",
    "need ",
    "needs",
    "require",
];
const STRONG_UNIT: Hints = &[
    "token",
    "length",
    "context",
    "n_ctx",
    "num_ctx",
    "コンテキスト",
    "上下文",
    "토큰",
    "токен",
];
/// A refusal about the amount per minute, not about the length of this request.
const RATE: Hints = &[
    "rate limit",
    "rate_limit",
    "ratelimit",
    "per minute",
    "per min",
    "per second",
    "per day",
    "per hour",
    "tpm",
    "rpm",
    "too many requests",
    "quota",
    "try again in",
    "try again later",
    "concurren",
    "parallel",
    "in flight",
];
/// The request alone exceeds the limit per minute.
const ONE_REQUEST: Hints = &[
    "request too large",
    "request is too large",
    "too large for",
    "prompt is too long",
    "input is too long",
    "prompt too long",
    "input too long",
    "single request",
    "reduce the length",
    "reduce your",
    "reduce the size",
    "smaller request",
    "message size",
    "context length",
    "context window",
];

/// A number after one of these is the accepted amount.
const ACCEPTED: Hints = &[
    "maximum",
    "max ",
    "limit",
    "context length",
    "context size",
    "context window",
    "context of",
    "n_ctx",
    "num_ctx",
    "at most",
    "up to",
    "only",
    "<=",
    " > ",
    "than",
    "allowed",
    "large for",
    "exceed ",
    "exceeds ",
    "exceeded ",
    "[1",
    "within",
    "fit ",
    "supports",
    "上限",
    "最大",
];
/// A number after one of these is the amount that was sent.
const SENT: Hints = &[
    "requested",
    "resulted",
    "given",
    "your ",
    "has ",
    "have ",
    "contains",
    "you ",
    "got",
    "count",
    "keep the first",
    "request (",
    "prompt (",
    "input (",
    "length (",
    "tokens (",
    "prompt:",
    "too long:",
    "total of",
    "sent",
    "from the",
    "in the messages",
    "for the completion",
];
/// The distance before a number in which hints count, in bytes.
const REACH: usize = 48;

/// What a refusal says about the cap on the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OutputCap {
    /// Above what the model writes; the largest one that is accepted, where that is said.
    TooLarge(Option<u32>),
    /// Below what the model needs to be given.
    TooSmall(u32),
    /// The model used all of it without a result.
    UsedUp,
    /// Together with this prompt it is more than the context; so much is left for the output.
    Leaves(u32),
}

/// Whether the request is longer than the model reads, or than the endpoint accepts at all.
pub(super) fn is_too_long(problem: &Problem, status: u16) -> bool {
    if status == 413 {
        return true;
    }
    if !matches!(status, 200 | 400 | 422 | 429 | 500) {
        return false;
    }
    let names = [normal(&problem.code), normal(&problem.kind)];
    let named = |hints: Hints| {
        names
            .iter()
            .any(|name| hints.iter().any(|hint| name.contains(hint)))
    };
    if named(TOO_LONG_CODES) || TOO_LONG_NUMBERS.contains(&problem.code.as_str()) {
        return true;
    }
    let words = Words::of(&problem.message);
    if requested_above_limit(&words) {
        return true;
    }
    if status == 429 || words.any(RATE) {
        return status != 500 && words.any(ONE_REQUEST) && words.all(&[INPUT, EXCESS]);
    }
    if says_only_cap(&words) {
        return false;
    }
    let strong = words.all(&[INPUT, STRONG_UNIT])
        && (words.any(EXCESS) || has_two_amounts(&words) && words.any(WEAK_EXCESS));
    match status {
        // An internal error counts only if it mentions the context.
        500 => strong && words.any(&["context", "n_ctx", "num_ctx", "prompt", "input"]),
        _ => {
            strong
                || words.all(&[INPUT, UNIT, EXCESS])
                || words.any(&["token limit", "tokens limit"])
        }
    }
}

/// The context window in tokens, if a refusal names it.
pub(super) fn accepted_tokens(problem: &Problem) -> Option<u32> {
    if let Some(window) = problem.window {
        return Some(window);
    }
    let words = Words::of(&problem.message);
    let accepted = words
        .numbers()
        .into_iter()
        .filter(|number| number.value >= 128 && class_of(&words, *number) == Some(Class::Accepted));
    let least = accepted.map(|number| number.value).min()?;
    u32::try_from(least).ok()
}

/// What a refusal says about the cap on the output, of which `sent` tokens were sent.
pub(super) fn output_cap(problem: &Problem, status: u16, sent: u32) -> Option<OutputCap> {
    if !matches!(status, 200 | 400 | 422 | 500) {
        return None;
    }
    let words = Words::of(&problem.message);
    if let Some(room) = room_beside_prompt(&words) {
        return Some(OutputCap::Leaves(room));
    }
    let about_cap = words.any(CAPS) || CAPS.contains(&problem.parameter.as_str());
    if !about_cap {
        return None;
    }
    if words.any(&[
        "could not finish",
        "couldn't finish",
        "output limit was reached",
        "try again with higher",
        "try again with a higher",
    ]) {
        return Some(OutputCap::UsedUp);
    }
    let amounts: Vec<u32> = words
        .numbers()
        .into_iter()
        .filter_map(|number| u32::try_from(number.value).ok())
        .filter(|&amount| amount >= 16 && amount != sent)
        .collect();
    let is_small = words.any(&[
        "minimum",
        "at least",
        ">=",
        "greater than",
        "more than",
        "below",
        "too small",
        "too low",
        "higher than",
    ]);
    let above = amounts
        .iter()
        .copied()
        .filter(|&amount| amount > sent)
        .min();
    if let Some(least) = above.filter(|_| is_small) {
        // "greater than" leaves the number itself out.
        return Some(OutputCap::TooSmall(least.saturating_add(u32::from(
            !words.any(&[">=", "at least", "minimum", "or equal"]),
        ))));
    }
    if words.any(&["increase max", "raise max", "used all", "reached the max"]) {
        return Some(OutputCap::UsedUp);
    }
    let below = amounts
        .iter()
        .copied()
        .filter(|&amount| amount < sent)
        .max();
    let denies = words.any(&[
        "cannot be",
        "can't be",
        "can not be",
        "must not",
        "should not",
        "not be greater",
        "maximum",
    ]);
    if is_small && !denies && amounts.is_empty() {
        // "must be greater than `thinking.budget_tokens`"
        return Some(OutputCap::UsedUp);
    }
    let is_large = words.any(&[
        "too large",
        "too big",
        "too high",
        "at most",
        "maximum",
        "less than",
        "<=",
        "range",
        "exceed",
        "greater than",
        "between",
        "limit",
        "larger than",
        "above",
        "cannot be",
        "must be",
        "higher than",
        "超",
        "最大",
        "上限",
        "不合法",
    ]);
    (is_large && (below.is_some() || above.is_none() && !words.any(super::words::UNSUPPORTED)))
        .then_some(OutputCap::TooLarge(below))
}

/// "max_tokens is too large … context length is 4096 tokens and your request has 3000 input tokens": what is left.
fn room_beside_prompt(words: &Words) -> Option<u32> {
    if !words.any(CAPS) && !words.any(&["completion", "output", "generat"]) {
        return None;
    }
    if !words.any(&["context", "input", "messages", "prompt"]) {
        return None;
    }
    let numbers = words.numbers();
    let input = numbers.iter().find(|number| {
        let rest = words.as_str()[number.end..].trim_start_matches([' ', ')', '`', '\'', '"']);
        [
            "input",
            "tokens in the messages",
            "in the messages",
            "tokens from the input",
            "from the input",
            "prompt tokens",
            "tokens in your prompt",
            "in your prompt",
            "tokens in the input",
            "in the prompt",
            "tokens in the prompt",
            "text input",
            "of text input",
        ]
        .iter()
        .any(|hint| rest.starts_with(hint))
    })?;
    let window = numbers
        .iter()
        .filter(|number| {
            number.value > input.value && class_of(words, **number) == Some(Class::Accepted)
        })
        .map(|number| number.value)
        .min()?;
    u32::try_from(window - input.value).ok()
}

/// Whether it is about the output cap and not about the input.
fn says_only_cap(words: &Words) -> bool {
    words.any(CAPS) && !words.any(&["context", "input", "prompt", "messages", "inputs", "输入"])
}

/// "Limit 30000, Requested 48000".
fn requested_above_limit(words: &Words) -> bool {
    let after = |hint: &str| {
        let at = words.as_str().find(hint)? + hint.len();
        let number = words
            .numbers()
            .into_iter()
            .find(|number| number.start >= at)?;
        (number.start - at <= 12).then_some(number.value)
    };
    match (after("limit"), after("requested")) {
        (Some(limit), Some(requested)) => requested > limit && !words.any(&["requests per", "rpm"]),
        _ => false,
    }
}

fn has_two_amounts(words: &Words) -> bool {
    let amounts = words
        .numbers()
        .into_iter()
        .filter(|number| number.value >= 128);
    amounts.count() >= 2
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Accepted,
    Sent,
}

/// Which of both a number is: by the hint that stands nearest in front of it, else by what follows.
fn class_of(words: &Words, number: Number) -> Option<Class> {
    let text = words.as_str();
    let mut from = number.start.saturating_sub(REACH);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let before = &text[from..number.start];
    let nearest = |hints: Hints| {
        hints
            .iter()
            .filter_map(|hint| Some(before.rfind(hint)? + hint.len()))
            .max()
    };
    match (nearest(ACCEPTED), nearest(SENT)) {
        (Some(accepted), Some(sent)) if accepted >= sent => Some(Class::Accepted),
        (Some(_), None) => Some(Class::Accepted),
        (_, Some(_)) => Some(Class::Sent),
        (None, None) => {
            let after: String = text[number.end..].chars().take(24).collect();
            after.contains("max").then_some(Class::Accepted)
        }
    }
}
