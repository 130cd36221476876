//! Measurements, for a person to read.

use super::*;

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
