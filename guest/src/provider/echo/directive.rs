//! The echo's directives: lines that begin with `!`. PURE.

use schemas::{
    action::{Action, ActionRequest},
    content::{Card, MessageRef, Operation, Question, QuestionOption},
};

use serde_json::Value;

use crate::{
    limits,
    provider::{Retry, What},
};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Directive {
    Slow(u64),
    Fail(Retry, String),
    Stream(usize),
    Say(String),
    /// A file in the working folder, and the line that it gets.
    Append(String, String),
    /// How long it takes, and what it declares, in milliseconds.
    Tool(u64, u64),
    File(String, Vec<u8>),
    /// One of the guest's tools, and what it is given.
    Call(String, Value),
    /// What is written as a model writes it.
    Write(String),
    Return,
    Silent,
    Exit(u8),
    Probe,
    /// Does something, to a name in the address book or where the message came from.
    Do(Option<String>, What),
    Destinations,
    Prompt,
    Turn,
    Model,
    /// What the turn cost, in dollars.
    Cost(f64),
}

/// What is repeated, and what is done. `seq` names what is asked over the message.
pub(super) fn split(text: &str, seq: i64) -> (String, Vec<Directive>) {
    let mut kept = Vec::new();
    let mut directives = Vec::new();
    for line in text.lines() {
        match line.strip_prefix('!').and_then(|line| directive(line, seq)) {
            Some(directive) => directives.push(directive),
            None => kept.push(line),
        }
    }
    (kept.join("\n"), directives)
}

fn directive(line: &str, seq: i64) -> Option<Directive> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let rest = rest.trim();
    match word {
        "slow" => rest.parse().ok().map(Directive::Slow),
        "fail" => fail(rest),
        "stream" => rest.parse().ok().map(|n: usize| Directive::Stream(n.min(limits::ECHO_CHUNKS))),
        "say" => Some(Directive::Say(rest.to_owned())),
        "append" => append(rest),
        "tool" => tool(rest),
        "file" => file(rest),
        "call" => call(rest),
        "write" => Some(Directive::Write(rest.to_owned())),
        "return" => Some(Directive::Return),
        "silent" => Some(Directive::Silent),
        "exit" => rest.parse().ok().map(Directive::Exit),
        "probe" => Some(Directive::Probe),
        "to" => rest.split_once(' ').map(|(to, text)| said(Some(to), text)),
        "edit" => about(rest).map(|(message_id, text)| {
            Directive::Do(None, What::Change(Operation::Edit { message_id, text }))
        }),
        "react" => about(rest).map(|(message_id, emoji)| {
            Directive::Do(None, What::Change(Operation::Reaction { message_id, emoji }))
        }),
        "ask" => ask(rest, seq),
        "card" => Some(card(rest)),
        "action" => serde_json::from_str(rest).ok().map(act),
        "admin" => Some(act(ActionRequest {
            request_id: Some(format!("r{seq}")),
            action: Action::Admin { args: rest.split_whitespace().map(str::to_owned).collect() },
        })),
        "destinations" => Some(Directive::Destinations),
        "prompt" => Some(Directive::Prompt),
        "turn" => Some(Directive::Turn),
        "model" => Some(Directive::Model),
        "cost" => rest.parse().ok().map(Directive::Cost),
        _ => None,
    }
}

fn fail(rest: &str) -> Option<Directive> {
    let (how, words) = rest.split_once(' ').unwrap_or((rest, "told to fail"));
    match how {
        "final" => Some(Directive::Fail(Retry::Never, words.to_owned())),
        "retry" => Some(Directive::Fail(Retry::Later, words.to_owned())),
        _ => None,
    }
}

/// The file is one plain name: the working folder is not left.
fn append(rest: &str) -> Option<Directive> {
    let (file, line) = rest.split_once(' ')?;
    let plain = !file.starts_with('.') && !file.contains('/');
    plain.then(|| Directive::Append(file.to_owned(), line.to_owned()))
}

fn call(rest: &str) -> Option<Directive> {
    let (name, arguments) = rest.split_once(' ').unwrap_or((rest, "{}"));
    Some(Directive::Call(name.to_owned(), serde_json::from_str(arguments).ok()?))
}

fn tool(rest: &str) -> Option<Directive> {
    let (takes, declares) = rest.split_once(' ')?;
    Some(Directive::Tool(takes.parse().ok()?, declares.parse().ok()?))
}

