//! What the store promises, tried from outside: over restarts, crashes, damage, and other processes.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::*;
use crate::model::contents::{Contents, Matter};
use crate::model::digest::Hasher;
use crate::model::language::Language;
use crate::model::outline::Element;
use crate::model::path::RelPath;
use crate::model::record::NodeRecord;
use crate::model::stat::Stat;
use crate::model::summary::Words;

fn key(n: u64) -> SummaryKey {
    let mut hasher = Hasher::new("test");
    hasher.number(n);
    SummaryKey(hasher.finish())
}

fn said(n: u64) -> Summary {
    Summary {
        text: format!("Does the thing of number {n}. ").repeat(12),
        model: "test-model".to_owned(),
    }
}

fn record(n: u64) -> NodeRecord {
    NodeRecord {
        contents: Some(Contents {
            stat: Stat {
                size: n,
                mtime_ns: -5,
                ..Stat::default()
            },
            observed_ms: n,
            digest: key(n).0,
            syntax: key(n + 1).0,
            language: Language::named("python"),
            matter: Matter::Text,
        }),
        words: Some(Words {
            key: key(n),
            digest: said(n).digest(),
        }),
    }
}

fn outline() -> Outline {
    Outline {
        docstring: Some("A file.".to_owned()),
        imports: vec!["os.path".to_owned()],
        elements: vec![Element {
            kind: "class".to_owned(),
            name: "A".to_owned(),
            qualified_name: "A".to_owned(),
            signature: "class A".to_owned(),
            decorators: Vec::new(),
            line_start: 1,
            line_end: 9,
            docstring: None,
        }],
        lines: 9,
        ..Outline::default()
    }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn caches(folder: &Path) -> Vec<PathBuf> {
    named(folder, "cache-")
}

fn named(folder: &Path, start: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(start))
        .map(|entry| entry.path())
        .collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

#[test]
fn everything_comes_back_after_a_restart() {
    let temp = folder();
    let data = temp.path().join("a/b");
    let root = Path::new("/some/repository");
    let odd = RelPath::new(b"dir/\xff\xfe.py");
    {
        let store = Store::open(&data).unwrap();
        assert_eq!(store.summary(key(1)).unwrap(), None);
        store
            .put_summaries(&[(key(1), said(1)), (key(2), said(2))], true)
            .unwrap();
        store.put_summaries(&[(key(3), said(3))], false).unwrap();
        store.put_outline(key(9).0, key(8).0, &outline()).unwrap();
        let records = [
            (odd.clone(), Some(record(1))),
            (RelPath::root(), Some(NodeRecord::default())),
            (RelPath::new("gone"), Some(record(2))),
            (RelPath::new("wordless"), Some(record(77))),
        ];
        store.put_records(root, &records).unwrap();
        store
            .put_records(root, &[(RelPath::new("gone"), None)])
            .unwrap();
        store
            .put_records(Path::new("/other"), &[(RelPath::root(), Some(record(3)))])
            .unwrap();
        store.add_repository(Path::new("/z")).unwrap();
        store.add_repository(root).unwrap();
        store.add_repository(root).unwrap();
    }
    let store = Store::open(&data).unwrap();
    assert!(store.notes().is_empty(), "{:?}", store.notes());
    for n in 1..=3 {
        assert_eq!(store.summary(key(n)).unwrap(), Some(said(n)));
    }
    assert_eq!(store.statistics().0, 3);
    assert!(store.statistics().1 > 1000);
    assert_eq!(
        store.outline(key(9).0).unwrap(),
        Some((key(8).0, outline()))
    );
    assert_eq!(store.outline(key(1).0).unwrap(), None);
    let wordless = NodeRecord {
        words: None,
        ..record(77)
    };
    let wanted = vec![
        (RelPath::root(), NodeRecord::default()),
        (odd, record(1)),
        (RelPath::new("wordless"), wordless),
    ];
    assert_eq!(store.records(root).unwrap(), wanted);
    assert_eq!(
        store.repositories().unwrap(),
        [root.to_path_buf(), PathBuf::from("/z")]
    );
    store.remove_repository(root).unwrap();
    assert_eq!(store.repositories().unwrap(), [PathBuf::from("/z")]);
    assert_eq!(store.records(root).unwrap(), []);
    assert_eq!(store.records(Path::new("/other")).unwrap().len(), 1);
    let mode = fs::metadata(&data).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o700);
    let mode = fs::metadata(data.join("answers.journal")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
}

#[test]
fn records_beyond_one_piece_come_in_order() {
    let temp = folder();
    let store = Store::open(temp.path()).unwrap();
    let root = Path::new("/r");
    let mut wanted: Vec<_> = (0..BATCH as u64 * 2 + 1)
        .map(|n| {
            let record = NodeRecord {
                words: None,
                ..record(n)
            };
            (RelPath::new(format!("d/{n}")), record)
        })
        .collect();
    let puts: Vec<_> = wanted
        .iter()
        .map(|(path, record)| (path.clone(), Some(record.clone())))
        .collect();
    store.put_records(root, &puts).unwrap();
    wanted.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(store.records(root).unwrap() == wanted);
}

#[test]
fn summaries_are_counted_once_each() {
    let temp = folder();
    let count = |store: &Store| store.statistics().0;
    {
        let store = Store::open(temp.path()).unwrap();
        store
            .put_summaries(&[(key(1), said(1)), (key(1), said(1))], false)
            .unwrap();
        assert_eq!(count(&store), 1);
        // Free at first, then paid for: still one.
        store.put_summaries(&[(key(1), said(1))], true).unwrap();
        store.put_summaries(&[(key(1), said(1))], true).unwrap();
        store.put_summaries(&[(key(1), said(1))], false).unwrap();
        assert_eq!(count(&store), 1);
        store
            .put_summaries(&[(key(2), said(2)), (key(3), said(3))], true)
            .unwrap();
        assert_eq!(count(&store), 3);
    }
    for cache in caches(temp.path()) {
        fs::remove_dir_all(cache).unwrap();
    }
    let store = Store::open(temp.path()).unwrap();
    assert_eq!(count(&store), 3);
    assert_eq!(store.summary(key(1)).unwrap(), Some(said(1)));
    assert_eq!(count(&store), 3);
}

#[test]
fn usage_adds_up_by_day_and_survives_the_cache() {
    let temp = folder();
    let one = Usage {
        requests: 1,
        prompt_tokens: 10,
        completion_tokens: u64::MAX,
        ..Usage::default()
    };
    {
        let store = Store::open(temp.path()).unwrap();
        store.add_usage(7, one).unwrap();
        store.add_usage(7, one).unwrap();
        store.add_usage(8, one).unwrap();
    }
    for cache in caches(temp.path()) {
        fs::remove_dir_all(cache).unwrap();
    }
    let store = Store::open(temp.path()).unwrap();
    let both = store.usage(7).unwrap();
    assert_eq!((both.requests, both.prompt_tokens), (2, 20));
    assert_eq!(both.completion_tokens, u64::MAX);
    assert_eq!(store.usage(8).unwrap(), one);
    assert_eq!(store.usage(9).unwrap(), Usage::default());
}

#[test]
fn one_process_at_a_time() {
    let temp = folder();
    let store = Store::open(temp.path()).unwrap();
    match Store::open(temp.path()) {
        Err(error @ StoreError::Locked { pid, .. }) => {
            assert_eq!(pid, Some(std::process::id()));
            assert!(error.to_string().contains("in use by process"));
        }
        other => panic!("{:?}", other.map(|_| ())),
    }
    drop(store);
    Store::open(temp.path()).unwrap();
}

#[test]
fn a_newer_format_is_left_alone() {
    let temp = folder();
    Store::open(temp.path())
        .unwrap()
        .put_summaries(&[(key(1), said(1))], true)
        .unwrap();
    folder::write_format(temp.path(), folder::FORMAT + 1).unwrap();
    let before = fs::read(temp.path().join("answers.journal")).unwrap();
    let error = Store::open(temp.path()).map(|_| ()).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 2, .. }));
    assert_eq!(
        fs::read(temp.path().join("answers.journal")).unwrap(),
        before
    );
    folder::write_format(temp.path(), folder::FORMAT).unwrap();
    let store = Store::open(temp.path()).unwrap();
    assert_eq!(store.summary(key(1)).unwrap(), Some(said(1)));
}

