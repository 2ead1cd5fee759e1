//! `agents list|show|create|set|delete|restart`.

use schemas::{
    admin::{AdminAnswer, Agent, NewAgent},
    ids::AgentId,
    policy::{AfterSideEffects, SessionMode},
};
use serde::{Deserialize, Serialize};

use super::{
    Desk,
    agent_settings::Settings,
    check,
    folders::Folders,
    print::{answer, date, fields, size, table},
    sessions,
    sizes::Keep,
};
use crate::{
    error::Result, limits::upkeep as limits, people::Act, store::AgentUses, text,
    text::admin as words,
};

#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// List agents
    List,
    /// Show an agent
    Show {
        /// Name or id
        agent: String,
    },
    /// Make an agent, with a folder, a room at the terminal and its wiring
    Create(Create),
    /// Change an agent
    Set {
        /// Name or id
        agent: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// Delete an agent that nothing uses; its folders are kept aside
    Delete {
        /// Name or id
        agent: String,
        /// Only say what would go
        #[arg(long)]
        dry_run: bool,
    },
    /// End an agent's containers after their runs; what comes then finds fresh ones
    Restart {
        /// Name or id
        agent: String,
        /// Do not wait for the runs
        #[arg(long)]
        now: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
pub struct Create {
    /// What people call it; unique
    name: String,
    #[command(flatten)]
    settings: Settings,
    /// Which messages share a session: shared (all of a room), per-thread, agent-shared (all)
    #[arg(long, default_value = "shared")]
    session_mode: SessionMode,
    /// Let the terminal room change the agent's own folder (memory, instructions)
    #[arg(long)]
    trusted: bool,
    /// Another agent that may write to it from the beginning: name or id
    #[arg(long, value_name = "AGENT")]
    reachable_from: Option<String>,
}

impl Command {
    pub(super) fn act(&self) -> Act {
        match self {
            Self::List => Act::LookAround,
            Self::Show { .. } | Self::Delete { dry_run: true, .. } => Act::Look,
            Self::Create(_) => Act::CreateAgent,
            Self::Set { .. } => Act::SetAgent,
            Self::Delete { dry_run: false, .. } => Act::DeleteAgent,
            Self::Restart { .. } => Act::ChangeSessions,
        }
    }

    pub(super) fn changes(&self) -> Option<String> {
        match self {
            Self::List | Self::Show { .. } | Self::Delete { dry_run: true, .. } => None,
            Self::Create(create) => Some(format!("agents create {}", create.name)),
            Self::Set { agent, .. } => Some(format!("agents set {agent}")),
            Self::Delete { agent, dry_run: false } => Some(format!("agents delete {agent}")),
            Self::Restart { agent, .. } => Some(format!("agents restart {agent}")),
        }
    }

    pub(super) async fn pin(&mut self, desk: &Desk) -> Result<Option<AgentId>> {
        match self {
            Self::List => Ok(None),
            Self::Create(create) => {
                if let Some(other) = &mut create.reachable_from {
                    desk.pin_agent(other).await?;
                }
                Ok(None)
            }
            Self::Show { agent }
            | Self::Set { agent, .. }
            | Self::Delete { agent, .. }
            | Self::Restart { agent, .. } => Ok(Some(desk.pin_agent(agent).await?)),
        }
    }

    pub(super) async fn run(self, desk: &Desk) -> Result<AdminAnswer> {
        match self {
            Self::List => {
                let agents = desk.context.store.agents().await?;
                Ok(answer(&agents, for_people(&agents)))
            }
            Self::Show { agent } => {
                let agent = desk.agent(&agent).await?;
                Ok(answer(&agent, one_for_people(&agent, desk)))
            }
            Self::Create(create) => {
                let other = match &create.reachable_from {
                    Some(other) => Some(desk.agent(other).await?.id),
                    None => None,
                };
                let new = NewAgent { reachable_from: other.clone(), ..NewAgent::from(create) };
                check::agent(&new)?;
                let now = desk.context.clock.now();
                let agent = desk.context.store.create_agent(new, now).await?;
                desk.project(other.into_iter().collect()).await?;
                let name = &agent.name;
                let text = format!("made {name}; talk with it: lazaret chat {name}");
                Ok(answer(&agent, text))
            }
            Self::Set { agent, settings } => set(&agent, settings, desk).await,
            Self::Delete { agent, dry_run } => {
                delete(desk.agent(&agent).await?, dry_run, desk).await
            }
            Self::Restart { agent, now } => restart(&desk.agent(&agent).await?, now, desk).await,
        }
    }
}

impl From<Create> for NewAgent {
    fn from(create: Create) -> Self {
        let told = create.settings;
        Self {
            provider: told.provider.unwrap_or_else(|| Self::named("").provider),
            image: told.image.and_then(check::text),
            memory_bytes: told.memory,
            milli_cpus: told.cpus,
            pids: told.pids,
            max_containers: told.max_containers.filter(|most| *most > 0),
            keep_days: told.keep.and_then(Keep::days),
            disk_bytes: told.disk,
            session_mode: create.session_mode,
            trusted: create.trusted,
            prompt: told.prompt.and_then(check::text),
            model: told.model.and_then(check::text),
            fallbacks: check::chain(told.fallback),
            after_side_effects: told.after_side_effects.unwrap_or_default(),
            work_dir: told.work_dir.and_then(check::text),
            cli_scope: told.cli_scope.unwrap_or_default(),
            name: create.name,
            reachable_from: None,
        }
    }
}

async fn set(agent: &str, settings: Settings, desk: &Desk) -> Result<AdminAnswer> {
    let agent = desk.agent(agent).await?;
    let mut changed = agent.clone();
    settings.clone().apply(&mut changed);
    check::agent(&NewAgent {
        provider: changed.provider.clone(),
        fallbacks: changed.fallbacks.clone(),
        memory_bytes: Some(changed.memory_bytes),
        milli_cpus: Some(changed.milli_cpus),
        pids: Some(changed.pids),
        work_dir: changed.work_dir.clone(),
        ..NewAgent::named(&changed.name)
    })?;
    let restarts = settings.needs_a_start();
    let agent = desk.context.store.change_agent(agent.id, |agent| settings.apply(agent)).await?;
    desk.project(vec![agent.id.clone()]).await?;
    let text = words::changed(&agent.name);
    let text =
        if restarts { format!("{text}; {} {}", words::AT_NEXT_START, agent.name) } else { text };
    Ok(answer(&agent, text))
}

async fn delete(agent: Agent, dry_run: bool, desk: &Desk) -> Result<AdminAnswer> {
    let uses = desk.context.store.agent_uses(agent.clone()).await?;
    if !uses.may_go() {
        let by: [(&str, &[String]); 4] = [
            ("room", &uses.rooms),
            ("destination", &uses.written_by),
            ("session", &uses.sessions),
            ("archived session that still ends", &uses.ending),
        ];
        return Err(words::in_use(&agent.name, &by));
    }
    if dry_run {
        return Ok(answer(&agent, words::would_go(&goes(&agent, &uses))));
    }
    // Its folders first: a host that dies here leaves an agent that can be deleted again, and none
    // that a new one of its name would inherit from.
    let folders = Folders::of(&agent, desk);
    let aside = folders.clone().put_aside().await?;
    if let Err(failure) = desk.context.store.delete_agent(agent.clone()).await {
        folders.put_back().await?;
        return Err(failure);
    }
    desk.project(Vec::new()).await?;
    Ok(answer(&agent, words::agent_gone(&agent.name, aside.as_deref())))
}

fn goes(agent: &Agent, uses: &AgentUses) -> Vec<String> {
    let mut goes = vec![format!("the agent {} with its room at the terminal", agent.name)];
    let more = [
        ("archived session", uses.archived.len()),
        ("destination", uses.book.len()),
        ("role of people", uses.roles.len()),
        ("task", uses.tasks.len()),
    ];
    goes.extend(
        more.iter().filter(|(_, count)| *count > 0).map(|(what, n)| format!("{n} × {what}")),
    );
    goes.push(words::KEPT_ASIDE.to_owned());
    goes
}

async fn restart(agent: &Agent, now: bool, desk: &Desk) -> Result<AdminAnswer> {
    let mut restarted = Vec::new();
    for session in sessions::live(Some(&agent.id), desk).await? {
        restarted.push(sessions::restart(session.id, now, desk).await?);
    }
    let lines: Vec<String> = restarted.iter().map(words::restarts).collect();
    let text =
        if lines.is_empty() { format!("{} has no sessions", agent.name) } else { lines.join("\n") };
    Ok(answer(&restarted, text))
}

fn one_for_people(agent: &Agent, desk: &Desk) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let folder = desk.context.home.join("agents").join(&agent.folder);
    fields(&[
        ("id", agent.id.to_string()),
        ("name", agent.name.clone()),
        ("provider", agent.provider.clone()),
        ("model", text(&agent.model)),
        ("else", else_asked(agent)),
        ("image", agent.image.clone().unwrap_or_else(|| "built-in".to_owned())),
        ("memory", size(agent.memory_bytes)),
        ("cpus", (f64::from(agent.milli_cpus) / 1000.0).to_string()),
        ("pids", agent.pids.to_string()),
        (
            "containers",
            agent.max_containers.map_or_else(String::new, |most| format!("at most {most}")),
        ),
        ("kept", words::kept(agent.keep_days, desk.context.upkeep.keep_days)),
        ("disk", format!("{} a session", size(agent.disk_bytes.unwrap_or(limits::DISK_BYTES)))),
        ("work dir", text(&agent.work_dir)),
        ("commands", agent.cli_scope.as_str().to_owned()),
        ("prompt", text(&agent.prompt)),
        ("folder", folder.display().to_string()),
        ("made", date(agent.created_at)),
    ])
}

/// Who is asked when the first provider cannot answer.
fn else_asked(agent: &Agent) -> String {
    let mut said: Vec<String> = agent.fallbacks.iter().map(ToString::to_string).collect();
    if !said.is_empty() && agent.after_side_effects == AfterSideEffects::Fail {
        said.push(text::UNLESS_TOOLS_ACTED.to_owned());
    }
    said.join(", ")
}

fn for_people(agents: &[Agent]) -> String {
    let rows: Vec<[String; 6]> = agents
        .iter()
        .map(|agent| {
            [
                agent.name.clone(),
                agent.provider.clone(),
                agent.image.clone().unwrap_or_else(|| "built-in".to_owned()),
                size(agent.memory_bytes),
                (f64::from(agent.milli_cpus) / 1000.0).to_string(),
                agent.pids.to_string(),
            ]
        })
        .collect();
    table(["NAME", "PROVIDER", "IMAGE", "MEMORY", "CPUS", "PIDS"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use schemas::policy::CliScope;

    #[test]
    fn agents_are_listed_with_their_walls() {
        let agent = Agent {
            id: AgentId::mint(Timestamp::UNIX_EPOCH),
            name: "andy".to_owned(),
            folder: "andy".to_owned(),
            provider: "echo".to_owned(),
            image: None,
            memory_bytes: 2 << 30,
            milli_cpus: 1500,
            pids: 512,
            max_containers: None,
            keep_days: None,
            disk_bytes: None,
            prompt: None,
            model: None,
            fallbacks: Vec::new(),
            after_side_effects: AfterSideEffects::default(),
            work_dir: None,
            cli_scope: CliScope::default(),
            created_at: Timestamp::UNIX_EPOCH,
        };
        insta::assert_snapshot!(for_people(&[agent]), @r"
        NAME  PROVIDER  IMAGE     MEMORY  CPUS  PIDS
        andy  echo      built-in  2 GiB   1.5   512
        ");
    }
}
