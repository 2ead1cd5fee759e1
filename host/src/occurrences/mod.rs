//! Tasks whose time has come: from the table to a row in a session's mailbox.
//!
//! | step | durable afterwards |
//! |---|---|
//! | the place is looked up, the plan is made (`schedule`) | the session's row |
//! | what was decided | **the occurrence with its session, and the task's next time** |
//! | the row, under an id that is made of task and scheduled time | **the inbound row** |
//! | that it stands | the log |
//!
//! A host that dies between any two finds at its next look what is decided and not known to be
//! written, and hands it to the same session under the same id. What an occurrence comes to is
//! written by the run that settles it (`store::runs`), in the same transaction.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use schemas::{
    ids::{MessageId, SessionId},
    message::{Address, Kind, NewInbound},
};
use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use crate::{
    admin::Desk,
    channels::Remark,
    error::{ErrorKind, HostError, Result},
    limits,
    requests::Request,
    schedule::{Due, Every, catch_up, zone},
    sessions::key::session_for,
    steps,
    store::{Came, Step, Task, Unwritten},
    text::tasks as text,
};

/// What is being handed to sessions just now, and who looks.
#[derive(Debug, Default)]
pub struct Board {
    under_way: Mutex<HashSet<Unwritten>>,
    looking: tokio::sync::Mutex<()>,
}

/// What a session's mailbox gets.
#[derive(Debug, Serialize, Deserialize)]
struct Row {
    address: Address,
    content: String,
    recurrence: Option<String>,
}

/// Looks at everything that is due; says when to look again. Called at the start, whenever a time
/// has come, and when something changed.
///
/// # Errors
/// When the database cannot be read or written; then it is to be called again.
pub async fn look(desk: &Desk) -> Result<Option<Timestamp>> {
    let context = &desk.context;
    let _one_at_a_time = context.occurrences.looking.lock().await;
    let next = loop {
        let now = context.clock.now();
        let (came, next) = context.store.due_tasks(now).await?;
        if came.is_empty() {
            break next;
        }
        let decided = decided(desk, came, now).await?;
        context.store.take_steps(decided, now).await?;
        context.steps.reached(steps::Step::OccurrenceDecided);
    };
    for one in context.store.unwritten().await? {
        hand_over(desk, one);
    }
    tell(desk).await?;
    Ok(next)
}

/// Where a task is done: the session that a message there would go to.
///
/// # Errors
/// `Conflict` when its agent does not listen there.
pub async fn place(desk: &Desk, task: &Task) -> Result<SessionId> {
    let store = &desk.context.store;
    let wirings = store.wirings_of(task.agent.clone()).await?;
    let wiring = wirings.iter().find(|wiring| wiring.room == task.room);
    let wiring = wiring.ok_or_else(|| {
        let what = text::not_wired(&task.agent_name, &task.place());
        let hint = format!("lazaret wirings create {} {}", task.place(), task.agent_name);
        HostError::new(ErrorKind::Conflict, what).hint(hint)
    })?;
    let session = session_for(wiring, &task.address);
    Ok(store.session_for(session, desk.context.clock.now()).await?.id)
}

/// What is written into the session's mailbox.
#[must_use]
pub fn message(task: &Task) -> String {
    let schedule = match &task.cron {
        Some(cron) => format!("{cron} ({})", task.zone),
        None => "once".to_owned(),
    };
    let mut content = serde_json::json!({
        "prompt": task.prompt,
        "name": task.title(),
        "schedule": schedule,
        "source": task.made_by,
    });
    if let (Some(script), Some(fields)) = (&task.script, content.as_object_mut()) {
        fields.insert("script".to_owned(), script.as_str().into());
    }
    let (address, recurrence) = (task.address.clone(), task.cron.clone());
    let row = Row { address, content: content.to_string(), recurrence };
    // Serialising these types cannot fail: their maps have text keys only.
    serde_json::to_string(&row).unwrap_or_default()
}

