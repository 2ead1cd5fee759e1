//! `wirings list|show|create|set|delete|test`.

use schemas::{
    admin::AdminAnswer,
    ids::AgentId,
    policy::{EngageMode, IgnoredPolicy, SenderScope, SessionMode, UnknownSenderPolicy},
};
use serde::{Deserialize, Serialize};

use super::{
    Desk, check,
    print::{answer, date, fields, table, yes},
    who_engages::Imagined,
};
use crate::{
    error::{ErrorKind, HostError, Result},
    people::Act,
    sessions::key::default_mode,
    store::{Rules, Task, Wiring},
    text::{admin as words, engage, tasks},
};

#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// List wirings, of all agents or of one
    List {
        /// Name or id of an agent
        agent: Option<String>,
    },
    /// Say who would engage over a message, and why; nothing is sent
    Test(Imagined),
    /// Show a wiring
    Show {
        /// ROOM/AGENT, or id
        wiring: String,
    },
    /// Let an agent listen in a room
    Create {
        /// CHANNEL:ID, name, or id
        room: String,
        /// Name or id
        agent: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// Change a wiring
    Set {
        /// ROOM/AGENT, or id
        wiring: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// Delete a wiring, with the destination that came with it; what was said is kept
    Delete {
        /// ROOM/AGENT, or id
        wiring: String,
        /// Only say what would go
        #[arg(long)]
        dry_run: bool,
    },
}

/// What may be said of a wiring; an empty text clears.
#[derive(Debug, Clone, PartialEq, Eq, Default, clap::Args, Serialize, Deserialize)]
pub struct Settings {
    /// Which messages share a session: shared (all of the room), per-thread, agent-shared (all of
    /// the agent's rooms that are wired so) [default: per-thread in groups with threads, else
    /// shared]
    #[arg(long)]
    mode: Option<SessionMode>,
    /// When it engages: pattern (the text matches --pattern, or always), mention, mention-sticky
    /// (from then on in that thread)
    #[arg(long, value_name = "WHEN")]
    engage: Option<EngageMode>,
    /// A regular expression; implies --engage pattern
    #[arg(long, value_name = "RE")]
    pattern: Option<String>,
    /// Whom it hears: all, or known (members, admins, owners)
    #[arg(long)]
    scope: Option<SenderScope>,
    /// What becomes of messages that it does not engage over: drop, or accumulate (they ride along
    /// with the next one that wakes it)
    #[arg(long)]
    ignored: Option<IgnoredPolicy>,
    /// Higher is asked first
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    priority: Option<i64>,
    /// Text of the agent's without an origin goes here
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    primary: Option<bool>,
    /// Its sessions may change the agent's own folder (memory, instructions)
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    trusted: Option<bool>,
    /// What the model is told here, instead of the agent's own prompt
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,
    /// The model here, instead of the agent's own
    #[arg(long)]
    model: Option<String>,
    /// The working folder here, instead of the agent's own
    #[arg(long, value_name = "DIR")]
    work_dir: Option<String>,
    /// Added to the prompt, whichever it is
    #[arg(long, value_name = "TEXT")]
    instructions: Option<String>,
}

impl Command {
    pub(super) fn act(&self) -> Act {
        match self {
            Self::List { agent: None } | Self::Test(_) => Act::LookAround,
            Self::List { agent: Some(_) }
            | Self::Show { .. }
            | Self::Delete { dry_run: true, .. } => Act::Look,
            Self::Create { .. } | Self::Set { .. } | Self::Delete { dry_run: false, .. } => {
                Act::ChangeWirings
            }
        }
    }

    pub(super) fn changes(&self) -> Option<String> {
        match self {
            Self::List { .. }
            | Self::Test(_)
            | Self::Show { .. }
            | Self::Delete { dry_run: true, .. } => None,
            Self::Create { room, agent, .. } => Some(format!("wirings create {room} {agent}")),
            Self::Set { wiring, .. } => Some(format!("wirings set {wiring}")),
            Self::Delete { wiring, dry_run: false } => Some(format!("wirings delete {wiring}")),
        }
    }

    pub(super) async fn pin(&mut self, desk: &Desk) -> Result<Option<AgentId>> {
        match self {
            Self::List { agent: None } => Ok(None),
            Self::List { agent: Some(agent) } => Ok(Some(desk.pin_agent(agent).await?)),
            Self::Test(imagined) => {
                desk.pin_room(&mut imagined.room).await?;
                Ok(None)
            }
            Self::Create { room, agent, .. } => {
                let agent = desk.pin_agent(agent).await?;
                desk.pin_room(room).await?;
                Ok(Some(agent))
            }
            Self::Show { wiring } | Self::Set { wiring, .. } | Self::Delete { wiring, .. } => {
                Ok(Some(desk.pin_wiring(wiring).await?))
            }
        }
    }

    pub(super) async fn run(self, desk: &Desk) -> Result<AdminAnswer> {
        match self {
            Self::List { agent } => {
                let mut wirings = desk.context.store.wirings().await?;
                if let Some(agent) = agent {
                    let agent = desk.agent(&agent).await?.id;
                    wirings.retain(|wiring| wiring.agent == agent);
                }
                Ok(answer(&wirings, for_people(&wirings)))
            }
            Self::Test(imagined) => imagined.run(desk).await,
            Self::Show { wiring } => {
                let wiring = desk.wiring(&wiring).await?;
                Ok(answer(&wiring, one_for_people(&wiring)))
            }
            Self::Create { room, agent, settings } => create(&room, &agent, settings, desk).await,
            Self::Set { wiring, settings } => {
                let id = desk.wiring(&wiring).await?.id;
                let change = move |rules: &mut Rules| settings.apply(rules);
                let wiring = desk.context.store.change_wiring(id, change).await?;
                desk.project(vec![wiring.agent.clone()]).await?;
                let what = format!("{}/{}", wiring.place, wiring.agent_name);
                Ok(answer(&wiring, with_warning(words::changed(&what), &wiring, desk).await?))
            }
            Self::Delete { wiring, dry_run } => delete(&wiring, dry_run, desk).await,
        }
    }
}

impl Settings {
    /// Says all of it, or why it cannot be.
    fn apply(self, rules: &mut Rules) -> Result<()> {
        if let Some(pattern) = self.pattern.and_then(check::text) {
            check::pattern(&pattern)?;
            rules.pattern = Some(pattern);
            rules.engage = EngageMode::Pattern;
        } else if let Some(engage) = self.engage {
            rules.pattern = None;
            rules.engage = engage;
        }
        if let Some(engage) = self.engage
            && engage != rules.engage
        {
            let what = format!("--pattern has no meaning with --engage {}", engage.as_str());
            return Err(HostError::new(ErrorKind::Invalid, what).hint("give one of them"));
        }
        rules.mode = self.mode.unwrap_or(rules.mode);
        rules.scope = self.scope.unwrap_or(rules.scope);
        rules.ignored = self.ignored.unwrap_or(rules.ignored);
        rules.priority = self.priority.unwrap_or(rules.priority);
        rules.primary = self.primary.unwrap_or(rules.primary);
        rules.trusted = self.trusted.unwrap_or(rules.trusted);
        let texts = [
            (&mut rules.prompt, self.prompt),
            (&mut rules.model, self.model),
            (&mut rules.instructions, self.instructions),
        ];
        for (rule, said) in texts {
            if let Some(said) = said {
                *rule = check::text(said);
            }
        }
        if let Some(dir) = self.work_dir {
            rules.work_dir = check::text(dir);
            rules.work_dir.as_deref().map_or(Ok(()), check::work_dir)?;
        }
        Ok(())
    }
}

async fn create(room: &str, agent: &str, settings: Settings, desk: &Desk) -> Result<AdminAnswer> {
    let (room, agent) = (desk.room(room).await?, desk.agent(agent).await?);
    let channels = &desk.context.channels;
    // Where no adapter says otherwise, a group is taken to have threads: without them it is the
    // same session.
    let threads = channels.named(&room.channel).is_none_or(|channel| channel.threads());
    let mut rules = Rules { mode: default_mode(threads, room.group), ..Rules::default() };
    settings.apply(&mut rules)?;
    let now = desk.context.clock.now();
    let made = desk.context.store.create_wiring(room.id, agent.id.clone(), rules, now).await?;
    desk.project(vec![agent.id]).await?;
    let text = words::wired(&made.agent_name, &made.place);
    Ok(answer(&made, with_warning(text, &made, desk).await?))
}

async fn delete(wiring: &str, dry_run: bool, desk: &Desk) -> Result<AdminAnswer> {
    let wiring = desk.wiring(wiring).await?;
    let what = format!("{}/{}", wiring.place, wiring.agent_name);
    if dry_run {
        let mut goes = vec![format!("the wiring {what}")];
        let book = desk.context.store.destinations().await?;
        let own = book.iter().filter(|entry| entry.wiring.as_ref() == Some(&wiring.id));
        goes.extend(
            own.map(|entry| format!("the destination {}/{}", entry.agent_name, entry.name)),
        );
        goes.extend(stops(&wiring, desk).await?);
        return Ok(answer(&wiring, words::would_go(&goes)));
    }
    desk.context.store.delete_wiring(wiring.id.clone()).await?;
    desk.project(vec![wiring.agent.clone()]).await?;
    let said = std::iter::once(words::gone(&what)).chain(stops(&wiring, desk).await?);
    Ok(answer(&wiring, said.collect::<Vec<_>>().join("\n")))
}

/// The tasks that have no room then.
async fn stops(wiring: &Wiring, desk: &Desk) -> Result<Option<String>> {
    let mut tasks = desk.context.store.tasks(Some(wiring.agent.clone())).await?;
    tasks.retain(|task| task.room == wiring.room && task.lives());
    let names: Vec<String> = tasks.iter().map(Task::title).collect();
    Ok((!names.is_empty()).then(|| tasks::would_stop(&names)))
}

/// Rooms of unequal trust in one session are allowed, not silently.
async fn with_warning(text: String, wiring: &Wiring, desk: &Desk) -> Result<String> {
    if wiring.rules.mode != SessionMode::AgentShared {
        return Ok(text);
    }
    let store = &desk.context.store;
    let mut open = Vec::new();
    for other in store.wirings().await? {
        if other.agent == wiring.agent && other.rules.mode == SessionMode::AgentShared {
            let policy = store.room(other.room).await?.unknown_sender;
            open.push(policy == UnknownSenderPolicy::Public);
        }
    }
    let unequal = open.contains(&true) && open.contains(&false);
    Ok(if unequal { format!("{text}\n{}", engage::UNEQUAL_TRUST) } else { text })
}

fn for_people(wirings: &[Wiring]) -> String {
    let rows: Vec<[String; 8]> = wirings
        .iter()
        .map(|wiring| {
            let rules = &wiring.rules;
            [
                wiring.place.clone(),
                wiring.agent_name.clone(),
                rules.mode.as_str().to_owned(),
                engages(rules),
                rules.scope.as_str().to_owned(),
                rules.ignored.as_str().to_owned(),
                rules.priority.to_string(),
                wiring.id.to_string(),
            ]
        })
        .collect();
    table(["ROOM", "AGENT", "MODE", "ENGAGES", "HEARS", "IGNORED", "PRIORITY", "ID"], &rows)
}

fn engages(rules: &Rules) -> String {
    match (rules.engage, &rules.pattern) {
        (EngageMode::Pattern, None) => "always".to_owned(),
        (EngageMode::Pattern, Some(pattern)) => format!("/{pattern}/"),
        (EngageMode::Mention | EngageMode::MentionSticky, _) => rules.engage.as_str().to_owned(),
    }
}

fn one_for_people(wiring: &Wiring) -> String {
    let rules = &wiring.rules;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    fields(&[
        ("id", wiring.id.to_string()),
        ("room", wiring.place.clone()),
        ("agent", wiring.agent_name.clone()),
        ("mode", rules.mode.as_str().to_owned()),
        ("engages", engages(rules)),
        ("hears", rules.scope.as_str().to_owned()),
        ("ignored", rules.ignored.as_str().to_owned()),
        ("priority", rules.priority.to_string()),
        ("primary", yes(rules.primary)),
        ("trusted", yes(rules.trusted)),
        ("prompt", text(&rules.prompt)),
        ("model", text(&rules.model)),
        ("work dir", text(&rules.work_dir)),
        ("instructions", text(&rules.instructions)),
        ("made", date(wiring.created_at)),
    ])
}
