//! Words that came without a shell: an agent's wish becomes a command by the same grammar as the
//! operator's, without what only makes sense on this machine (`up`, `down`, `chat`).

use clap::{Parser, error::ErrorKind as Usage};

use super::Command;
use crate::error::{ErrorKind, HostError, Result};

#[derive(Debug, Parser)]
#[command(name = "lazaret", disable_version_flag = true)]
struct Line {
    /// Both forms are answered anyway; who is used to the flag may give it.
    #[arg(long, global = true, hide = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

/// What words come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parsed {
    /// A command.
    Command(Box<Command>),
    /// Somebody asked what there is.
    Help(String),
}

/// Reads words, such as `["wirings", "list"]`.
///
/// # Errors
/// `Invalid` with what would be right.
pub fn parse(words: &[String]) -> Result<Parsed> {
    let line = std::iter::once("lazaret").chain(words.iter().map(String::as_str));
    match Line::try_parse_from(line) {
        Ok(line) => Ok(Parsed::Command(Box::new(line.command))),
        Err(told) => {
            let text = told.render().to_string().trim_end().to_owned();
            let helps = [Usage::DisplayHelp, Usage::DisplayHelpOnMissingArgumentOrSubcommand];
            if helps.contains(&told.kind()) {
                return Ok(Parsed::Help(text));
            }
            let text = text.strip_prefix("error: ").unwrap_or(&text);
            Err(HostError::new(ErrorKind::Invalid, text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &str) -> Result<Parsed> {
        parse(&words.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn an_agents_words_are_the_operators_words() {
        for words in ["agents list", "wirings list --json", "destinations create a b --agent c"] {
            assert!(matches!(read(words), Ok(Parsed::Command(_))), "{words}");
        }
    }

    #[test]
    fn help_is_an_answer_and_nonsense_says_what_would_be_right() {
        for words in ["", "--help", "rooms", "rooms create --help", "help wirings"] {
            let Ok(Parsed::Help(text)) = read(words) else { panic!("{words}") };
            assert!(text.contains("Usage: lazaret"), "{text}");
        }
        let nonsense = read("agent list").unwrap_err();
        assert!(nonsense.chain().contains("a similar subcommand exists: 'agents'"));
        assert!(read("rooms create slack").unwrap_err().chain().contains("<PLATFORM_ID>"));
    }

    #[test]
    fn what_belongs_to_this_machine_is_no_word() {
        for words in ["up", "down", "chat andy", "send andy hi", "demo", "--home /tmp agents list"]
        {
            assert!(read(words).is_err(), "{words}");
        }
    }
}
