//! Tasks: what is to be done at a time. The rows, and what people change of them.
//!
//! What came of each time is `occurrences`, how the two follow from each other `course`.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use schemas::{
    ids::{AgentId, RoomId, TaskId},
    message::Address,
    policy::{Missed, TaskStatus},
    time,
};
use serde::{Deserialize, Serialize};

use super::{Store, at, at_opt, parsed};
use crate::{
    error::{ErrorKind, HostError, Result},
    limits::task as limits,
};

mod course;
mod occurrences;

pub use course::{Came, Step};
pub(super) use course::{put_away, settled};
pub use occurrences::{Occurrence, Unwritten};

/// A task as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its id, which names the whole series.
    pub id: TaskId,
    /// What people call it.
    pub name: Option<String>,
    /// Who does it.
    pub agent: AgentId,
    /// Its name.
    pub agent_name: String,
    /// The room where it is done.
    pub room: RoomId,
    /// Where that is, and where the answer goes.
    pub address: Address,
    /// The conversation of the agent's that made it; `None` was made by a person.
    pub made_in: Option<String>,
    /// Who made it, for people.
    pub made_by: String,
    /// What is to be done.
    pub prompt: String,
    /// Runs before the model.
    pub script: Option<String>,
    /// A cron expression in the zone.
    pub cron: Option<String>,
    /// Or its one time.
    pub once_at: Option<Timestamp>,
    /// The time zone.
    pub zone: String,
    /// What becomes of missed times.
    pub missed: Missed,
    /// Where it stands.
    pub status: TaskStatus,
    /// Why it is paused, or failed.
    pub why: Option<String>,
    /// Whether people are still to be told of that.
    pub untold: bool,
    /// The scheduled time of the next occurrence.
    pub next_at: Option<Timestamp>,
    /// Failed occurrences in a row.
    pub failures: u32,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Task {
    /// What people call it, or its id.
    #[must_use]
    pub fn title(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.id.to_string())
    }

    /// Whether it may still be done at some time.
    #[must_use]
    pub fn lives(&self) -> bool {
        match self.status {
            TaskStatus::Active | TaskStatus::Paused => true,
            TaskStatus::Done | TaskStatus::Failed | TaskStatus::Cancelled => false,
        }
    }

    /// `<channel>:<platform id>`.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}:{}", self.address.channel_type, self.address.platform_id)
    }
}

