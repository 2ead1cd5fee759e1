//! `audit`: who changed what, who was refused.

use schemas::admin::AdminAnswer;
use serde::{Deserialize, Serialize};

use super::{
    Desk,
    print::{answer, date, table},
};
use crate::{error::Result, limits, people::Act, store::AuditRow};

/// `audit`
#[derive(Debug, Clone, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
pub struct Command {
    /// Only rows whose words hold this, such as an id
    about: Option<String>,
    /// How many rows
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=i64::from(limits::admin::LISTED_ROWS)))]
    limit: u32,
}

impl Command {
    pub(super) fn act(&self) -> Act {
        Act::LookAround
    }

    pub(super) async fn run(self, desk: &Desk) -> Result<AdminAnswer> {
        let rows = desk.context.store.audited(self.about, self.limit).await?;
        Ok(answer(&rows, for_people(&rows)))
    }
}

fn for_people(audit: &[AuditRow]) -> String {
    let rows: Vec<[String; 5]> = audit
        .iter()
        .map(|row| {
            [
                date(row.at),
                row.who.clone(),
                row.what.clone(),
                row.on_what.clone(),
                row.detail.clone().unwrap_or_default(),
            ]
        })
        .collect();
    table(["AT", "WHO", "WHAT", "ON", "MORE"], &rows)
}
