//! Barriers: the response to a query contains everything saved before the query.
//!
//! A query waits until all earlier notifications have arrived, and then for a check for changes without notification. One barrier serves all queries that wait when it is requested; later ones wait for the next. The
//! cookie file of a barrier is created by the watcher's thread, and the deadlines belong to the loop.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::daemon::mailbox::{Input, Query};
use crate::daemon::work::checking::Check;
use crate::engine::event::{Event, WaitId};
use crate::model::path::RepoId;

use super::EventLoop;

/// After this time the notifications count as lost, and queries stop waiting for a file system that does not respond.
const PATIENCE: Duration = Duration::from_secs(2);

/// Queries and waits behind a barrier.
pub(super) enum Behind {
    Wait(WaitId, RepoId),
    Query(Query),
}

/// The barriers and checks in progress.
#[derive(Default)]
pub(super) struct Barriers {
    /// The number of the last barrier or check.
    last: u64,
    in_flight: Option<InFlight>,
    /// Queries and waits that came after the barrier in flight was requested.
    next: Vec<Behind>,
    /// Watchdog checks that only a notification completes, each with the first barrier that may do so.
    pulses: Vec<(u64, Query)>,
    checks: HashMap<u64, Checking>,
}

struct InFlight {
    number: u64,
    behind: Vec<Behind>,
    deadline: Instant,
}

/// A check for changes without notification.
struct Checking {
    behind: Vec<Behind>,
    /// When its queries get a response anyway; waits continue.
    deadline: Option<Instant>,
    since: Instant,
    /// The repository being checked.
    at: Arc<AtomicU32>,
}

impl Barriers {
    /// When the next barrier or check is overdue.
    pub fn deadline(&self) -> Option<Instant> {
        let barrier = self.in_flight.as_ref().map(|barrier| barrier.deadline);
        let checks = self.checks.values().filter_map(|check| check.deadline);
        barrier.into_iter().chain(checks).min()
    }

    /// Repositories whose file systems do not respond.
    fn hanging(&self) -> BTreeSet<RepoId> {
        let late = |check: &&Checking| check.since.elapsed() > PATIENCE;
        let checks = self.checks.values().filter(late);
        checks
            .map(|check| RepoId(check.at.load(Ordering::Relaxed)))
            .collect()
    }
}

/// Which repositories a group of queries concerns; each group has a check of its own, so that one file system that does
/// not respond delays no other's queries.
#[derive(PartialEq)]
enum Concern {
    /// One repository, for clients that wait or for queries.
    One {
        repo: RepoId,
        waits: bool,
    },
    All,
}

impl EventLoop {
    /// Lets `behind` wait for a barrier.
    pub(super) fn behind_barrier(&mut self, behind: Behind) {
        if self.context.watch.get().is_none() {
            return self.pass(behind);
        }
        self.barriers.next.push(behind);
        if self.barriers.in_flight.is_none() {
            self.request_barrier();
        }
    }

    fn request_barrier(&mut self) {
        let mut behind = std::mem::take(&mut self.barriers.next);
        if behind.is_empty() {
            return;
        }
        let Some(cookies) = self.context.cookies.get() else {
            return behind.into_iter().for_each(|behind| self.pass(behind));
        };
        self.barriers.last += 1;
        let number = self.barriers.last;
        // Only a notification answers these, however late.
        self.barriers
            .pulses
            .retain(|(_, pulse)| !matches!(pulse, Query::Pulse { reply, .. } if reply.is_closed()));
        let pulses = behind.extract_if(.., |behind| {
            matches!(behind, Behind::Query(Query::Pulse { .. }))
        });
        let pulses = pulses.filter_map(|behind| match behind {
            Behind::Query(query) => Some((number, query)),
            Behind::Wait(..) => None,
        });
        self.barriers.pulses.extend(pulses);
        cookies.request(number);
        let deadline = Instant::now() + PATIENCE;
        self.barriers.in_flight = Some(InFlight {
            number,
            behind,
            deadline,
        });
    }

    /// The barrier's cookie came back.
    pub(super) fn barrier_returned(&mut self, number: u64) {
        self.answer_pulses(number);
        let in_flight = self.barriers.in_flight.take_if(|it| it.number == number);
        if let Some(barrier) = in_flight {
            self.check(barrier);
            self.request_barrier();
        }
    }

    /// The barrier's cookie cannot be created: a full disk says nothing about the watch.
    pub(super) fn barrier_failed(&mut self, number: u64) {
        self.answer_pulses(number);
        let in_flight = self.barriers.in_flight.take_if(|it| it.number == number);
        if let Some(barrier) = in_flight {
            self.pass_overdue(barrier);
        }
    }

