//! What goes and what stays when space is wanted, and what a check of everything finds.

mod unfinished;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

/// Contents are numbered as keys are, and so are their outlines.
fn outline_key(contents: &Contents) -> Digest {
    contents.digest
}

fn users(watched: &[PathBuf]) -> Users<'_> {
    Users {
        watched,
        outline_key: &outline_key,
    }
}

fn nothing() -> Option<InUse> {
    Some(InUse {
        complete: true,
        ..InUse::default()
    })
}

fn unknown() -> Option<InUse> {
    Some(InUse::default())
}

const ALL: Limits = Limits {
    max_age_days: Some(0),
    max_bytes: None,
};

fn aged(days: u64) -> Limits {
    Limits {
        max_age_days: Some(days),
        max_bytes: None,
    }
}

fn put(store: &Store, numbers: impl Iterator<Item = u64>, durable: bool) {
    let batch: Vec<_> = numbers.map(|n| (key(n), said(n))).collect();
    store.put_summaries(&batch, durable).unwrap();
}

fn put_outlines(store: &Store, numbers: impl Iterator<Item = u64>) {
    for n in numbers {
        store
            .put_outline(key(n).0, key(n + 1).0, &outline())
            .unwrap();
    }
}

fn put_records(store: &Store, root: &Path, numbers: impl Iterator<Item = u64>) {
    let records: Vec<_> = numbers
        .map(|n| (RelPath::new(format!("f{n}")), Some(record(n))))
        .collect();
    store.put_records(root, &records).unwrap();
}

/// The numbers of the summaries that are there.
fn held(store: &Store, among: std::ops::Range<u64>) -> BTreeSet<u64> {
    among
        .filter(|n| match store.summary(key(*n)).unwrap() {
            Some(found) => {
                assert_eq!(found, said(*n));
                true
            }
            None => false,
        })
        .collect()
}

#[test]
fn what_a_watched_repository_uses_stays_whatever_the_limits() {
    let temp = folder();
    let watched = [PathBuf::from("/w")];
    for restart in [false, true] {
        let data = temp.path().join(restart.to_string());
        let mut store = Store::open(&data).unwrap();
        put(&store, 0..20, true);
        put(&store, 20..40, false);
        put_outlines(&store, 0..40);
        put_records(&store, &watched[0], (0..40).step_by(2));
        // In use, and not recorded yet.
        let in_use = || {
            Some(InUse {
                summaries: [key(1), key(21)].into(),
                outlines: [key(1).0].into(),
                complete: true,
            })
        };
        let limits = Limits {
            max_age_days: Some(0),
            max_bytes: Some(0),
        };
        let collected = store.collect(limits, users(&watched), in_use).unwrap();
        assert_eq!((collected.summaries, collected.outlines), (18, 19));
        assert_eq!((collected.records, collected.withheld), (0, 0));
        if restart {
            store.leave().unwrap();
            drop(store);
            store = Store::open(&data).unwrap();
        }
        let mut wanted: BTreeSet<u64> = (0..40).step_by(2).collect();
        let outlines: BTreeSet<u64> = (0..40)
            .filter(|n| store.outline(key(*n).0).unwrap().is_some())
            .collect();
        wanted.insert(1);
        assert_eq!(outlines, wanted);
        wanted.insert(21);
        assert_eq!(held(&store, 0..40), wanted);
        assert_eq!(store.statistics().0, 22);
        assert_eq!(store.records(&watched[0]).unwrap().len(), 20);
        let again = store.collect(limits, users(&watched), in_use).unwrap();
        assert_eq!((again.summaries, again.outlines), (0, 0));
    }
}

