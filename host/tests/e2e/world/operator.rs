//! What an operator types, by the same grammar that the command line has.

use clap::Parser;
use host::{
    admin::{Command, Done},
    error::Result,
    people::Who,
    requests::Request,
};
use schemas::admin::AdminAnswer;

use super::World;

#[derive(Parser)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

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

    pub(crate) async fn command(&self, words: &str) -> Result<AdminAnswer> {
        let line = Line::try_parse_from(std::iter::once("lazaret".to_owned()).chain(split(words)))
            .unwrap_or_else(|usage| panic!("{usage}"));
        let ask = |answer| Request::Admin(Who::Operator, Box::new(line.command), answer);
        match self.ask(ask).await? {
            Done::Answered(answer) => Ok(answer),
            Done::Held(asks, _) => panic!("the operator was told to wait: {asks:?}"),
        }
    }
}

/// Words, with single quotes around those that hold blanks.
fn split(words: &str) -> Vec<String> {
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
    let words = text.split_inclusive([' ', '\n', '/', ',', ')']).map(|word| {
        let bare = word.trim_end_matches([' ', '\n', '/', ',', ')']);
        let rest = word.strip_prefix(bare).unwrap_or_default();
        let prefix = bare.trim_start_matches('(').split_once("-01").map(|(p, _)| p);
        match prefix {
            Some(prefix) if bare.len() > 26 => format!("{prefix}-…{rest}"),
            _ if bare.parse::<jiff::Timestamp>().is_ok() => format!("<time>{rest}"),
            _ => word.to_owned(),
        }
    });
    let text: String = words.collect();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}
