//! The requests about a node, for `show --prompt`.

use crate::cli::terminal::{Style, Terminal};
use crate::cli::text::{clean, number};
use crate::wire::prompt::Preview;

/// All requests, message by message, exactly as sent. `escaped`, for a terminal: control characters are written as
/// escapes.
pub fn prompt(preview: &Preview, terminal: Terminal, escaped: bool) -> String {
    let mut text = String::new();
    let requests = preview.requests.len();
    for (at, request) in preview.requests.iter().enumerate() {
        let mut facts = vec![
            format!("request {} of {requests}", at + 1),
            format!(
                "to {} at {}",
                clean(&preview.model),
                clean(&preview.base_url)
            ),
            format!("~{} input tokens", number(request.prompt_tokens)),
            format!("at most {} output", number(request.max_output_tokens)),
        ];
        if request.answered {
            facts.push("stored: not sent again".to_owned());
        }
        if !request.exact {
            facts.push("may still change".to_owned());
        }
        let head = format!("=== {} ===", facts.join(", "));
        text += &terminal.paint(Style::Bold, &head);
        text.push('\n');
        for message in &request.messages {
            let head = format!("--- {} ---", clean(&message.role));
            text += &terminal.paint(Style::Dim, &head);
            text.push('\n');
            match escaped {
                false => text += &message.content,
                true => text += &safe(&message.content),
            }
            if !text.ends_with('\n') {
                text.push('\n');
            }
        }
    }
    text
}

/// Line breaks and tabs stay.
fn safe(content: &str) -> String {
    let lines = content.split('\n').map(|line| {
        let pieces: Vec<String> = line.split('\t').map(clean).collect();
        pieces.join("\t")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::key::Kind;
    use crate::wire::prompt::{PromptMessage, PromptRequest};

    #[test]
    fn control_characters_are_escaped_on_a_terminal_and_kept_in_a_pipe() {
        let preview = Preview {
            path: "a".to_owned(),
            kind: Kind::File,
            provider: "openai".to_owned(),
            model: "m".to_owned(),
            base_url: "http://localhost/v1".to_owned(),
            to_be_sent: true,
            note: None,
            requests: vec![PromptRequest {
                messages: vec![PromptMessage {
                    role: "user".to_owned(),
                    content: "one\n\ttwo\x1b[2J\u{202e}".to_owned(),
                }],
                prompt_tokens: 1_200,
                max_output_tokens: 600,
                answered: true,
                exact: false,
            }],
        };
        let head = "=== request 1 of 1, to m at http://localhost/v1, ~1,200 input tokens, at most 600 output, \
                    stored: not sent again, may still change ===\n--- user ---\n";
        let plain = Terminal::default();
        let raw = format!("{head}one\n\ttwo\x1b[2J\u{202e}\n");
        assert_eq!(prompt(&preview, plain, false), raw);
        let escaped = format!("{head}one\n\ttwo\\u{{1b}}[2J\\u{{202e}}\n");
        assert_eq!(prompt(&preview, plain, true), escaped);
    }
}
