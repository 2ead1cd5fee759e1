//! What a guest says that its attempts used.
//!
//! Owns the reading of it. It is a nicety: what is no number of tokens and no price counts as not
//! known, and refuses no file.

use rusqlite::types::ValueRef;

use super::{read::OutboundCopy, tables};
use crate::{ids::RunId, limits::MAX_ATTEMPTS, refused::Refused, usage::Usage};

impl OutboundCopy {
    /// What all attempts of a run used together; `None` where the guest says nothing. More than
    /// [`MAX_ATTEMPTS`] are not read.
    ///
    /// # Errors
    /// When the copy cannot be read in time, or is damaged.
    pub(super) fn used(&self, run: &RunId) -> Result<Option<Usage>, Refused> {
        let read = || -> rusqlite::Result<Option<Usage>> {
            let mut select = self.ask().prepare(
                "SELECT input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, \
                 reasoning_tokens, cost_usd, cost_known FROM attempts WHERE run_id = ?1 LIMIT ?2",
            )?;
            let mut rows = select.query(rusqlite::params![run.as_str(), MAX_ATTEMPTS])?;
            let mut used: Option<Usage> = None;
            while let Some(row) = rows.next()? {
                let tokens = |n| row.get_ref(n).map(tokens);
                let counts = [tokens(0)?, tokens(1)?, tokens(2)?, tokens(3)?, tokens(4)?];
                let price = match (row.get_ref(5)?, row.get_ref(6)?) {
                    (ValueRef::Real(price), ValueRef::Integer(1)) => Usage::cost(price),
                    _ => None,
                };
                if counts.iter().all(Option::is_none) && price.is_none() {
                    continue;
                }
                let [input, cache_read, cache_write, output, reasoning] =
                    counts.map(Option::unwrap_or_default);
                let one = Usage {
                    input_tokens: input,
                    cache_read_tokens: cache_read,
                    cache_write_tokens: cache_write,
                    output_tokens: output,
                    reasoning_tokens: reasoning,
                    cost_usd: price,
                };
                used = Some(used.map_or(one, |so_far| so_far.plus(one)));
            }
            Ok(used)
        };
        read().map_err(tables::refuse)
    }
}

fn tokens(value: ValueRef<'_>) -> Option<u64> {
    value.as_i64().ok().and_then(Usage::tokens)
}
