//! Checks of single values. Each returns the value, or a reason that says what is allowed.

use std::path::{Component, Path, PathBuf};

use ignore::overrides::OverrideBuilder;

use super::Format;
use crate::shell::shared::location::Location;

/// An absolute path, or one in the home folder, written `~/…`.
pub(super) fn folder(text: &str, home: Option<&Path>) -> Result<PathBuf, String> {
    if text.contains('\0') {
        return Err("has a NUL character".to_owned());
    }
    let path = match text.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            let home =
                home.ok_or("the home folder is not known; set HOME or write the whole path")?;
            home.join(rest.trim_start_matches('/'))
        }
        _ => PathBuf::from(text),
    };
    if path.is_absolute() {
        Ok(path)
    } else {
        Err(format!(
            "must be an absolute path or begin with ~/, not {text:?}"
        ))
    }
}

/// `None` for the empty string.
pub(super) fn optional<T>(
    text: &str,
    check: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    check(text).map(Some)
}

/// An `http` or `https` URL without secrets, with trailing slashes removed.
pub(super) fn base_url(text: &str) -> Result<String, String> {
    let example = "such as \"https://api.openai.com/v1\"";
    let url =
        reqwest::Url::parse(text).map_err(|error| format!("is not a URL ({error}), {example}"))?;
    // These messages do not repeat the value: it may contain a password.
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("must begin with http:// or https://, {example}"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "must not contain a user or password; name the key's variable in openai.api_key_env"
                .to_owned(),
        );
    }
    if url.fragment().is_some() {
        return Err(format!("must not have a fragment, {example}"));
    }
    Ok(text.trim().trim_end_matches('/').to_owned())
}

/// A model's name.
pub(super) fn model(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("must not be empty; name a model that the endpoint has".to_owned());
    }
    if text.chars().any(char::is_control) {
        return Err("must not contain control characters".to_owned());
    }
    Ok(text.trim().to_owned())
}

/// A language's code or name.
pub(super) fn language(text: &str) -> Result<String, String> {
    let text = text.trim();
    let fits = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '(' | ')');
    if text.is_empty() || text.chars().count() > 40 || !text.chars().all(fits) {
        return Err(
            "must be a language, such as \"en\", \"de\" or \"Brazilian Portuguese\"".to_owned(),
        );
    }
    Ok(text.to_owned())
}

/// The name of an HTTP header, or nothing.
pub(super) fn header(text: &str) -> Result<String, String> {
    match text.is_empty() || reqwest::header::HeaderName::from_bytes(text.as_bytes()).is_ok() {
        true => Ok(text.to_owned()),
        false => Err("must be the name of an HTTP header, such as \"api-key\"".to_owned()),
    }
}

/// One word, or nothing.
pub(super) fn word(text: &str) -> Result<String, String> {
    match text
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    {
        true => Ok(text.to_owned()),
        false => Err("must be one word, such as \"low\"".to_owned()),
    }
}

/// The name of an environment variable, not a key written in its place.
pub(super) fn variable(text: &str) -> Result<String, String> {
    let name = text
        .chars()
        .enumerate()
        .all(|(at, c)| c == '_' || c.is_ascii_alphabetic() || at > 0 && c.is_ascii_digit());
    // The message does not repeat the value: it may be the key.
    if text.starts_with("sk-") || text.starts_with("sk_") || text.len() > 100 {
        return Err(
            "looks like a key; write the name of the environment variable that holds it, such as \"OPENAI_API_KEY\""
                .to_owned(),
        );
    }
    if !name {
        return Err(
            "must be the name of an environment variable (letters, digits and _), such as \"OPENAI_API_KEY\""
                .to_owned(),
        );
    }
    Ok(text.to_owned())
}

/// A glob in the syntax of a line of `.gitignore`.
pub(super) fn glob(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("must not contain an empty glob".to_owned());
    }
    if text.starts_with('!') {
        return Err(format!(
            "{text:?} must not begin with !; include and exclude are two lists"
        ));
    }
    if text.starts_with('#') {
        return Err(format!(
            "{text:?} would be a comment; write \"\\\\#…\" for a name that begins with #"
        ));
    }
    // Overrides are stricter than .gitignore, where an unclosed bracket is literal.
    OverrideBuilder::new("/")
        .add(text)
        .map_err(|error| format!("{text:?} is not a valid glob: {error}"))?;
    Ok(text.to_owned())
}

/// A format of `[export]`.
pub(super) fn format(text: &str) -> Result<Format, String> {
    match text {
        "index" => Ok(Format::Index),
        "markdown" => Ok(Format::Markdown),
        other => Err(format!(
            "must be \"index\" or \"markdown\", not {other:?}; `epitome export` writes the others"
        )),
    }
}

/// A folder below each repository's root.
pub(super) fn export_folder(text: &str) -> Result<PathBuf, String> {
    let plain = Path::new(text)
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    let whole = text
        .split('/')
        .all(|name| !name.is_empty() && name != "." && !name.contains('\0'));
    let git = text.split('/').any(|name| name == ".git");
    if plain && whole && !git {
        Ok(PathBuf::from(text))
    } else {
        Err(format!(
            "must be a folder below the repository's root, without .., . or .git, such as \"distributed_index\", not {text:?}"
        ))
    }
}

/// The URL of a shared store, or nothing.
pub(super) fn shared_url(text: &str) -> Result<String, String> {
    match text.is_empty() {
        true => Ok(String::new()),
        false => Location::parse(text).map(|_| text.to_owned()),
    }
}

/// A folder's name in the shared store, or nothing.
pub(super) fn namespace(text: &str) -> Result<String, String> {
    match crate::shell::shared::namespace(text) == text || text.is_empty() {
        true => Ok(text.to_owned()),
        false => Err("must be letters, digits, `.`, `_` and `-`, at most 100".to_owned()),
    }
}
