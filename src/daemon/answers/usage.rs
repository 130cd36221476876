//! The model's usage, in the protocol's units.

use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use crate::engine::status::PacingStatus;
use crate::model::price;
use crate::model::time::DAY_MS;
use crate::model::usage::Usage;
use crate::wire::usage::{BudgetStatus, DayUsage, RepositoryUsage, Used};

use crate::daemon::context::Context;

/// Days in a status; the store keeps more.
const DAYS_SHOWN: usize = 31;

/// The use on the latest days.
pub fn by_day(context: &Context) -> Vec<DayUsage> {
    let priced = is_priced(context);
    let days = context.store.usage_by_day(DAYS_SHOWN).into_iter();
    days.map(|(day, roots)| {
        let all = roots.iter().map(|(_, usage)| *usage);
        DayUsage {
            day: date(day.saturating_mul(DAY_MS)),
            used: used(all.fold(Usage::default(), Usage::plus), priced),
            repositories: roots
                .iter()
                .map(|(root, usage)| RepositoryUsage {
                    path: (root != Path::new("")).then(|| root.to_string_lossy().into_owned()),
                    used: used(*usage, priced),
                })
                .collect(),
        }
    })
    .collect()
}

/// The budget of a day, if one is set.
pub fn budget(pacing: &PacingStatus) -> Option<BudgetStatus> {
    let (budget, today) = (pacing.budget, pacing.today);
    let bounded = budget.requests > 0 || budget.tokens > 0 || budget.cost_nanos > 0;
    bounded.then(|| BudgetStatus {
        max_requests: budget.requests,
        max_tokens: budget.tokens,
        max_cost: price::in_currency(budget.cost_nanos),
        requests: today.requests,
        tokens: today.tokens,
        cost: price::in_currency(today.cost_nanos),
        spent: pacing.spent.is_some(),
        until: time(pacing.next_day_ms),
    })
}

/// The use, in the units of the protocol.
pub fn used(usage: Usage, priced: bool) -> Used {
    Used {
        requests: usage.requests,
        retried: usage.retries,
        prompt_tokens: usage.prompt_tokens,
        cached_tokens: usage.cached_tokens,
        completion_tokens: usage.completion_tokens,
        unchanged: usage.unchanged,
        spared: usage.spared,
        cost: cost(usage.cost_nanos, priced),
    }
}

/// Money, if there are prices now or were when it was spent.
pub fn cost(nanos: u64, priced: bool) -> Option<f64> {
    (priced || nanos > 0).then(|| price::in_currency(nanos))
}

/// Whether prices are configured.
pub fn is_priced(context: &Context) -> bool {
    context.config.openai.prices().is_some()
}

/// The last time that RFC 3339 can express: a wrong clock may be beyond it.
const LAST_MS: u64 = 253_402_300_799_999;

fn time(unix_ms: u64) -> String {
    let at = UNIX_EPOCH + Duration::from_millis(unix_ms.min(LAST_MS));
    humantime::format_rfc3339_seconds(at).to_string()
}

fn date(unix_ms: u64) -> String {
    let mut time = time(unix_ms);
    time.truncate("2026-01-31".len());
    time
}
