//! Questions of agents: written down before they are posted, answered once.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};
use schemas::{
    ids::{AgentId, MessageId, SessionId},
    time,
};

use super::{Store, at, parsed};
use crate::{
    error::{ErrorKind, HostError, Result},
    limits,
    questions::{Asked, QuestionRecord},
};

impl Store {
    /// Writes a question down; the same id twice is one question.
    ///
    /// # Errors
    /// `TooLarge` when too many of the session wait.
    pub async fn put_question(
        &self,
        id: String,
        (session, message): (SessionId, MessageId),
        asked: Asked,
        now: Timestamp,
    ) -> Result<()> {
        self.call(move |conn| {
            let tx = conn.transaction()?;
            let open: i64 = tx.query_row(
                "SELECT count(*) FROM questions WHERE session_id = ?1 AND answered_at IS NULL \
                 AND id != ?2",
                [session.as_str(), &id],
                |row| row.get(0),
            )?;
            if open >= limits::people::OPEN_QUESTIONS {
                let why = format!("{open} questions of this session wait for an answer already");
                return Err(HostError::new(ErrorKind::TooLarge, why));
            }
            let text = serde_json::to_string(&asked).unwrap_or_default();
            tx.execute(
                "INSERT INTO questions (id, session_id, message_out, question, asked_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
                params![id, session.as_str(), message.as_str(), text, time::format(now)],
            )?;
            tx.commit()?;
            Ok(())
        })
        .await
    }

    /// One question.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn question(&self, id: String) -> Result<QuestionRecord> {
        self.call(move |conn| {
            conn.prepare_cached(&format!("{SELECT} WHERE q.id = ?1"))?
                .query_row([&id], record)
                .optional()?
                .ok_or_else(|| HostError::new(ErrorKind::NotFound, format!("no question {id}")))
        })
        .await
    }

    /// Questions in the order in which they were asked: those that wait for an answer, or the
    /// newest of all. Questions of archived sessions wait no longer.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn questions(&self, waiting: bool) -> Result<Vec<QuestionRecord>> {
        let open = "WHERE q.answered_at IS NULL AND s.status = 'active'";
        let which = if waiting { open } else { "" };
        let mut found = self
            .select_questions(format!(
                "{which} ORDER BY q.rowid DESC LIMIT {}",
                limits::people::LISTED_QUESTIONS
            ))
            .await?;
        found.reverse();
        Ok(found)
    }

    /// Questions whose answer did not reach its session yet.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn untold_questions(&self) -> Result<Vec<QuestionRecord>> {
        let which = "WHERE q.answered_at IS NOT NULL AND q.told_at IS NULL ORDER BY q.rowid";
        self.select_questions(which.to_owned()).await
    }

    async fn select_questions(&self, which: String) -> Result<Vec<QuestionRecord>> {
        self.call(move |conn| {
            let mut select = conn.prepare_cached(&format!("{SELECT} {which}"))?;
            let rows = select.query_map([], record)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// Answers a question that waits; `false` when somebody did before.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn answer_question(
        &self,
        id: String,
        (value, by): (String, String),
        row: MessageId,
        now: Timestamp,
    ) -> Result<bool> {
        self.call(move |conn| {
            let changed = conn.execute(
                "UPDATE questions SET answer = ?2, answered_by = ?3, answer_row = ?4, \
                 answered_at = ?5 WHERE id = ?1 AND answered_at IS NULL",
                params![id, value, by, row.as_str(), time::format(now)],
            )?;
            Ok(changed > 0)
        })
        .await
    }

    /// Writes down that the answer stands in the session's file.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn told_question(&self, id: String, now: Timestamp) -> Result<()> {
        self.call(move |conn| {
            conn.execute(
                "UPDATE questions SET told_at = ?2 WHERE id = ?1",
                params![id, time::format(now)],
            )?;
            Ok(())
        })
        .await
    }
}

const SELECT: &str = "SELECT q.*, s.agent_id, a.name AS agent_name FROM questions q \
                      JOIN sessions s ON s.id = q.session_id JOIN agents a ON a.id = s.agent_id";

fn record(row: &Row<'_>) -> rusqlite::Result<QuestionRecord> {
    let answer_row: Option<String> = row.get("answer_row")?;
    Ok(QuestionRecord {
        id: row.get("id")?,
        agent: parsed(row, "agent_id", AgentId::parse)?,
        agent_name: row.get("agent_name")?,
        session: parsed(row, "session_id", SessionId::parse)?,
        asked: parsed(row, "question", |text| serde_json::from_str::<Asked>(text))?,
        asked_at: at(row, "asked_at")?,
        answer: row.get("answer")?,
        answered_by: row.get("answered_by")?,
        answer_row: answer_row.and_then(|text| MessageId::parse(&text).ok()),
    })
}
