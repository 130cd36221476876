//! Reads TOML tables key by key and remembers positions, so that an error can name the line.
//!
//! It does not know what the keys mean.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Config, ConfigError};

/// A parsed file.
pub(super) struct Document<'a> {
    file: &'a Path,
    text: &'a str,
    table: DeTable<'a>,
}

/// One table of it. Keys that were not read are errors in [`Section::finish`].
pub(super) struct Section<'a> {
    document: &'a Document<'a>,
    name: &'static str,
    table: Option<&'a DeTable<'a>>,
    known: RefCell<Vec<&'static str>>,
}

type Value<'a> = &'a Spanned<DeValue<'a>>;

impl<'a> Document<'a> {
    pub(super) fn parse(file: &'a Path, text: &'a str) -> Result<Self, ConfigError> {
        match DeTable::parse(text) {
            Ok(table) => Ok(Self {
                file,
                text,
                table: table.into_inner(),
            }),
            Err(error) => Err(ConfigError::Syntax {
                file: file.to_path_buf(),
                line: line_of(text, error.span().map_or(0, |span| span.start)),
                reason: match error.span().and_then(|span| key_at(text, span.start)) {
                    Some(key) => format!("{key}: {}", one_line(error.message())),
                    None => one_line(error.message()),
                },
            }),
        }
    }

    pub(super) fn top(&'a self) -> Section<'a> {
        Section {
            document: self,
            name: "",
            table: Some(&self.table),
            known: RefCell::default(),
        }
    }
}

impl<'a> Section<'a> {
    pub(super) fn section(&mut self, name: &'static str) -> Result<Section<'a>, ConfigError> {
        let table = match self.value(name) {
            None => None,
            Some(value) => match value.get_ref() {
                DeValue::Table(table) => Some(table),
                _ => {
                    let reason = format!("must be a section, written [{name}]");
                    return Err(self.error(name, &value.span(), reason));
                }
            },
        };
        Ok(Section {
            document: self.document,
            name,
            table,
            known: RefCell::default(),
        })
    }

    pub(super) fn boolean(
        &mut self,
        key: &'static str,
        into: &mut bool,
    ) -> Result<(), ConfigError> {
        if let Some(value) = self.value(key) {
            *into = value
                .get_ref()
                .as_bool()
                .ok_or_else(|| self.wrong(key, value, "true or false"))?;
        }
        Ok(())
    }

    pub(super) fn integer<T: TryFrom<u64>>(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u64>,
        into: &mut T,
    ) -> Result<(), ConfigError> {
        let Some(value) = self.value(key) else {
            return Ok(());
        };
        *into = value
            .get_ref()
            .as_integer()
            .and_then(|number| u64::from_str_radix(number.as_str(), number.radix()).ok())
            .filter(|number| range.contains(number))
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| {
                let allowed = match range.clone().into_inner() {
                    (least, u64::MAX) => format!("a whole number, {least} or more"),
                    (least, most) => format!("a whole number from {least} to {most}"),
                };
                self.wrong(key, value, allowed)
            })?;
        Ok(())
    }

    pub(super) fn price(&mut self, key: &'static str, into: &mut f64) -> Result<(), ConfigError> {
        self.number(key, f64::MAX, into)
    }

    /// A number from 0 to `most`.
    pub(super) fn number(
        &mut self,
        key: &'static str,
        most: f64,
        into: &mut f64,
    ) -> Result<(), ConfigError> {
        let Some(value) = self.value(key) else {
            return Ok(());
        };
        let number = match value.get_ref() {
            DeValue::Float(number) => number.as_str().parse().ok(),
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().parse().ok(),
            _ => None,
        };
        *into = number
            .filter(|number: &f64| (0.0..=most).contains(number))
            .ok_or_else(|| match most {
                f64::MAX => self.wrong(key, value, "a number, 0 or more"),
                most => self.wrong(key, value, format!("a number from 0 to {most}")),
            })?;
        Ok(())
    }

