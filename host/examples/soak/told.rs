//! What the soak was told: for how long, or for how many messages.

use std::{path::PathBuf, time::Duration};

/// How the program is called.
pub(crate) const USAGE: &str =
    "usage: soak [<messages: 10000> | <time: 90s, 10m, 8h>] [--json] [--cuts N] [--bin DIR]";

/// When nobody says otherwise.
const MESSAGES: u32 = 10_000;

pub(crate) struct Told {
    pub(crate) until: Until,
    pub(crate) json: bool,
    pub(crate) cuts: u32,
    pub(crate) bin: PathBuf,
}

/// What ends the talking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// So many messages were said, over all conversations.
    Messages(u32),
    /// So much time is over.
    Time(Duration),
}

/// Reads the arguments; `None` when they are not as [`USAGE`] says.
pub(crate) fn told() -> Option<Told> {
    let own = std::env::current_exe().ok()?;
    // Beside the folder of the examples lie the programs.
    let bin = own.parent()?.parent()?.to_owned();
    let mut told = Told { until: Until::Messages(MESSAGES), json: false, cuts: 500, bin };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--json" => told.json = true,
            "--cuts" => told.cuts = words.next()?.parse().ok()?,
            "--bin" => told.bin = words.next()?.into(),
            until => told.until = read(until)?,
        }
    }
    Some(told)
}

fn read(word: &str) -> Option<Until> {
    if let Ok(messages) = word.parse() {
        return (messages > 0).then_some(Until::Messages(messages));
    }
    let (number, unit) = word.split_at_checked(word.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return None,
    };
    let time = Duration::from_secs(number.parse::<u64>().ok()?.checked_mul(seconds)?);
    (time > Duration::ZERO).then_some(Until::Time(time))
}
