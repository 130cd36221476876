//! Arguments as models and clients really send them, read by the tool's own schema.
//!
//! The schema stays strict; the reading is lenient: `"2"` and `2.0` for 2, `"src"` or `"[\"src\"]"` for a list, `path`
//! for `paths`, an empty text for nothing, any case of a listed word. Unknown arguments are named and ignored. Only
//! what can mean two things is an error, and it names the argument and gives an example.

use rmcp::model::JsonObject;
use serde_json::{Map, Value, json};

/// Other names that clients use for an argument, without regard to case, `_` and `-`.
const ALIASES: [(&str, &[&str]); 10] = [
    (
        "paths",
        &[
            "path",
            "file",
            "files",
            "file_path",
            "file_paths",
            "filename",
            "target",
            "targets",
            "target_file",
            "relative_path",
            "uri",
            "symbol",
            "symbols",
        ],
    ),
    (
        "path",
        &[
            "paths",
            "folder",
            "directory",
            "dir",
            "root",
            "file",
            "dir_path",
            "directory_path",
            "folder_path",
            "target_directory",
            "relative_path",
            "relative_workspace_path",
            "uri",
        ],
    ),
    ("depth", &["max_depth", "levels", "level"]),
    (
        "query",
        &[
            "q",
            "text",
            "pattern",
            "search",
            "queries",
            "search_term",
            "search_query",
            "keyword",
            "keywords",
            "question",
        ],
    ),
    (
        "path_glob",
        &[
            "glob",
            "include",
            "include_pattern",
            "file_pattern",
            "path_pattern",
            "path",
            "paths",
            "folder",
            "directory",
            "target_directories",
            "file",
        ],
    ),
    (
        "limit",
        &[
            "max_results",
            "num_results",
            "top_k",
            "count",
            "n",
            "max_hits",
        ],
    ),
    (
        "since",
        &["revision", "rev", "commit", "ref", "from", "base"],
    ),
    ("wait_fresh_ms", &["wait_ms"]),
    (
        "repository",
        &[
            "repo",
            "repo_path",
            "repository_path",
            "workspace",
            "workspace_path",
            "project",
            "project_path",
            "cwd",
            "root",
        ],
    ),
    ("max_tokens", &["token_limit"]),
];

/// Names of a place in the file that `paths` names.
const SPOTS: [&str; 8] = [
    "line",
    "line_number",
    "start_line",
    "line_start",
    "symbol",
    "function",
    "method",
    "class",
];

/// What stands for an argument that was not given.
const NOTHING: [&str; 4] = ["null", "None", "none", "undefined"];

/// Other words for a listed one.
const WORDS: [(&str, &str); 14] = [
    ("*", "all"),
    ("everything", "all"),
    ("detailed", "full"),
    ("dir", "directory"),
    ("folder", "directory"),
    ("directories", "directory"),
    ("definition", "symbol"),
    ("function", "symbol"),
    ("method", "symbol"),
    ("class", "symbol"),
    ("any", "all"),
    ("both", "all"),
    ("medium", "short"),
    ("summary", "short"),
];

/// What was read.
#[derive(Debug, Default, PartialEq)]
pub struct Read {
    /// The arguments as the schema has them.
    pub values: JsonObject,
    /// What the answer has to say of them, such as an unknown argument.
    pub notes: Vec<String>,
}

