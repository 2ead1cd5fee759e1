//! What a tool is: its words for the model, its arguments, and what follows from them.

use schemas::action::{Action, ActionRequest};

use super::{
    desk::Seat,
    given::{Field, Given},
};
use crate::{
    posting::{Post, Posted},
    reply::What,
};

/// A tool.
#[derive(Debug)]
pub(super) struct Spec {
    pub(super) name: &'static str,
    /// What it does, when to use it, what comes back.
    pub(super) about: &'static str,
    pub(super) fields: &'static [Field],
    /// Arguments that are right, as JSON.
    pub(super) example: &'static str,
    pub(super) does: Does,
}

/// What follows from a call that was understood.
#[derive(Debug)]
pub(super) enum Does {
    /// It says or asks something.
    Post(fn(&Given) -> Result<Post, String>, After),
    /// It only looks.
    Look(fn(&Given, &Seat) -> Result<String, String>),
}

/// What the model is told once a post stands in the file.
#[derive(Debug, Clone, Copy)]
pub(super) enum After {
    Sent,
    Changed,
    Question,
    Request,
}

impl After {
    pub(super) fn told(self, posted: &Posted) -> String {
        let Posted { number, id } = posted;
        match self {
            Self::Sent => format!(
                "Sent as message {number}. It is on its way; if it cannot be delivered, you are \
                 told. Do not say the same again in your answer."
            ),
            Self::Changed => "Done. If it cannot be delivered, you are told.".to_owned(),
            Self::Question => format!(
                "Asked as {id}. The answer comes to you as a message of its own, perhaps much \
                 later; you need not wait for it: end your turn when nothing else is to do."
            ),
            Self::Request => format!(
                "Asked for as {id}. What comes of it is told to you as a message of its own that \
                 names it; where a person must agree, that may take long. End your turn when \
                 nothing else is to do."
            ),
        }
    }
}

/// A post without files to where the message came from.
pub(super) fn here(what: What) -> Post {
    Post { to: None, what, files: Vec::new() }
}

/// Something that is asked of the host. Its row's id names it in the answer.
pub(super) fn asks(action: Action) -> Post {
    here(What::Act(ActionRequest { request_id: None, action }))
}
