//! More operations: the user's git files, nested repositories, unresolved conflicts, files kept open, folders that become
//! files, roots that are not repositories for a while.

use super::generator::{Generator, NAMES, RULES, Stock, split};
use super::op::{Op, Place};

/// git commands in addition to those of the narrow histories.
const LINES: &[&str] = &[
    "worktree add -q -f wt HEAD",
    "worktree add -q -f ../out/wt HEAD",
    "worktree remove -f wt",
    "worktree prune",
    "stash push -q",
    "stash pop -q",
    "stash apply -q",
    "rebase main",
    "rebase --skip",
    "rebase --abort",
    "cherry-pick side",
    "cherry-pick --abort",
    "merge --abort",
    "checkout -q -f --orphan fresh",
    "checkout -q -f main",
    "sparse-checkout set src",
    "sparse-checkout disable",
    "reset -q --hard",
    "clean -qffdx",
    "add -A",
    "commit -q --allow-empty -m more",
];
/// The user's git files, and files that they may refer to.
const EXCLUDES: &[&str] = &[
    "config/git/ignore",
    "home/rules-a",
    "home/rules-b",
    "home/kept/rules",
];
const CONFIGS: &[&str] = &[
    "home/.gitconfig",
    "config/git/config",
    "home/kept/gitconfig",
];

/// The next operation: a planned one first.
pub fn next(generator: &mut Generator, stock: &Stock) -> Op {
    if !generator.planned.is_empty() && generator.rng.u32(..3) > 0 {
        return generator.planned.pop_front().unwrap_or(Op::CheckFresh);
    }
    match generator.rng.u32(..100) {
        0..18 => excludes(generator),
        18..34 => git(generator, stock),
        34..42 => match generator.any_entry(stock) {
            Some(place) => Op::Become(place, generator.rng.bool()),
            None => Op::CheckFresh,
        },
        42..60 => content(generator, stock),
        60..70 => open_file(generator, stock),
        70..74 => {
            let place = root(generator);
            generator.planned.push_back(Op::Watch(place.clone()));
            Op::Unwatch(place)
        }
        74 => Op::Watch(root(generator)),
        75 | 76 => Op::ParentAway(generator.rng.u64(..60)),
        77..82 if !generator.is_root => match generator.any_entry(stock) {
            Some(place) => {
                let mode = [0o000, 0o300, 0o400, 0o500, 0o755][generator.rng.usize(..5)];
                Op::Mode(place, mode)
            }
            None => Op::CheckFresh,
        },
        82..88 => across(generator, stock),
        88..92 => Op::CheckFresh,
        _ => rules(generator, stock),
    }
}

fn root(generator: &mut Generator) -> Place {
    Place::new(["tree", "tree", "out", "tree/lib"][generator.rng.usize(..4)])
}

fn excludes(generator: &mut Generator) -> Op {
    let rules = RULES[generator.rng.usize(..RULES.len())].to_owned();
    let gone = generator.rng.u32(..4) == 0;
    match generator.rng.u32(..7) {
        0 => {
            let to = ["home/rules-a", "home/kept/rules"][generator.rng.usize(..2)];
            Op::UserLink(EXCLUDES[0], to)
        }
        1 => Op::UserLink(CONFIGS[0], "home/kept/gitconfig"),
        2 | 3 => {
            let file = ["~/rules-a", "~/rules-b"][generator.rng.usize(..2)];
            let text = match generator.rng.u32(..4) {
                0 => "[user]\n\tname = A\n".to_owned(),
                _ => format!("[core]\n\texcludesFile = {file}\n"),
            };
            let config = CONFIGS[generator.rng.usize(..CONFIGS.len())];
            Op::UserFile(config, (!gone).then_some(text))
        }
        _ => {
            let file = EXCLUDES[generator.rng.usize(..EXCLUDES.len())];
            Op::UserFile(file, (!gone).then_some(rules))
        }
    }
}

