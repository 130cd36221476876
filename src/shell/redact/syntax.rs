//! How a file writes values, by its name: whether an unquoted value is text or an expression.

/// How values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// A programming language: what is not quoted is an expression.
    Code,
    /// Settings: what is not quoted is text, up to the end of the line.
    Config,
    /// Commands: what is not quoted is text, up to a space.
    Shell,
    /// Running text: only what looks like a secret is one.
    Prose,
}

const CONFIG: &[&str] = &[
    "yaml", "yml", "ini", "cfg", "conf", "cnf", "config", "properties", "toml", "json", "json5", "jsonc", "log", "csv", "tsv",
    "http", "rest", "service", "netrc", "env", "editorconfig", "tfvars", "hosts", "reg", "desktop", "ovpn", "inf", "prefs",
    "yarnrc", "npmrc", "rc", "settings", "opts", "options", "list", "map", "tpl", "j2", "ipynb", "example", "sample",
    "template", "dist", "defaults", "kubeconfig", "plist", "xml", "sql", "local", "out", "err", "har", "ldif", "curl",
];
const SHELL: &[&str] = &[
    "sh", "bash", "zsh", "fish", "ksh", "bat", "cmd", "mk", "dockerfile", "containerfile", "envrc", "history", "expect", "exp",
];
const PROSE: &[&str] = &["md", "markdown", "mdx", "rst", "txt", "adoc", "asciidoc", "org", "tex", "html", "htm", "po", "pot", "text"];
/// Folders of translations: their values are labels.
const TRANSLATIONS: &[&str] = &["locale", "locales", "i18n", "l10n", "lang", "langs", "translations", "_locales", "messages"];

impl Syntax {
    /// The syntax of the file at a path relative to its repository.
    pub fn of_path(path: &[u8]) -> Self {
        let path = String::from_utf8_lossy(path).to_lowercase();
        let mut folders: Vec<&str> = path.split('/').collect();
        let name = folders.pop().unwrap_or_default();
        if folders.iter().any(|folder| TRANSLATIONS.contains(folder)) {
            return Self::Prose;
        }
        let shell_names = ["dockerfile", "containerfile", "makefile", "gnumakefile", "justfile", "procfile"];
        if shell_names.iter().any(|shell| name == *shell || name.starts_with(&format!("{shell}."))) {
            return Self::Shell;
        }
        if ["readme", "license", "notice", "authors", "changelog", "changes", "copying"].contains(&name) {
            return Self::Prose;
        }
        let Some((stem, ending)) = name.rsplit_once('.') else {
            return Self::Config;
        };
        let is = |list: &[&str]| list.contains(&ending);
        if is(SHELL) {
            Self::Shell
        } else if is(CONFIG) || stem.is_empty() || ending.ends_with("rc") || stem.starts_with(".env") {
            Self::Config
        } else if is(PROSE) {
            Self::Prose
        } else {
            Self::Code
        }
    }
}
