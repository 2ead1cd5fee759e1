//! An agent's own tasks: those that it made in this conversation, and are done in it.
//!
//! Owns that an agent sees and changes no other: what one room had it schedule is nothing that
//! another room may read or end. Elsewhere is a person's to allow.

use schemas::{
    action::TaskHow,
    ids::{RoomId, TaskId},
};
use serde_json::{Value, json};

use super::{
    Acted, Asker, command,
    plan::{Wish, elsewhere},
};
use crate::{
    admin::{
        Desk,
        tasks::rules::{self, Changes, NewTask},
    },
    approvals::Named,
    error::{ErrorKind, HostError, Result},
    people::{Act, Verdict, Who, decide},
    sessions::key::session_for,
    store::{Task, WiringFact},
};

/// Where an agent asks: its room, and the conversation that a message there belongs to.
struct Here {
    room: RoomId,
    place: String,
    thread: Option<String>,
    key: String,
}

/// Does what an agent wants of its tasks.
pub(super) async fn wish(
    desk: &Desk,
    asker: &Asker,
    (who, me): (&Who, Named),
    wish: Wish,
) -> Result<Acted> {
    match decide(who, Act::OwnTasks, Some(&asker.agent)) {
        Verdict::Allow => {}
        Verdict::Hold => return Ok(Acted::refused("a person is to ask for this")),
        Verdict::Deny(words) => return Ok(Acted::refused(&format!("you may not {words}"))),
    }
    let here = here(desk, asker).await?;
    if let Wish::Schedule { prompt, name, how, room: Some((room, thread)) } = wish {
        if room == here.place && (thread.is_none() || thread == here.thread) {
            return schedule(desk, (asker, who), here, (prompt, name, *how)).await;
        }
        let words = elsewhere(&asker.agent, (prompt, name), *how, (room, thread));
        return command(desk, asker, (who, me), &words).await;
    }
    let (what, task) = match wish {
        Wish::Schedule { prompt, name, how, .. } => {
            return schedule(desk, (asker, who), here, (prompt, name, *how)).await;
        }
        Wish::List => {
            let own: Vec<Value> = own(desk, asker, &here).await?.iter().map(shown).collect();
            return Ok(Acted::done(json!({ "tasks": own })));
        }
        Wish::Update { task, prompt, how } => {
            let id = the_own(desk, asker, &here, &task).await?;
            let changes = Changes { prompt, how: *how, ..Changes::default() };
            ("updated", rules::set(desk, id, changes).await?)
        }
        Wish::Pause(task) => {
            ("paused", rules::pause(desk, the_own(desk, asker, &here, &task).await?).await?)
        }
        Wish::Resume(task) => {
            ("resumed", rules::resume(desk, the_own(desk, asker, &here, &task).await?).await?)
        }
        Wish::Cancel(task) => {
            ("cancelled", rules::cancel(desk, the_own(desk, asker, &here, &task).await?).await?)
        }
    };
    audit(desk, who, what, &task).await?;
    Ok(Acted::done(shown(&task)))
}

async fn here(desk: &Desk, asker: &Asker) -> Result<Here> {
    let wirings = desk.context.store.wirings_of(asker.agent.clone()).await?;
    let there = asker.place.as_ref().and_then(|place| {
        let same = |known: &&WiringFact| {
            (&known.place.channel_type, &known.place.platform_id)
                == (&place.channel_type, &place.platform_id)
        };
        Some((place, wirings.iter().find(same)?))
    });
    let (place, wiring) = there.ok_or_else(|| {
        HostError::new(ErrorKind::Conflict, "this conversation has no room of its own")
            .hint("name a room that you listen in")
    })?;
    Ok(Here {
        room: wiring.room.clone(),
        place: format!("{}:{}", place.channel_type, place.platform_id),
        thread: place.thread_id.clone(),
        key: session_for(wiring, place).key,
    })
}

async fn schedule(
    desk: &Desk,
    (asker, who): (&Asker, &Who),
    here: Here,
    (prompt, name, how): (String, Option<String>, TaskHow),
) -> Result<Acted> {
    let agent = desk.context.store.agent(asker.agent.clone()).await?.agent;
    let new = NewTask {
        // A row that is read twice, after a crash, makes one task.
        id: TaskId::of_wish(&asker.session, &asker.row),
        made_by: agent.name.clone(),
        agent,
        room: Some(here.room),
        thread: here.thread,
        made_in: Some(here.key),
        name,
        prompt,
        how,
    };
    let task = rules::create(desk, new).await?;
    audit(desk, who, "scheduled", &task).await?;
    Ok(Acted::done(shown(&task)))
}

/// The tasks of this conversation that are not over.
async fn own(desk: &Desk, asker: &Asker, here: &Here) -> Result<Vec<Task>> {
    let mut tasks = desk.context.store.tasks(Some(asker.agent.clone())).await?;
    tasks.retain(|task| task.made_in.as_ref() == Some(&here.key) && task.lives());
    Ok(tasks)
}

async fn the_own(desk: &Desk, asker: &Asker, here: &Here, wanted: &str) -> Result<TaskId> {
    let own = own(desk, asker, here).await?;
    let named = |task: &&Task| task.id.as_str() == wanted || task.name.as_deref() == Some(wanted);
    own.iter().find(named).map(|task| task.id.clone()).ok_or_else(|| {
        let wanted: String = wanted.chars().take(64).collect();
        HostError::new(ErrorKind::NotFound, format!("no task {wanted:?} of this conversation"))
            .hint("ask for list_tasks")
    })
}

async fn audit(desk: &Desk, who: &Who, what: &str, task: &Task) -> Result<()> {
    let (store, now) = (&desk.context.store, desk.context.clock.now());
    store.audit(who.word(), "did", format!("task {} {what}", task.id), now).await
}

fn shown(task: &Task) -> Value {
    json!({
        "id": task.id,
        "name": task.name,
        "prompt": task.prompt,
        "every": task.cron,
        "zone": task.zone,
        "status": task.status,
        "why": task.why,
        "next": task.next_at,
    })
}
