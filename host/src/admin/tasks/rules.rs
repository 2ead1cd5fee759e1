//! What makes and changes a task, whoever asks: people by commands, agents by actions.
//!
//! Owns what must hold of a task that is saved, and that the daemon hears of its next time.

use jiff::Timestamp;
use schemas::{
    action::TaskHow,
    admin::Agent,
    ids::{RoomId, TaskId},
    message::Address,
    policy::TaskStatus,
};

use super::super::{Desk, check};
use crate::{
    error::{ErrorKind, HostError, Result},
    limits::task as limits,
    occurrences,
    requests::Request,
    schedule::{Every, Wanted, When, check as check_when, zone},
    store::Task,
};

/// What a task is made from.
#[derive(Debug, Clone)]
pub(crate) struct NewTask {
    pub(crate) id: TaskId,
    pub(crate) agent: Agent,
    /// `None` is the agent's first room.
    pub(crate) room: Option<RoomId>,
    pub(crate) thread: Option<String>,
    pub(crate) made_in: Option<String>,
    pub(crate) made_by: String,
    pub(crate) name: Option<String>,
    pub(crate) prompt: String,
    pub(crate) how: TaskHow,
}

/// What changes of a task; an empty text clears.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Changes {
    pub(crate) name: Option<String>,
    pub(crate) prompt: Option<String>,
    pub(crate) room: Option<RoomId>,
    pub(crate) thread: Option<String>,
    pub(crate) how: TaskHow,
}

/// Makes a task.
pub(crate) async fn create(desk: &Desk, new: NewTask) -> Result<Task> {
    // Asked again after a crash its time may be past; it is there already.
    if let Ok(known) = desk.context.store.task(new.id.clone()).await {
        return Ok(known);
    }
    let (task, _) = made(desk, new).await?;
    let task = desk.context.store.create_task(task).await?;
    look_at(desk, &task).await;
    Ok(task)
}

/// A task as it would be made, and its next times.
pub(crate) async fn made(desk: &Desk, new: NewTask) -> Result<(Task, When)> {
    let (context, now) = (&desk.context, desk.context.clock.now());
    let zone = new.how.zone.as_deref().unwrap_or(&context.time_zone);
    let script = new.how.script.clone().and_then(check::text);
    let wanted = Wanted {
        once: new.how.at.as_deref(),
        every: new.how.every.as_deref(),
        zone,
        scripted: script.is_some(),
        often: new.how.often,
    };
    let when = check_when(wanted, now)?;
    let wirings = context.store.wirings_of(new.agent.id.clone()).await?;
    let wiring = match &new.room {
        Some(room) => wirings.iter().find(|wiring| wiring.room == *room),
        None => wirings.first(),
    };
    let wiring = wiring.ok_or_else(|| {
        HostError::new(ErrorKind::Conflict, format!("{} does not listen there", new.agent.name))
            .hint("wire it first: lazaret wirings create <room> <agent>")
    })?;
    let threads = context.channels.at(&wiring.place).is_none_or(|channel| channel.threads());
    let task = Task {
        id: new.id,
        name: new.name,
        agent: new.agent.id,
        agent_name: new.agent.name,
        room: wiring.room.clone(),
        address: Address { thread_id: new.thread.filter(|_| threads), ..wiring.place.clone() },
        made_in: new.made_in,
        made_by: new.made_by,
        prompt: new.prompt,
        script,
        cron: when.every.clone(),
        once_at: when.once,
        zone: when.zone.clone(),
        missed: new.how.missed.unwrap_or_default(),
        status: TaskStatus::Active,
        why: None,
        untold: false,
        next_at: when.first(),
        failures: 0,
        created_at: now,
    };
    fits(&task)?;
    Ok((task, when))
}

/// Changes a task that is not over.
pub(crate) async fn set(desk: &Desk, id: TaskId, changes: Changes) -> Result<Task> {
    let now = desk.context.clock.now();
    let place = match &changes.room {
        Some(room) => {
            let agent = desk.context.store.task(id.clone()).await?.agent;
            let wirings = desk.context.store.wirings_of(agent).await?;
            let wired = wirings.into_iter().find(|wiring| wiring.room == *room);
            Some(wired.map(|wiring| wiring.place).ok_or_else(|| {
                HostError::new(ErrorKind::Conflict, "its agent does not listen there")
                    .hint("wire it first: lazaret wirings create <room> <agent>")
            })?)
        }
        None => None,
    };
    let change = move |task: &mut Task| {
        lives(task)?;
        if let (Some(room), Some(place)) = (changes.room, place) {
            (task.room, task.address) = (room, place);
        }
        if let Some(thread) = changes.thread {
            task.address.thread_id = check::text(thread);
        }
        if let Some(name) = changes.name {
            task.name = check::text(name);
        }
        if let Some(prompt) = changes.prompt {
            task.prompt = prompt;
        }
        task.missed = changes.how.missed.unwrap_or(task.missed);
        reschedule(task, &changes.how, now)?;
        fits(task)
    };
    let task = desk.context.store.change_task(id, change).await?;
    look_at(desk, &task).await;
    Ok(task)
}

