//! `lazaret status`: how the host is.

use schemas::admin::Status;

use super::Context;
use crate::{error::Result, text};

/// Asks and prints.
pub(super) async fn run(context: &Context) -> Result<()> {
    let status: Status = context.connect().await?.get("/v1/status").await?;
    context.out.result(&status, for_people);
    Ok(())
}

fn for_people(status: &Status) -> String {
    let engine = text::engine_state(status);
    format!(
        "lazaret   {}, pid {}\nhome      {}\nengine    {engine}\nagents    {}\nsessions  {}, {} with \
         a container",
        status.version, status.pid, status.home, status.agents, status.sessions, status.awake
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_its_engine_says_so_loudly() {
        let status = Status {
            version: "0.1.0".to_owned(),
            pid: 7,
            home: "/srv/lazaret".to_owned(),
            engine: "connection refused".to_owned(),
            engine_ok: false,
            engine_hint: Some("start it".to_owned()),
            agents: 2,
            sessions: 3,
            awake: 1,
        };
        insta::assert_snapshot!(for_people(&status), @r"
        lazaret   0.1.0, pid 7
        home      /srv/lazaret
        engine    NOT REACHABLE: connection refused
                  messages are kept until it answers
                  hint: start it
        agents    2
        sessions  3, 1 with a container
        ");
    }
}
