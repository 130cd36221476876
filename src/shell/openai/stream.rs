//! Assembles a streamed response: server-sent events, or one JSON document on each line.
//!
//! Some servers stream although the request did not ask for it. The result has the shape of a response without streaming.

use serde_json::{Map, Value, json};

use super::at;

/// The whole response from a streamed body; `None` if the body is not a stream.
pub(super) fn assemble(body: &[u8]) -> Option<Value> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    let mut events = Vec::new();
    let mut is_stream = false;
    for line in text.lines() {
        let line = line.trim();
        let data = match line.split_once(':') {
            Some(("data", data)) => data.trim(),
            Some(("event" | "id" | "retry" | "", _)) => {
                is_stream = true;
                continue;
            }
            _ => line,
        };
        is_stream |= line.starts_with("data:");
        if data.is_empty() || data == "[DONE]" {
            continue;
        }
        events.push(serde_json::from_str::<Value>(data).ok()?);
    }
    // One document by itself is an ordinary answer.
    (is_stream || events.len() > 1).then(|| merge(&events))
}

fn merge(events: &[Value]) -> Value {
    let mut text = String::new();
    let mut whole = String::new();
    let mut finish = Value::Null;
    let mut usage = Value::Null;
    for event in events {
        if let Some(error) = at(event, "/error").filter(|error| !super::reply::is_trivial(error)) {
            return json!({"error": error});
        }
        for place in [
            "/choices/0/delta/content",
            "/choices/0/text",
            "/message/content",
            "/response",
            "/delta",
        ] {
            match at(event, place) {
                Some(Value::String(piece)) => text.push_str(piece),
                Some(Value::Array(parts)) => {
                    let pieces = parts.iter().filter_map(|part| at(part, "/text")?.as_str());
                    pieces.for_each(|piece| text.push_str(piece));
                }
                _ => {}
            }
        }
        // A last event may repeat all of it.
        for place in ["/choices/0/message/content", "/response/output"] {
            match at(event, place) {
                Some(Value::String(all)) => whole.clone_from(all),
                Some(output @ Value::Array(_)) => whole = super::reply::output_text(output),
                _ => {}
            }
        }
        for place in [
            "/choices/0/finish_reason",
            "/done_reason",
            "/response/incomplete_details/reason",
        ] {
            if let Some(reason) = at(event, place).filter(|reason| reason.is_string()) {
                finish = reason.clone();
            }
        }
        for place in ["/usage", "/response/usage"] {
            if let Some(said) = at(event, place).filter(|said| said.is_object()) {
                usage = said.clone();
            }
        }
        if at(event, "/prompt_eval_count").is_some() {
            usage = event.clone();
        }
        if at(event, "/type").and_then(Value::as_str) == Some("response.completed") {
            finish = json!("stop");
        }
    }
    let content = if text.is_empty() { whole } else { text };
    let mut answer = Map::new();
    answer.insert(
        "choices".to_owned(),
        json!([{"message": {"content": content}, "finish_reason": finish}]),
    );
    if !usage.is_null() {
        answer.insert("usage".to_owned(), usage);
    }
    Value::Object(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(body: &str) -> Option<String> {
        let answer = assemble(body.as_bytes())?;
        Some(
            answer["choices"][0]["message"]["content"]
                .as_str()?
                .to_owned(),
        )
    }

    #[test]
    fn streams_in_each_form_become_one_answer() {
        let chunk = |piece: &str| {
            format!(
                r#"{{"object":"chat.completion.chunk","choices":[{{"delta":{{"content":"{piece}"}}}}]}}"#
            )
        };
        let (one, two) = (chunk("Reads "), chunk("files."));
        let end =
            r#"{"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":9}}"#;
        for body in [
            format!("data: {one}\n\ndata: {two}\n\ndata: {end}\n\ndata: [DONE]\n\n"),
            format!("\u{feff}data: {one}\r\n\r\ndata: {two}\r\n\r\ndata: {end}\r\n\r\n"),
            format!(": ping\nevent: message\nid: 1\ndata:{one}\n\ndata:{two}\n\ndata:{end}\n"),
            format!("{one}\n{two}\n{end}\n"),
        ] {
            assert_eq!(text(&body).as_deref(), Some("Reads files."), "{body}");
            assert_eq!(
                assemble(body.as_bytes()).unwrap_or_default()["usage"]["prompt_tokens"],
                9
            );
        }
        let ollama = "{\"message\":{\"content\":\"Reads \"},\"done\":false}\n{\"message\":{\"content\":\"files.\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":7}";
        assert_eq!(text(ollama).as_deref(), Some("Reads files."));
        let responses = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"Reads files.\"}\n\n\
                         event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"usage\":{\"input_tokens\":3}}}\n";
        assert_eq!(text(responses).as_deref(), Some("Reads files."));
        let broken = "data: {\"error\":{\"message\":\"overloaded\",\"code\":503}}\n\n";
        assert_eq!(
            assemble(broken.as_bytes()).unwrap_or_default()["error"]["code"],
            503
        );
    }

    #[test]
    fn other_bodies_are_no_streams() {
        for body in [
            "",
            "{\"choices\":[]}",
            "<html>",
            "[1,2]",
            "not json",
            "{\"choices\":[{",
            "data: nonsense",
        ] {
            assert_eq!(assemble(body.as_bytes()), None, "{body}");
        }
    }
}
