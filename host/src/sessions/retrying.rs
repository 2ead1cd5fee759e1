//! Trying again what was given up, because somebody asks for it.
//!
//! Owns the order: the session's own file first, then the central list. A crash in between leaves a
//! line in the list whose message is tried again already, and that line goes when it went through,
//! or when somebody asks once more. What was not given up is left alone, and said.

use schemas::{
    host_side::{InboundWriter, Reading, Revived, Unsettled},
    ids::MessageId,
    message::{Address, OutboundRow, Outcome},
};
use tracing::info;

use super::{
    intake::blocking,
    lane::Standing,
    lifecycle::Event,
    look::{SharedReader, peek},
    runner::Runner,
};
use crate::{
    delivery::{Wish, wish},
    error::{ErrorKind, HostError, Result},
    limits::{
        MAX_TRIES,
        channel::{DEAD_KEPT, RETRIED},
    },
    store::{DeadLetter, SettledRun},
    text::{self, channels as words},
};

impl Runner {
    /// Tries one message again.
    pub(super) async fn retry_letter(&mut self, letter: DeadLetter) -> Result<()> {
        self.retry_for(letter, None).await
    }

    /// The same, as the last thing that a command asks for.
    async fn retry_for(&mut self, letter: DeadLetter, command: Option<&str>) -> Result<()> {
        if self.facts.record.archived {
            return Err(text::archived_session());
        }
        self.mark().await?;
        let done = if letter.came_in {
            self.retry_message(&letter.id).await
        } else {
            self.retry_post(&letter).await
        };
        let conflict = done.as_ref().is_err_and(|failure| failure.kind == ErrorKind::Conflict);
        if done.is_ok() || conflict {
            // Whatever it is now, it is not given up.
            let session = self.facts.record.id.clone();
            let of = command.map(|id| (id.to_owned(), self.context.clock.now()));
            self.context.store.forget_dead_letter(session, letter.id, of).await?;
        }
        done
    }

    async fn retry_message(&mut self, id: &MessageId) -> Result<()> {
        let (writer, wanted) = (self.writer.clone(), id.clone());
        let now = self.context.clock.now();
        let tried =
            self.past_leases(blocking(move || Ok(writer.revive_message(&wanted, MAX_TRIES, now)?)));
        let row = taken_up(tried.await?, id)?;
        info!(message_id = %id, tries = row.tries, "tried again, as somebody asked");
        self.context.bells.wrote(&self.dir);
        // A look under way does not ask about it, yet may see its answer.
        self.unseen |= self.looking.is_some();
        self.last_active = now;
        self.silence.again(&row);
        self.put_in_order(row);
        self.drive(Event::Message).await;
        Ok(())
    }

    fn put_in_order(&mut self, row: Unsettled) {
        let at = self.open.iter().position(|open| open.seq > row.seq);
        self.open.insert(at.unwrap_or(self.open.len()), row);
    }

    async fn retry_post(&mut self, letter: &DeadLetter) -> Result<()> {
        let (writer, reader) = (self.writer.clone(), self.reader.clone());
        let (id, seq, now) = (letter.id.clone(), letter.seq, self.context.clock.now());
        let (session, reach) = (self.facts.record.id.clone(), self.reach.clone());
        let tried = blocking(move || {
            let words = words_of(&reader, &id, seq)?;
            if let Wish::Refuse(why) = wish(&session, &words, &reach) {
                return Err(HostError::new(ErrorKind::Denied, why));
            }
            Ok((writer.revive_post(&id, now)?, words))
        });
        let (revived, words) = self.past_leases(tried).await?;
        let ledger = taken_up(revived, &letter.id)?;
        info!(message_id = %letter.id, "posted again, as somebody asked");
        let standing = Standing { revived_at: Some(now), ..Standing::of(&ledger) };
        self.posts.attempts.insert(letter.id.clone(), standing);
        self.take_row(Ok(words));
        if !self.caught_up {
            self.posts.revived.insert(letter.id.clone());
        }
        Ok(())
    }

