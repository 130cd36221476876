//! What must be found, and what must stay. Secrets are drawn here, so that none stands in this repository.
#![allow(clippy::unwrap_used)]

use super::*;

const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const HEX: &str = "0123456789abcdef";

fn drawn(rng: &mut fastrand::Rng, from: &str, length: usize) -> String {
    (0..length)
        .map(|_| char::from(from.as_bytes()[rng.usize(..from.len())]))
        .collect()
}

fn redacted(text: &str, syntax: Syntax) -> String {
    String::from_utf8_lossy(&redact(text.as_bytes(), syntax)).into_owned()
}

const SYNTAXES: [Syntax; 5] = [
    Syntax::Code,
    Syntax::Config,
    Syntax::Shell,
    Syntax::Prose,
    Syntax::Unknown,
];

#[test]
fn each_token_format_is_found_by_its_form_alone() {
    let mut rng = fastrand::Rng::with_seed(7);
    let mut missed = Vec::new();
    for (row, (kind, shape)) in vendors::SHAPES.iter().enumerate() {
        assert!(shape.trigger.len() >= 2, "{kind}");
        let lost = (0..20).filter(|_| {
            let sample = shape.sample(&mut rng);
            let texts = [
                (format!("v = \"{sample}\"\n"), Syntax::Code),
                (format!("  v: {sample}\n"), Syntax::Config),
                (
                    format!("Call it with {sample}, then stop.\n"),
                    Syntax::Prose,
                ),
                (format!("a\\n{sample}\\n"), Syntax::Unknown),
            ];
            texts
                .iter()
                .any(|(text, syntax)| redacted(text, *syntax).contains(&sample))
        });
        let lost = lost.count();
        // A short random part may look like a word.
        if lost > 1 {
            missed.push((kind, row, lost));
        }
    }
    assert!(missed.is_empty(), "missed of 20: {missed:?}");
}

#[test]
fn each_rule_of_structure_finds_its_sample() {
    let mut rng = fastrand::Rng::with_seed(3);
    assert!(structure::RULES.len() > 90);
    for rule in structure::RULES.iter() {
        assert!(rule.pattern().is_some(), "{}", rule.sample);
        if rule.sample.is_empty() {
            continue;
        }
        let secret = match (rule.kind, rule.triggers[0]) {
            (_, "fromhex" | "unhexlify" | "sentry") => drawn(&mut rng, HEX, 32),
            ("AWS secret", _) => drawn(&mut rng, ALNUM, 39) + "7",
            _ => drawn(&mut rng, ALNUM, 31) + "x7K",
        };
        let text = rule.sample.replace("\\n", "\n");
        let text = text.replacen("%s", &secret, 1).replace("%%", "%");
        let text = redacted(&text, Syntax::Shell);
        assert!(
            text.contains("[redacted: ") && !text.contains(&secret),
            "{}: {text}",
            rule.sample
        );
    }
}

