//! Every kind of configuration error by its message, and the example file against the defaults.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use super::load::MAX_BYTES;
use super::*;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(Path::new("config.toml"), text, Some(Path::new("/home/u")))
}

fn error(text: &str) -> String {
    let line = parse(text).unwrap_err().to_string();
    assert!(!line.contains('\n'), "more than one line: {line}");
    line
}

const EXAMPLE: &str = include_str!("../../config.example.toml");

#[test]
fn the_example_is_the_defaults() {
    assert_eq!(parse(EXAMPLE).unwrap(), Config::default());
}

#[test]
fn every_key_is_in_the_example_with_a_comment() {
    let example: toml::Table = toml::from_str(EXAMPLE).unwrap();
    let all = serde_json::to_value(Config::default()).unwrap();
    let mut keys = 0;
    for (name, section) in all.as_object().unwrap() {
        let Some(section) = section.as_object() else {
            assert!(example.contains_key(name), "{name} is missing");
            continue;
        };
        for key in section.keys() {
            let written = example[name].as_table().unwrap();
            assert!(written.contains_key(key), "{name}.{key} is missing");
            keys += 1;
        }
        assert_eq!(section.len(), example[name].as_table().unwrap().len());
    }
    assert!(keys >= 32, "{keys}");
    let bare: Vec<&str> = EXAMPLE
        .lines()
        .filter(|line| line.contains(" = ") && !line.contains('#'))
        .collect();
    assert_eq!(bare.len(), 2, "without a comment: {bare:?}");
}

#[test]
fn values_are_parsed() {
    let config = parse(
        r#"
        repos = ["/srv/a", "~/b", "~"]
        summaries.provider = "openai"
        [openai]
        base_url = "http://localhost:11434/v1/"
        api_key_env = ""
        api_key_header = "api-key"
        headers = { X-App-Id = "epitome" }
        query = { api-version = "2024-10-21" }
        extra_body = { temperature = 0.2, stop = ["x"], nested = { on = true } }
        api_key_file = "~/key"
        max_workers = 0x10
        batch = "auto"
        price_per_million_input = 1
        [watch]
        backend = "poll"
        [files]
        exclude = ["*.lock", "gen/**"]
        [export]
        dir = "docs/index"
        formats = ["index", "markdown"]
        "#,
    )
    .unwrap();
    let repos = ["/srv/a", "/home/u/b", "/home/u/"];
    assert_eq!(config.repos, repos.map(PathBuf::from));
    assert_eq!(config.summaries.provider, Provider::Openai);
    assert_eq!(config.openai.base_url, "http://localhost:11434/v1");
    assert_eq!(config.openai.api_key_header, "api-key");
    assert_eq!(config.openai.headers["X-App-Id"], "epitome");
    assert_eq!(config.openai.query["api-version"], "2024-10-21");
    let extra = serde_json::json!({"temperature": 0.2, "stop": ["x"], "nested": {"on": true}});
    assert_eq!(
        serde_json::Value::Object(config.openai.extra_body.clone()),
        extra
    );
    assert_eq!(config.openai.api_key_file, Some("/home/u/key".into()));
    assert_eq!(config.openai.max_workers, 16);
    assert_eq!(config.openai.batch, Batch::Auto);
    assert_eq!(config.openai.price_per_million_input, 1.0);
    assert_eq!(config.watch.backend, Backend::Poll);
    assert_eq!(config.files.exclude, ["*.lock", "gen/**"]);
    assert_eq!(config.export.dir, Some("docs/index".into()));
    assert_eq!(config.export.formats, [Format::Index, Format::Markdown]);
    assert_eq!(config.budget, Budget::default());
}

