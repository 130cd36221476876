//! What the store promises, tried from outside: over restarts, crashes, damage, and other processes.
#![allow(clippy::unwrap_used)]

mod collect;
mod damage;
mod fuzz;
mod speed;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::*;
use crate::model::batch::{BatchLine, PendingBatch};
use crate::model::contents::{ContentKind, Contents};
use crate::model::digest::Hasher;
use crate::model::key::Kind;
use crate::model::language::Language;
use crate::model::outline::Element;
use crate::model::path::RelPath;
use crate::model::record::NodeRecord;
use crate::model::stat::Stat;
use crate::model::summary::SummaryRef;
use crate::model::usage::Usage;

fn key(n: u64) -> SummaryKey {
    let mut hasher = Hasher::new("test");
    hasher.number(n);
    SummaryKey(hasher.finish())
}

fn said(n: u64) -> Summary {
    let text = format!("Does the thing of number {n}. ").repeat(12);
    Summary::new(text, "test-model")
}

impl Store {
    /// Stores summaries: paid for, or made again for nothing.
    fn put_summaries(&self, batch: &[(SummaryKey, Summary)], paid: bool) -> Result<(), StoreError> {
        match paid {
            true => self.put_paid(batch),
            false => self.put_free(&[], batch),
        }
    }

    fn put_outline(
        &self,
        key: Digest,
        syntax: Digest,
        outline: &Outline,
    ) -> Result<(), StoreError> {
        self.put_free(&[(key, syntax, outline)], &[])
    }
}

/// Removes cache and pack, as if they had been lost.
fn lose_caches(folder: &Path) {
    caches(folder)
        .iter()
        .for_each(|path| fs::remove_dir_all(path).unwrap());
    let _ = fs::remove_file(folder.join(pack::NAME));
}

