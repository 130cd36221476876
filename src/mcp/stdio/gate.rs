//! What one line becomes: a message for the library, a reply, or both.

use serde_json::{Map, Value, json};

/// The revision that knows batches.
const WITH_BATCHES: &str = "2025-03-26";
/// The revision whose sessions need no `initialize`.
const WITHOUT_INITIALIZE: &str = "2026-07-28";

const PARSE_ERROR: i64 = -32_700;
const INVALID_REQUEST: i64 = -32_600;
const INVALID_PARAMS: i64 = -32_602;

/// What goes on from one line of the client.
#[derive(Debug, Default)]
pub(super) struct Passed {
    /// Lines for the library.
    pub messages: Vec<Vec<u8>>,
    /// Lines for the client.
    pub replies: Vec<Vec<u8>>,
}

/// What has to be remembered between lines.
#[derive(Debug, Default)]
pub(super) struct Gate {
    /// Whether the session has begun: before that the library accepts requests only.
    open: bool,
    /// The protocol revision that the client named in `initialize`.
    version: Option<String>,
    /// Batches that wait for responses.
    batches: Vec<Batch>,
    /// Whether a number came as an id that the library cannot hold: then the responses are searched for stand-ins.
    replaced: bool,
}

/// Begins the text that stands for such a number.
const STAND_IN: &str = "\u{1}number:";
/// How a response begins that lacks its id; JSON-RPC wants null.
const WITHOUT_ID: &[u8] = br#"{"jsonrpc":"2.0","error":"#;

/// A batch: the requests without a response so far, and the responses so far.
#[derive(Debug, Default)]
struct Batch {
    waiting: Vec<Value>,
    responses: Vec<Value>,
}

/// What becomes of one message.
enum Fate {
    Pass(Value),
    Refuse(Value),
}

/// The reply to a line that is too long.
pub(super) fn too_long() -> Passed {
    let detail = "the line is longer than 16 MiB";
    Passed {
        replies: vec![line(&error(Value::Null, INVALID_REQUEST, detail))],
        ..Passed::default()
    }
}

impl Gate {
    /// What a line of the client becomes.
    pub(super) fn incoming(&mut self, bytes: &[u8]) -> Passed {
        let mut passed = Passed::default();
        let bytes = bytes
            .strip_prefix(b"\xef\xbb\xbf")
            .unwrap_or(bytes)
            .trim_ascii();
        if bytes.is_empty() {
            return passed;
        }
        match parsed(bytes) {
            Ok(Value::Array(messages)) => self.batch(messages, &mut passed),
            Ok(message) => match self.message(message) {
                Fate::Pass(message) => passed.messages.push(line(&message)),
                Fate::Refuse(reply) => passed.replies.push(line(&reply)),
            },
            Err(flaw) => {
                let detail = format!("the line is not JSON: {flaw}");
                passed
                    .replies
                    .push(line(&error(Value::Null, PARSE_ERROR, &detail)));
            }
        }
        passed
    }

    fn batch(&mut self, messages: Vec<Value>, passed: &mut Passed) {
        let refused = match (self.version.as_deref(), messages.is_empty()) {
            (_, true) => Some("the batch is empty"),
            (Some(WITH_BATCHES), false) => None,
            _ => Some("batches belong to protocol revision 2025-03-26: send one message a line"),
        };
        if let Some(detail) = refused {
            passed
                .replies
                .push(line(&error(Value::Null, INVALID_REQUEST, detail)));
            return;
        }
        let mut batch = Batch::default();
        for message in messages {
            let id = message.get("id").cloned();
            match self.message(message) {
                Fate::Refuse(reply) => batch.responses.push(reply),
                Fate::Pass(message) => {
                    if message.get("method").is_some()
                        && let Some(id) = id
                    {
                        batch.waiting.push(id);
                    }
                    passed.messages.push(line(&message));
                }
            }
        }
        match (batch.waiting.is_empty(), batch.responses.is_empty()) {
            (false, _) => self.batches.push(batch),
            (true, false) => passed.replies.push(line(&Value::Array(batch.responses))),
            // Notifications get no response.
            (true, true) => {}
        }
    }