    /// Tries the last messages of an address again that were given up. Answers how many.
    pub(super) async fn retry_here(&mut self, at: &Address, command: &str) -> Result<usize> {
        let session = self.facts.record.id.clone();
        let mut letters = self.context.store.dead_letters(Some(session), DEAD_KEPT).await?;
        letters.retain(|letter| letter.came_in);
        let (writer, at) = (self.writer.clone(), at.clone());
        let last = blocking(move || last_of(letters, &writer, &at)).await?;
        let count = last.len();
        for (n, letter) in (1..).zip(last) {
            let tried = self.retry_for(letter, (n == count).then_some(command)).await;
            // It is tried again already: the host died over this command before.
            if tried.as_ref().is_err_and(|failure| failure.kind != ErrorKind::Conflict) {
                tried?;
            }
        }
        Ok(count)
    }

    /// The owner hears of a message that was given up, unless they sit in its room.
    pub(super) fn tell_owner_of_run(&self, run: &SettledRun) {
        let given_up = match run.outcome {
            Outcome::Failed | Outcome::Interrupted => true,
            Outcome::Completed | Outcome::Cancelled => false,
        };
        let at = run.address.as_ref().or(self.reach.default.as_ref());
        let heard = at
            .and_then(|at| self.channels().at(at))
            .is_some_and(|channel| channel.is_the_operators());
        if given_up && !heard {
            self.tell_owner_that(true, run.reason.as_deref().unwrap_or(run.outcome.as_str()));
        }
    }

    /// The owner hears of a post that was given up.
    pub(super) fn tell_owner_of_post(&self, why: &str) {
        self.tell_owner_that(false, why);
    }

    fn tell_owner_that(&self, came_in: bool, why: &str) {
        let said = words::given_up(&self.facts.agent.agent.name, came_in, why);
        let context = self.context.clone();
        self.context.spawn(async move {
            context.owner.given_up(said, &context.channels, &context.closing).await;
        });
    }
}

/// The messages of the newest run of an address that was given up.
fn last_of(
    letters: Vec<DeadLetter>,
    writer: &InboundWriter,
    at: &Address,
) -> Result<Vec<DeadLetter>> {
    let mut last: Vec<DeadLetter> = Vec::new();
    for letter in letters {
        let same_run = last.first().is_none_or(|first| first.run == letter.run);
        if !same_run || last.len() >= RETRIED {
            continue;
        }
        let found = writer.came_in_as(letter.id.as_str(), "")?;
        if found.is_some_and(|found| found.address.as_ref() == Some(at)) {
            last.push(letter);
        }
    }
    Ok(last)
}

/// The words themselves; an agent forgets old ones that the host was done with.
fn words_of(reader: &SharedReader, id: &MessageId, seq: i64) -> Result<OutboundRow> {
    let unread = |e| HostError::new(ErrorKind::Storage, "cannot read the session").because(e);
    let found = match peek(reader).map_err(unread)? {
        Reading::Copy(copy) => {
            let rows = copy.messages_above(seq - 1, 1).map_err(unread)?;
            rows.into_iter().flatten().find(|row| row.id == *id)
        }
        Reading::Absent | Reading::Unchanged => None,
        Reading::NotSettled => {
            let what = "the agent is in the middle of writing";
            return Err(HostError::new(ErrorKind::Busy, what).hint("try again"));
        }
    };
    found.ok_or_else(|| {
        HostError::new(ErrorKind::NotFound, "the agent's words are gone")
            .hint("ask the agent to say it again")
    })
}

fn taken_up<T>(revived: Revived<T>, id: &MessageId) -> Result<T> {
    match revived {
        Revived::Again(row) => Ok(row),
        Revived::Stands(status) => {
            let what = format!("message {id} is not given up: it is {status}");
            Err(HostError::new(ErrorKind::Conflict, what).hint(words::LIST_FAILED))
        }
        Revived::Unknown => {
            Err(HostError::new(ErrorKind::NotFound, format!("no message {id} in its session")))
        }
    }
}
