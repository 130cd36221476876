//! From what is known of a node to its words: key, look-up, request, commit.

use std::cmp::Reverse;

use crate::model::path::RepoId;
use crate::model::recipe::{ChildWords, Kind};
use crate::model::record::NodeRecord;
use crate::model::summary::{SummaryDigest, SummaryKey, Words};

use super::Engine;
use super::batch::Way;
use super::effect::{Ask, Child, Effect, Subject};
use super::flight::{Flight, Rank, Stage};
use super::pace::{Hold, Sent};
use super::retry::Tried;
use super::tree::{Body, NodeId, Phase, Tree};

/// How long asking waits, at most, for a rebase or the like to end: a person may be in the middle of it for hours.
const HELD_ASK_MS: u64 = 60_000;

impl Engine {
    /// The node gets no summary.
    pub(super) fn set_off(&mut self, repo: RepoId, id: NodeId) {
        let Some(repository) = self.repositories.get_mut(&repo) else {
            return;
        };
        let mut had_words = false;
        repository.tree.change(id, |node| {
            node.phase = Phase::Off;
            node.key = None;
            had_words = node.words.take().is_some();
        });
        if had_words {
            repository.to_record.insert(id);
        }
        repository.export(id);
    }

    /// The node's words are to be those of `key`.
    pub(super) fn want(&mut self, repo: RepoId, id: NodeId, key: SummaryKey, paid: bool) {
        let now_ms = self.now.monotonic_ms;
        let Some(repository) = self.repositories.get_mut(&repo) else {
            return;
        };
        let Some(node) = repository.tree.get(id) else {
            return;
        };
        if let Some(words) = node.words.filter(|words| words.key == key) {
            self.land_at(repo, id, words);
            return;
        }
        let is_file = node.kind() == Kind::File;
        let hurry = self.waits.hurry(repo);
        let held_ms = match (repository.held, repository.held_since_ms) {
            (true, Some(since_ms)) if paid && !hurry => since_ms + HELD_ASK_MS,
            _ => 0,
        };
        let quiet_until_ms = match node.changed {
            Some(changed) if paid && !hurry => {
                let quiet = self.options.quiet;
                (changed.last_ms + quiet.quiet_ms).min(changed.first_ms + quiet.cap_ms)
            }
            _ => 0,
        }
        .max(held_ms);
        let bulk = node.changed.is_none();
        let need = self.options.tokens.of(&repository.tree, id);
        let batchable =
            self.options.batch_from.is_some() && paid && is_file && bulk && need.parts == 0;
        let depth = repository.tree.depth(id);
        repository.tree.change(id, |node| {
            node.phase = Phase::Waiting;
            node.key = Some(key);
        });
        if self.flights.get(key).is_some() {
            self.flights.change(key, now_ms, |flight| {
                flight.waiters.push((repo, id));
                flight.quiet_until_ms = flight.quiet_until_ms.min(quiet_until_ms);
                flight.rank.bulk &= bulk;
                flight.batchable &= bulk;
            });
            return;
        }
        let arrival = self.flights.arrival();
        self.flights.begin(
            key,
            Flight {
                stage: Stage::LookingUp,
                waiters: vec![(repo, id)],
                paid,
                is_file,
                rank: Rank {
                    bulk,
                    // Each part before the last request is about as long a way as a directory above.
                    depth: Reverse(depth.saturating_add(need.parts)),
                    arrival,
                },
                quiet_until_ms,
                retry_at_ms: 0,
                tried: Tried::default(),
                failed_ms: 0,
                sent: Sent::default(),
                tokens: need.tokens,
                batchable,
                in_batch: false,
                words: None,
            },
        );
        self.lookups.push(key);
    }

    /// What waited for somebody else's work to end waits for quiet, and no longer.
    pub(super) fn end_holds(&mut self, repo: RepoId) {
        let now_ms = self.now.monotonic_ms;
        let quiet_until_ms = now_ms + self.options.quiet.quiet_ms;
        self.flights.shorten(now_ms, quiet_until_ms, |flight| {
            flight.waiters.iter().any(|(of, _)| *of == repo)
        });
    }

    /// Directories whose children are all settled: which words belong to them?
    pub(super) fn think_of_ripe_directories(&mut self) {
        let repositories: Vec<RepoId> = self.repositories.keys().copied().collect();
        for repo in repositories {
            while let Some(id) = self
                .repositories
                .get_mut(&repo)
                .and_then(|repository| repository.tree.next_ripe())
            {
                self.think_of_directory(repo, id);
            }
        }
    }

