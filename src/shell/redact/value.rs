//! What a value is like: a placeholder, a template, an expression, or drawn at random.

use super::words::{Words, words};

/// Values that stand for a secret and are none, in lower case and without separators. The whole value must equal one.
static PLACEHOLDERS: Words = words!(
    "password passwd passphrase passcode pass pwd psk pin secret secrets token tokens apikey key keys auth \
    credential credentials salt mypassword somepassword somesecret sometoken mysecret mytoken yourpassword yoursecret yourtoken yourkey \
    yourapikey yourapikeyhere yourpasswordhere yoursecrethere yourtokenhere yoursecretkey yoursecretkeyhere \
    youraccesstoken yourclientsecret insertyourkeyhere insertkeyhere enteryourpassword enterpassword \
    newpassword oldpassword currentpassword confirmpassword userpassword dbpassword accesstoken refreshtoken \
    idtoken authtoken bearertoken secretkey accesskey privatekey publickey clientsecret changeme changeit \
    changethis changemenow pleasechange pleasechangeme replaceme replacethis todo fixme tbd example \
    examplepassword examplekey exampletoken examplesecret sample placeholder dummy fake mock redacted hidden \
    masked censored omitted removed none null nil undefined true false yes no empty unset default required \
    optional nullable inherit auto string str text varchar bytes number integer boolean object array value \
    values input hash plain plaintext basic bearer digest oauth oauth2 user username email name foobar foo \
    bar baz asdf abc xyz abcdef here prompt ask tiger current-password keyring vault env file stdin login \
    invalid wrong unknown valid always never oncreate passwort kennwort motdepasse contraseña contrasena senha palavrapasse \
    wachtwoord hasło haslo heslo parola пароль 密码 密碼 パスワード 비밀번호 lösenord adgangskode passord salasana jelszó \
    parolă şifre mậtkhẩu katasandi รหัสผ่าน סיסמה كلمةالمرور slaptažodis"
);

/// A sentence of a form or a manual has one of these words; a passphrase has none.
static SENTENCE: Words = words!(
    "password passwords passphrase enter your please must the this invalid required forgot reset change \
    confirm token tokens secret secrets key keys for with from used when wrong old new current which should \
    cannot was are not optional default to of is if dein ihr das votre de le la su tu sua your-"
);

/// For each letter, those that often follow it in words and identifiers: bit 0 is `a`.
const FOLLOWS: [u32; 26] = [
    0x13ebd4e, 0x1104b11, 0x01a4d95, 0x0144919, 0x1efb87d, 0x0124931, 0x0166110, 0x0084111,
    0x22ef87f, 0x0000010, 0x0000110, 0x11c4919, 0x014d111, 0x13c617d, 0x07efd2f, 0x11ec911,
    0x0100800, 0x11e795d, 0x11dc195, 0x11ec995, 0x00eb917, 0x0000111, 0x0004191, 0x0088104,
    0x0008000, 0x0000010,
];

/// How much of a value is judged, in bytes.
const JUDGED: usize = 128;

/// Whether manuals print it: AWS's `…EXAMPLE`, or a run of one character.
pub(super) fn is_example(value: &[u8]) -> bool {
    contains(value, b"EXAMPLE") || is_repeated_sign(value)
}

/// Whether a value looks drawn at random: a UUID, hexadecimal, base64, or letters and digits mixed all through.
pub(super) fn is_random(value: &[u8]) -> bool {
    let value = value.strip_prefix(b"0x").unwrap_or(value);
    let value = &value[..value.len().min(JUDGED)];
    if value.len() < 8
        || is_example(value)
        || is_repetitive(value)
        || value.iter().any(u8::is_ascii_whitespace)
    {
        return false;
    }
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = value
        .iter()
        .filter(|byte| byte.is_ascii_alphabetic())
        .count();
    let hex = value
        .iter()
        .all(|byte| byte.is_ascii_hexdigit() || *byte == b'-');
    if hex && value.len() >= 16 && digits >= 2 && letters >= 2 {
        return true;
    }
    if letters == 0 || (digits + letters) * 10 < value.len() * 7 {
        return false;
    }
    let capitals = value
        .windows(2)
        .filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
        .count();
    // Words in camel case have a capital at every fifth letter or so.
    let odd = odd_pairs(value) + capitals.saturating_sub(value.len() / 6);
    let pairs = value.len() - 1;
    match value.len() {
        8..=11 => odd * 10 >= pairs * 4 && digits > 0,
        12..=19 => odd * 10 >= pairs * 3,
        _ => odd * 4 >= pairs,
    }
}

/// Whether it ends in words and hexadecimal, as `live-1a2b3c4d-5e6f`.
pub(super) fn has_hex_part(value: &[u8]) -> bool {
    let parts = value.split(|byte| b"-_.".contains(byte));
    let is_hex = |part: &&[u8]| part.len() >= 4 && part.iter().all(u8::is_ascii_hexdigit);
    let hex: Vec<u8> = parts.filter(is_hex).flatten().copied().collect();
    let digits = hex.iter().filter(|byte| byte.is_ascii_digit()).count();
    hex.len() >= 8 && digits >= 4 && digits < hex.len() && !value.contains(&b' ')
}

