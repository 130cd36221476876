//! Files that are secrets by their name: their content is withheld, whatever it is.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::model::path::RelPath;

/// Names, in lower case. `*` stands for any text, also none.
const NAMES: &str = "\
    .env .env.* *.env .envrc .envrc.* .flaskenv .npmrc .pypirc .netrc _netrc .authinfo .git-credentials .htpasswd *.htpasswd \
    .pgpass pgpass.conf .my.cnf .mylogin.cnf .s3cfg .boto .dockercfg .dockerconfigjson kubeconfig kubeconfig.* *.kubeconfig \
    .terraformrc terraform.rc credentials.tfrc.json *.tfvars *.tfvars.json *.tfstate *.tfstate.* rclone.conf .databrickscfg \
    kaggle.json .vault_pass* .vault-pass* .vault_password* vault_pass.txt vault-password vault_password .vault-token \
    credentials credentials.json credentials.xml credentials.csv credentials.yml credentials.yaml credentials.toml \
    credentials.ini credentials.properties *.credentials application_default_credentials.json client_secret*.json \
    client-secret*.json service-account*.json service_account*.json serviceaccount*.json *-service-account.json \
    *firebase-adminsdk*.json gcp-key.json gcloud-key.json google-credentials.json \
    secrets.yml secrets.yaml secrets.json secrets.toml secrets.ini secrets.xml secrets.properties secrets.tfvars \
    secrets.*.yml secrets.*.yaml secrets.*.json secrets.*.toml secret.env \
    id_rsa* id_dsa* id_ecdsa* id_ed25519* id_xmss* deploy_key deploy_rsa *_rsa *_dsa *_ecdsa *_ed25519 \
    *.pem *.key *.p12 *.pfx *.pkcs12 *.p8 *.jks *.jceks *.bks *.bcfks *.keystore *.ppk *.kdb *.kdbx *.ovpn \
    *.agilekeychain *.opvault *.keychain *.keychain-db keychain.plist secring.* private*.asc secret*.asc \
    wg*.conf wpa_supplicant.conf shadow gshadow master.passwd \
    password.txt passwords.txt passwords.csv passwords.json passwords.yml passwords.yaml passwords.xlsx passwd.txt pass.txt \
    *accesskeys.csv rootkey.csv *recovery-codes.txt *recovery_codes.txt mnemonic.txt wallet.dat wallet.json \
    wp-config*.php localsettings.php settings.local.php local.settings.json settings-security.xml \
    .*_history fish_history consolehost_history.txt .rediscli_auth .dbshell .lesshst .viminfo .histfile \
    .esmtprc .msmtprc .fetchmailrc .getmailrc .offlineimaprc .ftpconfig .remote-sync.json sftp-config.json sftp.json \
    filezilla.xml recentservers.xml sitemanager.xml ws_ftp.ini winscp.ini \
    logins.json key3.db key4.db signons.sqlite cookies.sqlite cookies.txt login_data* hudson.util.secret";

/// Ends of paths, for files whose name alone says nothing.
const PLACES: &str = "\
    .aws/credentials .docker/config.json .kube/config gh/hosts.yml gh/hosts.yaml glab-cli/config.yml .cargo/credentials \
    .cargo/credentials.toml .gem/credentials .bundle/config .m2/settings.xml .azure/accesstokens.json \
    .azure/msal_token_cache.json gcloud/credentials.db gcloud/access_tokens.db .composer/auth.json .oci/config \
    .snowsql/config .ngrok2/ngrok.yml doctl/config.yaml .mutt/passwords .huggingface/token .fly/config.yml";

/// Folders that hold nothing else, but for [`OPEN`].
const FOLDERS: &str =
    ".ssh .gnupg private-keys-v1.d .password-store .aws/sso .aws/cli .subversion/auth";

/// Names of those folders that hold no secret.
const OPEN: &str =
    "config known_hosts authorized_keys gpg.conf pubring.kbx pubring.gpg trustdb.gpg .gpg-id";

/// Parts of a name that say that a file only shows which secrets are needed.
const EXAMPLES: &str = "example examples sample samples template templates dist defaults tmpl tpl j2 jinja erb schema md";

/// Endings of source code: a pattern with an open end does not mean it.
const CODE: &str = "py pyi go rs js mjs cjs jsx ts tsx java kt rb c h cc cpp hpp cs swift php scala lua pl ex sh css html";

/// [`NAMES`], sorted by what has to be compared.
struct Table {
    /// Names without `*`.
    exact: HashSet<&'static str>,
    /// The endings of patterns such as `*.pem`, with the dot.
    endings: HashSet<&'static str>,
    others: Vec<&'static str>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table {
        exact: HashSet::new(),
        endings: HashSet::new(),
        others: Vec::new(),
    };
    for pattern in NAMES.split_whitespace() {
        let ending = pattern.strip_prefix('*').filter(|ending| {
            ending.starts_with('.') && !ending.contains('*') && !ending[1..].contains('.')
        });
        match ending {
            Some(ending) => drop(table.endings.insert(ending)),
            None if pattern.contains('*') => table.others.push(pattern),
            None => drop(table.exact.insert(pattern)),
        }
    }
    table
});