#[test]
fn age_is_counted_from_the_day_on_which_the_last_use_ended() {
    let temp = folder();
    let watched = [PathBuf::from("/w")];
    let mut store = Store::open(temp.path()).unwrap();
    store.clock = || 100;
    // 1 is never used, 2 is let go by a change, 3 by a removal, 4 by its repository's end, 5 stays in use.
    put(&store, 1..6, true);
    put_records(&store, &watched[0], [2, 3, 5].into_iter());
    store.add_repository(Path::new("/gone")).unwrap();
    put_records(&store, Path::new("/gone"), [4].into_iter());
    store.clock = || 110;
    put(&store, 6..7, true);
    store
        .put_records(&watched[0], &[(RelPath::new("f2"), Some(record(6)))])
        .unwrap();
    store.clock = || 120;
    store
        .put_records(&watched[0], &[(RelPath::new("f3"), None)])
        .unwrap();
    store.clock = || 130;
    store.remove_repository(Path::new("/gone")).unwrap();
    for (day, days, left) in [
        (130, 31, vec![1, 2, 3, 4, 5, 6]),
        (130, 30, vec![2, 3, 4, 5, 6]),
        (140, 30, vec![3, 4, 5, 6]),
        (150, 31, vec![3, 4, 5, 6]),
        (150, 30, vec![4, 5, 6]),
        (159, 30, vec![4, 5, 6]),
        (160, 30, vec![5, 6]),
        // A clock that was set back makes nothing old.
        (1, 30, vec![5, 6]),
        (9_999, 0, vec![5, 6]),
    ] {
        store.clock = match day {
            130 => || 130,
            140 => || 140,
            150 => || 150,
            159 => || 159,
            160 => || 160,
            1 => || 1,
            _ => || 9_999,
        };
        store.collect(aged(days), users(&watched), nothing).unwrap();
        let left: BTreeSet<u64> = left.into_iter().collect();
        assert_eq!(held(&store, 0..10), left, "day {day}, {days} days");
    }
}

/// Without any limit, too: a store of what costs nothing must not grow for ever.
#[test]
fn what_costs_nothing_goes_after_a_month_and_what_was_paid_for_stays() {
    let temp = folder();
    let watched = [PathBuf::from("/w")];
    let mut store = Store::open(temp.path()).unwrap();
    store.clock = || 100;
    let offline = |n: u64| (key(n), Summary::new("Holds one.", "offline"));
    put(&store, 1..3, true);
    // Lost from the journal: it was paid for all the same.
    let sealed = codec::seal(SUMMARIES, &key(3).0.0, &(100_u32, said(3))).unwrap();
    store
        .cache
        .with(|trees| trees.summaries.insert(key(3).0.0, &sealed[..]))
        .unwrap();
    store
        .put_summaries(&[offline(4), offline(5)], false)
        .unwrap();
    put_outlines(&store, 1..6);
    // 5 is in use, and so is its outline.
    put_records(&store, &watched[0], [5].into_iter());
    for (clock, gone) in [
        ((|| 129) as fn() -> u32, (0, 0)),
        (|| 130, (1, 4)),
        (|| 9_999, (0, 0)),
    ] {
        store.clock = clock;
        let collected = store
            .collect(Limits::default(), users(&watched), nothing)
            .unwrap();
        assert_eq!((collected.summaries, collected.outlines), gone);
    }
    let left = |n: u64| store.summary(key(n)).unwrap().is_some();
    assert_eq!([1, 2, 3, 4, 5].map(left), [true, true, true, false, true]);
}

#[test]
fn for_its_size_the_longest_unused_goes_first() {
    let temp = folder();
    let watched = [PathBuf::from("/w")];
    let mut store = Store::open(temp.path()).unwrap();
    let long = |n: u64| Summary::new(format!("{n} {}", "word ".repeat(6_000)), "test-model");
    for (day, clock) in [|| 1, || 2, || 3, || 4, || 5, || 6, || 7, || 8]
        .into_iter()
        .enumerate()
    {
        store.clock = clock;
        for n in 0..40 {
            let n = day as u64 * 40 + n;
            store.put_summaries(&[(key(n), long(n))], true).unwrap();
        }
    }
    put_records(&store, &watched[0], 0..5);
    let before = store.statistics().1;
    let limits = Limits {
        max_age_days: None,
        max_bytes: Some(before / 2),
    };
    let collected = store.collect(limits, users(&watched), nothing).unwrap();
    assert!(collected.bytes_after <= before / 2, "{collected:?}");
    assert!(collected.bytes_after > before / 4, "{collected:?}");
    assert_eq!(collected.bytes_after, store.statistics().1);
    let left: Vec<u64> = (0..320)
        .filter(|n| store.summary(key(*n)).unwrap().is_some())
        .collect();
    // Those in use, and then the last days, whole but for the one at which enough was won.
    assert_eq!(left[..5], [0, 1, 2, 3, 4]);
    let days: Vec<u64> = left[5..].iter().map(|n| n / 40).collect();
    let first = days[0];
    assert!(first > 0);
    for day in first + 1..8 {
        let whole = days.iter().filter(|found| **found == day).count();
        assert_eq!(whole, 40, "day {day}: {left:?}");
    }
    let enough = Limits {
        max_bytes: Some(before),
        ..limits
    };
    let none = store.collect(enough, users(&watched), nothing).unwrap();
    assert_eq!(none.summaries, 0);
}