fn git(generator: &mut Generator, stock: &Stock) -> Op {
    let tops: Vec<Place> = stock
        .directories
        .iter()
        .filter(|place| !stock.repositories.contains(place))
        .cloned()
        .collect();
    let known = generator.pick(&stock.repositories).cloned();
    let Some(place) = known else {
        return Op::Git(Place::new("tree"), split("init -q -b main"));
    };
    match generator.rng.u32(..12) {
        // A nested repository: `.git` is created later, removed, renamed and restored.
        0 => match generator.pick(&tops).cloned() {
            Some(top) => Op::Git(top, split("init -q -b main")),
            None => Op::CheckFresh,
        },
        1 => Op::Remove(place.join(b".git")),
        2 => {
            let (mark, aside) = (place.join(b".git"), place.join(b".put-aside"));
            let back = Op::Rename(aside.clone(), mark.clone());
            generator.planned.push_back(back);
            Op::Rename(mark, aside)
        }
        3 => {
            let rule = RULES[generator.rng.usize(..RULES.len())].to_owned();
            Op::Write(place.join(b".git/info/exclude"), rule)
        }
        4 => conflict(generator, &place),
        _ => Op::Git(place, split(LINES[generator.rng.usize(..LINES.len())])),
    }
}

/// Two branches change the same line, and joining them stops at the conflict.
fn conflict(generator: &mut Generator, place: &Place) -> Op {
    let number = generator.number;
    let file = place.join(NAMES[generator.rng.usize(..NAMES.len())]);
    let git = |line: String| Op::Git(place.clone(), split(&line));
    let last = ["rebase main", "merge -q main", "stash pop -q"][generator.rng.usize(..3)];
    generator.planned.extend([
        git("add -A -f".to_owned()),
        git("commit -q --allow-empty -m base".to_owned()),
        git(format!("checkout -q -b left{number}")),
        Op::Write(file.clone(), format!("left = {number}\n")),
        git("add -A -f".to_owned()),
        git("commit -q --allow-empty -m left".to_owned()),
        git("checkout -q -f main".to_owned()),
        Op::Write(file.clone(), format!("main = {number}\n")),
        git("add -A -f".to_owned()),
        match last {
            "stash pop -q" => git("stash push -q".to_owned()),
            _ => git("commit -q --allow-empty -m main".to_owned()),
        },
        git(format!("checkout -q -f left{number}")),
        git(last.to_owned()),
    ]);
    Op::Write(file, format!("base = {number}\n"))
}

fn content(generator: &mut Generator, stock: &Stock) -> Op {
    let Some(file) = generator.file(stock) else {
        return Op::CheckFresh;
    };
    match generator.rng.u32(..10) {
        0..3 => Op::Truncate(file),
        3..5 => Op::Grow(file, generator.rng.u64(1..100_000)),
        // Larger than the limit for reading.
        5 => Op::Grow(file, 2 << 20),
        6 => Op::Mapped(file),
        7 => Op::Disguised(file),
        _ => {
            generator.planned.push_back(Op::Truncate(file.clone()));
            let text = generator.text();
            generator.planned.push_back(Op::Append(file.clone(), text));
            Op::Touch(file)
        }
    }
}

fn open_file(generator: &mut Generator, stock: &Stock) -> Op {
    match generator.rng.u32(..6) {
        0 | 1 => match generator.file(stock) {
            Some(file) => {
                let text = generator.text();
                generator.planned.push_back(Op::WriteOpenFile(text));
                Op::OpenFile(file)
            }
            None => Op::CheckFresh,
        },
        2 | 3 => Op::WriteOpenFile(generator.text()),
        _ => Op::CloseFile,
    }
}

/// Moves files from one repository to another, and back.
fn across(generator: &mut Generator, stock: &Stock) -> Op {
    let name = NAMES[generator.rng.usize(..NAMES.len())];
    let other = ["out", "tree", "tree/lib"][generator.rng.usize(..3)];
    match generator.any_entry(stock) {
        Some(from) => {
            let to = Place::new(other).join(name);
            if generator.rng.bool() {
                let back = Op::Rename(to.clone(), from.clone());
                generator.planned.push_back(back);
            }
            Op::Rename(from, to)
        }
        None => Op::CheckFresh,
    }
}

fn rules(generator: &mut Generator, stock: &Stock) -> Op {
    let text = RULES[generator.rng.usize(..RULES.len())].to_owned();
    let place = generator.directory(stock).join(b".gitignore");
    generator.planned.push_back(Op::Remove(place.clone()));
    Op::Write(place, text)
}
