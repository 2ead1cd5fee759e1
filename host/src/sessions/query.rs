//! What others ask of a session's task: what was said, a file, fresh files, hygiene.
//!
//! Owns no state of its own. Reads go through the one kept reader, beside the loop.

use std::path::Path;

use schemas::{
    admin::SessionInfo,
    host_side::{OutboxReader, Reading, ensure},
    ids::{MessageId, fresh_ulid},
    message::Address,
};
use tracing::{info, warn};

use super::{
    container::WorkDone,
    handle::Command,
    intake::blocking,
    lifecycle::{Event, State, WITHOUT_CONTAINER},
    look::{pages_above, peek, unreadable},
    runner::{Exiting, Runner},
};
use crate::{
    delivery::{Wish, wish},
    error::{ErrorKind, HostError, Result},
    limits,
    requests::{Answer, Past},
};

impl Runner {
    pub(super) async fn on_command(&mut self, command: Command) {
        match command {
            Command::Append(_, answer) => {
                // Appends are gathered before they come here.
                drop(answer.send(Err(HostError::new(ErrorKind::Internal, "append out of turn"))));
            }
            Command::Exited { container, code, out_of_memory } => {
                let how = if out_of_memory { "out of memory" } else { "exited" };
                self.on_exited(container, &format!("{how}, code {code}"));
            }
            Command::EngineBack(live, asked) => self.on_engine_back(live, asked).await,
            Command::Chat(chat, answer) => self.chat(&chat, answer).await,
            // The loop's own checks find what is due.
            Command::Due => {}
            Command::ChannelBack(channels) => {
                self.posts.released.extend(channels);
                self.on_channel_back();
            }
            Command::Retry(letter, answer) => {
                drop(answer.send(self.retry_letter(*letter).await));
            }
            Command::History(address, after, answer) => self.history(address, after, answer),
            Command::File(message, name, answer) => self.file(message, name, answer),
            Command::Messages(limit, answer) => self.list_messages(limit, answer),
            Command::Restart(now, answer) => drop(answer.send(Ok(self.restart(now).await))),
            Command::Snapshot(to, answer) => self.snapshot(to, answer).await,
            Command::ThrowAway(before, answer) => self.throw_away(before, answer).await,
            Command::Erase(what, answer) => self.erase(what, answer).await,
            Command::TooMuch(words) => self.holds_too_much(words).await,
            Command::Archive => self.archive().await,
            Command::Refresh(answer) => drop(answer.send(self.refresh().await)),
            Command::Reset(answer) => {
                self.resetting.push(answer);
                self.reset_when_ended().await;
            }
        }
    }

    fn history(&mut self, address: Address, after: i64, answer: Answer<Past>) {
        let (reader, reach) = (self.reader.clone(), self.reach.clone());
        let session = self.facts.record.id.clone();
        let collect = move || {
            let mut said = Vec::new();
            let copy = match peek(&reader).map_err(unreadable)? {
                Reading::Copy(copy) => copy,
                Reading::Absent | Reading::Unchanged => return Ok(Past { said, whole: true }),
                Reading::NotSettled => return Ok(Past { said, whole: false }),
            };
            let mut pages = pages_above(&copy, after);
            while said.len() < limits::HISTORY_ROWS {
                let Some(page) = pages.next() else { return Ok(Past { said, whole: true }) };
                for row in page.map_err(unreadable)? {
                    let Wish::Post(post) = wish(&session, &row, &reach) else { continue };
                    if post.address == address {
                        said.push(crate::channels::terminal::room_message(&post));
                    }
                }
            }
            Ok(Past { said, whole: false })
        };
        self.beside(async move {
            drop(answer.send(blocking(collect).await));
            WorkDone::Nothing
        });
    }

    fn file(&mut self, message: MessageId, name: String, answer: Answer<(std::fs::File, u64)>) {
        let outbox = OutboxReader::new(self.dir.clone());
        let open = move || {
            let found = outbox.open(&message, &name).map_err(|refused| {
                let kind =
                    if refused.is_missing() { ErrorKind::NotFound } else { ErrorKind::Invalid };
                HostError::new(kind, format!("no file {name:?}")).because(refused)
            })?;
            Ok((found.file, found.size))
        };
        self.beside(async move {
            drop(answer.send(blocking(open).await));
            WorkDone::Nothing
        });
    }

