//! Reads the file and checks every key.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::table::Document;
use super::{Backend, Batch, Config, Generated, Openai, Profile, Provider, SharedMode, check};

/// A larger file is rejected: it is not a configuration.
pub(super) const MAX_BYTES: u64 = 1_048_576;

/// The variable that names the shared store, for CI.
const SHARED_URL: &str = "EPITOME_SHARED_URL";

/// The name of the key in systemd's unit.
const CREDENTIAL: &str = "llm-key";

/// An error in a configuration, in one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("{}: {reason}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// The text is not valid TOML.
    #[error("{}:{line}: {reason}", .file.display())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// 1-based.
        line: usize,
        /// The parser's message.
        reason: String,
    },
    /// A key is unknown or its value is not allowed.
    #[error("{}:{line}: {key}: {reason}", .file.display())]
    Key {
        /// The file.
        file: PathBuf,
        /// 1-based.
        line: usize,
        /// The key with its section, such as `openai.model`.
        key: String,
        /// What is wrong and what is allowed.
        reason: String,
    },
}

impl Config {
    /// Reads and checks the file at `path`. A missing file gives the defaults, unless it `must_exist`.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is not TOML, has an unknown key, or a value that is not allowed.
    pub fn load(path: &Path, must_exist: bool) -> Result<Self, ConfigError> {
        let mut config = Self::load_file(path, must_exist)?;
        if let Some(url) = std::env::var_os(SHARED_URL).filter(|url| !url.is_empty()) {
            let checked = check::shared_url(&url.to_string_lossy());
            config.shared.url = checked.map_err(|reason| ConfigError::Unreadable {
                file: PathBuf::from(SHARED_URL),
                reason,
            })?;
        }
        Ok(config)
    }