#[test]
fn what_was_indexed_once_goes_as_a_whole_and_before_its_summaries() {
    let temp = folder();
    let mut store = Store::open(temp.path()).unwrap();
    store.clock = || 10;
    put(&store, 0..4, true);
    put_outlines(&store, 0..4);
    put_records(&store, Path::new("/once"), 0..4);
    store.clock = || 40;
    assert_eq!(store.records(Path::new("/once")).unwrap().len(), 4);
    store.clock = || 69;
    let collected = store.collect(aged(30), users(&[]), nothing).unwrap();
    assert_eq!(collected, {
        let (before, after) = (collected.bytes_before, collected.bytes_after);
        Collected {
            bytes_before: before,
            bytes_after: after,
            ..Collected::default()
        }
    });
    store.clock = || 70;
    let collected = store.collect(aged(30), users(&[]), nothing).unwrap();
    assert_eq!((collected.summaries, collected.outlines), (4, 4));
    assert_eq!(collected.records, 4);
    assert!(store.records(Path::new("/once")).unwrap().is_empty());
}

#[test]
fn what_is_read_meanwhile_stays() {
    let temp = folder();
    let store = Store::open(temp.path()).unwrap();
    put(&store, 0..10, true);
    put(&store, 10..20, false);
    let collected = store
        .collect(ALL, users(&[]), || {
            assert!(store.summary(key(3)).unwrap().is_some());
            assert!(store.summary(key(13)).unwrap().is_some());
            put(&store, 4..5, true);
            put(&store, 14..15, false);
            nothing()
        })
        .unwrap();
    assert_eq!(collected.summaries, 16);
    assert_eq!(held(&store, 0..20), [3, 4, 13, 14].into());
    assert_eq!(store.statistics().0, 4);
    drop(store);
    let store = Store::open(temp.path()).unwrap();
    assert_eq!(held(&store, 0..20), [3, 4, 13, 14].into());
}

#[test]
fn after_the_cache_was_lost_nothing_paid_for_goes_before_all_is_known_again() {
    let temp = folder();
    let watched = [PathBuf::from("/w")];
    {
        let store = Store::open(temp.path()).unwrap();
        put(&store, 0..8, true);
        put_records(&store, &watched[0], 0..4);
        store.leave().unwrap();
    }
    lose_caches(temp.path());
    let store = Store::open(temp.path()).unwrap();
    put(&store, 8..10, false);
    let collected = store.collect(ALL, users(&watched), unknown).unwrap();
    assert_eq!((collected.summaries, collected.withheld), (2, 8));
    assert_eq!(held(&store, 0..10), (0..8).collect());
    // Some time later everything that is watched is summarized again.
    put_records(&store, &watched[0], 0..4);
    let collected = store.collect(ALL, users(&watched), nothing).unwrap();
    assert_eq!((collected.summaries, collected.withheld), (4, 0));
    assert_eq!(held(&store, 0..10), (0..4).collect());
    let collected = store.collect(ALL, users(&watched), unknown).unwrap();
    assert_eq!((collected.summaries, collected.withheld), (0, 0));
}