/// Reads `given` by a tool's input schema.
///
/// # Errors
/// An argument that is missing, or that can mean two things; in one line, with an example.
pub fn read(schema: &JsonObject, given: JsonObject) -> Result<Read, String> {
    let empty = Map::new();
    let properties = schema
        .get("properties")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let mut read = Read::default();
    let mut unknown: Vec<(String, Value)> = Vec::new();
    let given = opened(properties, given);
    // An argument under its own name goes before one under another.
    let (exact, other): (Vec<_>, Vec<_>) = given
        .into_iter()
        .partition(|(name, _)| properties.contains_key(name));
    for (name, value) in exact.into_iter().chain(other) {
        let known = match properties.contains_key(&name) {
            true => Some(name.clone()),
            false => alias(properties, &name).filter(|alias| !read.values.contains_key(alias)),
        };
        let Some(known) = known else {
            unknown.push((name, value));
            continue;
        };
        let property = &properties[&known];
        let is_needed = |name: &str| {
            let required = schema.get("required").and_then(Value::as_array);
            required.is_some_and(|required| required.iter().any(|one| one == name))
        };
        let is_absent = value.is_null()
            || value.as_str().map(str::trim).is_some_and(|text| {
                // In a list of paths, the empty text is the repository itself.
                let is_empty = text.is_empty() && property["type"] != "array";
                // Some clients fill all fields. A folder may have such a name.
                let is_nothing = NOTHING.contains(&text) && known != "path" && !is_needed(&known);
                is_empty || is_nothing
            });
        if is_absent {
            continue;
        }
        let given = value;
        let value = value_of(property, &given).map_err(|flaw| {
            let example = json!({&known: example(property)});
            format!("{known}: {flaw}; for example {example}")
        })?;
        if let (Some(number), Some(most)) = (value.as_u64(), property["maximum"].as_u64())
            && number == most
            && as_number(&given).is_some_and(|given| given > most as f64)
        {
            read.notes
                .push(format!("{known} is {most} at most: {most} was used"));
        }
        read.values.insert(known, value);
    }
    for required in schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let name = required.as_str().unwrap_or_default();
        if !read.values.contains_key(name) {
            let example = json!({name: example(&properties[name])});
            return Err(format!("missing field `{name}`: for example {example}"));
        }
    }
    join_spot(&mut read.values, &mut unknown);
    if !unknown.is_empty() {
        let known: Vec<&str> = properties.keys().map(String::as_str).collect();
        let shown: Vec<String> = unknown
            .iter()
            .map(|(name, _)| crate::wire::plain::name(name))
            .collect();
        read.notes.push(format!(
            "unknown arguments ignored: {} (known: {})",
            shown.join(", "),
            known.join(", ")
        ));
    }
    Ok(read)
}

/// The arguments that a client put one level too deep: `{"arguments": {"path": "src"}}`.
fn opened(properties: &Map<String, Value>, mut given: JsonObject) -> JsonObject {
    for name in ["arguments", "args", "params", "parameters", "input"] {
        if let Some(Value::Object(inner)) = given.get(name).cloned()
            && !properties.contains_key(name)
        {
            given.remove(name);
            given.extend(inner);
        }
    }
    given
}

/// Joins a line or a definition that came as an argument of its own with the one path: `src/a.py` and 3.
fn join_spot(values: &mut JsonObject, unknown: &mut Vec<(String, Value)>) {
    let Some([Value::String(path)]) = values
        .get_mut("paths")
        .and_then(Value::as_array_mut)
        .map(Vec::as_mut_slice)
    else {
        return;
    };
    let is_spot = |(name, value): &(String, Value)| {
        SPOTS.contains(&&name.to_ascii_lowercase()[..]) && spot(value).is_some()
    };
    if let Some(at) = unknown.iter().position(is_spot)
        && let Some(spot) = spot(&unknown[at].1)
    {
        *path = format!("{path}:{spot}");
        unknown.remove(at);
    }
}

/// A line's number or a definition's name.
fn spot(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => number.as_u64().map(|line| line.to_string()),
        _ => None,
    }
}

/// The argument that a name can only mean: another spelling, or an alias.
fn alias(properties: &Map<String, Value>, name: &str) -> Option<String> {
    let same = |one: &str, other: &str| {
        let letters = |text: &str| text.to_ascii_lowercase().replace(['_', '-'], "");
        letters(one) == letters(other)
    };
    if let Some(known) = properties.keys().find(|known| same(known, name)) {
        return Some(known.clone());
    }
    let meant = ALIASES.iter().find(|(known, others)| {
        properties.contains_key(*known) && others.iter().any(|other| same(other, name))
    });
    meant.map(|(known, _)| (*known).to_owned())
}

