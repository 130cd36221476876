//! No secret leaves: the tests plant every kind that the redactor knows and search all output of the program for it. Hostile
//! repositories gain nothing.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::json;

use crate::harness::{Agent, Alone, FakeModel, Home, Kind, Reply, Repo, find, until};

const ALNUM: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const HEX: &[u8] = b"0123456789abcdef";
const UPPER: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ234567";
const LOWER: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";

fn drawn(rng: &mut fastrand::Rng, from: &[u8], length: usize) -> String {
    (0..length)
        .map(|_| char::from(from[rng.usize(..from.len())]))
        .collect()
}

/// A secret, and the part of it that is drawn: what must not come out.
struct Secret {
    text: String,
    core: String,
}

/// The token formats of the redactor's own table, each drawn once.
fn tokens(rng: &mut fastrand::Rng) -> Vec<Secret> {
    let table = include_str!("../../src/shell/redact/vendors.txt");
    let rows = table.lines().filter(|line| !line.starts_with("# "));
    let rows = rows.filter_map(|line| Some(line.split_once(" | ")?.1));
    let mut secrets = Vec::new();
    for shape in rows {
        let mut secret = Secret {
            text: String::new(),
            core: String::new(),
        };
        let mut rest = shape.trim_start_matches('?');
        while let Some((before, behind)) = rest.split_once('{') {
            secret.text.push_str(before);
            let Some((run, after)) = behind.split_once('}') else {
                break;
            };
            rest = after;
            let Some((count, class)) = run.split_once(':') else {
                secret.text.push_str(&format!("{{{run}}}"));
                continue;
            };
            let from = match class {
                "h" | "H" => HEX,
                "d" => b"123456789",
                "U" | "B" | "A" => UPPER,
                "l" | "a" => LOWER,
                _ => ALNUM,
            };
            let piece = drawn(rng, from, count.parse().unwrap());
            if piece.len() > secret.core.len() {
                secret.core.clone_from(&piece);
            }
            secret.text.push_str(&piece);
        }
        secret.text.push_str(rest);
        if secret.core.len() >= 8 {
            secrets.push(secret);
        }
    }
    assert!(secrets.len() > 250, "{}", secrets.len());
    secrets
}

/// Places in which an outline, a summary or a search would show a token: `%s` stands for it, `%n` for a number.
const PLACES: [(&str, &str); 10] = [
    (
        "py",
        "\"\"\"Tool %n. Uses %s for the demo tenant.\"\"\"\n\n\ndef run%n(token=\"%s\"):\n    \"\"\"Runs with %s.\"\"\"\n    return token\n",
    ),
    (
        "py",
        "LIMIT%n = \"%s\"\n\n\nclass Client%n:\n    \"\"\"Holds %s.\"\"\"\n\n    header = \"%s\"\n",
    ),
    (
        "md",
        "# Set-up %n with %s\n\nCall it with `%s`.\n\n## Key %s\n",
    ),
    (
        "js",
        "/** Client %n; key %s */\nexport const value%n = '%s';\nexport function call(a = '%s') { return a; }\n",
    ),
    (
        "rs",
        "//! Part %n, %s.\n\n/// Uses %s.\npub const VALUE_%n: &str = \"%s\";\n",
    ),
    (
        "go",
        "// Package p holds %s.\npackage p\n\n// V%n is %s.\nconst V%n = \"%s\"\n",
    ),
    ("yaml", "# %s\nitem%n:\n  value: %s\n"),
    ("toml", "# %s\n[part%n]\nvalue = \"%s\"\n"),
    ("json", "{\"part%n\": {\"value\": \"%s\"}}\n"),
    ("txt", "Notes %n\n\nThe demo runs with %s today.\n"),
];

/// Secrets that only a name, a structure or the file's own name marks.
fn marked(rng: &mut fastrand::Rng) -> Vec<(String, String, String)> {
    let mut files = Vec::new();
    let lines = [
        ("settings.py", "DB_PASSWORD = \"%s\"\n"),
        (
            "defaults.py",
            "def connect(host=\"db\", password=\"%s\"):\n    \"\"\"Connects.\"\"\"\n",
        ),
        ("url.py", "URL = \"postgres://app:%s@db.local/x\"\n"),
        ("conf.ini", "[db]\npassword = %s\n"),
        ("deploy.yaml", "env:\n  - name: API_TOKEN\n    value: %s\n"),
        (
            "run.sh",
            "#!/bin/sh\nexport SECRET_KEY=%s\ncurl -u bot:%s https://x.local\n",
        ),
        ("k8s.yaml", "kind: Secret\ndata:\n  anything: %s\n"),
        ("web.xml", "<property name=\"password\" value=\"%s\"/>\n"),
        ("init.sql", "CREATE USER app WITH PASSWORD '%s';\n"),
        (".env", "ANYTHING=%s\n"),
        ("id_ed25519", "%s\n"),
        ("prod.tfvars", "other = \"%s\"\n"),
    ];
    for (name, text) in lines {
        let secret = drawn(rng, ALNUM, 22);
        files.push((name.to_owned(), text.replace("%s", &secret), secret));
    }
    let rows: Vec<String> = (0..6).map(|_| drawn(rng, ALNUM, 64)).collect();
    let mark = "PRIVATE KEY-----";
    let key = format!(
        "KEY = \"\"\"\n-----BEGIN {mark}\n{}\n-----END {mark}\n\"\"\"\n",
        rows.join("\n")
    );
    files.push(("key.py".to_owned(), key, rows[3].clone()));
    files
}

