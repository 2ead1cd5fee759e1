//! `lazaret sessions list|reset`.

use schemas::admin::SessionInfo;

use super::Context;
use crate::{admin::print::table, client::segment, error::Result};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List sessions
    List,
    /// Give a session that was set aside a fresh start; what was said is kept
    Reset {
        /// The session's id, or its unique beginning
        session: String,
    },
}

/// Does the command.
pub(super) async fn run(command: Command, context: &Context) -> Result<()> {
    let mut client = context.connect().await?;
    match command {
        Command::List => {
            let sessions: Vec<SessionInfo> = client.get("/v1/sessions").await?;
            context.out.result(&sessions, |sessions| for_people(sessions));
        }
        Command::Reset { session } => {
            let route = format!("/v1/sessions/{}/reset", segment(&session));
            let session: SessionInfo = client.post(&route, &()).await?;
            context.out.result(&session, |session| format!("{} starts afresh", session.id));
        }
    }
    Ok(())
}

fn for_people(sessions: &[SessionInfo]) -> String {
    let rows: Vec<[String; 6]> = sessions
        .iter()
        .map(|session| {
            [
                session.id.to_string(),
                session.agent.clone(),
                session.room.clone().unwrap_or_default(),
                session.thread.clone().unwrap_or_default(),
                match &session.notice {
                    Some(notice) => format!("{}: {notice}", session.state),
                    None => session.state.clone(),
                },
                session.last_active.map(|at| format!("{at:.0}")).unwrap_or_default(),
            ]
        })
        .collect();
    table(["ID", "AGENT", "ROOM", "THREAD", "STATE", "LAST ACTIVE"], &rows)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use schemas::ids::SessionId;

    use super::*;

    #[test]
    fn a_session_that_was_set_aside_says_why() {
        let id = "sess-01h00000000000000000000000";
        let session = SessionInfo {
            id: SessionId::parse(id).unwrap(),
            agent: "andy".to_owned(),
            room: Some("terminal/andy".to_owned()),
            thread: None,
            state: "failed".to_owned(),
            notice: Some("outbound.db is a symlink".to_owned()),
            last_active: Some(Timestamp::UNIX_EPOCH),
        };
        insta::assert_snapshot!(for_people(&[session]), @r"
        ID                               AGENT  ROOM           THREAD  STATE                             LAST ACTIVE
        sess-01h00000000000000000000000  andy   terminal/andy          failed: outbound.db is a symlink  1970-01-01T00:00:00Z
        ");
    }
}
