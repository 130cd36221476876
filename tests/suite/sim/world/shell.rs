//! The simulated shell: turns effects into events, late, in any order, and sometimes with failures.

use epitome::engine::effect::{Effect, Subject, SummaryRequest};
use epitome::engine::event::{Event, FileRead, ReadProblem, Usage};
use epitome::engine::tree::NodeId;
use epitome::model::contents::{ContentKind, Contents};
use epitome::model::failure::{Failure, Remedy};
use epitome::model::path::RelPath;
use epitome::model::summary::{Summary, SummaryKey, SummaryRef};

use super::{EPOCH_MS, Pending, REPO, Sabotage, World, options};

impl World {
    /// Most effects take little time, some take long.
    fn delay_ms(&mut self) -> u64 {
        let longest = if self.random.u8(0..8) == 0 { 1_500 } else { 60 };
        self.random.u64(0..longest)
    }

    pub(super) fn begin(&mut self, effect: Effect) -> Result<(), String> {
        let delay = self.delay_ms();
        match effect {
            Effect::Load(_) => {
                let records = self.records.clone().into_iter().map(|(path, mut record)| {
                    // As in the store: a record keeps only a summary that is stored.
                    record.summary = record
                        .summary
                        .filter(|summary| self.stored.contains_key(&summary.key));
                    (path, record)
                });
                let event = Event::Loaded {
                    repo: REPO,
                    records: records.collect(),
                };
                self.schedule(delay, Pending::Deliver(event));
            }
            Effect::LookUp(keys) => {
                let found = keys
                    .into_iter()
                    .map(|key| (key, self.stored.get(&key).map(Summary::digest)))
                    .collect();
                self.schedule(delay, Pending::Deliver(Event::LookedUp(found)));
            }
            Effect::LookUpShared { keys, .. } => self.look_up_shared(keys),
            Effect::Claim { keys, .. } => self.claim_shared(keys),
            Effect::Release(keys) => self.release_shared(&keys),
            Effect::SummaryRequest(request) => {
                self.check_request(&request)?;
                self.schedule(delay, Pending::Sample(Effect::SummaryRequest(request)));
            }
            Effect::RequestBatch(requests) => {
                self.tally.batched += requests.len() as u64;
                for request in &requests {
                    self.check_request(request)?;
                }
                if self.random.u8(0..6) == 0 {
                    let event = Event::BatchRefused {
                        keys: requests.iter().map(|request| request.key).collect(),
                        for_good: self.random.bool(),
                    };
                    self.schedule(delay, Pending::Deliver(event));
                } else {
                    self.schedule(delay, Pending::Sample(Effect::RequestBatch(requests)));
                }
            }
            Effect::Describe(requests) => {
                for request in &requests {
                    if !self.in_flight.insert(request.key) {
                        return Err(format!("{} is described twice at once", request.path));
                    }
                }
                self.schedule(delay, Pending::Sample(Effect::Describe(requests)));
            }
            Effect::Commit { key, summary } => {
                if self.sabotage == Sabotage::ShownBeforeStored && self.random.bool() {
                    self.schedule(delay, Pending::Deliver(Event::Committed(key)));
                } else {
                    self.schedule(delay, Pending::Store(key, summary));
                }
            }
            Effect::Record { records, .. } => {
                self.unflushed.extend(records);
                if self.random.u8(0..4) == 0 {
                    self.flush();
                }
            }
            Effect::Barrier(id) => {
                if self.sabotage == Sabotage::BarrierOvertakesHints {
                    self.schedule(0, Pending::Deliver(Event::Barrier(id)));
                } else {
                    self.notify(Event::Barrier(id));
                }
            }
            Effect::Settled { wait, failed } => self.settled(wait, &failed)?,
            Effect::Export { repo, .. } => self.schedule(
                delay,
                Pending::Deliver(Event::Exported {
                    repo,
                    written: true,
                }),
            ),
            Effect::Forget { .. }
            | Effect::AwaitConfirmation { .. }
            | Effect::Spared { .. }
            | Effect::Publish { .. }
            | Effect::Notice(_) => {}
            sampled @ (Effect::List { .. } | Effect::Read { .. }) => {
                self.schedule(delay, Pending::Sample(sampled))
            }
        }
        Ok(())
    }

    fn check_request(&mut self, request: &SummaryRequest) -> Result<(), String> {
        if !self.in_flight.insert(request.key) {
            return Err(format!("{} is requested twice at once", request.path));
        }
        if self.stored.contains_key(&request.key) {
            return Err(format!(
                "{} is requested although its summary is stored",
                request.path
            ));
        }
        if self.in_batch.contains_key(&request.key) {
            return Err(format!(
                "{} is requested although it is in a batch",
                request.path
            ));
        }
        self.check_claim(request.key)?;
        self.tally.requests += 1;
        Ok(())
    }

    /// Sends a batch to the endpoint, which finishes its lines in any order.
    fn make_batch(&mut self, requests: Vec<SummaryRequest>) {
        for request in requests {
            let Subject::File { digest, .. } = request.subject else {
                continue;
            };
            let now = self.disk.read(&request.path.to_text(), 0);
            let delay = self.random.u64(0..3_000);
            match now.filter(|contents| contents.digest == digest) {
                Some(contents) => {
                    let text = format!("File {}.", contents.syntax);
                    self.in_batch.insert(request.key, text);
                    self.schedule(delay, Pending::Batch(request.key));
                }
                None => {
                    let event = Event::Responded {
                        key: request.key,
                        result: Err(Failure::new(Remedy::Changed, "changed in the meantime")),
                        usage: Usage::default(),
                    };
                    self.schedule(delay, Pending::Deliver(event));
                }
            }
        }
    }

