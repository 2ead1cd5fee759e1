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
    message::{DeliveryStatus, Kind, NewInbound, OutboundRow},
};
use tracing::{info, warn};

use super::{container::WorkDone, outgoing::ledger, runner::Runner};
use crate::{
    actions::{self, Acted, Asker},
    limits,
};

const TOO_MANY: &str = "too many requests within a minute";

/// The actions of a session that wait for their turn.
#[derive(Debug, Default)]
pub(super) struct Acting {
    waiting: VecDeque<(MessageId, String, ActionRequest)>,
    at_work: bool,
}

impl Acting {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && !self.at_work
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}

impl Runner {
    /// Takes an action that the guest asks for.
    pub(super) fn take_action(&mut self, row: &OutboundRow, id: String, request: ActionRequest) {
        let now = self.context.clock.now();
        if self.actions.take(now, limits::action::ACTIONS, limits::action::MINUTE) {
            self.acting.waiting.push_back((row.id.clone(), id, request));
            self.act_next();
        } else {
            self.answer_action(&row.id, &id, Acted::refused(TOO_MANY));
        }
    }

    /// Answers what is no action.
    pub(super) fn refuse_action(&mut self, row: &OutboundRow, id: &str, why: &str) {
        warn!(message_id = %row.id, why, "a guest asked for no action that there is");
        self.answer_action(&row.id, id, Acted::refused(why));
    }

    fn act_next(&mut self) {
        if self.acting.at_work {
            return;
        }
        let Some((row, id, request)) = self.acting.waiting.pop_front() else { return };
        self.acting.at_work = true;
        let asker = Asker {
            agent: self.facts.record.agent.clone(),
            session: self.facts.record.id.clone(),
            request: id.clone(),
            row: row.clone(),
        };
        let desk = self.context.desk();
        self.beside(async move {
            let acted = actions::act(&desk, &asker, request.action).await;
            WorkDone::Acted(row, id, acted)
        });
    }

    /// Writes down what came of an action, and tells the agent.
    pub(super) fn on_acted(&mut self, row: &MessageId, id: &str, acted: Acted) {
        info!(message_id = %row, status = acted.status.as_str(), "an action was answered");
        self.acting.at_work = false;
        self.answer_action(row, id, acted);
        self.act_next();
        self.look_wanted |= !self.caught_up && self.has_room();
    }

    fn answer_action(&mut self, row: &MessageId, id: &str, acted: Acted) {
        let now = self.context.clock.now();
        let (Ok(note), said) = (
            MessageId::parse(&format!("action:{}", RunId::of_message(&self.facts.record.id, row))),
            SystemIn::ActionResponse {
                request_id: id.to_owned(),
                status: acted.status,
                result: acted.result,
            },
        ) else {
            return;
        };
        let mut note = NewInbound::new(note, Kind::System, now, content::write(&said));
        // An agent that asks again over every answer must not be woken by it for ever.
        note.trigger =
            self.woken_by_actions.take(now, limits::action::ACTION_WAKES, limits::action::MINUTE);
        note.address.clone_from(&self.reach.default);
        self.staged.ledger.push(schemas::message::LedgerRow {
            status: DeliveryStatus::Delivered,
            delivered_at: Some(now),
            ..ledger(row, 1)
        });
        self.staged.notes.push(note);
    }
}
