//! The clients: where each keeps its configuration, and how a server is written there.

use std::fmt;
use std::path::{Path, PathBuf};

/// A client that speaks MCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Client {
    /// Claude Code
    Claude,
    /// Codex CLI
    Codex,
    /// Cursor
    Cursor,
    /// Visual Studio Code
    Vscode,
    /// Zed
    Zed,
    /// Gemini CLI
    Gemini,
}

/// How a configuration is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// JSON, with comments perhaps; the servers are members of this key's object.
    Json(&'static str),
    /// TOML, with a table for each server below `mcp_servers`.
    Toml,
}

/// A client's row: its name, its file below the home folder or XDG_CONFIG_HOME, its form, and further members of a
/// server.
struct Row {
    client: Client,
    name: &'static str,
    base: Base,
    file: &'static str,
    form: Form,
    more: &'static str,
}

enum Base {
    Home,
    Config,
}

const ROWS: [Row; 6] = [
    Row {
        client: Client::Claude,
        name: "Claude Code",
        base: Base::Home,
        file: ".claude.json",
        form: Form::Json("mcpServers"),
        more: "\"type\": \"stdio\", ",
    },
    Row {
        client: Client::Codex,
        name: "Codex",
        base: Base::Home,
        file: ".codex/config.toml",
        form: Form::Toml,
        more: "",
    },
    Row {
        client: Client::Cursor,
        name: "Cursor",
        base: Base::Home,
        file: ".cursor/mcp.json",
        form: Form::Json("mcpServers"),
        more: "",
    },
    Row {
        client: Client::Vscode,
        name: "Visual Studio Code",
        base: Base::Config,
        file: "Code/User/mcp.json",
        form: Form::Json("servers"),
        more: "\"type\": \"stdio\", ",
    },
    Row {
        client: Client::Zed,
        name: "Zed",
        base: Base::Config,
        file: "zed/settings.json",
        form: Form::Json("context_servers"),
        more: "\"source\": \"custom\", ",
    },
    Row {
        client: Client::Gemini,
        name: "Gemini CLI",
        base: Base::Home,
        file: ".gemini/settings.json",
        form: Form::Json("mcpServers"),
        more: "",
    },
];

impl Client {
    fn row(self) -> &'static Row {
        let row = ROWS.iter().find(|row| row.client == self);
        row.unwrap_or(&ROWS[0])
    }

    /// How its configuration is written.
    pub fn form(self) -> Form {
        self.row().form
    }

    /// Its configuration file. Codex and VS Code are also found where their own variables put them.
    pub fn file(self, home: &Path) -> PathBuf {
        let row = self.row();
        let folder = |name: &str| {
            let set = std::env::var_os(name).map(PathBuf::from);
            set.filter(|folder| folder.is_absolute())
        };
        match (self, &row.base) {
            (Self::Codex, _) if folder("CODEX_HOME").is_some() => {
                folder("CODEX_HOME").unwrap_or_default().join("config.toml")
            }
            (Self::Claude, _) if folder("CLAUDE_CONFIG_DIR").is_some() => {
                folder("CLAUDE_CONFIG_DIR")
                    .unwrap_or_default()
                    .join(".claude.json")
            }
            (Self::Vscode, _) if cfg!(target_os = "macos") => {
                home.join("Library/Application Support").join(row.file)
            }
            (_, Base::Config) => {
                let config = folder("XDG_CONFIG_HOME");
                config
                    .unwrap_or_else(|| home.join(".config"))
                    .join(row.file)
            }
            (_, Base::Home) => home.join(row.file),
        }
    }

    /// The server as a JSON object; `program` is quoted.
    pub fn entry(self, program: &str) -> String {
        let more = self.row().more;
        format!("{{{more}\"command\": {program}, \"args\": [\"mcp\", \"--watch\"]}}")
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row().name)
    }
}
