//! Orders of events that the histories test found with the real program, reduced to the shortest form.

use super::effect::Depth;
use super::event::FileRead;
use super::event::{Polled, WaitId};
use super::*;
use crate::model::contents::{ContentKind, Contents};
use crate::model::digest::Digest;
use crate::model::failure::{Failure, Remedy};
use crate::model::listing::{Entry, ListedDirectory, Listing};
use crate::model::path::RelPath;
use crate::model::stat::Stat;
use crate::model::summary::{Freshness, Summary};

const REPO: RepoId = RepoId(1);

/// An engine without summaries that knows one repository.
struct Bench {
    engine: Engine,
    now_ms: u64,
}

impl Bench {
    fn new() -> Self {
        Self::with(false)
    }

    /// With summaries that cost a request each.
    fn with(paid: bool) -> Self {
        let window = Window {
            quiet_ms: 10,
            cap_ms: 100,
        };
        let options = Options {
            generator: Generator {
                provider: "offline".to_owned(),
                model: "offline".to_owned(),
                prompt_version: 1,
                parameters: String::new(),
            },
            offline: Generator {
                provider: "offline".to_owned(),
                model: "offline".to_owned(),
                prompt_version: 1,
                parameters: String::new(),
            },
            summaries: paid,
            parser: 1,
            paid,
            bounds: Bounds {
                max_workers: 4,
                ..Bounds::default()
            },
            tokens: TokenEstimate {
                instructions: 0,
                answer: 0,
                largest_input: 48_000,
            },
            readers: 4,
            settle: window,
            quiet: Window {
                quiet_ms: 2_500,
                cap_ms: 20_000,
            },
            export: false,
            directory_quiet: window,
            confirm_above: None,
            sharing: None,
            batch_from: None,
            poll_ms: None,
            poll_rest_ms: 1_000,
        };
        let mut bench = Self {
            engine: Engine::new(options),
            now_ms: 1,
        };
        bench.step(Event::Watch(REPO));
        bench.step(Event::Loaded {
            repo: REPO,
            records: Vec::new(),
        });
        bench
    }

    fn step(&mut self, event: Event) -> Vec<Effect> {
        self.now_ms += 200;
        let now = Timestamp {
            monotonic_ms: self.now_ms,
            unix_ms: self.now_ms,
        };
        self.engine.step(now, event)
    }

    /// The scan in progress finds these files in the root. Files that are read afterwards match what it found.
    fn listed(&mut self, files: &[(&str, Stat)]) -> Vec<Effect> {
        let entry = |(name, stat): &(&str, Stat)| Entry {
            name: name.as_bytes().into(),
            file: Some(*stat),
            policy: crate::model::policy::Policy::None,
        };
        let root = ListedDirectory {
            path: RelPath::root(),
            identity: (1, 1),
            entries: files.iter().map(entry).collect(),
            problem: None,
        };
        let mut effects = self.step(Event::Listed {
            repo: REPO,
            listing: Listing {
                directories: vec![root],
                ..Listing::default()
            },
        });
        for effect in std::mem::take(&mut effects) {
            let Effect::Read { repo, files: read } = effect else {
                effects.push(effect);
                continue;
            };
            let mut done = Vec::new();
            for (node, path) in read {
                let found = files.iter().find(|(name, _)| path == RelPath::new(*name));
                let stat = found.expect("only existing files are read").1;
                let digest = Digest::of_file(&stat.ctime_ns.to_le_bytes());
                let contents = Contents {
                    stat,
                    observed_ms: u64::MAX / 2,
                    digest,
                    syntax: digest,
                    language: None,
                    content_kind: ContentKind::Text,
                };
                let read = FileRead {
                    node,
                    result: Ok(contents),
                    summary: None,
                };
                done.push(read);
            }
            effects.extend(self.step(Event::Read { repo, files: done }));
        }
        effects
    }

    /// Lets time pass until a summary is requested; returns its key.
    fn requested(&mut self, mut effects: Vec<Effect>) -> SummaryKey {
        for _ in 0..1_000 {
            let looked_up = effects.iter().find_map(|effect| match effect {
                Effect::LookUp(keys) => Some(keys.iter().map(|&key| (key, None)).collect()),
                _ => None,
            });
            for effect in effects {
                if let Effect::SummaryRequest(request) = effect {
                    return request.key;
                }
            }
            effects = self.step(looked_up.map_or(Event::Tick, Event::LookedUp));
        }
        panic!("no summary is requested");
    }

    fn freshness(&mut self, path: &str) -> Freshness {
        let view = self.engine.view(REPO, &RelPath::new(path), 0);
        view.expect("a node").freshness
    }
}

