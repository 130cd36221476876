//! Chooses the next operation, from a seed and the state of the disk.

use std::collections::VecDeque;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use fastrand::Rng;

use super::op::{Op, Place};
use super::wide;

/// The export folder, in histories that have one.
pub const EXPORTED: &str = "exported";

pub const NAMES: &[&[u8]] = &[
    b"a",
    b"b",
    b"c",
    b"src",
    b"lib",
    b"build",
    b"m.py",
    b"n.rs",
    b"o.py",
    b"r.md",
    b"t.txt",
    b"x.log",
    b"keep.log",
    b"conf.toml",
    b".hidden",
    b".env",
    b"two\nlines.py",
    b"\xff\xfe.py",
    b"sp ace.md",
    b"\xc3\xa9.py",
];
const RULE_FILES: &[&str] = &[".gitignore", ".ignore", ".epitomeignore"];
pub const RULES: &[&str] = &[
    "*.log\n",
    "*.log\n!keep.log\n",
    "build/\n",
    "/a\n",
    "a/\n!a/m.py\n",
    "*\n!*/\n!*.py\n!.gitignore\n",
    "src/*\n!src/lib/\n",
    "**/c/**\n",
    "",
    "# nothing\n",
    "b\n",
    "*.py\n",
];

/// The files and folders on the disk, without the contents of `.git`.
pub struct Stock {
    pub files: Vec<Place>,
    pub directories: Vec<Place>,
    pub others: Vec<Place>,
    pub repositories: Vec<Place>,
}

impl Stock {
    fn of(base: &Path) -> Self {
        let mut stock = Self {
            files: Vec::new(),
            directories: Vec::new(),
            others: Vec::new(),
            repositories: Vec::new(),
        };
        for top in ["tree", "out"] {
            stock.gather(base, &Place::new(top));
        }
        stock
    }

    fn gather(&mut self, base: &Path, place: &Place) {
        self.directories.push(place.clone());
        let mut entries: Vec<_> = fs::read_dir(place.under(base))
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| (entry.file_name().into_vec(), entry))
            .collect();
        entries.sort_by(|one, other| one.0.cmp(&other.0));
        for (name, entry) in entries {
            let below = place.join(&name);
            match entry.file_type() {
                // Only git writes there.
                _ if name == EXPORTED.as_bytes() => {}
                _ if name == b".git" => self.repositories.push(place.clone()),
                Ok(kind) if kind.is_dir() => self.gather(base, &below),
                Ok(kind) if kind.is_file() => self.files.push(below),
                _ => self.others.push(below),
            }
        }
    }
}

/// The generator of a history.
pub struct Generator {
    pub rng: Rng,
    pub number: u32,
    pub is_root: bool,
    /// Operations that come after the next ones.
    pub planned: VecDeque<Op>,
    wide: bool,
}

impl Generator {
    /// `wide`: uses more kinds of operations. Narrow seeds keep their meaning when kinds are added.
    pub fn new(seed: u64, wide: bool) -> Self {
        Self {
            rng: Rng::with_seed(seed),
            number: 0,
            is_root: rustix::process::geteuid().is_root(),
            planned: VecDeque::new(),
            wide,
        }
    }

    /// The number of operations in the next round, and what happens to the daemon before them.
    pub fn round(&mut self) -> (usize, Vec<Op>) {
        let count = match self.rng.u32(..10) {
            0 => 1,
            1..8 => self.rng.usize(2..12),
            _ => self.rng.usize(12..40),
        };
        let before = match self.rng.u32(..20) {
            0 | 1 => vec![Op::Stop],
            2 => vec![Op::Kill],
            3 => vec![Op::Terminate],
            4 => vec![Op::Kill, Op::Start],
            5 if self.rng.bool() => vec![Op::Stop, Op::Flood],
            _ => Vec::new(),
        };
        (count, before)
    }