/// A line with `%s` for a value, how the file writes values, and whether the value is drawn (a token) or chosen.
const PLACES: &[(&str, Syntax, bool)] = &[
    ("password = \"%s\"", Syntax::Code, false),
    ("const dbPass = '%s';", Syntax::Code, false),
    ("cfg.Password = \"%s\"", Syntax::Code, false),
    ("const apiSecret string = \"%s\"", Syntax::Code, true),
    ("const API_KEY: &'static str = \"%s\";", Syntax::Code, true),
    ("API_KEY: str = \"%s\"", Syntax::Code, true),
    ("static const char api_key[] = \"%s\";", Syntax::Code, true),
    ("#define API_KEY \"%s\"", Syntax::Code, true),
    ("val apiKey: String = \"%s\"", Syntax::Code, true),
    ("config['db']['password'] = '%s'", Syntax::Code, false),
    ("os.environ[\"API_TOKEN\"] = \"%s\"", Syntax::Code, true),
    ("KEY = os.getenv('API_KEY', '%s')", Syntax::Code, true),
    ("define( 'DB_PASSWORD', '%s' );", Syntax::Code, false),
    (
        "connect(host='db', user='app', passwd='%s')",
        Syntax::Code,
        false,
    ),
    ("{ :password => \"%s\", :x => 1 }", Syntax::Code, false),
    ("'password' => '%s',", Syntax::Code, false),
    (
        "let secret = SecretString::from(\"%s\");",
        Syntax::Code,
        true,
    ),
    ("token = b\"%s\"", Syntax::Code, true),
    (
        "api_key = ('part_one_'\n           '%s')",
        Syntax::Code,
        true,
    ),
    ("# the password is %s", Syntax::Code, false),
    ("dsn = 'SERVER=db;UID=sa;PWD=%s'", Syntax::Code, false),
    (
        "variable \"db_password\" {\n  type    = string\n  default = \"%s\"\n}",
        Syntax::Code,
        false,
    ),
    ("{\"password\": \"%s\"}", Syntax::Config, false),
    (
        "{\"cfg\": \"{\\\"password\\\": \\\"%s\\\"}\"}",
        Syntax::Config,
        false,
    ),
    (
        "[{\"name\": \"API_TOKEN\", \"value\": \"%s\"}]",
        Syntax::Config,
        true,
    ),
    ("db:\n  password: '%s'", Syntax::Config, false),
    (
        "db: {user: app, password: %s, port: 1}",
        Syntax::Config,
        false,
    ),
    (
        "env:\n  - name: DATABASE_PASSWORD\n    value: %s",
        Syntax::Config,
        false,
    ),
    (
        "environment:\n  - MYSQL_ROOT_PASSWORD=%s",
        Syntax::Config,
        false,
    ),
    ("kind: Secret\ndata:\n  anything: %s", Syntax::Config, true),
    ("password: |\n  %s\nx: 1", Syntax::Config, false),
    ("[db]\npassword = %s", Syntax::Config, false),
    ("spring.datasource.password=%s", Syntax::Config, false),
    ("<password>%s</password>", Syntax::Config, false),
    (
        "<property name=\"password\" value=\"%s\"/>",
        Syntax::Config,
        false,
    ),
    (
        "<add key=\"ClearTextPassword\" value=\"%s\" />",
        Syntax::Config,
        false,
    ),
    ("name,password\nadmin,%s\n", Syntax::Config, false),
    ("export DB_PASSWORD='%s'", Syntax::Shell, false),
    ("PGPASSWORD=%s psql -h db", Syntax::Shell, false),
    ("X=${DB_PASSWORD:-%s}", Syntax::Shell, false),
    ("az login --password %s", Syntax::Shell, false),
    (
        "curl -H \"Authorization: Bearer %s\" x",
        Syntax::Shell,
        true,
    ),
    ("curl -H 'x-api-key: %s' x", Syntax::Shell, true),
    ("ENV API_TOKEN=%s", Syntax::Shell, true),
    ("postgres://app:%s@db.local/x", Syntax::Prose, false),
    (
        "2024-01-02 INFO login user=bob password=%s ip=1",
        Syntax::Unknown,
        false,
    ),
    ("Cookie: sessionid=%s; theme=dark", Syntax::Unknown, true),
    (
        "let pw = env::var(\"DB_PASSWORD\").unwrap_or(\"%s\".into());",
        Syntax::Code,
        false,
    ),
    ("ENV.fetch('DB_PASSWORD') { '%s' }", Syntax::Code, false),
    ("const std::string api_key{\"%s\"};", Syntax::Code, true),
    ("{password, \"%s\"}.", Syntax::Code, false),
    ("user, password = 'bob', '%s'", Syntax::Code, false),
    ("const pw = dev ? 'x' : '%s7'", Syntax::Code, false),
    (
        "user_data = <<EOF\nexport DB_PASSWORD=%s\nEOF",
        Syntax::Code,
        false,
    ),
    ("DB_PASSWORD=%s", Syntax::Prose, false),
    ("senhaBanco = \"%s\"", Syntax::Code, true),
    ("password_grafana = \"%s\"", Syntax::Code, true),
    ("wachtwoord: '%s'", Syntax::Config, false),
    ("const tkn = '%s'", Syntax::Code, true),
    ("usrpwd = '%s'", Syntax::Code, false),
    ("- API_KEY=%s DEBUG=1", Syntax::Config, true),
    ("password: !!str %s", Syntax::Config, false),
    ("password: &pw %s", Syntax::Config, false),
    (
        "[{\"value\": \"%s\", \"name\": \"DB_PASSWORD\"}]",
        Syntax::Config,
        false,
    ),
    ("<password><![CDATA[%s]]></password>", Syntax::Config, false),
    (
        "<wsse:Password Type=\"x#PasswordText\">%s</wsse:Password>",
        Syntax::Config,
        false,
    ),
    (
        "<param-name>db.password</param-name>\n<param-value>%s</param-value>",
        Syntax::Config,
        false,
    ),
    (
        "<AdministratorPassword><Value>%s</Value></AdministratorPassword>",
        Syntax::Config,
        false,
    ),
    (
        "password:\n  type: string\n  example: %s",
        Syntax::Config,
        false,
    ),
    ("note acme_sk_live_%s here", Syntax::Prose, true),
    (
        "INSERT INTO a (name, password) VALUES ('a', 'abcd1234');\nINSERT INTO a (name, password) VALUES ('b', '%s');",
        Syntax::Config,
        false,
    ),
    (
        "[{\"kind\": \"Secret\", \"data\": {\"a\": \"YWJjZA==\"}},\n{\"kind\": \"Secret\", \"data\": {\"b\": \"%s\"}}]",
        Syntax::Config,
        true,
    ),
    ("a = \"123456789012345|%s\"", Syntax::Code, true),
];

