//! What an operator types, by the same grammar that the command line has.

use std::time::Duration;

use host::{
    admin::{Done, Parsed, parse},
    error::Result,
    people::Who,
    requests::Request,
};
use schemas::admin::AdminAnswer;

use super::World;

impl World {
    /// What a command answers people; ids and times are made alike.
    pub(crate) async fn cli(&self, words: &str) -> String {
        match self.command(words).await {
            Ok(answer) => alike(&answer.text),
            Err(failure) => {
                let hint = failure.hint_text().map(|hint| format!("\nhint: {hint}"));
                alike(&format!("error: {}{}", failure.chain(), hint.unwrap_or_default()))
            }
        }
    }

    /// Waits until the last container is gone and its session sleeps.
    pub(crate) async fn until_no_container(&self) {
        for _ in 0..10_000 {
            if self.yard.running() == 0 {
                break;
            }
            self.passes(Duration::from_millis(50)).await;
        }
        self.passes(Duration::from_secs(1)).await;
        assert_eq!(self.yard.running(), 0, "a container goes on");
    }

    pub(crate) async fn command(&self, words: &str) -> Result<AdminAnswer> {
        let command = match parse(&split(words))? {
            Parsed::Command(command) => command,
            Parsed::Help(help) => panic!("{help}"),
        };
        let ask = |answer| Request::Admin(Who::Operator, command, answer);
        match self.ask(ask).await? {
            Done::Answered(answer) => Ok(answer),
            Done::Held(asks, _) => panic!("the operator was told to wait: {asks:?}"),
        }
    }
}

/// Words, with single quotes around those that hold blanks.
pub(super) fn split(words: &str) -> Vec<String> {
    let mut split = Vec::new();
    for (at, part) in words.split('\'').enumerate() {
        if at % 2 == 1 {
            split.push(part.to_owned());
        } else {
            split.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    split
}

/// Ids and times differ from run to run.
fn alike(text: &str) -> String {
    const ENDS: [char; 6] = [' ', '\n', '/', ',', '(', ')'];
    let words = text.split_inclusive(ENDS).map(|word| {
        let bare = word.trim_end_matches(ENDS);
        let rest = word.strip_prefix(bare).unwrap_or_default();
        match bare.split_once("-01") {
            Some((prefix, _)) if bare.len() > 26 => format!("{prefix}-…{rest}"),
            _ if bare.parse::<jiff::Timestamp>().is_ok() => format!("<time>{rest}"),
            _ => word.to_owned(),
        }
    });
    let text: String = words.collect();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}
