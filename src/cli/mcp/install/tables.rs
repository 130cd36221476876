//! One table of a TOML file, put in and taken out as text.

/// The text with the table of a server; `program` is quoted.
pub fn with(text: &str, name: &str, program: &str) -> Result<String, String> {
    let table =
        format!("[mcp_servers.{name}]\ncommand = {program}\nargs = [\"mcp\", \"--watch\"]\n");
    // What is broken already is not made worse in silence.
    text.parse::<toml::Table>()
        .map_err(|error| format!("is no TOML that can be read ({})", error.message()))?;
    if let Some((from, to)) = span(text, name) {
        if text[from..to].trim_end() == table.trim_end() {
            return Ok(text.to_owned());
        }
        let rest = text[to..].trim_start_matches('\n');
        let gap = if rest.is_empty() { "" } else { "\n" };
        return Ok(format!("{}{table}{gap}{rest}", &text[..from]));
    }
    let changed = match text.is_empty() {
        true => table,
        false => format!("{}\n\n{table}", text.trim_end_matches('\n')),
    };
    match changed.parse::<toml::Table>() {
        Ok(_) => Ok(changed),
        Err(_) => Err(format!(
            "has mcp_servers.{name} in another form: take it out by hand first"
        )),
    }
}

/// The text without the table.
pub fn without(text: &str, name: &str) -> String {
    match span(text, name) {
        Some((from, to)) => {
            let before = text[..from].trim_end_matches('\n');
            let after = text[to..].trim_start_matches('\n');
            match (before.is_empty(), after.is_empty()) {
                (true, _) => after.to_owned(),
                (false, true) => format!("{before}\n"),
                (false, false) => format!("{before}\n\n{after}"),
            }
        }
        None => text.to_owned(),
    }
}

/// From the table's header to the next table that is not one below it.
fn span(text: &str, name: &str) -> Option<(usize, usize)> {
    let header = |line: &str| {
        let line = line.trim().strip_prefix('[')?;
        let key = line.split(']').next()?;
        Some(key.replace([' ', '"', '\''], ""))
    };
    let own = format!("mcp_servers.{name}");
    let mut at = 0;
    let mut from = None;
    for line in text.split_inclusive('\n') {
        if let Some(key) = header(line) {
            let is_own = key == own || key.starts_with(&format!("{own}."));
            match from {
                None if is_own => from = Some(at),
                Some(from) if !is_own => return Some((from, at)),
                _ => {}
            }
        }
        at += line.len();
    }
    from.map(|from| (from, text.len()))
}
