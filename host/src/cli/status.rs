//! `lazaret status`: how the host is, at a glance.

use schemas::admin::Status;

use super::Context;
use crate::{admin::print::fields, error::Result, text};

/// Asks and prints.
pub(super) async fn run(context: &Context) -> Result<()> {
    let status: Status = context.connect().await?.get("/v1/status").await?;
    context.out.result(&status, for_people);
    Ok(())
}

fn for_people(status: &Status) -> String {
    let waiting = &status.waiting;
    let states: Vec<String> =
        waiting.states.iter().map(|(state, count)| format!("{count} {state}")).collect();
    let some = |count: u64, then: &str| {
        if count == 0 { String::new() } else { format!("{count}  {then}") }
    };
    fields(&[
        ("lazaret", format!("{}, pid {}", status.version, status.pid)),
        ("home", status.home.clone()),
        ("engine", text::engine_state(status)),
        ("owner", if waiting.owned { "claimed" } else { text::admin::NOT_OWNED }.to_owned()),
        ("agents", status.agents.to_string()),
        ("sessions", sessions(status.sessions, &states)),
        ("approvals", some(waiting.approvals, "wait: lazaret approvals list")),
        ("questions", some(waiting.questions, "wait: lazaret questions list")),
        ("set aside", some(waiting.set_aside, "sessions: lazaret sessions list")),
        ("failed", some(waiting.failed_runs, "runs in the last day: lazaret runs <session>")),
        ("given up", some(waiting.given_up, "messages: lazaret messages list --failed")),
        ("dropped", some(waiting.dropped, "messages lately: lazaret drops")),
        ("large", some(waiting.large, "sessions nearly hold what they may: lazaret sessions list")),
        ("disk", waiting.low_disk.map(text::upkeep::low_disk).unwrap_or_default()),
    ])
}

fn sessions(count: u64, states: &[String]) -> String {
    if states.is_empty() { count.to_string() } else { format!("{count}: {}", states.join(", ")) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use schemas::admin::Waiting;

    use super::*;

    fn status() -> Status {
        Status {
            version: "0.1.0".to_owned(),
            pid: 7,
            home: "/srv/lazaret".to_owned(),
            engine: "docker 28".to_owned(),
            engine_ok: true,
            engine_hint: None,
            agents: 2,
            sessions: 3,
            awake: 1,
            waiting: Waiting {
                states: BTreeMap::from([("asleep".to_owned(), 2), ("awake".to_owned(), 1)]),
                owned: true,
                ..Waiting::default()
            },
        }
    }

    #[test]
    fn a_host_that_is_well_says_little() {
        insta::assert_snapshot!(for_people(&status()), @r"
        lazaret   0.1.0, pid 7
        home      /srv/lazaret
        engine    docker 28
        owner     claimed
        agents    2
        sessions  3: 2 asleep, 1 awake
        ");
    }

    #[test]
    fn what_somebody_must_look_at_is_said_with_how() {
        let waiting = Waiting {
            approvals: 1,
            questions: 2,
            set_aside: 3,
            dropped: 4,
            failed_runs: 5,
            given_up: 6,
            large: 7,
            low_disk: Some(900 << 20),
            owned: false,
            ..Waiting::default()
        };
        let status = Status { waiting, ..status() };
        insta::assert_snapshot!(for_people(&status), @r"
        lazaret    0.1.0, pid 7
        home       /srv/lazaret
        engine     docker 28
        owner      nobody yet: lazaret people claim-code, then say the code in a chat
        agents     2
        sessions   3
        approvals  1  wait: lazaret approvals list
        questions  2  wait: lazaret questions list
        set aside  3  sessions: lazaret sessions list
        failed     5  runs in the last day: lazaret runs <session>
        given up   6  messages: lazaret messages list --failed
        dropped    4  messages lately: lazaret drops
        large      7  sessions nearly hold what they may: lazaret sessions list
        disk       900 MiB are free; messages are refused once the disk is full
        ");
    }

    #[test]
    fn a_host_without_its_engine_says_so_loudly() {
        let status = Status {
            engine: "connection refused".to_owned(),
            engine_ok: false,
            engine_hint: Some("start it".to_owned()),
            ..status()
        };
        insta::assert_snapshot!(for_people(&status), @r"
        lazaret   0.1.0, pid 7
        home      /srv/lazaret
        engine    NOT REACHABLE: connection refused
                  messages are kept until it answers
                  hint: start it
        owner     claimed
        agents    2
        sessions  3: 2 asleep, 1 awake
        ");
    }
}
