//! Names that mark a value as secret: how sure a name is, in every case style.

use super::words::{Words, words};

/// How sure a name is that its value is a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sureness {
    /// `key`, `auth`, `password_reset_id`: a value that looks drawn at random.
    Weak,
    /// `api_key`, `token`, `secret`: a random value, or letters and digits mixed.
    Strong,
    /// `password`: any literal.
    Password,
}

/// Parts of names that a scan looks for, in lower case. Each is in a word that [`sureness`] knows.
pub(super) const STEMS: &str = "pass pwd pw psk pswd kennwort senha contrasena secret token key auth salt pepper cred code mnemonic phrase \
    haslo heslo wachtwoord losenord adgang salasana jelszo parola sifre clave chiave scrt tkn seed wif cookie session jwt bearer otp dsn sas connection sid contrase _pat -pat пароль 密码 密碼 パスワード 비밀번호 hasło şifre";

static PASSWORDS: Words = words!(
    "password passwd passphrase passcode pwd pswd psw pw psk passwords passwds kennwort passwort senha contrasena \
    mdp pass passw pword pwds requirepass masterauth sshpass userpass dbpass dbpassword dbpwd adminpass rootpass \
    keypass storepass passe motdepasse haslo heslo wachtwoord losenord adgangskode passord salasana \
    jelszo parola sifre bindpw rootpw adminpw userpw passwrd passwordtext cleartextpassword mypassword"
);

static SECRETS: Words = words!(
    "secret secrets scrt tkn clave claves secreta secreto chiave token tokens apikey apikeys accesskey secretkey privatekey masterkey authkey authtoken \
    accesstoken clientsecret appsecret sharedkey signingkey encryptionkey credential credentials creds cred \
    authorization bearer jwt pepper mnemonic wif webhooksecret apitoken pat servicekey sessionkey hmac \
    licensekey sshkey appkey connectionstring storagekey accountkey deploykey apisecret refreshtoken signature"
);

static WEAK: Words = words!(
    "key keys auth salt seed cookie session sessionid sid otp dsn sas nonce phrase authentication"
);

/// Words before `key` that make it a strong name.
static STRONG_KEYS: Words = words!(
    "api access secret private priv auth signing sign encryption encrypt master account client service app \
    application admin aes hmac rsa ssh deploy license licence rails storage shared webhook consumer session jwt \
    cipher crypto subscription integration ingestion ingest write server root production prod live bot function \
    host trello mapbox algolia mailgun stripe datadog openai anthropic aws azure sendgrid twilio google github \
    gitlab slack preshared product activation dd"
);

/// Words before `key` that make it the key of a table, a cache or a keyboard.
static OTHER_KEYS: Words = words!(
    "public pub foreign primary sort cache partition index row group map dict registry hot short object i18n \
    translation locale route query react unique hash range lookup natural surrogate composite idempotency \
    message field column config setting arrow enter escape tab shift ctrl alt meta up down left right home end \
    delete backspace return space node item list data json xml yaml tag label metric bucket s3 dedup dedupe \
    trusted verify verification issue project i j"
);

/// Words before `token` that make it a mark of a page, a parser or a protocol.
static OTHER_TOKENS: Words = words!(
    "change next page pagination continuation sync cancellation cancel idempotency lexer syntax start starting \
    previous prev resume lock sequence eos bos pad mask unk sep cls stop special max num total input output \
    completion reasoning"
);

/// Words before `pass` that make it a passage or a success.
static PASSES: Words = words!(
    "first second third by render single multi two one compute shadow did must low high all band pre post final depth opt fail to will can num n is has no each next last"
);

/// Words before `code` or `phrase` that make it a credential.
static CODES: Words = words!("access auth recovery backup verification invite seed secret pass");

/// The word itself where it is not ASCII.
const FOREIGN: [&str; 8] = [
    "contraseña",
    "пароль",
    "密码",
    "密碼",
    "パスワード",
    "비밀번호",
    "hasło",
    "şifre",
];

/// Words behind a secret word that leave the value a secret.
static SAME: Words = words!(
    "prod production dev development test testing staging stage live sandbox old new current previous default \
    value val string str text plain raw encoded b64 base64 hex env a b main backup primary secondary root admin \
    user db master confirm confirmation again repeat local private readonly rw ro data base bytes literal const \
    content global eu us v of for the is java"
);

