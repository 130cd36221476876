//! What chance makes of stored bytes: they are refused, or they are what was written.

use fastrand::Rng;

use super::*;
use crate::fuzz;
use crate::shell::store::journal::Entry;
use crate::shell::store::usage::Used;

fn summary(rng: &mut Rng) -> Summary {
    let mut summary = Summary::new(fuzz::text(rng, 300), fuzz::text(rng, 12));
    summary.reaffirmed = rng.u32(..);
    summary
}

#[test]
fn sealed_bytes_come_back_as_they_were_or_not_at_all() {
    for seed in fuzz::rounds(3_000) {
        let mut rng = Rng::with_seed(seed);
        let digest = key(rng.u64(0..9)).0.0;
        let value = (rng.u32(..), summary(&mut rng));
        let sealed = codec::seal(SUMMARIES, &digest, &value).unwrap();
        let back = |bytes: &[u8]| codec::unseal::<(u32, Summary)>(SUMMARIES, &digest, bytes);
        assert_eq!(back(&sealed), Some(value.clone()), "seed {seed}");
        let bad = fuzz::mutated(&mut rng, &sealed, &[&sealed[..8], &sealed]);
        if bad != sealed {
            assert_eq!(back(&bad), None, "seed {seed}");
        }
        // As another type, and in another place.
        let record = codec::seal("records", &digest, &record(seed)).unwrap();
        let bad = fuzz::mutated(&mut rng, &record, &[]);
        assert!(bad == record || codec::unseal::<NodeRecord>("records", &digest, &bad).is_none());
        assert_eq!(back(&record), None, "seed {seed}");
        assert_eq!(back(&fuzz::bytes(&mut rng, 200)), None, "seed {seed}");
    }
}

/// Without a checksum: nothing is promised of the value, but that the decoder neither panics nor takes all memory.
#[test]
fn the_decoder_survives_any_bytes() {
    for seed in fuzz::rounds(10_000) {
        let mut rng = Rng::with_seed(seed);
        let bytes = match rng.bool() {
            true => fuzz::bytes(&mut rng, 300),
            false => {
                let entry = match rng.u8(0..3) {
                    0 => Entry::Answer(key(seed), summary(&mut rng)),
                    1 => Entry::Used(Used {
                        day: seed,
                        root: fuzz::bytes(&mut rng, 30),
                        counts: Usage::default().counts().to_vec(),
                    }),
                    _ => Entry::Repositories(Repositories {
                        number: seed,
                        paths: vec![fuzz::bytes(&mut rng, 30)],
                    }),
                };
                let encoded = codec::encode(&entry).unwrap();
                fuzz::mutated(
                    &mut rng,
                    &encoded,
                    &[b"\xfd\xff\xff\xff\xff\xff\xff\xff\x7f", b"\xfb\xff\xff"],
                )
            }
        };
        let _ = codec::decode::<Entry>(&bytes);
        let _ = codec::decode::<(u32, Summary)>(&bytes);
        let _ = codec::decode::<(u32, Digest, Outline)>(&bytes);
        let _ = codec::decode::<NodeRecord>(&bytes);
        let _ = codec::decode::<Vec<Vec<u8>>>(&bytes);
    }
}

/// A journal of which chance damaged a place: what is read from it was written to it, and all but the damaged entries
/// are there.
#[test]
fn a_journal_gives_back_only_what_was_written() {
    let temp = folder();
    for seed in fuzz::rounds(60) {
        let mut rng = Rng::with_seed(seed);
        let data = temp.path().join("data");
        let path = data.join("answers.journal");
        let wanted: Vec<_> = (0..rng.u64(1..12))
            .map(|n| (key(n), summary(&mut rng)))
            .collect();
        {
            let mut notes = Vec::new();
            fs::create_dir_all(&data).unwrap();
            let journal = Journal::open(&data, &mut notes).unwrap();
            for (key, summary) in &wanted {
                let entry = Entry::Answer(*key, summary.clone());
                journal.append(&[entry], false).unwrap();
            }
        }
        let whole = fs::read(&path).unwrap();
        let bad = fuzz::mutated(&mut rng, &whole, &[b"EpJ1", &whole[..whole.len().min(200)]]);
        fs::write(&path, &bad).unwrap();
        for _ in 0..2 {
            let mut notes = Vec::new();
            let journal = Journal::open(&data, &mut notes).unwrap();
            let mut found = 0;
            for (key, summary) in &wanted {
                if let Some(read) = journal.answer(*key).unwrap() {
                    assert_eq!(read, *summary, "seed {seed}");
                    found += 1;
                }
            }
            assert_eq!(journal.answers(), found, "seed {seed}: there are others");
            // It can be written to.
            let again = Entry::Answer(wanted[0].0, wanted[0].1.clone());
            journal.append(&[again], false).unwrap();
            assert_eq!(
                journal.answer(wanted[0].0).unwrap().as_ref(),
                Some(&wanted[0].1)
            );
        }
        fs::remove_dir_all(&data).unwrap();
    }
}
