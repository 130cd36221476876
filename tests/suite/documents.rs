//! README.md and docs/: the commands in them run, the commands that the text names exist, the configuration is accepted,
//! and the links lead somewhere.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::{Alone, Done, Home, Repo, finish};

/// Commands that are not run here, by prefix, with the reason.
const ELSEWHERE: &[(&str, &str)] = &[
    (
        "cargo ",
        "builds, installs or measures; this test runs in a build",
    ),
    ("benches/", "measures a release build"),
    ("EPITOME_", "long runs of the tests"),
    (
        "epitome daemon ",
        "runs until it is stopped: it is started below",
    ),
    ("epitome events", "runs until it is stopped: following.rs"),
    ("epitome ui", "runs until it is stopped: browser.rs"),
    ("epitome service ", "needs a systemd: service.rs"),
    ("systemctl ", "needs a systemd"),
    ("journalctl ", "needs a systemd"),
    ("install -D ", "asks for a key"),
    ("claude ", "is another program"),
];

/// The documents for users.
fn documents() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = vec![root.join("README.md")];
    for entry in fs::read_dir(root.join("docs")).unwrap() {
        paths.push(entry.unwrap().path());
    }
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path, text)
    };
    paths.into_iter().map(read).collect()
}

/// The lines of the fenced blocks of a language.
fn fenced<'t>(text: &'t str, language: &str) -> Vec<&'t str> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("```") {
            Some(mark) => inside = mark == language,
            None if inside => lines.push(line),
            None => {}
        }
    }
    lines
}

/// The code spans of running text that name a command of the program.
fn named(text: &str) -> Vec<&str> {
    let mut fence = false;
    let mut found = Vec::new();
    for line in text.lines() {
        fence ^= line.starts_with("```");
        if !fence {
            let spans = line.split('`').skip(1).step_by(2);
            found.extend(spans.filter(|span| span.starts_with("epitome ")));
        }
    }
    found
}

/// Runs a shell line in a folder of this user, with the program on the path.
fn shell(home: &Home, folder: &Path, line: &str) -> Done {
    let programs = Path::new(env!("CARGO_BIN_EXE_epitome")).parent().unwrap();
    let rest = std::env::var("PATH").unwrap_or_default();
    let mut command = home.command_by(&["sh", "-c", line], &[]);
    let path = format!("{}:{rest}", programs.display());
    finish(command.env("PATH", path).current_dir(folder))
}

#[test]
fn every_command_in_the_documents_works() {
    let home = Home::new();
    let folder = |name: &str| home.temp().with_file_name("home").join("src").join(name);
    let project = folder("project");
    fs::create_dir_all(project.join("src")).unwrap();
    fs::create_dir_all(folder("other")).unwrap();
    let text = "//! A client that tries again.\n\nfn retry() {}\n\nfn main() {\n    retry();\n}\n";
    fs::write(project.join("src/main.rs"), text).unwrap();
    fs::write(folder("other").join("a.py"), "a = 1\n").unwrap();
    let _daemon = home.daemon(&[project.to_str().unwrap()]);
    let mut run = 0;
    for (path, text) in documents() {
        for line in fenced(&text, "sh") {
            let line = line.split(" #").next().unwrap_or(line).trim();
            if line.is_empty() || ELSEWHERE.iter().any(|(begins, _)| line.starts_with(begins)) {
                continue;
            }
            if line.starts_with("curl ") && !Path::new("/usr/bin/curl").exists() {
                println!("skipped, because there is no curl: {line}");
                continue;
            }
            let done = shell(&home, &project, line);
            assert_eq!(done.code, Some(0), "{}: {line}: {done:?}", path.display());
            let has_output = !done.stdout.is_empty() || !done.stderr.is_empty();
            assert!(
                has_output || line == "epitome wait",
                "{line} prints nothing"
            );
            run += 1;
        }
    }
    assert!(run >= 12, "only {run} commands were found");
    // The output that the comments beside the commands promise.
    let says = |line: &str, text: &str| {
        let done = shell(&home, &project, line);
        assert!(done.stdout.contains(text), "{line}: {done:?}");
    };
    says(
        "epitome show src/main.rs",
        "    3  fn retry()\n  5-7  fn main()\n",
    );
    says("epitome search retry client", "src/main.rs");
    says("epitome status", "~/src/project  idle");
    says(
        "epitome show --prompt src/main.rs",
        "A client that tries again.",
    );
}