#[test]
fn errors_name_the_file_the_line_and_the_key() {
    for (text, expected) in [
        (
            "[summaries]\nprovider = \"Ollama\"",
            "config.toml:2: summaries.provider: must be \"offline\" or \"openai\", not \"Ollama\"; for ollama set: \
             provider = \"openai\" and, in [openai], base_url = \"http://localhost:11434/v1\", model = \"NAME\", \
             api_key_env = \"\"",
        ),
        (
            "\n[openai]\n\nmax_workers = 5000",
            "config.toml:4: openai.max_workers: must be a whole number from 1 to 1000, not 5000",
        ),
        (
            "[openai]\nmax_workers = -1",
            "config.toml:2: openai.max_workers: must be a whole number from 1 to 1000, not -1",
        ),
        (
            "[openai]\nmax_workers = \"ten\"",
            "config.toml:2: openai.max_workers: must be a whole number from 1 to 1000, not \"ten\"",
        ),
        (
            "[budget]\nmax_tokens_per_day = 1.5",
            "config.toml:2: budget.max_tokens_per_day: must be a whole number, 0 or more, not 1.5",
        ),
        (
            "[watch]\npoll_seconds = 0",
            "config.toml:2: watch.poll_seconds: must be a whole number from 1 to 3600, not 0",
        ),
        (
            "[watch]\nsettle_ms = 60001",
            "config.toml:2: watch.settle_ms: must be a whole number from 0 to 60000, not 60001",
        ),
        (
            "[openai]\ntimeout_seconds = 0",
            "config.toml:2: openai.timeout_seconds: must be a whole number from 1 to 3600, not 0",
        ),
        (
            "[openai]\nquiet_ms = 30001",
            "config.toml:2: openai.quiet_ms: must be a whole number from 0 to 30000, not 30001",
        ),
        (
            "[openai]\nprice_per_million_input = nan",
            "config.toml:2: openai.price_per_million_input: must be a number, 0 or more, not nan",
        ),
        (
            "[summaries]\nenabled = \"yes\"",
            "config.toml:2: summaries.enabled: must be true or false, not \"yes\"",
        ),
        (
            "[summaries]\nprovider = \"OpenAI\"",
            "config.toml:2: summaries.provider: must be \"offline\" or \"openai\", not \"OpenAI\"",
        ),
        (
            "[openai]\nmodle = \"x\"",
            "config.toml:2: openai.modle: unknown key; did you mean model?",
        ),
        (
            "max_workers = 3",
            "config.toml:1: max_workers: unknown key; it belongs in [openai]",
        ),
        (
            "[opnai]\nmodel = \"x\"",
            "config.toml:1: opnai: unknown key; did you mean openai?",
        ),
        (
            "[openai]\napi_key = \"sk-1\"",
            "config.toml:2: openai.api_key: unknown key; did you mean api_key_env?",
        ),
        (
            "[watch]\nsettle_ms = 1\nsettle_ms = 2",
            "config.toml:3: settle_ms: duplicate key",
        ),
        ("[watch]\n[watch]", "config.toml:2: watch: duplicate key"),
        (
            "[openai]\nmodel = gpt",
            "config.toml:2: model: string values must be quoted, expected literal string",
        ),
        (
            "[export]\ncolour = 1",
            "config.toml:2: export.colour: unknown key; known here: dir, formats",
        ),
        (
            "[export]\nformats = [\"html\"]",
            "config.toml:2: export.formats: must be \"index\" or \"markdown\", not \"html\"; `epitome export` writes the others",
        ),
        (
            "[export]\nformats = []",
            "config.toml:2: export.formats: must name at least one format",
        ),
        (
            "openai = 3",
            "config.toml:1: openai: must be a section, written [openai]",
        ),
        (
            "repos = \"/a\"",
            "config.toml:1: repos: must be a list of strings, such as [\"one\", \"two\"], not \"/a\"",
        ),
        (
            "repos = [\n  \"/a\",\n  \"b\",\n]",
            "config.toml:3: repos: must be an absolute path or begin with ~/, not \"b\"",
        ),
        (
            "repos = [\"~other/b\"]",
            "config.toml:1: repos: must be an absolute path or begin with ~/, not \"~other/b\"",
        ),
        (
            "[openai]\nmodel = \" \"",
            "config.toml:2: openai.model: must not be empty; name a model that the endpoint has",
        ),
        (
            "[openai]\napi_key_env = \"sk-abc\"",
            "config.toml:2: openai.api_key_env: looks like a key; write the name of the environment variable that holds it, such as \"OPENAI_API_KEY\"",
        ),
        (
            "[openai]\napi_key_env = \"MY KEY\"",
            "config.toml:2: openai.api_key_env: must be the name of an environment variable (letters, digits and _), such as \"OPENAI_API_KEY\"",
        ),
        (
            "[openai]\nbase_url = \"ftp://x/v1\"",
            "config.toml:2: openai.base_url: must begin with http:// or https://, such as \"https://api.openai.com/v1\"",
        ),
        (
            "[openai]\nbase_url = \"https://me:secret@x/v1\"",
            "config.toml:2: openai.base_url: must not contain a user or password; name the key's variable in openai.api_key_env",
        ),
        (
            "[openai]\nbase_url = \"api.openai.com/v1\"",
            "config.toml:2: openai.base_url: is not a URL (relative URL without a base), such as \"https://api.openai.com/v1\"",
        ),
        (
            "[files]\nexclude = [\"a\",\n\"x[\"]",
            "config.toml:3: files.exclude: \"x[\" is not a valid glob: error parsing glob 'x[': unclosed character class; missing ']'",
        ),
        (
            "[files]\ninclude = [\"!a\"]",
            "config.toml:2: files.include: \"!a\" must not begin with !; include and exclude are two lists",
        ),
    ] {
        assert_eq!(error(text), expected);
    }
}