    /// The error for a value that is valid alone but does not fit the others.
    pub(super) fn refuse(&self, key: &'static str, reason: &str) -> ConfigError {
        let value = self.table.and_then(|table| table.get(key));
        let span = value.map_or(0..0, Spanned::span);
        self.error(key, &span, reason.to_owned())
    }

    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        choices: &[(&str, T)],
        into: &mut T,
    ) -> Result<(), ConfigError> {
        let Some(value) = self.value(key) else {
            return Ok(());
        };
        let text = value.get_ref().as_str();
        let found = choices.iter().find(|(name, _)| Some(*name) == text);
        let (_, choice) = found.ok_or_else(|| {
            let names: Vec<String> = choices
                .iter()
                .map(|(name, _)| format!("{name:?}"))
                .collect();
            self.wrong(key, value, names.join(" or "))
        })?;
        *into = *choice;
        Ok(())
    }

    pub(super) fn text<T>(
        &mut self,
        key: &'static str,
        into: &mut T,
        check: impl Fn(&str) -> Result<T, String>,
    ) -> Result<(), ConfigError> {
        if let Some(value) = self.value(key) {
            let text = value
                .get_ref()
                .as_str()
                .ok_or_else(|| self.wrong(key, value, "a quoted string"))?;
            *into = check(text).map_err(|reason| self.error(key, &value.span(), reason))?;
        }
        Ok(())
    }

    pub(super) fn list<T>(
        &mut self,
        key: &'static str,
        into: &mut Vec<T>,
        check: impl Fn(&str) -> Result<T, String>,
    ) -> Result<(), ConfigError> {
        let Some(value) = self.value(key) else {
            return Ok(());
        };
        let allowed = "a list of strings, such as [\"one\", \"two\"]";
        let list = value
            .get_ref()
            .as_array()
            .ok_or_else(|| self.wrong(key, value, allowed))?;
        into.clear();
        for item in list.iter() {
            let text = item
                .get_ref()
                .as_str()
                .ok_or_else(|| self.wrong(key, item, allowed))?;
            into.push(check(text).map_err(|reason| self.error(key, &item.span(), reason))?);
        }
        Ok(())
    }

    /// A table of texts; `check` is applied to their names.
    pub(super) fn texts(
        &mut self,
        key: &'static str,
        into: &mut BTreeMap<String, String>,
        check: impl Fn(&str) -> Result<String, String>,
    ) -> Result<(), ConfigError> {
        let Some(value) = self.value(key) else {
            return Ok(());
        };
        let allowed = "a table of texts, such as { name = \"value\" }";
        let DeValue::Table(table) = value.get_ref() else {
            return Err(self.wrong(key, value, allowed));
        };
        into.clear();
        for (name, item) in table {
            let text = item
                .get_ref()
                .as_str()
                .ok_or_else(|| self.error(key, &item.span(), format!("must be {allowed}")))?;
            let name =
                check(name.get_ref()).map_err(|reason| self.error(key, &name.span(), reason))?;
            into.insert(name, text.to_owned());
        }
        Ok(())
    }

    /// A table of anything that JSON has, too.
    pub(super) fn json(
        &mut self,
        key: &'static str,
        into: &mut serde_json::Map<String, serde_json::Value>,
    ) -> Result<(), ConfigError> {
        let Some(value) = self.value(key) else {
            return Ok(());
        };
        match json(value.get_ref()) {
            Some(serde_json::Value::Object(fields)) => *into = fields,
            _ => return Err(self.wrong(key, value, "a table, such as { top_p = 0.9 }")),
        }
        Ok(())
    }

    /// Fails at the first key that was not read.
    pub(super) fn finish(self) -> Result<(), ConfigError> {
        let known = self.known.borrow();
        let unknown = self
            .table
            .iter()
            .flat_map(|table| table.keys())
            .filter(|key| !known.contains(&key.get_ref().as_ref()))
            .min_by_key(|key| key.span().start);
        let Some(key) = unknown else {
            return Ok(());
        };
        let name = key.get_ref().as_ref();
        let advice = match (nearest(name, &known), elsewhere(name)) {
            (Some(known), _) => format!("did you mean {known}?"),
            (None, Some(section)) => format!("it belongs in [{section}]"),
            (None, None) => format!("known here: {}", known.join(", ")),
        };
        Err(self.error(name, &key.span(), format!("unknown key; {advice}")))
    }