#[test]
fn commands_named_in_running_text_exist() {
    let home = Home::new();
    let mut count = 0;
    for (path, text) in documents() {
        for span in named(&text) {
            let arguments = span.split(' ').skip(1).map(|word| {
                let word = word.trim_matches(['[', ']']);
                match word {
                    "DAYS" | "BYTES" | "SECONDS" | "N" => "1",
                    word => word,
                }
            });
            let arguments: Vec<&str> = arguments.chain(["--help"]).collect();
            let done = home.run(&arguments);
            assert_eq!(done.code, Some(0), "{}: {span}: {done:?}", path.display());
            count += 1;
        }
    }
    assert!(count >= 15, "only {count} were found");
}

#[test]
fn the_configuration_in_the_readme_is_accepted() {
    let home = Home::new();
    let (_, text) = documents().remove(0);
    let lines = fenced(&text, "toml");
    assert!(lines.len() > 4, "{lines:?}");
    home.configure(&lines.join("\n"));
    fs::write(home.temp().join("a.py"), "a = 1\n").unwrap();
    let done = home.run_in(&home.temp(), &["index", "--dry-run"]).expect(0);
    assert!(
        done.stdout.contains("2 requests to gpt-4o-mini"),
        "{done:?}"
    );
}

/// The blocks of YAML are valid, and the commands in them run.
#[test]
fn the_workflow_and_the_hook_work() {
    let (_, text) = documents()
        .into_iter()
        .find(|(path, _)| path.ends_with("ci.md"))
        .unwrap();
    let (home, repo) = (Home::new(), Repo::package());
    let lines = fenced(&text, "yaml");
    let commands = lines.iter().filter_map(|line| {
        let line = line.trim_start().trim_start_matches("- ");
        let command = line
            .strip_prefix("run: ")
            .or(line.strip_prefix("entry: "))?;
        command.strip_prefix("epitome ")
    });
    let commands: Vec<&str> = commands.collect();
    assert_eq!(commands.len(), 2, "{lines:?}");
    let export = ["export", "--format", "markdown", "--output", "docs/map"];
    home.run_in(&repo.root(), &export).expect(0);
    for (tree_is_other, code) in [(false, 0), (true, 1)] {
        if tree_is_other {
            repo.write("src/shop/new.py", "\"\"\"New.\"\"\"\n");
        }
        for command in &commands {
            let words: Vec<&str> = command.split(' ').collect();
            home.run_in(&repo.root(), &words).expect(code);
        }
    }
    let blocks: Vec<String> = text
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once("```")?.0.to_owned()))
        .collect();
    assert_eq!(blocks.len(), 2);
    for block in blocks {
        assert!(!block.contains('\t'), "YAML has no tabs: {block}");
        let file = home.temp().join("block.yaml");
        fs::write(&file, &block).unwrap();
        let script =
            "import sys, yaml; sys.exit(not isinstance(yaml.safe_load(open(sys.argv[1])), dict))";
        let python = |script: &str| {
            let mut command = std::process::Command::new("python3");
            command.args(["-c", script]).arg(&file);
            command
        };
        let has_yaml = python("import yaml").output_alone();
        if has_yaml.is_ok_and(|done| done.status.success()) {
            finish(&mut python(script)).expect(0);
        } else {
            println!("not parsed, because there is no python3 with yaml");
        }
    }
}

#[test]
fn relative_links_lead_to_files() {
    for (path, text) in documents() {
        for link in text.split("](").skip(1) {
            let target = link.split([')', '#']).next().unwrap_or_default();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let file = path.parent().unwrap().join(target);
            assert!(file.exists(), "{}: {target}", path.display());
        }
    }
}