impl Table {
    fn contains(&self, name: &str) -> bool {
        let (stem, ending) = name.rfind('.').map_or((name, ""), |at| name.split_at(at));
        if self.exact.contains(name) || self.endings.contains(ending) {
            return true;
        }
        // A pattern with an open end does not mean source code.
        let is_code = !stem.is_empty() && is_one_of(CODE, ending.trim_start_matches('.'));
        let named = |pattern: &&str| !(is_code && pattern.ends_with('*')) && matches(pattern, name);
        self.others.iter().any(named)
    }
}

fn is_one_of(words: &str, word: &str) -> bool {
    !word.is_empty() && words.split_ascii_whitespace().any(|known| known == word)
}

/// Whether a file holds a secret, by its name.
pub(super) fn is_secret(path: &RelPath) -> bool {
    let path = path.to_text().to_lowercase();
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
    let mut parts = name.split(['.', '-', '_']);
    if name.ends_with(".pub") || parts.any(|part| is_one_of(EXAMPLES, part)) {
        return false;
    }
    let is_end = |end: &str| {
        let before = path.strip_suffix(end);
        before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
    };
    let in_folder = |secret: &str| {
        folder.match_indices(secret).any(|(at, _)| {
            let (before, behind) = (&folder[..at], &folder[at + secret.len()..]);
            (before.is_empty() || before.ends_with('/'))
                && (behind.is_empty() || behind.starts_with('/'))
        })
    };
    TABLE.contains(name)
        || PLACES.split_ascii_whitespace().any(is_end)
        || (FOLDERS.split_ascii_whitespace().any(in_folder) && !is_one_of(OPEN, name))
}

/// Whether a name is the pattern's, where `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut behind) = name.strip_prefix(head) else {
        return false;
    };
    let mut pieces = rest.split('*').peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return behind.ends_with(piece);
        }
        match behind.find(piece) {
            Some(at) => behind = &behind[at + piece.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_name() {
        for path in "\
            .env a/.env.local .ENV.production x/prod.env .envrc .npmrc .pypirc .netrc _netrc .git-credentials .htpasswd .pgpass \
            .my.cnf .s3cfg .boto .dockercfg .docker/config.json .kube/config kubeconfig kubeconfig.yaml ci.kubeconfig \
            .aws/credentials .config/gh/hosts.yml .cargo/credentials .cargo/credentials.toml .gem/credentials .terraformrc \
            .terraform.d/credentials.tfrc.json terraform.tfvars prod.auto.tfvars prod.tfvars terraform.tfvars.json \
            terraform.tfstate terraform.tfstate.backup credentials.json application_default_credentials.json \
            client_secret.json client_secret_1.apps.googleusercontent.com.json service-account.json \
            service-account-prod.json serviceAccountKey.json x-firebase-adminsdk-ab1.json secrets.yml secrets.yaml \
            secrets.json secrets.toml .streamlit/secrets.toml config/master.key config/credentials/production.key id_rsa \
            id_dsa id_ecdsa a/id_ed25519 id_ed25519_sk id_rsa.bak tls/server.KEY cert.pem privkey.pem store.p12 cert.pfx \
            release.keystore debug.jks app.ppk app.p8 client.ovpn passwords.txt passwords.csv .vault_pass .vault-token \
            credentials wp-config.php .bash_history .zsh_history .python_history .psql_history .mysql_history Database.kdbx \
            wallet.dat secring.gpg .ssh/id_work .ssh/work.key .gnupg/private-keys-v1.d/A.key .rediscli_auth .msmtprc \
            rootkey.csv accessKeys.csv bob_accessKeys.csv logins.json github-recovery-codes.txt .password-store/x.gpg"
            .split_whitespace()
        {
            assert!(is_secret(&RelPath::new(path)), "{path}");
        }
    }

    #[test]
    fn look_alikes_are_read() {
        for path in "\
            .env.example .env.sample a/.env.template .env.dist .env.defaults example.env .envrc.example id_rsa.pub \
            .ssh/id_work.pub .ssh/config .ssh/known_hosts key.rs keys.py credentials.py secrets.py password.go token.ts env.py \
            tfstate.py test_credentials.json.py docs/secrets.md secret_santa.py passwords.md keyboard.js monkey.py \
            terraform.tfvars.example tokenizer.json package-lock.json public.pem.md docs/config x.aws/credentialsx \
            password_validation.py credentials.md wp-config-sample.php history.py ssh/id.py hosts.yml keymap.json \
            service_account.py secrets.rs kubeconfig.go environment.ts"
            .split_whitespace()
        {
            assert!(!is_secret(&RelPath::new(path)), "{path}");
        }
    }
}
