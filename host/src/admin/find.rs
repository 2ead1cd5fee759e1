//! From what people write to the one thing that they mean: a name, an id, or the beginning of an id
//! that only one thing has.
//!
//! Owns the rule ([`choose`], without side effects) and the lists that it is asked over.

use std::collections::BTreeSet;

use schemas::{
    admin::Agent,
    ids::{AgentId, RoomId, SessionId, TaskId, WiringId},
    people::PersonInfo,
};

use super::Desk;
use crate::{
    error::{ErrorKind, HostError, Result},
    limits,
    store::{Entry, Room, SessionRecord, Task, Wiring},
};

impl Desk {
    /// An agent, by name or id.
    pub(super) async fn agent(&self, wanted: &str) -> Result<Agent> {
        let agents = self.context.store.agents().await?;
        choose("agent", wanted, agents, |agent| Names {
            id: agent.id.as_str(),
            names: vec![agent.name.clone()],
        })
    }

    /// An agent's id, written back into the command in place of the name.
    pub(super) async fn pin_agent(&self, wanted: &mut String) -> Result<AgentId> {
        let id = self.agent(wanted).await?.id;
        *wanted = id.to_string();
        Ok(id)
    }

    /// A room, by place, name or id.
    pub(super) async fn room(&self, wanted: &str) -> Result<Room> {
        if let Ok(id) = RoomId::parse(wanted) {
            return self.context.store.room(id).await;
        }
        let rooms = self.context.store.rooms().await?;
        choose("room", wanted, rooms, |room| Names {
            id: room.id.as_str(),
            names: std::iter::once(room.place()).chain(room.name.clone()).collect(),
        })
    }

    pub(super) async fn pin_room(&self, wanted: &mut String) -> Result<RoomId> {
        let id = self.room(wanted).await?.id;
        *wanted = id.to_string();
        Ok(id)
    }

    /// A wiring, by id or as `<room>/<agent>`.
    pub(super) async fn wiring(&self, wanted: &str) -> Result<Wiring> {
        if let Ok(id) = WiringId::parse(wanted) {
            return self.context.store.wiring(id).await;
        }
        let wirings = self.context.store.wirings().await?;
        // The platform's own id may hold a slash; an agent's name does not.
        if let Some((room, agent)) = wanted.rsplit_once('/') {
            let (room, agent) = (self.room(room).await?, self.agent(agent).await?);
            let found =
                wirings.into_iter().find(|one| one.room == room.id && one.agent == agent.id);
            return found.ok_or_else(|| {
                let what = format!("{} is not wired to {}", agent.name, room.place());
                HostError::new(ErrorKind::NotFound, what).hint("lazaret wirings list")
            });
        }
        choose("wiring", wanted, wirings, |wiring| Names {
            id: wiring.id.as_str(),
            names: vec![format!("{}/{}", wiring.place, wiring.agent_name)],
        })
    }

    pub(super) async fn pin_wiring(&self, wanted: &mut String) -> Result<AgentId> {
        let wiring = self.wiring(wanted).await?;
        *wanted = wiring.id.to_string();
        Ok(wiring.agent)
    }

    /// A person, by name, by a name on a platform, or by id.
    pub(super) async fn person(&self, wanted: &str) -> Result<PersonInfo> {
        let people = self.context.store.people().await?;
        choose("person", wanted, people, |person| Names {
            id: person.id.as_str(),
            names: std::iter::once(person.name.clone()).chain(person.ids.clone()).collect(),
        })
    }

    pub(super) async fn pin_person(&self, wanted: &mut String) -> Result<()> {
        *wanted = self.person(wanted).await?.id.to_string();
        Ok(())
    }

    /// A destination of an agent, by its name.
    pub(super) async fn destination(&self, agent: &str, wanted: &str) -> Result<Entry> {
        let agent = self.agent(agent).await?;
        let mut book = self.context.store.destinations().await?;
        book.retain(|entry| entry.agent == agent.id);
        choose("destination", wanted, book, |entry| Names {
            id: "",
            names: vec![entry.name.clone()],
        })
    }

    /// A session, archived or not, by its id.
    pub(super) async fn session(&self, wanted: &str) -> Result<SessionRecord> {
        if let Ok(id) = SessionId::parse(wanted) {
            return self.context.store.session(id).await;
        }
        let sessions = self.context.store.every_session().await?;
        choose("session", wanted, sessions, |session| Names {
            id: session.id.as_str(),
            names: Vec::new(),
        })
    }

