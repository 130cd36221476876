//! Servers with a context window: how they report it, and what they do with a prompt that is too long.

use axum::http::Method;
use serde_json::{Value, json};

use super::{FakeModel, Request};

/// A kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Cuts prompts silently; reports the window of a loaded model only.
    Ollama,
    LlamaCpp,
    LmStudio,
    /// Refuses a prompt that leaves no space for the output.
    Vllm,
    /// Reports the window in a refusal only.
    Gateway,
    /// Never reports the window.
    Silent,
}

/// The text about a prompt that was cut.
pub const CUT: &str = "Holds the end of something. The beginning is missing.";
/// The output tokens of a response.
const OUTPUT: u64 = 60;

#[derive(Clone, Copy)]
pub(super) struct Server {
    style: Style,
    window: u64,
    loaded: bool,
}

impl FakeModel {
    /// Behaves like such a server with a window of so many tokens.
    pub fn serve(&self, style: Style, window: u64) -> &Self {
        self.server.lock().window = Some(Server {
            style,
            window,
            loaded: false,
        });
        self
    }
}

impl Server {
    /// The response to a request: status and body.
    pub fn complete(&mut self, request: &Request) -> (u16, String) {
        self.loaded = true;
        let body = &request.body;
        let messages = body["messages"].as_array().into_iter().flatten();
        let texts = messages.filter_map(|message| message["content"].as_str());
        // 3.5 bytes a token.
        let prompt = texts.map(|text| text.len() as u64).sum::<u64>() * 2 / 7;
        let cap = body["max_tokens"].as_u64().unwrap_or(0);
        let window = self.window;
        let summary = FakeModel::summary(request.kind, &request.content);
        let refusal = match self.style {
            Style::Vllm if prompt + cap > window => json!({
                "object": "error", "type": "BadRequestError", "param": null, "code": 400,
                "message": format!(
                    "This model's maximum context length is {window} tokens. However, you requested {} tokens ({prompt} in \
                     the messages, {cap} in the completion). Please reduce the length of the messages or completion.",
                    prompt + cap
                ),
            }),
            _ if prompt <= window => return (200, answer(request, &summary, prompt, cap)),
            Style::Ollama => return (200, answer(request, CUT, window, cap)),
            Style::LlamaCpp => json!({"error": {
                "code": 400, "type": "exceed_context_size_error", "n_prompt_tokens": prompt, "n_ctx": window,
                "message": "the request exceeds the available context size, try increasing it",
            }}),
            Style::LmStudio => json!({"error": format!(
                "Trying to keep the first {prompt} tokens when context the overflows. However, the model is loaded with \
                 context length of only {window} tokens, which is not enough. Try to load the model with a larger context \
                 length, or provide a shorter input"
            )}),
            Style::Gateway => json!({"error": {"message": format!(
                "Input length {prompt} exceeds the maximum allowed input length {window}"
            )}}),
            Style::Silent => json!({"error": {"message": "Prompt too long"}}),
            Style::Vllm => return (200, answer(request, &summary, prompt, cap)),
        };
        (400, refusal.to_string())
    }

    /// The document at another path, if this server has one.
    pub fn document(&mut self, method: &Method, path: &str) -> Option<Value> {
        let window = self.window;
        Some(match (self.style, path) {
            (Style::Vllm, "/v1/models") => {
                json!({"data": [{"id": "fake-1", "max_model_len": window}]})
            }
            (Style::LmStudio, "/v1/models") => {
                json!({"data": [{"id": "fake-1", "owned_by": "organization_owner"}]})
            }
            (Style::LmStudio, "/api/v0/models") => json!({"data": [
                {"id": "fake-1", "max_context_length": 131_072, "loaded_context_length": window}]}),
            (Style::LlamaCpp, "/props") => {
                json!({"default_generation_settings": {"n_ctx": window}})
            }
            (Style::Ollama, "/api/ps") if self.loaded => {
                json!({"models": [{"name": "fake-1", "context_length": window}]})
            }
            (Style::Ollama, "/api/ps") => json!({"models": []}),
            (Style::Ollama, "/api/generate") if method == Method::POST => {
                self.loaded = true;
                json!({"done": true, "done_reason": "load"})
            }
            (Style::Ollama, "/api/show") => {
                json!({"model_info": {"llama.context_length": 131_072}})
            }
            _ => return None,
        })
    }
}

/// A response; a content that says so gets one that fills the cap.
fn answer(request: &Request, text: &str, prompt: u64, cap: u64) -> String {
    let (text, finish, output) = match request.content.contains("talkative") {
        true => (format!("{text} And then it goes on and"), "length", cap),
        false => (text.to_owned(), "stop", OUTPUT.min(cap)),
    };
    let content = match request.body["response_format"]["type"].as_str() {
        Some("json_schema") => json!({"summary": text}).to_string(),
        _ => text,
    };
    json!({
        "choices": [{"message": {"role": "assistant", "content": content}, "finish_reason": finish}],
        "usage": {"prompt_tokens": prompt, "completion_tokens": output},
    })
    .to_string()
}
