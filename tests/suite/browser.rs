//! The exported page in a real browser, through `tests/browser/page.mjs`. Skipped without Node, Chromium or
//! playwright-core, which is installed into the target folder if npm can.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use std::io::{BufRead, BufReader, Read, Write};

use crate::harness::{Alone, Done, Home, Repo, finish};

/// The folder with playwright-core in `node_modules`; `None` if it is not available.
fn playwright() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_BIN_EXE_epitome")).parent()?;
    let folder = target.join("browser-tests");
    if !folder.join("node_modules/playwright-core").exists() {
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]);
        npm.arg(&folder).arg("playwright-core@1");
        std::fs::create_dir_all(&folder).ok()?;
        Path::new("/usr/bin/npm")
            .exists()
            .then(|| finish(&mut npm))?;
    }
    folder
        .join("node_modules/playwright-core")
        .exists()
        .then_some(folder)
}

/// Runs a script of `tests/browser`; `None` if it was skipped.
pub fn browse(script: &str, address: &str, more: &[&str]) -> Option<Done> {
    if !Path::new("/usr/bin/node").exists() {
        println!("skipped: there is no /usr/bin/node");
        return None;
    }
    let Some(modules) = playwright() else {
        println!("skipped: playwright-core cannot be installed");
        return None;
    };
    let shots = modules.join("screenshots");
    std::fs::create_dir_all(&shots).unwrap();
    let mut node = Command::new("/usr/bin/node");
    node.arg(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/browser")
            .join(script),
    );
    let done = finish(node.arg(address).arg(shots).arg(modules).args(more));
    if done.code == Some(77) {
        println!("{}", done.stdout);
        return None;
    }
    Some(done)
}

#[test]
fn the_page_works_in_a_browser() {
    let (home, repo) = (Home::new(), Repo::package());
    let hostile = "\"\"\"Has <img src=x onerror=window.hacked=1> and </script><script>window.hacked=1</script>.\"\"\"\n";
    repo.write("src/<img src=x onerror=window.hacked=1>.py", hostile);
    let output = home.temp().join("page");
    home.run(&["export", &repo.at(""), "-o", output.to_str().unwrap()])
        .expect(0);
    let address = format!("file://{}", output.join("index.html").display());
    if let Some(done) = browse("page.mjs", &address, &[]) {
        assert_eq!(done.code, Some(0), "{}\n{}", done.stdout, done.stderr);
        assert!(done.stdout.matches("ok ").count() > 20, "{}", done.stdout);
    }
}

/// A running `epitome ui`.
struct Ui {
    child: Child,
    address: String,
}

impl Ui {
    fn start(home: &Home) -> Self {
        let mut command = home.command(&["ui", "--no-open"]);
        let mut child = command.stdout(Stdio::piped()).spawn_alone().unwrap();
        let mut address = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        lines.read_line(&mut address).unwrap();
        let address = address.trim().to_owned();
        assert!(address.starts_with("http://127.0.0.1:"), "{address}");
        Self { child, address }
    }

    /// Status and head of the response to a request with these header lines.
    fn get(&self, target: &str, headers: &str) -> (u16, String) {
        let host = self
            .address
            .trim_start_matches("http://")
            .split('/')
            .next()
            .unwrap();
        let mut stream = std::net::TcpStream::connect(host).unwrap();
        let headers = headers.replace("HOST", host);
        write!(
            stream,
            "GET {target} HTTP/1.1\r\n{headers}connection: close\r\n\r\n"
        )
        .unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        let status = response[9..12].parse().unwrap();
        (status, response)
    }
}

impl Drop for Ui {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_live_page_is_for_the_browser_that_opened_it() {
    let (home, repo) = (Home::new(), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let ui = Ui::start(&home);
    let token = ui.address.split_once("/?").unwrap().1.to_owned();
    let start = format!("/?{token}");
    let data = format!("/data?repository={}", repo.at(""));
    for (target, headers) in [
        ("/", "host: HOST\r\n"),
        ("/status", "host: HOST\r\n"),
        ("/?token=0", "host: HOST\r\n"),
        // A name that an attacker's server resolves to this machine, and a page of another site.
        (start.as_str(), "host: evil.example\r\n"),
        (
            start.as_str(),
            "host: HOST\r\norigin: https://evil.example\r\n",
        ),
    ] {
        assert_eq!(ui.get(target, headers).0, 403, "{target} {headers}");
    }
    let (status, head) = ui.get(&start, "host: HOST\r\n");
    assert_eq!(status, 303, "{head}");
    let cookie = head
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: "))
        .unwrap();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"),
        "{cookie}"
    );
    let with = format!(
        "host: HOST\r\ncookie: {}\r\n",
        cookie.split(';').next().unwrap()
    );
    assert_eq!(
        ui.get(&start, "host: HOST\r\n").0,
        403,
        "the token works once"
    );
    let (status, page) = ui.get("/", &with);
    assert!(
        status == 200 && page.contains("content-security-policy"),
        "{page}"
    );
    assert!(ui.get(&data, &with).1.contains("cart.py"));
    assert_eq!(ui.get("/data?repository=/etc", &with).0, 404);
    assert_eq!(
        ui.get(&data, &with.replace("host: HOST", "host: localhost"))
            .0,
        403
    );
}

#[test]
fn the_live_page_follows_a_save() {
    let (home, repo) = (Home::new(), Repo::package());
    repo.write("sheep.py", "\"\"\"Counts cars.\"\"\"\n");
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let ui = Ui::start(&home);
    if let Some(done) = browse("live.mjs", &ui.address, &[&repo.at("sheep.py")]) {
        assert_eq!(done.code, Some(0), "{}\n{}", done.stdout, done.stderr);
    }
}
