//! What a post says, and what becomes of it on a platform that cannot show it. PURE.
//!
//! Owns the closed set of things that can be posted. What a platform lacks becomes text that says
//! what it stands for: nothing that an agent does is dropped in silence.

use schemas::content::{Card, MessageRef, Question};

use crate::{delivery::Rate, text::posts};

/// What a post says or does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Words.
    Text(String),
    /// Other words for a message of the agent's own.
    Edit {
        /// The message.
        of: Of,
        /// What it says from now on.
        text: String,
    },
    /// An emoji under a message.
    Reaction {
        /// The message.
        of: Of,
        /// The emoji, or its name.
        emoji: String,
    },
    /// A headline with lines.
    Card(Card),
    /// A question that a person answers, with the id under which they answer it.
    Question(String, Question),
}

/// A message that a post is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Of {
    /// As the agent named it.
    pub named: MessageRef,
    /// The platform's own id; always there when an adapter gets the post.
    pub platform_id: Option<String>,
}

/// What a platform can show besides text, and how much it takes.
#[expect(clippy::struct_excessive_bools, reason = "each is one independent ability")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// Messages can be changed.
    pub edits: bool,
    /// Emojis can be put under messages.
    pub reactions: bool,
    /// Cards have a form of their own.
    pub cards: bool,
    /// Questions have buttons.
    pub questions: bool,
    /// The longest text, in UTF-16 code units; without it any text goes out whole.
    pub text_units: Option<usize>,
    /// How fast it may be posted to; without it as fast as there is something.
    pub rate: Option<Rate>,
}

impl Body {
    /// The same within what a platform can show.
    #[must_use]
    pub fn within(self, can: Capabilities) -> Self {
        let shown = match &self {
            Self::Text(_) => true,
            Self::Edit { .. } => can.edits,
            Self::Reaction { .. } => can.reactions,
            Self::Card(_) => can.cards,
            Self::Question(..) => can.questions,
        };
        if shown { self } else { Self::Text(self.into_text()) }
    }

    /// The same as words, which say what they stand for.
    #[must_use]
    pub fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Edit { of, text } => posts::edited(&of.named, &text),
            Self::Reaction { of, emoji } => posts::reacted(&of.named, &emoji),
            Self::Card(card) => posts::card(&card),
            Self::Question(id, question) => posts::question(&id, &question),
        }
    }

    /// The message that it is about.
    #[must_use]
    pub fn of(&self) -> Option<&Of> {
        match self {
            Self::Edit { of, .. } | Self::Reaction { of, .. } => Some(of),
            Self::Text(_) | Self::Card(_) | Self::Question(..) => None,
        }
    }

    /// Says which message it is about in the platform's words.
    pub fn found(&mut self, platform_id: String) {
        match self {
            Self::Edit { of, .. } | Self::Reaction { of, .. } => {
                of.platform_id = Some(platform_id);
            }
            Self::Text(_) | Self::Card(_) | Self::Question(..) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use schemas::content::{CardField, QuestionOption};

    use super::*;

    fn of(seq: i64) -> Of {
        Of { named: MessageRef::Seq(seq), platform_id: None }
    }

    fn all() -> Vec<Body> {
        let field = CardField { name: "CI".to_owned(), value: "green".to_owned() };
        let option = |label: &str, value: &str| QuestionOption {
            label: label.to_owned(),
            value: value.to_owned(),
            selected_label: None,
        };
        vec![
            Body::Text("hello".to_owned()),
            Body::Edit { of: of(3), text: "hello you".to_owned() },
            Body::Reaction { of: of(2), emoji: "👍".to_owned() },
            Body::Card(Card {
                title: "Release".to_owned(),
                text: "It is out.".to_owned(),
                fields: vec![field],
            }),
            Body::Question(
                "sess-1:q1".to_owned(),
                Question {
                    question_id: "q1".to_owned(),
                    title: "Deploy".to_owned(),
                    question: "Shall I?".to_owned(),
                    options: vec![option("Yes", "yes"), option("Not now", "no")],
                },
            ),
        ]
    }

    #[test]
    fn what_a_platform_lacks_becomes_text_that_says_what_it_stands_for() {
        let texts: Vec<String> = all()
            .into_iter()
            .map(|body| body.within(Capabilities::default()))
            .inspect(|body| assert!(matches!(body, Body::Text(_)), "{body:?}"))
            .map(Body::into_text)
            .collect();
        insta::assert_snapshot!(texts.join("\n---\n"), @r"
        hello
        ---
        (instead of message 3) hello you
        ---
        (👍 to message 2)
        ---
        Release
        It is out.
        CI: green
        ---
        Deploy: Shall I?
        1. Yes
        2. Not now
        Answer here with its number or name, or with: lazaret questions answer sess-1:q1 <choice>
        ");
    }

    #[test]
    fn what_a_platform_can_show_stays_as_it_is() {
        let can = Capabilities {
            edits: true,
            reactions: true,
            cards: true,
            questions: true,
            ..Capabilities::default()
        };
        for body in all() {
            assert_eq!(body.clone().within(can), body);
        }
    }
}