    fn think_of_directory(&mut self, repo: RepoId, id: NodeId) {
        let Some(repository) = self.repositories.get_mut(&repo) else {
            return;
        };
        let tree = &mut repository.tree;
        let tainted = visible_children(tree, id).any(|(_, child)| {
            let node = tree.get(child);
            node.is_some_and(|node| {
                matches!(node.phase, Phase::Failed(_))
                    || node.directory().is_some_and(|directory| directory.tainted)
            })
        });
        let empty = visible_children(tree, id).next().is_none();
        let key = self
            .options
            .author
            .directory_key(visible_children(tree, id).filter_map(|(name, child)| {
                let node = tree.get(child)?;
                let words = match node.words {
                    Some(words) => ChildWords::Said(words.digest),
                    None => ChildWords::LeftOut,
                };
                Some((name, node.kind(), words))
            }));
        tree.change(id, |node| {
            if let Body::Directory(directory) = &mut node.body {
                directory.tainted = tainted;
            }
        });
        if empty || !self.options.summaries {
            self.set_off(repo, id);
        } else {
            self.want(repo, id, key, self.options.paid);
        }
    }

    /// The store told which keys it has.
    pub(super) fn looked_up(&mut self, found: Vec<(SummaryKey, Option<SummaryDigest>)>) {
        let now_ms = self.now.monotonic_ms;
        for (key, digest) in found {
            if self
                .flights
                .get(key)
                .is_none_or(|flight| flight.stage != Stage::LookingUp)
            {
                continue;
            }
            let way = match digest {
                Some(digest) => Way::Stored(digest),
                None => self.way_of(key),
            };
            match way {
                Way::Stored(digest) => {
                    self.batches.forget(key);
                    self.land(Words { key, digest });
                }
                Way::Ask => self
                    .flights
                    .change(key, now_ms, |flight| flight.stage = Stage::Ready),
                Way::UnderWay => {
                    let mut tokens = 0;
                    self.flights.change(key, now_ms, |flight| {
                        flight.stage = Stage::Asking;
                        flight.in_batch = true;
                        tokens = flight.tokens;
                    });
                    self.pace.joined_batch(tokens);
                }
            }
        }
    }

    /// Asks for as many summaries as may be under way.
    pub(super) fn ask_next(&mut self, effects: &mut Vec<Effect>) {
        let now_ms = self.now.monotonic_ms;
        self.flights.mature(now_ms);
        self.held_until_ms = None;
        let one_by_one = self.batch_next(effects);
        for paid in [true, false] {
            while let Some(key) = self.flights.next(paid, one_by_one, |is_file, depth| {
                self.pace.remaining_ms(is_file, depth)
            }) {
                let Some((repo, id)) = self.first_waiter(key) else {
                    // Nobody wants it any more: it is not asked about.
                    self.flights.end(key);
                    continue;
                };
                if paid && let Some(failure) = self.pace.stopped().cloned() {
                    self.give_up(key, &failure);
                    continue;
                }
                let tokens = self.flights.get(key).map_or(0, |flight| flight.tokens);
                match self.pace.hold(paid, tokens, self.now) {
                    None => {}
                    Some(Hold::Full) => break,
                    Some(Hold::Until(until_ms)) => {
                        self.held_until_ms = Some(until_ms);
                        break;
                    }
                    Some(Hold::Budget) => {
                        self.held_until_ms = Some(now_ms + self.now.ms_to_next_day());
                        break;
                    }
                }
                let Some(ask) = self.ask_about(key, repo, id) else {
                    continue;
                };
                let again = ask.attempts > 0;
                let sent = self.pace.sent(paid, again, tokens, self.now);
                if let Some(repository) = self.repositories.get_mut(&repo) {
                    repository.used.retries += u64::from(paid && again);
                }
                self.flights.change(key, now_ms, |flight| {
                    flight.stage = Stage::Asking;
                    flight.sent = sent;
                    if flight.tried.times > 0 {
                        flight.tried.waited_ms = now_ms.saturating_sub(flight.failed_ms);
                    }
                    flight.tried.times += 1;
                    flight.batchable = false;
                });
                effects.push(Effect::Ask(Box::new(ask)));
            }
        }
    }