#[test]
fn an_export_folder_stays_below_the_root() {
    for bad in [
        "/abs",
        "../out",
        "a/../b",
        "a//b",
        "a/",
        "./a",
        ".git/index",
        ".",
    ] {
        let line = error(&format!("[export]\ndir = {bad:?}"));
        let expected = format!(
            "config.toml:2: export.dir: must be a folder below the repository's root, without .., . or .git, such as \"distributed_index\", not {bad:?}"
        );
        assert_eq!(line, expected);
    }
}

#[test]
fn a_syntax_error_names_its_line() {
    let line = error("repos = []\n[openai\n");
    assert!(line.starts_with("config.toml:2: "), "{line}");
    let line = error("[openai]\nmodel = \"a\"\nmodel = \"b\"\n");
    assert!(
        line.starts_with("config.toml:3: ") && line.contains("duplicate"),
        "{line}"
    );
}

#[test]
fn no_message_repeats_a_secret() {
    for text in [
        "[openai]\nbase_url = \"https://me:hush@x/v1\"",
        "[openai]\napi_key_env = \"sk-hush\"",
        "[openai]\napi_key_env = \"hush hush\"",
    ] {
        assert!(!error(text).contains("hush"), "{}", error(text));
    }
}

#[test]
fn a_missing_file_means_defaults_unless_given_explicitly() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("none.toml");
    assert_eq!(Config::load(&file, false).unwrap(), Config::default());
    let line = Config::load(&file, true).unwrap_err().to_string();
    assert_eq!(line, format!("{}: no such file", file.display()));
    let line = Config::load(folder.path(), false).unwrap_err().to_string();
    assert!(line.contains("directory"), "{line}");
}

#[test]
fn invalid_utf8_is_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    std::fs::write(&file, b"repos = []\n# caf\xe9\n").unwrap();
    let line = Config::load(&file, true).unwrap_err().to_string();
    assert_eq!(line, format!("{}:2: is not UTF-8 text", file.display()));
    std::fs::write(&file, vec![b'#'; MAX_BYTES as usize + 1]).unwrap();
    let line = Config::load(&file, true).unwrap_err().to_string();
    assert!(line.contains("is larger than"), "{line}");
}

#[test]
fn the_key_file_is_read_without_its_trailing_newline() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    let mut openai = Openai {
        api_key_env: String::new(),
        ..Openai::default()
    };
    assert_eq!(openai.api_key(), Ok(None));
    openai.api_key_file = Some(file.clone());
    assert!(openai.api_key().unwrap_err().contains("api_key_file"));
    std::fs::write(&file, "abc\n").unwrap();
    assert_eq!(openai.api_key(), Ok(Some("abc".to_owned())));
    std::fs::write(&file, "hush hush\n").unwrap();
    let line = openai.api_key().unwrap_err();
    assert!(!line.contains("hush"), "{line}");
}