    fn message(&mut self, mut message: Value) -> Fate {
        let id = message.get("id").cloned();
        let refuse = |code, detail: &str| {
            Fate::Refuse(error(id.clone().unwrap_or(Value::Null), code, detail))
        };
        let Some(object) = message.as_object_mut() else {
            return refuse(INVALID_REQUEST, "a message must be a JSON object");
        };
        if let Err(flaw) = tidy_message(object) {
            // An id that is no id cannot be given back.
            let id = id.filter(|id| id.is_string() || id.is_number());
            return Fate::Refuse(error(id.unwrap_or(Value::Null), flaw.0, flaw.1));
        }
        let method = object
            .get("method")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let is_request = method.is_some() && object.contains_key("id");
        let meta = &object.get("params").unwrap_or(&Value::Null)["_meta"];
        let names_version = meta
            .as_object()
            .is_some_and(|meta| meta.keys().any(|key| key.ends_with("/protocolVersion")));
        let begins = names_version
            || matches!(
                method.as_deref(),
                Some("initialize" | "ping" | "server/discover")
            );
        let is_open = self.open || (is_request && begins);
        if !is_open {
            let what = method.as_deref().unwrap_or("a response");
            return refuse(
                INVALID_REQUEST,
                &format!("{what} came before initialize: begin with initialize"),
            );
        }
        self.replaced |= stand_in(object.get_mut("id"));
        if let Some(params) = object.get_mut("params")
            && method.as_deref() == Some("notifications/cancelled")
        {
            stand_in(params.get_mut("requestId"));
        }
        match method.as_deref() {
            Some("initialize") => {
                complete_initialize(object);
                let version = object["params"]["protocolVersion"].as_str();
                self.version = version.map(str::to_owned);
                self.open = true;
            }
            Some("tools/call") => {
                let params = object.entry("params").or_insert_with(|| json!({}));
                let Some(params) = params.as_object_mut() else {
                    return refuse(
                        INVALID_PARAMS,
                        "params must be an object with name and arguments",
                    );
                };
                if !params.get("name").is_some_and(Value::is_string) {
                    return refuse(
                        INVALID_PARAMS,
                        "name is missing: give the tool's name, for example {\"name\": \"get_overview\"}",
                    );
                }
                if let Err(detail) = tidy_arguments(params) {
                    return refuse(INVALID_PARAMS, &detail);
                }
            }
            _ => {}
        }
        let bootstrap = matches!(method.as_deref(), Some("ping" | "server/discover"));
        let meta = &message["params"]["_meta"];
        let inline = meta.as_object().is_some_and(|meta| {
            meta.iter().any(|(key, value)| {
                key.ends_with("/protocolVersion") && value == WITHOUT_INITIALIZE
            })
        });
        self.open |= inline && !bootstrap;
        Fate::Pass(message)
    }

    /// What a line of the library becomes for the client; `None`: it waits for the rest of its batch.
    pub(super) fn outgoing(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        if let Some(rest) = bytes.strip_prefix(WITHOUT_ID) {
            let begin = br#"{"jsonrpc":"2.0","id":null,"error":"#;
            return Some([begin, rest].concat());
        }
        if self.batches.is_empty() && !self.replaced {
            return Some(bytes.to_vec());
        }
        let Ok(mut message) = serde_json::from_slice::<Value>(bytes) else {
            return Some(bytes.to_vec());
        };
        let number = message["id"]
            .as_str()
            .and_then(|id| id.strip_prefix(STAND_IN));
        if let Some(number) = number.and_then(|text| serde_json::from_str(text).ok()) {
            message["id"] = number;
        }
        let id = message
            .get("id")
            .filter(|_| message.get("method").is_none());
        let found = id.and_then(|id| {
            let mut batches = self.batches.iter();
            let batch = batches.position(|batch| batch.waiting.contains(id))?;
            Some((batch, id.clone()))
        });
        let Some((at, id)) = found else {
            return Some(line(&message));
        };
        let batch = &mut self.batches[at];
        batch.waiting.retain(|waiting| *waiting != id);
        batch.responses.push(message);
        if !batch.waiting.is_empty() {
            return None;
        }
        let batch = self.batches.swap_remove(at);
        Some(line(&Value::Array(batch.responses)))
    }
}

/// The JSON of a line. Half of a surrogate pair, and bytes that are no UTF-8, become U+FFFD: clients cut texts anywhere.
fn parsed(bytes: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_slice(bytes).or_else(|flaw| {
        let text = String::from_utf8_lossy(bytes);
        serde_json::from_str(&without_halves(&text)).map_err(|_| flaw)
    })
}

