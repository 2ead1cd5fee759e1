//! `runs`: what came of what was asked.

use schemas::{
    admin::{AdminAnswer, RunInfo},
    ids::AgentId,
    usage::Usage,
};
use serde::{Deserialize, Serialize};

use super::{
    Desk,
    print::{answer, date, dollars, table},
};
use crate::{error::Result, limits, people::Act};

/// `runs`
#[derive(Debug, Clone, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
pub struct Command {
    /// The session's id, or its unique beginning
    session: String,
    /// How many, the newest first
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=i64::from(limits::LISTED_RUNS)))]
    limit: u32,
}

impl Command {
    pub(super) fn act(&self) -> Act {
        Act::Look
    }

    pub(super) async fn pin(&mut self, desk: &Desk) -> Result<Option<AgentId>> {
        Ok(Some(desk.pin_session(&mut self.session).await?))
    }

    pub(super) async fn run(self, desk: &Desk) -> Result<AdminAnswer> {
        let session = desk.session(&self.session).await?.id;
        let runs = desk.context.store.runs_of(session, self.limit).await?;
        Ok(answer(&runs, for_people(&runs)))
    }
}

fn for_people(runs: &[RunInfo]) -> String {
    let rows: Vec<[String; 7]> = runs
        .iter()
        .map(|run| {
            let outcome = run.outcome.map_or("open", |outcome| outcome.as_str());
            [
                run.run_id.to_string(),
                match &run.reason {
                    Some(reason) => format!("{outcome}: {reason}"),
                    None => outcome.to_owned(),
                },
                run.message_ids.len().to_string(),
                date(run.started_at),
                run.ended_at.map(|ended| took(run.started_at, ended)).unwrap_or_default(),
                run.used.map(tokens).unwrap_or_default(),
                run.used.and_then(|used| used.cost_usd).map(dollars).unwrap_or_default(),
            ]
        })
        .collect();
    table(["RUN", "OUTCOME", "MESSAGES", "STARTED", "TOOK", "TOKENS", "COST"], &rows)
}

/// Those that were read, and those that were written.
fn tokens(used: Usage) -> String {
    format!("{} → {}", used.read(), used.output_tokens)
}

fn took(started: jiff::Timestamp, ended: jiff::Timestamp) -> String {
    let millis = ended.as_millisecond().saturating_sub(started.as_millisecond());
    if millis < 10_000 { format!("{millis} ms") } else { format!("{} s", millis / 1000) }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use schemas::{
        ids::{MessageId, RunId, SessionId},
        message::Outcome,
    };

    use super::*;

    #[test]
    fn runs_are_listed_with_their_outcome() {
        let used = Usage {
            input_tokens: 900,
            output_tokens: 45,
            cost_usd: Some(0.0123),
            ..Usage::default()
        };
        let run = |outcome, reason: Option<&str>, ended: Option<i64>| RunInfo {
            run_id: RunId::parse("01h00000000000000000000000").unwrap(),
            session_id: SessionId::mint(Timestamp::UNIX_EPOCH),
            message_ids: vec![MessageId::parse("m").unwrap()],
            outcome,
            reason: reason.map(str::to_owned),
            used: ended.map(|_| used),
            started_at: Timestamp::UNIX_EPOCH,
            ended_at: ended.map(|millis| Timestamp::from_millisecond(millis).unwrap()),
        };
        let runs = [
            run(None, None, None),
            run(Some(Outcome::Completed), None, Some(412)),
            run(Some(Outcome::Failed), Some("no key"), Some(61_000)),
        ];
        insta::assert_snapshot!(for_people(&runs), @r"
        RUN                         OUTCOME         MESSAGES  STARTED               TOOK    TOKENS    COST
        01h00000000000000000000000  open            1         1970-01-01T00:00:00Z
        01h00000000000000000000000  completed       1         1970-01-01T00:00:00Z  412 ms  900 → 45  $0.0123
        01h00000000000000000000000  failed: no key  1         1970-01-01T00:00:00Z  61 s    900 → 45  $0.0123
        ");
    }
}