/// Words behind a secret word that make it something about the secret.
static ABOUT: Words = words!(
    "path file filename name names url uri urls type types id ids len length size min max policy field fields \
    input label hint regex regexp pattern validator validators validation hasher hashers encoder decoder error \
    errors message msg expiry expires expiration ttl age column header headers prompt strength manager ref \
    endpoint provider factory class method algorithm alg format version count limit index offset location dir \
    directory folder store storage source service scope scopes audience issuer usage help description desc title \
    placeholder rule rules backend backends handler view views form template email date time timeout seconds \
    minutes days enabled required disabled optional generator kind prefix suffix position pos start end line \
    stream tree range span schema table model event action arn resource alias vault engine mount env var \
    variable param parameter changed set valid invalid exists missing fn func function callback cb usages stdin \
    fingerprint checksum digest sha sha256 md5 hash bits curve spec exchange request response server host port \
    domain metadata info status state list map dict keys"
);

/// What a name says about its value; `None` for a name that marks no secret.
pub(super) fn sureness(name: &[u8]) -> Option<Sureness> {
    if !name.is_ascii() {
        let name = String::from_utf8_lossy(name).to_lowercase();
        if FOREIGN.iter().any(|word| name.contains(word)) {
            return Some(Sureness::Password);
        }
    }
    let words = words_in(name);
    let (at, found) = words
        .iter()
        .enumerate()
        .rev()
        .find_map(|(at, word)| Some((at, of_word(&words[..at], word)?)))?;
    let behind = &words[at + 1..];
    if behind.iter().all(|word| SAME.has(word) || is_number(word)) {
        return Some(found);
    }
    // `client_secret_id` of AppRole is a secret itself; of others an id says nothing.
    let about = behind.iter().any(|word| ABOUT.has(word));
    (!about).then_some(match found {
        // `password_grafana`
        Sureness::Password => Sureness::Strong,
        _ => Sureness::Weak,
    })
}

fn of_word(before: &[String], word: &str) -> Option<Sureness> {
    let last = before.last().map_or("", String::as_str);
    let ends = |ends: &[&str]| ends.iter().any(|end| word.ends_with(end));
    match word {
        "pass" if PASSES.has(last) => None,
        // Alone it is a verb as often.
        "pass" if before.is_empty() => Some(Sureness::Strong),
        "pw" if before.is_empty() => Some(Sureness::Password),
        _ if PASSWORDS.has(word) => Some(Sureness::Password),
        _ if ends(&[
            "password",
            "passwd",
            "passphrase",
            "passwort",
            "kennwort",
            "pswd",
        ]) =>
        {
            Some(Sureness::Password)
        }
        _ if ends(&["pwd"]) && word != "oldpwd" => Some(Sureness::Password),
        "key" | "keys" if OTHER_KEYS.has(last) => None,
        "key" | "keys" if STRONG_KEYS.has(last) => Some(Sureness::Strong),
        "code" | "codes" | "phrase" if CODES.has(last) => Some(Sureness::Strong),
        "string" if last == "connection" => Some(Sureness::Strong),
        "id" if ["secret", "session", "token"].contains(&last) => Some(Sureness::Weak),
        "signature" if before.is_empty() => None,
        "token" | "tokens" if OTHER_TOKENS.has(last) => None,
        _ if SECRETS.has(word) => Some(Sureness::Strong),
        _ if ends(&[
            "secret",
            "apikey",
            "accesskey",
            "privatekey",
            "authtoken",
            "apitoken",
        ]) =>
        {
            Some(Sureness::Strong)
        }
        _ if WEAK.has(word) => Some(Sureness::Weak),
        _ => None,
    }
}

fn is_number(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit())
}

/// The words of a name in lower case: `dbPassword2`, `DB_PASSWORD_2` and `db.password-2` have the same.
pub(super) fn words_in(name: &[u8]) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    for (at, &byte) in name.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| name[at]);
        let after = name.get(at + 1);
        let starts = byte.is_ascii_uppercase()
            && before.is_some_and(|before| {
                before.is_ascii_lowercase()
                    || before.is_ascii_digit()
                    || (before.is_ascii_uppercase() && after.is_some_and(u8::is_ascii_lowercase))
            });
        let digit =
            byte.is_ascii_digit() && before.is_some_and(|before| before.is_ascii_alphabetic());
        if (starts || digit || !byte.is_ascii_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if byte.is_ascii_alphanumeric() {
            word.push(char::from(byte.to_ascii_lowercase()));
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    // `PassWord` and `pass_phrase` are one word.
    let split = |pair: &[String]| {
        pair[0] == "pass" && ["word", "words", "phrase", "code", "wd"].contains(&pair[1].as_str())
    };
    while let Some(at) = words.windows(2).position(split) {
        let end = words.remove(at + 1);
        words[at].push_str(&end);
    }
    words
}
