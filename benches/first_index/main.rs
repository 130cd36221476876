//! How close a first index comes to the best possible schedule: the real program, whole command, against a model over
//! HTTP with a fixed latency for each request.
//!
//! `cargo bench --bench first_index`, with `-- --scale 0.1` (scales the model's latency of 3 s for a file and 2 s for a
//! directory), `--rounds 3` (reports the median), `--only WORD` (runs the cases whose name contains it).
#![allow(clippy::print_stdout)]

mod limits;
mod model;
mod schedule;
mod shape;
mod user;

use std::time::Duration;

use model::{Behavior, Model};
use schedule::Costs;
use shape::{Shape, module};
use user::User;

/// Requests in flight: the default of `max_workers`.
const WORKERS: usize = 10;
/// Seconds that a file and a directory take with a real model, as measured for the Python indexer this one replaces.
const FILE: f64 = 3.0;
const DIRECTORY: f64 = 2.0;

/// The command line's options.
pub struct Options {
    scale: f64,
    rounds: usize,
    only: Option<String>,
}

impl Options {
    fn read() -> Self {
        let mut options = Self {
            scale: 0.1,
            rounds: 3,
            only: None,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().unwrap_or_default();
            match argument.as_str() {
                "--scale" => options.scale = value().parse().unwrap_or(options.scale),
                "--rounds" => options.rounds = value().parse().unwrap_or(options.rounds).max(1),
                "--only" => options.only = Some(value()),
                // `cargo bench` passes --bench.
                _ => {}
            }
        }
        options
    }

    /// Whether a case is selected.
    pub fn selects(&self, name: &str) -> bool {
        self.only
            .as_ref()
            .is_none_or(|only| name.contains(only.as_str()))
    }
}

fn main() -> std::io::Result<()> {
    let options = Options::read();
    let behavior = Behavior {
        file: Duration::from_secs_f64(FILE * options.scale),
        directory: Duration::from_secs_f64(DIRECTORY * options.scale),
        ..Behavior::default()
    };
    println!(
        "first index: {:?} a file, {:?} a directory ({} of a real model's), {WORKERS} workers, median of {}",
        behavior.file, behavior.directory, options.scale, options.rounds
    );
    println!(
        "{:32} {:>5} {:>5} {:>8} {:>8} {:>8} {:>7} {:>7}",
        "tree", "files", "dirs", "bound", "ideal", "took", "/bound", "/ideal"
    );
    for shape in Shape::all() {
        if options.selects(shape.name) {
            first_index(&shape, behavior, options.rounds)?;
        }
    }
    limits::run(&options)
}

/// The result of one round, in seconds.
#[derive(Clone, Copy)]
struct Round {
    took: f64,
    before: f64,
    after: f64,
    again: f64,
    again_requests: usize,
    /// How many directories are above the added function, and the requests for it.
    added: (usize, usize),
}

fn first_index(shape: &Shape, behavior: Behavior, rounds: usize) -> std::io::Result<()> {
    let costs = Costs {
        file: behavior.file.as_micros() as u64,
        directory: behavior.directory.as_micros() as u64,
    };
    let bound = seconds(schedule::bound(shape, costs, WORKERS));
    let ideal = seconds(schedule::ideal(shape, costs, WORKERS));
    let mut all = Vec::new();
    for _ in 0..rounds {
        let model = Model::start(behavior)?;
        let user = User::of(&model, "")?;
        shape.write(&user.repo())?;
        let (begun, ended, stderr) = user.index()?;
        let seen = model.seen();
        let nodes = shape.files() + shape.directories.len();
        if seen.requests != nodes {
            let requests = seen.requests;
            return Err(std::io::Error::other(format!(
                "{requests} requests for {nodes} nodes: {stderr}"
            )));
        }
        // A restart with nothing changed.
        let (again_begun, again_ended, _) = user.index()?;
        let again_requests = model.seen().requests;
        // One function added in the deepest directory that holds a file.
        let deepest = shape
            .directories
            .iter()
            .enumerate()
            .filter(|(_, (_, files))| *files > 0)
            .max_by_key(|(_, (path, _))| path.split('/').count());
        let mut added = (0, 0);
        if let Some((number, (path, _))) = deepest {
            let text = module(number, 0) + "\n\ndef added():\n    return 1\n";
            std::fs::write(user.repo().join(path).join("module_0.py"), text)?;
            user.index()?;
            added = (
                1 + path.split('/').filter(|part| !part.is_empty()).count(),
                model.seen().requests,
            );
        }
        all.push(Round {
            took: (ended - begun).as_secs_f64(),
            before: seen
                .span
                .map_or(0.0, |(first, _)| (first - begun).as_secs_f64()),
            after: seen
                .span
                .map_or(0.0, |(_, last)| (ended - last).as_secs_f64()),
            again: (again_ended - again_begun).as_secs_f64(),
            again_requests,
            added,
        });
    }
    all.sort_by(|a, b| a.took.total_cmp(&b.took));
    let Round {
        took,
        before,
        after,
        again,
        again_requests,
        added,
    } = all[all.len() / 2];
    println!(
        "{:32} {:>5} {:>5} {bound:>7.2}s {ideal:>7.2}s {took:>7.2}s {:>7.3} {:>7.3}",
        shape.name,
        shape.files(),
        shape.directories.len(),
        took / bound,
        took / ideal
    );
    println!(
        "    {:.0} ms before the first request, {:.0} ms after the last answer; again: {again:.2} s, {again_requests} \
         requests; a function added below {} directories: {} requests",
        before * 1_000.0,
        after * 1_000.0,
        added.0,
        added.1
    );
    Ok(())
}

fn seconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1e6
}