    fn value(&self, key: &'static str) -> Option<Value<'a>> {
        self.known.borrow_mut().push(key);
        self.table?.get(key)
    }

    fn wrong(&self, key: &str, value: Value<'_>, allowed: impl Display) -> ConfigError {
        let is = self.document.text.get(value.span()).unwrap_or("").trim();
        let is: String = match value.get_ref() {
            DeValue::Array(_) => "a list".to_owned(),
            DeValue::Table(_) => "a section".to_owned(),
            _ if is.chars().count() > 60 => is.chars().take(60).chain(['…']).collect(),
            _ => is.to_owned(),
        };
        self.error(key, &value.span(), format!("must be {allowed}, not {is}"))
    }

    fn error(&self, key: &str, span: &Range<usize>, reason: String) -> ConfigError {
        let key = key.escape_debug();
        ConfigError::Key {
            file: self.document.file.to_path_buf(),
            line: line_of(self.document.text, span.start),
            key: match self.name {
                "" => key.to_string(),
                section => format!("{section}.{key}"),
            },
            reason: one_line(&reason),
        }
    }
}

/// A TOML value as JSON. `None`: JSON has no such value.
fn json(value: &DeValue<'_>) -> Option<serde_json::Value> {
    use serde_json::Value as Json;
    Some(match value {
        DeValue::String(text) => Json::from(text.as_ref()),
        DeValue::Boolean(value) => Json::from(*value),
        DeValue::Integer(number) => {
            Json::from(i64::from_str_radix(number.as_str(), number.radix()).ok()?)
        }
        DeValue::Float(number) => Json::from(number.as_str().parse::<f64>().ok()?),
        DeValue::Array(items) => {
            let items = items.iter().map(|item| json(item.get_ref()));
            Json::Array(items.collect::<Option<_>>()?)
        }
        DeValue::Table(fields) => {
            let fields = fields
                .iter()
                .map(|(name, item)| Some((name.get_ref().to_string(), json(item.get_ref())?)));
            Json::Object(fields.collect::<Option<_>>()?)
        }
        DeValue::Datetime(_) => return None,
    })
}

/// The 1-based line of a byte.
fn line_of(text: &str, at: usize) -> usize {
    let before = &text.as_bytes()[..at.min(text.len())];
    1 + before.iter().filter(|&&byte| byte == b'\n').count()
}

/// The key or section at the beginning of the line of that byte, if any. Never the value, which may be a misplaced
/// secret.
fn key_at(text: &str, at: usize) -> Option<&str> {
    let start = text.get(..at)?.rfind('\n').map_or(0, |before| before + 1);
    let line = text[start..].lines().next()?.trim();
    let key = match line.strip_prefix('[') {
        Some(section) => section.trim_matches(['[', ']']),
        None => line.split_once('=')?.0,
    };
    let key = key.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    (!key.is_empty() && key.len() <= 64 && key.chars().all(plain)).then_some(key)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The known key at most two edits away, or the first that begins with the name.
fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    if name.len() > 64 {
        return None;
    }
    let close = close(name, known);
    let begins = |known: &&&str| name.len() >= 3 && known.starts_with(name);
    close.or_else(|| known.iter().find(begins).copied())
}

fn close<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    known
        .iter()
        .map(|known| (strsim::levenshtein(name, known), *known))
        .filter(|(edits, known)| *edits <= 2 && *edits < known.len())
        .min()
        .map(|(_, known)| known)
}

/// The section that has a key of this name.
fn elsewhere(name: &str) -> Option<String> {
    let all = serde_json::to_value(Config::default()).ok()?;
    let found = all
        .as_object()?
        .iter()
        .find(|(_, section)| section.get(name).is_some());
    found.map(|(section, _)| section.clone())
}