#[test]
fn values_that_a_name_marks_are_found_wherever_they_stand() {
    let mut rng = fastrand::Rng::with_seed(5);
    for &(line, syntax, random) in PLACES {
        for round in 0..20 {
            let secret = match (random, round % 2) {
                (true, 0) => drawn(&mut rng, ALNUM, 32),
                (true, _) => drawn(&mut rng, ALNUM, 40),
                (false, 0) => drawn(&mut rng, ALNUM, 14),
                (false, _) => format!("hunter{}", rng.u16(10..1000)),
            };
            let text = format!("one\n{}\ntwo\n", line.replace("%s", &secret));
            let once = redacted(&text, syntax);
            assert!(!once.contains(&secret), "{syntax:?}: {text}");
            assert_eq!(once.lines().count(), text.lines().count(), "{once}");
            assert!(
                once.starts_with("one\n") && once.ends_with("two\n"),
                "{once}"
            );
        }
    }
}

/// Values that no random generator made: only their place, or the vendor's prefix, marks them.
#[test]
fn plain_values_are_found_where_a_name_or_a_prefix_marks_them() {
    let alphabet = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJ";
    for (prefix, length) in [
        ("glpat-", 20),
        ("hvs.", 24),
        ("AIza", 35),
        ("sk-proj-", 40),
        ("npm_", 36),
        ("ghp_", 36),
    ] {
        let token = format!("{prefix}{}", &alphabet[..length]);
        let stands = format!("{prefix}{}", "x".repeat(length));
        for syntax in SYNTAXES {
            let once = redacted(&format!("a = '{token}'\n"), syntax);
            assert!(!once.contains(&token), "{syntax:?}: {once}");
            let text = format!("a = '{stands}'\n");
            assert_eq!(redacted(&text, syntax), text, "{syntax:?}");
        }
    }
    for (text, syntax, secret) in [
        ("jdbc:x://h/db?user=u&password=pw%", Syntax::Prose, "123456"),
        ("jdbc:x://h/db?user=u&password=%", Syntax::Prose, "sesame"),
        ("Server=h;User Id=sa;Password=%;", Syntax::Prose, "sesame"),
        ("GET /x?a=b&api_key=%", Syntax::Prose, "abcd1234efgh"),
        ("DEPLOY_TOKEN := %", Syntax::Shell, "abcd1234efgh"),
        ("token := \"%\"", Syntax::Code, "abcd1234efgh"),
        ("token = \"\"\"\n%\n\"\"\"", Syntax::Config, "q1w2e3r4t5y6"),
        ("token = '''\n%\n'''", Syntax::Code, "q1w2e3r4t5y6"),
        ("local password = [[%]]", Syntax::Code, "luasesame"),
        ("local token = [==[%]==]", Syntax::Code, "q1w2e3r4t5y6"),
        ("[db]\npass = %", Syntax::Config, "correct horse battery"),
        ("Client(api_key=\"%\")", Syntax::Code, "plainkeyvalue9"),
        ("the password `%`.", Syntax::Prose, "welcome42"),
        ("the password ``%``", Syntax::Prose, "welcome42"),
        ("h:5432:db:user:%", Syntax::Prose, "sesame"),
        ("h:15432:*:user:%", Syntax::Prose, "sesame"),
        ("net user \"Bob S\" % /add", Syntax::Shell, "sesame"),
        ("snmp-server community 0 % RO", Syntax::Shell, "sesame"),
        (
            "root:$6$rounds=5000$salt$%:19000:0:",
            Syntax::Prose,
            "kd93jfkdlsow93jfkdls",
        ),
        ("net user bob % /add", Syntax::Shell, "sesame"),
        (
            "aws configure set aws_secret_access_key %",
            Syntax::Shell,
            "abcdefghijklmnopqrstuvwxyz0123456789ABCD",
        ),
    ] {
        let text = format!("one\n{}\ntwo\n", text.replace('%', secret));
        let once = redacted(&text, syntax);
        assert!(!once.contains(secret), "{once}");
        assert_eq!(once.lines().count(), text.lines().count(), "{once}");
    }
    for (text, syntax) in [
        ("passwords = [[a, b], [c, d]]", Syntax::Code),
        (
            "The `password` `user_password` `password()`.",
            Syntax::Prose,
        ),
        ("jdbc:x://h/db?user=u&password=password", Syntax::Prose),
        ("net user bob /delete", Syntax::Shell),
        ("The community is strong.", Syntax::Prose),
        ("ConvertTo-SecureString \"$plain\" -Force", Syntax::Code),
        ("let token = nextToken2;", Syntax::Code),
        ("pass = true", Syntax::Config),
        (
            "'@inquirer/password': 5.1.1(@types/node@20.19.43)",
            Syntax::Config,
        ),
        (
            "- `password` - The password of the server, or `x`.\n- `host` - The name of the server, or `abcd1234`.\n",
            Syntax::Prose,
        ),
        (
            "disable=unnecessary-pass,\nunused-argument,\n",
            Syntax::Config,
        ),
    ] {
        assert_eq!(redacted(text, syntax), text);
    }
}

