//! Sessions and the times at which sleeping ones must be looked at.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};
use schemas::{
    ids::{AgentId, RoomId, SessionId},
    policy::SessionMode,
    time,
};

use super::{Store, at_opt, obeyed, parsed, tasks};
use crate::error::{ErrorKind, HostError, Result};

/// A session's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// Its id.
    pub id: SessionId,
    /// Whose session it is.
    pub agent: AgentId,
    /// Its room; `None` for one over all rooms.
    pub room: Option<RoomId>,
    /// Its thread, in `per-thread` mode only.
    pub thread: Option<String>,
    /// How messages find it.
    pub mode: SessionMode,
    /// Its number in this install, from which its uid is made.
    pub uid_index: u32,
    /// Whether it is put away: its key is free, and nothing more is taken in.
    pub archived: bool,
    /// Whether nothing of it must be looked at after a crash.
    pub clean: bool,
    /// Why it was set aside.
    pub set_aside: Option<String>,
    /// When something last happened.
    pub last_active: Option<Timestamp>,
    /// The model that a person chose for it.
    pub model: Option<String>,
}

/// What a session is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// The one key under which messages find it.
    pub key: String,
    /// Whose session it is.
    pub agent: AgentId,
    /// Its room; `None` for one over all rooms.
    pub room: Option<RoomId>,
    /// Its thread, in `per-thread` mode only.
    pub thread: Option<String>,
    /// How messages find it.
    pub mode: SessionMode,
}

