//! The concurrency that an endpoint makes use of: a server with few slots answers more requests at once only later.
//!
//! Where latency grows with the limit, requests queue in the server. Then half the limit is tried, and kept while throughput
//! stays the same; in turn the double is tried, and kept while throughput rises. A first burst whose responses come one
//! after the other lowers the limit at once.

/// A server that answers faster than this with all slots in use may queue, in milliseconds.
const SLOW_MS: u64 = 1_000;
/// The fewest responses that throughput is measured by.
const WINDOW: u64 = 8;
/// Requests queue if their latency is this share of the least one times the limit.
const QUEUED: f64 = 0.5;
/// The responses of the first burst that show whether they come one after the other, and the limit if they do.
const BURST: u32 = 4;
const BURST_LIMIT: usize = 2;
/// The share of the throughput from which on a lower limit is as good.
const AS_GOOD: f64 = 0.8;
/// The share of the added slots by which throughput has to rise.
const BETTER: f64 = 0.4;
/// Measured windows between two trials, after the first and at most.
const PAUSE: (u32, u32) = (4, 256);

/// A response.
#[derive(Clone, Copy, Debug)]
pub struct Response {
    /// The concurrency limit.
    pub limit: usize,
    /// The other requests in flight.
    pub others: usize,
    /// Its latency in milliseconds.
    pub took_ms: u64,
    /// When it came (monotonic milliseconds).
    pub now_ms: u64,
}

/// Responses to requests that were sent and answered while all slots were in use.
#[derive(Debug)]
struct Window {
    limit: usize,
    since_ms: u64,
    responses: u64,
    took_ms: u64,
}

/// Another limit is tried: the limit before, and its responses a millisecond.
#[derive(Debug)]
struct Trial {
    from: usize,
    rate: f64,
}

/// What the responses showed.
#[derive(Debug)]
pub struct Throughput {
    least_ms: u64,
    /// When the first response came, and the responses since.
    first_ms: Option<u64>,
    responses: u32,
    window: Option<Window>,
    trial: Option<Trial>,
    /// Whether a lower limit was found as good.
    lowered: bool,
    /// Whether the last trial was a lower limit.
    tried_lower: bool,
    /// Windows until the next trial, and after the next one that changes nothing.
    pause: u32,
    next_pause: u32,
}

impl Default for Throughput {
    fn default() -> Self {
        Self {
            least_ms: u64::MAX,
            first_ms: None,
            responses: 0,
            window: None,
            trial: None,
            lowered: false,
            tried_lower: false,
            pause: 0,
            next_pause: PAUSE.0,
        }
    }
}

impl Throughput {
    /// A response came. Returns the new concurrency limit, if it is to change.
    pub fn responded(&mut self, response: Response) -> Option<usize> {
        let Response { limit, now_ms, .. } = response;
        self.least_ms = self.least_ms.min(response.took_ms);
        let sent_ms = now_ms.saturating_sub(response.took_ms);
        let first_ms = *self.first_ms.get_or_insert(now_ms);
        self.responses = self.responses.saturating_add(1);
        let in_burst = self.responses == BURST && sent_ms < first_ms;
        if in_burst && limit > BURST_LIMIT && self.queues(BURST as usize, response.took_ms) {
            self.lowered = true;
            self.tried_lower = true;
            return Some(BURST_LIMIT);
        }
        // Unused slots, and requests from before a lower limit, measure something else.
        if response.others + 1 != limit {
            self.window = None;
            return None;
        }
        let Some(window) = self.window.as_mut().filter(|window| window.limit == limit) else {
            self.window = Some(Window {
                limit,
                since_ms: now_ms,
                responses: 0,
                took_ms: 0,
            });
            return None;
        };
        if sent_ms < window.since_ms {
            return None;
        }
        window.responses += 1;
        window.took_ms += response.took_ms;
        if window.responses < WINDOW.max(limit as u64) {
            return None;
        }
        let mean_ms = window.took_ms / window.responses;
        (window.responses, window.took_ms) = (0, 0);
        // Little's law.
        let rate = limit as f64 / mean_ms.max(1) as f64;
        match self.trial.take() {
            Some(trial) => self.judge(&trial, limit, rate),
            None => self.next_trial(limit, rate, mean_ms),
        }
    }