    fn answer_pulses(&mut self, number: u64) {
        let pulses = &mut self.barriers.pulses;
        let due: Vec<_> = pulses.extract_if(.., |(at, _)| *at <= number).collect();
        due.into_iter().for_each(|(_, query)| self.answer(query));
    }

    /// Handles the barriers and checks whose time is over.
    pub(super) fn expire_barriers(&mut self) {
        let now = Instant::now();
        let overdue = self.barriers.in_flight.take_if(|it| it.deadline <= now);
        if let Some(barrier) = overdue {
            self.pass_overdue(barrier);
        }
        let mut late = Vec::new();
        for check in self.barriers.checks.values_mut() {
            if check.deadline.is_some_and(|deadline| deadline <= now) {
                check.deadline = None;
                let queries = check
                    .behind
                    .extract_if(.., |behind| matches!(behind, Behind::Query(_)));
                late.extend(queries);
            }
        }
        late.into_iter().for_each(|behind| self.pass(behind));
    }

    /// The notifications did not come through: only a full rescan shows what was saved.
    fn pass_overdue(&mut self, barrier: InFlight) {
        let mut lost = BTreeSet::new();
        for behind in &barrier.behind {
            match behind {
                Behind::Wait(_, repo) => {
                    lost.insert(*repo);
                }
                Behind::Query(_) => {
                    let entries = self.context.registry.all();
                    lost.extend(entries.into_iter().map(|entry| entry.repo));
                }
            }
        }
        if !lost.is_empty() {
            tracing::warn!("notifications are late: rescanning");
        }
        for repo in lost {
            self.step(Event::Lost(repo));
        }
        for behind in barrier.behind {
            self.pass(behind);
        }
        self.request_barrier();
    }

    fn pass(&mut self, behind: Behind) {
        match behind {
            Behind::Wait(id, _) => self.step(Event::Barrier(id)),
            Behind::Query(query) => self.answer(query),
        }
    }

    /// Looks for changes without notification, for everything behind a barrier.
    fn check(&mut self, barrier: InFlight) {
        let mut groups: Vec<(Concern, Vec<Behind>)> = Vec::new();
        for behind in barrier.behind {
            let concern = match &behind {
                Behind::Wait(_, repo) => Concern::One {
                    repo: *repo,
                    waits: true,
                },
                Behind::Query(Query::Node { repo, .. }) => Concern::One {
                    repo: *repo,
                    waits: false,
                },
                Behind::Query(Query::Status { .. }) => Concern::All,
                Behind::Query(_) => {
                    self.pass(behind);
                    continue;
                }
            };
            match groups.iter_mut().find(|(known, _)| *known == concern) {
                Some((_, group)) => group.push(behind),
                None => groups.push((concern, vec![behind])),
            }
        }
        for (concern, behind) in groups {
            self.check_group(&concern, behind, barrier.deadline);
        }
    }

    fn check_group(&mut self, concern: &Concern, behind: Vec<Behind>, deadline: Instant) {
        let (mut entries, linked, waits) = match *concern {
            Concern::One { repo, waits } => {
                let entry = self.context.registry.get(repo);
                let linked = self.engine.linked(repo);
                (entry.into_iter().collect(), linked, waits)
            }
            Concern::All => (self.context.registry.all(), Vec::new(), false),
        };
        // A query does not wait for a file system that does not respond.
        let hanging = self.barriers.hanging();
        entries.retain(|entry| waits || !hanging.contains(&entry.repo));
        let Some(first) = entries.first() else {
            return behind.into_iter().for_each(|behind| self.pass(behind));
        };
        let at = Arc::new(AtomicU32::new(first.repo.0));
        let roots = entries.into_iter().map(|entry| {
            let expected = self.engine.expected_root(entry.repo);
            (entry, expected)
        });
        let check = Check {
            roots: roots.collect(),
            linked,
            waits,
            at: Arc::clone(&at),
        };
        self.barriers.last += 1;
        let number = self.barriers.last;
        let checking = Checking {
            behind,
            deadline: Some(deadline),
            since: Instant::now(),
            at,
        };
        self.barriers.checks.insert(number, checking);
        let (context, inputs) = (Arc::clone(&self.context), self.inputs.clone());
        tokio::task::spawn_blocking(move || {
            inputs.send_events(check.run(&context));
            inputs.send_blocking(Input::Checked(number));
        });
    }

    /// A check is done.
    pub(super) fn checked(&mut self, number: u64) {
        if let Some(check) = self.barriers.checks.remove(&number) {
            check
                .behind
                .into_iter()
                .for_each(|behind| self.pass(behind));
        }
    }
}
