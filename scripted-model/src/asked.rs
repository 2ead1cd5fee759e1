//! What a request asks for, whichever way it is asked; and what is said to it. PURE.

use std::time::Duration;

use serde_json::Value;

use crate::{
    script::{Play, words},
    shell,
};

/// A tool that the model may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offered {
    /// Its name; of one in a namespace `<namespace>__<name>`.
    pub(crate) name: String,
    /// The namespace that it stands in, and its name there.
    pub(crate) namespace: Option<(String, String)>,
    /// Whether it takes free text instead of JSON.
    pub(crate) free: bool,
}

impl Offered {
    pub(crate) fn plain(name: &str) -> Self {
        Self { name: name.to_owned(), namespace: None, free: false }
    }
}

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) model: String,
    pub(crate) stream: bool,
    pub(crate) tools: Vec<Offered>,
    /// The last words of the person.
    pub(crate) last_words: String,
}

/// What is said, before it takes the shape of an interface.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Said {
    pub(crate) thought: Option<String>,
    pub(crate) words: Vec<String>,
    /// Before each word.
    pub(crate) pause: Duration,
    pub(crate) call: Option<(Offered, Value)>,
    pub(crate) end: End,
}

/// How a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Whole,
    Fails,
    Cut,
}

/// What comes of a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    Says(Said),
    Refused { status: u16, retry_after: Option<u64> },
    Hangs,
}

impl Said {
    fn all(text: &str) -> Self {
        Self {
            thought: None,
            words: words(text),
            pause: Duration::ZERO,
            call: None,
            end: End::Whole,
        }
    }

    pub(crate) fn text(&self) -> String {
        self.words.concat()
    }
}

/// What a play makes of a request.
pub(crate) fn outcome(play: &Play, asked: &Asked) -> Outcome {
    let says = |said| Outcome::Says(said);
    let called = |call: Option<(Offered, Value)>, wanted: &str| match call {
        Some(call) => Said { call: Some(call), ..Said::all("I call a tool.") },
        None => Said::all(&format!("no tool like {wanted} is offered")),
    };
    match play {
        Play::Say { words, pause } => {
            says(Said { words: words.clone(), pause: *pause, ..Said::all("") })
        }
        Play::Echo => says(Said::all(&asked.last_words)),
        Play::Think(thought) => says(Said { thought: Some(thought.clone()), ..Said::all("done") }),
        Play::Run(command) => says(called(shell::call(&asked.tools, command), "a shell")),
        Play::Call { tool, arguments } => {
            let found = asked.tools.iter().find(|one| one.name.ends_with(tool.as_str()));
            says(called(found.map(|one| (one.clone(), arguments.clone())), tool))
        }
        Play::Error { status, retry_after } => {
            Outcome::Refused { status: *status, retry_after: *retry_after }
        }
        Play::Fail => says(Said { end: End::Fails, ..Said::all("so far ") }),
        Play::Cut => says(Said { end: End::Cut, ..Said::all("so far ") }),
        Play::Hang => Outcome::Hangs,
    }
}

/// The text of a content that is a string or a list of parts, of which some are text.
pub(crate) fn text_of(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let texts = parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str));
            // What runtimes say of themselves beside what a person said.
            texts
                .filter(|text| !text.starts_with("<system-reminder>"))
                .collect::<Vec<_>>()
                .join("\n")
        }
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {
            String::new()
        }
    }
}

/// A list in a body, or none.
pub(crate) fn list<'b>(body: &'b Value, key: &str) -> &'b [Value] {
    body.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A text in a body, or none.
pub(crate) fn text<'b>(body: &'b Value, key: &str) -> &'b str {
    body.get(key).and_then(Value::as_str).unwrap_or_default()
}
