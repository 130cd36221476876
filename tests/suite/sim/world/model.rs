//! The model of the made world: slow, refusing, failing, in any weather.

use epitome::engine::effect::{Subject, SummaryRequest};
use epitome::model::digest::Digest;
use epitome::model::failure::{Failure, Remedy};
use epitome::model::summary::Summary;

use super::{Sabotage, World};

/// What the model is like.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// One in three requests fails, with waves of refusals for minutes; no failure is permanent.
    pub night: bool,
    /// One step in so many is followed by a look at what is called fresh.
    pub glance_one_in: u32,
    /// Steps before the engine is thought to be at rest never.
    pub most_steps: u64,
}

impl Default for Weather {
    fn default() -> Self {
        Self {
            night: false,
            glance_one_in: 4,
            most_steps: 200_000,
        }
    }
}

/// How long a wave of refusals lasts, and a time without, in milliseconds.
const WAVE_MS: u64 = 4 * 60_000;

impl World {
    /// The model: slow, refusing, failing, and seldom of the same words twice.
    pub(super) fn answer(&mut self, ask: &SummaryRequest) -> Result<Summary, Failure> {
        if self.has_changed(ask) {
            return Err(Failure::new(Remedy::Changed, "changed meanwhile"));
        }
        if matches!(ask.subject, Subject::File { .. })
            && self.refusing
            && let Some(failure) = Self::refusal_for_ever(ask.key.0)
        {
            self.tally.failures += 1;
            return Err(failure);
        }
        if self.weather.night {
            if let Some(failure) = self.failure_at_night() {
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
            return Err(Failure::new(remedy, "as the seed wants it"));
        }
        let text = match &ask.subject {
            Subject::File { digest, .. } => self.text_about(ask, *digest),
            Subject::Directory { .. } => format!("Directory, written {}.", self.random.u8(0..3)),
        };
        Ok(Summary::new(text, "made"))
    }

    /// How a text is refused that never passes: one in five, in each form that a refusal has.
    pub(super) fn refusal_for_ever(digest: Digest) -> Option<Failure> {
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

    /// A summary that costs nothing: the same key always gets the same text.
    pub(super) fn describe(&self, request: &SummaryRequest) -> Result<Summary, Failure> {
        if self.has_changed(request) {
            return Err(Failure::new(Remedy::Changed, "changed meanwhile"));
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
            && self.sabotage != Sabotage::TornAnswerCounts
    }

    /// The text says what it is about, so that the judge can tell whether it belongs to a node.
    fn text_about(&self, request: &SummaryRequest, digest: Digest) -> String {
        let now = self.disk.read(&request.path.to_text(), 0);
        let syntax = now.map(|contents| contents.syntax);
        format!("File {}.", syntax.unwrap_or(digest))
    }

    /// What the model says at night instead of words.
    fn failure_at_night(&mut self) -> Option<Failure> {
        let random = &mut self.random;
        if self.calm && random.u8(0..50) > 0 {
            return None;
        }
        let wave = !self.calm && (self.now_ms / WAVE_MS) % 3 == 1;
        if wave && random.u8(0..10) > 0 {
            let mut full = Failure::new(Remedy::Throttled, "a wave");
            full.retry_after_ms = random.bool().then(|| random.u64(0..20_000));
            return Some(full);
        }
        if random.u8(0..3) > 0 {
            return None;
        }
        let remedy = match random.u8(0..24) {
            // A bad key, which a person fixes.
            0 if !self.calm && random.u8(0..20) == 0 => Remedy::Fatal,
            0..=2 => Remedy::Throttled,
            3..=5 => Remedy::Unreachable,
            6..=7 => Remedy::TimedOut,
            8 => Remedy::RetryLater,
            _ => Remedy::Retry,
        };
        Some(Failure::new(remedy, format!("a night's {remedy:?}")))
    }
}