    /// What is to be asked for a flight; `None`, and the flight ends, where its node is not known well enough.
    pub(super) fn ask_about(&mut self, key: SummaryKey, repo: RepoId, id: NodeId) -> Option<Ask> {
        let Some(subject) = self.subject(repo, id) else {
            self.flights.end(key);
            return None;
        };
        let flight = self.flights.get(key)?;
        let tree = &self.repositories.get(&repo)?.tree;
        let earlier = tree.get(id).and_then(|node| node.words);
        Some(Ask {
            key,
            repo,
            path: tree.path(id),
            subject,
            paid: flight.paid,
            earlier: earlier.map(|words| words.key).filter(|_| flight.paid),
            attempts: flight.tried.times,
        })
    }

    fn subject(&self, repo: RepoId, id: NodeId) -> Option<Subject> {
        let tree = &self.repositories.get(&repo)?.tree;
        match &tree.get(id)?.body {
            Body::File { contents } => {
                let contents = contents.as_ref()?;
                Some(Subject::File {
                    digest: contents.digest,
                    language: contents.language,
                    matter: contents.matter,
                })
            }
            Body::Directory(_) => Some(Subject::Directory {
                children: visible_children(tree, id)
                    .filter_map(|(name, child)| {
                        let node = tree.get(child)?;
                        Some(Child {
                            name: name.into(),
                            kind: node.kind(),
                            words: node.words.map(|words| words.key),
                        })
                    })
                    .collect(),
            }),
        }
    }

    /// The waiters that still want the key.
    pub(super) fn waiters(&self, key: SummaryKey) -> impl Iterator<Item = (RepoId, NodeId)> {
        self.flights.get(key).into_iter().flat_map(move |flight| {
            flight.waiters.iter().copied().filter(move |(repo, id)| {
                self.repositories
                    .get(repo)
                    .and_then(|repository| repository.tree.get(*id))
                    .is_some_and(|node| node.phase == Phase::Waiting && node.key == Some(key))
            })
        })
    }

    pub(super) fn first_waiter(&self, key: SummaryKey) -> Option<(RepoId, NodeId)> {
        self.waiters(key).next()
    }

    /// The words are on disk: now they count.
    pub(super) fn committed(&mut self, key: SummaryKey) {
        let Some(flight) = self
            .flights
            .get(key)
            .filter(|flight| flight.stage == Stage::Committing)
        else {
            return;
        };
        let digest = flight.words;
        if flight.paid {
            self.pace.stored();
        }
        self.pace.has_words(key, self.now.monotonic_ms);
        if let Some(digest) = digest {
            self.land(Words { key, digest });
        }
    }

    /// The words of a key are known: everybody who wants them has them.
    fn land(&mut self, words: Words) {
        let waiters: Vec<(RepoId, NodeId)> = self.waiters(words.key).collect();
        self.flights.end(words.key);
        for (repo, id) in waiters {
            self.land_at(repo, id, words);
        }
    }

    fn land_at(&mut self, repo: RepoId, id: NodeId, words: Words) {
        let Some(repository) = self.repositories.get_mut(&repo) else {
            return;
        };
        let mut known = false;
        repository.tree.change(id, |node| {
            node.phase = Phase::Done;
            node.key = Some(words.key);
            known = node.words.replace(words) == Some(words);
        });
        if !known {
            repository.to_record.insert(id);
        }
        repository.export(id);
    }

    /// Hands out the records of nodes that settled and of those that went.
    pub(super) fn keep_records(&mut self, effects: &mut Vec<Effect>) {
        for (&repo, repository) in &mut self.repositories {
            if repository.to_record.is_empty() && repository.removed.is_empty() {
                continue;
            }
            let mut records: Vec<_> = std::mem::take(&mut repository.removed)
                .into_iter()
                .map(|path| (path, None))
                .collect();
            for id in std::mem::take(&mut repository.to_record) {
                let Some(node) = repository.tree.get(id) else {
                    continue;
                };
                let record = NodeRecord {
                    kind: node.kind(),
                    parser: self.options.parser,
                    contents: node.contents().cloned(),
                    words: node.words,
                };
                records.push((repository.tree.path(id), Some(record)));
            }
            effects.push(Effect::Record { repo, records });
        }
    }
}

/// A directory's children that the outside knows, in order of name.
pub(super) fn visible_children(tree: &Tree, id: NodeId) -> impl Iterator<Item = (&[u8], NodeId)> {
    tree.get(id)
        .and_then(|node| node.directory())
        .into_iter()
        .flat_map(|directory| directory.children.iter())
        .filter(|(_, child)| tree.get(**child).is_some_and(|node| node.is_visible()))
        .map(|(name, &child)| (&**name, child))
}