    /// The next operation.
    pub fn next(&mut self, base: &Path) -> Op {
        let stock = Stock::of(base);
        self.number += 1;
        if self.wide && (!self.planned.is_empty() || self.rng.u32(..3) == 0) {
            return wide::next(self, &stock);
        }
        match self.rng.u32(..100) {
            0..10 => Op::Write(self.new_place(&stock), self.text()),
            10..14 => match self.file(&stock) {
                Some(file) => Op::Write(file, self.text()),
                None => Op::Write(self.new_place(&stock), self.text()),
            },
            14..24 => self.save(&stock),
            24..30 => self.any_entry(&stock).map_or(Op::CheckFresh, Op::Remove),
            30..42 => self.rename(&stock),
            42..46 => match (self.any_entry(&stock), self.any_entry(&stock)) {
                (Some(one), Some(other)) if self.rng.bool() => Op::Swap(one, other),
                (Some(one), Some(other)) => Op::Exchange(one, other),
                _ => Op::CheckFresh,
            },
            46..50 => Op::Directory(self.new_place(&stock)),
            50..56 => self.link(&stock),
            56..66 => self.rules(&stock),
            66..78 => self.git(&stock),
            78..80 => Op::Burst(self.new_place(&stock), self.rng.u32(5..120)),
            80 => Op::Deep(self.directory(&stock), self.rng.u32(2..41)),
            81 => {
                let name = [b'n'; 255];
                Op::Write(self.directory(&stock).join(&name), self.text())
            }
            82 | 83 => Op::Copy(self.directory(&stock), self.new_place(&stock)),
            84 => Op::RootAway(self.rng.u64(..60)),
            85 => Op::RootCopied,
            86 => match self.rng.bool() {
                true => Op::Kill,
                false => Op::Terminate,
            },
            87 => Op::Start,
            88 => Op::Stop,
            89 => Op::Continue,
            90 if !self.is_root => {
                let place = self.any_entry(&stock);
                place.map_or(Op::CheckFresh, |place| Op::Mode(place, 0))
            }
            90..93 => Op::CheckFresh,
            _ => match self.rng.u32(..8) {
                0 => Op::Pause(self.rng.u64(20..150)),
                _ => Op::Pause(self.rng.u64(..8)),
            },
        }
    }

    pub fn text(&mut self) -> String {
        let number = self.number;
        match self.rng.u32(..6) {
            0 => String::new(),
            1 => format!("# Part {number}\n\nWords about it.\n"),
            2 => format!("def f{number}(x):\n    \"\"\"Says {number}.\"\"\"\n    return x\n"),
            // A constant text: equal content under many names.
            3 => "def same():\n    return 1\n".to_owned(),
            4 => format!("pub fn f{number}() {{}}\n").repeat(self.rng.usize(1..50)),
            _ => format!("{number}\n"),
        }
    }

