//! Places that hold a secret by their structure: URLs, headers, commands, SQL, connection strings.

use std::sync::LazyLock;

use regex::bytes::Regex;

use super::value;

/// What the group `s` of a pattern must be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// Any literal that is no placeholder.
    Literal,
    /// Letters with digits or signs among them.
    Mixed,
    /// Drawn at random.
    Random,
}

/// One rule.
pub(super) struct Rule {
    pub kind: &'static str,
    /// What a scan looks for, in lower case; the pattern is tried on the lines that have it.
    pub trigger: &'static str,
    pub proof: Proof,
    pub pattern: &'static str,
    /// A line that the rule finds a secret in: `%s` stands for it.
    #[cfg_attr(not(test), allow(dead_code))]
    pub sample: &'static str,
}

const fn rule(
    kind: &'static str,
    trigger: &'static str,
    proof: Proof,
    pattern: &'static str,
    sample: &'static str,
) -> Rule {
    Rule {
        kind,
        trigger,
        proof,
        pattern,
        sample,
    }
}

use Proof::{Literal, Mixed, Random};

pub(super) const RULES: &[Rule] = &[
    rule(
        "password in a URL",
        "://",
        Literal,
        r#"[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@'"`<>]{0,80}:(?P<s>[^\s/@'"`]{3,200})@[A-Za-z0-9\[_${%-]"#,
        "amqp://app:%s@mq.local/x",
    ),
    rule(
        "token in a URL",
        "://",
        Random,
        r#"[A-Za-z][A-Za-z0-9+.-]*://(?P<s>[A-Za-z0-9_-]{16,255})(?::[A-Za-z0-9_-]{0,40})?@[A-Za-z0-9\[]"#,
        "https://%s@git.local/x",
    ),
    rule(
        "token in a URL",
        "://",
        Random,
        r#"://[^\s'"`<>]{3,200}?[?&;](?:[a-z_-]{0,20}(?:key|token|sig|signature|secret|auth|code|sid|password|pwd))=(?P<s>[^\s&'"`<>\\#]{12,512})"#,
        "https://x.local/?code=%s",
    ),
    rule(
        "password in a DSN",
        "@",
        Mixed,
        r#"(?i)\b(?:jdbc:oracle:thin:|sqlplus\s+(?:-\w+\s+)*|exp\s+|imp\s+)[\w$]{1,40}/(?P<s>[^\s@'"`/]{4,80})@"#,
        "sqlplus app/%s@db",
    ),
    rule(
        "password in a DSN",
        "@tcp",
        Literal,
        r#"[\w-]{1,40}:(?P<s>[^\s@'"`:/]{4,80})@(?:tcp|unix)\("#,
        "app:%s@tcp(db:3306)/x",
    ),
    rule(
        "token in a DSN",
        "sentry",
        Random,
        r#"https?://(?P<s>[0-9a-f]{32})(?::[0-9a-f]{32})?@[\w.-]*sentry"#,
        "https://%s@sentry.local/1",
    ),
    rule(
        "authorization",
        "bearer",
        Mixed,
        r#"(?i)\bbearer\s+(?P<s>[0-9a-z._~+/=-]{16,4096})"#,
        "Authorization: Bearer %s",
    ),
    rule(
        "authorization",
        "basic",
        Random,
        r#"(?i)\bbasic\s+(?P<s>[0-9a-z+/]{10,512}={0,2})"#,
        "Authorization: Basic %s",
    ),
    rule(
        "authorization",
        "authorization",
        Random,
        r#"(?i)\bauthorization["']?\s*[:=,]\s*["']?(?:[a-z][\w-]{1,20}\s+)?(?P<s>[0-9a-z._~+/=-]{16,4096})"#,
        "Authorization: %s",
    ),
    rule(
        "cookie",
        "cookie",
        Random,
        r#"(?i)\bcookie["']?\s*[:=,]\s*["']?(?:[^\n"']{0,200}?[\s;])?[\w.-]{1,40}=(?P<s>[0-9a-z._~+/%=-]{16,4096})"#,
        "Cookie: sid=%s; a=b",
    ),
    rule(
        "password",
        "curl",
        Literal,
        r#"(?i)\b(?:curl|wget|http|https|httpie)\b[^\r\n]{0,300}?[ \t](?:-u|--user|-a|--auth|--proxy-user|-U)[ =]?["']?[^\s:"'/$]{1,80}:(?P<s>[^\s"'`]{3,128})"#,
        "curl -su bot:%s https://x.local",
    ),
    rule(
        "password",
        "curl",
        Literal,
        r#"(?i)\bcurl\b[^\r\n]{0,300}?[ \t]-[a-z]*u[ =]?["']?[^\s:"'/$]{1,80}:(?P<s>[^\s"'`]{3,128})"#,
        "curl -su bot:%s https://x.local",
    ),
    rule(
        "password",
        "wget",
        Literal,
        r#"(?i)\bwget\b[^\r\n]{0,300}?--(?:http-|ftp-|proxy-)?password[ =]["']?(?P<s>[^\s"'`]{3,128})"#,
        "wget --password=%s x",
    ),
    rule(
        "password",
        "mysql",
        Literal,
        r#"\b(?:mysql|mysqldump|mysqladmin|mysqlimport|mysqlsh|mariadb|mariadb-dump)\b[^\r\n]{0,300}?[ \t]-p["']?(?P<s>[^\s"'`$-][^\s"'`]{2,80})"#,
        "mysql -u root -p%s app",
    ),
    rule(
        "password",
        "mariadb",
        Literal,
        r#"\b(?:mariadb|mariadb-dump|mariadb-admin)\b[^\r\n]{0,300}?[ \t]-p["']?(?P<s>[^\s"'`$-][^\s"'`]{2,80})"#,
        "mariadb -u root -p%s app",
    ),
    rule(
        "password",
        "sshpass",
        Literal,
        r#"\bsshpass\s+-p\s*["']?(?P<s>[^\s"'`]{3,128})"#,
        "sshpass -p %s ssh a@b",
    ),
    rule(
        "password",
        "login",
        Literal,
        r#"\b(?:docker|podman|helm|nerdctl|buildah|skopeo|oras|crane|oc|cf|az|ecs-cli|heroku|npm|mongo|mongosh|registry)\b[^\r\n]{0,200}?\blogin\b[^\r\n]{0,300}?[ \t](?:-p|-P|--pass)[ =]["']?(?P<s>[^\s"'`$-][^\s"'`]{2,512})"#,
        "docker login -u ci -p %s x.local",
    ),
    rule(
        "password",
        "mongo",
        Literal,
        r#"\b(?:mongo|mongosh|mongodump|mongorestore|mongoexport|mongoimport)\b[^\r\n]{0,300}?[ \t]-p[ =]?["']?(?P<s>[^\s"'`$-][^\s"'`]{2,128})"#,
        "mongodump -u a -p %s",
    ),
    rule(
        "password",
        "redis-cli",
        Literal,
        r#"\bredis-cli\b[^\r\n]{0,300}?[ \t](?:-a|--pass)[ =]?["']?(?P<s>[^\s"'`$-][^\s"'`]{2,128})"#,
        "redis-cli -a %s ping",
    ),
    rule(
        "password",
        "requirepass",
        Literal,
        r#"(?i)\b(?:requirepass|masterauth)["']?\s+["']?(?P<s>[^\s"'`$]{3,128})"#,
        "requirepass %s",
    ),
    rule(
        "password",
        "ldap",
        Literal,
        r#"\bldap\w+\b[^\r\n]{0,300}?[ \t]-w[ =]?["']?(?P<s>[^\s"'`$-][^\s"'`]{2,128})"#,
        "ldapsearch -D x -w %s",
    ),
    rule(
        "password",
        "smbclient",
        Literal,
        r#"\b(?:smbclient|rpcclient|net)\b[^\r\n]{0,300}?[ \t]-U[ =]?["']?[^\s%"']{1,60}%(?P<s>[^\s"'`]{3,128})"#,
        "smbclient //a/b -U bob%%s",
    ),
    rule(
        "password",
        "sqlcmd",
        Literal,
        r#"\b(?:sqlcmd|bcp|osql)\b[^\r\n]{0,300}?[ \t]-P[ =]?["']?(?P<s>[^\s"'`$-][^\s"'`]{2,128})"#,
        "sqlcmd -U sa -P %s",
    ),
    rule(
        "password",
        "7z",
        Literal,
        r#"\b(?:7z|7za|7zr)\b[^\r\n]{0,300}?[ \t]-p["']?(?P<s>[^\s"'`$][^\s"'`]{2,128})"#,
        "7z a -p%s x.7z y",
    ),
    rule(
        "password",
        "zip",
        Literal,
        r#"\b(?:zip|unzip)\b[^\r\n]{0,300}?[ \t]-P[ =]?["']?(?P<s>[^\s"'`$-][^\s"'`]{2,128})"#,
        "unzip -P %s x.zip",
    ),
    rule(
        "password",
        "htpasswd",
        Literal,
        r#"\bhtpasswd\s+-[a-zA-Z]*b[a-zA-Z]*\s+\S+\s+\S+\s+["']?(?P<s>[^\s"'`$]{3,128})"#,
        "htpasswd -cb file bob %s",
    ),
    rule(
        "password",
        "pass:",
        Literal,
        r#"\b(?:-pass(?:in|out)?\s+|[\s=])pass:(?P<s>[^\s"'`$]{3,128})"#,
        "openssl rsa -passin pass:%s",
    ),
    rule(
        "password",
        "chpasswd",
        Literal,
        r#"["']?[\w-]{1,40}:(?P<s>[^\s"'`$]{3,128})["']?\s*\|\s*(?:sudo\s+)?chpasswd"#,
        "echo root:%s | chpasswd",
    ),
    rule(
        "password",
        "sudo -s",
        Literal,
        r#"echo\s+["']?(?P<s>[^\s"'`$]{3,128})["']?\s*\|\s*sudo\s+-S"#,
        "echo %s | sudo -S ls",
    ),
    rule(
        "password",
        "--password-stdin",
        Literal,
        r#"echo\s+(?:-n\s+)?["']?(?P<s>[^\s"'`$]{3,512})["']?\s*\|"#,
        "echo %s | docker login --password-stdin",
    ),
    rule(
        "password",
        "lftp",
        Literal,
        r#"\blftp\b[^\r\n]{0,200}?-u\s+["']?[^\s,]{1,60},(?P<s>[^\s"'`$]{3,128})"#,
        "lftp -u bob,%s x.local",
    ),
    rule(
        "password",
        "rabbitmqctl",
        Literal,
        r#"\brabbitmqctl\s+(?:add_user|change_password)\s+\S+\s+["']?(?P<s>[^\s"'`$]{3,128})"#,
        "rabbitmqctl add_user a %s",
    ),
    rule(
        "password",
        "net use",
        Literal,
        r#"(?i)\bnet\s+use\b[^\r\n]{0,200}?\s/user:\S+\s+(?P<s>[^\s"'`/%]{3,128})"#,
        "net use X: /user:bob %s",
    ),
    rule(
        "password",
        "identified",
        Literal,
        r#"(?i)\bidentified\s+(?:with\s+[\w`'"]+\s+)?(?:by|as)\s+(?:password\s+)?N?["'](?P<s>[^"'\n]{3,200})["']"#,
        "CREATE USER a IDENTIFIED BY '%s'",
    ),
    rule(
        "password",
        "password",
        Literal,
        r#"(?i)\b(?:with|encrypted|set|login|user|role|alter|create)\b[^\n;]{0,200}?\spassword\s*(?:=|\(|for\s+[^=\n]{1,60}=)?\s*\(?\s*N?'(?P<s>[^'\s][^'\n]{2,200})'"#,
        "ALTER ROLE a ENCRYPTED PASSWORD '%s'",
    ),
    rule(
        "password",
        "machine",
        Literal,
        r#"(?i)\bmachine\s+\S+\s+(?:login\s+\S+\s+)?(?:account\s+\S+\s+)?password\s+(?P<s>\S{3,128})"#,
        "machine x login bob password %s",
    ),
    rule(
        "password",
        "login",
        Mixed,
        r#"(?i)\b(?:log(?:ged)?[ -]?in|sign(?:ed)?[ -]?in|credentials?)\b(?:\s+(?:with|as|is|are|details|for|using|user|to))*(?:\s*[:=]\s*|\s+)["'`]?[\w.@-]{2,40}["'`]?\s*(?:/|:|,|\||and)\s*["'`]?(?P<s>[^\s"'`,;()]{6,80})"#,
        "login: admin / %s",
    ),
    rule(
        "password",
        "auth",
        Literal,
        r#"(?i)\b(?:auth|basic_auth|basicauth|setbasicauth|set_basic_auth|basic|httpbasicauth|httpdigestauth|credentials|login|usernamepasswordcredentials|networkcredential|passwordauthentication|setcredentials|set_credentials|authenticate|proxyauth|http_auth|userpass)\s*[=:(]\s*[\[({]?\s*[brfu@]?["'][^"'\n]{0,80}["']\s*,\s*(?:Some\(\s*)?[brfu@]?["'](?P<s>[^"'\n]{4,200})["']\s*[\])},]"#,
        "get(url, auth=('app', '%s'))",
    ),
    rule(
        "password",
        "credential",
        Literal,
        r#"(?i)\b(?:\w{0,40}credentials?)\s*\(\s*["'][^"'\n]{0,80}["']\s*,\s*["'](?P<s>[^"'\n]{4,200})["']"#,
        "new NetworkCredential(\"a\", \"%s\")",
    ),
    rule(
        "password",
        "plainauth",
        Literal,
        r#"(?i)\bplainauth\(\s*"[^"\n]*"\s*,\s*"[^"\n]*"\s*,\s*"(?P<s>[^"\n]{4,200})""#,
        "smtp.PlainAuth(\"\", \"a\", \"%s\", h)",
    ),
    rule(
        "password",
        ".login(",
        Mixed,
        r#"\.login\(\s*["'][^"'\n]{1,80}["']\s*,\s*["'](?P<s>[^"'\n]{4,200})["']"#,
        "server.login(\"a@b.c\", \"%s\")",
    ),
    rule(
        "secret",
        "_auth",
        Random,
        r#"(?i)(?:^|[\s:"'])_auth["']?\s*[:=]\s*["']?(?P<s>[0-9a-z+/]{12,512}={0,2})"#,
        "//r.local/:_auth=%s",
    ),
    rule(
        "secret",
        "\"auth\"",
        Random,
        r#""auth"\s*:\s*"(?P<s>[0-9A-Za-z+/]{12,512}={0,2})""#,
        "{\"auth\": \"%s\"}",
    ),
    rule(
        "secret",
        "client-key-data",
        Literal,
        r#"client-key-data["']?\s*:\s*["']?(?P<s>[0-9A-Za-z+/=]{20,8192})"#,
        "    client-key-data: %s",
    ),
    rule(
        "AWS secret",
        "aws",
        Random,
        r#"(?i)\baws.{0,40}?(?:secret|key).{0,20}?[\s"':=>,]{1,10}(?P<s>[A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|\z)"#,
        "aws_secret: %s",
    ),
    rule(
        "password",
        "--with-token",
        Literal,
        r#"echo\s+(?:-n\s+)?["']?(?P<s>[^\s"'`$]{3,512})["']?\s*\|"#,
        "echo %s | gh auth login --with-token",
    ),
    rule(
        "password",
        "twine",
        Literal,
        r#"\btwine\b[^\r\n]{0,300}?[ \t]-p[ =]?["']?(?P<s>[^\s"'`$-][^\s"'`]{2,512})"#,
        "twine upload -u a -p %s dist/*",
    ),
    rule(
        "password",
        "useradd",
        Literal,
        r#"\b(?:useradd|usermod)\b[^\r\n]{0,200}?[ \t](?:-p|--password)[ =]?["']?(?P<s>[^\s"'`$-][^\s"'`]{2,512})"#,
        "useradd -p '%s' bob",
    ),
    rule(
        "password",
        "openssl",
        Literal,
        r#"\bopenssl\b[^\r\n]{0,300}?[ \t]-[kK][ =]?["']?(?P<s>[^\s"'`$-][^\s"'`]{3,512})"#,
        "openssl enc -k %s",
    ),
    rule(
        "password",
        ".pgpass",
        Literal,
        r#"["']?[^:\s"']{1,80}:[^:\s"']{0,10}:[^:\s"']{0,60}:[^:\s"']{1,60}:(?P<s>[^\s"':]{3,200})["']?\s*>"#,
        "echo 'db:5432:app:bob:%s' > ~/.pgpass",
    ),
    rule(
        "password",
        "432:",
        Literal,
        r#"\A[\w.*-]{1,80}:[0-9]{0,2}432:[\w.*-]{1,60}:[\w.*@-]{1,60}:(?P<s>[^\s:"'`$<]{4,200})\s*\z"#,
        "db.local:5432:app:bob:%s",
    ),
    rule(
        "password",
        ":5433:",
        Literal,
        r#"\A[\w.*-]{1,80}:5433:[\w.*-]{1,60}:[\w.*@-]{1,60}:(?P<s>[^\s:"'`$<]{4,200})\s*\z"#,
        "db.local:5433:app:bob:%s",
    ),
    rule(
        "password",
        ":*:",
        Mixed,
        r#"\A[\w.*-]{1,80}:\*:[\w.*-]{1,60}:[\w.*@-]{1,60}:(?P<s>[^\s:"'`$<]{4,200})\s*\z"#,
        "db.local:*:*:bob:%s",
    ),
    rule(
        "password",
        "net user",
        Literal,
        r#"(?i)\bnet\s+user\s+(?:"[^"\n]{1,60}"|[\w.$-]{1,60})\s+["']?(?P<s>[^\s"'`/%*$<][^\s"'`]{2,127})["']?\s+/[a-z]"#,
        "net user bob %s /add",
    ),
    rule(
        "password",
        "net user",
        Mixed,
        r#"(?i)\bnet\s+user\s+(?:"[^"\n]{1,60}"|[\w.$-]{1,60})\s+["']?(?P<s>[^\s"'`/%*$<][^\s"'`]{2,127})"#,
        "net user bob %s",
    ),
    rule(
        "password",
        "convertto-securestring",
        Literal,
        r#"(?i)\bconvertto-securestring\s+(?:-\w+\s+){0,4}\(?\s*["'](?P<s>[^"'\n]{3,200})["']"#,
        "ConvertTo-SecureString \"%s\" -AsPlainText -Force",
    ),
    rule(
        "AWS secret",
        "configure set",
        Literal,
        r#"(?i)\bconfigure\s+set\s+(?:[\w.-]{1,60}\.)?aws_(?:secret_access_key|session_token)\s+["']?(?P<s>[^\s"'`$<]{16,2048})"#,
        "aws configure set aws_secret_access_key %s",
    ),
    rule(
        "password",
        "community",
        Literal,
        r#"(?i)\b(?:snmp-server\s+community|r[ow]community6?)\s+(?:[078]\s+)?["']?(?P<s>[^\s"'`$<]{3,64})"#,
        "snmp-server community %s RO",
    ),
    rule(
        "password",
        "pwd={",
        Mixed,
        r#"(?i)\b(?:pwd|password)=\{(?P<s>[^}'"\n]{4,200})\}"#,
        "DRIVER={x};PWD={%s};",
    ),
    rule(
        "password",
        "mysqli",
        Literal,
        r#"(?i)\bmysqli(?:_connect)?\(\s*[^,\n]{1,80},\s*["'][^"'\n]{0,80}["']\s*,\s*["'](?P<s>[^"'\n]{4,200})["']"#,
        "new mysqli('h', 'root', '%s', 'db')",
    ),
    rule(
        "password",
        "pdo(",
        Literal,
        r#"(?i)\bpdo\(\s*[^,\n]{1,200},\s*["'][^"'\n]{0,80}["']\s*,\s*["'](?P<s>[^"'\n]{4,200})["']"#,
        "new PDO($dsn, 'root', '%s')",
    ),
    rule(
        "password",
        "connect(",
        Mixed,
        r#"(?i)\b\w{0,20}connect\(\s*[^,\n]{1,200},\s*["'][^"'\n]{0,80}["']\s*,\s*["'](?P<s>[^"'\n]{4,200})["']"#,
        "mysql_connect('h', 'root', '%s')",
    ),
    rule(
        "password",
        "getconnection(",
        Literal,
        r#"(?i)getconnection\(\s*[^,\n]{1,200},\s*"[^"\n]{0,80}"\s*,\s*"(?P<s>[^"\n]{4,200})""#,
        "DriverManager.getConnection(u, \"sa\", \"%s\")",
    ),
    rule(
        "secret",
        "jwt",
        Random,
        r#"(?i)\bjwt\.(?:sign|encode|verify|decode)\(\s*[^,\n]{1,200},\s*[bru]?["'](?P<s>[^"'\n]{8,512})["']"#,
        "jwt.sign(claims, '%s')",
    ),
    rule(
        "secret",
        "default",
        Mixed,
        r#"(?i)["']--?[\w-]{0,40}(?:passw(?:or)?d|pwd|secret|token|api-?key|passphrase)["'][^\n]{0,200}?\bdefault(?:_value)?\s*[=:(]\s*["'](?P<s>[^"'\n]{6,512})["']"#,
        "option('--token', default='%s')",
    ),
    rule(
        "secret",
        "fromhex",
        Random,
        r#"(?i)(?:key|secret|seed|salt|iv)\w{0,20}\s*=\s*[\w.]{0,40}fromhex\(\s*["'](?P<s>[0-9a-f]{16,512})"#,
        "key = bytes.fromhex('%s')",
    ),
    rule(
        "secret",
        "unhexlify",
        Random,
        r#"(?i)(?:key|secret|seed|salt|iv)\w{0,20}\s*=\s*[\w.]{0,40}unhexlify\(\s*b?["'](?P<s>[0-9a-f]{16,512})"#,
        "key = binascii.unhexlify('%s')",
    ),
    rule(
        "authorization",
        "bearer",
        Random,
        r#"(?i)["'`]bearer\s*["'`]\s*(?:\+|\.|,|<>|\.\.|&)\s*[bru]?["'`](?P<s>[^"'`\n]{12,4096})["'`]"#,
        "h = 'Bearer ' + '%s'",
    ),
    rule(
        "private key",
        "\"k\"",
        Random,
        r#""k"\s*:\s*"(?P<s>[0-9A-Za-z_-]{22,2048})""#,
        "{\"kty\": \"oct\", \"k\": \"%s\"}",
    ),
    rule(
        "private key",
        "\"p\"",
        Random,
        r#""[pq]"\s*:\s*"(?P<s>[0-9A-Za-z_-]{40,2048})""#,
        "",
    ),
    rule(
        "private key",
        "\"dp\"",
        Random,
        r#""(?:dp|dq|qi)"\s*:\s*"(?P<s>[0-9A-Za-z_-]{40,2048})""#,
        "",
    ),
    rule(
        "private key",
        "private-lines",
        Literal,
        r"(?i)Private-Lines: [0-9]+\r?\n(?P<s>(?:[0-9A-Za-z+/=]{20,}\r?\n?)+)",
        "Private-Lines: 1\n%s",
    ),
    rule(
        "private key",
        "\"d\"",
        Random,
        r#""d"\s*:\s*"(?P<s>[0-9A-Za-z_-]{20,2048})""#,
        "{\"kty\": \"EC\", \"d\": \"%s\"}",
    ),
];

pub(super) static PATTERNS: LazyLock<Vec<Option<Regex>>> = LazyLock::new(|| {
    let build = |rule: &Rule| {
        regex::bytes::RegexBuilder::new(rule.pattern)
            .unicode(false)
            .build()
            .ok()
    };
    RULES.iter().map(build).collect()
});

impl Proof {
    pub fn holds(self, secret: &[u8]) -> bool {
        let fits = match self {
            Self::Literal => secret.len() >= 3,
            Self::Mixed => value::is_mixed(secret) || value::is_random(secret),
            Self::Random => value::is_random(secret),
        };
        fits && !value::is_placeholder(secret) && !secret.starts_with(b"[redacted")
    }
}