    /// Whether such a latency means that so many requests were processed one after the other.
    fn queues(&self, requests: usize, took_ms: u64) -> bool {
        took_ms >= SLOW_MS && took_ms as f64 >= self.least_ms as f64 * requests as f64 * QUEUED
    }

    fn judge(&mut self, trial: &Trial, limit: usize, rate: f64) -> Option<usize> {
        let lower = limit < trial.from;
        let least = match lower {
            true => AS_GOOD,
            false => 1.0 + BETTER * (limit as f64 / trial.from as f64 - 1.0),
        };
        if rate >= trial.rate * least {
            self.lowered |= lower;
            // It goes on in the same direction.
            self.tried_lower = !lower;
            self.next_pause = PAUSE.0;
            return None;
        }
        self.pause = self.next_pause;
        self.next_pause = (self.next_pause * 2).min(PAUSE.1);
        Some(trial.from)
    }

    fn next_trial(&mut self, limit: usize, rate: f64, mean_ms: u64) -> Option<usize> {
        if self.pause > 0 {
            self.pause -= 1;
            return None;
        }
        // What lowered the limit may have been chance: the double is tried in turn.
        let lower = limit > 1 && self.queues(limit, mean_ms) && !(self.lowered && self.tried_lower);
        if !lower && !self.lowered {
            return None;
        }
        self.tried_lower = lower;
        self.trial = Some(Trial { from: limit, rate });
        Some(if lower { limit / 2 } else { limit * 2 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requests to a server with so many slots, each in one after the other: the limits in use, and the seconds it took.
    fn run(slots: usize, requests: usize, service_ms: impl Fn(usize) -> u64) -> (Vec<usize>, u64) {
        let mut throughput = Throughput::default();
        let (mut limit, mut now_ms) = (10, 0);
        let mut free_ms = vec![0; slots];
        // When it ends, and when it was sent.
        let mut in_flight: Vec<(u64, u64)> = Vec::new();
        let (mut sent, mut limits) = (0, Vec::new());
        while limits.len() < requests {
            while in_flight.len() < limit && sent < requests {
                let took_ms = service_ms(sent);
                let slot = free_ms.iter_mut().min().expect("a slot");
                *slot = (*slot).max(now_ms) + took_ms;
                in_flight.push((*slot, now_ms));
                sent += 1;
            }
            in_flight.sort_unstable();
            let (ends_ms, sent_ms) = in_flight.remove(0);
            now_ms = ends_ms;
            let response = Response {
                limit,
                others: in_flight.len(),
                took_ms: now_ms - sent_ms,
                now_ms,
            };
            limit = throughput.responded(response).unwrap_or(limit).min(10);
            limits.push(limit);
        }
        (limits, now_ms / 1_000)
    }

    /// Between 1.5 and 4.5 seconds, in an order without pattern.
    fn varied(number: usize) -> u64 {
        1_500 + (number as u64 * 7_919) % 3_000
    }

    #[test]
    fn a_server_with_few_slots_gets_no_more_than_raise_throughput() {
        for (slots, wanted) in [(1, 1..=1), (2, 2..=3), (4, 4..=5)] {
            let (limits, seconds) = run(slots, 200, varied);
            let usual = limits[100..]
                .iter()
                .filter(|&limit| wanted.contains(limit))
                .count();
            assert!(usual >= 60, "{slots} slots: {limits:?}");
            let least: u64 = (0..200).map(varied).sum::<u64>() / slots as u64 / 1_000;
            assert!(seconds <= least * 23 / 20, "{seconds} of {least} s");
        }
    }

    #[test]
    fn a_server_with_enough_slots_keeps_all() {
        let (limits, _) = run(100, 400, varied);
        assert!(limits.iter().all(|&limit| limit == 10), "{limits:?}");
        // Small requests are far faster than others.
        let mixed = |number: usize| {
            if number.is_multiple_of(10) {
                100
            } else {
                varied(number)
            }
        };
        let (limits, _) = run(100, 400, mixed);
        let lower = limits.iter().filter(|&&limit| limit < 10).count();
        assert!(lower < 100, "{lower} of 400");
    }
}