/// The value by its property.
fn value_of(property: &Value, value: &Value) -> Result<Value, String> {
    match property["type"].as_str() {
        Some("integer") => whole_number(property, unwrapped(value)),
        Some("array") => list(property, value),
        _ => text(property, unwrapped(value)),
    }
}

fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().replace(['_', ','], "").parse().ok(),
        _ => None,
    }
}

fn whole_number(property: &Value, value: &Value) -> Result<Value, String> {
    let expected = "expected a whole number, 0 or more";
    if let Value::Array(list) = value
        && let [one] = list.as_slice()
    {
        return whole_number(property, one);
    }
    let shown = shown(value);
    let number = as_number(value).ok_or_else(|| format!("{shown} is no number, {expected}"))?;
    if number.fract() != 0.0 || number < 0.0 {
        return Err(format!("{shown} is not possible, {expected}"));
    }
    // Above the largest possible value, that is meant; below the smallest, that.
    let bound = |key: &str| property[key].as_f64();
    let number = bound("maximum").map_or(number, |most| number.min(most));
    let number = bound("minimum").map_or(number, |least| number.max(least));
    Ok(json!(number as u64))
}

fn list(property: &Value, value: &Value) -> Result<Value, String> {
    let items = match value {
        Value::Array(items) => items.clone(),
        // `["a", "b"]`, and as Python writes it: `['a', 'b']`. A name may begin with a bracket.
        Value::String(text) if text.trim_start().starts_with('[') => {
            let read = serde_json::from_str::<Vec<Value>>(text);
            let read = read.or_else(|_| serde_json::from_str(&text.replace('\'', "\"")));
            read.unwrap_or_else(|_| vec![value.clone()])
        }
        // One a line.
        Value::String(text) if text.trim().contains('\n') => {
            let lines = text.lines().map(str::trim);
            let lines = lines.filter(|line| !line.is_empty());
            lines.map(Value::from).collect()
        }
        Value::String(_) | Value::Number(_) => vec![value.clone()],
        // `{"path": "src"}` and the like, as some models write an item.
        Value::Object(_) => vec![value.clone()],
        _ => return Err(format!("{} is no list", shown(value))),
    };
    let item = &property["items"];
    let items = items.iter().flat_map(|item| match item {
        Value::Array(inner) => inner.as_slice(),
        item => std::slice::from_ref(item),
    });
    let items: Result<Vec<Value>, String> = items
        .filter(|item| !item.is_null())
        .map(|value| text(item, &with_spot(value)))
        .collect();
    Ok(Value::Array(items?))
}

/// The text in an object with one text, or under a name of `paths`: `{"path": "src/a.py", "line": 3}`.
fn unwrapped(value: &Value) -> &Value {
    let Value::Object(object) = value else {
        return value;
    };
    let named = ALIASES[0].1.iter().find_map(|name| object.get(*name));
    let only = object.values().next().filter(|_| object.len() == 1);
    named.or(only).unwrap_or(value)
}

/// The same, with the line or the definition that is in the object, too: `src/a.py:3`.
fn with_spot(value: &Value) -> Value {
    let path = unwrapped(value);
    let spot = SPOTS
        .iter()
        .find_map(|name| spot(value.as_object()?.get(*name)?));
    match (path.as_str(), spot) {
        (Some(path), Some(spot)) if path != spot => json!(format!("{path}:{spot}")),
        _ => path.clone(),
    }
}

/// Several texts as one, where the description allows it: the words of a query, the alternatives of a glob.
fn joined(property: &Value, texts: &[Value]) -> Option<String> {
    let texts: Vec<&str> = texts.iter().filter_map(Value::as_str).collect();
    let description = property["description"].as_str().unwrap_or_default();
    match property["enum"].is_null() {
        true if description.contains("words") => Some(texts.join(" ")),
        true if description.contains(".gitignore") => Some(format!("{{{}}}", texts.join(","))),
        _ => None,
    }
}

