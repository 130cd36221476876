//! What kills, torn writes, flipped bits and a full disk leave of a store.

use super::*;

pub(super) fn copy(from: &Path, to: &Path) {
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

pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
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
            // And cache and pack are lost.
            lose_caches(&dead);
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
    lose_caches(temp.path());
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
            store.add_usage(day % 3, Path::new("/r"), usage).unwrap();
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

/// On a disk of a few MB, named by STORE_SMALL_DISK (a tmpfs will do): what was said to be stored is, whatever fails.
#[test]
#[ignore = "needs a small disk"]
fn a_full_disk_is_an_error_and_no_loss() {
    let Ok(disk) = std::env::var("STORE_SMALL_DISK") else {
        return;
    };
    let data = Path::new(&disk).join("data");
    let ballast = Path::new(&disk).join("ballast");
    let mut stored = 0;
    {
        let store = Store::open(&data).unwrap();
        let mut failed = 0;
        for n in 0..200_000 {
            match store.put_summaries(&[(key(n), said(n))], true) {
                Ok(()) if failed == 0 => stored = n + 1,
                Ok(()) => {}
                Err(error) => {
                    assert!(matches!(error, StoreError::Io { .. }), "{error}");
                    assert!(error.hint().contains("free some space"), "{error}");
                    failed += 1;
                    if failed == 20 {
                        break;
                    }
                }
            }
        }
        assert_eq!(failed, 20, "the disk is too large for this test");
        for n in 0..stored {
            assert_eq!(store.summary(key(n)).unwrap(), Some(said(n)), "{n}");
        }
        let _ = fs::remove_file(&ballast);
        store
            .put_summaries(&[(key(900_000), said(1))], true)
            .unwrap();
    }
    let store = Store::open(&data).unwrap();
    assert!(store.notes().is_empty(), "{:?}", store.notes());
    for n in 0..stored {
        assert_eq!(store.summary(key(n)).unwrap(), Some(said(n)), "{n}");
    }
    assert_eq!(store.summary(key(900_000)).unwrap(), Some(said(1)));
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    let temp = folder();
    let mut acknowledged = 0;
    for round in 1..=4 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "shell::store::tests::damage::writer_to_be_killed",
            ])
            .args(["--ignored", "--nocapture"])
            .env("STORE_TO_WRITE", temp.path())
            .env("STORE_FIRST", acknowledged.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut numbers = 0;
        for line in lines.map_while(Result::ok) {
            let Some(number) = line.strip_prefix("stored ") else {
                continue;
            };
            acknowledged = number.parse().unwrap();
            numbers += 1;
            if numbers == 40 * round {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(numbers >= 40 * round, "the writer ended by itself");
        let store = Store::open(temp.path()).unwrap();
        for n in 0..acknowledged {
            assert_eq!(store.summary(key(n)).unwrap(), Some(said(n)), "{n}");
        }
        // What was stored and not yet acknowledged may be there too: the next round writes it again.
        assert!(store.statistics().0 >= acknowledged);
    }
}

/// Stores summaries, durably, and says so after each batch, for ever.
#[test]
#[ignore = "run and killed by what_was_acknowledged_survives_kill_9"]
fn writer_to_be_killed() {
    use std::io::Write;
    let Some(data) = std::env::var_os("STORE_TO_WRITE") else {
        return;
    };
    let store = Store::open(Path::new(&data)).unwrap();
    let mut next: u64 = std::env::var("STORE_FIRST").unwrap().parse().unwrap();
    for size in (1..6).cycle() {
        let batch: Vec<_> = (next..next + size).map(|n| (key(n), said(n))).collect();
        store.put_summaries(&batch, true).unwrap();
        next += size;
        if writeln!(std::io::stdout(), "stored {next}").is_err() {
            return;
        }
    }
}
