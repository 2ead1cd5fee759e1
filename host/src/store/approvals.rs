//! Approvals: written before anybody is told, answered once, found again after a crash.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use schemas::{
    ids::{AgentId, ApprovalId, SessionId},
    policy::ApprovalStatus,
    time,
};

use super::{Store, at, at_opt, parsed};
use crate::{
    approvals::{Approval, Held, NewApproval, digest},
    error::{ErrorKind, HostError, Result},
    limits,
};

/// What asking did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The approval that waits.
    pub id: ApprovalId,
    /// Whether it is a new one.
    pub new: bool,
    /// Whether the message waits with it; too many are not kept.
    pub kept: bool,
}

/// What a moment brings to approvals that wait.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Turned {
    /// People are to be reminded of these.
    pub remind: Vec<Approval>,
    /// Nobody answered these in time.
    pub expired: Vec<Approval>,
    /// When to look again.
    pub next: Option<Timestamp>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Yes, no, or nobody.
    pub status: ApprovalStatus,
    /// Who, as `operator` or a person's id.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// What was chosen beside the yes, as JSON.
    pub choice: Option<String>,
}

impl Store {
    /// Writes down that somebody asks, with the message that waits for the answer. What waits
    /// about the same subject already is found instead; a guest's subject is one row of its own,
    /// and is asked once however often that row is read again after a crash.
    ///
    /// # Errors
    /// `TooLarge` when too much waits.
    pub async fn ask_approval(
        &self,
        new: NewApproval,
        held: Option<Held>,
        now: Timestamp,
    ) -> Result<Asked> {
        self.call(move |conn| {
            let tx = conn.transaction()?;
            let waiting = tx
                .query_row(
                    "SELECT id FROM approvals WHERE subject = ?1 \
                     AND (status = 'pending' OR session_id IS NOT NULL)",
                    [&new.subject],
                    |row| parsed(row, "id", ApprovalId::parse),
                )
                .optional()?;
            let (id, is_new) = match waiting {
                Some(id) => (id, false),
                None => {
                    bounded(&tx, &new)?;
                    (insert(&tx, &new, now)?, true)
                }
            };
            let kept = match &held {
                Some(held) => keep(&tx, &id, held, now)?,
                None => true,
            };
            tx.commit()?;
            Ok(Asked { id, new: is_new, kept })
        })
        .await
    }