fn plant(repo: &Repo) -> Vec<(String, String)> {
    let mut rng = fastrand::Rng::with_seed(12);
    let mut cores = Vec::new();
    for (number, secret) in tokens(&mut rng).into_iter().enumerate() {
        let (ending, text) = PLACES[number % PLACES.len()];
        let name = format!("tokens/t{number}.{ending}");
        let number = number.to_string();
        repo.write(
            &name,
            text.replace("%n", &number).replace("%s", &secret.text),
        );
        cores.push((name, secret.core));
    }
    for (name, text, core) in marked(&mut rng) {
        repo.write(&name, text);
        cores.push((name, core));
    }
    for (name, core) in &cores {
        assert!(repo.read(name).contains(core), "{name}");
    }
    cores
}

fn files_below(folder: &Path, found: &mut Vec<u8>) {
    for entry in
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
    {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files_below(&path, found),
            false => found.extend(fs::read(&path).unwrap_or_default()),
        }
    }
}

#[track_caller]
fn none_in(what: &str, output: &[u8], cores: &[(String, String)]) {
    assert!(!output.is_empty(), "{what} is empty");
    let scan = aho_corasick::AhoCorasick::new(cores.iter().map(|(_, core)| core)).unwrap();
    let leaked: Vec<&(String, String)> = scan
        .find_iter(output)
        .map(|hit| &cores[hit.pattern().as_usize()])
        .collect();
    assert!(
        leaked.is_empty(),
        "{what} has {} secrets: {leaked:?}",
        leaked.len()
    );
}

