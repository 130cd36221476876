//! What is in use though no record says so: parts of what was asked about in parts, and after a kill.

use super::*;

#[test]
fn what_something_in_use_is_made_of_is_in_use() {
    let temp = folder();
    let watched = [PathBuf::from("/w")];
    let store = Store::open(temp.path()).unwrap();
    put(&store, 0..20, true);
    put_records(&store, &watched[0], [0].into_iter());
    // Made of parts: one that is recorded, one whose request is in flight, one that is not used.
    store.note_parts(key(0), &[key(10)]);
    store.note_parts(key(0), &[key(11), key(10)]);
    store.note_parts(key(1), &[key(12)]);
    store.note_parts(key(2), &[key(13)]);
    let in_use = || {
        Some(InUse {
            summaries: [key(1)].into(),
            complete: true,
            ..InUse::default()
        })
    };
    store.collect(ALL, users(&watched), in_use).unwrap();
    assert_eq!(held(&store, 0..20), [0, 1, 10, 11, 12].into());
    store.collect(ALL, users(&watched), nothing).unwrap();
    assert_eq!(held(&store, 0..20), [0, 10, 11].into());
}

#[test]
fn after_a_kill_nothing_paid_for_goes_before_all_is_known_again() {
    let temp = folder();
    let watched = [PathBuf::from("/w")];
    let live = temp.path().join("live");
    {
        let store = Store::open(&live).unwrap();
        put(&store, 0..4, true);
        store.leave().unwrap();
    }
    let store = Store::open(&live).unwrap();
    // Its files as they are now are what a kill leaves behind.
    let dead = temp.path().join("dead");
    super::super::damage::copy(&live, &dead);
    let killed = Store::open(&dead).unwrap();
    let collected = killed.collect(ALL, users(&watched), unknown).unwrap();
    assert_eq!((collected.summaries, collected.withheld), (0, 4));
    killed.leave().unwrap();
    drop(killed);
    let killed = Store::open(&dead).unwrap();
    let collected = killed.collect(ALL, users(&watched), unknown).unwrap();
    assert_eq!((collected.summaries, collected.withheld), (0, 4));
    // This one was never killed.
    let collected = store.collect(ALL, users(&watched), unknown).unwrap();
    assert_eq!((collected.summaries, collected.withheld), (4, 0));
}
