//! Persons, the names under which platforms know them, and who was turned away.
//!
//! Owns the one answer to who somebody is: what a platform says about a sender, looked up together
//! with every role in one read.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use schemas::{
    ids::{AgentId, PersonId, RoomId},
    people::{DenialInfo, PersonInfo},
    policy::Role,
    time,
};

use super::{Store, at, parsed};
use crate::{
    channels::terminal,
    error::{ErrorKind, HostError, Result},
    people::{Person, Standing, Who},
};

impl Store {
    /// Who a sender is; `<channel>:<the platform's id>`, in the transport's words.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn who_is(&self, sender: String) -> Result<Who> {
        self.call(move |conn| Ok(who_is(conn, &sender)?)).await
    }

    /// A person with what they are now.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn person(&self, id: PersonId) -> Result<Option<Person>> {
        self.call(move |conn| Ok(person_where(conn, "p.id = ?1", id.as_str())?)).await
    }

    /// Makes a person with one name on a platform, or none yet. Asking again with the same id of a
    /// platform finds the same person.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn create_person(
        &self,
        name: String,
        platform_id: Option<String>,
        now: Timestamp,
    ) -> Result<PersonId> {
        self.call(move |conn| {
            let tx = conn.transaction()?;
            let id = person_for(&tx, &name, platform_id.as_deref(), now)?;
            tx.commit()?;
            Ok(id)
        })
        .await
    }

    /// Everybody, by name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn people(&self) -> Result<Vec<PersonInfo>> {
        let roles = self.roles().await?;
        self.call(move |conn| {
            let mut select = conn.prepare_cached("SELECT * FROM persons ORDER BY name, id")?;
            let rows = select.query_map([], |row| {
                Ok(PersonInfo {
                    id: parsed(row, "id", PersonId::parse)?,
                    name: row.get("name")?,
                    ids: Vec::new(),
                    roles: Vec::new(),
                    created_at: at(row, "created_at")?,
                })
            })?;
            let mut people: Vec<PersonInfo> = rows.collect::<rusqlite::Result<_>>()?;
            let mut ids = conn.prepare_cached(
                "SELECT platform_id FROM person_ids WHERE person_id = ?1 ORDER BY platform_id",
            )?;
            for person in &mut people {
                let rows = ids.query_map([person.id.as_str()], |row| row.get(0))?;
                person.ids = rows.collect::<rusqlite::Result<_>>()?;
                person.roles =
                    roles.iter().filter(|role| role.person == person.id).cloned().collect();
            }
            Ok(people)
        })
        .await
    }

    /// Gives a person another name on a platform.
    ///
    /// # Errors
    /// `Conflict` when it is somebody else's.
    pub async fn link_person(
        &self,
        id: PersonId,
        platform_id: String,
        now: Timestamp,
    ) -> Result<()> {
        self.call(move |conn| {
            let tx = conn.transaction()?;
            let taken: Option<String> = tx
                .query_row(
                    "SELECT person_id FROM person_ids WHERE platform_id = ?1",
                    [&platform_id],
                    |row| row.get(0),
                )
                .optional()?;
            if taken.as_deref().is_some_and(|other| other != id.as_str()) {
                return Err(HostError::new(
                    ErrorKind::Conflict,
                    format!("{platform_id} is linked to another person already"),
                )
                .hint("unlink it there first: lazaret people unlink <sender>"));
            }
            insert_id(&tx, &id, &platform_id, now)?;
            tx.commit()?;
            Ok(())
        })
        .await
    }

    /// Takes a name on a platform from whoever has it; whether somebody had.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn unlink_person(&self, platform_id: String) -> Result<bool> {
        self.call(move |conn| {
            let gone =
                conn.execute("DELETE FROM person_ids WHERE platform_id = ?1", [platform_id])?;
            Ok(gone > 0)
        })
        .await
    }

    /// Forgets a person, with every name and role. The last owner stays.
    ///
    /// # Errors
    /// `Conflict` for the only owner.
    pub async fn delete_person(&self, id: PersonId) -> Result<()> {
        self.call(move |conn| {
            let tx = conn.transaction()?;
            super::roles::keep_an_owner(&tx, &id)?;
            for table in ["roles", "person_ids"] {
                tx.execute(&format!("DELETE FROM {table} WHERE person_id = ?1"), [id.as_str()])?;
            }
            tx.execute("DELETE FROM persons WHERE id = ?1", [id.as_str()])?;
            tx.commit()?;
            Ok(())
        })
        .await
    }

    /// Makes a sender known as a member of agents, by one name on a platform; a denial in the room
    /// is forgotten. Doing it twice changes nothing.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn admit(
        &self,
        (sender, name): (String, String),
        agents: Vec<AgentId>,
        by: String,
        now: Timestamp,
    ) -> Result<PersonId> {
        self.call(move |conn| {
            let tx = conn.transaction()?;
            let person = person_for(&tx, &name, Some(&sender), now)?;
            for agent in &agents {
                super::roles::insert(&tx, &person, (Role::Member, Some(agent)), &by, now)?;
            }
            tx.execute("DELETE FROM denials WHERE sender_id = ?1", [&sender])?;
            tx.commit()?;
            Ok(person)
        })
        .await
    }

    /// Remembers that nobody wants to be asked about a sender in a room again.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn deny_sender(
        &self,
        room: RoomId,
        sender: String,
        by: String,
        now: Timestamp,
    ) -> Result<()> {
        self.call(move |conn| {
            conn.execute(
                "INSERT INTO denials (room_id, sender_id, denied_by, denied_at) \
                 VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
                params![room.as_str(), sender, by, time::format(now)],
            )?;
            Ok(())
        })
        .await
    }

    /// Remembers that nobody wants to be asked about a room again.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn deny_room(&self, room: RoomId, now: Timestamp) -> Result<()> {
        self.call(move |conn| {
            conn.execute(
                "UPDATE rooms SET denied_at = ?2 WHERE id = ?1 AND denied_at IS NULL",
                params![room.as_str(), time::format(now)],
            )?;
            Ok(())
        })
        .await
    }

    /// Everybody who was turned away, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn denials(&self) -> Result<Vec<DenialInfo>> {
        self.call(|conn| {
            let mut select = conn.prepare_cached(
                "SELECT r.channel_type || ':' || r.platform_id AS room, d.* FROM denials d \
                 JOIN rooms r ON r.id = d.room_id ORDER BY d.denied_at DESC",
            )?;
            let rows = select.query_map([], |row| {
                Ok(DenialInfo {
                    room: row.get("room")?,
                    sender: row.get("sender_id")?,
                    denied_by: row.get("denied_by")?,
                    denied_at: at(row, "denied_at")?,
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// Forgets every denial of a sender; how many there were.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn forgive(&self, sender: String) -> Result<usize> {
        self.call(move |conn| {
            Ok(conn.execute("DELETE FROM denials WHERE sender_id = ?1", [sender])?)
        })
        .await
    }
}

/// Who a sender is, for reads that fetch more than that.
pub(super) fn who_is(conn: &Connection, sender: &str) -> rusqlite::Result<Who> {
    // The kernel vouches for whoever speaks at the terminal; no platform can claim that channel.
    if sender == terminal::OPERATOR {
        return Ok(Who::Operator);
    }
    let known = "p.id = (SELECT person_id FROM person_ids WHERE platform_id = ?1)";
    Ok(person_where(conn, known, sender)?
        .map_or_else(|| Who::Stranger(sender.to_owned()), Who::Person))
}

fn person_where(conn: &Connection, which: &str, value: &str) -> rusqlite::Result<Option<Person>> {
    let mut select = conn.prepare_cached(&format!(
        "SELECT p.id, p.name, r.role, r.agent_id FROM persons p \
         LEFT JOIN roles r ON r.person_id = p.id WHERE {which}"
    ))?;
    let mut rows = select.query([value])?;
    let mut found: Option<Person> = None;
    while let Some(row) = rows.next()? {
        let person = match &mut found {
            Some(person) => person,
            None => found.insert(Person {
                id: parsed(row, "id", PersonId::parse)?,
                name: row.get("name")?,
                standing: Standing::default(),
            }),
        };
        if row.get::<_, Option<String>>("role")?.is_none() {
            continue;
        }
        let role: Role = parsed(row, "role", str::parse)?;
        let agent = match row.get::<_, Option<String>>("agent_id")? {
            Some(_) => Some(parsed(row, "agent_id", AgentId::parse)?),
            None => None,
        };
        person.standing.add(role, agent);
    }
    Ok(found)
}

/// The person behind a name on a platform, made if there is none.
pub(super) fn person_for(
    conn: &Connection,
    name: &str,
    platform_id: Option<&str>,
    now: Timestamp,
) -> Result<PersonId> {
    if let Some(sender) = platform_id {
        let known = conn
            .query_row("SELECT person_id FROM person_ids WHERE platform_id = ?1", [sender], |row| {
                parsed(row, "person_id", PersonId::parse)
            })
            .optional()?;
        if let Some(known) = known {
            return Ok(known);
        }
    }
    let id = PersonId::mint(now);
    conn.execute(
        "INSERT INTO persons (id, name, created_at) VALUES (?1, ?2, ?3)",
        params![id.as_str(), name, time::format(now)],
    )?;
    if let Some(sender) = platform_id {
        insert_id(conn, &id, sender, now)?;
    }
    Ok(id)
}

fn insert_id(conn: &Connection, id: &PersonId, platform_id: &str, now: Timestamp) -> Result<()> {
    conn.execute(
        "INSERT INTO person_ids (platform_id, person_id, added_at) VALUES (?1, ?2, ?3) \
         ON CONFLICT DO NOTHING",
        params![platform_id, id.as_str(), time::format(now)],
    )?;
    Ok(())
}