    pub(super) fn line_done(&mut self, key: SummaryKey) {
        let Some(text) = self.in_batch.get(&key) else {
            return;
        };
        let result = match self.random.u8(0..8) {
            _ if self.stored.contains_key(&key) => Ok(Summary::new(text, "made")),
            0 => Err(Failure::new(Remedy::Retry, "the line failed")),
            1 if !self.calm && !self.conditions.outage && !self.refusing => Err(Failure::new(
                Remedy::Permanent,
                "the line failed permanently",
            )),
            _ => Ok(Summary::new(text, "made")),
        };
        if let Ok(summary) = &result {
            self.publish(key, summary);
            self.stored.insert(key, summary.clone());
        }
        let usage = Usage {
            sent: true,
            ..Usage::default()
        };
        let delay = self.random.u64(0..50);
        self.schedule(
            delay,
            Pending::Deliver(Event::Responded { key, result, usage }),
        );
    }

    /// Reads a file. If summaries are free, it sometimes writes one in the same job.
    fn read_file(&mut self, node: NodeId, path: &RelPath) -> FileRead {
        let result = match self.disk.read(&path.to_text(), EPOCH_MS + self.now_ms) {
            Some(_) if !self.calm && self.random.u8(0..20) == 0 => Err(ReadProblem::Moving),
            Some(mut contents) => {
                if self.sabotage == Sabotage::ListsWithoutReading {
                    (
                        contents.stat.mtime_ns,
                        contents.stat.ctime_ns,
                        contents.stat.size,
                    ) = (0, 0, 0);
                }
                Ok(contents)
            }
            None => Err(ReadProblem::Gone),
        };
        if let Ok(contents) = &result {
            let author = options(false, true, None).generator;
            let (kind, language) = (contents.content_kind, contents.language);
            let key = author.file_key(&author, kind, language, contents.syntax);
            self.team
                .texts
                .insert(key, format!("File {}.", contents.syntax));
        }
        let summary = match &result {
            Ok(contents) if self.random.bool() => self.describe_here(contents),
            _ => None,
        };
        FileRead {
            node,
            result,
            summary,
        }
    }

    fn describe_here(&mut self, contents: &Contents) -> Option<SummaryRef> {
        let free = match contents.content_kind {
            ContentKind::Empty | ContentKind::Binary => true,
            ContentKind::Text => !self.paid,
            _ => false,
        };
        if !free {
            return None;
        }
        let options = options(false, true, None);
        let Contents {
            content_kind,
            language,
            syntax,
            ..
        } = *contents;
        let key = options
            .generator
            .file_key(&options.offline, content_kind, language, syntax);
        let summary = Summary::new(format!("File {syntax}."), "made");
        let digest = summary.digest();
        self.stored.insert(key, summary);
        Some(SummaryRef { key, digest })
    }

    pub(super) fn sample(&mut self, effect: Effect) {
        let delay = self.delay_ms();
        let event = match effect {
            Effect::List { repo, targets } => {
                let mut listing = self.disk.list(&targets);
                if self.sabotage == Sabotage::ListsWithoutReading {
                    for directory in &mut listing.directories {
                        for stat in directory
                            .entries
                            .iter_mut()
                            .filter_map(|entry| entry.file.as_mut())
                        {
                            (stat.mtime_ns, stat.ctime_ns, stat.size) = (0, 0, 0);
                        }
                    }
                }
                Event::Listed { repo, listing }
            }
            Effect::Read { repo, files } => {
                let mut read = Vec::new();
                for (node, path) in files {
                    read.push(self.read_file(node, &path));
                }
                let files = read;
                Event::Read { repo, files }
            }
            Effect::Describe(requests) => {
                let mut results = Vec::new();
                for request in &requests {
                    let result = self.describe(request).map(|summary| {
                        let digest = summary.digest();
                        self.stored.insert(request.key, summary);
                        digest
                    });
                    results.push((request.key, result));
                }
                Event::Described(results)
            }
            Effect::RequestBatch(requests) => {
                self.make_batch(requests);
                return;
            }
            Effect::SummaryRequest(request) if self.random.u8(0..12) == 0 => {
                let usage = Usage {
                    sent: true,
                    ..Usage::default()
                };
                let key = request.key;
                let delay = self.random.u64(0..800);
                let event = Event::PartResponded { key, usage };
                self.schedule(delay, Pending::Deliver(event));
                return;
            }
            Effect::SummaryRequest(request) => {
                let result = self.respond(&request);
                let key = request.key;
                let sent = !matches!(&result, Err(failure) if failure.remedy == Remedy::Changed);
                let usage = Usage {
                    sent,
                    ..Usage::default()
                };
                let delay = self.random.u64(0..800);
                self.schedule(
                    delay,
                    Pending::Deliver(Event::Responded { key, result, usage }),
                );
                return;
            }
            _ => return,
        };
        self.schedule(delay, Pending::Deliver(event));
    }
}