    fn load_file(path: &Path, must_exist: bool) -> Result<Self, ConfigError> {
        let unreadable = |reason: String| ConfigError::Unreadable {
            file: path.to_path_buf(),
            reason,
        };
        let mut bytes = Vec::new();
        let read =
            File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
        match read {
            Ok(_) if bytes.len() as u64 > MAX_BYTES => Err(unreadable(format!(
                "is larger than {MAX_BYTES} bytes, so it is not a configuration"
            ))),
            Ok(_) => {
                let text = String::from_utf8(bytes).map_err(|error| {
                    let read = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                    ConfigError::Syntax {
                        file: path.to_path_buf(),
                        line: 1 + read.iter().filter(|&&byte| byte == b'\n').count(),
                        reason: "is not UTF-8 text".to_owned(),
                    }
                })?;
                let home = directories::BaseDirs::new().map(|base| base.home_dir().to_path_buf());
                Self::parse(path, &text, home.as_deref())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && !must_exist => {
                Ok(Self::default())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(unreadable("no such file".to_owned()))
            }
            Err(error) => Err(unreadable(error.to_string())),
        }
    }

    /// Checks `text`, which was read from `file`; `~` stands for `home`.
    pub(super) fn parse(file: &Path, text: &str, home: Option<&Path>) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        let document = Document::parse(file, text)?;

        let mut top = document.top();
        top.list("repos", &mut config.repos, |text| check::folder(text, home))?;

        let mut section = top.section("summaries")?;
        section.boolean("enabled", &mut config.summaries.enabled)?;
        section
            .choice(
                "provider",
                &[("offline", Provider::Offline), ("openai", Provider::Openai)],
                &mut config.summaries.provider,
            )
            .map_err(name_local_server)?;
        section.text("language", &mut config.summaries.language, check::language)?;
        section.finish()?;

        let mut section = top.section("openai")?;
        let openai = &mut config.openai;
        section.text("base_url", &mut openai.base_url, check::base_url)?;
        section.text("model", &mut openai.model, check::model)?;
        section.text("api_key_env", &mut openai.api_key_env, check::variable)?;
        section.text("api_key_file", &mut openai.api_key_file, |text| {
            check::optional(text, |text| check::folder(text, home))
        })?;
        section.text("api_key_header", &mut openai.api_key_header, check::header)?;
        section.texts("headers", &mut openai.headers, check::header)?;
        section.texts("query", &mut openai.query, |name| Ok(name.to_owned()))?;
        section.json("extra_body", &mut openai.extra_body)?;
        section.text(
            "reasoning_effort",
            &mut openai.reasoning_effort,
            check::word,
        )?;
        section.choice(
            "profile",
            &[
                ("auto", Profile::Auto),
                ("full", Profile::Full),
                ("small", Profile::Small),
            ],
            &mut openai.profile,
        )?;
        section.boolean("allow_http", &mut openai.allow_http)?;
        section.integer("max_workers", 1..=1_000, &mut openai.max_workers)?;
        section.integer(
            "requests_per_minute",
            0..=u64::MAX,
            &mut openai.requests_per_minute,
        )?;
        section.integer(
            "tokens_per_minute",
            0..=u64::MAX,
            &mut openai.tokens_per_minute,
        )?;
        section.integer("timeout_seconds", 1..=3_600, &mut openai.timeout_seconds)?;
        section.integer(
            "max_output_tokens",
            1..=100_000,
            &mut openai.max_output_tokens,
        )?;
        section.choice(
            "batch",
            &[("off", Batch::Off), ("auto", Batch::Auto)],
            &mut openai.batch,
        )?;
        section.integer("batch_poll_ms", 1..=60_000, &mut openai.batch_poll_ms)?;
        section.integer("quiet_ms", 0..=30_000, &mut openai.quiet_ms)?;
        section.price(
            "price_per_million_input",
            &mut openai.price_per_million_input,
        )?;
        section.price(
            "price_per_million_output",
            &mut openai.price_per_million_output,
        )?;
        section.price(
            "price_per_million_cached",
            &mut openai.price_per_million_cached,
        )?;
        section.number("batch_price_factor", 1.0, &mut openai.batch_price_factor)?;
        section.finish()?;
        let priced = config.openai.prices().is_some();

        let mut section = top.section("budget")?;
        let budget = &mut config.budget;
        section.integer(
            "max_requests_per_day",
            0..=u64::MAX,
            &mut budget.max_requests_per_day,
        )?;
        section.integer(
            "max_tokens_per_day",
            0..=u64::MAX,
            &mut budget.max_tokens_per_day,
        )?;
        section.price("max_cost_per_day", &mut budget.max_cost_per_day)?;
        section.integer("confirm_above", 0..=u64::MAX, &mut budget.confirm_above)?;
        if budget.max_cost_per_day > 0.0 && !priced {
            let reason = "needs the prices: set openai.price_per_million_input and \
                          openai.price_per_million_output";
            return Err(section.refuse("max_cost_per_day", reason));
        }
        section.finish()?;

        let mut section = top.section("watch")?;
        section.integer("settle_ms", 0..=60_000, &mut config.watch.settle_ms)?;
        section.choice(
            "backend",
            &[("native", Backend::Native), ("poll", Backend::Poll)],
            &mut config.watch.backend,
        )?;
        section.integer("poll_seconds", 1..=3_600, &mut config.watch.poll_seconds)?;
        section.integer(
            "audit_seconds",
            0..=31_536_000,
            &mut config.watch.audit_seconds,
        )?;
        section.finish()?;

        let mut section = top.section("files")?;
        section.list("include", &mut config.files.include, check::glob)?;
        section.list("exclude", &mut config.files.exclude, check::glob)?;
        section.integer("max_bytes", 1..=1_073_741_824, &mut config.files.max_bytes)?;
        section.boolean("defaults", &mut config.files.defaults)?;
        section.choice(
            "generated",
            &[
                ("line", Generated::Line),
                ("summarize", Generated::Summarize),
            ],
            &mut config.files.generated,
        )?;
        section.finish()?;

        let mut section = top.section("export")?;
        section.text("dir", &mut config.export.dir, |text| {
            check::optional(text, check::export_folder)
        })?;
        section.list("formats", &mut config.export.formats, check::format)?;
        if config.export.formats.is_empty() {
            return Err(section.refuse("formats", "must name at least one format"));
        }
        section.finish()?;

        let mut section = top.section("store")?;
        let store = &mut config.store;
        section.integer("max_age_days", 0..=u64::MAX, &mut store.max_age_days)?;
        section.integer("max_bytes", 0..=u64::MAX, &mut store.max_bytes)?;
        section.finish()?;

        let mut section = top.section("shared")?;
        let shared = &mut config.shared;
        section.text("url", &mut shared.url, check::shared_url)?;
        section.choice(
            "mode",
            &[
                ("read", SharedMode::Read),
                ("read-write", SharedMode::ReadWrite),
            ],
            &mut shared.mode,
        )?;
        section.text("namespace", &mut shared.namespace, check::namespace)?;
        section.text("signing_key_file", &mut shared.signing_key_file, |text| {
            check::optional(text, |text| check::folder(text, home))
        })?;
        section.finish()?;

        top.finish()?;
        Ok(config)
    }
}

