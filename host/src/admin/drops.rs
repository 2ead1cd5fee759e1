//! `drops`: what no agent got, and why.

use jiff::SignedDuration;
use schemas::admin::AdminAnswer;
use serde::{Deserialize, Serialize};

use super::{
    Desk,
    print::{answer, date, table},
};
use crate::{error::Result, limits, people::Act, store::Drop};

/// `drops`
#[derive(Debug, Clone, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
pub struct Command {
    /// How many days back
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
}

impl Command {
    pub(super) fn act(&self) -> Act {
        Act::LookAround
    }

    pub(super) async fn run(self, desk: &Desk) -> Result<AdminAnswer> {
        let back = SignedDuration::from_hours(24 * i64::from(self.days));
        let since = desk.context.clock.now() - back;
        let drops = desk.context.store.drops(since, limits::admin::LISTED_ROWS).await?;
        Ok(answer(&drops, for_people(&drops)))
    }
}

fn for_people(drops: &[Drop]) -> String {
    let rows: Vec<[String; 5]> = drops
        .iter()
        .map(|drop| {
            [
                drop.place.clone(),
                drop.sender.clone(),
                drop.reason.clone(),
                drop.count.to_string(),
                date(drop.last_seen),
            ]
        })
        .collect();
    table(["ROOM", "SENDER", "REASON", "COUNT", "LAST"], &rows)
}