/// A text with `\ud800` to `\udfff` replaced where they are no pair.
fn without_halves(text: &str) -> String {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(next) = text[at..].find('\\').map(|next| at + next) {
        out.push_str(&text[at..next]);
        let (taken, written) = match (unit(next), unit(next + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => (12, None),
            (Some(0xd800..=0xdfff), _) => (6, Some("\\ufffd")),
            // The backslash and what it escapes.
            _ => (
                1 + text[next + 1..].chars().next().map_or(0, char::len_utf8),
                None,
            ),
        };
        out.push_str(written.unwrap_or(&text[next..next + taken]));
        at = next + taken;
    }
    out.push_str(&text[at..]);
    out
}

/// Puts the members of a message in order: `jsonrpc` may be missing, `params` may be null or an empty list.
fn tidy_message(object: &mut Map<String, Value>) -> Result<(), (i64, &'static str)> {
    let version = object.entry("jsonrpc").or_insert_with(|| json!("2.0"));
    if version != "2.0" {
        return Err((INVALID_REQUEST, "jsonrpc must be \"2.0\""));
    }
    let id = object.get("id");
    let is_response = object.contains_key("result") || object.contains_key("error");
    if !is_response && id.is_some_and(|id| !id.is_string() && !id.is_number()) {
        return Err((INVALID_REQUEST, "the id must be a text or a number"));
    }
    match object.get("method") {
        Some(method) if !method.is_string() => {
            return Err((INVALID_REQUEST, "method must be a text"));
        }
        None if !is_response => return Err((INVALID_REQUEST, "method is missing")),
        _ => {}
    }
    let params = object.get("params");
    if params.is_some_and(|params| params.is_null() || *params == json!([])) {
        object.remove("params");
    } else if object.contains_key("id") && params.is_some_and(|params| !params.is_object()) {
        return Err((INVALID_PARAMS, "params must be an object"));
    }
    Ok(())
}

/// Replaces a number that the library cannot hold as an id: above 2^63, or with a fraction. Whether it was one.
fn stand_in(id: Option<&mut Value>) -> bool {
    match id {
        Some(id) if id.is_number() && !id.is_i64() => {
            *id = Value::String(format!("{STAND_IN}{id}"));
            true
        }
        _ => false,
    }
}

/// Fills in what some clients leave out of `initialize`.
fn complete_initialize(object: &mut Map<String, Value>) {
    let params = object.entry("params").or_insert_with(|| json!({}));
    if !params.is_object() {
        *params = json!({});
    }
    let defaults = [
        ("protocolVersion", json!("2025-06-18")),
        ("capabilities", json!({})),
        (
            "clientInfo",
            json!({"name": "unknown", "version": "unknown"}),
        ),
    ];
    for (key, default) in defaults {
        let same_kind =
            |value: &Value| std::mem::discriminant(value) == std::mem::discriminant(&default);
        if !params.get(key).is_some_and(same_kind) {
            params[key] = default;
        }
    }
    let info = &mut params["clientInfo"];
    for key in ["name", "version"] {
        if info.is_object() && !info[key].is_string() {
            info[key] = json!("unknown");
        }
    }
}

/// Makes `arguments` an object: some clients send JSON text, null, or an empty list.
fn tidy_arguments(params: &mut Map<String, Value>) -> Result<(), String> {
    // As model providers call them in their own interfaces.
    for name in ["input", "args", "parameters"] {
        if !params.contains_key("arguments")
            && let Some(arguments) = params.remove(name)
        {
            params.insert("arguments".to_owned(), arguments);
        }
    }
    let Some(arguments) = params.get_mut("arguments") else {
        return Ok(());
    };
    let object = object_of(arguments.take());
    *arguments = object.ok_or("arguments must be an object, for example {\"paths\": [\"src\"]}")?;
    Ok(())
}

/// The object that a value is, contains as its only item, or is the JSON text of.
fn object_of(value: Value) -> Option<Value> {
    match value {
        Value::Object(_) => Some(value),
        Value::Null => Some(json!({})),
        Value::Array(mut list) if list.len() <= 1 => object_of(list.pop().unwrap_or_default()),
        Value::String(text) if text.trim().is_empty() => Some(json!({})),
        Value::String(text) => object_of(serde_json::from_str(&text).ok()?),
        _ => None,
    }
}

fn error(id: Value, code: i64, message: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})
}