/// Whether a person may have mixed it: letters with digits or signs among them, and not a word with dashes.
pub(super) fn is_mixed(value: &[u8]) -> bool {
    let mut value = &value[..value.len().min(JUDGED)];
    // Padding of base64, or the sign behind a parameter's name.
    while let [rest @ .., b'='] = value {
        value = rest;
    }
    let letters = value.iter().any(u8::is_ascii_alphabetic);
    let digits = value.iter().any(u8::is_ascii_digit);
    let signs = value
        .iter()
        .any(|byte| byte.is_ascii_punctuation() && !b"-_.,:;()'\"/`*".contains(byte));
    value.len() >= 6 && letters && (digits || signs) && !is_example(value)
}

/// Whether it is one word of letters and digits, as a person or a generator of short keys writes it.
pub(super) fn is_coded(value: &[u8]) -> bool {
    let letters = value.iter().filter(|byte| byte.is_ascii_alphabetic());
    value.len() >= 8
        && value.iter().all(u8::is_ascii_alphanumeric)
        && value.iter().any(u8::is_ascii_digit)
        && letters.count() >= 2
}

/// Whether it is digits only, as many as a key has.
pub(super) fn is_long_number(value: &[u8]) -> bool {
    value.len() >= 16 && value.iter().all(u8::is_ascii_digit) && !is_repetitive(value)
}

/// Whether it is a recovery phrase: twelve words or more, all in lower case.
pub(super) fn is_phrase(value: &[u8]) -> bool {
    let words = value
        .split(|byte| *byte == b' ')
        .filter(|word| !word.is_empty());
    let fits =
        |word: &[u8]| (3..=8).contains(&word.len()) && word.iter().all(u8::is_ascii_lowercase);
    value.len() < 400 && words.clone().count() >= 12 && words.clone().all(fits)
}

/// Whether the whole value stands for a secret instead of being one: an entry of a closed list, or a template.
pub(super) fn is_placeholder(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    if value.len() > JUDGED {
        return value.starts_with(b"${")
            || value.starts_with(b"{{")
            || value.starts_with(b"AQICAH");
    }
    let Ok(text) = std::str::from_utf8(value) else {
        return false;
    };
    let plain: String = text
        .chars()
        .filter(|c| !" -_.:!?…".contains(*c))
        .flat_map(char::to_lowercase)
        .collect();
    if plain.is_empty() || PLACEHOLDERS.has(&plain) || is_repeated_sign(value) {
        return true;
    }
    is_template(text) || is_sentence(text) || (is_example(value) && value.len() >= 12)
}

/// Whether the whole value is a template or a marker: `${X}`, `{{ x }}`, `<your-token>`, `%(name)s`, `$X`.
fn is_template(text: &str) -> bool {
    let wrapped = |open: &str, close: &str| {
        text.strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close))
            .is_some_and(|inner| !inner.contains(open))
    };
    let name = |rest: &str| {
        !rest.is_empty()
            && rest
                .chars()
                .all(|c| c.is_alphanumeric() || "_-.[]'\">:()".contains(c))
    };
    let enclosed = [
        ("${", "}"),
        ("{{", "}}"),
        ("{%", "%}"),
        ("<%", "%>"),
        ("{", "}"),
        ("<", ">"),
        ("[", "]"),
        ("__", "__"),
        ("%(", ")s"),
        ("%(", ")"),
        ("$(", ")"),
        ("#{", "}"),
        ("@{", "}"),
        ("%", "%"),
        ("((", "))"),
        ("@@", "@@"),
        ("$", "$"),
        ("`", "`"),
        ("«", "»"),
    ];
    enclosed.iter().any(|(open, close)| wrapped(open, close))
        || (text.starts_with("${") && text.contains('}'))
        || (text.starts_with("{{") && text.contains("}}"))
        || text.strip_prefix('$').is_some_and(name)
        || is_interpolated(text)
        // The flag before a value.
        || (text.starts_with("--") && text.ends_with('='))
        || ["%s", "%d", "%v", "%q", "%@", "{}", "{0}", "{1}", "?", "..."].contains(&text)
        || text.ends_with("...")
        || text.ends_with('…')
        || [
            "your-",
            "your_",
            "YOUR_",
            "YOUR-",
            "<your",
            "[redacted",
            "!vault",
            "!Ref",
            "!Sub",
            "!env",
            "ENC[",
            "vault:",
            "AQICAH",
            "secret://",
            "dep:",
            "op://",
            "ssm://",
            "arn:aws:",
            "projects/",
            "env:",
            "file:",
            "env.",
            "process.env",
            "os.environ",
            "$ANSIBLE_VAULT",
            "secrets.",
            "vars.",
        ]
        .iter()
        .any(|start| text.starts_with(start))
        || is_version(text)
        || is_validation(text)
        || is_path(text)
        || is_url(text)
}

