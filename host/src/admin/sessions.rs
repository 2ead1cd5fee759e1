//! `sessions list|show|archive|reset|restart|export`.

use schemas::{
    admin::{AdminAnswer, SessionInfo},
    ids::{AgentId, SessionId},
};
use serde::{Deserialize, Serialize};

use super::{
    Desk, messages,
    print::{answer, date, fields, table},
};
use crate::{
    error::{ErrorKind, HostError, Result},
    limits,
    people::Act,
    requests::Request,
    sessions::{Told, session_info},
    store::SessionRecord,
    text::admin as words,
};

#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// List sessions
    List {
        /// Only those of an agent: name or id
        agent: Option<String>,
        /// Those that were put away
        #[arg(long)]
        archived: bool,
    },
    /// Show a session
    Show {
        #[command(flatten)]
        which: Which,
        /// What the model is told, and nothing else
        #[arg(long)]
        prompt: bool,
    },
    /// All that is known of a session: what was said, what became of it, its runs
    Export(Which),
    /// Put a session away; the next message begins a fresh one
    Archive(Which),
    /// Give a session that was set aside a fresh start; what was said is kept
    Reset(Which),
    /// End a session's container after its run; what comes then finds a fresh one
    Restart {
        #[command(flatten)]
        which: Which,
        /// Do not wait for the run
        #[arg(long)]
        now: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
pub struct Which {
    /// The session's id, or its unique beginning
    session: String,
}

impl Command {
    pub(super) fn act(&self) -> Act {
        match self {
            Self::List { agent: None, .. } => Act::LookAround,
            Self::List { agent: Some(_), .. } | Self::Show { .. } | Self::Export(_) => Act::Look,
            Self::Archive(_) | Self::Reset(_) | Self::Restart { .. } => Act::ChangeSessions,
        }
    }

    pub(super) fn changes(&self) -> Option<String> {
        match self {
            Self::List { .. } | Self::Show { .. } | Self::Export(_) => None,
            Self::Archive(which) => Some(format!("sessions archive {}", which.session)),
            Self::Reset(which) => Some(format!("sessions reset {}", which.session)),
            Self::Restart { which, .. } => Some(format!("sessions restart {}", which.session)),
        }
    }

    pub(super) async fn pin(&mut self, desk: &Desk) -> Result<Option<AgentId>> {
        match self {
            Self::List { agent: None, .. } => Ok(None),
            Self::List { agent: Some(agent), .. } => Ok(Some(desk.pin_agent(agent).await?)),
            Self::Show { which, .. }
            | Self::Export(which)
            | Self::Archive(which)
            | Self::Reset(which)
            | Self::Restart { which, .. } => Ok(Some(desk.pin_session(&mut which.session).await?)),
        }
    }

    pub(super) async fn run(self, desk: &Desk) -> Result<AdminAnswer> {
        match self {
            Self::List { agent, archived } => list(agent, archived, desk).await,
            Self::Show { which, prompt } => {
                show(desk.session(&which.session).await?, prompt, desk).await
            }
            Self::Export(which) => export(desk.session(&which.session).await?, desk).await,
            Self::Archive(which) => {
                let session = lively(&which.session, desk).await?;
                let id = session.id.clone();
                desk.daemon.ask(|answer| Request::ArchiveSession(id, None, answer)).await?;
                let info = info(desk.session(session.id.as_str()).await?, desk).await?;
                Ok(answer(&info, words::archived(&session.id)))
            }
            Self::Reset(which) => {
                let id = lively(&which.session, desk).await?.id.to_string();
                let info = desk.daemon.ask(|answer| Request::ResetSession(id, answer)).await?;
                let text = words::starts_afresh(&info.id);
                Ok(answer(&info, text))
            }
            Self::Restart { which, now } => {
                let id = lively(&which.session, desk).await?.id;
                let info = restart(id, now, desk).await?;
                Ok(answer(&info, words::restarts(&info)))
            }
        }
    }
}

/// Ends a session's container.
pub(super) async fn restart(id: SessionId, now: bool, desk: &Desk) -> Result<SessionInfo> {
    desk.daemon.ask(|answer| Request::RestartSession(id, now, answer)).await
}

/// The sessions that are not archived, as they are now; those of one agent, when one is given.
pub(super) async fn live(agent: Option<&AgentId>, desk: &Desk) -> Result<Vec<SessionInfo>> {
    let mut sessions = desk.daemon.ask(Request::Sessions).await?;
    if let Some(agent) = agent {
        let own = desk.context.store.session_ids_of(vec![agent.clone()]).await?;
        sessions.retain(|session| own.contains(&session.id));
    }
    Ok(sessions)
}

async fn lively(wanted: &str, desk: &Desk) -> Result<SessionRecord> {
    let session = desk.session(wanted).await?;
    if session.archived {
        return Err(HostError::new(ErrorKind::Conflict, format!("{} is archived", session.id)));
    }
    Ok(session)
}

async fn list(agent: Option<String>, archived: bool, desk: &Desk) -> Result<AdminAnswer> {
    let agent = match agent {
        Some(agent) => Some(desk.agent(&agent).await?.id),
        None => None,
    };
    let mut sessions = Vec::new();
    if archived {
        for record in desk.context.store.every_session().await? {
            if record.archived && agent.as_ref().is_none_or(|agent| *agent == record.agent) {
                sessions.push(info(record, desk).await?);
            }
        }
    } else {
        sessions = live(agent.as_ref(), desk).await?;
    }
    Ok(answer(&sessions, for_people(&sessions)))
}

async fn info(record: SessionRecord, desk: &Desk) -> Result<SessionInfo> {
    Ok(session_info(&desk.context.facts(record).await?, None))
}

async fn export(record: SessionRecord, desk: &Desk) -> Result<AdminAnswer> {
    let id = record.id.to_string();
    let messages = messages::all(&id, limits::admin::LISTED_ROWS, desk).await?;
    let runs = desk.context.store.runs_of(record.id.clone(), limits::LISTED_RUNS).await?;
    let info = info(record, desk).await?;
    let text = words::transcript(&messages);
    Ok(answer(&serde_json::json!({"session": info, "messages": messages, "runs": runs}), text))
}

/// What the model is told, as JSON.
#[derive(Debug, Serialize)]
struct Prompt {
    system_prompt: String,
    model: Option<String>,
    work_dir: Option<String>,
}

async fn show(record: SessionRecord, prompt: bool, desk: &Desk) -> Result<AdminAnswer> {
    let facts = desk.context.facts(record.clone()).await?;
    if prompt {
        let told = facts.told();
        let text = told.system_prompt.clone();
        let Told { system_prompt, model, work_dir } = told;
        return Ok(answer(&Prompt { system_prompt, model, work_dir }, text));
    }
    let live = live(Some(&record.agent), desk).await?;
    let info = live.into_iter().find(|one| one.id == record.id);
    let info = info.unwrap_or_else(|| session_info(&facts, None));
    let book: Vec<&str> = facts.destinations.iter().map(|entry| entry.name.as_str()).collect();
    let text = fields(&[
        ("id", info.id.to_string()),
        ("agent", info.agent.clone()),
        ("room", info.room.clone().unwrap_or_default()),
        ("thread", info.thread.clone().unwrap_or_default()),
        ("mode", record.mode.as_str().to_owned()),
        ("state", info.state.clone()),
        ("notice", info.notice.clone().unwrap_or_default()),
        ("destinations", book.join(", ")),
        ("last active", info.last_active.map(date).unwrap_or_default()),
        ("folder", facts.dir(&desk.context).root().display().to_string()),
    ]);
    Ok(answer(&info, text))
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
                session.last_active.map(date).unwrap_or_default(),
            ]
        })
        .collect();
    table(["ID", "AGENT", "ROOM", "THREAD", "STATE", "LAST ACTIVE"], &rows)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

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
