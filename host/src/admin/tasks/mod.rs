//! `tasks list|show|create|set|pause|resume|run|cancel|log`.

use jiff::Timestamp;
use schemas::{
    action::TaskHow,
    admin::AdminAnswer,
    ids::{AgentId, TaskId},
    policy::{Missed, TaskStatus},
};
use serde::{Deserialize, Serialize};

use super::{Desk, check::text, print::answer};
use crate::{
    error::{ErrorKind, HostError, Result},
    people::Act,
    schedule,
    store::Task,
    text::tasks as words,
};

pub(crate) mod rules;
mod shown;

use rules::{Changes, NewTask};

#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// List tasks, the next one first
    List {
        /// Only this agent's
        #[arg(long)]
        agent: Option<String>,
        /// Those that are over, too
        #[arg(long)]
        all: bool,
    },
    /// Show a task and its next times
    Show {
        /// NAME, AGENT/NAME, or id
        task: String,
    },
    /// Have something done at a time, or again and again
    Create(Box<Create>),
    /// Change a task; it stays the same series
    Set(Box<Set>),
    /// Do nothing more of a task before it is resumed
    Pause {
        /// NAME, AGENT/NAME, or id
        task: String,
    },
    /// Go on with a task at its next time
    Resume {
        /// NAME, AGENT/NAME, or id
        task: String,
    },
    /// Do a task now, beside its schedule
    Run {
        /// NAME, AGENT/NAME, or id
        task: String,
    },
    /// End a task for good
    Cancel {
        /// NAME, AGENT/NAME, or id
        task: String,
    },
    /// Show what came of a task's last times
    Log {
        /// NAME, AGENT/NAME, or id
        task: String,
        /// How many
        #[arg(short = 'n', long, default_value_t = 20)]
        limit: u32,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
pub struct Create {
    /// Who does it: name or id
    agent: String,
    /// What is to be done
    prompt: String,
    /// What people call it
    #[arg(long)]
    name: Option<String>,
    /// Where it is done, and where the answer goes [default: the agent's first room]
    #[arg(long, value_name = "ROOM")]
    room: Option<String>,
    /// A thread of that room
    #[arg(long)]
    thread: Option<String>,
    #[command(flatten)]
    how: How,
    /// Only show the next five times
    #[arg(long)]
    dry_run: bool,
    /// Given when its names became ids: done twice, it makes one task.
    #[arg(skip)]
    id: Option<TaskId>,
}

#[derive(Debug, Clone, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
pub struct Set {
    /// NAME, AGENT/NAME, or id
    task: String,
    /// What is to be done
    #[arg(long)]
    prompt: Option<String>,
    /// What people call it; an empty one clears
    #[arg(long)]
    name: Option<String>,
    /// Where it is done, and where the answer goes
    #[arg(long, value_name = "ROOM")]
    room: Option<String>,
    /// A thread of that room; an empty one clears
    #[arg(long)]
    thread: Option<String>,
    #[command(flatten)]
    how: How,
}

/// When and how; the same as an agent's wish.
#[derive(Debug, Clone, PartialEq, Eq, Default, clap::Args, Serialize, Deserialize)]
pub struct How {
    /// Once, then: 2027-01-31T08:00, 08:00, +20m, or RFC 3339
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Again and again: minute hour day month weekday, or @daily
    #[arg(long, value_name = "CRON")]
    every: Option<String>,
    /// The IANA name of the time zone of both [default: the host's]
    #[arg(long)]
    zone: Option<String>,
    /// What becomes of times that passed while the host was down: skip, once, all [default: once]
    #[arg(long, value_name = "POLICY")]
    missed: Option<Missed>,
    /// A shell script that runs before the model; its last line is {"wakeAgent": bool, "data": …},
    /// and false spares the call; an empty one clears
    #[arg(long, value_name = "SH")]
    script: Option<String>,
    /// More often than every 15 minutes without a script, on purpose
    #[arg(long)]
    often: bool,
}

impl From<How> for TaskHow {
    fn from(how: How) -> Self {
        let How { at, every, zone, missed, script, often } = how;
        Self { at, every, zone, missed, script, often }
    }
}

impl Command {
    pub(super) fn act(&self) -> Act {
        match self {
            Self::List { agent: None, .. } => Act::LookAround,
            Self::List { agent: Some(_), .. } | Self::Show { .. } | Self::Log { .. } => Act::Look,
            Self::Create(create) if create.dry_run => Act::Look,
            Self::Create(_)
            | Self::Set(_)
            | Self::Pause { .. }
            | Self::Resume { .. }
            | Self::Run { .. }
            | Self::Cancel { .. } => Act::ChangeTasks,
        }
    }

    pub(super) fn changes(&self) -> Option<String> {
        match self {
            Self::List { .. } | Self::Show { .. } | Self::Log { .. } => None,
            Self::Create(create) if create.dry_run => None,
            Self::Create(create) => {
                Some(format!("tasks create {} {:?}", create.agent, create.prompt))
            }
            Self::Set(set) => Some(format!("tasks set {}", set.task)),
            Self::Pause { task } => Some(format!("tasks pause {task}")),
            Self::Resume { task } => Some(format!("tasks resume {task}")),
            Self::Run { task } => Some(format!("tasks run {task}")),
            Self::Cancel { task } => Some(format!("tasks cancel {task}")),
        }
    }

    pub(super) async fn pin(&mut self, desk: &Desk) -> Result<Option<AgentId>> {
        match self {
            Self::List { agent: None, .. } => Ok(None),
            Self::List { agent: Some(agent), .. } => desk.pin_agent(agent).await.map(Some),
            Self::Create(create) => create.pin(desk).await.map(Some),
            Self::Set(set) => {
                let agent = desk.pin_task(&mut set.task).await?;
                if let Some(room) = &mut set.room {
                    desk.pin_room(room).await?;
                }
                let zone = match &set.how.zone {
                    Some(zone) => zone.clone(),
                    None => desk.task(&set.task).await?.zone,
                };
                set.how.pin(&zone, desk)?;
                Ok(Some(agent))
            }
            Self::Show { task }
            | Self::Pause { task }
            | Self::Resume { task }
            | Self::Run { task }
            | Self::Cancel { task }
            | Self::Log { task, .. } => desk.pin_task(task).await.map(Some),
        }
    }

    pub(super) async fn run(self, desk: &Desk, by: String) -> Result<AdminAnswer> {
        match self {
            Self::List { agent, all } => {
                let agent = match agent {
                    Some(agent) => Some(desk.agent(&agent).await?.id),
                    None => None,
                };
                let mut tasks = desk.context.store.tasks(agent).await?;
                // What went wrong for good is shown until somebody has dealt with it.
                tasks.retain(|task| all || task.lives() || task.status == TaskStatus::Failed);
                Ok(answer(&tasks, shown::list(&tasks)))
            }
            Self::Show { task } => {
                let task = desk.task(&task).await?;
                let text = shown::one(&task, desk.context.clock.now());
                Ok(answer(&task, text))
            }
            Self::Create(create) => create.run(desk, by).await,
            Self::Set(set) => set.run(desk).await,
            Self::Pause { task } => {
                let task = rules::pause(desk, desk.task(&task).await?.id).await?;
                Ok(answer(&task, words::paused(&task)))
            }
            Self::Resume { task } => {
                let task = rules::resume(desk, desk.task(&task).await?.id).await?;
                Ok(answer(&task, words::resumed(&task, &shown::next(&task))))
            }
            Self::Run { task } => {
                let task = desk.task(&task).await?;
                rules::run_now(desk, &task).await?;
                Ok(answer(&task, words::runs(&task)))
            }
            Self::Cancel { task } => {
                let task = rules::cancel(desk, desk.task(&task).await?.id).await?;
                Ok(answer(&task, words::cancelled(&task)))
            }
            Self::Log { task, limit } => {
                let task = desk.task(&task).await?;
                let log = desk.context.store.task_log(task.id.clone(), limit).await?;
                Ok(answer(&log, shown::log(&task, &log)))
            }
        }
    }
}

impl How {
    /// A time that is told from now is another one tomorrow, when somebody says yes.
    fn pin(&mut self, zone: &str, desk: &Desk) -> Result<()> {
        if let Some(at) = &mut self.at {
            let zone = schedule::zone(zone)?;
            *at = schedule::at(at, &zone, desk.context.clock.now())?.to_string();
        }
        Ok(())
    }
}

impl Create {
    async fn pin(&mut self, desk: &Desk) -> Result<AgentId> {
        let agent = desk.pin_agent(&mut self.agent).await?;
        if let Some(room) = &mut self.room {
            desk.pin_room(room).await?;
        }
        let zone = self.how.zone.get_or_insert_with(|| desk.context.time_zone.clone()).clone();
        // An approval is carried out later than it was asked for, and then the time may be past.
        if self.id.is_none() {
            self.how.pin(&zone, desk)?;
            self.id = Some(TaskId::mint(desk.context.clock.now()));
        }
        Ok(agent)
    }

    async fn run(self, desk: &Desk, by: String) -> Result<AdminAnswer> {
        let agent = desk.agent(&self.agent).await?;
        let room = match &self.room {
            Some(room) => Some(desk.room(room).await?.id),
            None => None,
        };
        let new = NewTask {
            id: self.id.unwrap_or_else(|| TaskId::mint(desk.context.clock.now())),
            agent,
            room,
            thread: self.thread,
            made_in: None,
            made_by: by,
            name: self.name.and_then(text),
            prompt: self.prompt,
            how: self.how.into(),
        };
        if self.dry_run {
            let (task, when) = rules::made(desk, new).await?;
            let times = shown::times(&when.times, &task.zone);
            let raw: Vec<Timestamp> = when.times;
            return Ok(answer(&raw, words::would_come(&times)));
        }
        let task = rules::create(desk, new).await?;
        Ok(answer(&task, words::made(&task, &shown::next(&task))))
    }
}

impl Set {
    async fn run(self, desk: &Desk) -> Result<AdminAnswer> {
        let id = desk.task(&self.task).await?.id;
        let room = match &self.room {
            Some(room) => Some(desk.room(room).await?.id),
            None => None,
        };
        let changes = Changes {
            name: self.name,
            prompt: self.prompt,
            room,
            thread: self.thread,
            how: self.how.into(),
        };
        if changes == Changes::default() {
            return Err(HostError::new(ErrorKind::Invalid, "nothing is to be changed")
                .hint("lazaret tasks set --help"));
        }
        let task: Task = rules::set(desk, id, changes).await?;
        Ok(answer(&task, words::changed(&task, &shown::next(&task))))
    }
}
