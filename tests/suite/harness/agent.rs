//! An MCP client: `epitome mcp` on pipes.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::{Alone, Home};

/// An agent's side of a session.
pub struct Agent {
    child: Child,
    pub input: Option<ChildStdin>,
    pub output: BufReader<ChildStdout>,
    number: u64,
    /// The roots that the client returns on request; `None`: it does not offer roots.
    roots: Option<Vec<String>>,
    /// Notifications from the server, in order.
    pub notifications: Vec<Value>,
}

impl Agent {
    /// Starts a session with a server in `folder`.
    #[track_caller]
    pub fn start(home: &Home, folder: &str) -> Self {
        Self::with(home, folder, &[], None)
    }

    /// The same with arguments for the server and roots of the client.
    #[track_caller]
    pub fn with(home: &Home, folder: &str, arguments: &[&str], roots: Option<&[&str]>) -> Self {
        let arguments = [&["mcp"], arguments].concat();
        let mut command = home.command(&arguments);
        command.current_dir(folder);
        Self::run(command, roots)
    }

    /// Starts a session with the server that a command runs.
    #[track_caller]
    pub fn run(command: Command, roots: Option<&[&str]>) -> Self {
        let mut agent = Self::raw(command);
        agent.roots = roots.map(|roots| roots.iter().map(|root| (*root).to_owned()).collect());
        let capabilities = match roots {
            Some(_) => json!({"roots": {"listChanged": true}}),
            None => json!({}),
        };
        let hello = agent.request(
            "initialize",
            json!({"protocolVersion": "2025-06-18", "capabilities": capabilities, "clientInfo": {"name": "test", "version": "1"}}),
        );
        assert_eq!(hello["result"]["serverInfo"]["name"], "epitome", "{hello}");
        assert_eq!(hello["result"]["protocolVersion"], "2025-06-18", "{hello}");
        assert!(hello["result"]["instructions"].is_string(), "{hello}");
        agent.send(json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        agent
    }

    /// Starts the server without a handshake.
    #[track_caller]
    pub fn raw(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn_alone()
            .unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            input,
            output,
            number: 0,
            roots: None,
            notifications: Vec::new(),
        }
    }

    pub fn send(&mut self, message: Value) {
        self.write(&format!("{message}\n"));
    }

    pub fn write(&mut self, text: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(text.as_bytes()).unwrap();
        input.flush().unwrap();
    }

    /// Reads the next message from the server.
    #[track_caller]
    pub fn read(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    #[track_caller]
    pub fn request(&mut self, method: &str, params: Value) -> Value {
        self.number += 1;
        let id = self.number;
        self.send(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let answer = self.read();
            if answer["method"] == "roots/list" {
                let roots = self
                    .roots
                    .clone()
                    .expect("the server requests roots only if they are offered");
                let roots: Vec<Value> = roots.iter().map(|root| json!({"uri": root})).collect();
                self.send(
                    json!({"jsonrpc": "2.0", "id": answer["id"], "result": {"roots": roots}}),
                );
                continue;
            }
            if answer.get("method").is_some() {
                self.notifications.push(answer);
                continue;
            }
            assert_eq!(answer["id"], id, "{answer}");
            return answer;
        }
    }

    /// A tool's result, and whether it is an error.
    #[track_caller]
    pub fn call(&mut self, tool: &str, arguments: Value) -> (String, bool) {
        let answer = self.request("tools/call", json!({"name": tool, "arguments": arguments}));
        let result = &answer["result"];
        let text = result["content"][0]["text"]
            .as_str()
            .unwrap_or_else(|| panic!("{answer}"));
        (text.to_owned(), result["isError"] == true)
    }

    /// A tool's result, which must not be an error.
    #[track_caller]
    pub fn good(&mut self, tool: &str, arguments: Value) -> String {
        let (text, is_error) = self.call(tool, arguments);
        assert!(!is_error, "{text}");
        assert!(
            text.contains("\nfreshness: ") && text.contains("\nleft out: "),
            "{text}"
        );
        text
    }

    /// A tool's result, which must be an error.
    #[track_caller]
    pub fn bad(&mut self, tool: &str, arguments: Value) -> String {
        let (text, is_error) = self.call(tool, arguments);
        assert!(is_error, "{text}");
        text
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // The end of its input ends the process.
        drop(self.input.take());
        let ended = self.child.wait().unwrap();
        if !std::thread::panicking() {
            assert!(ended.success(), "{ended}");
        }
    }
}
