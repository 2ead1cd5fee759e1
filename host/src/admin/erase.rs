//! `people erase`: what a person said and is goes, wherever the host may change it.
//!
//! Owns the order: every session first, each by its own task, and the person last, so that what was
//! not finished can be asked for again by the same name. Says what it may not touch.

use schemas::{
    admin::AdminAnswer,
    host_side::Traces,
    ids::{MessageId, SessionId},
    people::PersonInfo,
};
use serde::Serialize;

use super::{Desk, print::answer};
use crate::{error::Result, sessions::Erase, store::Forgotten, text::erase as words, upkeep::Ask};

/// What was erased, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Erased {
    /// Whether nothing was done yet.
    pub dry_run: bool,
    /// Messages in sessions.
    pub messages: usize,
    /// Messages that had files.
    pub with_files: usize,
    /// Where they were; the agents' own files there are not touched.
    pub sessions: Vec<SessionId>,
    /// Sessions that could not be looked through, and why; the person is kept then.
    pub failed: Vec<(SessionId, String)>,
    /// What the central database held.
    pub central: Option<Forgotten>,
}

pub(super) async fn run(
    desk: &Desk,
    person: &str,
    dry_run: bool,
    by: String,
) -> Result<AdminAnswer> {
    let person = desk.person(person).await?;
    let (store, now) = (&desk.context.store, desk.context.clock.now());
    // The only owner is refused before anything is gone.
    let mut central = store.erase_person(person.clone(), Vec::new(), true).await?;
    let mut erased = Erased { dry_run, ..Erased::default() };
    let rows = in_sessions(desk, &person, &mut erased).await?;
    if !dry_run && erased.failed.is_empty() {
        central = store.erase_person(person.clone(), rows, false).await?;
    }
    if dry_run || erased.failed.is_empty() {
        erased.central = Some(central);
    }
    if !dry_run {
        desk.project(Vec::new()).await?;
        // By id alone, also where people erase themselves: the name must not come back by this.
        let by = if by.contains(person.id.as_str()) { person.id.to_string() } else { by };
        store.audit(by, "did", format!("people erase {}", person.id), now).await?;
    }
    let text = words::erased(&person.name, &erased);
    Ok(answer(&erased, text))
}

/// One session after the other, archived ones too; answers the rows that they said.
async fn in_sessions(
    desk: &Desk,
    person: &PersonInfo,
    erased: &mut Erased,
) -> Result<Vec<MessageId>> {
    let mut rows = Vec::new();
    if person.ids.is_empty() {
        return Ok(rows);
    }
    for session in desk.context.store.every_session().await? {
        let what = Erase { senders: person.ids.clone(), dry_run: erased.dry_run };
        let ask = |answer| Ask::Erase(session.id.clone(), what, answer).into();
        match desk.daemon.ask_surely(ask).await {
            Ok(Traces { rows: said, .. }) if said.is_empty() => {}
            Ok(found) => {
                erased.messages += found.rows.len();
                erased.with_files += found.inboxes.len();
                erased.sessions.push(session.id);
                rows.extend(found.rows);
            }
            Err(failure) => erased.failed.push((session.id, failure.chain())),
        }
    }
    Ok(rows)
}