fn file(rest: &str) -> Option<Directive> {
    let (name, what) = rest.split_once(' ')?;
    let bytes = match what.parse::<usize>() {
        Ok(n) if n <= limits::ECHO_FILE_BYTES => {
            b"0123456789abcdef".iter().copied().cycle().take(n).collect()
        }
        Ok(_) => return None,
        Err(_) => what.as_bytes().to_vec(),
    };
    Some(Directive::File(name.to_owned(), bytes))
}

fn said(to: Option<&str>, text: &str) -> Directive {
    Directive::Do(to.map(str::to_owned), What::Words(text.to_owned()))
}

fn act(request: ActionRequest) -> Directive {
    Directive::Do(None, What::Act(request))
}

fn about(rest: &str) -> Option<(MessageRef, String)> {
    let (message, what) = rest.split_once(' ')?;
    let message =
        message.parse().map_or_else(|_| MessageRef::Id(message.to_owned()), MessageRef::Seq);
    Some((message, what.to_owned()))
}

fn ask(rest: &str, seq: i64) -> Option<Directive> {
    let mut parts = rest.split('|').map(str::trim);
    let question = parts.next().filter(|question| !question.is_empty())?.to_owned();
    let option = |word: &str| QuestionOption {
        label: word.to_owned(),
        value: word.to_owned(),
        selected_label: None,
    };
    let options = parts.map(option).collect();
    let question_id = format!("q{seq}");
    let question = Question { question_id, title: String::new(), question, options };
    Some(Directive::Do(None, What::Ask(question)))
}

fn card(rest: &str) -> Directive {
    let (title, text) = rest.split_once('|').unwrap_or((rest, ""));
    let (title, text) = (title.trim().to_owned(), text.trim().to_owned());
    Directive::Do(None, What::Show(Card { title, text, fields: Vec::new() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<&Directive>) {
        assert_eq!(split(line, 2).1.first(), expected, "{line}");
    }

    #[test]
    fn directives_are_read() {
        check("!slow 250", Some(&Directive::Slow(250)));
        check("!fail final no way", Some(&Directive::Fail(Retry::Never, "no way".into())));
        check("!fail retry", Some(&Directive::Fail(Retry::Later, "told to fail".into())));
        check("!stream 3", Some(&Directive::Stream(3)));
        check(
            "!file a.txt 18",
            Some(&Directive::File("a.txt".into(), b"0123456789abcdef01".into())),
        );
        check("!file a.txt two words", Some(&Directive::File("a.txt".into(), b"two words".into())));
        check("!say half", Some(&Directive::Say("half".into())));
        check(
            "!append a.txt two words",
            Some(&Directive::Append("a.txt".into(), "two words".into())),
        );
        check("!tool 5 900", Some(&Directive::Tool(5, 900)));
        check("!return", Some(&Directive::Return));
        check("!silent", Some(&Directive::Silent));
        check("!exit 9", Some(&Directive::Exit(9)));
        check("!probe", Some(&Directive::Probe));
        check("!to ops two words", Some(&said(Some("ops"), "two words")));
        let message_id = MessageRef::Seq(3);
        let edit = What::Change(Operation::Edit { message_id, text: "new words".into() });
        check("!edit 3 new words", Some(&Directive::Do(None, edit)));
        let admin = ActionRequest {
            request_id: Some("r2".into()),
            action: Action::Admin { args: vec!["agents".into(), "list".into()] },
        };
        check("!admin agents  list", Some(&act(admin.clone())));
        let json = r#"!action {"requestId":"r2","action":"admin","args":["agents","list"]}"#;
        check(json, Some(&act(admin)));
        check("!destinations", Some(&Directive::Destinations));
    }

    #[test]
    fn what_is_no_directive_is_repeated() {
        for line in [
            "!",
            "!slow soon",
            "!fail",
            "!exit 300",
            "!wow",
            " !silent",
            "!file a 99999999999",
            "!to ops",
            "!append ../a line",
            "!append .bashrc line",
            "!append a",
            "!tool 5",
            "!ask",
            "!action {}",
        ] {
            check(line, None);
            assert_eq!(split(line, 2).0, line);
        }
        assert_eq!(split("a\n!silent\nb", 2).0, "a\nb");
    }
}