fn stat(inode: u64, links: u64) -> Stat {
    Stat {
        size: 1,
        mtime_ns: 1,
        ctime_ns: 1,
        inode,
        device: 1,
        links,
    }
}

fn lists_root(effects: &[Effect]) -> bool {
    let root = [(RelPath::root(), Depth::Entries)];
    effects
        .iter()
        .any(|effect| matches!(effect, Effect::List { targets, .. } if targets[..] == root))
}

#[test]
fn a_root_that_returns_during_a_rescan_leaves_nothing_suspect() {
    let mut bench = Bench::new();
    let files = [("a.md", stat(1, 1))];
    bench.listed(&files);
    // The root is missing for a moment during a full rescan, and a hint concerns something in it.
    bench.step(Event::Lost(REPO));
    let paths = vec![RelPath::new("a.md")];
    bench.step(Event::Touched { repo: REPO, paths });
    let effects = bench.step(Event::Listed {
        repo: REPO,
        listing: Listing {
            gone: vec![RelPath::root()],
            ..Listing::default()
        },
    });
    assert!(lists_root(&effects), "{effects:?}");
    // It exists again.
    let effects = bench.listed(&files);
    let everything = [(RelPath::root(), Depth::Everything)];
    assert!(
        effects.iter().any(
            |effect| matches!(effect, Effect::List { targets, .. } if targets[..] == everything)
        ),
        "{effects:?}"
    );
    bench.listed(&files);
    assert_eq!(bench.freshness(""), Freshness::Off);
}

#[test]
fn a_file_that_returns_while_its_removal_is_listed_leaves_its_folder_suspect() {
    let mut bench = Bench::new();
    bench.listed(&[("a.md", stat(1, 1)), ("b.md", stat(2, 1))]);
    assert_eq!(bench.freshness(""), Freshness::Off);
    // The root is replaced by another one: the scan reads it before the file is in it.
    bench.step(Event::Lost(REPO));
    let paths = vec![RelPath::new("b.md")];
    bench.step(Event::Touched { repo: REPO, paths });
    let effects = bench.listed(&[("a.md", stat(1, 1))]);
    assert_ne!(bench.freshness(""), Freshness::Off);
    assert!(lists_root(&effects), "{effects:?}");
    bench.listed(&[("a.md", stat(1, 1)), ("b.md", stat(3, 1))]);
    assert_eq!(bench.freshness(""), Freshness::Off);
}

#[test]
fn a_file_that_gets_another_name_is_read_again_by_its_first_one() {
    let mut bench = Bench::new();
    bench.listed(&[("a.md", stat(1, 1))]);
    // Linked, and written through the new name: the kernel reports only that name.
    let paths = vec![RelPath::new("b.md")];
    bench.step(Event::Touched { repo: REPO, paths });
    bench.step(Event::Tick);
    let two = Stat {
        ctime_ns: 2,
        ..stat(1, 2)
    };
    let linked = |name| (name, two);
    let effects = bench.listed(&[("a.md", stat(1, 1)), linked("b.md")]);
    let effects = match lists_root(&effects) {
        true => effects,
        false => bench.step(Event::Tick),
    };
    assert!(lists_root(&effects), "{effects:?}");
    let effects = bench.listed(&[linked("a.md"), linked("b.md")]);
    assert!(!lists_root(&effects), "{effects:?}");
    let digests: Vec<_> = bench
        .engine
        .view(REPO, &RelPath::root(), 1)
        .expect("the root")
        .children
        .into_iter()
        .flatten()
        .map(|child| child.digest)
        .collect();
    assert_eq!(digests.len(), 2);
    assert_eq!(digests[0], digests[1]);
}

/// The tick at which the next scan begins, if one of the next `most` ticks starts one.
fn ticks_to_scan(bench: &mut Bench, most: usize) -> Option<usize> {
    (0..most).find(|_| {
        let effects = bench.step(Event::Tick);
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::List { .. }))
    })
}

#[test]
fn hints_elsewhere_do_not_delay_a_poll() {
    let mut bench = Bench::new();
    bench.listed(&[]);
    let polled = Polled::Directories([RelPath::new("far")].into());
    bench.step(Event::Polled { repo: REPO, polled });
    // A log grows constantly: the root is listed every second.
    let far = |(path, _): &(RelPath, Depth)| *path == RelPath::new("far");
    let mut polls = 0;
    for _ in 0..10 {
        let paths = vec![RelPath::new("a.log")];
        let mut effects = bench.step(Event::Touched { repo: REPO, paths });
        effects.extend(bench.step(Event::Tick));
        effects.extend(bench.listed(&[]));
        let listings = effects.iter().filter(
            |effect| matches!(effect, Effect::List { targets, .. } if targets.iter().any(far)),
        );
        polls += listings.count();
    }
    assert!(polls >= 2, "{polls}");
}

