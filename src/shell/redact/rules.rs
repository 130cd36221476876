//! The rules: what a secret looks like. One table; a new kind of token is a new line here.

/// What a value must be like, besides fitting its pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// The pattern says enough: nothing else has this form.
    Form,
    /// It must look drawn by lot: letters and digits mixed all through.
    Random,
    /// It must not be a placeholder, a word, or an expression.
    Chosen,
}

/// A kind of secret.
pub(super) struct Rule {
    /// What stands in its place, as in `[redacted: kind]`.
    pub kind: &'static str,
    /// Its pattern; the group `s` is the secret, without one it is all.
    pub pattern: &'static str,
    pub proof: Proof,
}

const fn rule(kind: &'static str, proof: Proof, pattern: &'static str) -> Rule {
    Rule {
        kind,
        pattern,
        proof,
    }
}

/// All rules. Where two find the same place, the one further up gives the name.
pub(super) const RULES: &[Rule] = &[
    rule(
        "private key",
        Proof::Form,
        r#"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?P<s>[A-Za-z0-9+/=\s\\:,.;()"'-]{64,}?)(?:-----END|\z)"#,
    ),
    rule(
        "JSON web token",
        Proof::Form,
        r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
    ),
    rule(
        "AWS key",
        Proof::Form,
        r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b",
    ),
    rule(
        "AWS secret",
        Proof::Random,
        r#"(?i)\baws[A-Za-z0-9_.-]{0,20}secret[A-Za-z0-9_.-]{0,20}["']?\s*[:=]\s*["']?(?P<s>[A-Za-z0-9/+]{40})\b"#,
    ),
    rule("Google key", Proof::Form, r"\bAIza[0-9A-Za-z_-]{35}"),
    rule("Google token", Proof::Random, r"\bya29\.[0-9A-Za-z_-]{20,}"),
    rule("Google secret", Proof::Form, r"\bGOCSPX-[0-9A-Za-z_-]{28}"),
    rule(
        "GitHub token",
        Proof::Form,
        r"\bgh[oprsu]_[0-9A-Za-z]{36,255}\b",
    ),
    rule(
        "GitHub token",
        Proof::Form,
        r"\bgithub_pat_[0-9A-Za-z_]{36,255}",
    ),
    rule(
        "GitLab token",
        Proof::Form,
        r"\bgl(?:pat|dt|rt|cbt|ptt|ft|imt|soat|agent|oas)-[0-9A-Za-z_-]{20,}",
    ),
    rule(
        "Slack token",
        Proof::Form,
        r"\bxox[abceoprs]-[0-9]{6,}[0-9A-Za-z-]{6,}",
    ),
    rule(
        "Slack token",
        Proof::Form,
        r"\bxapp-[0-9]-[0-9A-Za-z-]{20,}",
    ),
    rule(
        "Slack webhook",
        Proof::Form,
        r"\bhooks\.slack\.com/services/(?P<s>T[0-9A-Z]{8,}/B[0-9A-Z]{8,}/[0-9A-Za-z]{20,})",
    ),
    rule(
        "Stripe key",
        Proof::Form,
        r"\b[sr]k_(?:live|test)_[0-9A-Za-z]{16,}",
    ),
    rule(
        "Stripe secret",
        Proof::Random,
        r"\bwhsec_(?P<s>[0-9A-Za-z+/=]{24,})",
    ),
    rule(
        "Anthropic key",
        Proof::Random,
        r"\bsk-ant-[0-9A-Za-z_-]{24,}",
    ),
    rule("OpenAI key", Proof::Random, r"\bsk-[0-9A-Za-z_-]{20,}"),
    rule("npm token", Proof::Form, r"\bnpm_[0-9A-Za-z]{36}\b"),
    rule("PyPI token", Proof::Form, r"\bpypi-AgE[0-9A-Za-z_-]{50,}"),
    rule("crates.io token", Proof::Form, r"\bcio[0-9A-Za-z]{32}\b"),
    rule("Hugging Face token", Proof::Form, r"\bhf_[A-Za-z]{34}\b"),
    rule(
        "DigitalOcean token",
        Proof::Form,
        r"\bdo[opr]_v1_[0-9a-f]{64}\b",
    ),
    rule(
        "SendGrid key",
        Proof::Form,
        r"\bSG\.[0-9A-Za-z_-]{22}\.[0-9A-Za-z_-]{43}",
    ),
    rule(
        "Vault token",
        Proof::Random,
        r"\bhv[sbr]\.(?P<s>[0-9A-Za-z_-]{24,})",
    ),
    rule(
        "Slack token",
        Proof::Form,
        r"\bxoxe(?:\.xox[bp])?-[0-9]-[0-9A-Za-z-]{20,}",
    ),
    rule("Twilio key", Proof::Form, r"\bSK[0-9a-f]{32}\b"),
    rule(
        "Telegram token",
        Proof::Form,
        r"\b[0-9]{8,10}:AA[0-9A-Za-z_-]{33}\b",
    ),
    rule(
        "Discord token",
        Proof::Random,
        r"\b[MNO][0-9A-Za-z_-]{23,27}\.[0-9A-Za-z_-]{6}\.[0-9A-Za-z_-]{27,40}\b",
    ),
    rule(
        "Discord webhook",
        Proof::Form,
        r"\bdiscord(?:app)?\.com/api/webhooks/[0-9]{16,20}/(?P<s>[0-9A-Za-z_-]{60,80})",
    ),
    rule("Mailgun key", Proof::Form, r"\bkey-[0-9a-f]{32}\b"),
    rule(
        "Mailchimp key",
        Proof::Form,
        r"\b[0-9a-f]{32}-us[0-9]{1,2}\b",
    ),
    rule(
        "Shopify token",
        Proof::Form,
        r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b",
    ),
    rule(
        "Square token",
        Proof::Form,
        r"\bsq0(?:atp|csp)-[0-9A-Za-z_-]{22,43}",
    ),
    rule(
        "Atlassian token",
        Proof::Form,
        r"\bATATT3[0-9A-Za-z_=-]{60,}",
    ),
    rule(
        "Databricks token",
        Proof::Form,
        r"\bdapi[0-9a-f]{32}(?:-[0-9])?\b",
    ),
    rule(
        "Docker token",
        Proof::Form,
        r"\bdckr_[op]at_[0-9A-Za-z_-]{27,}",
    ),
    rule("RubyGems token", Proof::Form, r"\brubygems_[0-9a-f]{48}\b"),
    rule(
        "Terraform token",
        Proof::Form,
        r"\b[0-9A-Za-z]{14}\.atlasv1\.[0-9A-Za-z_=-]{60,}",
    ),
    rule(
        "Grafana token",
        Proof::Form,
        r"\bgl(?:sa|c)_[0-9A-Za-z+/=_]{32,}",
    ),
    rule(
        "Sentry token",
        Proof::Form,
        r"\bsntry[su]_[0-9A-Za-z+/=_]{40,}",
    ),
    rule("New Relic key", Proof::Form, r"\bNRAK-[0-9A-Z]{27}\b"),
    rule(
        "Linear key",
        Proof::Form,
        r"\blin_(?:api|oauth)_[0-9A-Za-z]{32,}",
    ),
    rule("Notion token", Proof::Form, r"\bntn_[0-9A-Za-z]{40,}"),
    rule("Figma token", Proof::Form, r"\bfig[do]_[0-9A-Za-z_-]{40,}"),
    rule(
        "Postman key",
        Proof::Form,
        r"\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}\b",
    ),
    rule("Groq key", Proof::Form, r"\bgsk_[0-9A-Za-z]{48,}"),
    rule("xAI key", Proof::Form, r"\bxai-[0-9A-Za-z]{70,}"),
    rule("Replicate token", Proof::Form, r"\br8_[0-9A-Za-z]{37}\b"),
    rule(
        "Azure secret",
        Proof::Random,
        r"\b[0-9A-Za-z_~.-]{3}[78]Q~[0-9A-Za-z_~.-]{31,34}",
    ),
    rule(
        "Azure signature",
        Proof::Form,
        r"[?&]sig=(?P<s>[0-9A-Za-z%+/]{40,}={0,2})",
    ),
    rule(
        "private key",
        Proof::Form,
        r"\bPrivate-Lines: [0-9]+\r?\n(?P<s>(?:[0-9A-Za-z+/=]{20,}\r?\n?)+)",
    ),
    rule("age key", Proof::Form, r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b"),
    rule(
        "password in a URL",
        Proof::Chosen,
        r#"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@'"`<>{}()]*:(?P<s>[^\s/:@'"`<>{}()]{3,})@[A-Za-z0-9\[]"#,
    ),
    rule(
        "password in a connection string",
        Proof::Chosen,
        r#"(?i)\b(?:server|host|data source|accountname|endpoint|user id|uid|user|database)\s*=[^;\r\n"']+;(?:[^\r\n"']*;)?\s*(?:password|pwd|accountkey|sharedaccesskey)\s*=\s*(?P<s>[^;\s"'`<>{}]{6,})"#,
    ),
    rule(
        "authorization",
        Proof::Random,
        r#"(?i)\b(?:bearer|basic)\s+(?P<s>[0-9a-z._~+/-]{20,}=*)"#,
    ),
    rule(
        "password",
        Proof::Chosen,
        r#"(?i)(?:password|passwd|passphrase|\bpwd|_pwd)["']?\]?\s*(?::=|=>|=|:)\s*["'`](?P<s>[^"'`\s]{8,128})["'`]"#,
    ),
    rule(
        "secret",
        Proof::Random,
        r#"(?i)(?:secret|token|credential|(?:api|access|auth|private|signing|encryption|master|account|service|client)[_-]?key)[A-Za-z0-9_-]{0,16}["']?\]?\s*(?::=|=>|=|:)\s*["'`](?P<s>[^"'`\s]{16,512})["'`]"#,
    ),
    rule(
        "password",
        Proof::Chosen,
        r#"(?i)\b(?:curl|wget)\b[^\r\n]*?[ \t](?:-u|--user)[ =]?["']?[^\s:"'/]+:(?P<s>[^\s"'`]{4,128})"#,
    ),
    rule(
        "password",
        Proof::Chosen,
        r"(?i)\bmachine\s+\S+\s+login\s+\S+\s+password\s+(?P<s>\S{6,128})",
    ),
    rule(
        "secret",
        Proof::Random,
        r#""_?auth"\s*:\s*"(?P<s>[0-9A-Za-z+/]{20,}={0,2})""#,
    ),
    rule(
        "secret",
        Proof::Random,
        r"(?i):_(?:authtoken|auth|password)[ \t]*=[ \t]*(?P<s>[0-9a-z+/=_-]{16,512})",
    ),
    // Files of settings have no quotes: there the whole line must be the assignment.
    rule(
        "password",
        Proof::Random,
        r"(?im)^[ \t]*(?:export[ \t]+)?[a-z0-9_.-]*(?:password|passwd|passphrase)[ \t]*[:=][ \t]*(?P<s>[!#-&(-_a-~][!-~]{11,127})[ \t]*\r?$",
    ),
    rule(
        "secret",
        Proof::Random,
        r"(?im)^[ \t]*(?:export[ \t]+)?[a-z0-9_.-]*(?:secret|token|credential|(?:api|access|auth|private|signing|encryption|master|account|secret)[_-]?key)[ \t]*[:=][ \t]*(?P<s>[0-9a-z/+_=.-]{16,512})[ \t]*\r?$",
    ),
    // Variables of an environment: what is no secret is rarely written like them.
    rule(
        "password",
        Proof::Chosen,
        r"(?m)^[ \t-]*(?:(?:export|ENV)[ \t]+)?[A-Z0-9_]*(?:PASSWORD|PASSWD|PASSPHRASE)[ \t]*[:=][ \t]*(?P<s>[!#-&(-_a-~][!-~]{5,127})[ \t]*\r?$",
    ),
];