impl Store {
    /// Tasks, those that are due first at the top; all, or an agent's.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn tasks(&self, agent: Option<AgentId>) -> Result<Vec<Task>> {
        self.call(move |conn| {
            let mut select = conn.prepare_cached(&format!(
                "{TASKS} WHERE ?1 IS NULL OR t.agent_id = ?1 \
                 ORDER BY t.next_at IS NULL, t.next_at, t.created_at"
            ))?;
            let rows = select.query_map([agent.as_ref().map(AgentId::as_str)], task)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// One task.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn task(&self, id: TaskId) -> Result<Task> {
        self.call(move |conn| one(conn, &id)).await
    }

    /// Writes a new task down; the second time it is there already.
    ///
    /// # Errors
    /// `Conflict` when another one of the agent's has its name; `TooLarge` when an agent has as
    /// many by its own wish as it may.
    pub async fn create_task(&self, new: Task) -> Result<Task> {
        self.call(move |conn| {
            let tx = conn.transaction()?;
            if let Ok(known) = one(&tx, &new.id) {
                return Ok(known);
            }
            name_is_free(&tx, &new)?;
            if new.made_in.is_some() {
                room_for_one_more(&tx, &new.agent)?;
            }
            insert(&tx, &new)?;
            forget_ended(&tx, &new.agent)?;
            let made = one(&tx, &new.id)?;
            tx.commit()?;
            Ok(made)
        })
        .await
    }

    /// Changes what may be changed of a task.
    ///
    /// # Errors
    /// `NotFound` when there is none, `Conflict` when its new name is taken, or what `change` says.
    pub async fn change_task(
        &self,
        id: TaskId,
        change: impl FnOnce(&mut Task) -> Result<()> + Send + 'static,
    ) -> Result<Task> {
        self.call(move |conn| {
            let tx = conn.transaction()?;
            let mut task = one(&tx, &id)?;
            change(&mut task)?;
            name_is_free(&tx, &task)?;
            write(&tx, &task)?;
            let changed = one(&tx, &id)?;
            tx.commit()?;
            Ok(changed)
        })
        .await
    }
}

/// Names of tasks that are not over, by agent or by room.
pub(super) fn living(conn: &Connection, column: &str, id: &str) -> Result<Vec<String>> {
    let mut select = conn.prepare(&format!(
        "SELECT coalesce(name, id) FROM tasks \
         WHERE {column} = ?1 AND status IN ('active', 'paused') ORDER BY 1"
    ))?;
    let rows = select.query_map([id], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn name_is_free(tx: &Connection, task: &Task) -> Result<()> {
    let Some(name) = task.name.as_ref().filter(|_| task.lives()) else { return Ok(()) };
    let taken = tx
        .prepare_cached(
            "SELECT 1 FROM tasks WHERE agent_id = ?1 AND name = ?2 AND id != ?3 \
             AND status IN ('active', 'paused')",
        )?
        .exists(params![task.agent.as_str(), name, task.id.as_str()])?;
    if taken {
        let what = format!("{} has a task {name:?} already", task.agent_name);
        return Err(HostError::new(ErrorKind::Conflict, what)
            .hint("choose another name, or change that one with: lazaret tasks set"));
    }
    Ok(())
}

fn room_for_one_more(tx: &Connection, agent: &AgentId) -> Result<()> {
    let own: usize = tx
        .prepare_cached(
            "SELECT count(*) FROM tasks WHERE agent_id = ?1 AND made_in IS NOT NULL \
             AND status IN ('active', 'paused')",
        )?
        .query_row([agent.as_str()], |row| row.get::<_, i64>(0))
        .map(|count| usize::try_from(count).unwrap_or(usize::MAX))?;
    if own >= limits::BY_ONE_AGENT {
        let what = format!("an agent may have {} tasks by its own wish", limits::BY_ONE_AGENT);
        return Err(HostError::new(ErrorKind::TooLarge, what).hint("cancel one first"));
    }
    Ok(())
}

/// Tasks that are over are kept to be looked at, not for ever.
fn forget_ended(tx: &Connection, agent: &AgentId) -> Result<()> {
    let old = "SELECT id FROM tasks WHERE agent_id = ?1 AND untold = 0 \
               AND status NOT IN ('active', 'paused') ORDER BY created_at DESC LIMIT -1 OFFSET ?2";
    for sql in [
        format!("DELETE FROM task_runs WHERE task_id IN ({old})"),
        format!("DELETE FROM tasks WHERE id IN ({old})"),
    ] {
        tx.prepare_cached(&sql)?.execute(params![agent.as_str(), limits::ENDED])?;
    }
    Ok(())
}

fn insert(tx: &Connection, new: &Task) -> Result<()> {
    tx.execute(
        "INSERT INTO tasks (id, agent_id, room_id, made_in, made_by, prompt, cron, once_at, zone, \
         missed, created_at) VALUES (?1, ?2, ?3, ?4, ?5, '', ?6, ?7, ?8, ?9, ?10)",
        params![
            new.id.as_str(),
            new.agent.as_str(),
            new.room.as_str(),
            new.made_in,
            new.made_by,
            new.cron,
            new.once_at.map(time::format),
            new.zone,
            new.missed.as_str(),
            time::format(new.created_at),
        ],
    )?;
    write(tx, new)
}

fn write(tx: &Connection, task: &Task) -> Result<()> {
    tx.execute(
        "UPDATE tasks SET name = ?2, room_id = ?3, thread_id = ?4, prompt = ?5, script = ?6, \
         cron = ?7, once_at = ?8, zone = ?9, missed = ?10, status = ?11, why = ?12, \
         next_at = ?13, failures = ?14, untold = ?15 WHERE id = ?1",
        params![
            task.id.as_str(),
            task.name,
            task.room.as_str(),
            task.address.thread_id,
            task.prompt,
            task.script,
            task.cron,
            task.once_at.map(time::format),
            task.zone,
            task.missed.as_str(),
            task.status.as_str(),
            task.why,
            task.next_at.map(time::format),
            task.failures,
            task.untold,
        ],
    )?;
    Ok(())
}

const TASKS: &str = "SELECT t.*, a.name AS agent_name, r.channel_type, r.platform_id FROM tasks t \
                     JOIN agents a ON a.id = t.agent_id JOIN rooms r ON r.id = t.room_id";

fn one(conn: &Connection, id: &TaskId) -> Result<Task> {
    conn.prepare_cached(&format!("{TASKS} WHERE t.id = ?1"))?
        .query_row([id.as_str()], task)
        .optional()?
        .ok_or_else(|| HostError::new(ErrorKind::NotFound, format!("no task {id}")))
}

fn task(row: &Row<'_>) -> rusqlite::Result<Task> {
    Ok(Task {
        id: parsed(row, "id", TaskId::parse)?,
        name: row.get("name")?,
        agent: parsed(row, "agent_id", AgentId::parse)?,
        agent_name: row.get("agent_name")?,
        room: parsed(row, "room_id", RoomId::parse)?,
        address: Address {
            channel_type: row.get("channel_type")?,
            platform_id: row.get("platform_id")?,
            thread_id: row.get("thread_id")?,
        },
        made_in: row.get("made_in")?,
        made_by: row.get("made_by")?,
        prompt: row.get("prompt")?,
        script: row.get("script")?,
        cron: row.get("cron")?,
        once_at: at_opt(row, "once_at")?,
        zone: row.get("zone")?,
        missed: parsed(row, "missed", str::parse)?,
        status: parsed(row, "status", str::parse)?,
        why: row.get("why")?,
        untold: row.get("untold")?,
        next_at: at_opt(row, "next_at")?,
        failures: row.get("failures")?,
        created_at: at(row, "created_at")?,
    })
}