/// What is to be done about each; tasks of one place find it once.
async fn decided(desk: &Desk, came: Vec<Came>, now: Timestamp) -> Result<Vec<(Came, Step)>> {
    let mut places = BTreeMap::new();
    let mut decided = Vec::with_capacity(came.len());
    for came in came {
        let task = &came.task;
        let known = (task.agent.clone(), task.room.clone(), task.address.thread_id.clone());
        let found = match places.get(&known) {
            Some(session) => Ok(SessionId::clone(session)),
            None => place(desk, task).await,
        };
        let step = match found {
            Ok(session) => {
                places.insert(known, session.clone());
                step(&came, session, now)
            }
            Err(failure) if failure.kind == ErrorKind::Conflict => Step::Stops(failure.chain()),
            Err(failure) => return Err(failure),
        };
        decided.push((came, step));
    }
    Ok(decided)
}

fn step(came: &Came, session: SessionId, now: Timestamp) -> Step {
    let task = &came.task;
    let every = task
        .cron
        .as_deref()
        .map(|cron| zone(&task.zone).and_then(|zone| Every::read(cron, zone)))
        .transpose();
    match every {
        Ok(every) => {
            let (missed, next_at, open) = (task.missed, came.at, came.open);
            let due = Due { missed, every: every.as_ref(), next_at, open };
            Step::Goes(catch_up(due, now), session, message(task))
        }
        // It was good when it was saved: the machine's time zones changed, or the program.
        Err(failure) => Step::Stops(failure.chain()),
    }
}

/// Hands an occurrence to its session beside the look: a slow session holds up no other.
fn hand_over(desk: &Desk, one: Unwritten) {
    let under_way = &desk.context.occurrences.under_way;
    // Only this and the lines below touch the set; a panic between them left it whole.
    let fresh = under_way.lock().unwrap_or_else(PoisonError::into_inner).insert(one.clone());
    if !fresh {
        return;
    }
    let desk = desk.clone();
    desk.context.clone().spawn(async move {
        let done = write(&desk, &one).await;
        let under_way = &desk.context.occurrences.under_way;
        under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&one);
        if let Err(failure) = done {
            warn!(
                task = %one.task, session = %one.session, error = %failure.chain(),
                "an occurrence is not written yet; trying again"
            );
            let soon = desk.context.clock.now().checked_add(limits::DUE_AGAIN);
            if let Ok(at) = soon {
                desk.daemon.tell(Request::LookAtTasks(at)).await;
            }
        }
    });
}

async fn write(desk: &Desk, one: &Unwritten) -> Result<()> {
    let context = &desk.context;
    let Row { address, content, recurrence } =
        serde_json::from_str(&one.message).map_err(|error| {
            HostError::new(ErrorKind::Storage, "an occurrence cannot be read").because(error)
        })?;
    let id = MessageId::of_task(&one.task, one.scheduled);
    let mut row = NewInbound::new(id, Kind::Task, context.clock.now(), content);
    row.process_after = Some(one.scheduled);
    row.series_id = Some(one.task.to_string());
    row.recurrence = recurrence;
    row.address = Some(address);
    // Its own run: its log, its cost and its script are its own.
    row.solo = true;
    let tell = |answer| Request::Tell(one.session.clone(), Box::new(row), answer);
    desk.daemon.ask_surely(tell).await?;
    context.steps.reached(steps::Step::OccurrenceWritten);
    context.store.written(one.clone(), context.clock.now()).await?;
    info!(task = %one.task, session = %one.session, "a task is due");
    Ok(())
}

/// Tells people of tasks that stopped by themselves.
async fn tell(desk: &Desk) -> Result<()> {
    let context = &desk.context;
    for task in context.store.untold_tasks().await? {
        let said = text::stopped(&task);
        warn!(task = %task.id, said, "a task stopped by itself");
        context.channels.tell_operator(&said).await;
        let wirings = context.store.wirings_of(task.agent.clone()).await?;
        let listens = wirings.iter().any(|wiring| wiring.room == task.room);
        if let Some(channel) = context.channels.at(&task.address).filter(|_| listens) {
            let remark = Remark::Notice { session: None, address: &task.address, text: &said };
            channel.tell(remark).await;
        }
        context.store.told_task(task.id).await?;
    }
    Ok(())
}