/// States that are gone are removed as the store grows, not only after a month.
#[test]
fn the_size_on_disk_stays_within_twice_what_is_live() {
    const FILES: u64 = 400;
    let temp = folder();
    let watched = [PathBuf::from("/w")];
    let mut random = fastrand::Rng::with_seed(3);
    let noise = |n: u64, random: &mut fastrand::Rng| {
        let noise: String = (0..4_000).map(|_| random.alphanumeric()).collect();
        (key(n), Summary::new(format!("{n} {noise}"), "offline"))
    };
    let store = Store::open(temp.path()).unwrap();
    put(&store, 1_000_000..1_000_010, true);
    put_records(&store, &watched[0], 1_000_000..1_000_010);
    let mut store = Some(store);
    let mut collections = 0;
    for round in 0..12 {
        // Each round, all files have another state.
        let numbers = round * FILES..(round + 1) * FILES;
        let one = store.as_ref().unwrap();
        for n in numbers.clone() {
            one.put_summaries(&[noise(n, &mut random)], false).unwrap();
            let path = RelPath::new(format!("f{}", n % FILES));
            one.put_records(&watched[0], &[(path, Some(record(n)))])
                .unwrap();
        }
        if one.is_overgrown() {
            one.collect(Limits::default(), users(&watched), nothing)
                .unwrap();
            assert!(!one.is_overgrown());
            collections += 1;
        }
        let totals = one.totals(users(&watched)).unwrap();
        assert_eq!(
            (totals.used, totals.paid, totals.records),
            (FILES + 10, 10, FILES + 10)
        );
        let live = FILES * 4_000;
        assert!(one.pack.bytes() <= 2 * live + (2 << 20), "{totals:?}");
        if round % 4 == 3 {
            // A kill must not make the store forget how much is live.
            drop(store.take());
            store = Some(Store::open(temp.path()).unwrap());
        }
    }
    assert!((2..12).contains(&collections), "{collections}");
    drop(store);
    let store = Store::open(temp.path()).unwrap();
    assert!(store.notes().is_empty(), "{:?}", store.notes());
    assert_eq!(store.records(&watched[0]).unwrap().len() as u64, FILES + 10);
    assert_eq!(held(&store, 1_000_000..1_000_010).len(), 10);
    let last = store.summary(key(12 * FILES - 1)).unwrap().unwrap();
    assert!(last.text.starts_with(&format!("{} ", 12 * FILES - 1)));
}

/// A kill in the middle of a removal leaves nothing that looks like damage.
#[test]
fn a_removal_that_was_cut_short_is_finished_at_the_next_start() {
    let temp = folder();
    let store = Store::open(temp.path()).unwrap();
    put(&store, 0..5, true);
    let removed = vec![key(1), key(3)];
    store.append(&[Entry::Removed(removed)], true).unwrap();
    store.cache.flush().unwrap();
    drop(store);
    let store = Store::open(temp.path()).unwrap();
    assert_eq!(held(&store, 0..5), [0, 2, 4].into());
    let verified = store.verify().unwrap();
    assert_eq!((verified.summaries, verified.damaged), (3, Vec::new()));
    // Requested again, it is stored as any other.
    put(&store, 1..2, true);
    drop(store);
    let store = Store::open(temp.path()).unwrap();
    assert_eq!(held(&store, 0..5), [0, 1, 2, 4].into());
}

#[test]
fn collecting_delays_no_write_and_costs_no_request() {
    let temp = folder();
    let watched = [PathBuf::from("/w")];
    let store = Store::open(temp.path()).unwrap();
    put(&store, 0..200, true);
    put_records(&store, &watched[0], 0..200);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (store, done, watched) = (&store, &done, &watched);
        scope.spawn(move || {
            // What is written is used at once, as a daemon does it.
            for n in 200..600 {
                put_records(store, &watched[0], n..n + 1);
                put(store, n..n + 1, n % 3 > 0);
                assert_eq!(store.summary(key(n)).unwrap(), Some(said(n)));
                // And one that is not used.
                put(store, 10_000 + n..10_001 + n, n % 2 > 0);
            }
            done.store(true, Ordering::Relaxed);
        });
        scope.spawn(move || {
            while !done.load(Ordering::Relaxed) {
                assert_eq!(held(store, 0..200).len(), 200);
            }
        });
        while !done.load(Ordering::Relaxed) {
            store.collect(ALL, users(watched), nothing).unwrap();
        }
    });
    store.collect(ALL, users(&watched), nothing).unwrap();
    assert_eq!(held(&store, 0..600).len(), 600);
    assert!(held(&store, 10_200..10_600).is_empty());
    drop(store);
    let store = Store::open(temp.path()).unwrap();
    assert!(store.notes().is_empty(), "{:?}", store.notes());
    assert_eq!(held(&store, 0..600).len(), 600);
}