    /// A task, by its name, as `<agent>/<name>`, or by id. A name means the one that lives, else
    /// the last one that had it.
    pub(crate) async fn task(&self, wanted: &str) -> Result<Task> {
        if let Ok(id) = TaskId::parse(wanted) {
            return self.context.store.task(id).await;
        }
        let mut tasks = self.context.store.tasks(None).await?;
        let names = |task: &Task| -> Vec<String> {
            let name = task.name.iter();
            name.flat_map(|name| [name.clone(), format!("{}/{name}", task.agent_name)]).collect()
        };
        let named = |task: &Task| names(task).iter().any(|name| name == wanted);
        let newest = tasks.iter().filter(|task| named(task)).max_by_key(|task| task.created_at);
        let last = newest.filter(|_| !tasks.iter().any(|task| named(task) && task.lives()));
        let last = last.map(|task| task.id.clone());
        tasks.retain(|task| task.lives() || !named(task) || last.as_ref() == Some(&task.id));
        choose("task", wanted, tasks, |task| Names { id: task.id.as_str(), names: names(task) })
    }

    pub(super) async fn pin_task(&self, wanted: &mut String) -> Result<AgentId> {
        let task = self.task(wanted).await?;
        *wanted = task.id.to_string();
        Ok(task.agent)
    }

    pub(super) async fn pin_session(&self, wanted: &mut String) -> Result<AgentId> {
        let session = self.session(wanted).await?;
        *wanted = session.id.to_string();
        Ok(session.agent)
    }
}

/// By what something is found.
struct Names<'a> {
    id: &'a str,
    names: Vec<String>,
}

/// The one that is meant: first by its whole name or id, then by the beginning of an id.
fn choose<T>(
    what: &str,
    wanted: &str,
    known: Vec<T>,
    names: impl Fn(&T) -> Names<'_>,
) -> Result<T> {
    let exact = |one: &T| {
        let names = names(one);
        (!names.id.is_empty() && names.id == wanted)
            || names.names.iter().any(|name| name == wanted)
    };
    let begins = |one: &T| !wanted.is_empty() && names(one).id.starts_with(wanted);
    for means in [&exact as &dyn Fn(&T) -> bool, &begins] {
        let mut found = known.iter().enumerate().filter(|(_, one)| means(one));
        match (found.next(), found.next()) {
            (Some((at, _)), None) => {
                return known.into_iter().nth(at).ok_or_else(|| unknown(what, wanted));
            }
            (Some(_), Some(_)) => {
                let several: Vec<String> = known
                    .iter()
                    .filter(|one| means(one))
                    .take(limits::admin::NEAREST)
                    .map(|one| names(one).id.to_owned())
                    .collect();
                return Err(HostError::new(
                    ErrorKind::Invalid,
                    format!("several {what}s are meant by {wanted:?}"),
                )
                .hint(format!("say which: {}", several.join(", "))));
            }
            (None, _) => {}
        }
    }
    let all: BTreeSet<String> = known
        .iter()
        .flat_map(|one| {
            let names = names(one);
            if names.names.is_empty() { vec![names.id.to_owned()] } else { names.names }
        })
        .collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    Err(unknown(what, wanted).hint(nearest_hint(what, wanted, &all)))
}

fn unknown(what: &str, wanted: &str) -> HostError {
    HostError::new(ErrorKind::NotFound, format!("no {what} {wanted:?}"))
}

/// The known names that are nearest to what was asked for.
fn nearest_hint(what: &str, wanted: &str, known: &[&str]) -> String {
    let mut near: Vec<(usize, &str)> =
        known.iter().map(|name| (strsim::damerau_levenshtein(wanted, name), *name)).collect();
    near.sort_unstable();
    let names: Vec<&str> =
        near.into_iter().take(limits::admin::NEAREST).map(|(_, name)| name).collect();
    if !names.is_empty() {
        return format!("did you mean {}?", names.join(", "));
    }
    match what {
        "agent" => "make one with: lazaret agents create <name>".to_owned(),
        "person" => "make one with: lazaret people create <name>".to_owned(),
        "room" => "make one with: lazaret rooms create <channel> <platform id>".to_owned(),
        "wiring" => "make one with: lazaret wirings create <room> <agent>".to_owned(),
        _ => "there is none yet".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(wanted: &str) -> Result<&'static str> {
        let known = vec![("room-01aa", "lobby"), ("room-01ab", "attic"), ("room-02", "01")];
        choose("room", wanted, known, |(id, name)| Names { id, names: vec![(*name).to_owned()] })
            .map(|(id, _)| id)
    }

    #[test]
    fn a_name_a_whole_id_and_a_beginning_that_only_one_has_are_found() {
        for wanted in ["lobby", "room-01aa"] {
            assert_eq!(found(wanted).unwrap(), "room-01aa", "{wanted}");
        }
        assert_eq!(found("room-02").unwrap(), "room-02");
        assert_eq!(found("room-0").unwrap_err().kind, ErrorKind::Invalid);
    }

    #[test]
    fn what_several_have_or_none_has_is_an_error_that_names_the_nearest() {
        let several = found("room-01").unwrap_err();
        assert_eq!(several.hint_text(), Some("say which: room-01aa, room-01ab"));
        let none = found("loby").unwrap_err();
        assert_eq!(none.chain(), "no room \"loby\"");
        assert_eq!(none.hint_text(), Some("did you mean lobby, 01, attic?"));
        assert_eq!(found("").unwrap_err().kind, ErrorKind::NotFound);
    }
}