#[test]
fn a_long_scan_is_followed_by_a_longer_pause() {
    let mut bench = Bench::new();
    bench.listed(&[]);
    let polled = Polled::Everything;
    bench.step(Event::Polled { repo: REPO, polled });
    // Ticks are 200 ms apart, scans one second; a scan takes almost no time.
    let soon = ticks_to_scan(&mut bench, 100);
    assert!(soon.is_some_and(|ticks| ticks < 8), "{soon:?}");
    assert_eq!(ticks_to_scan(&mut bench, 20), None, "a scan is in progress");
    bench.listed(&[]);
    // It took four seconds: the next one starts sixteen seconds later.
    let later = ticks_to_scan(&mut bench, 200);
    assert!(
        later.is_some_and(|ticks| (70..90).contains(&ticks)),
        "{later:?}"
    );
    bench.listed(&[]);
    // A wait ends the pause.
    bench.step(Event::Tick);
    let effects = bench.step(Event::Wait {
        id: WaitId(1),
        repo: REPO,
        path: RelPath::root(),
    });
    let is_scan = |effect: &Effect| matches!(effect, Effect::List { .. });
    assert!(effects.iter().any(is_scan), "{effects:?}");
}

#[test]
fn a_file_that_is_saved_constantly_is_requested_nevertheless() {
    let mut bench = Bench::with(true);
    bench.listed(&[]);
    let mut saves = 0;
    // It is saved every second, and the quiet time is longer.
    for number in 1..60 {
        let paths = vec![RelPath::new("a.md")];
        bench.step(Event::Touched { repo: REPO, paths });
        bench.step(Event::Tick);
        let now = Stat {
            ctime_ns: number,
            ..stat(1, 1)
        };
        let effects = bench.listed(&[("a.md", now)]);
        let looked_up = effects.iter().find_map(|effect| match effect {
            Effect::LookUp(keys) => Some(keys.iter().map(|&key| (key, None)).collect()),
            _ => None,
        });
        let effects = bench.step(Event::LookedUp(looked_up.unwrap_or_default()));
        if effects
            .iter()
            .any(|effect| matches!(effect, Effect::SummaryRequest(_)))
        {
            break;
        }
        saves += 1;
    }
    assert!((2..30).contains(&saves), "requested after {saves} saves");
}

#[test]
fn a_request_that_never_reached_the_endpoint_counts_as_neither_sent_nor_retried() {
    let mut bench = Bench::with(true);
    let mut effects = bench.listed(&[("a", stat(1, 1))]);
    let answer = |key, remedy, sent| Event::Responded {
        key,
        result: Err(Failure::new(remedy, "planned by the test")),
        usage: event::Usage {
            sent,
            ..event::Usage::default()
        },
    };
    let mut counted = Vec::new();
    for (remedy, sent) in [
        (Remedy::Unreachable, false),
        (Remedy::Unreachable, false),
        (Remedy::Retry, true),
        (Remedy::Retry, true),
    ] {
        let key = bench.requested(effects);
        effects = bench.step(answer(key, remedy, sent));
        let counters = bench.engine.pace_status().counters;
        counted.push((counters.sent, counters.retried));
    }
    assert_eq!(counted, [(0, 0), (0, 0), (1, 1), (2, 2)]);
}

#[test]
fn a_file_that_is_read_again_during_its_request_counts_once() {
    let mut bench = Bench::with(true);
    let effects = bench.listed(&[("a", stat(1, 1))]);
    let key = bench.requested(effects);
    // Touched, with the same content.
    let paths = vec![RelPath::new("a")];
    bench.step(Event::Touched { repo: REPO, paths });
    bench.step(Event::Tick);
    let touched = Stat {
        mtime_ns: 2,
        ..stat(1, 1)
    };
    bench.listed(&[("a", touched)]);
    let effects = bench.step(Event::Responded {
        key,
        result: Ok(Summary::new("Holds a.", "m")),
        usage: event::Usage {
            sent: true,
            unchanged: true,
            ..event::Usage::default()
        },
    });
    let spared = |effect: &&Effect| matches!(effect, Effect::Spared { .. });
    assert_eq!(effects.iter().filter(spared).count(), 1, "{effects:?}");
}
