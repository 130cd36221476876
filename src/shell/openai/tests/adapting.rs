//! What refusals and answers mean, case by case: other wordings of a kind are classified by the same hints.

use super::*;

/// The failure of a refusal, and what it says about lengths.
async fn refusal(status: u16, body: &str) -> (Failure, Limits) {
    let act = reply(&format!("{status} X"), &[], body);
    ask_once(act).await.0.unwrap_err()
}

fn said(message: &str) -> String {
    json!({"error": {"message": message}}).to_string()
}

#[tokio::test]
async fn a_prompt_that_is_too_long_is_recognized_in_any_words() {
    for (status, message) in [
        (
            400,
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens. Please reduce the length of the messages.",
        ),
        (
            422,
            "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 3000 `inputs` tokens and 600 `max_new_tokens`",
        ),
        (
            422,
            "Input validation error: `inputs` must have less than 1024 tokens. Given: 5000",
        ),
        (400, "Prompt too long"),
        (400, "prompt is too long: 215000 tokens > 200000 maximum"),
        (
            400,
            "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        ),
        (
            400,
            "Input length 9000 exceeds the maximum allowed input length 8192",
        ),
        (
            429,
            "Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Requested 48000. The input or output tokens must be reduced in order to run successfully.",
        ),
        (413, "Request Entity Too Large"),
        (
            400,
            "the request exceeds the available context size, try increasing it",
        ),
        (
            500,
            "the request exceeds the available context size. try increasing the context size or enable context shift",
        ),
        (
            400,
            "request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it",
        ),
        (
            400,
            "The decoder prompt (length 5000) is longer than the maximum model length of 4096.",
        ),
        (
            400,
            "Requested token count exceeds the model's maximum context length of 4096 tokens. You requested a total of 5000 tokens: 4400 tokens from the input messages and 600 tokens for the completion.",
        ),
        (
            400,
            "The input (5000 tokens) is longer than the model's context length (4096 tokens).",
        ),
        (
            400,
            "Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough.",
        ),
        (
            400,
            "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
        ),
        (
            400,
            "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 5000.",
        ),
        (400, "Input is too long for requested model."),
        (400, "Range of input length should be [1, 30720]"),
        (
            400,
            "Invalid request: Your request exceeded model token limit: 8192",
        ),
        (
            400,
            "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
        ),
        (
            400,
            "prompt token count of 70000 exceeds the limit of 64000",
        ),
        (400, "Requested tokens (9000) exceed context window of 4096"),
        (
            400,
            "input length and `max_tokens` exceed context limit: 199000 + 2000 > 200000, decrease input length or `max_tokens` and try again",
        ),
        (400, "context window exceeds limit (2013)"),
        (
            400,
            "Please reduce the length of the messages or completion.",
        ),
        (
            400,
            "string too long. Expected a string with maximum length 1048576, but got a string with length 2000000 instead.",
        ),
        (
            400,
            "The estimated number of input and maximum output tokens (9000) exceeded this model context window limit (4096).",
        ),
        (
            400,
            "Total tokens of image and text exceed max message tokens",
        ),
        (400, "输入长度超过模型最大长度限制"),
        (400, "The prompt is too large for this model"),
    ] {
        let (failure, limits) = refusal(status, &said(message)).await;
        assert!(limits.too_long, "{status} {message}: {failure:?}");
    }
    let (_, limits) = refusal(
        400,
        r#"{"error":{"code":"1261","message":"Prompt exceeds"}}"#,
    )
    .await;
    assert!(limits.too_long);
}

#[tokio::test]
async fn other_refusals_are_not_taken_for_a_long_prompt() {
    for (status, message) in [
        (400, "field required"),
        (400, "the prompt holds an unknown token"),
        (400, "Invalid JSON in the request body"),
        (400, "Request is missing x-session"),
        (
            429,
            "Rate limit reached for gpt-4o on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000. Please try again in 1s.",
        ),
        (429, "Rate limit reached for requests"),
        (429, "Too many requests, please slow down"),
        (
            429,
            "You exceeded your current quota, please check your plan and billing details.",
        ),
        (500, "The server had an error while processing your request"),
        (
            400,
            "Budget has been exceeded! Current cost: 0.0012, Max budget: 0.001",
        ),
        (400, "Invalid API key: the token has expired"),
    ] {
        let (failure, limits) = refusal(status, &said(message)).await;
        assert!(!limits.too_long, "{status} {message}: {failure:?}");
    }
}

#[tokio::test]
async fn refusals_for_everybody_are_recognized_whatever_the_status() {
    use Remedy::{Fatal, Permanent, Rejected, Throttled};
    for (status, message, remedy) in [
        (
            400,
            "API key not valid. Please pass a valid API key.",
            Fatal,
        ),
        (400, "Incorrect API key provided: xai-…", Fatal),
        (412, "Missing API key in the request", Fatal),
        (
            400,
            "Your credit balance is too low to access the API. Please go to Plans & Billing.",
            Fatal,
        ),
        (403, "Your account has insufficient funds", Fatal),
        (
            400,
            "Access denied, please make sure your account is in good standing. Arrearage",
            Fatal,
        ),
        (
            400,
            "Budget has been exceeded! Current cost: 0.0012, Max budget: 0.001",
            Fatal,
        ),
        (
            429,
            "You exceeded your current quota, please check your plan and billing details.",
            Fatal,
        ),
        (429, "账户余额不足，请充值", Fatal),
        (
            412,
            "Account is suspended, possibly due to reaching the monthly spending limit",
            Fatal,
        ),
        (
            400,
            "Invalid model name passed in model=nope. Call `/v1/models` to view available models",
            Fatal,
        ),
        (400, "Invalid model: nope", Fatal),
        (
            400,
            "No models loaded. Please load a model in the developer page.",
            Fatal,
        ),
        (400, "\"llama3\" does not support chat", Fatal),
        (
            422,
            "The model `nope` does not exist or you do not have access to it.",
            Fatal,
        ),
        (
            429,
            "Quota exceeded for quota metric 'requests' and limit 'GenerateRequestsPerDayPerProject'",
            Fatal,
        ),
        (
            429,
            "Quota exceeded for quota metric 'Generate Content API requests per minute'",
            Throttled,
        ),
        (429, "Rate limit reached for requests", Throttled),
        (400, "Request is missing x-session", Rejected),
        (
            400,
            "The response was filtered due to the prompt triggering the content management policy",
            Permanent,
        ),
    ] {
        let (failure, _) = refusal(status, &said(message)).await;
        assert_eq!(failure.remedy, remedy, "{status} {message}: {failure:?}");
        assert!(remedy != Fatal || failure.hint.is_some(), "{message}");
    }
    for (status, body, remedy) in [
        (
            429,
            r#"{"error":{"type":"exceeded_current_quota_error","message":"x"}}"#,
            Fatal,
        ),
        (429, r#"{"error":{"code":"1113","message":"x"}}"#, Fatal),
        (
            400,
            r#"{"error":{"type":"budget_exceeded","message":"x"}}"#,
            Fatal,
        ),
        (400, r#"{"code":"Arrearage","message":"x"}"#, Fatal),
        (400, r#"{"code":"InvalidApiKey","message":"x"}"#, Fatal),
        (
            200,
            r#"{"error":{"message":"Insufficient balance","code":402}}"#,
            Fatal,
        ),
        (
            200,
            r#"{"id":null,"choices":null,"error":{"message":"Provider returned error","code":429,"metadata":{"raw":"Too Many Requests"}}}"#,
            Throttled,
        ),
        (
            200,
            r#"{"code":"1113","msg":"余额不足","success":false}"#,
            Fatal,
        ),
        (
            200,
            r#"{"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}"#,
            Fatal,
        ),
        (
            200,
            r#"{"errors":[{"message":"Incorrect API key provided"}]}"#,
            Fatal,
        ),
        (
            200,
            r#"{"error":{"message":"insufficient_quota","code":"insufficient_quota"}}"#,
            Fatal,
        ),
    ] {
        let (failure, _) = refusal(status, body).await;
        assert_eq!(failure.remedy, remedy, "{status} {body}: {failure:?}");
    }
}

/// The endpoint refuses once, and then accepts: what did the second request look like?
async fn adapted(status: u16, message: &str) -> Value {
    let server = Server::start(vec![
        reply(&format!("{status} X"), &[], &said(message)),
        chat("Reads files.", "stop"),
    ])
    .await;
    let mut options = options(&server.url);
    options
        .extra_body
        .insert("temperature".to_owned(), json!(0.2));
    options.reasoning_effort = Some("low".to_owned());
    let endpoint = Endpoint::new(options).unwrap();
    let (failure, limits) = endpoint.complete(&prompt(), 600).await.unwrap_err();
    assert_eq!(failure.remedy, Remedy::Retry, "{message}: {failure:?}");
    assert!(!limits.too_long, "{message}");
    assert_eq!(
        endpoint.complete(&prompt(), 600).await.unwrap().text,
        "Reads files."
    );
    server.body(1)
}

#[tokio::test]
async fn requests_are_adapted_to_what_an_endpoint_accepts() {
    for (status, message) in [
        (400, "System role not supported"),
        (
            400,
            "Conversation roles must alternate user/assistant/user/assistant/...",
        ),
        (
            400,
            "Developer instruction is not enabled for models/gemma-3-27b-it",
        ),
        (
            500,
            "jinja2.exceptions.TemplateError: System role not supported",
        ),
        (
            400,
            "Only user, assistant and tool roles are supported, got system.",
        ),
        (
            422,
            "messages[0].role: 'system' is not one of ['user', 'assistant']",
        ),
        (400, "This model does not support system messages"),
    ] {
        let body = adapted(status, message).await;
        let messages = body["messages"].as_array().unwrap();
        assert_eq!(messages.len(), 1, "{message}");
        assert_eq!(messages[0]["role"], "user");
        let content = messages[0]["content"].as_str().unwrap();
        assert!(
            content.contains("Be brief.") && content.contains("What is it?"),
            "{content}"
        );
    }
    for message in [
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        "'max_tokens' is deprecated. Please use 'max_completion_tokens'",
        "Additional properties are not allowed ('max_tokens' was unexpected)",
        "this model does not support max_tokens",
        "Unrecognized request argument supplied: max_tokens",
        "Invalid parameter: max_tokens",
    ] {
        let body = adapted(400, message).await;
        assert_eq!(body["max_completion_tokens"], 600, "{message}");
        assert!(body.get("max_tokens").is_none());
    }
    for message in [
        "Stream must be set to true",
        "This model only supports streaming. Please set stream=true.",
        "non-streaming calls are not supported",
        "Only streaming requests are accepted: must be streamed",
    ] {
        let body = adapted(400, message).await;
        assert_eq!(body["stream"], true, "{message}");
    }
    for message in [
        "parameter.enable_thinking must be set to false for non-streaming calls",
        "enable thinking can not be support when `stream=False`",
    ] {
        let body = adapted(400, message).await;
        assert_eq!(body["enable_thinking"], false, "{message}");
    }
    for message in [
        "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.",
        "`temperature` is deprecated for this model.",
        "Unknown field: temperature",
    ] {
        let body = adapted(400, message).await;
        assert!(body.get("temperature").is_none(), "{message}");
        assert_eq!(body["reasoning_effort"], "low");
    }
    let body = adapted(
        400,
        "Unrecognized request argument supplied: reasoning_effort",
    )
    .await;
    assert!(body.get("reasoning_effort").is_none());
    for (message, cap) in [
        (
            "max_tokens is too large: 600. This model supports at most 400 completion tokens, whereas you provided 600.",
            400,
        ),
        (
            "Invalid max_tokens value, the valid range of max_tokens is [1, 400]",
            400,
        ),
        (
            "`max_tokens` must be less than or equal to `512`, the maximum value for `max_tokens` is less than the `context_window` for this model",
            512,
        ),
        (
            "max_tokens: 600 > 256, which is the maximum allowed number of output tokens for this model",
            256,
        ),
        ("Range of max_tokens should be [1, 500]", 500),
        ("max_tokens exceeds the limit", 300),
        (
            "'max_tokens' or 'max_completion_tokens' is too large: 600. This model's maximum context length is 4096 tokens and your request has 3700 input tokens (600 > 4096 - 3700).",
            388,
        ),
        (
            "This model's maximum context length is 8192 tokens. However, you requested 8500 tokens (7900 in the messages, 600 in the completion).",
            284,
        ),
        (
            "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 2000, but got 600 instead.",
            2000,
        ),
        ("max_tokens must be at least 1024", 1024),
        (
            "Could not finish the message because max_tokens or model output limit was reached. Please try again with higher max_tokens.",
            1200,
        ),
        (
            "`max_tokens` must be greater than `thinking.budget_tokens`",
            1200,
        ),
    ] {
        let body = adapted(400, message).await;
        assert_eq!(body["max_tokens"], cap, "{message}");
    }
}

#[tokio::test]
async fn facts_survive_a_restart_and_one_hard_prompt_changes_nothing_for_others() {
    let folder = tempfile::tempdir().unwrap();
    let refusals = [
        "System role not supported",
        "max_tokens is too large: 600. At most 400 completion tokens.",
    ];
    let mut acts: Vec<Act> = refusals
        .iter()
        .map(|message| reply("400 X", &[], &said(message)))
        .collect();
    acts.push(chat("Reads files.", "stop"));
    let server = Server::start(acts).await;
    let file = folder.path().join("endpoints.json");
    let with_file = || Options {
        facts_file: Some(file.clone()),
        ..options(&server.url)
    };
    let endpoint = Endpoint::new(with_file()).unwrap();
    for _ in refusals {
        endpoint.complete(&prompt(), 600).await.unwrap_err();
    }
    endpoint.complete(&prompt(), 600).await.unwrap();
    let again = Endpoint::new(with_file()).unwrap();
    again.complete(&prompt(), 600).await.unwrap();
    let body = server.body(3);
    assert_eq!(
        (
            &body["max_tokens"],
            body["messages"].as_array().unwrap().len()
        ),
        (&json!(400), 1)
    );
    let facts = again.facts();
    assert!(facts.no_system_role && facts.largest_cap == Some(400));
    // Another model is another matter.
    let other = Options {
        model: "n".to_owned(),
        ..with_file()
    };
    assert_eq!(Endpoint::new(other).unwrap().facts(), Facts::default());
}

#[tokio::test]
async fn the_way_that_an_answer_ends_decides_whether_it_counts() {
    let of = |content: &str, reason: Value| {
        let body = json!({"choices": [{"message": {"content": content}, "finish_reason": reason}]});
        reply("200 OK", &[], &body.to_string())
    };
    for reason in [
        "error",
        "abort",
        "cancelled",
        "insufficient_system_resource",
        "network_error",
        "repetition",
        "server_error",
        "upstream_disconnected",
        "TIMEOUT",
        "generation_failed",
        "user_interrupt",
        "preempted",
    ] {
        let answer = ask_once(of("Reads files. And wri", json!(reason))).await.0;
        assert_eq!(answer.unwrap_err().0.remedy, Remedy::Retry, "{reason}");
    }
    for reason in [json!(null), json!(""), json!("odd")] {
        let answer = ask_once(of("Reads files. And wri", reason.clone())).await.0;
        assert_eq!(answer.unwrap_err().0.remedy, Remedy::Retry, "{reason}");
        let answer = ask_once(of("Reads files. And writes them.", reason))
            .await
            .0;
        assert_eq!(answer.unwrap().text, "Reads files. And writes them.");
    }
    for reason in [
        "length",
        "max_tokens",
        "MAX_TOKENS",
        "model_length",
        "max_new_tokens",
        "model_context_window_exceeded",
        "truncated",
        "INCOMPLETE",
    ] {
        let answer = ask_once(of("Reads files. And wri", json!(reason))).await.0;
        assert_eq!(answer.unwrap().text, "Reads files.", "{reason}");
    }
    for error in [
        json!(""),
        json!({}),
        json!(false),
        json!([]),
        json!(null),
        json!({"code": 0, "message": ""}),
    ] {
        let body = json!({"choices": [{"message": {"content": "Reads files."}, "finish_reason": "stop"}], "error": error});
        let answer = ask_once(reply("200 OK", &[], &body.to_string())).await.0;
        assert_eq!(answer.unwrap().text, "Reads files.", "{error}");
    }
    let responses = json!({"output": [{"type": "reasoning"}, {"type": "message", "content": [{"type": "output_text", "text": "Reads files."}]}]});
    let answer = ask_once(reply("200 OK", &[], &responses.to_string()))
        .await
        .0;
    assert_eq!(answer.unwrap().text, "Reads files.");
}

#[tokio::test]
async fn a_prompt_that_was_cut_silently_is_no_answer() {
    let cut = json!({"choices": [{"message": {"content": "Reads files."}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 2051}});
    let server = Server::start(vec![reply("200 OK", &[], &cut.to_string())]).await;
    let endpoint = Endpoint::new(options(&server.url)).unwrap();
    let long = Prompt {
        user: "fn open(path: &Path) -> File;\n".repeat(2_000),
        ..prompt()
    };
    let (_, limits) = endpoint.complete(&long, 600).await.unwrap_err();
    assert!(limits.too_long);
    assert_eq!(limits.truncated.unwrap().0, 2051);
    assert_eq!(endpoint.facts().context_tokens, Some(2051));
    assert!(endpoint.facts().cuts_silently);
    endpoint.complete(&prompt(), 600).await.unwrap();
}

#[tokio::test]
async fn headers_query_and_fields_go_along() {
    let server = Server::start(vec![chat("Reads files.", "stop")]).await;
    let mut options = options(&format!("{}?api-version=2024-10-21", server.url));
    options.api_key_header = Some("api-key".to_owned());
    options.headers = vec![("X-App-Id".to_owned(), "epitome".to_owned())];
    options.query = vec![("team".to_owned(), "a b".to_owned())];
    options.extra_body.insert("top_p".to_owned(), json!(0.9));
    Endpoint::new(options)
        .unwrap()
        .complete(&prompt(), 600)
        .await
        .unwrap();
    let request = server.requests()[0].clone();
    assert!(
        request.starts_with("POST /v1/chat/completions?api-version=2024-10-21&team=a+b "),
        "{request}"
    );
    let lower = request.to_lowercase();
    assert!(lower.contains(&format!("\r\napi-key: {KEY}\r\n")) && !lower.contains("authorization"));
    assert!(lower.contains("\r\nx-app-id: epitome\r\n"));
    assert_eq!(server.body(0)["top_p"], 0.9);
}