/// Tokens of vendors that are on no list: the shape of a whole literal, or what it is passed to, shows them.
#[test]
fn unlisted_tokens_are_found_by_their_shape_and_place() {
    let mut rng = fastrand::Rng::with_seed(13);
    let base36 = "abcdefghijklmnopqrstuvwxyz0123456789";
    for text in [
        "client = AcmeClient(\"%a\")",
        "new Acme.Api('%a')",
        "client = AcmeClient(token=\"%a\")",
        "v = \"%m\"",
        "v = 'ACMETOK_TEST-%m'",
        "v = \"acme.%m.%m\"",
        "v = \"acm_%a\"",
        "get(\"https://api.acme.local/v1/x?appid=%a&limit=10\")",
        "acmeApi: \"%a\"",
        "ACME=%m\n",
    ] {
        let lost = (0..20).filter(|_| {
            let mixed = drawn(&mut rng, ALNUM, 32);
            let lower = drawn(&mut rng, base36, 32);
            let text = text.replace("%m", &mixed).replace("%a", &lower);
            let once = redacted(&text, Syntax::Code);
            once.contains(&mixed) || once.contains(&lower)
        });
        assert!(lost.count() <= 1, "{text}");
    }
    for text in [
        "digest = \"ujmZX4KXZqjwy6vi1aQFH5p4Ygk=\"",
        "content_md5 = \"fHcEH1vPwA6eTPqxuasXcg==\"",
        "encode(\"ZXhhbXBsZSBieXRlc3RyaW5nIQ==\")",
        "punycode = \"xn--i1baa7eci9glrd9b2ae1bj0hfcgg6iyaf8o0a1dig0cd\"",
        "png = \"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk\"",
        "alias = \"kCFNumberFloat32TypeForEachThing\"",
        "fingerprint: \"Vd1MdLDkhTTi9OFzzs61DfjyenrCqomRzHrpFOAwvO0=\"",
        "x = \"lc2VhcmNoMRYwFAYDVQQDDA1KdXJhc3NpYyBQYXJrMB4X\" +\n    \"b\"",
        "new HttpClient(\"https://api.acme.local\")",
    ] {
        assert_eq!(redacted(text, Syntax::Code), text);
    }
}

