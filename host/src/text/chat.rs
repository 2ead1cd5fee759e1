//! What the host answers to commands in a chat.

use std::time::Duration;

use schemas::message::Outcome;

use crate::{
    error::HostError,
    sessions::lifecycle::State,
    store::{RunCount, Spent},
    text::turns,
};

/// The word that takes a choice of model back.
pub const DEFAULT_MODEL: &str = "default";

/// To a name that is none.
pub const NO_MODEL: &str = "That is no name of a model.";

/// To `/compact`.
pub const COMPACT: &str =
    "There is nothing to shorten: I carry nothing along from one message to the next.";

/// To `/clear`.
pub const CLEARED: &str =
    "The conversation is archived. With your next message I begin a fresh one.";

/// To `/restart`.
#[must_use]
pub fn restart(busy: bool) -> &'static str {
    if busy {
        "I restart as soon as I am done with what I am doing."
    } else {
        "I restart. With your next message I am back."
    }
}

/// When a command could not be obeyed.
#[must_use]
pub fn did_not_work(failure: &HostError) -> String {
    format!("That did not work: {failure}.")
}

/// To `/model`.
#[must_use]
pub fn model(name: Option<&str>) -> String {
    match name {
        Some(name) => format!("I use the model {name}, from the next turn on."),
        None => "I use whatever model my provider chooses.".to_owned(),
    }
}

/// To `/status`: how it is, what it works on and since when, what waits.
#[must_use]
pub fn status(agent: &str, state: State, at_work: (&[i64], Duration), waiting: &[i64]) -> String {
    let (numbers, since) = at_work;
    let does = match numbers {
        [] if waiting.is_empty() => "nothing to do".to_owned(),
        [] => "at work on nothing".to_owned(),
        some => format!("at work on {} for {}", messages(some), turns::for_how_long(since)),
    };
    let waits = match waiting {
        [] => String::new(),
        [one] => format!("; message {one} waits"),
        more => format!("; {} wait", messages(more)),
    };
    format!("{agent} is {}, {does}{waits}.", state.word())
}

fn messages(numbers: &[i64]) -> String {
    let told: Vec<String> = numbers.iter().map(i64::to_string).collect();
    let plural = if numbers.len() == 1 { "" } else { "s" };
    format!("message{plural} {}", told.join(", "))
}

/// To `/queue`.
#[must_use]
pub fn queue(at_work: usize, waiting: &[i64]) -> String {
    let numbers: Vec<String> = waiting.iter().map(i64::to_string).collect();
    let waits = match numbers.as_slice() {
        [] => "nothing waits".to_owned(),
        [one] => format!("message {one} waits"),
        more => format!("messages {} wait", more.join(", ")),
    };
    format!("{at_work} at work, {waits}.")
}

/// To `/cost`.
#[must_use]
pub fn cost(counted: &[RunCount], spent: &Spent) -> String {
    let of = |outcome: Outcome| -> u64 {
        counted.iter().filter(|one| one.outcome == outcome).map(|one| one.runs).sum()
    };
    let all: u64 = counted.iter().map(|one| one.runs).sum();
    let done = of(Outcome::Completed);
    let plural = if all == 1 { "" } else { "s" };
    let runs = format!("{all} run{plural} so far, {done} completed.");
    if spent.unknown == all {
        return format!("{runs} What they cost is unknown: my provider does not say.");
    }
    let (read, written) = (spent.used.read(), spent.used.output_tokens);
    let cost = spent.used.cost_usd.unwrap_or_default();
    let rest = match spent.unknown {
        0 => String::new(),
        unknown => format!(" What {unknown} of them cost is unknown."),
    };
    format!("{runs} Tokens read: {read}, written: {written}. Cost: ${cost:.4}.{rest}")
}

#[cfg(test)]
mod tests {
    use schemas::usage::Usage;

    use super::*;

    #[test]
    fn numbers_are_told_as_people_count() {
        assert_eq!(queue(0, &[]), "0 at work, nothing waits.");
        assert_eq!(queue(1, &[4]), "1 at work, message 4 waits.");
        assert_eq!(queue(2, &[4, 6]), "2 at work, messages 4, 6 wait.");
        let told = |at_work: &[i64], waiting: &[i64]| {
            status("andy", State::Awake, (at_work, Duration::from_secs(125)), waiting)
        };
        assert_eq!(told(&[], &[]), "andy is awake, nothing to do.");
        assert_eq!(told(&[2], &[]), "andy is awake, at work on message 2 for 2 minutes.");
        let told = told(&[2, 4], &[6]);
        assert_eq!(told, "andy is awake, at work on messages 2, 4 for 2 minutes; message 6 waits.");
        let runs = |outcome, runs| RunCount { outcome, runs };
        let counted = [runs(Outcome::Completed, 2), runs(Outcome::Failed, 1)];
        let used =
            Usage { input_tokens: 900, output_tokens: 45, cost_usd: Some(0.5), ..Usage::default() };
        let told = |unknown| cost(&counted, &Spent { used, unknown });
        let all = "3 runs so far, 2 completed. Tokens read: 900, written: 45. Cost: $0.5000.";
        assert_eq!(told(0), all);
        assert_eq!(told(1), format!("{all} What 1 of them cost is unknown."));
        assert!(told(3).contains("unknown: my provider") && !told(3).contains('$'));
        assert!(cost(&[], &Spent::default()).contains("unknown"));
    }
}