    /// One approval.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn approval(&self, id: ApprovalId) -> Result<Approval> {
        self.call(move |conn| {
            conn.prepare_cached(&format!("{SELECT} WHERE a.id = ?1"))?
                .query_row([id.as_str()], approval)
                .optional()?
                .ok_or_else(|| HostError::new(ErrorKind::NotFound, format!("no approval {id}")))
        })
        .await
    }

    /// Approvals, newest first: those that wait, or all.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn approvals(&self, waiting: bool) -> Result<Vec<Approval>> {
        let which = if waiting { "WHERE a.status = 'pending'" } else { "" };
        self.select_approvals(format!("{which} ORDER BY a.id DESC LIMIT {}", limits::LISTED_RUNS))
            .await
    }

    /// Approvals whose answer somebody still has to act upon: given, and then the host ended.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn unfinished_approvals(&self) -> Result<Vec<Approval>> {
        self.select_approvals(
            "WHERE a.status != 'pending' AND a.told_at IS NULL ORDER BY a.id".to_owned(),
        )
        .await
    }

    async fn select_approvals(&self, which: String) -> Result<Vec<Approval>> {
        self.call(move |conn| {
            let mut select = conn.prepare_cached(&format!("{SELECT} {which}"))?;
            let rows = select.query_map([], approval)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// Answers an approval that waits and can still be answered; `false` when it does not.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn answer_approval(
        &self,
        id: ApprovalId,
        digest: String,
        answered: Answered,
        now: Timestamp,
    ) -> Result<bool> {
        self.call(move |conn| {
            let changed = conn.execute(
                "UPDATE approvals SET status = ?3, decided_by = ?4, reason = ?5, choice = ?6, \
                 decided_at = ?7, remind_at = NULL WHERE id = ?1 AND digest = ?2 \
                 AND status = 'pending' AND expires_at > ?7",
                params![
                    id.as_str(),
                    digest,
                    answered.status.as_str(),
                    answered.by,
                    answered.reason,
                    answered.choice,
                    time::format(now),
                ],
            )?;
            Ok(changed > 0)
        })
        .await
    }

    /// What is due of approvals that wait: reminders and ends, each once.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn turn_approvals(&self, now: Timestamp) -> Result<Turned> {
        self.call(move |conn| {
            let tx = conn.transaction()?;
            let text = time::format(now);
            let list = |which: &str| -> Result<Vec<Approval>> {
                let mut select = tx.prepare_cached(&format!("{SELECT} WHERE {which}"))?;
                let rows = select.query_map([&text], approval)?;
                Ok(rows.collect::<rusqlite::Result<_>>()?)
            };
            let mut expired = list("a.status = 'pending' AND a.expires_at <= ?1")?;
            tx.execute(
                "UPDATE approvals SET status = 'expired', decided_at = ?1, remind_at = NULL \
                 WHERE status = 'pending' AND expires_at <= ?1",
                [&text],
            )?;
            for one in &mut expired {
                one.status = ApprovalStatus::Expired;
            }
            let remind = list("a.status = 'pending' AND a.remind_at <= ?1")?;
            tx.execute(
                "UPDATE approvals SET remind_at = NULL \
                 WHERE status = 'pending' AND remind_at <= ?1",
                [&text],
            )?;
            let next = tx.query_row(
                "SELECT min(coalesce(remind_at, expires_at)) AS next FROM approvals \
                 WHERE status = 'pending'",
                [],
                |row| at_opt(row, "next"),
            )?;
            tx.commit()?;
            Ok(Turned { remind, expired, next })
        })
        .await
    }

    /// Writes down what came of an approval.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn finish_approval(&self, id: ApprovalId, result: String) -> Result<()> {
        self.call(move |conn| {
            conn.execute(
                "UPDATE approvals SET result = ?2 WHERE id = ?1 AND result IS NULL",
                params![id.as_str(), result],
            )?;
            Ok(())
        })
        .await
    }

    /// Writes down that whoever asked knows; what waited with it waits no longer.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn told_approval(&self, id: ApprovalId, now: Timestamp) -> Result<()> {
        self.call(move |conn| {
            let tx = conn.transaction()?;
            tx.execute("DELETE FROM held_messages WHERE approval_id = ?1", [id.as_str()])?;
            tx.execute(
                "UPDATE approvals SET told_at = ?2 WHERE id = ?1",
                params![id.as_str(), time::format(now)],
            )?;
            tx.commit()?;
            Ok(())
        })
        .await
    }

    /// The messages that wait with an approval, in the order in which they came.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn held_messages(&self, id: ApprovalId) -> Result<Vec<Held>> {
        self.call(move |conn| {
            let mut select = conn.prepare_cached(
                "SELECT message_id, message FROM held_messages WHERE approval_id = ?1 \
                 ORDER BY rowid",
            )?;
            let rows = select.query_map([id.as_str()], |row| {
                Ok(Held { id: row.get("message_id")?, message: row.get("message")? })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}

const SELECT: &str = "SELECT a.*, (SELECT count(*) FROM held_messages h \
                      WHERE h.approval_id = a.id) AS held FROM approvals a";

/// One agent, and all strangers together, may ask for so much at once: whoever answers must be
/// able to, and the disk is not theirs.
fn bounded(conn: &Connection, new: &NewApproval) -> Result<()> {
    let session = new.asked_in.as_ref().map(|asked| asked.session.as_str());
    let waiting: i64 = conn.query_row(
        "SELECT count(*) FROM approvals WHERE status = 'pending' AND session_id IS ?1",
        [session],
        |row| row.get(0),
    )?;
    let most = match session {
        Some(_) => limits::people::ASKED_BY_A_SESSION,
        None => limits::people::ASKED_BY_STRANGERS,
    };
    if waiting < most {
        return Ok(());
    }
    let what = format!("{waiting} wishes wait for a person already");
    Err(HostError::new(ErrorKind::TooLarge, what).hint("lazaret approvals list"))
}

fn insert(conn: &Connection, new: &NewApproval, now: Timestamp) -> Result<ApprovalId> {
    let id = ApprovalId::mint(now);
    let action = new.action.as_json();
    let after = |pause| now.checked_add(pause).unwrap_or(now);
    let asked = new.asked_in.as_ref();
    // Serialising an address cannot fail.
    let place = asked.and_then(|asked| serde_json::to_string(asked.place.as_ref()?).ok());
    conn.execute(
        "INSERT INTO approvals (id, action, digest, subject, requested_by, agent_id, session_id, \
         request_id, asked_at, created_at, remind_at, expires_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        params![
            id.as_str(),
            action,
            digest(&action),
            new.subject,
            new.requested_by,
            new.agent.as_ref().map(AgentId::as_str),
            asked.map(|asked| asked.session.as_str()),
            asked.map(|asked| asked.request.as_str()),
            place,
            time::format(now),
            time::format(after(limits::people::APPROVAL_REMINDER)),
            time::format(after(limits::people::APPROVAL_LIFE)),
        ],
    )?;
    Ok(id)
}

/// Keeps a message with an approval, as far as there is room; `false` when there is none.
fn keep(conn: &Connection, id: &ApprovalId, held: &Held, now: Timestamp) -> Result<bool> {
    let (count, bytes, known): (i64, i64, bool) = conn.query_row(
        "SELECT count(*), coalesce(sum(length(message)), 0), coalesce(max(message_id = ?2), 0) \
         FROM held_messages WHERE approval_id = ?1",
        params![id.as_str(), held.id],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let adds = i64::try_from(held.message.len()).unwrap_or(i64::MAX);
    let full = count >= limits::people::HELD_MESSAGES
        || bytes.saturating_add(adds) > limits::people::HELD_BYTES;
    if known || full {
        return Ok(known);
    }
    conn.execute(
        "INSERT INTO held_messages (approval_id, message_id, message, at) VALUES (?1, ?2, ?3, ?4)",
        params![id.as_str(), held.id, held.message, time::format(now)],
    )?;
    Ok(true)
}

fn approval(row: &Row<'_>) -> rusqlite::Result<Approval> {
    let known = |column| row.get::<_, Option<String>>(column).map(|text| text.is_some());
    let agent = known("agent_id")?.then(|| parsed(row, "agent_id", AgentId::parse));
    let asked_at: Option<String> = row.get("asked_at")?;
    let session = known("session_id")?.then(|| parsed(row, "session_id", SessionId::parse));
    Ok(Approval {
        id: parsed(row, "id", ApprovalId::parse)?,
        action: row.get("action")?,
        digest: row.get("digest")?,
        subject: row.get("subject")?,
        requested_by: row.get("requested_by")?,
        agent: agent.transpose()?,
        session: session.transpose()?,
        request_id: row.get("request_id")?,
        // What cannot be read is as if nobody had said where.
        asked_at: asked_at.and_then(|place| serde_json::from_str(&place).ok()),
        status: parsed(row, "status", str::parse)?,
        created_at: at(row, "created_at")?,
        expires_at: at(row, "expires_at")?,
        decided_by: row.get("decided_by")?,
        decided_at: at_opt(row, "decided_at")?,
        reason: row.get("reason")?,
        choice: row.get("choice")?,
        result: row.get("result")?,
        told: known("told_at")?,
        held: u64::try_from(row.get::<_, i64>("held")?).unwrap_or(0),
    })
}
