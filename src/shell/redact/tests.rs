//! What must be found, and what must not. The secrets are drawn here, so that none stands in this repository.
#![allow(clippy::unwrap_used)]

mod vendors;

use super::*;

const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

fn drawn(rng: &mut fastrand::Rng, from: &str, length: usize) -> String {
    (0..length)
        .map(|_| char::from(from.as_bytes()[rng.usize(..from.len())]))
        .collect()
}

#[test]
fn every_pattern_compiles_and_has_its_rule() {
    for rule in RULES {
        Regex::new(rule.pattern).unwrap_or_else(|error| panic!("{}: {error}", rule.kind));
    }
    assert_eq!(PATTERNS.len(), RULES.len());
}

#[test]
fn secrets_of_every_kind_are_found() {
    const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    const HEX: &str = "0123456789abcdef";
    let mut missed = Vec::new();
    let mut rng = fastrand::Rng::with_seed(7);
    for _ in 0..40 {
        let mut any = |length| drawn(&mut rng, ALNUM, length);
        let cases = [
            (
                "JSON web token",
                format!("eyJ{}.eyJ{}.{}", any(30), any(60), any(43)),
            ),
            ("Google key", format!("AIza{}", any(35))),
            ("GitHub token", format!("ghp_{}", any(36))),
            (
                "GitHub token",
                format!("github_pat_{}_{}", any(22), any(59)),
            ),
            ("GitLab token", format!("glpat-{}", any(20))),
            (
                "Slack webhook",
                format!(
                    "https://hooks.slack.com/services/T0{}/B0{}/{}",
                    any(8).to_uppercase(),
                    any(8).to_uppercase(),
                    any(24)
                ),
            ),
            ("Stripe key", format!("sk_live_{}", any(24))),
            ("Anthropic key", format!("sk-ant-api03-{}", any(90))),
            ("OpenAI key", format!("sk-{}T3BlbkFJ{}", any(20), any(20))),
            ("OpenAI key", format!("sk-proj-{}", any(100))),
            ("npm token", format!("npm_{}", any(36))),
            ("PyPI token", format!("pypi-AgEIcHlwaS5vcmc{}", any(120))),
            ("SendGrid key", format!("SG.{}.{}", any(22), any(43))),
            (
                "authorization",
                format!("Authorization: Bearer {}", any(40)),
            ),
            ("AWS secret", format!("aws_secret_access_key = {}", any(40))),
            ("secret", format!("\"client_secret\": \"{}\"", any(32))),
            ("secret", format!("API_KEY = '{}'", any(32))),
            ("secret", format!("export SERVICE_TOKEN={}", any(40))),
            (
                "secret",
                format!("settings['secret_key'] = \"{}\"", any(50)),
            ),
        ];
        let (upper, hex) = (drawn(&mut rng, UPPER, 16), drawn(&mut rng, HEX, 64));
        let fixed = [
            ("AWS key", format!("AKIA{upper}")),
            ("DigitalOcean token", format!("dop_v1_{hex}")),
            ("secret", format!("secret_key: '{hex}'")),
            (
                "Slack token",
                format!(
                    "xoxb-{}-{}",
                    rng.u64(10_000_000_000..99_999_999_999),
                    drawn(&mut rng, ALNUM, 24)
                ),
            ),
        ];
        for (kind, text) in cases.into_iter().chain(fixed) {
            let around = format!("before\n{text}\nafter\n");
            let redacted = redact(&around).into_owned();
            let tail: String = text.chars().skip(text.chars().count() - 12).collect();
            let tail = tail.trim_end_matches(['"', '\'']).to_owned();
            if !redacted.contains(&format!("[redacted: {kind}]")) || redacted.contains(&tail) {
                missed.push((kind, text, redacted.clone()));
            }
            assert!(
                redacted.starts_with("before\n") && redacted.ends_with("after\n"),
                "{redacted}"
            );
        }
    }
    // A draw may come out looking like a word: a handful of 920.
    assert!(missed.len() <= 3, "{} missed: {missed:#?}", missed.len());
}

