//! More of what can happen: the user's own git files, repositories in repositories, conflicts left in the middle,
//! files held open, folders that become files, roots that are no repositories for a while.

use super::chance::{Chance, NAMES, RULES, Stock, words};
use super::op::{Op, Place};

/// What git itself is told, apart from what any history has.
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
/// The user's files that git reads, and those that they may name.
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

/// The next thing of this kind; or what was planned.
pub fn next(chance: &mut Chance, stock: &Stock) -> Op {
    if !chance.planned.is_empty() && chance.rng.u32(..3) > 0 {
        return chance.planned.pop_front().unwrap_or(Op::ScanState);
    }
    match chance.rng.u32(..100) {
        0..18 => excludes(chance),
        18..34 => git(chance, stock),
        34..42 => match chance.anything(stock) {
            Some(place) => Op::Become(place, chance.rng.bool()),
            None => Op::ScanState,
        },
        42..60 => content(chance, stock),
        60..70 => held(chance, stock),
        70..74 => {
            let place = root(chance);
            chance.planned.push_back(Op::Watch(place.clone()));
            Op::Unwatch(place)
        }
        74 => Op::Watch(root(chance)),
        75 | 76 => Op::ParentAway(chance.rng.u64(..60)),
        77..82 if !chance.is_root => match chance.anything(stock) {
            Some(place) => {
                let mode = [0o000, 0o300, 0o400, 0o500, 0o755][chance.rng.usize(..5)];
                Op::Mode(place, mode)
            }
            None => Op::ScanState,
        },
        82..88 => across(chance, stock),
        88..92 => Op::ScanState,
        _ => rules(chance, stock),
    }
}

fn root(chance: &mut Chance) -> Place {
    Place::new(["tree", "tree", "out", "tree/lib"][chance.rng.usize(..4)])
}

fn excludes(chance: &mut Chance) -> Op {
    let rules = RULES[chance.rng.usize(..RULES.len())].to_owned();
    let gone = chance.rng.u32(..4) == 0;
    match chance.rng.u32(..7) {
        0 => {
            let to = ["home/rules-a", "home/kept/rules"][chance.rng.usize(..2)];
            Op::UserLink(EXCLUDES[0], to)
        }
        1 => Op::UserLink(CONFIGS[0], "home/kept/gitconfig"),
        2 | 3 => {
            let file = ["~/rules-a", "~/rules-b"][chance.rng.usize(..2)];
            let text = match chance.rng.u32(..4) {
                0 => "[user]\n\tname = A\n".to_owned(),
                _ => format!("[core]\n\texcludesFile = {file}\n"),
            };
            let config = CONFIGS[chance.rng.usize(..CONFIGS.len())];
            Op::UserFile(config, (!gone).then_some(text))
        }
        _ => {
            let file = EXCLUDES[chance.rng.usize(..EXCLUDES.len())];
            Op::UserFile(file, (!gone).then_some(rules))
        }
    }
}

fn git(chance: &mut Chance, stock: &Stock) -> Op {
    let tops: Vec<Place> = stock
        .directories
        .iter()
        .filter(|place| !stock.repositories.contains(place))
        .cloned()
        .collect();
    let known = chance.pick(&stock.repositories).cloned();
    let Some(place) = known else {
        return Op::Git(Place::new("tree"), words("init -q -b main"));
    };
    match chance.rng.u32(..12) {
        // A repository in a repository: `.git` is made later, removed, renamed and back.
        0 => match chance.pick(&tops).cloned() {
            Some(top) => Op::Git(top, words("init -q -b main")),
            None => Op::ScanState,
        },
        1 => Op::Remove(place.join(b".git")),
        2 => {
            let (mark, aside) = (place.join(b".git"), place.join(b".put-aside"));
            let back = Op::Rename(aside.clone(), mark.clone());
            chance.planned.push_back(back);
            Op::Rename(mark, aside)
        }
        3 => {
            let rule = RULES[chance.rng.usize(..RULES.len())].to_owned();
            Op::Write(place.join(b".git/info/exclude"), rule)
        }
        4 => conflict(chance, &place),
        _ => Op::Git(place, words(LINES[chance.rng.usize(..LINES.len())])),
    }
}

/// Two branches change the same line, and what joins them stops in the middle.
fn conflict(chance: &mut Chance, place: &Place) -> Op {
    let number = chance.number;
    let file = place.join(NAMES[chance.rng.usize(..NAMES.len())]);
    let git = |line: String| Op::Git(place.clone(), words(&line));
    let last = ["rebase main", "merge -q main", "stash pop -q"][chance.rng.usize(..3)];
    chance.planned.extend([
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

fn content(chance: &mut Chance, stock: &Stock) -> Op {
    let Some(file) = chance.file(stock) else {
        return Op::ScanState;
    };
    match chance.rng.u32(..10) {
        0..3 => Op::Truncate(file),
        3..5 => Op::Grow(file, chance.rng.u64(1..100_000)),
        // Beyond what is read at all.
        5 => Op::Grow(file, 2 << 20),
        6 => Op::Mapped(file),
        7 => Op::Disguised(file),
        _ => {
            chance.planned.push_back(Op::Truncate(file.clone()));
            let text = chance.text();
            chance.planned.push_back(Op::Append(file.clone(), text));
            Op::Touch(file)
        }
    }
}

fn held(chance: &mut Chance, stock: &Stock) -> Op {
    match chance.rng.u32(..6) {
        0 | 1 => match chance.file(stock) {
            Some(file) => {
                let text = chance.text();
                chance.planned.push_back(Op::HeldWrite(text));
                Op::PauseReason(file)
            }
            None => Op::ScanState,
        },
        2 | 3 => Op::HeldWrite(chance.text()),
        _ => Op::Release,
    }
}

/// Things go from one repository to another, and come back.
fn across(chance: &mut Chance, stock: &Stock) -> Op {
    let name = NAMES[chance.rng.usize(..NAMES.len())];
    let other = ["out", "tree", "tree/lib"][chance.rng.usize(..3)];
    match chance.anything(stock) {
        Some(from) => {
            let to = Place::new(other).join(name);
            if chance.rng.bool() {
                let back = Op::Rename(to.clone(), from.clone());
                chance.planned.push_back(back);
            }
            Op::Rename(from, to)
        }
        None => Op::ScanState,
    }
}

fn rules(chance: &mut Chance, stock: &Stock) -> Op {
    let text = RULES[chance.rng.usize(..RULES.len())].to_owned();
    let place = chance.directory(stock).join(b".gitignore");
    chance.planned.push_back(Op::Remove(place.clone()));
    Op::Write(place, text)
}
