//! `epitome mcp install CLIENT`: adds the server to a client's configuration, or takes it out.
//!
//! Only the server's own entry is touched. What else is in the file, comments and order too, stays as it is.

mod clients;
mod jsonc;
mod tables;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::cli::failure::Failure;
use crate::cli::{output, service};
use clients::{Client, Form};

/// The name of the server in a client's configuration.
const NAME: &str = "epitome";
/// The first and the last line of the block in AGENTS.md.
const MARKS: [&str; 2] = ["<!-- epitome: begin -->", "<!-- epitome: end -->"];
/// When an agent should ask.
const ADVICE: &str = "\
## Summaries of this repository (Epitome)

The MCP server `epitome` has an up-to-date summary of each file and folder. Before reading files one by one:

- New to the repository: `get_overview`, then `list_tree`.
- Looking for something: `search` (a behaviour, a name, a part of a path) gives `path:line`.
- About to open a file or folder: `get_summary` (also `path:line` and `path:Symbol`).
- Coming back, or before a review: `list_changes`.
- An answer marked `~ stale`: read the file, or wait with `get_status`.
";

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The client
    #[arg(value_enum)]
    client: Client,
    /// Print what would be written, and write nothing
    #[arg(long)]
    print: bool,
    /// Take the server out again
    #[arg(long, conflicts_with = "print")]
    uninstall: bool,
    /// Also put a block into AGENTS.md, or into FILE, that tells agents when to ask
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "AGENTS.md")]
    agents_md: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let home = std::env::home_dir().filter(|home| home.is_absolute());
    let home = home.ok_or_else(|| {
        Failure::Failed("the home folder is not known: set HOME to an absolute path".to_owned())
    })?;
    let program = service::program()?;
    let client = arguments.client;
    let path = client.file(&home);
    if arguments.print {
        output::print(&client.edited("", Some(&program)).map_err(Failure::Failed)?)?;
        if arguments.agents_md.is_some() {
            output::print(&format!("\n{}", block()))?;
        }
        output::say(&format!("this belongs into {}", path.display()));
        return Ok(());
    }
    let program = (!arguments.uninstall).then_some(&*program);
    change(&path, |text| client.edited(text, program))?;
    if let Some(file) = &arguments.agents_md {
        change(file, |text| Ok(advised(text, program.is_some())))?;
    }
    if program.is_some() {
        output::say(&format!(
            "restart {client} to use it; `epitome doctor` checks the setup"
        ));
    }
    Ok(())
}

/// Rewrites a file where that changes it, as a whole. A link is followed: people keep their configuration elsewhere.
fn change(path: &Path, edit: impl FnOnce(&str) -> Result<String, String>) -> Result<(), Failure> {
    let failed = |reason: String| Failure::Failed(format!("{}: {reason}", path.display()));
    let before = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(failed(error.to_string())),
    };
    let after = edit(&before).map_err(failed)?;
    if after == before {
        output::say(&format!("{} needs no change", path.display()));
        return Ok(());
    }
    let write = || -> io::Result<()> {
        let real = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        let folder = real
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let new = tempfile::Builder::new()
            .prefix(".epitome")
            .tempfile_in(folder)?;
        fs::write(new.path(), &after)?;
        if let Ok(found) = fs::metadata(&real) {
            fs::set_permissions(new.path(), found.permissions())?;
        }
        new.persist(&real).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error| failed(error.to_string()))?;
    output::say(&format!("wrote {}", path.display()));
    Ok(())
}

impl Client {
    /// The configuration with the server run by `program`, or without it.
    fn edited(self, text: &str, program: Option<&Path>) -> Result<String, String> {
        let program = program.map(quoted).transpose()?;
        match (self.form(), program) {
            (Form::Toml, Some(program)) => tables::with(text, NAME, &program),
            (Form::Toml, None) => Ok(tables::without(text, NAME)),
            (Form::Json(key), Some(program)) => jsonc::with(text, key, NAME, &self.entry(&program)),
            (Form::Json(key), None) => jsonc::without(text, key, NAME),
        }
    }
}

/// The program as a string of JSON and of TOML.
fn quoted(program: &Path) -> Result<String, String> {
    let text = program
        .to_str()
        .filter(|text| !text.chars().any(char::is_control));
    let text = text.ok_or_else(|| format!("{} cannot be in a configuration", program.display()))?;
    Ok(serde_json::Value::from(text).to_string())
}

fn block() -> String {
    format!("{}\n{ADVICE}{}\n", MARKS[0], MARKS[1])
}

/// The text with the block, or without it.
fn advised(text: &str, with: bool) -> String {
    let [begin, end] = MARKS;
    let found = text.find(begin).and_then(|from| {
        let to = text[from..].find(end)? + from + end.len();
        let to = to + usize::from(text[to..].starts_with('\n'));
        Some((from, to))
    });
    match (found, with) {
        (Some((from, to)), true) => format!("{}{}{}", &text[..from], block(), &text[to..]),
        (Some((from, to)), false) => {
            let before = text[..from].trim_end_matches('\n');
            let line = if before.is_empty() { "" } else { "\n" };
            format!("{before}{line}{}", &text[to..])
        }
        (None, true) if text.is_empty() => block(),
        (None, true) => format!("{}\n\n{}", text.trim_end_matches('\n'), block()),
        (None, false) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_of_advice_is_put_in_once_and_taken_out_again() {
        for before in ["", "# Rules\n\nBe brief.\n"] {
            let with = advised(before, true);
            assert!(with.contains("get_overview") && with.starts_with(before.trim_end()));
            assert_eq!(advised(&with, true), with);
            assert_eq!(advised(&with, false), before);
            assert_eq!(advised(before, false), before);
        }
    }

    #[test]
    fn each_client_s_configuration_is_changed_and_restored() {
        let program = Path::new("/opt/my tools/epitome");
        for client in <Client as clap::ValueEnum>::value_variants() {
            let before = match client.form() {
                Form::Toml => {
                    "model = \"x\" # mine\n\n[mcp_servers.other]\ncommand = \"a\"\n".to_owned()
                }
                Form::Json(key) => format!(
                    "{{\n  // mine\n  \"theme\": \"dark\",\n  \"{key}\": {{\n    \"other\": {{\"command\": \"a\"}}\n  }},\n}}\n"
                ),
            };
            let edited = |text: &str, program: Option<&Path>| client.edited(text, program);
            let with = edited(&before, Some(program)).expect("it can be changed");
            for part in ["/opt/my tools/epitome", "mine", "other", "--watch"] {
                assert!(with.contains(part), "{with}");
            }
            assert_eq!(edited(&with, Some(program)), Ok(with.clone()));
            let moved = edited(&with, Some(Path::new("/b/epitome"))).expect("it can be changed");
            assert!(
                moved.contains("/b/epitome") && !moved.contains("/opt/"),
                "{moved}"
            );
            assert_eq!(edited(&with, None), Ok(before));
        }
    }
}