#[test]
fn chosen_passwords_are_found_and_what_is_around_stays() {
    for (text, wanted) in [
        (
            "postgres://app:s3cr!t9@db.local:5432/x",
            "postgres://app:[redacted: password in a URL]@db.local:5432/x",
        ),
        (
            "redis://:hunter2@cache/0",
            "redis://:[redacted: password in a URL]@cache/0",
        ),
        (
            "Server=db;Database=x;User Id=sa;Password=Tr0ub4dor&3;Encrypt=true",
            "Server=db;Database=x;User Id=sa;Password=[redacted: password in a connection string];Encrypt=true",
        ),
        (
            "password = \"Tr0ub4dor&3\"",
            "password = \"[redacted: password]\"",
        ),
        (
            "{\"db_password\": \"Xy7!kkq2\"}",
            "{\"db_password\": \"[redacted: password]\"}",
        ),
        (
            "DB_PASSWORD=kX93mPz0qLw7\n",
            "DB_PASSWORD=[redacted: password]\n",
        ),
    ] {
        assert_eq!(redact(text), wanted);
    }
}

#[test]
fn a_private_key_keeps_its_lines() {
    let mut rng = fastrand::Rng::with_seed(3);
    let body: String = (0..10).map(|_| drawn(&mut rng, ALNUM, 64) + "\n").collect();
    for kind in ["RSA ", "EC ", "OPENSSH ", "ENCRYPTED ", ""] {
        let text = format!(
            "key = \"\"\"\n-----BEGIN {kind}PRIVATE KEY-----\n{body}-----END {kind}PRIVATE KEY-----\n\"\"\"\nx = 1\n"
        );
        let redacted = redact(&text);
        assert!(redacted.contains("[redacted: private key]"), "{redacted}");
        assert!(!redacted.contains(&body[..20]));
        assert_eq!(redacted.lines().count(), text.lines().count());
        assert!(redacted.ends_with("x = 1\n"));
        // A text that breaks off within the key gives none of it away.
        let cut = &text[..text.len() - 100];
        assert!(!redact(cut).contains(&body[..20]));
        let escaped = text.replace('\n', "\\n");
        assert!(!redact(&escaped).contains(&body[..20]), "{escaped}");
    }
}

#[test]
fn code_that_speaks_of_secrets_stays() {
    for text in [
        "",
        "password = getpass()",
        "password = \"password\"",
        "password: str = Field(..., description='The password')",
        "password = \"your-password-here\"",
        "api_key = os.environ[\"OPENAI_API_KEY\"]",
        "api_key=\"{{ lookup('env', 'API_KEY_FOR_SERVICE_1') }}\"",
        "api_key: ${SECRET_API_KEY_2024_PRODUCTION}",
        "token = \"access_token_expires_in_seconds\"",
        "token: SomeVeryLongTypeName2",
        "SECRET_KEY = config('SECRET_KEY_FOR_DJANGO')",
        "https://github.com/owner/repo@v1",
        "postgres://user:password@localhost/db",
        "postgres://user:${DB_PASSWORD}@localhost/db",
        "http://localhost:8080/a@b",
        "AKIAIOSFODNN7EXAMPLE",
        "sk-folding-cube-container-large-animated",
        "if line.startswith('-----BEGIN RSA PRIVATE KEY-----'):\n    end = '-----END RSA PRIVATE KEY-----'",
        "Bearer authentication is described in section two",
        "headers = {\"Authorization\": f\"Bearer {self.api_key}\"}",
        "sha256 = \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"",
        "private_key_path = \"/etc/ssl/private/key-2024-01.pem\"",
        "password = models.CharField(max_length=255)",
        "password = \"françois\"",
        "client_secret = \"XMLHTTPRequestURLParserForTheThing\"",
        "日本語 password 表",
    ] {
        assert!(
            matches!(redact(text), Cow::Borrowed(_)),
            "{text}: {}",
            redact(text)
        );
    }
}