#[test]
fn a_folder_that_cannot_be_made_is_a_plain_error() {
    let temp = folder();
    let file = temp.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Store::open(&file.join("data")).map(|_| ()).unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }), "{error}");
    assert!(!error.hint().is_empty());
}

/// A copy of the files of a store that is open is what a kill at that moment leaves behind.
#[test]
fn what_was_durable_survives_a_kill() {
    let temp = folder();
    let store = Store::open(&temp.path().join("live")).unwrap();
    let mut rng = fastrand::Rng::with_seed(1);
    let mut stored = 0;
    for round in 0..8 {
        let batch: Vec<_> = (stored..stored + rng.u64(1..30))
            .map(|n| (key(n), said(n)))
            .collect();
        stored += batch.len() as u64;
        store.put_summaries(&batch, true).unwrap();
        store
            .add_repository(Path::new(&format!("/{round}")))
            .unwrap();
        let dead = temp.path().join(format!("dead-{round}"));
        copy(&temp.path().join("live"), &dead);
        if round % 2 == 1 {
            // And the cache forgot everything: sled was not flushed at all.
            caches(&dead)
                .iter()
                .for_each(|path| fs::remove_dir_all(path).unwrap());
        }
        let opened = Store::open(&dead).unwrap();
        assert_eq!(opened.statistics().0, stored);
        assert_eq!(opened.repositories().unwrap().len(), round + 1);
        for n in 0..stored {
            assert_eq!(opened.summary(key(n)).unwrap(), Some(said(n)), "{n}");
        }
        assert_eq!(opened.summary(key(stored)).unwrap(), None);
    }
}

