//! Random ignore files, compared with git.

use std::io::Write;
use std::process::{Command, Stdio};

use fastrand::Rng;

use super::*;
use crate::fuzz;
use crate::shell::rules::pattern::PatternList;

/// Pieces of patterns and paths.
const PIECES: [&str; 26] = [
    "a",
    "b",
    "ab",
    "a",
    "b",
    "/",
    "/",
    "/",
    "*",
    "**",
    "**/",
    "/**",
    "?",
    "[ab]",
    "[!a]",
    "[^b-]",
    "[a",
    "]",
    "\\",
    "\\*",
    " ",
    "\t",
    "-",
    ".",
    "é",
    "[[:alpha:]]",
];
/// Names of files.
const NAMES: [&str; 12] = [
    "a", "b", "ab", "ba", "a.b", "*", " ", "a ", "[a", "-", "é", "a]",
];

fn line(rng: &mut Rng) -> String {
    let marks = ["", "", "", "!", "#", "/"];
    let mut text = marks[rng.usize(..marks.len())].to_owned();
    for _ in 0..rng.usize(1..6) {
        text += PIECES[rng.usize(..PIECES.len())];
    }
    text
}

fn path(rng: &mut Rng) -> String {
    let names: Vec<&str> = (0..rng.usize(1..5))
        .map(|_| NAMES[rng.usize(..NAMES.len())])
        .collect();
    names.join("/")
}

/// The paths among these that git ignores.
fn git_ignores(root: &Path, paths: &[String]) -> Option<Vec<String>> {
    let mut git = Command::new("git")
        .args(["check-ignore", "--no-index", "--stdin", "-z"])
        .current_dir(root)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut input = git.stdin.take().unwrap();
    input
        .write_all((paths.join("\0") + "\0").as_bytes())
        .unwrap();
    drop(input);
    let done = git.wait_with_output().unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    let all = said.split('\0').filter(|path| !path.is_empty());
    Some(all.map(str::to_owned).collect())
}

#[test]
fn exactly_what_git_ignores_is_ignored() {
    let mut some = 0;
    for seed in fuzz::rounds(250) {
        let mut rng = Rng::with_seed(seed);
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path();
        make_repository(&root.join(".git"));
        fs::create_dir_all(root.join(".git/refs")).unwrap();
        let lines: Vec<String> = (0..rng.usize(1..6)).map(|_| line(&mut rng)).collect();
        let text = lines.join(["\n", "\r\n"][rng.usize(..2)]);
        write(root, ".gitignore", &text);
        let mut paths: Vec<String> = (0..40).map(|_| path(&mut rng)).collect();
        paths.sort();
        paths.dedup();
        let Some(wanted) = git_ignores(root, &paths) else {
            return;
        };
        some += wanted.len();
        let rules = open(root);
        for path in paths {
            assert_eq!(
                ignored(&rules, &path),
                wanted.contains(&path),
                "seed {seed}: {path:?} by {text:?}"
            );
        }
    }
    assert!(
        some > 100,
        "git ignored {some} of them: that proves nothing"
    );
}

/// Arbitrary ignore files cause neither a panic nor a long run.
#[test]
fn any_ignore_file_is_parsed_and_matched_quickly() {
    let words: [&[u8]; 8] = [
        b"*a*a*a*a*a*a*a*a*b",
        b"**/**/**/**/**/x",
        b"[[:alpha:][:digit:]-z]",
        b"{a,b}",
        b"\\",
        b"[",
        b"!",
        b"\xef\xbb\xbf",
    ];
    let long = [b"a".repeat(200), b"a/".repeat(100)];
    for seed in fuzz::rounds(3_000) {
        let mut rng = Rng::with_seed(seed);
        let text = fuzz::text(&mut rng, 60);
        let bytes = fuzz::mutated(&mut rng, text.as_bytes(), &words);
        let bytes = fuzz::mutated(&mut rng, &bytes, &words);
        let list = PatternList::parse(&bytes, false);
        for path in [&long[0], &long[1], &fuzz::bytes(&mut rng, 40)] {
            let _ = list.verdict(path, rng.bool());
        }
        let glob = String::from_utf8_lossy(&bytes).into_owned();
        if let Err((named, _)) = PatternList::of_globs(std::slice::from_ref(&glob)) {
            assert_eq!(named, glob, "seed {seed}");
        }
    }
}
