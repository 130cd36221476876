//! The simulated model: slow, refusing, failing.

use epitome::engine::effect::{Subject, SummaryRequest};
use epitome::model::digest::Digest;
use epitome::model::failure::{Failure, Remedy};
use epitome::model::summary::Summary;

use super::{Sabotage, World};

/// How the model behaves, and how often the checks run.
#[derive(Clone, Copy, Debug)]
pub struct Conditions {
    /// One in three requests fails, with refusals of everything for minutes; no failure is permanent.
    pub outage: bool,
    /// One step in this many is followed by a check of all fresh nodes.
    pub check_one_in: u32,
    /// The largest number of steps before the run fails because the engine does not settle.
    pub max_steps: u64,
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            outage: false,
            check_one_in: 4,
            max_steps: 200_000,
        }
    }
}

/// Refusals of everything, and the time without them, alternate in periods of this length, in milliseconds.
const PERIOD_MS: u64 = 4 * 60_000;

impl World {
    /// The model's response, which differs from one request to the next.
    pub(super) fn respond(&mut self, request: &SummaryRequest) -> Result<Summary, Failure> {
        if self.has_changed(request) {
            return Err(Failure::new(Remedy::Changed, "changed in the meantime"));
        }
        if matches!(request.subject, Subject::File { .. })
            && self.refusing
            && let Some(failure) = Self::permanent_refusal(request.key.0)
        {
            self.tally.failures += 1;
            return Err(failure);
        }
        if self.conditions.outage {
            if let Some(failure) = self.outage_failure() {
                self.tally.failures += 1;
                return Err(failure);
            }
        } else if self.random.u8(0..if self.calm { 50 } else { 4 }) == 0 {
            self.tally.failures += 1;
            let remedy = match self.random.u8(0..12) {
                0 if self.refusing => Remedy::Retry,
                0 if !self.calm && self.random.u8(0..8) == 0 => Remedy::Fatal,
                0 if !self.calm => Remedy::Permanent,
                1..=4 => Remedy::Throttled,
                5..=7 => Remedy::Unreachable,
                _ => Remedy::Retry,
            };
            return Err(Failure::new(remedy, "planned by the seed"));
        }
        let text = match &request.subject {
            Subject::File { digest, .. } => self.text_about(request, *digest),
            Subject::Directory { .. } => format!("Directory, written {}.", self.random.u8(0..3)),
        };
        Ok(Summary::new(text, "made"))
    }

    /// One content in five is always refused, in each form that a refusal can have.
    pub(super) fn permanent_refusal(digest: Digest) -> Option<Failure> {
        const FORMS: [Remedy; 9] = [
            Remedy::Throttled,
            Remedy::Throttled,
            Remedy::Unreachable,
            Remedy::Retry,
            Remedy::TimedOut,
            Remedy::RetryLater,
            Remedy::Permanent,
            Remedy::Rejected,
            Remedy::Useless,
        ];
        let [one, other, ..] = digest.0;
        if one % 5 > 0 {
            return None;
        }
        let form = usize::from(other) % FORMS.len();
        let mut failure = Failure::new(FORMS[form], format!("never: {form}"));
        failure.retry_after_ms = (form == 1).then_some(700);
        Some(failure)
    }

    /// A free summary: the same key always gets the same text.
    pub(super) fn describe(&self, request: &SummaryRequest) -> Result<Summary, Failure> {
        if self.has_changed(request) {
            return Err(Failure::new(Remedy::Changed, "changed in the meantime"));
        }
        let text = match &request.subject {
            Subject::File { digest, .. } => self.text_about(request, *digest),
            Subject::Directory { .. } => format!("Directory {}.", request.key.0),
        };
        Ok(Summary::new(text, "made"))
    }

    fn has_changed(&self, request: &SummaryRequest) -> bool {
        let Subject::File { digest, .. } = &request.subject else {
            return false;
        };
        let now = self.disk.read(&request.path.to_text(), 0);
        now.map(|contents| contents.digest) != Some(*digest)
            && self.sabotage != Sabotage::OutdatedResponseCounts
    }

    /// The text names its content, so that the checks can tell whether it belongs to a node.
    fn text_about(&self, request: &SummaryRequest, digest: Digest) -> String {
        let now = self.disk.read(&request.path.to_text(), 0);
        let syntax = now.map(|contents| contents.syntax);
        format!("File {}.", syntax.unwrap_or(digest))
    }

    /// A failure during an outage, or none.
    fn outage_failure(&mut self) -> Option<Failure> {
        let random = &mut self.random;
        if self.calm && random.u8(0..50) > 0 {
            return None;
        }
        let refusing_all = !self.calm && (self.now_ms / PERIOD_MS) % 3 == 1;
        if refusing_all && random.u8(0..10) > 0 {
            let mut full = Failure::new(Remedy::Throttled, "a refusing_all");
            full.retry_after_ms = random.bool().then(|| random.u64(0..20_000));
            return Some(full);
        }
        if random.u8(0..3) > 0 {
            return None;
        }
        let remedy = match random.u8(0..24) {
            // A bad key, until a person replaces it.
            0 if !self.calm && random.u8(0..20) == 0 => Remedy::Fatal,
            0..=2 => Remedy::Throttled,
            3..=5 => Remedy::Unreachable,
            6..=7 => Remedy::TimedOut,
            8 => Remedy::RetryLater,
            _ => Remedy::Retry,
        };
        Some(Failure::new(remedy, format!("{remedy:?} of the outage")))
    }
}
