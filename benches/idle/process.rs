//! A process's resource use, from `/proc`.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;

/// A process's resource use at one moment.
pub struct Before {
    pid: u32,
    ticks: u64,
    switches: BTreeMap<u64, u64>,
}

/// The difference between two moments.
pub struct Used {
    milliseconds: u64,
    woken: u64,
    threads: BTreeMap<String, u64>,
}

impl fmt::Display for Used {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            milliseconds,
            woken,
            ..
        } = self;
        write!(
            f,
            "its threads were woken {woken} times and used {milliseconds} ms of a processor"
        )?;
        let named: Vec<String> = self
            .threads
            .iter()
            .filter(|(_, count)| **count > 0)
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        match named.is_empty() {
            true => Ok(()),
            false => write!(f, " ({})", named.join(", ")),
        }
    }
}

impl Before {
    /// Its use now.
    pub fn of(pid: u32) -> io::Result<Self> {
        Ok(Self {
            pid,
            ticks: ticks(pid)?,
            switches: switches(pid)?
                .into_iter()
                .map(|(task, (_, count))| (task, count))
                .collect(),
        })
    }

    /// Its use before it started.
    pub fn start(pid: u32) -> Self {
        Self {
            pid,
            ticks: 0,
            switches: BTreeMap::new(),
        }
    }

    /// The use since `self`.
    pub fn since(&self) -> io::Result<Used> {
        let mut threads: BTreeMap<String, u64> = BTreeMap::new();
        for (task, (name, count)) in switches(self.pid)? {
            let before = self.switches.get(&task).copied().unwrap_or(0);
            let kind = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
            *threads.entry(kind.to_owned()).or_default() += count - before;
        }
        Ok(Used {
            // A tick is 10 ms.
            milliseconds: (ticks(self.pid)? - self.ticks) * 10,
            woken: threads.values().sum(),
            threads,
        })
    }
}

fn ticks(pid: u32) -> io::Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    // utime and stime, counted from the state field after the name.
    let fields = rest.split_whitespace().skip(11).take(2);
    Ok(fields.filter_map(|field| field.parse::<u64>().ok()).sum())
}

/// Each thread's name and number of context switches.
fn switches(pid: u32) -> io::Result<BTreeMap<u64, (String, u64)>> {
    let mut all = BTreeMap::new();
    for task in fs::read_dir(format!("/proc/{pid}/task"))?.flatten() {
        let read = |name| fs::read_to_string(task.path().join(name)).unwrap_or_default();
        let count = read("status")
            .lines()
            .filter(|line| line.contains("_ctxt_switches"))
            .filter_map(|line| line.split_whitespace().last()?.parse::<u64>().ok())
            .sum();
        if let Ok(task) = task.file_name().to_string_lossy().parse() {
            all.insert(task, (read("comm").trim().to_owned(), count));
        }
    }
    Ok(all)
}

/// A process's current and peak memory.
pub fn memory(pid: u32) -> io::Result<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        kilobytes.unwrap_or(0) >> 10
    };
    Ok(format!(
        "{} MiB of memory, {} at most",
        field("VmRSS:"),
        field("VmHWM:")
    ))
}
