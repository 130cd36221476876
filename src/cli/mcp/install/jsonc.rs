//! One member of a JSON file, put in and taken out as text: comments, trailing commas and the order of members stay.

/// What an object of the text holds: where it begins and ends, and its members.
struct Object {
    /// At its `{`.
    open: usize,
    /// At its `}`.
    close: usize,
    members: Vec<Member>,
}

struct Member {
    name: String,
    /// Where its value begins.
    value: usize,
    /// After the value.
    to: usize,
}

/// The text with `entry`, a JSON value, as member `name` of the object `key` of the top object.
pub fn with(text: &str, key: &str, name: &str, entry: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Ok(format!(
            "{{\n  \"{key}\": {{\n    \"{name}\": {entry}\n  }}\n}}\n"
        ));
    }
    let top = top(text)?;
    let Some(servers) = top.members.iter().find(|member| member.name == key) else {
        let value = format!("{{\n    \"{name}\": {entry}\n  }}");
        return Ok(insert(text, &top, key, &value, "  "));
    };
    let servers = object(text, servers.value).map_err(|_| format!("\"{key}\" is no object"))?;
    match servers.members.iter().find(|member| member.name == name) {
        Some(member) => Ok(format!(
            "{}{entry}{}",
            &text[..member.value],
            &text[member.to..]
        )),
        None => Ok(insert(text, &servers, name, entry, "    ")),
    }
}

/// The text without that member; without the object too, where it was the last one in it.
pub fn without(text: &str, key: &str, name: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Ok(text.to_owned());
    }
    let top = top(text)?;
    let Some(servers) = top.members.iter().position(|member| member.name == key) else {
        return Ok(text.to_owned());
    };
    let Ok(inner) = object(text, top.members[servers].value) else {
        return Ok(text.to_owned());
    };
    match inner.members.iter().position(|member| member.name == name) {
        Some(_) if inner.members.len() == 1 => Ok(remove(text, &top, servers)),
        Some(at) => Ok(remove(text, &inner, at)),
        None => Ok(text.to_owned()),
    }
}

fn insert(text: &str, into: &Object, name: &str, value: &str, indent: &str) -> String {
    match into.members.last() {
        Some(last) => {
            // A comma may stand after the last one already.
            let after = skip(text, last.to);
            let trailing = text[after..].starts_with(',');
            let at = if trailing { after + 1 } else { last.to };
            let comma = if trailing { "" } else { "," };
            let end = if trailing { "," } else { "" };
            format!(
                "{}{comma}\n{indent}\"{name}\": {value}{end}{}",
                &text[..at],
                &text[at..]
            )
        }
        None => {
            let outer = &indent[2..];
            let rest = &text[into.close..];
            let inside = text[into.open + 1..into.close].trim_end();
            format!(
                "{}{{{inside}\n{indent}\"{name}\": {value}\n{outer}{rest}",
                &text[..into.open]
            )
        }
    }
}

/// Removes a member with the comma that belongs to it and the white space before it.
fn remove(text: &str, from: &Object, at: usize) -> String {
    let member = &from.members[at];
    let after = skip(text, member.to);
    let (begin, end) = match at.checked_sub(1) {
        // With the comma before it; one after it stays, where it trails.
        Some(before) => {
            let last = at + 1 == from.members.len();
            let trailing = text[after..].starts_with(',');
            let before = from.members[before].to;
            match (last, trailing) {
                (true, true) => {
                    let comma = skip(text, before) + 1;
                    (comma, after + 1)
                }
                (true, false) => (before, member.to),
                (false, _) => (skip(text, before) + 1, after + 1),
            }
        }
        None if text[after..].starts_with(',') => (from.open + 1, after + 1),
        None => (from.open + 1, from.close),
    };
    format!("{}{}", &text[..begin], &text[end..])
}

fn top(text: &str) -> Result<Object, String> {
    let start = skip(text, usize::from(text.starts_with('\u{feff}')) * 3);
    let top = object(text, start).map_err(|at| {
        let line = text[..at.min(text.len())].matches('\n').count() + 1;
        format!("is no JSON that can be read (line {line})")
    })?;
    Ok(top)
}

