//! Actions of a guest: one at a time, beside the loop, each answered by a row of its own.
//!
//! Owns that an action is answered exactly once: the ledger's word about its row and the answer
//! are one commit. An action whose answer was not committed before a crash is asked for again;
//! what it may do is safe to ask twice (see `actions`).

use std::collections::VecDeque;

use schemas::{
    action::ActionRequest,
    content::{self, SystemIn},
    ids::{MessageId, RunId},
    message::{Address, DeliveryStatus, Kind, LedgerRow, NewInbound, OutboundRow},
};
use tokio::task::JoinSet;
use tracing::{info, warn};

use super::{container::WorkDone, intake::blocking, lane::Standing, runner::Runner};
use crate::{
    actions::{self, Acted, Asker},
    limits,
    steps::Step,
};

const TOO_MANY: &str = "too many requests within a minute";

/// The actions of a session that wait for their turn.
#[derive(Debug, Default)]
pub(super) struct Acting {
    waiting: VecDeque<(Wished, ActionRequest)>,
    at_work: bool,
}

/// Which row asks.
#[derive(Debug)]
struct Wished {
    row: MessageId,
    /// The guest's own id of its request.
    id: String,
    /// The message over which it asks.
    over: Option<MessageId>,
}

/// What came of an action, and where its answer belongs.
#[derive(Debug)]
pub(super) struct Answered {
    wished: Wished,
    acted: Acted,
    place: Option<Address>,
}

impl Acting {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && !self.at_work
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}

impl Wished {
    fn of(row: &OutboundRow, id: String) -> Self {
        Self { row: row.id.clone(), id, over: row.in_reply_to.clone() }
    }

    fn refused(self, why: &str) -> Answered {
        Answered { wished: self, acted: Acted::refused(why), place: None }
    }
}

impl Runner {
    /// Takes an action that the guest asks for.
    pub(super) fn take_action(&mut self, row: &OutboundRow, id: String, request: ActionRequest) {
        let (now, wished) = (self.context.clock.now(), Wished::of(row, id));
        if self.actions.take(now, limits::action::ACTIONS, limits::action::MINUTE) {
            self.acting.waiting.push_back((wished, request));
            self.act_next();
        } else {
            self.answer_action(wished.refused(TOO_MANY));
        }
    }

    /// Answers what is no action.
    pub(super) fn refuse_action(&mut self, row: &OutboundRow, id: String, why: &str) {
        warn!(message_id = %row.id, why, "a guest asked for no action that there is");
        self.answer_action(Wished::of(row, id).refused(why));
    }

    fn act_next(&mut self) {
        if self.acting.at_work {
            return;
        }
        let Some((wished, request)) = self.acting.waiting.pop_front() else { return };
        self.acting.at_work = true;
        let asker = Asker {
            agent: self.facts.record.agent.clone(),
            session: self.facts.record.id.clone(),
            request: wished.id.clone(),
            row: wished.row.clone(),
            place: self.reach.default.clone(),
        };
        let (desk, writer) = (self.context.desk(), self.writer.clone());
        self.beside(async move {
            let mut work = JoinSet::new();
            let over = wished.over.clone();
            let place = blocking(move || {
                let found = over.map(|over| writer.came_in_as(over.as_str(), "")).transpose()?;
                Ok(found.flatten().and_then(|found| found.address))
            });
            // Where the answer belongs is a nicety; that there is one is not.
            let place: Option<Address> = place.await.unwrap_or(None);
            let asker = Asker { place: place.clone().or(asker.place), ..asker };
            work.spawn(async move { actions::act(&desk, &asker, request.action).await });
            // One that broke off by a bug of ours must not hold up those behind it.
            let acted = work.join_next().await.and_then(Result::ok);
            let acted = acted.unwrap_or_else(|| Acted::refused("it broke off"));
            WorkDone::Acted(Box::new(Answered { wished, acted, place }))
        });
    }

    /// Writes down what came of an action, and tells the agent.
    pub(super) fn on_acted(&mut self, answered: Answered) {
        self.context.steps.reached(Step::ActionDone);
        let status = answered.acted.status.as_str();
        info!(message_id = %answered.wished.row, status, "an action was answered");
        self.acting.at_work = false;
        self.answer_action(answered);
        self.act_next();
        self.look_wanted |= !self.caught_up && self.has_room();
    }

    fn answer_action(&mut self, answered: Answered) {
        let Answered { wished: Wished { row, id: request_id, .. }, acted, place } = answered;
        let now = self.context.clock.now();
        let Acted { status, result } = acted;
        let said = SystemIn::ActionResponse { request_id, status, result };
        // A guest's id may be as long as an id can be; this one is always short.
        let own = RunId::of_message(&self.facts.record.id, &row);
        let Ok(note) = MessageId::parse(&format!("action:{own}")) else { return };
        let mut note = NewInbound::new(note, Kind::System, now, content::write(&said));
        // An agent that asks again over every answer must not be woken by it for ever.
        note.trigger =
            self.woken_by_actions.take(now, limits::action::ACTION_WAKES, limits::action::MINUTE);
        note.address = place.or_else(|| self.reach.default.clone());
        self.staged.ledger.push(LedgerRow {
            status: DeliveryStatus::Delivered,
            delivered_at: Some(now),
            ..Standing { attempts: 1, ..Standing::default() }.row(&row)
        });
        self.staged.notes.push(note);
    }
}
