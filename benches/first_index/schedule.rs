//! The lower bound and the ideal schedule of a first index, computed without any overhead.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use crate::shape::Shape;

/// The model's latency in microseconds.
#[derive(Clone, Copy)]
pub struct Costs {
    /// For a file.
    pub file: u64,
    /// For a directory.
    pub directory: u64,
}

/// The lower bound of any order: all work divided by the workers, or the longest path to the root.
pub fn bound(shape: &Shape, costs: Costs, workers: usize) -> u64 {
    let total =
        shape.files() as u64 * costs.file + shape.directories.len() as u64 * costs.directory;
    let longest = shape
        .directories
        .iter()
        .map(|(path, files)| {
            let above = depth(path) + 1;
            above * costs.directory + if *files > 0 { costs.file } else { 0 }
        })
        .max();
    longest.unwrap_or(0).max(total.div_ceil(workers as u64))
}

/// The time of a list schedule: a free worker takes the ready node with the longest remaining path to the root.
pub fn ideal(shape: &Shape, costs: Costs, workers: usize) -> u64 {
    let parents = shape.parents();
    let mut open: Vec<usize> = shape.directories.iter().map(|(_, files)| *files).collect();
    for parent in parents.iter().skip(1) {
        open[*parent] += 1;
    }
    // Ready nodes, the longest remaining path first, then in tree order.
    let mut ready: BTreeSet<(Reverse<u64>, usize, usize)> = BTreeSet::new();
    for (at, (path, files)) in shape.directories.iter().enumerate() {
        let rest = costs.file + (depth(path) + 1) * costs.directory;
        ready.extend((0..*files).map(|file| (Reverse(rest), at, file + 1)));
    }
    let mut running: BinaryHeap<Reverse<(u64, usize, usize)>> = BinaryHeap::new();
    let mut now = 0;
    loop {
        while running.len() < workers {
            let Some((_, at, file)) = ready.pop_first() else {
                break;
            };
            let cost = if file > 0 {
                costs.file
            } else {
                costs.directory
            };
            running.push(Reverse((now + cost, at, file)));
        }
        let Some(Reverse((end, at, file))) = running.pop() else {
            return now;
        };
        now = end;
        let waiting = match file {
            0 if at == 0 => continue,
            0 => parents[at],
            _ => at,
        };
        open[waiting] -= 1;
        if open[waiting] == 0 {
            let rest = (depth(&shape.directories[waiting].0) + 1) * costs.directory;
            ready.insert((Reverse(rest), waiting, 0));
        }
    }
}

/// The number of directories above one.
fn depth(path: &str) -> u64 {
    if path.is_empty() {
        return 0;
    }
    path.split('/').count() as u64
}