fn line(value: &Value) -> Vec<u8> {
    let mut line = value.to_string().into_bytes();
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(version: &str) -> Gate {
        let mut gate = Gate::default();
        let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": version}});
        let passed = gate.incoming(&line(&hello));
        assert_eq!(passed.messages.len(), 1);
        let hello: Value = serde_json::from_slice(&passed.messages[0]).expect("JSON");
        assert_eq!(hello["params"]["clientInfo"]["name"], "unknown");
        assert!(hello["params"]["capabilities"].is_object());
        gate
    }

    fn code(passed: &Passed) -> i64 {
        let reply: Value = serde_json::from_slice(&passed.replies[0]).expect("JSON");
        assert!(passed.messages.is_empty());
        reply["error"]["code"].as_i64().expect("a code")
    }

    #[test]
    fn what_is_no_message_gets_an_error() {
        let mut gate = Gate::default();
        for (text, expected) in [
            (&b"hello\n"[..], PARSE_ERROR),
            (b"\xff\xfe\n", PARSE_ERROR),
            (
                b"{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\":",
                PARSE_ERROR,
            ),
            (b"7", INVALID_REQUEST),
            (b"[]", INVALID_REQUEST),
            (
                b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}",
                INVALID_REQUEST,
            ),
            (
                b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}",
                INVALID_REQUEST,
            ),
            (
                b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}",
                INVALID_REQUEST,
            ),
        ] {
            assert_eq!(code(&gate.incoming(text)), expected, "{text:?}");
        }
        assert!(gate.incoming(b"\r\n").replies.is_empty());
        let mut gate = self::gate("2025-06-18");
        for params in ["{}", "7", "{\"name\":\"x\",\"arguments\":7}"] {
            let call = format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{params}}}"
            );
            assert_eq!(
                code(&gate.incoming(call.as_bytes())),
                INVALID_PARAMS,
                "{params}"
            );
        }
    }

    #[test]
    fn a_text_that_was_cut_anywhere_is_still_read() {
        for (given, expected) in [
            (&br#""a\ud83d""#[..], "a\u{fffd}"),
            (br#""\ude00b""#, "\u{fffd}b"),
            (br#""\ud83d\ude00\ud83d""#, "😀\u{fffd}"),
            (br#""\\ud83d\ud83d\n""#, "\\ud83d\u{fffd}\n"),
            (b"\"\xc3\"", "\u{fffd}"),
        ] {
            assert_eq!(parsed(given).expect("JSON"), json!(expected), "{given:?}");
        }
        for given in [&b"\xff\xfe"[..], b"\"\\ud83d", b"{\"a\":\\"] {
            assert!(parsed(given).is_err(), "{given:?}");
        }
    }

    #[test]
    fn arguments_become_an_object() {
        for (given, expected) in [
            (json!("{\"depth\": 2}"), json!({"depth": 2})),
            (json!(""), json!({})),
            (json!("null"), json!({})),
            (json!([]), json!({})),
            (Value::Null, json!({})),
            (json!({"a": 1}), json!({"a": 1})),
        ] {
            let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "x", "arguments": given}});
            let passed = gate("2025-06-18").incoming(&line(&call));
            let call: Value = serde_json::from_slice(&passed.messages[0]).expect("JSON");
            assert_eq!(call["params"]["arguments"], expected, "{given}");
        }
    }

    #[test]
    fn a_batch_is_answered_as_a_batch_where_the_revision_knows_them() {
        let batch = json!([
            {"jsonrpc": "2.0", "id": 1, "method": "ping"},
            {"jsonrpc": "2.0", "method": "notifications/initialized"},
            3,
            {"jsonrpc": "2.0", "id": "b", "method": "ping"},
        ]);
        let mut knows = gate(WITH_BATCHES);
        let passed = knows.incoming(&line(&batch));
        assert_eq!((passed.messages.len(), passed.replies.len()), (3, 0));
        let response = |id: Value| line(&json!({"jsonrpc": "2.0", "id": id, "result": {}}));
        assert_eq!(knows.outgoing(&response(json!("b"))), None);
        let other = response(json!(9));
        assert_eq!(knows.outgoing(&other), Some(other.clone()));
        let whole = knows.outgoing(&response(json!(1))).expect("the batch");
        let whole: Vec<Value> = serde_json::from_slice(&whole).expect("JSON");
        let ids: Vec<&Value> = whole.iter().map(|one| &one["id"]).collect();
        assert_eq!(ids, [&Value::Null, &json!("b"), &json!(1)]);

        let refused = gate("2025-06-18").incoming(&line(&batch));
        assert_eq!(code(&refused), INVALID_REQUEST);
    }

    #[test]
    fn a_session_without_initialize_is_open_too() {
        let mut gate = Gate::default();
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {
            "_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}}});
        assert_eq!(gate.incoming(&line(&call)).messages.len(), 1);
        let cancelled = json!({"jsonrpc": "2.0", "method": "notifications/cancelled"});
        assert_eq!(gate.incoming(&line(&cancelled)).messages.len(), 1);
    }
}
