//! What a turn has used, out of a counter that counts the whole conversation. PURE.
//!
//! The app server tells two numbers after each call of the model: all of the conversation, from its
//! first day on, and that call alone. Where the turn began is the first total without its call.
//! It never tells money.

use schemas::usage::Usage;
use serde_json::Value;

/// Where the counter stood when the turn began.
#[derive(Debug, Default)]
pub(super) struct Spent {
    before: Option<Usage>,
}

impl Spent {
    /// All that the turn has used, by the counter's news.
    pub(super) fn so_far(&mut self, news: &Value) -> Usage {
        let total = counted(news.get("total").unwrap_or(&Value::Null));
        let last = counted(news.get("last").unwrap_or(&Value::Null));
        let before = *self.before.get_or_insert_with(|| minus(total, last));
        minus(total, before)
    }
}

fn counted(counter: &Value) -> Usage {
    let count = |field| counter.get(field).and_then(Value::as_i64).and_then(Usage::tokens);
    let count = |field| count(field).unwrap_or_default();
    let (known, kept) = (count("cachedInputTokens"), count("cacheWriteInputTokens"));
    Usage {
        // What was known, and what was kept, is in the sum.
        input_tokens: count("inputTokens").saturating_sub(known).saturating_sub(kept),
        cache_read_tokens: known,
        cache_write_tokens: kept,
        output_tokens: count("outputTokens"),
        reasoning_tokens: count("reasoningOutputTokens"),
        cost_usd: None,
    }
}

fn minus(one: Usage, other: Usage) -> Usage {
    Usage {
        input_tokens: one.input_tokens.saturating_sub(other.input_tokens),
        cache_read_tokens: one.cache_read_tokens.saturating_sub(other.cache_read_tokens),
        cache_write_tokens: one.cache_write_tokens.saturating_sub(other.cache_write_tokens),
        output_tokens: one.output_tokens.saturating_sub(other.output_tokens),
        reasoning_tokens: one.reasoning_tokens.saturating_sub(other.reasoning_tokens),
        cost_usd: None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn news(total: i64, last: i64) -> Value {
        let counter = |calls: i64| {
            json!({ "inputTokens": 100 * calls, "cachedInputTokens": 30 * calls,
                    "cacheWriteInputTokens": 10 * calls, "outputTokens": 5 * calls,
                    "reasoningOutputTokens": calls })
        };
        json!({ "total": counter(total), "last": counter(last) })
    }

    #[test]
    fn a_turn_counts_its_own_calls_only() {
        let mut spent = Spent::default();
        let call = Usage {
            input_tokens: 60,
            cache_read_tokens: 30,
            cache_write_tokens: 10,
            output_tokens: 5,
            reasoning_tokens: 1,
            cost_usd: None,
        };
        assert_eq!(spent.so_far(&news(8, 1)), call);
        assert_eq!(spent.so_far(&news(9, 1)).output_tokens, 10);
        assert_eq!(spent.so_far(&news(9, 1)).output_tokens, 10);
    }

    #[test]
    fn what_is_no_count_is_not_counted() {
        let odd = json!({ "total": { "inputTokens": -5, "outputTokens": "many" } });
        assert_eq!(Spent::default().so_far(&odd), Usage::default());
        assert_eq!(Spent::default().so_far(&Value::Null), Usage::default());
    }
}
