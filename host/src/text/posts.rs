//! What posts say on a platform that can only show text.

use schemas::content::{Card, MessageRef, Question};

/// A message that the agent means, for people.
fn named(message: &MessageRef) -> String {
    match message {
        MessageRef::Seq(seq) => format!("message {seq}"),
        MessageRef::Id(id) => format!("message {id}"),
    }
}

/// Instead of an edit.
#[must_use]
pub fn edited(message: &MessageRef, text: &str) -> String {
    format!("(instead of {}) {text}", named(message))
}

/// Instead of a reaction.
#[must_use]
pub fn reacted(message: &MessageRef, emoji: &str) -> String {
    format!("({emoji} to {})", named(message))
}

/// Instead of a card.
#[must_use]
pub fn card(card: &Card) -> String {
    let mut lines = vec![card.title.clone(), card.text.clone()];
    lines.extend(card.fields.iter().map(|field| format!("{}: {}", field.name, field.value)));
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

/// Instead of a question with buttons.
#[must_use]
pub fn question(id: &str, asked: &Question) -> String {
    let head = if asked.title.is_empty() {
        asked.question.clone()
    } else {
        format!("{}: {}", asked.title, asked.question)
    };
    let mut lines = vec![head];
    let options = asked.options.iter().enumerate();
    lines.extend(options.map(|(index, option)| format!("{}. {}", index + 1, option.label)));
    let (here, there) = if asked.options.is_empty() {
        ("/answer <words>", "<words>")
    } else {
        ("its number or name", "<choice>")
    };
    lines.push(format!("Answer here with {here}, or with: lazaret questions answer {id} {there}"));
    lines.join("\n")
}

/// To an agent whose question another agent cannot answer.
#[must_use]
pub fn unanswered(why: &str) -> String {
    format!("it arrived, and the other agent could not answer it: {why}")
}