#[test]
fn a_torn_end_is_cut_off_and_written_over() {
    let temp = folder();
    Store::open(temp.path())
        .unwrap()
        .put_summaries(&[(key(1), said(1)), (key(2), said(2))], true)
        .unwrap();
    let path = temp.path().join("answers.journal");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 3]).unwrap();
    for cache in caches(temp.path()) {
        fs::remove_dir_all(cache).unwrap();
    }
    {
        let store = Store::open(temp.path()).unwrap();
        assert!(
            store.notes()[0].contains("unfinished"),
            "{:?}",
            store.notes()
        );
        assert_eq!(store.summary(key(1)).unwrap(), Some(said(1)));
        assert_eq!(store.summary(key(2)).unwrap(), None);
        store.put_summaries(&[(key(3), said(3))], true).unwrap();
    }
    let store = Store::open(temp.path()).unwrap();
    assert!(store.notes().is_empty());
    assert_eq!(store.summary(key(1)).unwrap(), Some(said(1)));
    assert_eq!(store.summary(key(3)).unwrap(), Some(said(3)));
}

#[test]
fn a_journal_of_mostly_old_entries_is_rewritten() {
    let temp = folder();
    let path = temp.path().join("answers.journal");
    let usage = Usage {
        requests: 1,
        ..Usage::default()
    };
    {
        let store = Store::open(temp.path()).unwrap();
        store
            .put_summaries(&[(key(1), said(1)), (key(2), said(2))], true)
            .unwrap();
        store.add_repository(Path::new("/r")).unwrap();
        for day in 0..60_000 {
            store.add_usage(day % 3, usage).unwrap();
        }
    }
    let before = fs::metadata(&path).unwrap().len();
    assert!(before > 1 << 20, "{before}");
    for _ in 0..2 {
        let store = Store::open(temp.path()).unwrap();
        assert!(store.notes().is_empty());
        assert!(fs::metadata(&path).unwrap().len() < 4096);
        assert_eq!(store.usage(0).unwrap().requests, 20_000);
        assert_eq!(store.repositories().unwrap(), [PathBuf::from("/r")]);
        assert_eq!(store.summary(key(2)).unwrap(), Some(said(2)));
        assert_eq!(store.statistics().0, 2);
    }
}