/// Names in every case style, and a value that only the name marks.
#[test]
fn names_count_in_every_case_style() {
    let mut rng = fastrand::Rng::with_seed(9);
    let names = [
        "api key",
        "db password",
        "client secret",
        "auth token",
        "private key",
        "access token",
        "user pw",
        "signing key",
        "refresh token",
        "master key",
        "smtp passwd",
        "pass phrase",
        "redis pass",
        "session secret",
        "encryption key",
        "password salt",
        "webhook secret",
        "license key",
        "admin credentials",
        "service account key",
    ];
    for name in names {
        let words: Vec<&str> = name.split(' ').collect();
        let pascal: String = words
            .iter()
            .map(|word| word[..1].to_uppercase() + &word[1..])
            .collect();
        let camel = pascal[..1].to_lowercase() + &pascal[1..];
        let styles = [
            words.join("_"),
            words.join("-"),
            words.join("."),
            words.join("_").to_uppercase(),
            pascal,
            camel,
            format!("APP_{}_PROD", words.join("_").to_uppercase()),
            format!("{}2", words.join("_")),
        ];
        for style in styles {
            let secret = drawn(&mut rng, ALNUM, 32);
            let text = format!("\"{style}\": \"{secret}\"");
            assert!(!redacted(&text, Syntax::Config).contains(&secret), "{text}");
        }
    }
}

