//! The engine in a simulated world: a seed decides everything that happens, so that every failure can be repeated.
//!
//! A failing seed is kept: add it to `KEPT` with a note on what it found.

mod disk;
mod world;

use world::{Sabotage, World};

/// Seeds that found a defect.
const KEPT: &[u64] = &[
    18, // called fresh though everything was suspect
    96, // touched in a directory that a look under way had already listed, and that only its answer made known
];

fn run(seed: u64, sabotage: Sabotage) -> Result<world::Tally, String> {
    let mut world = World::new(seed, sabotage);
    world
        .run()
        .map_err(|problem| format!("seed {seed}: {problem}"))
}

/// One seed, with all that happens in it: `EPITOME_SIM_SEED=21 EPITOME_SIM_TRACE=1 cargo test one_seed -- --nocapture`.
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
fn thousands_of_seeds_end_settled_and_true() {
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
    assert!(tally.waits > 1_000 && tally.asks > 20_000, "{tally:?}");
    assert!(tally.batched > 1_000 && tally.shared > 500, "{tally:?}");
}

/// The long one: `EPITOME_NIGHT=5000 cargo test --test suite a_stormy_night -- --nocapture`, with
/// `EPITOME_NIGHTS=3` for three of them.
#[test]
fn a_stormy_night_ends_with_all_fresh() {
    let number = |variable: &str| std::env::var(variable).ok()?.parse::<u32>().ok();
    let long = number("EPITOME_NIGHT");
    let (files, hours) = long.map_or((300, 3), |files| (files, 10));
    for seed in 0..u64::from(number("EPITOME_NIGHTS").unwrap_or(2)) {
        let mut world = World::at_night(seed, files);
        let (tally, took_ms) = match world.night(hours) {
            Ok(seen) => seen,
            Err(problem) => panic!("night {seed} with {files} files: {problem}"),
        };
        println!(
            "night {seed} with {files} files: fresh after {} s; {tally:?}",
            took_ms / 1_000
        );
        assert!(
            tally.asks > u64::from(files) && tally.failures * 4 > tally.asks - tally.batched,
            "{tally:?}"
        );
        assert!(tally.crashes > 0, "{tally:?}");
    }
}

/// The simulation has to find bugs that are put there on purpose, or it proves nothing.
#[test]
fn planted_bugs_are_found() {
    for sabotage in [
        Sabotage::LossIsSilent,
        Sabotage::ShownBeforeStored,
        Sabotage::TornAnswerCounts,
        Sabotage::BarrierOvertakes,
        Sabotage::ListsWithoutReading,
        Sabotage::BatchesAreForgotten,
        Sabotage::ClaimsAreIgnored,
    ] {
        let found = (0..3_000).find_map(|seed| run(seed, sabotage).err());
        match found {
            Some(problem) => println!("{sabotage:?}: {problem}"),
            None => panic!("{sabotage:?} was not found in 3,000 seeds"),
        }
    }
}
