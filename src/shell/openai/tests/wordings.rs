//! What a refusal means, in the words of many servers: wordings that no rule was written for belong here.

use super::super::adapt::{Adaptations, Adapted, CAP_NAMES, Facts, Sent};
use super::super::length;
use super::super::problem::Problem;
use crate::model::failure::Remedy;

const KEY: &str = "the key that";
const MONEY: &str = "add credit";
const MODEL: &str = "[openai] model";

/// What Epitome does about a refusal of a usual request.
fn meaning(status: u16, said: &str) -> String {
    let body = match said.starts_with(['{', '[']) {
        true => said.to_owned(),
        false => serde_json::json!({"error": {"message": said}}).to_string(),
    };
    let problem = Problem::read(body.as_bytes());
    let fields = [
        "model",
        "messages",
        CAP_NAMES[0],
        "stream",
        "temperature",
        "reasoning_effort",
        "response_format",
        "n",
        "stop",
        "top_p",
        "seed",
        "frequency_penalty",
        "chat_template_kwargs",
    ];
    let sent = Sent {
        facts: Facts::default(),
        cap_name: CAP_NAMES[0],
        cap: 600,
        fields: fields.map(str::to_owned).to_vec(),
    };
    let adaptations = Adaptations::load(None, "http://localhost", "m");
    match adaptations.refused(status, &problem, &sent) {
        Some(Adapted::MoreOutput) => return "a larger cap".to_owned(),
        Some(Adapted::Cap(cap)) => return format!("cap {cap}"),
        Some(Adapted::ForAll(what)) => {
            let facts = adaptations.facts();
            return match facts {
                _ if facts.no_system_role => "no system role".to_owned(),
                _ if facts.must_stream => "a stream".to_owned(),
                _ if facts.other_cap_name => "the other cap".to_owned(),
                Facts {
                    largest_cap: Some(most),
                    ..
                } => format!("at most {most}"),
                Facts {
                    smallest_cap: Some(least),
                    ..
                } => format!("at least {least}"),
                _ => facts
                    .omitted
                    .first()
                    .map(|name| format!("no {name}"))
                    .unwrap_or(what),
            };
        }
        None => {}
    }
    if length::is_too_long(&problem, status) {
        return "parts".to_owned();
    }
    let failure = problem.failure(status, None);
    let hint = failure.hint.unwrap_or_default();
    match failure.remedy {
        Remedy::Fatal if hint.contains(KEY) => "key".to_owned(),
        Remedy::Fatal if hint.contains(MONEY) => "money".to_owned(),
        Remedy::Fatal if hint.contains(MODEL) => "model".to_owned(),
        other => format!("{other:?}"),
    }
}

#[track_caller]
fn all_mean(wanted: &str, cases: &[(u16, &str)]) {
    each_means(&[(wanted, cases)]);
}