fn text(property: &Value, value: &Value) -> Result<Value, String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Array(list) if list.len() == 1 => return self::text(property, &list[0]),
        Value::Array(list) if list.iter().all(Value::is_string) => {
            joined(property, list).ok_or_else(|| format!("{} is no text", shown(value)))?
        }
        _ => return Err(format!("{} is no text", shown(value))),
    };
    let Some(words) = property["enum"].as_array() else {
        return Ok(Value::String(text));
    };
    let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
    listed(&words, &text.trim().to_ascii_lowercase())
        .map(Value::from)
        .ok_or_else(|| format!("{} is none of {}", shown(value), words.join(", ")))
}

/// The one of `words` that a text can only mean: itself, another word for it, its plural, or the only one in it, as in
/// `full detail` and `one-line`.
fn listed<'w>(words: &[&'w str], text: &str) -> Option<&'w str> {
    let known = |text: &str| words.iter().copied().find(|word| *word == text);
    let meant = |text: &str| {
        let other = |text: &str| WORDS.iter().find(|(other, _)| *other == text);
        let single = text.strip_suffix('s').unwrap_or(text);
        known(text)
            .or_else(|| known(other(text)?.1))
            .or_else(|| known(single))
            .or_else(|| known(other(single)?.1))
    };
    meant(text).or_else(|| {
        let mut found = text.split(|c: char| !c.is_alphanumeric()).filter_map(meant);
        let first = found.next()?;
        found.all(|word| word == first).then_some(first)
    })
}

