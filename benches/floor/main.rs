//! How close a first index and a repeated one come to the least that the work costs: the whole program with the offline
//! provider, beside a floor program (walk, read, hash, parse), `git status` and ctags, in one run on one machine.
//!
//! Times are wall clock; `cpu` columns are processor seconds of all threads, which a busy machine changes less.
//!
//! `cargo bench --bench floor` measures generated trees of 1,000 to 100,000 small files. `-- PATH…` adds real ones,
//! `-- --most N` sets the largest generated tree, `-- --rounds N` the number of rounds (the median is reported).
#![allow(clippy::print_stdout)]

mod floor;
mod trees;

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

struct Options {
    paths: Vec<PathBuf>,
    most: usize,
    rounds: usize,
}

impl Options {
    fn read() -> Self {
        let mut options = Self {
            paths: Vec::new(),
            most: 100_000,
            rounds: 3,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut number = |default| {
                let text = arguments.next();
                text.and_then(|text| text.parse().ok()).unwrap_or(default)
            };
            match argument.as_str() {
                "--most" => options.most = number(options.most),
                "--rounds" => options.rounds = number(options.rounds).max(1),
                // Cargo's own.
                "--bench" => {}
                path => options.paths.push(PathBuf::from(path)),
            }
        }
        options
    }
}

fn main() -> io::Result<()> {
    let options = Options::read();
    println!(
        "| tree | files | floor s | first index s | / floor | cpu / floor | again s | git status s | / git | cpu / git | ctags s | store B/file |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for path in &options.paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        measure(&name, path, options.rounds)?;
    }
    let sizes = [1_000, 10_000, 100_000, 1_000_000];
    for files in sizes.into_iter().filter(|files| *files <= options.most) {
        let folder = tempfile::tempdir()?;
        trees::small_files(folder.path(), files)?;
        measure(
            &format!("{files} small files"),
            folder.path(),
            options.rounds,
        )?;
    }
    Ok(())
}

/// Measures one tree, and prints its row.
fn measure(name: &str, tree: &Path, rounds: usize) -> io::Result<()> {
    let files = floor::scan(tree)?;
    let floor = median(rounds, || timed(|| floor::scan(tree).map(drop)))?;
    let mut first = Vec::new();
    let mut again = Vec::new();
    let mut bytes = 0;
    for _ in 0..rounds {
        let user = tempfile::tempdir()?;
        first.push(timed(|| index(user.path(), tree))?);
        again.push(timed(|| index(user.path(), tree))?);
        bytes = size_of(user.path())?;
    }
    let (first, again) = (middle(first), middle(again));
    let git = match tree.join(".git").exists() {
        true => Some(median(rounds, || {
            timed(|| {
                run(Command::new("git")
                    .arg("-C")
                    .arg(tree)
                    .args(["status", "--short"]))
            })
        })?),
        false => None,
    };
    let ctags = median(rounds, || {
        let mut ctags = Command::new("ctags");
        timed(|| {
            run(ctags
                .args(["-R", "--languages=Python", "-f", "-"])
                .arg(tree))
        })
    });
    let shown = |time: Option<f64>| time.map_or("-".to_owned(), |time| format!("{time:.2}"));
    let ratio = |time: f64, least: Option<f64>| shown(least.map(|least| time / least));
    println!(
        "| {name} | {files} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
        shown(Some(floor.wall)),
        shown(Some(first.wall)),
        ratio(first.wall, Some(floor.wall)),
        ratio(first.cpu, Some(floor.cpu)),
        shown(Some(again.wall)),
        shown(git.map(|git| git.wall)),
        ratio(again.wall, git.map(|git| git.wall)),
        ratio(again.cpu, git.map(|git| git.cpu)),
        shown(ctags.ok().map(|ctags| ctags.wall)),
        bytes / files.max(1) as u64,
    );
    Ok(())
}

/// Runs `epitome index` without a daemon, with private folders.
fn index(user: &Path, tree: &Path) -> io::Result<()> {
    let program = std::env::var_os("EPITOME_BENCH_PROGRAM")
        .unwrap_or_else(|| env!("CARGO_BIN_EXE_epitome").into());
    run(Command::new(program)
        .arg("index")
        .arg(tree)
        .env_clear()
        .env("HOME", user)
        .env("EPITOME_DATA_DIR", user.join("data"))
        .env("EPITOME_SOCKET", user.join("socket")))
}

fn run(command: &mut Command) -> io::Result<()> {
    let done = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()?;
    match done.status.success() {
        true => Ok(()),
        false => Err(io::Error::other(
            String::from_utf8_lossy(&done.stderr).into_owned(),
        )),
    }
}

/// What some work took, in seconds.
#[derive(Clone, Copy)]
struct Took {
    wall: f64,
    cpu: f64,
}

fn timed(work: impl FnOnce() -> io::Result<()>) -> io::Result<Took> {
    let (begun, before) = (Instant::now(), cpu_seconds());
    work()?;
    Ok(Took {
        wall: begun.elapsed().as_secs_f64(),
        cpu: cpu_seconds() - before,
    })
}

/// Processor seconds of this process and of its children that ended; 0 where there is no `/proc`.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields);
    // utime, stime, cutime, cstime, in hundredths.
    let ticks = fields.split_whitespace().skip(11).take(4);
    ticks
        .filter_map(|field| field.parse::<f64>().ok())
        .sum::<f64>()
        / 100.0
}

fn median(rounds: usize, mut once: impl FnMut() -> io::Result<Took>) -> io::Result<Took> {
    let times: io::Result<Vec<Took>> = (0..rounds).map(|_| once()).collect();
    times.map(middle)
}

fn middle(mut times: Vec<Took>) -> Took {
    times.sort_by(|one, other| one.wall.total_cmp(&other.wall));
    times[times.len() / 2]
}

fn size_of(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += match metadata.is_dir() {
            true => size_of(&entry.path())?,
            false => metadata.len(),
        };
    }
    Ok(bytes)
}