#[test]
fn the_credential_of_systemd_ranks_between_file_and_variable() {
    let folder = tempfile::tempdir().unwrap();
    let credential = folder.path().join("llm-key");
    let mut openai = Openai::default();
    let key = |openai: &Openai| {
        openai.api_key_from(|name| match name {
            "CREDENTIALS_DIRECTORY" => Some(folder.path().into()),
            "OPENAI_API_KEY" => Some("of-the-variable".into()),
            _ => None,
        })
    };
    let of = |text: &str| Ok(Some(text.to_owned()));
    assert_eq!(key(&openai), of("of-the-variable"));
    // The unit passes a blank credential if the user has no such file.
    std::fs::write(&credential, " ").unwrap();
    assert_eq!(key(&openai), of("of-the-variable"));
    std::fs::write(&credential, "of-systemd\n").unwrap();
    assert_eq!(key(&openai), of("of-systemd"));
    openai.api_key_env = String::new();
    assert_eq!(key(&openai), Ok(None));
    let file = folder.path().join("file");
    std::fs::write(&file, "of-the-file").unwrap();
    openai.api_key_file = Some(file);
    assert_eq!(key(&openai), of("of-the-file"));
}

/// Any damaged file gives a configuration with allowed values, or one line that says what is wrong.
#[test]
fn a_randomly_damaged_example_is_accepted_or_rejected_in_one_line() {
    let words: [&[u8]; 16] = [
        b"[openai]",
        b"[",
        b"]",
        b"= [",
        b"\"",
        b"'''",
        b"{a = 1}",
        b"repos",
        b"max_workers",
        b"= 1979-05-27",
        b"\\u0000",
        b"~/",
        b"[[store]]",
        b"\xff",
        b"\0",
        b"\n",
    ];
    let (mut taken, mut refused) = (0, 0);
    for seed in crate::fuzz::rounds(3_000) {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut text = EXAMPLE.as_bytes().to_vec();
        for _ in 0..rng.usize(1..4) {
            text = crate::fuzz::mutated(&mut rng, &text, &words);
        }
        if rng.u8(0..20) == 0 {
            text = crate::fuzz::text(&mut rng, 400).into_bytes();
        }
        // Invalid UTF-8 is rejected earlier.
        match parse(&String::from_utf8_lossy(&text)) {
            Ok(config) => {
                taken += 1;
                assert!(
                    (1..=1_000).contains(&config.openai.max_workers),
                    "seed {seed}"
                );
                assert!(
                    (1..=3_600).contains(&config.openai.timeout_seconds),
                    "seed {seed}"
                );
                let scheme = config
                    .openai
                    .base_url
                    .split_once(":")
                    .map(|(scheme, _)| scheme.to_lowercase());
                let speaks = scheme.is_some_and(|scheme| scheme == "http" || scheme == "https");
                assert!(speaks, "seed {seed}: {}", config.openai.base_url);
                assert!(!config.openai.model.is_empty(), "seed {seed}");
                assert!(
                    config.repos.iter().all(|path| path.is_absolute()),
                    "seed {seed}"
                );
                let prices = [
                    config.openai.price_per_million_input,
                    config.openai.price_per_million_output,
                ];
                assert!(
                    prices
                        .iter()
                        .all(|price| price.is_finite() && *price >= 0.0),
                    "seed {seed}"
                );
                let relative = |dir: &PathBuf| dir.is_relative() && !dir.starts_with("..");
                assert!(config.export.dir.iter().all(relative), "seed {seed}");
            }
            Err(error) => {
                refused += 1;
                let line = error.to_string();
                assert!(
                    !line.contains(['\n', '\r', '\u{1b}']),
                    "seed {seed}: {line:?}"
                );
                assert!(line.starts_with("config.toml:"), "seed {seed}: {line:?}");
            }
        }
    }
    assert!(taken > 0 && refused > 0, "{taken} taken, {refused} refused");
}