/// Nothing more is done of it.
pub(crate) async fn pause(desk: &Desk, id: TaskId) -> Result<Task> {
    desk.context
        .store
        .change_task(id, |task| {
            lives(task)?;
            task.status = TaskStatus::Paused;
            Ok(())
        })
        .await
}

/// It goes on: what would have been while it rested is not made up for, but a single time is.
pub(crate) async fn resume(desk: &Desk, id: TaskId) -> Result<Task> {
    let now = desk.context.clock.now();
    let go_on = move |task: &mut Task| {
        lives(task)?;
        if let (TaskStatus::Paused, Some(cron)) = (task.status, &task.cron) {
            task.next_at = Every::read(cron, zone(&task.zone)?)?.next(now);
        }
        (task.status, task.failures, task.why, task.untold) = (TaskStatus::Active, 0, None, false);
        Ok(())
    };
    let task = desk.context.store.change_task(id, go_on).await?;
    look_at(desk, &task).await;
    Ok(task)
}

/// It is done now, beside its schedule.
pub(crate) async fn run_now(desk: &Desk, task: &Task) -> Result<()> {
    match task.status {
        TaskStatus::Active | TaskStatus::Paused | TaskStatus::Failed => {}
        TaskStatus::Done | TaskStatus::Cancelled => lives(task)?,
    }
    let (context, now) = (&desk.context, desk.context.clock.now());
    let session = occurrences::place(desk, task).await?;
    let message = occurrences::message(task);
    context.store.run_task(task.id.clone(), now, session, message).await?;
    desk.daemon.tell(Request::LookAtTasks(now)).await;
    Ok(())
}

/// It ends for good.
pub(crate) async fn cancel(desk: &Desk, id: TaskId) -> Result<Task> {
    desk.context
        .store
        .change_task(id, |task| {
            (task.status, task.next_at, task.untold) = (TaskStatus::Cancelled, None, false);
            Ok(())
        })
        .await
}

fn reschedule(task: &mut Task, how: &TaskHow, now: Timestamp) -> Result<()> {
    let scripted = how.script.is_some();
    if let Some(script) = how.script.clone() {
        task.script = check::text(script);
    }
    let elsewhere = how.zone.is_some();
    if let Some(zone_name) = &how.zone {
        zone(zone_name)?;
        task.zone.clone_from(zone_name);
    }
    let again = (scripted || elsewhere).then(|| task.cron.clone()).flatten();
    let every = how.every.clone().or_else(|| again.filter(|_| how.at.is_none()));
    if how.at.is_none() && every.is_none() {
        return Ok(());
    }
    let wanted = Wanted {
        once: how.at.as_deref(),
        every: every.as_deref(),
        zone: &task.zone,
        scripted: task.script.is_some(),
        often: how.often,
    };
    let when = check_when(wanted, now)?;
    task.next_at = when.first();
    (task.cron, task.once_at) = (when.every, when.once);
    Ok(())
}

async fn look_at(desk: &Desk, task: &Task) {
    if let Some(at) = task.next_at.filter(|_| task.status == TaskStatus::Active) {
        desk.daemon.tell(Request::LookAtTasks(at)).await;
    }
}

fn lives(task: &Task) -> Result<()> {
    if task.lives() {
        return Ok(());
    }
    let what = format!("task {} is over: {}", task.title(), task.status.as_str());
    Err(HostError::new(ErrorKind::Conflict, what).hint("make a new one: lazaret tasks create"))
}

fn fits(task: &Task) -> Result<()> {
    if let Some(name) = &task.name {
        check::name("a task", name)?;
    }
    if task.prompt.trim().is_empty() {
        return Err(HostError::new(ErrorKind::Invalid, "a task has a prompt")
            .hint("say what is to be done"));
    }
    let script = task.script.as_deref().unwrap_or_default();
    for (what, text, most) in [
        ("prompt", task.prompt.as_str(), limits::PROMPT_BYTES),
        ("script", script, limits::SCRIPT_BYTES),
    ] {
        if text.len() > most {
            let what = format!("a task's {what} has at most {most} bytes");
            return Err(HostError::new(ErrorKind::TooLarge, what)
                .hint("put what is long into the agent's folder"));
        }
    }
    Ok(())
}