    pub fn pick<'a>(&mut self, places: &'a [Place]) -> Option<&'a Place> {
        self.rng.choice(places)
    }

    pub fn file(&mut self, stock: &Stock) -> Option<Place> {
        self.pick(&stock.files).cloned()
    }

    pub fn directory(&mut self, stock: &Stock) -> Place {
        // Half of the time near the top, where most files are.
        let near = stock.directories.len().min(4);
        let choice = match self.rng.bool() {
            true => &stock.directories[..near],
            false => &stock.directories[..],
        };
        let choice = self.pick(choice).cloned();
        choice.unwrap_or_else(|| Place::new("tree"))
    }

    /// Any file or folder except the two top folders.
    pub fn any_entry(&mut self, stock: &Stock) -> Option<Place> {
        let directories: Vec<Place> = stock
            .directories
            .iter()
            .filter(|place| place.0.contains(&b'/'))
            .cloned()
            .collect();
        match self.rng.u32(..10) {
            0..5 => self.file(stock),
            5..9 => self.pick(&directories).cloned(),
            _ => self.pick(&stock.others).cloned(),
        }
    }

    pub fn new_place(&mut self, stock: &Stock) -> Place {
        let mut place = self.directory(stock);
        for _ in 0..self.rng.u32(1..4) {
            if self.rng.u32(..3) > 0 && place.0.len() > 200 {
                break;
            }
            let name = NAMES[self.rng.usize(..NAMES.len())];
            place = place.join(name);
            if self.rng.bool() {
                return place;
            }
        }
        if place.0.ends_with(b"tree") || place.0.ends_with(b"out") {
            place = place.join(b"m.py");
        }
        place
    }

    fn save(&mut self, stock: &Stock) -> Op {
        let Some(file) = self.file(stock) else {
            return Op::CheckFresh;
        };
        match self.rng.u32(..7) {
            0 => Op::Append(file, self.text()),
            1 => Op::Slowly(file, self.text()),
            2 => Op::Atomic(file, self.text()),
            3 => Op::Backup(file, self.text()),
            4 => Op::Touch(file),
            _ => Op::Disguised(file),
        }
    }

    fn rename(&mut self, stock: &Stock) -> Op {
        let Some(from) = self.any_entry(stock) else {
            return Op::CheckFresh;
        };
        let to = match self.rng.u32(..4) {
            0 => self
                .any_entry(stock)
                .unwrap_or_else(|| Place::new("tree/a")),
            1 => Place::new("out").join(NAMES[self.rng.usize(..NAMES.len())]),
            _ => self.new_place(stock),
        };
        Op::Rename(from, to)
    }

    fn link(&mut self, stock: &Stock) -> Op {
        let place = self.new_place(stock);
        match self.rng.u32(..6) {
            0..2 => match self.file(stock) {
                Some(file) => Op::HardLink(file, place),
                None => Op::CheckFresh,
            },
            2 => Op::Symlink(".".to_owned(), place),
            3 => {
                // No link leads out of the folder, because writes follow links.
                let target = ["..", "a", "../out", "/nonexistent", "nowhere"];
                Op::Symlink(target[self.rng.usize(..target.len())].to_owned(), place)
            }
            4 => Op::Pipe(place),
            _ => Op::Socket(place),
        }
    }

    fn rules(&mut self, stock: &Stock) -> Op {
        let rule_files: Vec<Place> = stock
            .files
            .iter()
            .filter(|place| place.0.ends_with(b"ignore"))
            .cloned()
            .collect();
        let text = RULES[self.rng.usize(..RULES.len())].to_owned();
        match self.rng.u32(..8) {
            0 => match self.pick(&rule_files) {
                Some(file) => Op::Remove(file.clone()),
                None => Op::CheckFresh,
            },
            1 => match self.pick(&stock.repositories) {
                Some(place) => Op::Write(place.join(b".git/info/exclude"), text),
                None => Op::CheckFresh,
            },
            2 => match (self.pick(&rule_files).cloned(), self.directory(stock)) {
                (Some(from), to) => Op::Rename(from, to.join(b".gitignore")),
                _ => Op::CheckFresh,
            },
            3 => match self.pick(&rule_files) {
                Some(file) => Op::Atomic(file.clone(), text),
                None => Op::CheckFresh,
            },
            _ => {
                let file = RULE_FILES[self.rng.usize(..RULE_FILES.len())];
                Op::Write(self.directory(stock).join(file.as_bytes()), text)
            }
        }
    }

    fn git(&mut self, stock: &Stock) -> Op {
        let known = self.pick(&stock.repositories).cloned();
        let Some(place) = known.filter(|_| self.rng.u32(..12) > 0) else {
            let place = match self.rng.bool() {
                true => Place::new("tree"),
                false => self.directory(stock),
            };
            return Op::Git(place, split("init -q -b main"));
        };
        let lines = [
            "add -A",
            "commit -q --allow-empty -m one",
            "commit -q -a -m two",
            "checkout -q -b side",
            "checkout -q -b other",
            "checkout -q main",
            "checkout -q side",
            "checkout -q -f other",
            "stash push -q -u",
            "stash pop -q",
            "reset -q --hard",
            "reset -q --hard HEAD~1",
            "clean -qfd",
            "clean -qfdx",
            "merge -q --no-edit side",
            "rebase -q side",
            "rebase --abort",
            "worktree add -q -f wt HEAD",
            "gc -q",
            "rm -q -r --cached .",
            "mv -k a src",
        ];
        if self.rng.u32(..30) == 0 {
            return Op::Remove(place.join(b".git"));
        }
        Op::Git(place, split(lines[self.rng.usize(..lines.len())]))
    }
}

pub fn split(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

/// Names of regular files in a directory.
pub fn regular_files(directory: &Path) -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .map(|entry| entry.file_name().as_bytes().to_vec())
        .collect();
    names.sort();
    names
}