/// Bytes flipped, blocks zeroed, ends cut: in each file of the store, by a seed.
#[test]
fn damage_never_costs_what_was_paid_for() {
    const PAID: u64 = 150;
    const FREE: u64 = 60;
    let root = Path::new("/r");
    let temp = folder();
    let whole = temp.path().join("whole");
    {
        let store = Store::open(&whole).unwrap();
        for n in (0..PAID).step_by(10) {
            let batch: Vec<_> = (n..n + 10).map(|n| (key(n), said(n))).collect();
            store.put_summaries(&batch, true).unwrap();
        }
        let free: Vec<_> = (PAID..PAID + FREE).map(|n| (key(n), said(n))).collect();
        store.put_summaries(&free, false).unwrap();
        let records: Vec<_> = (0..PAID)
            .map(|n| (RelPath::new(format!("f{n}")), Some(record(n))))
            .collect();
        store.put_records(root, &records).unwrap();
        store.put_outline(key(1).0, key(2).0, &outline()).unwrap();
        store.add_repository(root).unwrap();
    }
    let all = files(&whole);
    assert!(all.len() >= 4, "{all:?}");
    let rounds: u64 = std::env::var("STORE_DAMAGE_ROUNDS").map_or(60, |n| n.parse().unwrap());
    for seed in 0..rounds {
        let mut rng = fastrand::Rng::with_seed(seed);
        let hurt = temp.path().join("hurt");
        copy(&whole, &hurt);
        let file = &all[seed as usize % all.len()];
        let file = hurt.join(file.strip_prefix(&whole).unwrap());
        let mut bytes = fs::read(&file).unwrap();
        if bytes.is_empty() {
            bytes.push(0);
        }
        // Where a file is mostly unused space, aim at the part that is used.
        let used = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0) + 1;
        match rng.u8(0..4) {
            0 => (0..rng.usize(1..20)).for_each(|_| bytes[rng.usize(..used)] ^= 1 << rng.u8(0..8)),
            1 => {
                let start = rng.usize(..used);
                let end = (start + 4096).min(bytes.len());
                bytes[start..end].fill(0);
            }
            2 => bytes.truncate(rng.usize(..used)),
            _ => {
                let start = rng.usize(..used);
                let end = (start + 512).min(bytes.len());
                bytes[start..end]
                    .iter_mut()
                    .for_each(|byte| *byte = rng.u8(..));
            }
        }
        fs::write(&file, bytes).unwrap();
        let place = format!("seed {seed}, {}", file.display());
        for opening in 0..2 {
            let store = Store::open(&hurt).unwrap_or_else(|error| panic!("{place}: {error}"));
            for n in 0..PAID {
                assert_eq!(store.summary(key(n)).unwrap(), Some(said(n)), "{place}");
            }
            for n in PAID..PAID + FREE {
                let found = store.summary(key(n)).unwrap();
                assert!(found.is_none() || found == Some(said(n)), "{place}");
            }
            for (path, found) in store.records(root).unwrap() {
                let n: u64 = path.to_text()[1..].parse().unwrap();
                assert_eq!(found, record(n), "{place}");
            }
            let found = store.outline(key(1).0).unwrap();
            assert!(
                found.is_none() || found == Some((key(2).0, outline())),
                "{place}"
            );
            assert_eq!(
                store.repositories().unwrap(),
                [root.to_path_buf()],
                "{place}"
            );
            // It can be written to again.
            store
                .put_records(root, &[(RelPath::new("f1"), Some(record(1)))])
                .unwrap();
            let fresh = 10_000 + opening;
            store
                .put_summaries(&[(key(fresh), said(fresh))], true)
                .unwrap();
            assert_eq!(store.summary(key(fresh)).unwrap(), Some(said(fresh)));
        }
        fs::remove_dir_all(&hurt).unwrap();
    }
}

/// Numbers for a person: `cargo test --lib store_speed -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
#[allow(clippy::print_stderr)]
fn store_speed() {
    use std::time::Instant;
    let temp = folder();
    let store = Store::open(temp.path()).unwrap();
    let mut next = 0;
    for size in [1, 10, 100] {
        let began = Instant::now();
        let first = next;
        while began.elapsed().as_millis() < 1500 {
            let batch: Vec<_> = (next..next + size).map(|n| (key(n), said(n))).collect();
            store.put_summaries(&batch, true).unwrap();
            next += size;
        }
        let rate = (next - first) as f64 / began.elapsed().as_secs_f64();
        eprintln!("durable, batches of {size}: {rate:.0} summaries/s");
    }
    let big = 1_000_000;
    let began = Instant::now();
    for start in (0..36_000).step_by(500) {
        let batch: Vec<_> = (start..start + 500)
            .map(|n| (key(big + n), said(n)))
            .collect();
        store.put_summaries(&batch, false).unwrap();
    }
    eprintln!("36,000 free summaries: {:?}", began.elapsed());
    let records: Vec<_> = (0..36_000)
        .map(|n| (RelPath::new(format!("a/b/c/{n}")), Some(record(big + n))))
        .collect();
    let began = Instant::now();
    store.put_records(Path::new("/r"), &records).unwrap();
    eprintln!("36,000 records put: {:?}", began.elapsed());
    let began = Instant::now();
    assert_eq!(store.records(Path::new("/r")).unwrap().len(), 36_000);
    eprintln!("36,000 records read: {:?}", began.elapsed());
    let began = Instant::now();
    drop(store);
    eprintln!("close: {:?}", began.elapsed());
    let began = Instant::now();
    let store = Store::open(temp.path()).unwrap();
    eprintln!("open: {:?} ({:?})", began.elapsed(), store.statistics());
    let began = Instant::now();
    assert_eq!(store.records(Path::new("/r")).unwrap().len(), 36_000);
    eprintln!("36,000 records read, cold: {:?}", began.elapsed());
    let began = Instant::now();
    for n in 0..next {
        assert!(store.summary(key(n)).unwrap().is_some());
    }
    eprintln!("{next} summaries: {:?}", began.elapsed());
    let began = Instant::now();
    for n in 0..1000 {
        assert!(store.summary(key(5_000_000 + n)).unwrap().is_none());
    }
    eprintln!("1,000 misses: {:?}", began.elapsed());
}
