//! PURE: the commands that people give in a chat.
//!
//! Owns the one list and how a text is read as one. Only a whole text is a command; what is not on
//! the list is text for the agent.

use crate::people::Act;

/// A command of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatCommand {
    /// Say what can be asked.
    Help,
    /// Say how the session is.
    Status,
    /// Stop the run at work.
    Stop,
    /// Say what waits.
    Queue,
    /// Try again what was given up last.
    Retry,
    /// Archive the session and begin afresh.
    Clear,
    /// Shorten what the provider carries along.
    Compact,
    /// Choose the session's model; without a name, say which it is.
    Model(Option<String>),
    /// End the container after the run.
    Restart,
    /// Say what the session cost.
    Cost,
}

impl ChatCommand {
    /// The list, as people see it: the word, who may, and what it does.
    pub const LIST: [(&'static str, Act, &'static str); 10] = [
        ("/help", Act::ChatHelp, "this list"),
        ("/status", Act::ChatStatus, "how I am"),
        ("/stop", Act::ChatStop, "stop what I am doing"),
        ("/queue", Act::ChatQueue, "what waits for me"),
        ("/retry", Act::ChatRetry, "try again what I did not get done"),
        ("/clear", Act::ChatClear, "begin afresh, the old conversation is archived"),
        ("/compact", Act::ChatCompact, "shorten what I carry along"),
        ("/model <name>", Act::ChatModel, "choose my model"),
        ("/restart", Act::ChatRestart, "restart my container after this run"),
        ("/cost", Act::ChatCost, "what this conversation cost"),
    ];

    /// Reads a text; `None` is text for the agent.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut words = without_mention(text).split_whitespace();
        let command = match (words.next()?, words.next()) {
            ("/help", None) => Self::Help,
            ("/status", None) => Self::Status,
            ("/stop", None) => Self::Stop,
            ("/queue", None) => Self::Queue,
            ("/retry", None) => Self::Retry,
            ("/clear", None) => Self::Clear,
            ("/compact", None) => Self::Compact,
            ("/model", name) => Self::Model(name.map(str::to_owned)),
            ("/restart", None) => Self::Restart,
            ("/cost", None) => Self::Cost,
            (_, _) => return None,
        };
        words.next().is_none().then_some(command)
    }

    /// What the gate is asked.
    #[must_use]
    pub fn act(&self) -> Act {
        match self {
            Self::Help => Act::ChatHelp,
            Self::Status => Act::ChatStatus,
            Self::Stop => Act::ChatStop,
            Self::Queue => Act::ChatQueue,
            Self::Retry => Act::ChatRetry,
            Self::Clear => Act::ChatClear,
            Self::Compact => Act::ChatCompact,
            Self::Model(_) => Act::ChatModel,
            Self::Restart => Act::ChatRestart,
            Self::Cost => Act::ChatCost,
        }
    }
}

/// The text behind a mention that it begins with: `@andy …`, `<@U123> …`, `@andy: …`.
#[must_use]
pub fn without_mention(text: &str) -> &str {
    let text = text.trim_start();
    let mention = text.starts_with('@') || text.starts_with("<@");
    match text.split_once(char::is_whitespace) {
        Some((_, rest)) if mention => rest,
        Some(_) | None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_text_of_the_list_is_a_command_and_nothing_else_is() {
        let check = |text: &str, expected: Option<ChatCommand>| {
            assert_eq!(ChatCommand::read(text), expected, "{text:?}");
        };
        check("/help", Some(ChatCommand::Help));
        check("  /clear\n", Some(ChatCommand::Clear));
        check("@andy /stop", Some(ChatCommand::Stop));
        check("<@U123> /queue", Some(ChatCommand::Queue));
        check("@andy: /cost", Some(ChatCommand::Cost));
        check("/model large", Some(ChatCommand::Model(Some("large".to_owned()))));
        check("/model", Some(ChatCommand::Model(None)));
        for text in [
            "",
            "/",
            "/helpme",
            "/help me",
            "/model a b",
            "/Clear",
            "please /stop",
            "//stop",
            "@andy @betty /stop",
            "/unknown",
            "@andy",
            "/etc/passwd",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn every_command_of_the_list_is_read_and_asks_the_gate_what_the_list_says() {
        for (words, act, _) in ChatCommand::LIST {
            let command = ChatCommand::read(&words.replace("<name>", "small")).unwrap();
            assert_eq!(command.act(), act, "{words}");
        }
    }
}
