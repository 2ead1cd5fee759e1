//! Changing and deleting an agent: what uses it, and what goes with it.

use rusqlite::{Connection, params};
use schemas::{admin::Agent, ids::AgentId};
use serde::Serialize;

use super::{Store, agents, tasks};
use crate::{
    channels::terminal,
    error::{ErrorKind, HostError, Result},
};

/// What keeps an agent from being deleted, and what goes with it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct AgentUses {
    /// Rooms that it listens in, beside its own at the terminal.
    pub rooms: Vec<String>,
    /// Names under which other agents write to it, as `<agent>/<name>`.
    pub written_by: Vec<String>,
    /// Sessions that are not archived.
    pub sessions: Vec<String>,
    /// Archived sessions whose container or posts are still under way.
    pub ending: Vec<String>,
    /// What goes with it: its archived sessions.
    pub archived: Vec<String>,
    /// What goes with it: names in its address book.
    pub book: Vec<String>,
    /// What goes with it: people's roles over it.
    pub roles: Vec<String>,
    /// What goes with it: tasks that are not over.
    pub tasks: Vec<String>,
}

impl AgentUses {
    /// Whether nothing keeps it.
    #[must_use]
    pub fn may_go(&self) -> bool {
        self.rooms.is_empty()
            && self.written_by.is_empty()
            && self.sessions.is_empty()
            && self.ending.is_empty()
    }
}

impl Store {
    /// Changes what may be changed of an agent.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn change_agent(
        &self,
        id: AgentId,
        change: impl FnOnce(&mut Agent) + Send + 'static,
    ) -> Result<Agent> {
        let mut agent = self.agent(id).await?.agent;
        change(&mut agent);
        self.call(move |conn| {
            conn.execute(
                "UPDATE agents SET provider = ?2, image = ?3, memory_bytes = ?4, milli_cpus = ?5, \
                 pids = ?6, prompt = ?7, model = ?8, work_dir = ?9, cli_scope = ?10, \
                 max_containers = ?11, keep_days = ?12, disk_bytes = ?13, fallbacks = ?14, \
                 after_side_effects = ?15 WHERE id = ?1",
                params![
                    agent.id.as_str(),
                    agent.provider,
                    agent.image,
                    i64::try_from(agent.memory_bytes).unwrap_or(i64::MAX),
                    agent.milli_cpus,
                    agent.pids,
                    agent.prompt,
                    agent.model,
                    agent.work_dir,
                    agent.cli_scope.as_str(),
                    agent.max_containers,
                    agent.keep_days,
                    agent.disk_bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
                    agents::written(&agent.fallbacks),
                    agent.after_side_effects.as_str(),
                ],
            )?;
            Ok(agent)
        })
        .await
    }

    /// What keeps an agent from being deleted, and what would go with it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn agent_uses(&self, agent: Agent) -> Result<AgentUses> {
        self.call(move |conn| uses(conn, &agent)).await
    }

    /// Deletes an agent that nothing uses, with its own room, its address book, its tasks, its
    /// archived sessions and people's roles over it. Approvals stay, without it.
    ///
    /// # Errors
    /// `Conflict` when something uses it.
    pub async fn delete_agent(&self, agent: Agent) -> Result<()> {
        self.call(move |conn| {
            let tx = conn.transaction()?;
            if !uses(&tx, &agent)?.may_go() {
                return Err(HostError::new(ErrorKind::Conflict, "the agent is in use"));
            }
            for sql in GOES {
                tx.execute(sql, [agent.id.as_str()])?;
            }
            tx.execute(
                "DELETE FROM rooms WHERE channel_type = ?1 AND platform_id = ?2 \
                 AND NOT EXISTS (SELECT 1 FROM wirings w WHERE w.room_id = rooms.id) \
                 AND NOT EXISTS (SELECT 1 FROM destinations d WHERE d.room_id = rooms.id) \
                 AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.room_id = rooms.id) \
                 AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.room_id = rooms.id)",
                params![terminal::CHANNEL, agent.name],
            )?;
            tx.execute("DELETE FROM agents WHERE id = ?1", [agent.id.as_str()])?;
            tx.commit()?;
            Ok(())
        })
        .await
    }
}

/// In the order in which they refer to each other.
const GOES: [&str; 12] = [
    "DELETE FROM task_runs WHERE task_id IN (SELECT id FROM tasks WHERE agent_id = ?1)",
    "DELETE FROM tasks WHERE agent_id = ?1",
    "DELETE FROM runs WHERE session_id IN (SELECT id FROM sessions WHERE agent_id = ?1)",
    "DELETE FROM due WHERE session_id IN (SELECT id FROM sessions WHERE agent_id = ?1)",
    "DELETE FROM questions WHERE session_id IN (SELECT id FROM sessions WHERE agent_id = ?1)",
    "DELETE FROM peer_messages WHERE from_session IN (SELECT id FROM sessions WHERE agent_id = ?1) \
     OR to_session IN (SELECT id FROM sessions WHERE agent_id = ?1)",
    "UPDATE approvals SET session_id = NULL \
     WHERE session_id IN (SELECT id FROM sessions WHERE agent_id = ?1)",
    "UPDATE approvals SET agent_id = NULL WHERE agent_id = ?1",
    "DELETE FROM roles WHERE agent_id = ?1",
    "DELETE FROM destinations WHERE agent_id = ?1",
    "DELETE FROM sessions WHERE agent_id = ?1",
    "DELETE FROM wirings WHERE agent_id = ?1",
];

fn uses(conn: &Connection, agent: &Agent) -> Result<AgentUses> {
    let texts = |sql: &str| -> Result<Vec<String>> {
        let mut select = conn.prepare_cached(sql)?;
        let rows = select.query_map([agent.id.as_str()], |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    };
    let own = format!("{}:{}", terminal::CHANNEL, agent.name);
    let mut rooms = texts(
        "SELECT r.channel_type || ':' || r.platform_id FROM wirings w JOIN rooms r \
         ON r.id = w.room_id WHERE w.agent_id = ?1 ORDER BY 1",
    )?;
    rooms.retain(|room| *room != own);
    Ok(AgentUses {
        rooms,
        written_by: texts(
            "SELECT a.name || '/' || d.name FROM destinations d JOIN agents a \
             ON a.id = d.agent_id WHERE d.target_agent_id = ?1 ORDER BY 1",
        )?,
        sessions: texts(
            "SELECT id FROM sessions WHERE agent_id = ?1 AND status = 'active' ORDER BY id",
        )?,
        ending: texts(
            "SELECT id FROM sessions WHERE agent_id = ?1 AND status = 'archived' AND clean = 0",
        )?,
        archived: texts("SELECT id FROM sessions WHERE agent_id = ?1 AND status = 'archived'")?,
        book: texts("SELECT name FROM destinations WHERE agent_id = ?1 ORDER BY name")?,
        roles: texts(
            "SELECT p.name || ' (' || o.role || ')' FROM roles o JOIN persons p \
             ON p.id = o.person_id WHERE o.agent_id = ?1 ORDER BY 1",
        )?,
        tasks: tasks::living(conn, "agent_id", agent.id.as_str())?,
    })
}
