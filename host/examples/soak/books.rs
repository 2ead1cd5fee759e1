//! What the host itself says of what became of each message, after all of it was heard.

use std::time::Duration;

use host::admin::{Parsed, parse};
use schemas::{
    admin::AdminAnswer,
    message::{DeliveryStatus, InboundStatus},
};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::house::House;

/// The ledger may be behind the listener by one commit, or by the pauses of a post that failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many rows are not what they should be in the end: each message completed, each answer
/// delivered.
pub(crate) async fn unsettled(house: &House, sessions: &[String]) -> usize {
    let begun = Instant::now();
    loop {
        let mut open = Vec::new();
        for session in sessions {
            open.extend(open_rows(house, session).await);
        }
        if open.is_empty() || begun.elapsed() > PATIENCE {
            for row in &open {
                eprintln!("not settled: {row}");
            }
            return open.len();
        }
        sleep(Duration::from_secs(1)).await;
    }
}

async fn open_rows(house: &House, session: &str) -> Vec<Value> {
    let words = ["messages", "list", session, "--limit", "1000"].map(str::to_owned);
    let Ok(Parsed::Command(command)) = parse(&words) else { panic!("{words:?}") };
    let mut client = house.client().await.unwrap();
    let answer: AdminAnswer = client.post("/v1/admin", &command).await.unwrap();
    let Value::Array(rows) = answer.data else { panic!("{:?}", answer.data) };
    rows.into_iter().filter(is_open).collect()
}

fn is_open(row: &Value) -> bool {
    let came_in = row.get("came_in").and_then(Value::as_bool).unwrap();
    let good = if came_in {
        InboundStatus::Completed.as_str()
    } else {
        DeliveryStatus::Delivered.as_str()
    };
    row.get("status").and_then(Value::as_str) != Some(good)
}