#[test]
fn a_sound_store_is_said_to_be_sound() {
    let temp = folder();
    let store = Store::open(temp.path()).unwrap();
    put(&store, 0..5, true);
    // As the offline provider writes them.
    let free = Summary::new("Free.", "offline");
    store.put_summaries(&[(key(9), free)], false).unwrap();
    put_outlines(&store, 0..3);
    put_records(&store, Path::new("/w"), 0..4);
    let verified = store.verify().unwrap();
    let wanted = Verified {
        summaries: 6,
        outlines: 3,
        records: 4,
        ..Verified::default()
    };
    assert_eq!(verified, wanted);
    assert_eq!(store.statistics().0, 6);
}

#[test]
fn damage_in_one_half_is_mended_from_the_other() {
    let temp = folder();
    let journal = temp.path().join("answers.journal");
    {
        let store = Store::open(temp.path()).unwrap();
        put(&store, 0..5, true);
    }
    // The third entry is hurt.
    let mut bytes = fs::read(&journal).unwrap();
    let third = bytes.len() / 5 * 2 + 40;
    bytes[third] ^= 1;
    fs::write(&journal, bytes).unwrap();
    let store = Store::open(temp.path()).unwrap();
    let verified = store.verify().unwrap();
    assert_eq!((verified.restored, verified.lost), (1, 0), "{verified:?}");
    assert_eq!(verified.damaged.len(), 2, "{verified:?}");
    assert_eq!(store.verify().unwrap().damaged, Vec::<String>::new());
    // In the cache, behind the store's back.
    for n in [1, 2] {
        store
            .cache
            .with(|trees| trees.summaries.insert(key(n).0.0, &b"nonsense"[..]))
            .unwrap();
    }
    put_records(&store, Path::new("/w"), 0..2);
    let mistaken = NodeRecord {
        summary: Some(SummaryRef {
            key: key(1),
            digest: said(2).digest(),
        }),
        ..record(1)
    };
    store
        .put_records(Path::new("/w"), &[(RelPath::new("x"), Some(mistaken))])
        .unwrap();
    let verified = store.verify().unwrap();
    assert_eq!((verified.restored, verified.lost), (2, 0), "{verified:?}");
    assert_eq!((verified.records, verified.damaged.len()), (2, 2));
    assert_eq!(held(&store, 0..5).len(), 5);
    assert_eq!(store.verify().unwrap().damaged, Vec::<String>::new());
    drop(store);
    lose_caches(temp.path());
    // All of it is in the journal again.
    let store = Store::open(temp.path()).unwrap();
    assert_eq!(held(&store, 0..5).len(), 5);
}

#[test]
fn damage_of_the_pack_is_reported_once_and_loses_nothing_that_was_paid_for() {
    let temp = folder();
    let path = temp.path().join(pack::NAME);
    let free = |n: u64| (key(n), Summary::new("Free.", "offline"));
    let store = Store::open(temp.path()).unwrap();
    store.put_summaries(&[free(1)], false).unwrap();
    let first = fs::metadata(&path).unwrap().len() as usize;
    store.put_summaries(&[free(2)], false).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[first - 2] ^= 1;
    fs::write(&path, bytes).unwrap();
    let verified = store.verify().unwrap();
    assert_eq!((verified.restored, verified.lost), (0, 0), "{verified:?}");
    assert_eq!((verified.summaries, verified.damaged.len()), (1, 1));
    let again = store.verify().unwrap();
    assert_eq!((again.lost, again.damaged.len()), (0, 0));
    assert_eq!(store.statistics().0, 1);
    // It is written again when its file is read.
    store.put_summaries(&[free(1)], false).unwrap();
    drop(store);
    let store = Store::open(temp.path()).unwrap();
    assert_eq!(store.summary(key(1)).unwrap(), Some(free(1).1));
}