/// Whether it is a list of rules that a form is checked by: `required|min:8|confirmed`.
fn is_validation(text: &str) -> bool {
    const FIRST: [&str; 7] = [
        "required",
        "nullable",
        "sometimes",
        "string",
        "bail",
        "present",
        "confirmed",
    ];
    let mut rules = text.split(['|', ',']);
    rules.next().is_some_and(|first| FIRST.contains(&first))
        && rules.all(|rule| {
            rule.chars()
                .all(|c| c.is_ascii_alphanumeric() || "_:=-./".contains(c))
        })
}

/// Whether it is a version, as in a list of packages: `1.2.3`, `^2.0.0-beta.1`.
fn is_version(text: &str) -> bool {
    // A lock file names what the package was resolved with: `5.1.1(@types/node@20.1.0)`.
    let text = text.split('(').next().unwrap_or(text);
    let number = text.trim_start_matches(|c: char| "^~<>=v ".contains(c));
    let mut parts = number.split('.');
    let numeric = |part: Option<&str>| {
        part.is_some_and(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    text.len() <= 24
        && numeric(parts.next())
        && parts.next().is_some_and(|part| {
            part.starts_with(|c: char| c.is_ascii_digit() || c == 'x' || c == '*')
        })
        && number
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || ".-+* |<>=".contains(c))
}

/// Whether it is made of variables and the signs between them: `$user:$password`, `#{password}#{pepper}`.
fn is_interpolated(text: &str) -> bool {
    let mut rest = text;
    let mut count = 0;
    while !rest.is_empty() {
        let name = |open: &str| {
            let inner = rest.strip_prefix(open)?;
            let close = inner.find('}')?;
            (close > 0 && !inner[..close].contains('{')).then(|| &inner[close + 1..])
        };
        let plain = || {
            let inner = rest.strip_prefix('$')?;
            let behind = inner.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '_');
            (inner.len() - behind.len() >= 3).then_some(behind)
        };
        if let Some(behind) = name("#{").or_else(|| name("${")).or_else(plain) {
            (rest, count) = (behind, count + 1);
        } else if let Some(behind) = rest.strip_prefix([':', '@', '/']) {
            rest = behind;
        } else {
            return false;
        }
    }
    count > 1
}

fn is_path(text: &str) -> bool {
    // `/` in a URL.
    if text.starts_with(".%2F") || text.starts_with("..%2F") || text.starts_with("%2F") {
        return true;
    }
    [
        "./",
        "../",
        "~/",
        "/run/",
        "/etc/",
        "/var/",
        "/usr/",
        "/home/",
        "/Users/",
        "/Library/",
        "/tmp/",
        "/opt/",
        "/mnt/",
        "/secrets/",
        "/dev/",
        "/root/",
        "/data/",
        "/proc/",
        "C:\\",
        "/srv/",
        "/vault/",
        "/app/",
        "/api/",
        "/auth/",
        "/v1/",
    ]
    .iter()
    .any(|start| text.starts_with(start))
}

fn is_url(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| {
        !scheme.is_empty()
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c))
            && !rest.is_empty()
    })
}

/// Whether it is prose: several words, with one among them that a passphrase does not have.
fn is_sentence(text: &str) -> bool {
    text.contains(' ')
        && text
            .to_lowercase()
            .split(|c: char| !c.is_alphanumeric() && c != '-')
            .any(|word| SENTENCE.has(word))
}

/// One sign or letter again and again: `****`, `xxxx`, `0000`.
fn is_repeated_sign(value: &[u8]) -> bool {
    let Some(first) = value.first() else {
        return true;
    };
    value
        .iter()
        .all(|byte| byte.eq_ignore_ascii_case(first) || b"-_ .".contains(byte))
}

/// Whether half of it repeats or counts up: `aaaa`, `0123456789`.
fn is_repetitive(value: &[u8]) -> bool {
    let plain = value
        .windows(2)
        .filter(|pair| pair[0] == pair[1] || pair[0].checked_add(1) == Some(pair[1]));
    plain.count() * 2 > value.len()
}

/// How many neighbours do not go together in words: a letter beside a digit, rare pairs of letters, capitals within.
fn odd_pairs(value: &[u8]) -> usize {
    let class = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    let odd = |pair: &&[u8]| match (class(pair[0]), class(pair[1])) {
        (1, 1) => {
            let (a, b) = (pair[0].to_ascii_lowercase(), pair[1].to_ascii_lowercase());
            // A capital behind a small letter begins a word, whatever the two are.
            let boundary = pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase();
            !boundary && FOLLOWS[usize::from(a - b'a')] & (1 << (b - b'a')) == 0
        }
        (1, 2) | (2, 1) => true,
        _ => false,
    };
    value.windows(2).filter(odd).count()
}

pub(super) fn contains(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}
