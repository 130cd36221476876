//! What the HTTP library refuses by itself, before any route is asked, made a problem document like all other errors.
//!
//! The library writes an answer without a body and closes the connection. No route here answers an error so: by that it
//! is known, as it passes on its way out.

use axum::http::StatusCode;

use super::body::plain;

/// An answer that goes out instead of another.
pub(super) struct Refusal {
    text: Vec<u8>,
    sent: usize,
    /// How many bytes the answer had that it stands for.
    pub stands_for: usize,
}

impl Refusal {
    /// What is to be sent instead of `answer`, where that is the library's own.
    pub fn instead_of(answer: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(answer.strip_suffix(b"\r\n\r\n")?).ok()?;
        let (line, fields) = text.split_once("\r\n")?;
        let code = line.strip_prefix("HTTP/1.")?.split(' ').nth(1)?;
        let status = code
            .parse()
            .ok()
            .and_then(|code| StatusCode::from_u16(code).ok())?;
        let has = |field: &str| {
            fields
                .split("\r\n")
                .any(|line| line.eq_ignore_ascii_case(field))
        };
        let own = status.is_client_error() && has("content-length: 0") && has("connection: close");
        if !own {
            return None;
        }
        let detail = match status {
            StatusCode::URI_TOO_LONG => "the address is longer than 65,534 bytes",
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
                "the head is too large: at most 100 fields, and some 400 kB in all"
            }
            _ => "that is no HTTP/1.1 request",
        };
        let body = serde_json::to_string(&plain(status, detail)).ok()?;
        let text = format!(
            "{line}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n{}\r\n\r\n{body}",
            body.len(),
            fields
                .split("\r\n")
                .filter(|line| !line.eq_ignore_ascii_case("content-length: 0"))
                .collect::<Vec<_>>()
                .join("\r\n"),
        );
        Some(Self {
            text: text.into_bytes(),
            sent: 0,
            stands_for: answer.len(),
        })
    }

    /// What is still to be sent.
    pub fn rest(&self) -> &[u8] {
        &self.text[self.sent..]
    }

    /// So many bytes more are sent.
    pub fn sent(&mut self, bytes: usize) {
        self.sent = (self.sent + bytes).min(self.text.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_librarys_own_answers_are_replaced() {
        let own = b"HTTP/1.1 414 URI Too Long\r\nconnection: close\r\ncontent-length: 0\r\ndate: x\r\n\r\n";
        let refusal = Refusal::instead_of(own).expect("it is one");
        let text = String::from_utf8_lossy(refusal.rest()).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("HTTP/1.1 414 URI Too Long\r\n"), "{head}");
        assert!(head.contains("\r\nconnection: close"), "{head}");
        assert!(
            head.contains(&format!("content-length: {}\r\n", body.len())),
            "{head}"
        );
        assert_eq!(refusal.stands_for, own.len());
        for other in [
            "HTTP/1.1 204 No Content\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 10\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 414 URI Too Long\r\ncontent-length: 0",
            "data: HTTP/1.1 400 x\r\n\r\n",
            "\u{0}\r\n\r\n",
        ] {
            assert!(Refusal::instead_of(other.as_bytes()).is_none(), "{other}");
        }
    }
}
