//! Agents: their names, folders and container settings.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};
use schemas::{
    admin::{Agent, NewAgent},
    ids::{AgentId, RoomId},
    policy::ChainEntry,
    time,
};

use super::{Rules, Store, at, parsed, rules::wirings};
use crate::{
    channels::terminal,
    error::{ErrorKind, HostError, Result},
    limits,
};

/// An agent with what only the host needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentRecord {
    /// What everybody may see.
    pub agent: Agent,
    /// Its number in this install, from which its gid is made.
    pub gid_index: u32,
}

impl Store {
    /// Makes an agent, its terminal room and their wiring, all or nothing.
    ///
    /// # Errors
    /// `Conflict` when the name is taken.
    pub async fn create_agent(&self, new: NewAgent, now: Timestamp) -> Result<Agent> {
        self.call(move |conn| {
            let tx = conn.transaction()?;
            let taken: Option<i64> = tx
                .query_row("SELECT 1 FROM agents WHERE name = ?1", [&new.name], |row| row.get(0))
                .optional()?;
            if taken.is_some() {
                return Err(HostError::new(
                    ErrorKind::Conflict,
                    format!("there is an agent {:?} already", new.name),
                ));
            }
            let agent = agent_from(&new, now);
            insert_agent(&tx, &agent)?;
            let room = RoomId::mint(now);
            tx.execute(
                "INSERT INTO rooms (id, channel_type, platform_id, name, created_at) \
                 VALUES (?1, ?2, ?3, ?3, ?4)",
                params![room.as_str(), terminal::CHANNEL, new.name, time::format(now)],
            )?;
            let wiring = wirings::insert(&tx, &room, &agent.id, now)?;
            let rules = Rules {
                mode: new.session_mode,
                primary: true,
                trusted: new.trusted,
                ..Rules::default()
            };
            wirings::write(&tx, &wiring, &agent.id, &rules)?;
            if let Some(other) = &new.reachable_from {
                reach(&tx, other, &agent, now)?;
            }
            tx.commit()?;
            Ok(agent)
        })
        .await
    }

    /// All agents by name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn agents(&self) -> Result<Vec<Agent>> {
        self.call(|conn| {
            let mut select = conn.prepare_cached("SELECT * FROM agents ORDER BY name")?;
            let rows = select.query_map([], |row| agent_record(row).map(|found| found.agent))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// One agent by its id.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn agent(&self, id: AgentId) -> Result<AgentRecord> {
        self.call(move |conn| {
            conn.prepare_cached("SELECT * FROM agents WHERE id = ?1")?
                .query_row([id.as_str()], agent_record)
                .optional()?
                .ok_or_else(|| HostError::new(ErrorKind::NotFound, format!("no agent {id}")))
        })
        .await
    }
}

/// Puts a new agent into another's address book, under its own name.
fn reach(
    tx: &rusqlite::Transaction<'_>,
    other: &AgentId,
    agent: &Agent,
    now: Timestamp,
) -> Result<()> {
    let inserted = tx.execute(
        "INSERT INTO destinations (agent_id, name, target_agent_id, created_at) \
         VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        params![other.as_str(), agent.name, agent.id.as_str(), time::format(now)],
    )?;
    if inserted == 0 {
        let what = format!("there is a destination {:?} in that book already", agent.name);
        return Err(HostError::new(ErrorKind::Conflict, what));
    }
    Ok(())
}

fn agent_from(new: &NewAgent, now: Timestamp) -> Agent {
    let id = AgentId::mint(now);
    Agent {
        folder: new.name.clone(),
        id,
        name: new.name.clone(),
        provider: new.provider.clone(),
        image: new.image.clone(),
        memory_bytes: new.memory_bytes.unwrap_or(limits::DEFAULT_MEMORY_BYTES),
        milli_cpus: new.milli_cpus.unwrap_or(limits::DEFAULT_MILLI_CPUS),
        pids: new.pids.unwrap_or(limits::DEFAULT_PIDS),
        max_containers: new.max_containers,
        keep_days: new.keep_days,
        disk_bytes: new.disk_bytes,
        prompt: new.prompt.clone(),
        model: new.model.clone(),
        fallbacks: new.fallbacks.clone(),
        after_side_effects: new.after_side_effects,
        work_dir: new.work_dir.clone(),
        cli_scope: new.cli_scope,
        created_at: now,
    }
}

fn insert_agent(tx: &rusqlite::Transaction<'_>, agent: &Agent) -> Result<()> {
    tx.execute(
        "INSERT INTO agents (id, name, folder, provider, image, memory_bytes, milli_cpus, pids, \
         gid_index, created_at, prompt, model, work_dir, cli_scope, max_containers, \
         keep_days, disk_bytes, fallbacks, after_side_effects) \
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, coalesce(max(gid_index), 0) + 1, ?9, ?10, ?11, \
         ?12, ?13, ?14, ?15, ?16, ?17, ?18 FROM agents",
        params![
            agent.id.as_str(),
            agent.name,
            agent.folder,
            agent.provider,
            agent.image,
            i64::try_from(agent.memory_bytes).unwrap_or(i64::MAX),
            agent.milli_cpus,
            agent.pids,
            time::format(agent.created_at),
            agent.prompt,
            agent.model,
            agent.work_dir,
            agent.cli_scope.as_str(),
            agent.max_containers,
            agent.keep_days,
            agent.disk_bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
            written(&agent.fallbacks),
            agent.after_side_effects.as_str(),
        ],
    )?;
    Ok(())
}

/// A chain as it is stored; nobody is nothing.
pub(super) fn written(chain: &[ChainEntry]) -> Option<String> {
    if chain.is_empty() { None } else { serde_json::to_string(chain).ok() }
}

/// Who is asked after the first, in the order of its column.
fn fallbacks(row: &Row<'_>) -> rusqlite::Result<Vec<ChainEntry>> {
    let stored: Option<String> = row.get("fallbacks")?;
    match stored {
        None => Ok(Vec::new()),
        Some(_) => parsed(row, "fallbacks", |text| serde_json::from_str(text)),
    }
}

fn agent_record(row: &Row<'_>) -> rusqlite::Result<AgentRecord> {
    let memory: i64 = row.get("memory_bytes")?;
    let disk: Option<i64> = row.get("disk_bytes")?;
    Ok(AgentRecord {
        agent: Agent {
            id: parsed(row, "id", AgentId::parse)?,
            name: row.get("name")?,
            folder: row.get("folder")?,
            provider: row.get("provider")?,
            image: row.get("image")?,
            memory_bytes: u64::try_from(memory).unwrap_or(0),
            milli_cpus: row.get("milli_cpus")?,
            pids: row.get("pids")?,
            max_containers: row.get("max_containers")?,
            keep_days: row.get("keep_days")?,
            disk_bytes: disk.and_then(|bytes| u64::try_from(bytes).ok()),
            prompt: row.get("prompt")?,
            model: row.get("model")?,
            fallbacks: fallbacks(row)?,
            after_side_effects: parsed(row, "after_side_effects", str::parse)?,
            work_dir: row.get("work_dir")?,
            cli_scope: parsed(row, "cli_scope", str::parse)?,
            created_at: at(row, "created_at")?,
        },
        gid_index: row.get("gid_index")?,
    })
}