/// The value as it came, cut short.
fn shown(value: &Value) -> String {
    let text = crate::wire::plain::clean(&value.to_string());
    match text.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

fn example(property: &Value) -> Value {
    if let Some(example) = property["examples"].get(0) {
        return example.clone();
    }
    match property["type"].as_str() {
        Some("integer") => property.get("default").cloned().unwrap_or_else(|| json!(2)),
        Some("array") => json!(["src/main.rs"]),
        _ => property["enum"]
            .get(0)
            .cloned()
            .unwrap_or_else(|| json!("src")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> JsonObject {
        let schema = json!({
            "properties": {
                "paths": {"type": "array", "items": {"type": "string"}},
                "depth": {"type": "integer", "minimum": 1, "maximum": 100, "default": 2},
                "detail": {"type": "string", "enum": ["line", "short", "full"]},
                "query": {"type": "string"},
                "path_glob": {"type": "string", "description": "Only paths that match, as in .gitignore"},
                "repository": {"type": "string"},
            },
            "required": ["paths"],
        });
        schema.as_object().cloned().unwrap_or_default()
    }

    fn values(given: Value) -> Result<(Value, usize), String> {
        let given = given.as_object().cloned().unwrap_or_default();
        let read = read(&schema(), given)?;
        Ok((Value::Object(read.values), read.notes.len()))
    }

    #[test]
    fn what_can_only_mean_one_thing_is_read_as_that() {
        for (given, expected, notes) in [
            (json!({"paths": "src"}), json!({"paths": ["src"]}), 0),
            (json!({"path": "src"}), json!({"paths": ["src"]}), 0),
            (
                json!({"paths": "[\"src\",\"b\"]"}),
                json!({"paths": ["src", "b"]}),
                0,
            ),
            (
                json!({"paths": "[id].tsx"}),
                json!({"paths": ["[id].tsx"]}),
                0,
            ),
            (
                json!({"paths": "['src', 'b']"}),
                json!({"paths": ["src", "b"]}),
                0,
            ),
            (
                json!({"paths": "src\n b\n"}),
                json!({"paths": ["src", "b"]}),
                0,
            ),
            (
                json!({"paths": [{"path": "b", "line": 3}, ["c"]]}),
                json!({"paths": ["b:3", "c"]}),
                0,
            ),
            (
                json!({"path": "b", "symbol": "go", "kind": 1}),
                json!({"paths": ["b:go"]}),
                1,
            ),
            (
                json!({"arguments": {"path": {"path": "b"}, "depth": {"value": 3}}}),
                json!({"paths": ["b"], "depth": 3}),
                0,
            ),
            (
                json!({"paths": ["a"], "depth": "null", "detail": "None", "repository": "undefined"}),
                json!({"paths": ["a"]}),
                0,
            ),
            (
                json!({"paths": ["a"], "detail": "one-line", "depth": 1e30}),
                json!({"paths": ["a"], "detail": "line", "depth": 100}),
                1,
            ),
            (
                json!({"paths": ["a"], "detail": "Full details"}),
                json!({"paths": ["a"], "detail": "full"}),
                0,
            ),
            (
                json!({"paths": "a", "maxDepth": 3, "path_glob": ["src/**", "*.md"]}),
                json!({"paths": ["a"], "depth": 3, "path_glob": "{src/**,*.md}"}),
                0,
            ),
            (json!({"paths": ""}), json!({"paths": [""]}), 0),
            (
                json!({"paths": [7, {"path": "b"}, null]}),
                json!({"paths": ["7", "b"]}),
                0,
            ),
            (
                json!({"paths": ["a"], "depth": "2"}),
                json!({"paths": ["a"], "depth": 2}),
                0,
            ),
            (
                json!({"paths": ["a"], "depth": 2.0}),
                json!({"paths": ["a"], "depth": 2}),
                0,
            ),
            (
                json!({"paths": ["a"], "depth": " 1e1 "}),
                json!({"paths": ["a"], "depth": 10}),
                0,
            ),
            (
                json!({"paths": ["a"], "depth": 0}),
                json!({"paths": ["a"], "depth": 1}),
                0,
            ),
            (
                json!({"paths": ["a"], "depth": 5000}),
                json!({"paths": ["a"], "depth": 100}),
                1,
            ),
            (
                json!({"paths": ["a"], "depth": "", "detail": "", "query": null}),
                json!({"paths": ["a"]}),
                0,
            ),
            (
                json!({"paths": ["a"], "detail": "Full"}),
                json!({"paths": ["a"], "detail": "full"}),
                0,
            ),
            (
                json!({"paths": ["a"], "query": 404}),
                json!({"paths": ["a"], "query": "404"}),
                0,
            ),
            (
                json!({"paths": ["a"], "toolCallId": "1", "sessionId": 2}),
                json!({"paths": ["a"]}),
                1,
            ),
            (
                json!({"Paths": ["a"], "repo": "/r"}),
                json!({"paths": ["a"], "repository": "/r"}),
                0,
            ),
            (
                json!({"paths": ["a"], "path": "b", "files": "c"}),
                json!({"paths": ["a"]}),
                1,
            ),
        ] {
            assert_eq!(values(given.clone()), Ok((expected, notes)), "{given}");
        }
    }

    #[test]
    fn what_is_ambiguous_is_named_with_an_example() {
        for (given, parts) in [
            (json!({}), ["paths", "[\"src/main.rs\"]"]),
            (
                json!({"paths": ["a"], "depth": 2.5}),
                ["depth: 2.5", "{\"depth\":2}"],
            ),
            (
                json!({"paths": ["a"], "depth": "two"}),
                ["depth: \"two\"", "{\"depth\":2}"],
            ),
            (
                json!({"paths": ["a"], "depth": -1}),
                ["depth: -1", "0 or more"],
            ),
            (
                json!({"paths": ["a"], "depth": {}}),
                ["depth: {}", "{\"depth\":2}"],
            ),
            (
                json!({"paths": ["a"], "detail": "huge"}),
                ["detail: \"huge\"", "line, short, full"],
            ),
            (
                json!({"paths": ["a"], "detail": "short or full"}),
                ["detail: ", "line, short, full"],
            ),
            (json!({"paths": true}), ["paths: true", "[\"src/main.rs\"]"]),
            (
                json!({"paths": ["a"], "query": ["a", "b"]}),
                ["query: ", "for example"],
            ),
        ] {
            let error = values(given.clone()).expect_err("it is ambiguous");
            assert!(
                parts.iter().all(|part| error.contains(part)),
                "{given}: {error}"
            );
        }
    }
}