impl Openai {
    /// Whether the endpoint is another machine that is reached without encryption.
    pub fn is_remote_http(&self) -> bool {
        let Ok(url) = reqwest::Url::parse(&self.base_url) else {
            return false;
        };
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let is_loopback = match host.parse::<std::net::IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => host == "localhost" || host.ends_with(".localhost"),
        };
        url.scheme() == "http" && !is_loopback
    }

    /// The key: from `api_key_file`, else from systemd's credentials, else from the variable. `None` if none of them
    /// has one, if the variable's name is empty, or if it would go unencrypted to another machine without
    /// `allow_http`: then none is sent.
    ///
    /// # Errors
    ///
    /// One line that says why the key cannot be used. It never contains the key.
    pub fn api_key(&self) -> Result<Option<String>, String> {
        self.api_key_from(|name| std::env::var_os(name))
    }

    /// The configured headers, with `$NAME` replaced by the variable's value.
    ///
    /// # Errors
    ///
    /// A line that names the variable that is not set. It never holds a value.
    pub fn headers(&self) -> Result<Vec<(String, String)>, String> {
        let resolved = |(name, value): (&String, &String)| match value.strip_prefix('$') {
            None => Ok((name.clone(), value.clone())),
            Some(variable) => match std::env::var(variable) {
                Ok(value) => Ok((name.clone(), value.trim().to_owned())),
                Err(_) => Err(format!(
                    "openai.headers: {name}: {variable} is not set in the daemon's environment"
                )),
            },
        };
        self.headers.iter().map(resolved).collect()
    }

    pub(super) fn api_key_from(
        &self,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Option<String>, String> {
        if self.is_remote_http() && !self.allow_http {
            return Ok(None);
        }
        let (key, origin) = if let Some(file) = &self.api_key_file {
            let text = std::fs::read_to_string(file)
                .map_err(|error| format!("openai.api_key_file: {}: {error}", file.display()))?;
            (text, file.display().to_string())
        } else if self.api_key_env.is_empty() {
            // The user configured no key, so a systemd credential is not sent either.
            return Ok(None);
        } else if let Some(found) = credential(&variable)? {
            found
        } else {
            match variable(&self.api_key_env).map(OsString::into_string) {
                None => return Ok(None),
                Some(Ok(value)) => (value, self.api_key_env.clone()),
                Some(Err(_)) => {
                    return Err(format!("the key in {} is not UTF-8", self.api_key_env));
                }
            }
        };
        let key = key.trim();
        if key.is_empty() {
            return Err(format!("the key in {origin} is empty"));
        }
        if !key.chars().all(|c| c.is_ascii_graphic()) {
            return Err(format!(
                "the key in {origin} contains spaces or other characters that no key has; store only the key there"
            ));
        }
        Ok(Some(key.to_owned()))
    }
}

/// The key that systemd passes, and its origin. The unit passes a blank one if the user has none.
fn credential(
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<(String, String)>, String> {
    let Some(folder) = variable("CREDENTIALS_DIRECTORY").filter(|folder| !folder.is_empty()) else {
        return Ok(None);
    };
    let file = Path::new(&folder).join(CREDENTIAL);
    match std::fs::read_to_string(&file) {
        Ok(text) if text.trim().is_empty() => Ok(None),
        Ok(text) => Ok(Some((text, format!("systemd's credential {CREDENTIAL}")))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!(
            "systemd's credential {CREDENTIAL}: {}: {error}",
            file.display()
        )),
    }
}

/// Local servers by the names that people set as `provider`, with their usual base URLs.
const LOCAL_SERVERS: [(&str, &str); 4] = [
    ("ollama", "http://localhost:11434/v1"),
    ("lmstudio", "http://localhost:1234/v1"),
    ("llama.cpp", "http://localhost:8080/v1"),
    ("vllm", "http://localhost:8000/v1"),
];

/// Completes the error of a provider that is the name of a local server with the keys that make it work.
fn name_local_server(mut error: ConfigError) -> ConfigError {
    if let ConfigError::Key { reason, .. } = &mut error {
        let written: String = reason.to_lowercase().replace([' ', '-', '_'], "");
        let server = LOCAL_SERVERS
            .iter()
            .find(|(name, _)| written.ends_with(&format!("\"{name}\"")));
        if let Some((name, url)) = server {
            reason.push_str(&format!(
                "; for {name} set: provider = \"openai\" and, in [openai], base_url = \"{url}\", model = \"NAME\", \
                 api_key_env = \"\""
            ));
        }
    }
    error
}
