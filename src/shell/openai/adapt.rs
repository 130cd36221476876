//! Learns from refusals what an endpoint accepts, and adapts further requests.
//!
//! Learning a fact costs at most one refusal for each request in flight. A fact holds for one endpoint and one model, and
//! expires, so that an upgrade of the server is noticed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::length::{self, OutputCap};
use super::problem::Problem;
use super::words::{UNSUPPORTED, Words};

/// The file of all facts, in the folder of the store.
pub const FACTS_FILE: &str = "endpoints.json";

/// A fact expires after this many seconds: two weeks.
const EXPIRY_SECONDS: u64 = 14 * 86_400;
/// An output cap below this many tokens makes a request useless.
const SMALLEST_OUTPUT: u32 = 200;
/// A reported minimum of the output cap above this is ignored.
const LARGEST_MINIMUM: u32 = 32_000;

/// The two names of the cap on the output. Some servers ignore the new one silently, OpenAI's reasoning models refuse the
/// old one: each endpoint starts with the likely one, and may be switched once.
pub(super) const CAP_NAMES: [&str; 2] = ["max_tokens", "max_completion_tokens"];

/// The field that holds a model to a JSON schema, and other words for it. Refusing it is always permitted.
pub(super) const RESPONSE_FORMAT: &str = "response_format";
const FORMAT_WORDS: &[&str] = &[
    RESPONSE_FORMAT,
    "response format",
    "json_schema",
    "json schema",
    "json_object",
    "json mode",
    "schema",
    "structured output",
    "grammar",
    "guided",
];

/// What is known about one endpoint and model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// The endpoint uses the other name of the cap.
    pub other_cap_name: bool,
    /// The largest accepted output cap.
    pub largest_cap: Option<u32>,
    /// The smallest accepted output cap.
    pub smallest_cap: Option<u32>,
    /// The instructions go into the user's message: there is no system role.
    pub no_system_role: bool,
    /// Responses have to be streamed.
    pub must_stream: bool,
    /// Fields of a request that are refused.
    pub omitted: BTreeSet<String>,
    /// Fields that are required.
    pub added: BTreeMap<String, Value>,
    /// The context window in tokens, prompt and output together.
    pub context_tokens: Option<u32>,
    /// Bytes of content that a request may have, where a refusal named no window.
    pub longest_prompt: Option<usize>,
    /// Longer prompts are truncated without an error.
    pub cuts_silently: bool,
    /// When the last of them was learnt, in seconds since 1970.
    pub learnt_unix: u64,
}

impl Facts {
    /// When they are forgotten, in seconds since 1970.
    pub fn expires_unix(&self) -> u64 {
        self.learnt_unix.saturating_add(EXPIRY_SECONDS)
    }
}

/// The parts of a request that a refusal may be about.
pub(super) struct Sent {
    /// The facts that it was built with.
    pub facts: Facts,
    /// The name of its cap.
    pub cap_name: &'static str,
    /// Its cap.
    pub cap: u32,
    /// Names of its fields.
    pub fields: Vec<String>,
}

/// The adaptation to a refusal.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Adapted {
    /// All further requests change.
    ForAll(String),
    /// This one gets another cap.
    Cap(u32),
    /// This one gets a larger cap.
    MoreOutput,
}

/// The facts, shared by all requests and kept in a file.
pub(super) struct Adaptations {
    facts: Mutex<Facts>,
    file: Option<PathBuf>,
    /// The entry's name in the file.
    name: String,
}

impl Adaptations {
    /// Loads the stored facts about an endpoint and a model.
    pub fn load(file: Option<PathBuf>, base_url: &str, model: &str) -> Self {
        let name = entry(base_url, model);
        let facts = file
            .as_ref()
            .and_then(|file| read(file).remove(&name))
            .unwrap_or_default();
        Self {
            facts: Mutex::new(facts),
            file,
            name,
        }
    }