#[test]
fn passwords_that_people_choose_are_found() {
    let chosen = [
        "hunter2verysecretpw",
        "correct horse battery staple",
        "S3cr3t!",
        "mySecretPassw0rd",
        "P@ssw0rd",
        "foobar2019prod",
        "iloveyou",
        "12345678",
        "x<9>Yk2",
        "(paren)pw9!",
        "/slash/pw9",
        "pass{word}9",
        "50%(off)sale9",
        "Dr0w$$ap",
        "admin",
        "françois9",
    ];
    for password in chosen {
        for text in [
            format!("PASSWORD = \"{password}\""),
            format!("connect(user='a', passwd='{password}')"),
            format!("{{\"password\": \"{password}\"}}"),
        ] {
            let once = redacted(&text, Syntax::Code);
            assert!(!once.contains(password), "{text}: {once}");
        }
        let text = format!("[db]\npassword = {password}\n");
        assert!(
            !redacted(&text, Syntax::Config).contains(password),
            "{text}"
        );
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
        "password = kwargs[\"password\"]",
        "password = raw.encode(\"latin1\")",
        "kwargs[\"password\"] = settings[\"PASSWORD\"]",
        "field_order = [\"old_password\", \"new_password1\", \"new_password2\"]",
        "api_key = os.environ[\"OPENAI_API_KEY\"]",
        "api_key=\"{{ lookup('env', 'API_KEY_FOR_SERVICE_1') }}\"",
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
        "headers = {\"Authorization\": f\"Bearer {self.api_key}\"}",
        "sha256 = \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"",
        "private_key_path = \"/etc/ssl/private/key-2024-01.pem\"",
        "password = models.CharField(max_length=255)",
        "client_secret = \"XMLHTTPRequestURLParserForTheThing\"",
        "日本語 password 表",
        "SKU0123456789",
        "curl -u \"$USER:$TOKEN\" https://example.com",
        "from 12345678:AAB to 9",
        "xai-grok-model-name",
        "r8_unorm_texture_format",
        "\"session\": [0, 1, 3, 4, 13, 14, 16, 17, 19]",
        "const token_ids = [1, 15043, 3186, 29871, 13, 2277, 29937, 2799]",
        "passwords = {'conn_pass': sshpass, 'become_pass': becomepass}",
        "to_text(password, errors='surrogate_or_strict2')",
        "def crypt(password, hashtype='sha512', salt=None):",
        "'password' => env('DB_PASSWORD'),\n'sslmode' => env('DB_SSLMODE'),",
        "password = \"#{password}#{klass.pepper}\"",
        "val usernameAndPassword = \"$username:$password\"",
        "'{name? : The name of the password broker}'",
        "openssl req -x509 -newkey rsa:4096 -keyout ssl/worker.key -out x.pem",
        "x?ssl-ca=.%2Fcerts%2Fca.crt&ssl-key=.%2Fcerts%2Fkeys%2Fclient.key",
        "KRB5_PASSWORD_ENV = 'KRB5_PASSWORD'",
        "if update_password == 'always':",
        "'password' => 'required|min:8|confirmed',",
        "\"Bearer resource_metadata=\\\"/metadata\\\"\"",
        "\"passwords or pkcs11_provider\"",
        "<input type=\"password\" placeholder=\"Password\" autoComplete=\"current-password\" />",
    ] {
        let once = redact(text.as_bytes(), Syntax::Code);
        assert!(
            matches!(once, Cow::Borrowed(_)),
            "{text}: {}",
            String::from_utf8_lossy(&once)
        );
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
        for syntax in SYNTAXES {
            let once = redacted(&text, syntax);
            assert!(once.contains("[redacted: private key]"), "{once}");
            assert!(!once.contains(&body[..20]));
            assert_eq!(once.lines().count(), text.lines().count());
            assert!(once.ends_with("x = 1\n"));
            // A text that breaks off within the key gives none of it away.
            assert!(!redacted(&text[..text.len() - 100], syntax).contains(&body[..20]));
            let escaped = text.replace('\n', "\\n");
            assert!(
                !redacted(&escaped, syntax).contains(&body[..20]),
                "{escaped}"
            );
        }
    }
}

/// Any bytes: no panic, the same number of lines, and nothing left that a second pass finds.
#[test]
fn any_text_keeps_its_lines_and_is_redacted_once() {
    let words: [&[u8]; 28] = [
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
        b"]",
        b"kind: Secret\ndata:\n  a: b2x1bGFsYQ==\n",
        b"\\\"",
        b"'''",
        b"name,password\na,b1c2d3e4\n",
        b"token: |\n  ",
        b"${X_PASSWORD:-",
        b"<password>",
        b"auth=('a', 'b1c2d3')",
        b"key[16] = {",
        b"0x1f, 0x2e, ",
        b"machine x login y password ",
        b"Authorization: Bearer ",
        b"name: API_TOKEN\nvalue: ",
        b"mnemonic ",
        b"$2y$10$",
        b"variable \"db_password\" {\n default = \"",
        b"curl -u a:",
    ];
    for seed in crate::fuzz::rounds(150) {
        let mut rng = fastrand::Rng::with_seed(seed);
        let key = drawn(&mut rng, ALNUM, 40);
        let (first, last) = (rng.usize(..words.len()), rng.usize(..words.len()));
        let text = [
            crate::fuzz::text(&mut rng, 200).as_bytes(),
            words[first],
            format!("{key}\ntoken = \"{key}\"\nurl = https://u:{key}@host/x\n").as_bytes(),
            words[last],
            crate::fuzz::text(&mut rng, 200).as_bytes(),
        ]
        .concat();
        let text = crate::fuzz::mutated(&mut rng, &text, &words);
        for syntax in SYNTAXES {
            let once = redact(&text, syntax);
            let lines = |text: &[u8]| text.iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(lines(&once), lines(&text), "seed {seed}");
            let twice = redact(&once, syntax);
            assert_eq!(
                String::from_utf8_lossy(&twice),
                String::from_utf8_lossy(&once),
                "seed {seed} {syntax:?}"
            );
        }
    }
}