/// The object at `open`; where it cannot be read, the place of the flaw.
fn object(text: &str, open: usize) -> Result<Object, usize> {
    if !text[open..].starts_with('{') {
        return Err(open);
    }
    let mut members = Vec::new();
    let mut at = skip(text, open + 1);
    loop {
        match text[at..].chars().next() {
            Some('}') => {
                return Ok(Object {
                    open,
                    close: at,
                    members,
                });
            }
            Some('"') => {}
            _ => return Err(at),
        }
        let name_end = string(text, at)?;
        let name = serde_json::from_str(&text[at..name_end]).map_err(|_| at)?;
        let colon = skip(text, name_end);
        if !text[colon..].starts_with(':') {
            return Err(colon);
        }
        let value = skip(text, colon + 1);
        let to = self::value(text, value)?;
        members.push(Member { name, value, to });
        at = skip(text, to);
        match text[at..].chars().next() {
            Some(',') => at = skip(text, at + 1),
            Some('}') => {}
            _ => return Err(at),
        }
    }
}

/// The end of the value at `at`.
fn value(text: &str, at: usize) -> Result<usize, usize> {
    match text[at..].chars().next() {
        Some('"') => string(text, at),
        Some('{') => object(text, at).map(|object| object.close + 1),
        Some('[') => {
            let mut at = skip(text, at + 1);
            loop {
                if text[at..].starts_with(']') {
                    return Ok(at + 1);
                }
                at = skip(text, value(text, at)?);
                match text[at..].chars().next() {
                    Some(',') => at = skip(text, at + 1),
                    Some(']') => {}
                    _ => return Err(at),
                }
            }
        }
        _ => {
            let plain = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
            let end = text[at..]
                .find(|c| !plain(c))
                .map_or(text.len(), |length| at + length);
            if end == at { Err(at) } else { Ok(end) }
        }
    }
}

/// The end of the string at `at`.
fn string(text: &str, at: usize) -> Result<usize, usize> {
    let mut escaped = false;
    for (offset, c) in text[at..].char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Ok(at + offset + 1),
            _ => {}
        }
    }
    Err(at)
}

/// The place after white space and comments.
fn skip(text: &str, mut at: usize) -> usize {
    loop {
        let rest = &text[at.min(text.len())..];
        let blank = rest.len() - rest.trim_start().len();
        let rest = &rest[blank..];
        at += blank;
        let comment = match rest.get(..2) {
            Some("//") => rest.find('\n').unwrap_or(rest.len()),
            Some("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            _ => return at,
        };
        at += comment;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_put_in_and_taken_out_and_the_rest_stays() {
        for before in [
            "{}\n",
            "{\n}\n",
            "{\"a\": 1}",
            "{\n  \"a\": [1, {\"b\": \"}\"}], // x, y\n}\n",
            "{\"s\": {\"other\": {\"command\": \"x\"}}, \"z\": 1}\n",
            "{\n  /* mine */\n  \"s\": {\n    \"other\": {},\n  },\n}\n",
            "{\"s\": {}, \"z\": null}",
        ] {
            let after = with(before, "s", "me", "{\"command\": \"p\"}").expect("it is JSON");
            let top = top(&after).expect("it still is");
            let servers = top
                .members
                .iter()
                .find(|member| member.name == "s")
                .expect("s");
            let servers =
                object(&after, servers.value).unwrap_or_else(|at| panic!("no object at {at}"));
            let me: Vec<&Member> = servers
                .members
                .iter()
                .filter(|one| one.name == "me")
                .collect();
            assert_eq!(me.len(), 1, "{after}");
            assert_eq!(
                with(&after, "s", "me", "{\"command\": \"p\"}").as_deref(),
                Ok(&*after)
            );
            let restored = without(&after, "s", "me").expect("it is JSON");
            // An object that was empty or missing may be gone.
            if before.contains("other") {
                assert_eq!(restored, before);
            }
            assert!(
                !restored.contains("\"me\"") && self::top(&restored).is_ok(),
                "{restored}"
            );
            assert_eq!(without(before, "s", "me").as_deref(), Ok(before));
        }
        assert!(with("", "s", "me", "{}").is_ok_and(|text| text.contains("\"s\"")));
    }

    #[test]
    fn what_is_no_json_is_left_alone() {
        for broken in ["[]", "{\"a\": }", "{\"a\": 1", "{\"s\": 1}", "x"] {
            assert!(with(broken, "s", "me", "{}").is_err(), "{broken}");
        }
    }
}