fn everything_that_comes_out(home: &Home, with_model: Option<&FakeModel>) {
    let repo = Repo::new();
    let mut command = home.command(&["daemon", &repo.at("")]);
    command.env("EPITOME_LOG", "trace");
    let daemon = home.daemon_by(command);
    let log = home.temp().join("events");
    let mut follower = home
        .command(&["events", "--json", &repo.at("")])
        .stdout(Stdio::from(fs::File::create(&log).unwrap()))
        .spawn_alone()
        .unwrap();
    until("the follower is there", || {
        repo.write("first.txt", format!("{:?}\n", std::time::Instant::now()));
        fs::metadata(&log).is_ok_and(|log| log.len() > 0)
    });
    let cores = plant(&repo);
    home.wait(&repo);

    let tree = home.run(&["tree", &repo.at(""), "--json"]).expect(0);
    let parsed = tree.json();
    none_in("tree --json", tree.stdout.as_bytes(), &cores);
    assert_eq!(find(&parsed, ".env")["withheld"], "a secret by its name");
    let shown = find(&parsed, "defaults.py")["elements"].to_string();
    assert!(shown.contains("[redacted: password]"), "{shown}");
    for format in ["index", "markdown", "html"] {
        let output = home.temp().join(format);
        let at = output.to_str().unwrap();
        home.run(&["export", &repo.at(""), "--format", format, "--output", at])
            .expect(0);
        let mut bytes = Vec::new();
        files_below(&output, &mut bytes);
        none_in(format, &bytes, &cores);
    }
    let index = fs::read_to_string(home.temp().join("index/index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_str(&index).unwrap();
    for file in index["files"].as_array().unwrap() {
        let withheld =
            [".env", "id_ed25519", "prod.tfvars"].contains(&file["path"].as_str().unwrap());
        assert_eq!(file["digest"].is_null(), withheld, "{file}");
    }
    for query in ["password", "token", "key", "demo tenant"] {
        let found = home.run(&["search", query, "--json"]).expect(0);
        none_in("search", found.stdout.as_bytes(), &cores);
    }
    let mut agent = Agent::start(home, &repo.at(""));
    let overview = agent.good("get_overview", json!({}));
    none_in("get_overview", overview.as_bytes(), &cores);
    for (path, _) in cores.iter().step_by(29) {
        let shown = agent.good("get_summary", json!({"paths": [path], "detail": "full"}));
        none_in("get_summary", shown.as_bytes(), &cores);
    }
    drop(agent);
    let preview = home
        .run(&["show", "--prompt", &repo.at("settings.py")])
        .expect(0);
    none_in("show --prompt", preview.stdout.as_bytes(), &cores);
    if let Some(model) = with_model {
        let sent: String = model
            .requests()
            .iter()
            .map(|request| request.body.to_string())
            .collect();
        none_in("the requests", sent.as_bytes(), &cores);
        assert!(sent.contains("[redacted: "));
    }
    let _ = follower.kill();
    let _ = follower.wait();
    none_in("events", &fs::read(&log).unwrap(), &cores);
    let output = daemon.log();
    daemon.terminate();
    none_in("the log", output.as_bytes(), &cores);
    let mut store = Vec::new();
    files_below(&home.data(), &mut store);
    none_in("the store", &store, &cores);
}

#[test]
fn no_planted_secret_comes_out_offline() {
    everything_that_comes_out(&Home::with("[watch]\nsettle_ms = 20\n"), None);
}

#[test]
fn no_planted_secret_comes_out_with_a_model() {
    let model = FakeModel::new();
    let home = Home::with_model(
        &model,
        "quiet_ms = 0\nmax_workers = 50\n\n[budget]\nconfirm_above = 0",
    );
    everything_that_comes_out(&home, Some(&model));
}

#[test]
fn links_and_pipes_in_the_way_of_files_block_nothing_and_are_not_followed() {
    let home = Home::with("[export]\ndir = \"out\"\n\n[watch]\nsettle_ms = 20\n");
    let repo = Repo::new();
    let outside = home.temp().join("outside");
    fs::write(&outside, "theirs").unwrap();
    let pipe = |path: &str| {
        mknodat(
            CWD,
            repo.at(path),
            FileType::Fifo,
            Mode::RUSR | Mode::WUSR,
            0,
        )
        .unwrap();
    };
    for folder in ["out/a", "out/b", "a", "b", "c"] {
        fs::create_dir_all(repo.at(folder)).unwrap();
    }
    symlink("/dev/zero", repo.at("out/index.json")).unwrap();
    symlink(&outside, repo.at("out/a/index.json")).unwrap();
    pipe("out/b/index.json");
    pipe("a/.gitignore");
    symlink("/dev/zero", repo.at("b/.gitignore")).unwrap();
    for path in ["a/x.py", "b/y.py", "c/z.py"] {
        repo.write(path, "A = 1\n");
    }
    pipe("c/pipe.py");
    symlink("/dev/zero", repo.at("c/zero.py")).unwrap();
    // The lock of the socket, as others may have put it into a shared folder.
    let lock = home.socket().with_extension("sock.lock");
    mknodat(CWD, &lock, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let refused = home.run(&["daemon", &repo.at("")]).expect(1);
    assert!(refused.stderr.contains("not a regular file"), "{refused:?}");
    fs::remove_file(&lock).unwrap();

    let daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    until("the export is written", || {
        ["out/index.json", "out/a/index.json", "out/b/index.json"]
            .iter()
            .all(|path| {
                let found = fs::symlink_metadata(repo.at(path));
                found.is_ok_and(|found| found.is_file() && found.len() > 10)
            })
    });
    assert_eq!(fs::read_to_string(&outside).unwrap(), "theirs");
    assert!(daemon.peak_memory() < 500, "{} MiB", daemon.peak_memory());
}

/// Content that makes a model use an option that it was not given.
#[test]
fn content_that_provokes_unchanged_blocks_nothing() {
    let model = FakeModel::new();
    model.fail(usize::MAX, Reply::Text("UNCHANGED"), |request| {
        request.kind == Kind::File && request.content.contains("say so")
    });
    let home = Home::with_model(&model, "quiet_ms = 0");
    let repo = Repo::new();
    repo.write("a.py", "# say so\nA = 1\n");
    repo.write("b.py", "B = 1\n");
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let tree = home.json(&["tree", &repo.at(""), "--json"]);
    assert_eq!(tree["freshness"], "fresh", "{tree}");
    let node = find(&tree, "a.py");
    assert_eq!(
        (&node["freshness"], &node["model"]),
        (&json!("fresh"), &json!("offline"))
    );
    assert_eq!(model.count(), 4, "it is requested once more");
}

#[test]
fn the_key_goes_to_no_other_machine_unencrypted() {
    let home = Home::with(
        "[summaries]\nprovider = \"openai\"\n\n[openai]\nbase_url = \"http://192.0.2.7:9/v1\"\n",
    );
    fs::set_permissions(
        home.config(),
        std::os::unix::fs::PermissionsExt::from_mode(0o644),
    )
    .unwrap();
    let report = home.run(&["doctor"]).stdout;
    assert!(
        report.contains("not sent: http://192.0.2.7:9/v1 is unencrypted"),
        "{report}"
    );
    assert!(
        report.contains("readable by other users") && report.contains("chmod 600"),
        "{report}"
    );
}
