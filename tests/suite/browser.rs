//! The exported page in a real browser, through `tests/browser/page.mjs`. Skipped without Node, Chromium or
//! playwright-core, which is installed into the target folder if npm can.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{Done, Home, Repo, finish};

/// The folder with playwright-core in `node_modules`; `None` if it cannot be had.
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
pub fn browse(script: &str, address: &str) -> Option<Done> {
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
    let done = finish(node.arg(address).arg(shots).arg(modules));
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
    if let Some(done) = browse("page.mjs", &address) {
        assert_eq!(done.code, Some(0), "{}\n{}", done.stdout, done.stderr);
        assert!(done.stdout.matches("ok ").count() > 20, "{}", done.stdout);
    }
}