fn record(n: u64) -> NodeRecord {
    NodeRecord {
        kind: Kind::File,
        parser: 1,
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
            content_kind: ContentKind::Text,
        }),
        summary: Some(SummaryRef {
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

fn batch(n: u64, id: Option<&str>) -> PendingBatch {
    PendingBatch {
        name: key(n).0,
        base_url: "http://localhost/v1".to_owned(),
        model: "m".to_owned(),
        since_ms: n,
        input_file: id.map(|id| format!("file-{id}")),
        batch: id.map(str::to_owned),
        lines: (0..50_000)
            .map(|line| BatchLine {
                key: key(line),
                earlier: (line % 2 == 0).then(|| key(line + 1)),
            })
            .collect(),
        roots: vec![(b"/a".to_vec(), 20_000), (b"/b".to_vec(), 30_000)],
    }
}

#[test]
fn batches_come_back_until_they_are_over_also_from_a_rewritten_journal() {
    let temp = folder();
    {
        let store = Store::open(temp.path()).unwrap();
        store.put_batch(&batch(1, None)).unwrap();
        store.put_batch(&batch(2, Some("b"))).unwrap();
        store.put_batch(&batch(1, Some("a"))).unwrap();
    }
    for _ in 0..2 {
        // Of the three entries two count, which is less than the journal wants.
        let store = Store::open(temp.path()).unwrap();
        assert!(store.notes().is_empty());
        let mut found = store.batches();
        found.sort_by_key(|batch| batch.since_ms);
        assert_eq!(found, [batch(1, Some("a")), batch(2, Some("b"))]);
    }
    {
        let store = Store::open(temp.path()).unwrap();
        store.end_batch(key(1).0).unwrap();
        assert_eq!(store.batches(), [batch(2, Some("b"))]);
    }
    assert_eq!(Store::open(temp.path()).unwrap().batches().len(), 1);
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
        summary: None,
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
    let mut wanted: Vec<_> = (0..cache::BATCH as u64 * 2 + 1)
        .map(|n| {
            let record = NodeRecord {
                summary: None,
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
    lose_caches(temp.path());
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
        store.add_usage(7, Path::new("/a"), one).unwrap();
        store.add_usage(7, Path::new("/b"), one).unwrap();
        store.add_usage(8, Path::new(""), one).unwrap();
    }
    lose_caches(temp.path());
    let store = Store::open(temp.path()).unwrap();
    let both = store.usage(7).unwrap();
    assert_eq!((both.requests, both.prompt_tokens), (2, 20));
    assert_eq!(both.completion_tokens, u64::MAX);
    assert_eq!(store.usage(8).unwrap(), one);
    assert_eq!(store.usage(9).unwrap(), Usage::default());
    let days = store.usage_by_day(9);
    assert_eq!(days[0], (8, vec![(PathBuf::new(), one)]));
    let of_7 = [("/a", one), ("/b", one)].map(|(root, used)| (PathBuf::from(root), used));
    assert_eq!(days[1], (7, of_7.to_vec()));
    assert_eq!(store.usage_by_day(1), days[..1]);
}

/// An entry as the first versions wrote it.
#[derive(serde::Serialize)]
#[allow(dead_code)]
enum EntryBefore {
    Answer(SummaryKey, Summary),
    Repositories(Repositories),
    Usage(u64, UsageBefore),
}

#[derive(serde::Serialize)]
struct UsageBefore {
    requests: u64,
    prompt_tokens: u64,
    completion_tokens: u64,
    cached_tokens: u64,
    reasoning_tokens: u64,
}

#[test]
fn what_an_earlier_version_wrote_of_a_day_still_counts() {
    let temp = folder();
    drop(Store::open(temp.path()).unwrap());
    let before = |requests, prompt_tokens| UsageBefore {
        requests,
        prompt_tokens,
        completion_tokens: 3,
        cached_tokens: 4,
        reasoning_tokens: 5,
    };
    let mut bytes = Vec::new();
    for entry in [
        EntryBefore::Answer(key(1), said(1)),
        EntryBefore::Usage(7, before(1, 10)),
        // The last one of a day counts.
        EntryBefore::Usage(7, before(2, 300_000)),
    ] {
        frame::write(&mut bytes, &codec::encode(&entry).unwrap()).unwrap();
    }
    fs::write(temp.path().join("answers.journal"), &bytes).unwrap();
    let more = Usage {
        requests: 1,
        spared: 9,
        cost_nanos: 77,
        ..Usage::default()
    };
    let wanted = Usage::of_counts(&[3, 300_000, 3, 4, 5, 0, 0, 9, 77]);
    {
        let store = Store::open(temp.path()).unwrap();
        assert_eq!(store.notes(), [""; 0]);
        assert_eq!(store.summary(key(1)).unwrap(), Some(said(1)));
        store.add_usage(7, Path::new("/a"), more).unwrap();
        assert_eq!(store.usage(7).unwrap(), wanted);
        // Written anew, in the new form.
        store.journal.shrink(true).unwrap();
        assert_eq!(store.usage(7).unwrap(), wanted);
    }
    let store = Store::open(temp.path()).unwrap();
    assert_eq!(store.usage(7).unwrap(), wanted);
    assert_eq!(store.usage_by_day(1)[0].1[1], (PathBuf::from("/a"), more));
    assert_eq!(store.summary(key(1)).unwrap(), Some(said(1)));
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
    assert!(matches!(error, StoreError::Newer { found: 3, .. }));
    assert_eq!(
        fs::read(temp.path().join("answers.journal")).unwrap(),
        before
    );
    folder::write_format(temp.path(), folder::FORMAT).unwrap();
    let store = Store::open(temp.path()).unwrap();
    assert_eq!(store.summary(key(1)).unwrap(), Some(said(1)));
}

/// Outlines of format 1 may contain secrets: nothing of them stays on the disk.
#[test]
fn of_format_1_only_what_was_paid_for_is_kept() {
    let temp = folder();
    Store::open(temp.path())
        .unwrap()
        .put_summaries(&[(key(1), said(1))], true)
        .unwrap();
    lose_caches(temp.path());
    let secret = "hunter2-in-an-outline";
    for name in ["cache-4", "corrupt-1700000000", "copy"] {
        let db = sled::open(temp.path().join(name)).unwrap();
        let outlines = db.open_tree("outlines.2").unwrap();
        outlines.insert([1; 16], secret).unwrap();
        let summaries = db.open_tree(SUMMARIES).unwrap();
        // One that only the cache has, because the journal was damaged.
        for (n, summary) in [(2, said(2)), (3, Summary::new(secret, "offline"))] {
            let sealed = codec::seal(SUMMARIES, &key(n).0.0, &(7_u32, summary)).unwrap();
            summaries.insert(key(n).0.0, sealed).unwrap();
        }
        db.flush().unwrap();
    }
    fs::write(temp.path().join(pack::NAME), secret).unwrap();
    folder::write_format(temp.path(), 1).unwrap();
    for _ in 0..2 {
        let store = Store::open(temp.path()).unwrap();
        assert!(store.notes().is_empty(), "{:?}", store.notes());
        assert_eq!(store.summary(key(1)).unwrap(), Some(said(1)));
        assert_eq!(store.summary(key(2)).unwrap(), Some(said(2)));
        assert_eq!(store.summary(key(3)).unwrap(), None);
        assert_eq!(store.outline(Digest([1; 16])).unwrap(), None);
    }
    for path in damage::files(temp.path()) {
        let bytes = fs::read(&path).unwrap();
        let found = memchr::memmem::find(&bytes, secret.as_bytes());
        assert_eq!(found, None, "{}", path.display());
    }
    assert_eq!(format_of(temp.path()).unwrap(), Some(FORMAT));
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
