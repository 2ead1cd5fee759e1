//! The provider that repeats what it hears, for tests and the demo. Deterministic.
//!
//! Each message gets one reply: `You said: <text>`, then `attachment: <name> (<size> bytes)` for
//! each file, then `context: <n> message(s)` when there is any. A line of the text that begins with
//! `!` is done instead of repeated:
//!
//! | directive | does |
//! |---|---|
//! | `!slow <ms>` | waits before it answers |
//! | `!fail final <words>` | fails the turn for good, with these words |
//! | `!fail retry <words>` | fails the turn, which may work later |
//! | `!stream <n>` | says the reply in `n` pieces |
//! | `!say <text>` | says this at once, before the rest of the reply |
//! | `!append <file> <line>` | a tool: appends a line to a file in its folder, on the disk |
//! | `!tool <ms> <timeout ms>` | a tool that takes so long and declares that it may |
//! | `!file <name> <n>` | sends a file of `n` deterministic bytes |
//! | `!file <name> <text>` | sends a file with this text |
//! | `!call <tool> <json>` | uses one of the guest's own tools, and repeats what came of it |
//! | `!write <words>` | answers with these, as a model that may use tags writes them |
//! | `!return` | sends the attachments back |
//! | `!silent` | chooses to give no reply |
//! | `!exit <code>` | ends the whole process, as in a crash |
//! | `!probe` | answers with what this process can see and do, as JSON |
//! | `!to <destination> <text>` | says this there, with the files of the lines below it |
//! | `!edit <number> <text>` | changes a message of its own |
//! | `!react <number> <emoji>` | puts an emoji under a message |
//! | `!ask <question>\|<option>\|…` | asks a person |
//! | `!card <title>\|<text>` | shows a card |
//! | `!action <json>` | asks something of the host |
//! | `!admin <words>` | asks for one of the operator's commands |
//! | `!destinations` | answers with the address book as it is now |
//! | `!prompt` | answers with what it was told about itself |
//! | `!turn` | answers with the whole turn as a model would read it |
//! | `!model` | answers with the model and the folder that it was given |
//! | `!cost <dollars>` | says that the turn cost so much; it costs nothing otherwise |
//!
//! Its tokens are words, those that a model would read and those that it writes.
//!
//! Never reads a clock and never touches a session's databases.

use std::{fs::OpenOptions, io::Write, time::Duration};

use async_trait::async_trait;
use schemas::{
    message::{DestinationTarget, Kind},
    session_dir::SessionDir,
    usage::Usage,
};
use serde_json::Value;

use super::{
    Failure, Fault, FileSource, Health, Launch, Opened, OutFile, Provider, Reply, Retry, Sink,
    Surroundings, Tool, TurnEnd, What,
};
use crate::{
    probe,
    prompt::{Said, Turn},
    tools::{self, Desk},
    turn::ProviderEvent,
    written::written,
};

mod directive;

use directive::{Directive, split};

/// The word in `session.json`.
pub const NAME: &str = "echo";

/// It uses one tool at a time.
const TOOL: &str = "tool";

/// See the module's text.
#[derive(Debug)]
pub struct Echo {
    dir: SessionDir,
    desk: Desk,
}

impl Echo {
    /// An echo in a session's folder.
    #[must_use]
    pub fn new(around: &Surroundings) -> Self {
        Self { dir: around.dir.clone(), desk: around.desk.clone() }
    }
}

#[async_trait]
impl Provider for Echo {
    fn name(&self) -> &'static str {
        NAME
    }

    fn health(&self) -> Health {
        Health::Ready
    }

    async fn open(&mut self, _launch: &Launch, _resume: Option<&str>) -> Result<Opened, Fault> {
        // What it says depends on nothing that was said before.
        Ok(Opened::Warm)
    }

    async fn close(&mut self) {}

    async fn turn(&mut self, turn: &Turn, sink: &Sink) -> TurnEnd {
        tokio::select! {
            biased;
            end = self.answer_all(turn, sink) => end,
            () = sink.stopped() => TurnEnd::Stopped,
        }
    }
}

