//! Roles: who is owner, admin or member, and the one-time code that makes the first owner.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use schemas::{
    ids::{AgentId, PersonId},
    people::RoleInfo,
    policy::Role,
    time,
};

use super::{Store, at, parsed};
use crate::{
    error::{ErrorKind, HostError, Result},
    people::claim::Claim,
};

/// Where the code's hash lies in `meta`.
const CLAIM: &str = "claim";

/// What a code did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// The host is this person's.
    Theirs(PersonId),
    /// It is another code that waits.
    Wrong,
    /// No code waits.
    NothingWaits,
}

impl Store {
    /// Every role, by person.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn roles(&self) -> Result<Vec<RoleInfo>> {
        self.call(|conn| {
            let mut select = conn.prepare_cached(
                "SELECT r.*, p.name, a.name AS agent_name FROM roles r \
                 JOIN persons p ON p.id = r.person_id LEFT JOIN agents a ON a.id = r.agent_id \
                 ORDER BY p.name, r.rowid",
            )?;
            let rows = select.query_map([], role_info)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// Gives a role; whether it was new.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn grant(
        &self,
        person: PersonId,
        role: Role,
        agent: Option<AgentId>,
        (by, now): (String, Timestamp),
    ) -> Result<bool> {
        self.call(move |conn| Ok(insert(conn, &person, (role, agent.as_ref()), &by, now)?)).await
    }

    /// Takes a role; whether it was there. The last owner stays.
    ///
    /// # Errors
    /// `Conflict` for the only owner.
    pub async fn revoke(
        &self,
        person: PersonId,
        role: Role,
        agent: Option<AgentId>,
    ) -> Result<bool> {
        self.call(move |conn| {
            let tx = conn.transaction()?;
            if role == Role::Owner {
                keep_an_owner(&tx, &person)?;
            }
            let gone = tx.execute(
                "DELETE FROM roles WHERE person_id = ?1 AND role = ?2 AND agent_id IS ?3",
                params![person.as_str(), role.as_str(), agent.as_ref().map(AgentId::as_str)],
            )?;
            tx.commit()?;
            Ok(gone > 0)
        })
        .await
    }

    /// Whether anybody owns this host.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn is_owned(&self) -> Result<bool> {
        self.call(|conn| Ok(owners(conn)? > 0)).await
    }

    /// Puts a new one-time code in the place of any other; its hash only.
    ///
    /// # Errors
    /// `Conflict` when the host is owned already.
    pub async fn put_claim(&self, claim: Claim) -> Result<()> {
        self.call(move |conn| {
            let tx = conn.transaction()?;
            if owners(&tx)? > 0 {
                return Err(HostError::new(ErrorKind::Conflict, "this host has an owner already")
                    .hint("owners make others: lazaret roles grant <person> owner"));
            }
            put_claim(&tx, &claim)?;
            tx.commit()?;
            Ok(())
        })
        .await
    }

    /// Makes a sender the owner when the code is the one that waits. One transaction: of two who
    /// say it at once, one is too late; a wrong guess is counted before anybody hears of it.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn claim(
        &self,
        code: String,
        (sender, name): (String, String),
        now: Timestamp,
    ) -> Result<Claimed> {
        self.call(move |conn| {
            let tx = conn.transaction()?;
            let known: Option<String> = tx
                .query_row("SELECT value FROM meta WHERE key = ?1", [CLAIM], |row| row.get(0))
                .optional()?;
            let waits = known.and_then(|text| serde_json::from_str::<Claim>(&text).ok());
            let owned = owners(&tx)? > 0;
            let Some(mut waits) = waits.filter(|waits| !owned && waits.holds(now)) else {
                return Ok(Claimed::NothingWaits);
            };
            let right = waits.takes(&code, now);
            let owner = if right {
                tx.execute("DELETE FROM meta WHERE key = ?1", [CLAIM])?;
                let person = super::people::person_for(&tx, &name, Some(&sender), now)?;
                insert(&tx, &person, (Role::Owner, None), "a one-time code", now)?;
                Claimed::Theirs(person)
            } else {
                put_claim(&tx, &waits)?;
                Claimed::Wrong
            };
            tx.commit()?;
            Ok(owner)
        })
        .await
    }
}

/// Gives a role inside a transaction; whether it was new.
pub(super) fn insert(
    conn: &Connection,
    person: &PersonId,
    (role, agent): (Role, Option<&AgentId>),
    by: &str,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let new = conn.execute(
        "INSERT INTO roles (person_id, role, agent_id, granted_by, granted_at) \
         VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
        params![person.as_str(), role.as_str(), agent.map(AgentId::as_str), by, time::format(now)],
    )?;
    Ok(new > 0)
}

/// Refuses what would leave the host without its only owner.
pub(super) fn keep_an_owner(conn: &Connection, leaving: &PersonId) -> Result<()> {
    let (all, theirs): (i64, i64) = conn.query_row(
        "SELECT count(*), count(CASE WHEN person_id = ?1 THEN 1 END) FROM roles \
         WHERE role = 'owner'",
        [leaving.as_str()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    if theirs > 0 && all == theirs {
        return Err(HostError::new(ErrorKind::Conflict, "this is the only owner")
            .hint("make another one first: lazaret roles grant <person> owner"));
    }
    Ok(())
}

fn owners(conn: &Connection) -> rusqlite::Result<i64> {
    conn.query_row("SELECT count(*) FROM roles WHERE role = 'owner'", [], |row| row.get(0))
}

fn put_claim(conn: &Connection, claim: &Claim) -> rusqlite::Result<()> {
    let text = serde_json::to_string(claim).unwrap_or_default();
    conn.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)", [CLAIM, &text])?;
    Ok(())
}

fn role_info(row: &Row<'_>) -> rusqlite::Result<RoleInfo> {
    Ok(RoleInfo {
        person: parsed(row, "person_id", PersonId::parse)?,
        name: row.get("name")?,
        role: parsed(row, "role", str::parse)?,
        agent: row.get("agent_name")?,
        granted_by: row.get("granted_by")?,
        granted_at: at(row, "granted_at")?,
    })
}
