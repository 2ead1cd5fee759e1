//! A turn from the first provider that is asked to the one that answers.
//!
//! Owns the order of attempts as `chain` decides it, and that each is a row of its own. What goes
//! on while one of them works is `attempt`'s.

use jiff::Timestamp;
use schemas::message::Outcome;

use crate::{
    attempt::{Attempt, How},
    chain::{Broken, Next},
    prompt::Turn,
    provider::{Class, Failure, Fault, Retry},
    reply::{Claim, Reply, TurnEnd},
    rows,
    runner::Runner,
};

/// How a turn came out of its providers' hands.
pub(crate) struct CameOut {
    pub(crate) end: End,
    /// The attempt that it came out of, as far as it came.
    pub(crate) last: Attempt,
}

/// What is to be done with it.
pub(crate) enum End {
    /// It was answered, or it cannot be.
    Settle(Option<Failure>, Vec<Reply>),
    /// The whole process is to end with this code.
    Exit(u8),
    /// The host asked for it, by this control.
    Drop(i64, Vec<Reply>),
    BreakOff(Vec<Reply>),
    Release,
}

impl Runner {
    /// Asks one provider after the other, until one has answered or nobody is left.
    pub(crate) async fn ask(&mut self, claim: &Claim, turn: &Turn) -> CameOut {
        let policy = self.session.now(&self.mailbox.dir).after_side_effects;
        let mut attempt = Attempt::first(&self.chain, claim.at);
        let mut repeats = 0;
        let mut tools_started = 0;
        loop {
            let how = self.attempt(claim, turn, &mut attempt).await;
            let fault = match ended(how) {
                Ok(end) => {
                    self.chain.answered(attempt.entry);
                    return CameOut { end, last: attempt };
                }
                Err(fault) => fault,
            };
            tools_started += attempt.tools_started;
            let now = self.mailbox.now();
            let broken = Broken { entry: attempt.entry, repeats, tools_started, fault: &fault };
            tracing::warn!(
                provider = attempt.provider,
                class = fault.class.as_str(),
                detail = fault.detail,
                "an attempt came to nothing"
            );
            let next = self.chain.after(broken, policy, now);
            let (entry, pause) = match next {
                Next::Again(pause) => (attempt.entry, pause),
                Next::Other(entry) => (entry, std::time::Duration::ZERO),
                Next::GiveUp(at) => return given_up(&fault, retry(at, now), attempt),
                Next::Acted => return given_up(&fault, Retry::Never, attempt),
            };
            repeats = if entry == attempt.entry { repeats + 1 } else { 0 };
            self.discard(claim, &attempt, &fault, now);
            attempt = attempt.next(&self.chain, entry, pause, now);
        }
    }

    /// An attempt that another one follows: its row says why it ended, and whoever watches that its
    /// words count no more.
    fn discard(&mut self, claim: &Claim, attempt: &Attempt, fault: &Fault, now: Timestamp) {
        self.live.discarded(attempt.n, now);
        let row =
            rows::attempt(claim, attempt, Some((now, Outcome::Failed)), Some(fault.class.as_str()));
        let written = self.mailbox.commit(|tx| {
            tx.put_run(&rows::run(claim, None))?;
            tx.put_attempt(&row)?;
            tx.put_tool(None, now)
        });
        if let Err(error) = written {
            tracing::warn!(error = error.chain(), "cannot write how an attempt ended");
        }
    }
}

/// What an attempt comes to, unless another one may do better.
fn ended(how: How) -> Result<End, Fault> {
    Ok(match how {
        How::Ended(TurnEnd::Done, replies) => End::Settle(None, replies),
        How::Ended(TurnEnd::Failed(failure), replies) => End::Settle(Some(failure), replies),
        How::Ended(TurnEnd::Exit(code), _) => End::Exit(code),
        How::Ended(TurnEnd::Broke(fault), _) => return Err(fault),
        How::Ended(TurnEnd::Stopped, _) => {
            return Err(Fault::new(Class::Opaque, "it stopped unasked"));
        }
        How::Drop(control, said) => End::Drop(control, said),
        How::BreakOff(said) => End::BreakOff(said),
        How::Release => End::Release,
    })
}

fn retry(at: Option<Timestamp>, now: Timestamp) -> Retry {
    match at {
        None => Retry::Never,
        Some(at) if at <= now => Retry::Later,
        Some(at) => Retry::At(at),
    }
}

fn given_up(fault: &Fault, retry: Retry, last: Attempt) -> CameOut {
    let failure = Failure {
        code: fault.class.as_str().to_owned(),
        error: calmly(fault.class).to_owned(),
        retry,
    };
    CameOut { end: End::Settle(Some(failure), Vec::new()), last }
}

/// What a room hears: one calm sentence, and nothing of the provider's own words.
fn calmly(class: Class) -> &'static str {
    match class {
        Class::Auth => "my model provider does not take my key",
        Class::Limited => "my model provider asks me to wait",
        Class::NoModel => "my model provider does not have the model that I was given",
        Class::TooLong => "this conversation is longer than my model can read",
        Class::Missing => "the program that I think with is not in my image",
        Class::Silent => "nothing came from my provider for too long",
        Class::Overloaded
        | Class::Server
        | Class::Network
        | Class::Refused
        | Class::Exited
        | Class::Garbled
        | Class::Opaque => "my model provider cannot answer just now",
    }
}
