//! Rules of this repository that a test can check: which module may import which.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("src is there") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// The modules that each top-level module may import from, including itself.
fn allowed(module: &str) -> &'static [&'static str] {
    match module {
        "model" => &["model"],
        "engine" => &["engine", "model"],
        "wire" => &["wire", "model"],
        "shell" => &["shell", "model"],
        "config" => &["config", "model", "shell"],
        "client" => &["client", "wire", "model"],
        "daemon" => &[
            "daemon", "engine", "shell", "wire", "config", "model", "client",
        ],
        "page" => &["page", "wire", "model"],
        "mcp" => &["mcp", "client", "wire", "model"],
        _ => &[
            "cli", "mcp", "page", "daemon", "client", "config", "wire", "model", "shell",
        ],
    }
}

/// Modules of the shell that its other modules may use.
const COMMON: [&str; 4] = ["rules", "lstat", "redact", "regular"];

#[test]
fn imports_point_one_way() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    assert!(files.len() > 50);
    let mut wrong = Vec::new();
    for file in files {
        let below = file.strip_prefix(&src).expect("below src");
        let names: Vec<String> = below
            .iter()
            .map(|name| name.to_string_lossy().trim_end_matches(".rs").to_owned())
            .collect();
        let module = names[0].as_str();
        if ["lib", "main"].contains(&module) || names.iter().any(|name| name.contains("tests")) {
            continue;
        }
        let text = fs::read_to_string(&file).expect("text");
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        for line in code.take_while(|line| !line.contains("#[cfg(test)]")) {
            for used in line.split("crate::").skip(1) {
                let mut path = used.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
                let path: Vec<&str> = path.next().unwrap_or_default().split("::").collect();
                let sibling = module == "shell"
                    && path[0] == "shell"
                    && path
                        .get(1)
                        .is_some_and(|other| *other != names[1] && !COMMON.contains(other));
                if !path[0].is_empty() && (!allowed(module).contains(&path[0]) || sibling) {
                    wrong.push(format!("{}: {}", below.display(), line.trim()));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "imports that go the wrong way:\n{}",
        wrong.join("\n")
    );
}

/// The daemon's modules by layer: each may import from the layers before its own, and from itself.
const DAEMON_LAYERS: [&[&str]; 11] = [
    &["mailbox"],
    &["prompt"],
    &["provider"],
    &["context"],
    &["contents"],
    &["answers", "search"],
    &["work"],
    &["event_loop"],
    &["access"],
    &["hints", "server", "socket", "refusal", "systemd"],
    &["lifecycle"],
];

#[test]
fn imports_inside_the_daemon_point_one_way() {
    let daemon = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/daemon");
    let mut files = Vec::new();
    sources(&daemon, &mut files);
    let layer = |module: &str| {
        let found = DAEMON_LAYERS.iter().position(|all| all.contains(&module));
        found.unwrap_or_else(|| panic!("{module} has no layer"))
    };
    let mut wrong = Vec::new();
    for file in files {
        let below = file.strip_prefix(&daemon).expect("below src/daemon");
        let module = below.iter().next().expect("a name").to_string_lossy();
        let module = module.trim_end_matches(".rs");
        if module == "tests" {
            continue;
        }
        let text = fs::read_to_string(&file).expect("text");
        for line in text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
        {
            // A file of its own at the top may name its siblings by `super`.
            let top = below.iter().count() == 1;
            let paths = line.split("crate::daemon::").skip(1);
            let siblings = line.split("super::").skip(if top { 1 } else { usize::MAX });
            for used in paths.chain(siblings) {
                let name = used.split(|c: char| !c.is_alphanumeric() && c != '_');
                let name = name.into_iter().next().unwrap_or_default();
                let is_module = name.starts_with(|c: char| c.is_lowercase());
                if is_module && name != module && layer(name) >= layer(module) {
                    wrong.push(format!("{}: {}", below.display(), line.trim()));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "imports that go the wrong way:\n{}",
        wrong.join("\n")
    );
}

/// Time and randomness are inputs, so that a seed can replay everything.
#[test]
fn the_engine_reads_no_clock_and_no_disk() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = vec![src.join("engine.rs")];
    sources(&src.join("engine"), &mut files);
    sources(&src.join("model"), &mut files);
    for file in files {
        let text = fs::read_to_string(&file).expect("text");
        for forbidden in [
            "std::fs",
            "std::time",
            "Instant",
            "SystemTime",
            "tokio",
            "std::env",
            "rand",
            "async fn",
        ] {
            let found = text.lines().find(|line| {
                let line = line.trim_start();
                !line.starts_with("//") && line.contains(forbidden)
            });
            assert_eq!(found, None, "{} has {forbidden}", file.display());
        }
    }
}

/// A process that is started while another thread writes delays that thread's close event: see `harness/forks.rs`.
#[test]
fn tests_start_processes_in_one_place() {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite");
    let mut files = Vec::new();
    sources(&suite, &mut files);
    for file in files {
        let text = fs::read_to_string(&file).expect("text");
        if file.ends_with("harness/forks.rs") || file.ends_with("tidy.rs") {
            continue;
        }
        for forbidden in [".spawn()", ".output()"] {
            let found = text.lines().find(|line| line.contains(forbidden));
            assert_eq!(found, None, "{} has {forbidden}", file.display());
        }
    }
}