    pub fn facts(&self) -> Facts {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the facts, and stores them if they differ.
    pub fn learn(&self, change: impl FnOnce(&mut Facts)) {
        let facts = {
            let mut facts = self.lock();
            let before = facts.clone();
            change(&mut facts);
            if *facts == before {
                return;
            }
            facts.learnt_unix = unix_now();
            facts.clone()
        };
        if let Some(file) = &self.file {
            let mut all = read(file);
            all.insert(self.name.clone(), facts);
            if let Err(error) = write(file, &all) {
                tracing::warn!("cannot keep what was learnt about the endpoint: {error}");
            }
        }
    }

    /// Adapts to a refusal. `None`: there is nothing to adapt, or it was sent in the adapted form already.
    pub fn refused(&self, status: u16, problem: &Problem, sent: &Sent) -> Option<Adapted> {
        if !matches!(status, 200 | 400 | 422 | 500 | 501) {
            return None;
        }
        let words = Words::of(&problem.message);
        self.output_cap(status, problem, sent)
            .or_else(|| self.response_format(problem, &words, sent))
            .or_else(|| self.parameter(problem, &words, sent))
            .or_else(|| self.streaming(&words, sent))
            .or_else(|| self.cap_name(problem, &words, sent))
            .or_else(|| self.system_role(problem, &words, sent))
    }

    fn output_cap(&self, status: u16, problem: &Problem, sent: &Sent) -> Option<Adapted> {
        match length::output_cap(problem, status, sent.cap)? {
            OutputCap::UsedUp => Some(Adapted::MoreOutput),
            OutputCap::Leaves(room) => {
                let cap = room.saturating_sub(8);
                (cap >= SMALLEST_OUTPUT.min(sent.cap) && cap < sent.cap)
                    .then_some(Adapted::Cap(cap))
            }
            OutputCap::TooLarge(most) => {
                let most = most.unwrap_or(sent.cap / 2);
                if most < 16 || most >= sent.cap {
                    return None;
                }
                self.learn(|facts| {
                    facts.largest_cap =
                        Some(facts.largest_cap.map_or(most, |known| known.min(most)));
                });
                Some(Adapted::ForAll(format!("a cap above {most} output tokens")))
            }
            OutputCap::TooSmall(least) => {
                if least <= sent.cap || least > LARGEST_MINIMUM {
                    return None;
                }
                self.learn(|facts| facts.smallest_cap = Some(least));
                Some(Adapted::ForAll(format!(
                    "a cap below {least} output tokens"
                )))
            }
        }
    }

    /// "must be streamed"; "enable_thinking must be set to false for non-streaming calls".
    fn streaming(&self, words: &Words, sent: &Sent) -> Option<Adapted> {
        let about_stream = words.any(&["stream", "流式"]);
        let thinking = words.any(&[
            "enable_thinking",
            "enable thinking",
            "thinking mode",
            "thinking",
        ]);
        let needed = words.any(&[
            "must",
            "only",
            "require",
            "need",
            "please set",
            "please use",
            "set stream",
            "non-stream",
            "non stream",
            "仅支持",
            "只支持",
            "false",
            "not support",
            "n't support",
            "unsupported",
            "can not",
            "cannot",
            "should",
            "enable",
        ]);
        if thinking
            && needed
            && !sent.facts.added.contains_key("enable_thinking")
            && !sent.facts.omitted.contains("enable_thinking")
        {
            self.learn(|facts| {
                drop(
                    facts
                        .added
                        .insert("enable_thinking".to_owned(), json!(false)),
                )
            });
            return Some(Adapted::ForAll(
                "a request without enable_thinking = false".to_owned(),
            ));
        }
        // "stream" itself may be refused as a field; "stream_options" is another one.
        let refuses_field = words.any(&[
            "unrecognized",
            "unknown",
            "extra",
            "unexpected",
            "parameter: 'stream'",
            "parameter: stream",
        ]);
        if about_stream
            && needed
            && !refuses_field
            && !words.names("stream_options")
            && !sent.facts.must_stream
        {
            self.learn(|facts| facts.must_stream = true);
            return Some(Adapted::ForAll("an answer that is not streamed".to_owned()));
        }
        None
    }

    fn cap_name(&self, problem: &Problem, words: &Words, sent: &Sent) -> Option<Adapted> {
        let name = sent.cap_name;
        if sent.facts.other_cap_name || !complains(problem, words, name) {
            return None;
        }
        self.learn(|facts| facts.other_cap_name = true);
        Some(Adapted::ForAll(name.to_owned()))
    }

    fn system_role(&self, problem: &Problem, words: &Words, sent: &Sent) -> Option<Adapted> {
        let subject = words.any(&[
            "system role",
            "role 'system'",
            "role \"system\"",
            "role system",
            "'system'",
            "\"system\"",
            "`system`",
            "got system",
            "system message",
            "system prompt",
            "system instruction",
            "developer instruction",
            "developer role",
            "developer message",
            "roles must alternate",
            "roles are supported",
            "role must be",
            "role: system",
            "message role",
            "messages[0].role",
            "from the user",
            "alternate between",
            "rolle",
            "system角色",
            "roles must be",
            "system 角色",
            "系统角色",
        ]) || problem.parameter.contains("role")
            || words.all(&[&["role"], &["user", "assistant"]]);
        let complaint = words.any(UNSUPPORTED)
            || words.any(&[
                "alternate",
                "must be one of",
                "is not one of",
                "only user",
                "only 'user'",
                "expected",
                "invalid",
                "not valid",
                "not enabled",
                "must start with",
                "first message",
                "must be from",
                "should be",
                "are supported",
                "does not exist",
                "not exist",
            ]);
        if sent.facts.no_system_role || !subject || !complaint {
            return None;
        }
        self.learn(|facts| facts.no_system_role = true);
        Some(Adapted::ForAll("a system role".to_owned()))
    }

    /// The schema is optional, so any refusal that mentions it suffices.
    fn response_format(&self, problem: &Problem, words: &Words, sent: &Sent) -> Option<Adapted> {
        let was_sent = sent.fields.iter().any(|name| name == RESPONSE_FORMAT);
        let is_meant = words.any(FORMAT_WORDS) || problem.parameter.starts_with(RESPONSE_FORMAT);
        (was_sent && is_meant).then(|| self.omit(RESPONSE_FORMAT))
    }

    pub fn omit(&self, name: &str) -> Adapted {
        self.learn(|facts| {
            facts.added.remove(name);
            facts.omitted.insert(name.to_owned());
        });
        Adapted::ForAll(name.to_owned())
    }

    fn parameter(&self, problem: &Problem, words: &Words, sent: &Sent) -> Option<Adapted> {
        let needed = |name: &str| {
            matches!(name, "model" | "messages" | "stream") || CAP_NAMES.contains(&name)
        };
        let refused = sent.fields.iter().filter(|name| !needed(name));
        let name = refused
            .filter(|name| complains(problem, words, name))
            .max_by_key(|name| name.len())?;
        Some(self.omit(name))
    }
}

/// Whether a refusal is about that field of the request.
pub(super) fn complains(problem: &Problem, words: &Words, name: &str) -> bool {
    let by_code = matches!(
        problem.code.as_str(),
        "unsupported_parameter" | "unknown_parameter" | "unsupported_value" | "extra_forbidden"
    );
    let objects = by_code
        || words.any(UNSUPPORTED)
        || words.any(&[
            "only the default",
            "does not allow",
            "invalid value",
            "only be",
            "only 1 ",
            "must be ",
            "should be ",
            "is fixed",
            "cannot be set",
        ]);
    let is_named = match problem.parameter.is_empty() {
        true => words.names(name),
        // `max_tokens` may stand in the advice against `max_completion_tokens`.
        false => problem.parameter == name || problem.parameter.ends_with(&format!(".{name}")),
    };
    objects && is_named
}

fn unix_now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_secs()
}

/// The name of an endpoint's and a model's entry in the file.
fn entry(base_url: &str, model: &str) -> String {
    format!("{base_url} {model}")
}

/// The unexpired facts about one endpoint, by its configured URL, and one model.
pub fn known(file: &std::path::Path, base_url: &str, model: &str) -> Option<Facts> {
    let (base_url, ..) = super::parsed(base_url.trim()).ok()?;
    read(file).remove(&entry(&base_url, model))
}

/// The unexpired facts about all endpoints. An unreadable file counts as empty.
fn read(file: &std::path::Path) -> BTreeMap<String, Facts> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let mut all: BTreeMap<String, Facts> = serde_json::from_str(&text).unwrap_or_default();
    let now = unix_now();
    all.retain(|_, facts| facts.expires_unix() > now);
    all
}

fn write(file: &std::path::Path, all: &BTreeMap<String, Facts>) -> std::io::Result<()> {
    let text = serde_json::to_vec_pretty(all)?;
    let next = file.with_extension("json.new");
    std::fs::write(&next, text)?;
    std::fs::rename(next, file)
}