/// Texts that cost more than the bound keep their lines, also when they are read again; a removed place never comes back.
#[test]
fn text_beyond_the_bound_keeps_its_lines() {
    let parts: Vec<String> = include_str!("hostile.txt")
        .lines()
        .skip(1)
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for seed in crate::fuzz::rounds(6) {
        let mut rng = fastrand::Rng::with_seed(seed);
        let pick = |_| parts[rng.usize(..parts.len())].clone() + ["", "\n", " "][rng.usize(..3)];
        let part: String = (0..4).map(pick).collect();
        let text = part.repeat((200 << 10) / part.len() + 1);
        let syntax = SYNTAXES[seed as usize % SYNTAXES.len()];
        let once = redacted(&text, syntax);
        let twice = redacted(&once, syntax);
        for (before, after) in [(&text, &once), (&once, &twice)] {
            assert_eq!(
                before.matches('\n').count(),
                after.matches('\n').count(),
                "seed {seed} {syntax:?}: {part:?}"
            );
        }
        assert!(twice.len() <= once.len(), "seed {seed} {syntax:?}");
    }
}

/// A thousand lines of code that each name a secret or two are judged whole.
#[test]
fn lines_of_code_do_not_reach_the_bound() {
    for line in [
        "def function(): pass",
        "except KeyError: pass",
        "class PasswordError(Exception): pass",
        "    pass",
        "    token = lexer.next_token()",
        "    self.assertEqual(token.type, Token.NAME)",
        "    api_key: str",
        "    pub secret_key: SecretKey,",
        "    case TokenKind.Password:",
        "    const [key, value] = pair;",
        "    private final String password;",
        "    settings.password = self.password",
    ] {
        let text = format!("{line}\n").repeat(1_000);
        let once = redacted(&text, Syntax::Code);
        assert_eq!(once.lines().position(|other| other != line), None, "{line}");
    }
}

/// Texts that are made of one trigger, as short and as long lines, and mixed by chance. In a release build each is read at
/// 50 MB/s of processor time: `cargo test --release --lib redact::tests::hostile -- --nocapture`.
#[test]
fn hostile_text_is_not_slow() {
    let parts: Vec<String> = include_str!("hostile.txt")
        .lines()
        .skip(1)
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let release = !cfg!(debug_assertions);
    let mut rng = fastrand::Rng::with_seed(1);
    let mixed = (0..if release { 150 } else { 10 }).map(|_| {
        let pick =
            |_| parts[rng.usize(..parts.len())].clone() + rng.choice(["", "\n", " "]).unwrap();
        (0..3).map(pick).collect()
    });
    let all: Vec<String> = parts.iter().cloned().chain(mixed).collect();
    let length = if release { 1 << 20 } else { 1 << 14 };
    let mut slow = Vec::new();
    redact(b"password = 1", Syntax::Code);
    for (number, part) in all.iter().enumerate() {
        let text = part.repeat(length / part.len() + 1);
        // A release build tries each syntax, slow ones again, because others use the processor's cache too.
        let syntaxes = if release {
            &SYNTAXES[..]
        } else {
            &SYNTAXES[number % 5..][..1]
        };
        for &syntax in syntaxes {
            let cost = || {
                let began = processor_time();
                assert!(!redact(text.as_bytes(), syntax).is_empty());
                processor_time() - began
            };
            let mut least = cost();
            for _ in 0..3 {
                if release && least * 50e6 > text.len() as f64 {
                    least = least.min(cost());
                }
            }
            let speed = text.len() as f64 / 1e6 / least;
            if speed < if release { 50.0 } else { 0.02 } {
                slow.push((speed, syntax, part.chars().take(60).collect::<String>()));
            }
        }
    }
    assert!(slow.is_empty(), "MB/s: {slow:#?}");
}

/// The processor time of this thread, in seconds.
fn processor_time() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}
