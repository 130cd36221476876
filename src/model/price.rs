//! The cost of tokens.

use super::usage::Usage;

/// The prices of a model, as integers so that sums are exact: 10⁻¹² of the currency per token, so that a price such
/// as "0.15 per million tokens" is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prices {
    input: u64,
    cached: u64,
    output: u64,
    /// The price of a request in a batch, in thousandths of a single one.
    batch: u64,
}

/// Costs are counted in billionths of the currency.
const NANOS: f64 = 1e9;

impl Prices {
    /// From prices per million input, cached input and output tokens, and the factor for batches.
    pub fn per_million(input: f64, cached: f64, output: f64, batch: f64) -> Self {
        // A float that is too large saturates, and NaN becomes 0.
        let pico = |price: f64| (price * 1e6).round() as u64;
        Self {
            input: pico(input),
            cached: pico(cached),
            output: pico(output),
            batch: (batch * 1e3).round() as u64,
        }
    }

    /// The cost in billionths of the currency.
    pub fn cost_nanos(&self, used: &Usage, batched: bool) -> u64 {
        let cached = used.cached_tokens.min(used.prompt_tokens);
        let pico = u128::from(used.prompt_tokens - cached) * u128::from(self.input)
            + u128::from(cached) * u128::from(self.cached)
            + u128::from(used.completion_tokens) * u128::from(self.output);
        let factor = if batched { self.batch } else { 1_000 };
        u64::try_from(pico * u128::from(factor) / 1_000_000).unwrap_or(u64::MAX)
    }
}

/// Converts a cost to the prices' currency.
pub fn in_currency(nanos: u64) -> f64 {
    nanos as f64 / NANOS
}

/// The inverse of [`in_currency`].
pub fn in_nanos(currency: f64) -> u64 {
    (currency * NANOS).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_exact_and_batches_and_cached_tokens_cost_less() {
        let prices = Prices::per_million(0.15, 0.075, 0.60, 0.5);
        let used = Usage {
            prompt_tokens: 3_000,
            cached_tokens: 1_000,
            completion_tokens: 100,
            ..Usage::default()
        };
        // 2,000 at 0.15, 1,000 at 0.075, 100 at 0.60, for a million each.
        assert_eq!(prices.cost_nanos(&used, false), 300_000 + 75_000 + 60_000);
        assert_eq!(prices.cost_nanos(&used, true), 217_500);
        assert_eq!(in_nanos(in_currency(217_500)), 217_500);
        let all = Usage {
            prompt_tokens: u64::MAX,
            completion_tokens: u64::MAX,
            ..Usage::default()
        };
        assert_eq!(prices.cost_nanos(&all, false), u64::MAX);
    }
}