/// Compares all cases before it fails.
#[track_caller]
fn each_means(groups: &[(&str, &[(u16, &str)])]) {
    let mut wrong = Vec::new();
    for (wanted, cases) in groups {
        for (status, said) in *cases {
            let meant = meaning(*status, said);
            if meant != *wanted {
                wrong.push(format!("{meant} instead of {wanted}: {status} {said}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_prompt_is_too_long_in_many_words() {
    all_mean(
        "parts",
        &[
            (
                400,
                "Your input is too long. Max input length is 4096 tokens, but you supplied 10231 tokens.",
            ),
            (
                400,
                "The prompt contains 12034 tokens, but the model can only handle 8192.",
            ),
            (400, "Token limit exceeded: 12034/8192"),
            (400, "max_total_tokens exceeded: prompt has 9000 tokens"),
            (
                400,
                "ValueError: Requested tokens (5120) exceed context window of 2048",
            ),
            (
                500,
                "ValueError: Requested tokens (5120) exceed context window of 2048",
            ),
            (
                400,
                "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300012 tokens.",
            ),
            (
                400,
                "this model's context window is 8192 tokens; the messages need 9100",
            ),
            (
                400,
                "The total length of the messages must not exceed 32768 tokens",
            ),
            (
                400,
                "This endpoint's maximum context length is 16384 tokens. However, you requested about 20000 tokens (19400 of text input, 600 in the output).",
            ),
            (400, "too many tokens in the prompt"),
            (400, "Prompt is longer than the context window"),
            (400, "message is too long for this model"),
            (
                400,
                "The message you submitted was too long, please reload the conversation and submit something shorter.",
            ),
            (400, "Context size has been exceeded."),
            (500, "Context size has been exceeded."),
            (500, "context shift is disabled and the prompt does not fit"),
            (
                400,
                "input is too large to process. increase the physical batch size",
            ),
            (
                500,
                "input (5000 tokens) is too large to process. increase the physical batch size (current batch size: 2048)",
            ),
            (400, "the input exceeds the maximum number of tokens"),
            (400, "Prompt length (9000) exceeds max_seq_len (4096)"),
            (
                400,
                "sequence length 9000 is longer than the maximum of 4096",
            ),
            (
                400,
                "The sequence length of the input is greater than the maximum supported: 2048",
            ),
            (
                422,
                "inputs tokens + max_new_tokens must be <= 4096. Given: 9000 inputs tokens and 600 max_new_tokens",
            ),
            (400, "Please provide an input with fewer than 4096 tokens"),
            (400, "Please shorten your prompt"),
            (400, "Conversation is too long"),
            (400, "Content exceeds the model's limit of 4096 tokens"),
            (400, "Exceeded maximum input size of 100000 characters"),
            (
                400,
                "You passed 5050 input tokens and requested 600 output tokens. However, the model's context length is only 5120 tokens.",
            ),
            (400, "max context length exceeded"),
            (
                400,
                "number of input tokens (9000) has exceeded max_prompt_tokens limit (8191)",
            ),
            (
                400,
                "Input validation error: `inputs` must have less than 4095 tokens. Given: 9000",
            ),
            (
                400,
                "El mensaje supera la longitud máxima del contexto (4096 tokens)",
            ),
            (
                400,
                "Le prompt dépasse la longueur de contexte maximale de 8192 tokens",
            ),
            (
                400,
                "Der Prompt ist zu lang: 9000 Tokens, erlaubt sind 4096",
            ),
            (400, "请求的token数超过模型上下文长度"),
            (400, "提示词过长"),
            (400, "コンテキスト長を超えています"),
            (400, "입력이 너무 깁니다: 최대 4096 토큰"),
            (
                400,
                "ValidationException: Input is too long for requested model.",
            ),
            (400, "Input length exceeds limit"),
            (
                400,
                "the prompt needs 9000 tokens which is more than the 4096 available",
            ),
            (
                413,
                "{\"error\":{\"message\":\"Request too large for model `llama-3.1-8b-instant` on tokens per minute (TPM): Limit 6000, Requested 9000, please reduce your message size and try again.\",\"type\":\"tokens\",\"code\":\"rate_limit_exceeded\"}}",
            ),
            (
                429,
                "{\"error\":{\"message\":\"Request too large for gpt-4o: Limit 30000, Requested 48000.\",\"type\":\"tokens\",\"code\":\"rate_limit_exceeded\"}}",
            ),
            (
                400,
                "{\"error\":{\"code\":\"context_length_exceeded\",\"message\":\"no\"}}",
            ),
            (
                400,
                "{\"error\":{\"type\":\"exceed_context_size_error\",\"message\":\"no\",\"n_ctx\":4096}}",
            ),
            (
                400,
                "{\"error\":{\"code\":\"ContextWindowExceededError\",\"message\":\"no\"}}",
            ),
            (400, "{\"code\":\"PROMPT_TOO_LONG\",\"message\":\"no\"}"),
            (
                400,
                "{\"error\":{\"status\":\"INVALID_ARGUMENT\",\"message\":\"The input token count exceeds the maximum number of tokens allowed 1048576.\"}}",
            ),
            (
                422,
                "{\"detail\":[{\"loc\":[\"body\",\"messages\"],\"msg\":\"String should have at most 100000 characters\",\"type\":\"string_too_long\"}]}",
            ),
            (422, "{\"detail\":\"Prompt exceeds the maximum length\"}"),
        ],
    );
}

#[test]
fn a_wrong_key_is_recognized_in_many_words() {
    all_mean(
        "key",
        &[
            (400, "Invalid API Key"),
            (400, "API key expired. Please renew the API key."),
            (400, "No API key provided"),
            (400, "You must provide an API key"),
            (403, "The API key you provided has been revoked"),
            (403, "Invalid authentication credentials"),
            (403, "Authentication failed: token is malformed"),
            (
                403,
                "Your API key was reported as leaked. Please use another API key.",
            ),
            (400, "Unauthorized: signature does not match for access key"),
            (412, "x-api-key header is required"),
            (400, "Bearer token missing or invalid"),
            (
                400,
                "LiteLLM Virtual Key expected. Received=sk-x, expected to start with 'sk-'.",
            ),
            (
                400,
                "Authentication Error, Invalid proxy server token passed. Received API Key = sk-...x, Key Hash (Token) = 9f. Unable to find token in cache or `LiteLLM_VerificationTable`",
            ),
            (
                400,
                "Malformed API Key passed in. Ensure Key has `Bearer ` prefix",
            ),
            (400, "User not authenticated"),
            (400, "You didn't provide an API key"),
            (400, "The provided API key does not exist"),
            (400, "apikey错误"),
            (400, "令牌已过期或验证不正确"),
            (400, "无效的令牌"),
            (400, "Incorrect username or token"),
            (400, "not logged in"),
            (400, "Please log in first"),
            (
                400,
                "Login fail: Please carry the API secret key in the 'Authorization' field of the request header",
            ),
            (400, "No auth credentials found"),
            (400, "API-Schlüssel ungültig"),
            (400, "Clé API invalide"),
            (400, "API-ключ недействителен"),
            (400, "APIキーが無効です"),
            (
                403,
                "{\"error\":{\"code\":\"invalid_api_key\",\"message\":\"no\"}}",
            ),
            (
                400,
                "{\"error\":{\"status\":\"UNAUTHENTICATED\",\"message\":\"no\"}}",
            ),
            (
                400,
                "{\"error\":{\"type\":\"authentication_error\",\"message\":\"no\"}}",
            ),
            (
                400,
                "{\"error\":{\"details\":[{\"reason\":\"API_KEY_INVALID\"}],\"message\":\"API key not valid\",\"status\":\"INVALID_ARGUMENT\"}}",
            ),
            (
                422,
                "{\"detail\":[{\"loc\":[\"header\",\"authorization\"],\"msg\":\"Field required\",\"type\":\"missing\"}]}",
            ),
            (422, "{\"detail\":\"Could not validate credentials\"}"),
            (422, "{\"message\":\"missing Authorization header\"}"),
        ],
    );
}

#[test]
fn an_empty_account_is_recognized_in_many_words() {
    all_mean(
        "money",
        &[
            (
                400,
                "Insufficient credits. Add more using https://openrouter.ai/credits",
            ),
            (403, "Insufficient Balance"),
            (403, "You have run out of credits"),
            (429, "You have exhausted your credits"),
            (400, "Your account does not have enough balance"),
            (400, "Please add a payment method to continue"),
            (403, "Monthly spend limit reached"),
            (429, "Monthly usage limit reached. Upgrade your plan."),
            (400, "Free tier exhausted: please upgrade to a paid plan"),
            (429, "You have no remaining credits"),
            (400, "Billing account not found or disabled"),
            (403, "Billing is not enabled for this project"),
            (
                400,
                "ExceededBudget: User default_user has exceeded their budget",
            ),
            (
                429,
                "ExceededTokenBudget: Current spend for token: 7.2e-05; Max Budget for Token: 2e-07",
            ),
            (400, "Crossed spend within budget"),
            (429, "quota exceeded: no credits left on your account"),
            (403, "trial expired, please subscribe"),
            (429, "Account balance is negative"),
            (
                429,
                "Your organization has reached its monthly spending cap",
            ),
            (
                400,
                "This request requires more credits, or fewer max_tokens. You requested up to 600 tokens, but can only afford 12.",
            ),
            (403, "您的账户已欠费"),
            (429, "您的账户已达到额度上限"),
            (400, "余额不足"),
            (403, "用户额度不足, 剩余额度: ¥0.00"),
            (429, "Guthaben aufgebraucht, bitte aufladen"),
            (
                429,
                "{\"error\":{\"code\":\"insufficient_quota\",\"message\":\"no\"}}",
            ),
            (
                403,
                "{\"error\":{\"type\":\"billing_error\",\"message\":\"no\"}}",
            ),
            (
                429,
                "{\"error\":{\"type\":\"insufficient_balance_error\",\"message\":\"no\"}}",
            ),
            (
                400,
                "{\"error\":{\"code\":\"BUDGET_EXCEEDED\",\"message\":\"no\"}}",
            ),
            (
                429,
                "{\"error\":{\"code\":\"billing_hard_limit_reached\",\"message\":\"no\"}}",
            ),
        ],
    );
}

#[test]
fn an_unknown_model_is_recognized_in_many_words() {
    all_mean(
        "model",
        &[
            (400, "model not found"),
            (400, "Model nope not found, try pulling it first"),
            (400, "model 'nope' not found, try pulling it first"),
            (400, "nope is not a valid model ID"),
            (400, "Unknown model: nope"),
            (400, "Model nope is not supported"),
            (
                400,
                "The requested model 'nope' is not supported by any provider you have enabled.",
            ),
            (400, "Invalid model 'nope'"),
            (400, "No endpoints found for nope"),
            (400, "There are no healthy deployments for this model"),
            (400, "There is no model named nope"),
            (
                400,
                "The model nope has been deprecated and is no longer available",
            ),
            (
                400,
                "model nope has been decommissioned and is no longer supported",
            ),
            (400, "Model has been retired"),
            (
                400,
                "This is not a chat model and thus not supported in the v1/chat/completions endpoint",
            ),
            (422, "The API deployment for this resource does not exist"),
            (400, "Model does not exist or is not accessible"),
            (400, "Could not find model nope"),
            (400, "Unable to load model nope"),
            (400, "you must pull the model first"),
            (400, "模型不存在"),
            (400, "Not supported model nope"),
            (400, "Das Modell nope wurde nicht gefunden"),
            (400, "Le modèle nope n'existe pas"),
            (
                400,
                "Failed to load model \"nope\". Error: Model loading was stopped",
            ),
            (
                400,
                "{\"error\":{\"code\":\"model_not_found\",\"message\":\"no\"}}",
            ),
            (
                400,
                "{\"error\":{\"code\":\"DeploymentNotFound\",\"message\":\"no\"}}",
            ),
            (
                400,
                "{\"error\":{\"code\":\"ModelNotOpen\",\"message\":\"Your account has not activated the model\"}}",
            ),
            (
                422,
                "{\"error\":{\"code\":\"invalid_model\",\"message\":\"no\"}}",
            ),
        ],
    );
}

#[test]
fn requests_are_adapted_in_many_words() {
    each_means(&[
        (
            "no system role",
            &[
                (400, "This model doesn't support the system role"),
                (400, "role: Input should be 'user' or 'assistant'"),
                (
                    400,
                    "messages: Unexpected role \"system\". The Messages API accepts a top-level `system` parameter",
                ),
                (422, "Invalid role: system"),
                (400, "Unexpected message role: system"),
                (
                    400,
                    "'messages[0].role' does not support 'system' with this model.",
                ),
                (
                    400,
                    "Unsupported value: 'messages[0].role' does not support 'developer' with this model.",
                ),
                (
                    500,
                    "After the optional system message, conversation roles must alternate user/assistant/user/assistant/...",
                ),
                (400, "chat template error: system prompt is not allowed"),
                (400, "First message must be from the user"),
                (400, "The first message must have role user"),
                (
                    400,
                    "Please ensure that multiturn requests alternate between user and model",
                ),
                (400, "Rolle \"system\" wird nicht unterstützt"),
                (400, "不支持system角色"),
                (500, "raise_exception('System role not supported')"),
            ],
        ),
        (
            "the other cap",
            &[
                (400, "Use 'max_completion_tokens' instead of 'max_tokens'"),
                (400, "max_tokens is not supported in this model"),
                (400, "Unknown parameter: 'max_tokens'."),
                (400, "parameter max_tokens is no longer accepted"),
                (
                    422,
                    "{\"detail\":[{\"type\":\"extra_forbidden\",\"loc\":[\"body\",\"max_tokens\"],\"msg\":\"Extra inputs are not permitted\"}]}",
                ),
                (
                    400,
                    "{\"error\":{\"message\":\"no\",\"param\":\"max_tokens\",\"code\":\"unsupported_parameter\"}}",
                ),
                (
                    400,
                    "The parameter `max_tokens` is obsolete. Please replace it by `max_completion_tokens`",
                ),
                (
                    400,
                    "Please use max_completion_tokens rather than max_tokens for this model",
                ),
                (
                    400,
                    "unknown field `max_tokens`, expected one of `model`, `messages`",
                ),
                (400, "不支持的参数 max_tokens"),
            ],
        ),
        (
            "a stream",
            &[
                (400, "This model only supports stream mode"),
                (400, "stream must be true"),
                (400, "Only stream=true is supported"),
                (400, "This model does not support non-stream output"),
                (400, "Streaming is required for this model"),
                (
                    400,
                    "Please enable streaming: the operation may take longer than 10 minutes",
                ),
                (400, "This model supports streaming responses only"),
                (422, "stream: Input should be True"),
                (400, "该模型仅支持流式输出"),
                (400, "non streaming is not allowed"),
            ],
        ),
        (
            "no temperature",
            &[
                (
                    400,
                    "Unsupported parameter: 'temperature' is not supported with this model.",
                ),
                (400, "temperature: not supported"),
                (
                    400,
                    "`temperature` and `top_p` cannot both be specified for this model: temperature is not allowed",
                ),
                (
                    400,
                    "temperature may only be set to 1 when thinking is enabled",
                ),
                (400, "Invalid temperature: only 1 is allowed for this model"),
                (400, "temperature must be 1"),
                (400, "the parameter temperature is fixed for this model"),
                (
                    400,
                    "{\"error\":{\"message\":\"no\",\"param\":\"temperature\",\"code\":\"unsupported_value\"}}",
                ),
            ],
        ),
        (
            "no reasoning_effort",
            &[
                (400, "Unknown parameter: 'reasoning_effort'"),
                (400, "reasoning_effort is not supported by this model"),
                (
                    422,
                    "{\"detail\":[{\"type\":\"extra_forbidden\",\"loc\":[\"body\",\"reasoning_effort\"],\"msg\":\"Extra inputs are not permitted\"}]}",
                ),
                (
                    400,
                    "Unsupported value: 'reasoning_effort' does not support 'minimal' with this model.",
                ),
                (
                    400,
                    "litellm.UnsupportedParamsError: openai does not support parameters: ['reasoning_effort'], for model=m",
                ),
                (400, "property 'reasoning_effort' is unsupported"),
                (400, "`reasoning_effort` must be one of `none` or `default`"),
            ],
        ),
        (
            "no response_format",
            &[
                (400, "response_format is not supported"),
                (
                    400,
                    "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
                ),
                (400, "This model does not support structured outputs"),
                (
                    500,
                    "Failed to initialize samplers: failed to parse grammar",
                ),
                (400, "guided decoding backend is not available"),
                (400, "JSON mode is not supported with this model"),
                (400, "json_schema is not supported, use json_object"),
            ],
        ),
        (
            "no n",
            &[
                (400, "Unsupported parameter: 'n'"),
                (
                    400,
                    "{\"error\":{\"message\":\"no\",\"param\":\"n\",\"code\":\"unsupported_parameter\"}}",
                ),
            ],
        ),
        (
            "no stop",
            &[
                (
                    400,
                    "Unsupported parameter: 'stop' is not supported with this model.",
                ),
                (400, "unknown field `stop`"),
            ],
        ),
        (
            "no seed",
            &[
                (400, "Argument not supported on this model: seed"),
                (400, "seed: Extra inputs are not permitted"),
            ],
        ),
        (
            "no frequency_penalty",
            &[(
                400,
                "Argument not supported on this model: frequency_penalty",
            )],
        ),
        (
            "no chat_template_kwargs",
            &[(
                400,
                "Unrecognized request argument supplied: chat_template_kwargs",
            )],
        ),
        (
            "at most 512",
            &[
                (400, "max_tokens must be less than or equal to 512"),
                (
                    400,
                    "max_tokens (600) exceeds the model's output limit of 512",
                ),
                (
                    400,
                    "Requested output of 600 tokens is above this model's maximum output tokens: 512",
                ),
                (
                    400,
                    "Invalid value for max_tokens: must be between 1 and 512",
                ),
                (
                    422,
                    "{\"detail\":[{\"loc\":[\"body\",\"max_tokens\"],\"msg\":\"Input should be less than or equal to 512\",\"type\":\"less_than_equal\"}]}",
                ),
                (400, "max_tokens参数不合法，最大值为512"),
            ],
        ),
        (
            "at least 1024",
            &[
                (400, "max_tokens must be >= 1024"),
                (
                    422,
                    "{\"detail\":[{\"loc\":[\"body\",\"max_tokens\"],\"msg\":\"Input should be greater than or equal to 1024\",\"type\":\"greater_than_equal\"}]}",
                ),
                (400, "max_tokens too small: minimum is 1024"),
            ],
        ),
        (
            "a larger cap",
            &[
                (
                    400,
                    "Could not finish the message because max_tokens or model output limit was reached. Please try again with higher max_tokens.",
                ),
                (
                    400,
                    "The model reached the max_tokens limit before it produced an output; increase max_tokens",
                ),
                (
                    400,
                    "reasoning used all max_completion_tokens; raise max_completion_tokens",
                ),
            ],
        ),
    ]);
}

#[test]
fn what_one_request_or_a_moment_causes_is_not_for_everybody() {
    all_mean(
        "Throttled",
        &[
            (429, "Too many requests"),
            (429, "Rate limit exceeded: free-models-per-min"),
            (429, "Resource has been exhausted (e.g. check quota)."),
            (
                429,
                "Requests rate limit exceeded. Upgrade your plan for higher limits",
            ),
            (
                429,
                "You are being rate limited: 20 requests per minute on the free plan. Upgrade to raise it.",
            ),
            (429, "This model is currently overloaded"),
            (429, "Concurrency limit exceeded"),
            (503, "Loading model"),
            (503, "no slot available"),
            (529, "Overloaded"),
            (400, "Rate limit reached, try again in 5s"),
        ],
    );
    all_mean(
        "Rejected",
        &[
            (400, "Invalid JSON"),
            (400, "Request is missing x-tenant"),
            (400, "bad request"),
            (422, "field required"),
            // Only several of them prove that it is for everybody.
            (500, "model 'nope' not found"),
            (500, "litellm.AuthenticationError: invalid api key"),
        ],
    );
    all_mean(
        "Permanent",
        &[
            (
                400,
                "The response was filtered due to the prompt triggering content management policy",
            ),
            (400, "Content violates our usage policies"),
            (400, "Output blocked by content filtering policy"),
            (400, "内容包含敏感信息"),
        ],
    );
}
