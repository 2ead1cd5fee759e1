//! What a run used: tokens, and money where somebody knows.
//!
//! Owns the bounds. A guest may claim anything; what no run can use counts as not known.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits::{MAX_COST_USD, MAX_TOKENS};

/// What one attempt, or everything of a run, used.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Usage {
    /// Tokens that were read for the first time.
    pub input_tokens: u64,
    /// Tokens that were read and known already.
    pub cache_read_tokens: u64,
    /// Tokens that were read, and kept to be known.
    pub cache_write_tokens: u64,
    /// Tokens that were written.
    pub output_tokens: u64,
    /// Those of them that nobody was shown.
    pub reasoning_tokens: u64,
    /// What it cost; `None` where nobody knows, which is not 0.
    pub cost_usd: Option<f64>,
}

impl Usage {
    /// Both together. What one of them cost and nobody knows, nobody knows of both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            cache_read_tokens: self.cache_read_tokens.saturating_add(other.cache_read_tokens),
            cache_write_tokens: self.cache_write_tokens.saturating_add(other.cache_write_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            reasoning_tokens: self.reasoning_tokens.saturating_add(other.reasoning_tokens),
            cost_usd: self.cost_usd.zip(other.cost_usd).map(|(one, two)| one + two),
        }
    }

    /// All tokens that were read, known or not.
    #[must_use]
    pub fn read(&self) -> u64 {
        let known = self.cache_read_tokens.saturating_add(self.cache_write_tokens);
        self.input_tokens.saturating_add(known)
    }

    /// A count of tokens as somebody claims it; `None` when it is none.
    #[must_use]
    pub fn tokens(claimed: i64) -> Option<u64> {
        u64::try_from(claimed).ok().filter(|tokens| *tokens <= MAX_TOKENS)
    }

    /// A price as somebody claims it; `None` when it is none.
    #[must_use]
    pub fn cost(claimed: f64) -> Option<f64> {
        (0.0..=MAX_COST_USD).contains(&claimed).then_some(claimed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_run_can_use_is_not_known() {
        assert_eq!([0, 7, -1, i64::MAX].map(Usage::tokens), [Some(0), Some(7), None, None]);
        let costs = [0.0, 0.5, -0.5, 1e300, f64::NAN, f64::INFINITY].map(Usage::cost);
        assert_eq!(costs, [Some(0.0), Some(0.5), None, None, None, None]);
    }

    #[test]
    fn what_nobody_knows_of_one_nobody_knows_of_both() {
        let of = |input_tokens, cost_usd| Usage { input_tokens, cost_usd, ..Usage::default() };
        assert_eq!(of(1, Some(0.5)).plus(of(2, Some(0.25))), of(3, Some(0.75)));
        assert_eq!(of(1, Some(0.5)).plus(of(u64::MAX, None)), of(u64::MAX, None));
    }
}