impl Store {
    /// The session under a key, made if there is none. Two calls at once make one.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub async fn session_for(&self, new: NewSession, now: Timestamp) -> Result<SessionRecord> {
        self.call(move |conn| {
            let tx = conn.transaction()?;
            tx.prepare_cached(
                "INSERT INTO sessions (id, agent_id, room_id, thread_id, mode, key, uid_index, \
                 created_at) SELECT ?1, ?2, ?3, ?4, ?5, ?6, coalesce(max(uid_index), 0) + 1, ?7 \
                 FROM sessions WHERE true ON CONFLICT (key) WHERE status = 'active' DO NOTHING",
            )?
            .execute(params![
                SessionId::mint(now).as_str(),
                new.agent.as_str(),
                new.room.as_ref().map(RoomId::as_str),
                new.thread,
                new.mode.as_str(),
                new.key,
                time::format(now),
            ])?;
            let record = tx
                .prepare_cached("SELECT * FROM sessions WHERE key = ?1 AND status = 'active'")?
                .query_row([&new.key], record)?;
            tx.commit()?;
            Ok(record)
        })
        .await
    }

    /// One session by its id, archived or not.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn session(&self, id: SessionId) -> Result<SessionRecord> {
        self.call(move |conn| {
            conn.prepare_cached("SELECT * FROM sessions WHERE id = ?1")?
                .query_row([id.as_str()], record)
                .optional()?
                .ok_or_else(|| HostError::new(ErrorKind::NotFound, format!("no session {id}")))
        })
        .await
    }

    /// All sessions that are not archived, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn sessions(&self) -> Result<Vec<SessionRecord>> {
        self.select_sessions("status = 'active' ORDER BY rowid DESC").await
    }

    /// How many sessions that are not archived are in each state; `state` says it of an id, and of
    /// whether the session was set aside.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn count_sessions(
        &self,
        state: impl Fn(&SessionId, bool) -> &'static str + Send + 'static,
    ) -> Result<BTreeMap<String, u64>> {
        self.call(move |conn| {
            let mut select = conn.prepare_cached(
                "SELECT id, set_aside IS NOT NULL AS is_aside FROM sessions \
                 WHERE status = 'active'",
            )?;
            let mut counts = BTreeMap::new();
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                let id = parsed(row, "id", SessionId::parse)?;
                let word = state(&id, row.get("is_aside")?);
                *counts.entry(word.to_owned()).or_default() += 1;
            }
            Ok(counts)
        })
        .await
    }

    /// All sessions, archived ones too, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn every_session(&self) -> Result<Vec<SessionRecord>> {
        self.select_sessions("true ORDER BY rowid DESC").await
    }

    /// Chooses a session's model, or (`None`) leaves it to the wiring and the agent again.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn choose_model(
        &self,
        id: SessionId,
        model: Option<String>,
        command: String,
        now: Timestamp,
    ) -> Result<()> {
        self.call(move |conn| {
            let tx = conn.transaction()?;
            tx.execute(
                "UPDATE sessions SET model = ?2 WHERE id = ?1",
                params![id.as_str(), model],
            )?;
            obeyed::note(&tx, &command, now)?;
            Ok(tx.commit()?)
        })
        .await
    }

    /// Puts a session away: the next message under its key makes a fresh one.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn archive_session(
        &self,
        id: SessionId,
        command: Option<String>,
        now: Timestamp,
    ) -> Result<()> {
        self.call(move |conn| {
            let tx = conn.transaction()?;
            tx.execute("UPDATE sessions SET status = 'archived' WHERE id = ?1", [id.as_str()])?;
            tasks::put_away(&tx, &id, now)?;
            if let Some(command) = command {
                obeyed::note(&tx, &command, now)?;
            }
            tx.commit()?;
            Ok(())
        })
        .await
    }

    /// The sessions of these agents that are not archived.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn session_ids_of(&self, agents: Vec<AgentId>) -> Result<Vec<SessionId>> {
        self.call(move |conn| {
            let mut select = conn.prepare_cached(
                "SELECT id FROM sessions WHERE agent_id = ?1 AND status = 'active'",
            )?;
            let mut found = Vec::new();
            for agent in agents {
                let rows = select
                    .query_map([agent.as_str()], |row| parsed(row, "id", SessionId::parse))?;
                for id in rows {
                    found.push(id?);
                }
            }
            Ok(found)
        })
        .await
    }

    /// The sessions that must be looked at after a crash.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn unclean_sessions(&self) -> Result<Vec<SessionRecord>> {
        self.select_sessions("clean = 0 ORDER BY rowid").await
    }

    /// Says that a session is about to be written to, before the first write.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn mark_awake(&self, id: SessionId) -> Result<()> {
        self.call(move |conn| {
            conn.prepare_cached("UPDATE sessions SET clean = 0 WHERE id = ?1")?
                .execute([id.as_str()])?;
            Ok(())
        })
        .await
    }

    /// Says that nothing of a session is open any more, when something last happened in it, and
    /// when to look at it next.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn mark_asleep(
        &self,
        id: SessionId,
        due: Option<Timestamp>,
        last_active: Timestamp,
    ) -> Result<()> {
        self.call(move |conn| {
            let tx = conn.transaction()?;
            tx.execute(
                "UPDATE sessions SET clean = 1, last_active = ?2, \
                 oldest_at = coalesce(oldest_at, ?2) WHERE id = ?1",
                params![id.as_str(), time::format(last_active)],
            )?;
            match due {
                Some(at) => tx.execute(
                    "INSERT INTO due (session_id, at) VALUES (?1, ?2) \
                     ON CONFLICT (session_id) DO UPDATE SET at = ?2",
                    params![id.as_str(), time::format(at)],
                )?,
                None => tx.execute("DELETE FROM due WHERE session_id = ?1", [id.as_str()])?,
            };
            tx.commit()?;
            Ok(())
        })
        .await
    }

    /// Says why a session was set aside, or (`None`) that it is in order again.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn set_aside(&self, id: SessionId, reason: Option<String>) -> Result<()> {
        self.call(move |conn| {
            conn.execute(
                "UPDATE sessions SET set_aside = ?2 WHERE id = ?1",
                params![id.as_str(), reason],
            )?;
            Ok(())
        })
        .await
    }

    /// When sleeping sessions must be looked at, earliest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn due(&self) -> Result<Vec<(Timestamp, SessionId)>> {
        self.call(|conn| {
            let mut select = conn.prepare("SELECT session_id, at FROM due ORDER BY at")?;
            let rows = select.query_map([], |row| {
                Ok((super::at(row, "at")?, parsed(row, "session_id", SessionId::parse)?))
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn select_sessions(&self, which: &'static str) -> Result<Vec<SessionRecord>> {
        self.call(move |conn| {
            let mut select = conn.prepare(&format!("SELECT * FROM sessions WHERE {which}"))?;
            let rows = select.query_map([], record)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<SessionRecord> {
    let room: Option<String> = row.get("room_id")?;
    Ok(SessionRecord {
        id: parsed(row, "id", SessionId::parse)?,
        agent: parsed(row, "agent_id", AgentId::parse)?,
        room: room.as_deref().and_then(|id| RoomId::parse(id).ok()),
        thread: row.get("thread_id")?,
        mode: parsed(row, "mode", str::parse)?,
        uid_index: row.get("uid_index")?,
        archived: row.get::<_, String>("status")? == "archived",
        clean: row.get("clean")?,
        set_aside: row.get("set_aside")?,
        last_active: at_opt(row, "last_active")?,
        model: row.get("model")?,
    })
}

#[cfg(test)]
mod tests {
    use schemas::admin::NewAgent;

    use super::*;

    /// Asks twice for one session.
    async fn asked_twice() -> (SessionRecord, SessionRecord) {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(&home.path().join("central.db")).unwrap();
        let now = Timestamp::UNIX_EPOCH;
        let agent = store.create_agent(NewAgent::named("andy"), now).await.unwrap();
        let wanted = NewSession {
            key: "key".to_owned(),
            agent: agent.id,
            room: None,
            thread: None,
            mode: SessionMode::AgentShared,
        };
        let first = store.session_for(wanted.clone(), now).await.unwrap();
        (first, store.session_for(wanted, now).await.unwrap())
    }

    #[tokio::test]
    async fn a_key_has_one_session_and_finding_it_changes_nothing() {
        let (first, second) = asked_twice().await;
        assert_eq!(first, second);
    }

    #[tokio::test]
    async fn a_new_session_is_in_order_and_nothing_happened_in_it_yet() {
        let (new, _) = asked_twice().await;
        assert!(new.clean);
        assert_eq!((new.set_aside, new.last_active), (None, None));
    }
}
