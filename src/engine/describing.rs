//! Summaries that cost nothing: written and stored in batches, without a look-up and without a request.

use crate::model::failure::{Failure, Remedy};
use crate::model::summary::{SummaryDigest, SummaryKey, SummaryRef};

use super::Engine;
use super::effect::Effect;
use super::in_flight::Stage;

/// The largest number of summaries in one job.
const BATCH: usize = 64;

impl Engine {
    /// Starts as many jobs as there are threads for.
    pub(super) fn describe_ready(&mut self, effects: &mut Vec<Effect>) {
        let now_ms = self.now.monotonic_ms;
        while self.describing < self.options.readers {
            let mut requests = Vec::new();
            while requests.len() < BATCH
                && let Some(key) = self.in_flight.next(false, false, |_, _| 0)
            {
                let Some((repo, id)) = self.first_waiter(key) else {
                    self.in_flight.end(key);
                    continue;
                };
                let Some(request) = self.send_request(key, repo, id) else {
                    continue;
                };
                self.in_flight
                    .change(key, now_ms, |entry| entry.stage = Stage::Sent);
                requests.push(request);
            }
            if requests.is_empty() {
                return;
            }
            self.describing += 1;
            effects.push(Effect::Describe(requests));
        }
    }

    /// A job is done.
    pub(super) fn described(&mut self, results: Vec<(SummaryKey, Result<SummaryDigest, Failure>)>) {
        self.describing = self.describing.saturating_sub(1);
        for (key, result) in results {
            let entry = self.in_flight.get(key);
            if entry.is_none_or(|entry| entry.paid || entry.stage != Stage::Sent) {
                continue;
            }
            match result {
                Ok(digest) => self.summary_stored(SummaryRef { key, digest }),
                Err(failure) if failure.remedy == Remedy::Changed => self.content_changed(key),
                Err(failure) => self.give_up(key, &failure),
            }
        }
    }
}
