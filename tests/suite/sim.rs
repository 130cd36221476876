//! Runs the engine in a simulated world. A seed decides everything that happens, so every failure can be repeated.
//!
//! Add a failing seed to `KEPT` with a note on what it found.

mod disk;
mod world;

use world::{Sabotage, World};

/// Seeds that found a defect.
const KEPT: &[u64] = &[
    18, // a node was reported as fresh although everything was suspect
    96, // a touch in an unknown directory that the scan in progress had already listed
];

fn run(seed: u64, sabotage: Sabotage) -> Result<world::Tally, String> {
    let mut world = World::new(seed, sabotage);
    world
        .run()
        .map_err(|problem| format!("seed {seed}: {problem}"))
}

/// Runs one seed with a trace: `EPITOME_SIM_SEED=21 EPITOME_SIM_TRACE=1 cargo test one_seed -- --nocapture`.
#[test]
fn one_seed() {
    let seed = std::env::var("EPITOME_SIM_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    if let Err(problem) = run(seed.unwrap_or(0), Sabotage::None) {
        panic!("{problem}");
    }
}

#[test]
fn thousands_of_seeds_settle_with_correct_summaries() {
    let mut tally = world::Tally::default();
    for seed in KEPT.iter().copied().chain(0..4_500) {
        match run(seed, Sabotage::None) {
            Ok(one) => tally += one,
            Err(problem) => panic!("{problem}"),
        }
    }
    println!("{tally:?}");
    // A simulation in which nothing happens proves nothing.
    assert!(
        tally.crashes > 1_000 && tally.lost > 1_000 && tally.failures > 5_000,
        "{tally:?}"
    );
    assert!(tally.waits > 1_000 && tally.requests > 20_000, "{tally:?}");
    assert!(tally.batched > 1_000 && tally.shared > 500, "{tally:?}");
}

/// Hours of failures. The long version: `EPITOME_OUTAGE_FILES=5000 cargo test --test suite a_long_outage -- --nocapture`,
/// with `EPITOME_OUTAGES=3` for three runs.
#[test]
fn a_long_outage_ends_with_everything_fresh() {
    let number = |variable: &str| std::env::var(variable).ok()?.parse::<u32>().ok();
    let long = number("EPITOME_OUTAGE_FILES");
    let (files, hours) = long.map_or((300, 3), |files| (files, 10));
    for seed in 0..u64::from(number("EPITOME_OUTAGES").unwrap_or(2)) {
        let mut world = World::with_outage(seed, files);
        let (tally, took_ms) = match world.outage(hours) {
            Ok(seen) => seen,
            Err(problem) => panic!("outage {seed} with {files} files: {problem}"),
        };
        println!(
            "outage {seed} with {files} files: fresh after {} s; {tally:?}",
            took_ms / 1_000
        );
        assert!(
            tally.requests > u64::from(files)
                && tally.failures * 4 > tally.requests - tally.batched,
            "{tally:?}"
        );
        assert!(tally.crashes > 0, "{tally:?}");
    }
}

/// The simulation has to find planted bugs, or it proves nothing.
#[test]
fn planted_bugs_are_found() {
    for sabotage in [
        Sabotage::LossIsSilent,
        Sabotage::ShownBeforeStored,
        Sabotage::OutdatedResponseCounts,
        Sabotage::BarrierOvertakesHints,
        Sabotage::ListsWithoutReading,
        Sabotage::BatchesForgotten,
        Sabotage::ClaimsAreIgnored,
    ] {
        let found = (0..3_000).find_map(|seed| run(seed, sabotage).err());
        match found {
            Some(problem) => println!("{sabotage:?}: {problem}"),
            None => panic!("{sabotage:?} was not found in 3,000 seeds"),
        }
    }
}