#[test]
fn any_text_is_taken() {
    let mut rng = fastrand::Rng::with_seed(11);
    let pieces = [
        "password",
        "=",
        "\"",
        "ü",
        "🔑",
        "\n",
        "://",
        ":",
        "@",
        "-----BEGIN PRIVATE KEY-----",
        "sk-",
        "a1B2c3D4e5F6g7H8i9J0",
        "secret",
        "'",
        " ",
        "-----END",
    ];
    for _ in 0..2000 {
        let text: String = (0..rng.usize(..40))
            .map(|_| pieces[rng.usize(..pieces.len())])
            .collect();
        let once = redact(&text).into_owned();
        assert_eq!(once.matches('\n').count(), text.matches('\n').count());
    }
}

#[test]
fn long_lines_cost_time_in_proportion() {
    let parts = [
        "user=a;",
        "password=\"",
        "a",
        "http://a:",
        "-----BEGIN PRIVATE KEY-----",
        "sk-",
        "eyJaaaaaaaa.",
        "token: ",
    ];
    for part in parts {
        let time = |length: usize| {
            let text = part.repeat(length / part.len());
            let began = std::time::Instant::now();
            let redacted = redact(&text).len();
            assert!(redacted > 0);
            began.elapsed().as_secs_f64()
        };
        time(1 << 10);
        let (short, long) = (time(1 << 17), time(1 << 20));
        // 8 times as long; 64 times as much time would be the square. The rest is for a busy machine.
        assert!(long < short * 30.0 + 1.0, "{part}: {short} s, {long} s");
    }
}

/// Counts what is redacted in the folder that REDACT_FOLDER names: `-- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
#[allow(clippy::print_stderr)]
fn redact_speed_and_false_alarms() {
    let Ok(folder) = std::env::var("REDACT_FOLDER") else {
        return;
    };
    let (mut files, mut bytes, mut alarms) = (0, 0, 0);
    let mut spent = std::time::Duration::ZERO;
    for entry in ignore::Walk::new(folder).flatten() {
        let Ok(text) = std::fs::read_to_string(entry.path()) else {
            continue;
        };
        files += 1;
        bytes += text.len();
        let began = std::time::Instant::now();
        let found = find(&text);
        spent += began.elapsed();
        for (place, kind) in found {
            alarms += 1;
            let start = text[..place.start].rfind('\n').map_or(0, |at| at + 1);
            let line: String = text[start..].chars().take(140).collect();
            let line = line.lines().next().unwrap_or("");
            eprintln!("{kind}: {} | {line}", entry.path().display());
        }
    }
    eprintln!("{files} files, {bytes} bytes, {alarms} places, {spent:?}");
}

/// Any text: lines stay lines, what is redacted stays redacted, and nothing is found in what was put there.
#[test]
fn any_text_keeps_its_lines_and_is_redacted_once() {
    let words: [&[u8]; 10] = [
        b"password = \"",
        b"-----BEGIN RSA PRIVATE KEY-----\n",
        b"-----END RSA PRIVATE KEY-----",
        b"ghp_",
        b"eyJ",
        b"sk-",
        b"https://u:",
        b"@host",
        b"AKIA",
        b"[redacted: ",
    ];
    for seed in crate::fuzz::rounds(1_500) {
        let mut rng = fastrand::Rng::with_seed(seed);
        let drawn_key = drawn(&mut rng, ALNUM, 40);
        let text = format!(
            "{}\ntoken = \"{drawn_key}\"\nurl = https://u:{drawn_key}@host/x\n{}",
            crate::fuzz::text(&mut rng, 200),
            crate::fuzz::text(&mut rng, 200)
        );
        let bytes = crate::fuzz::mutated(&mut rng, text.as_bytes(), &words);
        let text = String::from_utf8_lossy(&bytes);
        let once = redact(&text);
        assert_eq!(
            once.matches('\n').count(),
            text.matches('\n').count(),
            "seed {seed}"
        );
        let twice = redact(&once);
        assert_eq!(twice, once, "seed {seed}");
    }
}