impl Echo {
    async fn answer_all(&self, turn: &Turn, sink: &Sink) -> TurnEnd {
        let mut spent = Usage {
            input_tokens: words_in(&turn.system_prompt) + words_in(&written(turn)),
            cost_usd: Some(0.0),
            ..Usage::default()
        };
        sink.say(ProviderEvent::Used(spent)).await;
        for said in &turn.messages {
            let answered = self.answer(said, turn, (sink, &mut spent)).await;
            sink.say(ProviderEvent::Used(spent)).await;
            if let Err(end) = answered {
                return end;
            }
        }
        TurnEnd::Done
    }

    async fn answer(
        &self,
        said: &Said,
        turn: &Turn,
        (sink, spent): (&Sink, &mut Usage),
    ) -> Result<(), TurnEnd> {
        // The host's own words are repeated, never obeyed: they quote what others wrote.
        let (text, directives) = match said.kind {
            Kind::System => (said.text.clone(), Vec::new()),
            Kind::Chat | Kind::ChatSdk | Kind::Task | Kind::Webhook => split(&said.text, said.seq),
        };
        let mut reply = Reply::words(said.id.clone(), "");
        let mut words = repeat(said, &text, turn.context.len());
        let mut others: Vec<Reply> = Vec::new();
        let mut pieces = 1;
        for directive in directives {
            match directive {
                Directive::Slow(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
                Directive::Fail(retry, error) => {
                    return Err(failed("echo_told_to_fail", error, retry));
                }
                Directive::Say(text) => {
                    let piece = ProviderEvent::Delta { in_reply_to: said.id.clone(), text };
                    sink.say(piece).await;
                }
                Directive::Append(file, line) => {
                    self.append(sink, &file, &line).await?;
                }
                Directive::Tool(ms, timeout) => {
                    wait(sink, Duration::from_millis(ms), Duration::from_millis(timeout)).await?;
                }
                Directive::Call(name, arguments) => {
                    words = format!("{words}\n{}", self.call(sink, &name, &arguments).await?);
                }
                Directive::Write(text) => {
                    words.clear();
                    sink.say(ProviderEvent::Text(text)).await;
                }
                Directive::Stream(n) => pieces = n,
                Directive::File(name, bytes) => {
                    let last = others.iter_mut().rev().find(|other| other.to.is_some());
                    let file = OutFile { name, source: FileSource::Bytes(bytes) };
                    last.unwrap_or(&mut reply).files.push(file);
                }
                Directive::Return => reply.files.extend(self.files_of(said)),
                Directive::Silent => words.clear(),
                Directive::Exit(code) => return Err(TurnEnd::Exit(code)),
                Directive::Do(to, what) => {
                    others.push(Reply { to, what, ..Reply::words(said.id.clone(), "") });
                }
                Directive::Probe => words = probe::report(&self.dir).to_string(),
                Directive::Destinations => words = book(sink),
                Directive::Prompt => words.clone_from(&turn.system_prompt),
                Directive::Turn => words = written(turn),
                Directive::Model => words = model(turn),
                Directive::Cost(dollars) => spent.cost_usd = Some(dollars),
            }
        }
        spent.output_tokens += words_in(&words);
        if pieces > 1 {
            for text in cut(&std::mem::take(&mut words), pieces) {
                sink.say(ProviderEvent::Delta { in_reply_to: said.id.clone(), text }).await;
            }
        }
        reply.what = What::Words(words);
        for one in std::iter::once(reply).chain(others) {
            sink.say(ProviderEvent::Reply(one)).await;
        }
        Ok(())
    }

    /// Uses one of the guest's own tools, as a model does.
    async fn call(&self, sink: &Sink, name: &str, given: &Value) -> Result<String, TurnEnd> {
        used(sink, name, None).await?;
        let called = tools::call(&self.desk, name, given).await;
        sink.tool_ended(TOOL).await;
        Ok(format!("{name}: {}", called.text))
    }

    /// The tool whose effect can be seen.
    async fn append(&self, sink: &Sink, file: &str, line: &str) -> Result<(), TurnEnd> {
        used(sink, "append", None).await?;
        let path = self.dir.work().join(file);
        let write = || {
            let mut file = OpenOptions::new().create(true).append(true).open(path)?;
            file.write_all(format!("{line}\n").as_bytes())?;
            file.sync_all()
        };
        write()
            .map_err(|error| failed("append", format!("cannot append: {error}"), Retry::Never))?;
        sink.tool_ended(TOOL).await;
        Ok(())
    }

    fn files_of(&self, said: &Said) -> Vec<OutFile> {
        let file = |n: usize, path| OutFile {
            name: said.attachments.get(n).and_then(|a| a.name.clone()).unwrap_or_default(),
            source: FileSource::Path(path),
        };
        let paths = said
            .attachments
            .iter()
            .map(|a| a.local_path.as_deref().and_then(|path| self.dir.inbox_file(path)));
        paths.enumerate().filter_map(|(n, path)| Some(file(n, path?))).collect()
    }
}

/// The tool that takes its time.
async fn wait(sink: &Sink, time: Duration, declared: Duration) -> Result<(), TurnEnd> {
    used(sink, "wait", Some(declared)).await?;
    tokio::time::sleep(time).await;
    sink.tool_ended(TOOL).await;
    Ok(())
}

/// Asks for a tool, which may act once this returns.
async fn used(sink: &Sink, name: &str, timeout: Option<Duration>) -> Result<(), TurnEnd> {
    let tool =
        Tool { id: TOOL.to_owned(), name: name.to_owned(), summary: name.to_owned(), timeout };
    let refused =
        |_| failed("no_record", "my disk takes nothing just now".to_owned(), Retry::Later);
    sink.tool_starts(tool).await.map_err(refused)
}

fn failed(code: &str, error: String, retry: Retry) -> TurnEnd {
    TurnEnd::Failed(Failure { code: code.to_owned(), error, retry })
}

fn repeat(said: &Said, text: &str, context: usize) -> String {
    let mut lines = vec![format!("You said: {text}")];
    for file in &said.attachments {
        let name = file.name.as_deref().unwrap_or("unnamed");
        lines.push(match (&file.error, file.size) {
            (Some(error), _) => format!("attachment: {name} ({error})"),
            (None, size) => format!("attachment: {name} ({} bytes)", size.unwrap_or(0)),
        });
    }
    if context > 0 {
        let plural = if context == 1 { "" } else { "s" };
        lines.push(format!("context: {context} message{plural}"));
    }
    lines.join("\n")
}

fn book(sink: &Sink) -> String {
    let book = match sink.destinations() {
        Ok(book) => book,
        Err(error) => return format!("the address book cannot be read: {error}"),
    };
    let line = |entry: &schemas::message::Destination| match &entry.target {
        DestinationTarget::Channel(place) => {
            let thread = place.thread_id.as_deref().map(|thread| format!(" {thread}"));
            let thread = thread.unwrap_or_default();
            format!("{}: {} {}{thread}", entry.name, place.channel_type, place.platform_id)
        }
        DestinationTarget::Agent(_) => format!("{}: an agent", entry.name),
    };
    let lines: Vec<String> = book.iter().map(line).collect();
    if lines.is_empty() { "no destinations".to_owned() } else { lines.join("\n") }
}

fn model(turn: &Turn) -> String {
    let model = turn.model.as_deref().unwrap_or("no model");
    let folder = turn.work_dir.as_deref().unwrap_or("its own folder");
    format!("{model} in {folder}")
}

fn words_in(text: &str) -> u64 {
    u64::try_from(text.split_whitespace().count()).unwrap_or(u64::MAX)
}

fn cut(text: &str, pieces: usize) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let size = chars.len().div_ceil(pieces).max(1);
    chars.chunks(size).map(|piece| piece.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_join_to_the_whole() {
        for pieces in [1, 2, 3, 100] {
            assert_eq!(cut("grüße", pieces).concat(), "grüße");
        }
        assert_eq!(cut("abcdef", 3), ["ab", "cd", "ef"]);
        assert!(cut("", 4).is_empty());
    }
}