    /// Answers who asked for a reset, once what was under way in the old folder is over.
    pub(super) async fn reset_when_ended(&mut self) {
        if self.resetting.is_empty() || self.still_ends() {
            return;
        }
        for answer in std::mem::take(&mut self.resetting) {
            drop(answer.send(self.reset().await));
        }
    }

    /// The guest's folder is put away and a fresh one made. What was said stays in `in/`.
    async fn reset(&mut self) -> Result<SessionInfo> {
        if self.state != State::SetAside {
            return Err(HostError::new(
                ErrorKind::Conflict,
                "the session is in order; only one that was set aside is reset",
            ));
        }
        let (dir, now) = (self.dir.clone(), self.context.clock.now());
        let kept = dir.log_dir().join(format!("out-{}", fresh_ulid(now)));
        blocking(move || put_away(&dir.out_dir(), &kept, &dir)).await?;
        self.context.store.set_aside(self.facts.record.id.clone(), None).await?;
        info!("session reset");
        self.cursor = 0;
        self.caught_up = false;
        self.look_wanted = true;
        self.facts.record.set_aside = None;
        self.drive(Event::Reset { rows_due: self.has_due_rows() }).await;
        self.clear_notice();
        Ok(self.info())
    }

    /// Whether a container, its start, or a look at what it left is under way: what comes of it
    /// is about the old folder and must not be taken for the fresh one's.
    fn still_ends(&self) -> bool {
        let under_way = self.container.is_some()
            || self.place.is_some()
            || self.exiting != Exiting::No
            || self.looking.is_some();
        self.state == State::SetAside && under_way
    }

    pub(super) fn info(&self) -> SessionInfo {
        session_info(&self.facts, Some(self.state))
    }

    /// A session that never sleeps moves its finished rows bit by bit, in quiet moments.
    pub(super) async fn tidy_step(&mut self) {
        let (writer, now) = (self.writer.clone(), self.context.clock.now());
        let step =
            blocking(move || Ok(writer.retire(limits::KEPT_ROWS, limits::RETIRE_BATCH, now)?));
        match self.past_leases(step).await {
            Ok(0) => self.finished = 0,
            Ok(_) => self.belt.soon(),
            Err(failure) => {
                self.finished = 0;
                warn!(error = %failure.chain(), "cannot move finished rows to the history");
            }
        }
    }

    /// Finished rows leave the files that every message opens.
    pub(super) async fn tidy_up(&mut self) {
        let (writer, now) = (self.writer.clone(), self.context.clock.now());
        let tidied = blocking(move || {
            while writer.retire(limits::KEPT_ROWS, limits::RETIRE_BATCH, now)? > 0 {}
            Ok(writer.compact()?)
        })
        .await;
        if let Err(failure) = tidied {
            warn!(error = %failure.chain(), "cannot move finished rows to the history");
        }
    }
}

/// Where a session stands, as people are told: by its task, where it has one. A task without a
/// container is about to wake, or finishes something; only a session without a task sleeps.
#[must_use]
pub fn standing(live: Option<State>, set_aside: bool) -> &'static str {
    match live {
        Some(State::Asleep) => WITHOUT_CONTAINER,
        Some(state) => state.word(),
        None if set_aside => State::SetAside.word(),
        None => State::Asleep.word(),
    }
}

/// One line of the sessions' list.
#[must_use]
pub fn session_info(facts: &super::Facts, live: Option<State>) -> SessionInfo {
    let record = &facts.record;
    let place = facts.wirings.iter().find(|wiring| Some(&wiring.room) == record.room.as_ref());
    SessionInfo {
        id: record.id.clone(),
        agent: facts.agent.agent.name.clone(),
        room: place.map(|w| format!("{} {}", w.place.channel_type, w.place.platform_id)),
        thread: record.thread.clone(),
        state: if record.archived {
            "archived"
        } else {
            standing(live, record.set_aside.is_some())
        }
        .to_owned(),
        notice: record.set_aside.clone(),
        last_active: record.last_active,
    }
}

fn put_away(from: &Path, to: &Path, dir: &schemas::session_dir::SessionDir) -> Result<()> {
    std::fs::rename(from, to).and_then(|()| ensure(dir)).map_err(|error| {
        HostError::new(ErrorKind::Storage, "cannot put the guest's folder away").because(error)
    })
}
