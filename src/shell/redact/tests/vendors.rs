//! The forms in which services hand out keys and tokens. Drawn, so that none stands in this repository.

use super::*;

const HEX: &str = "0123456789abcdef";

/// What stands before and behind the drawn part, and how long that is, of which characters.
type Form = (
    &'static str,
    &'static str,
    usize,
    &'static str,
    &'static str,
);

const FORMS: [Form; 44] = [
    ("GitHub token", "gho_", 36, ALNUM, ""),
    ("GitHub token", "ghs_", 36, ALNUM, ""),
    ("GitLab token", "glptt-", 40, HEX, ""),
    ("GitLab token", "gldt-", 20, ALNUM, ""),
    (
        "Slack token",
        "xoxp-123456789012-123456789012-",
        32,
        HEX,
        "",
    ),
    ("Slack token", "xoxe.xoxp-1-", 160, ALNUM, ""),
    ("Slack token", "xapp-1-A012-123-", 64, HEX, ""),
    ("Stripe key", "rk_live_", 24, ALNUM, ""),
    ("Stripe secret", "whsec_", 32, ALNUM, ""),
    ("Google token", "ya29.", 80, ALNUM, ""),
    ("Google secret", "GOCSPX-", 28, ALNUM, ""),
    ("OpenAI key", "sk-svcacct-", 100, ALNUM, ""),
    ("Twilio key", "SK", 32, HEX, ""),
    ("Telegram token", "1234567890:AA", 33, ALNUM, ""),
    (
        "Discord token",
        "MTAw",
        22,
        ALNUM,
        ".G1a2b3.abcdefghij0123456789ABCDEFGHIJ01234567",
    ),
    (
        "Discord webhook",
        "https://discord.com/api/webhooks/123456789012345678/",
        68,
        ALNUM,
        "",
    ),
    ("Mailgun key", "key-", 32, HEX, ""),
    ("Mailchimp key", "", 32, HEX, "-us12"),
    ("Shopify token", "shpat_", 32, HEX, ""),
    ("Square token", "sq0atp-", 22, ALNUM, ""),
    ("Atlassian token", "ATATT3xFfGF0", 180, ALNUM, "=1A2B3C4D"),
    ("Databricks token", "dapi", 32, HEX, ""),
    ("Docker token", "dckr_pat_", 27, ALNUM, ""),
    ("RubyGems token", "rubygems_", 48, HEX, ""),
    ("Terraform token", "aB3dE6gH9jK2mN.atlasv1.", 67, ALNUM, ""),
    ("Grafana token", "glsa_", 32, ALNUM, "_1a2b3c4d"),
    ("Sentry token", "sntrys_", 120, ALNUM, ""),
    (
        "New Relic key",
        "NRAK-",
        27,
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
        "",
    ),
    ("Linear key", "lin_api_", 40, ALNUM, ""),
    ("Notion token", "ntn_", 46, ALNUM, ""),
    ("Figma token", "figd_", 40, ALNUM, ""),
    ("Postman key", "PMAK-0123456789abcdefa1b2c3d4-", 34, HEX, ""),
    ("Groq key", "gsk_", 52, ALNUM, ""),
    ("xAI key", "xai-", 80, ALNUM, ""),
    ("Replicate token", "r8_", 37, ALNUM, ""),
    ("Azure secret", "aB38Q~", 34, ALNUM, ""),
    (
        "Azure signature",
        "https://x.blob.core.windows.net/c?sv=2022-11-02&sig=",
        43,
        ALNUM,
        "%3D",
    ),
    ("private key", "Private-Lines: 1\n", 64, ALNUM, ""),
    (
        "password",
        "curl -s -u admin:",
        12,
        ALNUM,
        "1 https://example.com",
    ),
    (
        "password",
        "machine example.com login me password ",
        12,
        ALNUM,
        "1",
    ),
    (
        "secret",
        "{\"auths\": {\"x\": {\"auth\": \"",
        40,
        ALNUM,
        "\"}}}",
    ),
    (
        "secret",
        "//registry.example.com/:_authToken=",
        36,
        ALNUM,
        "",
    ),
    ("password", "    POSTGRES_PASSWORD: ", 8, ALNUM, "1"),
    ("password", "ENV MYSQL_ROOT_PASSWORD=", 8, ALNUM, "1"),
];

#[test]
fn what_services_hand_out_is_found() {
    const ROUNDS: usize = 40;
    let mut rng = fastrand::Rng::with_seed(13);
    let mut missed = Vec::new();
    for (kind, before, length, of, behind) in FORMS {
        let mut lost = 0;
        for _ in 0..ROUNDS {
            let secret = drawn(&mut rng, of, length);
            let text = format!("one\n{before}{secret}{behind}\ntwo\n");
            let redacted = redact(&text).into_owned();
            let gone = !redacted.contains(&secret[..length / 2])
                && !redacted.contains(&secret[length / 2..]);
            lost += usize::from(!gone || !redacted.contains(&format!("[redacted: {kind}]")));
            assert!(
                redacted.starts_with("one\n") && redacted.ends_with("two\n"),
                "{redacted}"
            );
        }
        // A draw of few characters may come out looking like a word, and one of letters only like a name.
        if lost > ROUNDS / 10 {
            missed.push((kind, before, lost));
        }
    }
    assert!(missed.is_empty(), "missed of {ROUNDS} each: {missed:?}");
}

#[test]
fn what_only_looks_like_them_stays() {
    for text in [
        "SKU0123456789",
        "key-value-store",
        "POSTGRES_PASSWORD: postgres",
        "POSTGRES_PASSWORD: ${POSTGRES_PASSWORD}",
        "DB_PASSWORD=changeme123",
        "PASSWORD = get_password()",
        "PASSWORD: ''",
        "curl -u \"$USER:$TOKEN\" https://example.com",
        "curl -u user:password https://example.com",
        "http://example.com/?sig=short",
        "\"auth\": \"required-by-the-server\"",
        "machine learning login is a word",
        "from 12345678:AAB to 9",
        "NRAK-short",
        "xai-grok-model-name",
        "gsk_settings_window",
        "r8_unorm_texture_format",
        "figd_is_not_a_token",
    ] {
        assert!(
            matches!(redact(text), Cow::Borrowed(_)),
            "{text}: {}",
            redact(text)
        );
    }
}
