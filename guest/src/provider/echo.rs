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
//! | `!file <name> <n>` | sends a file of `n` deterministic bytes |
//! | `!file <name> <text>` | sends a file with this text |
//! | `!return` | sends the attachments back |
//! | `!silent` | chooses to give no reply |
//! | `!exit <code>` | ends the whole process, as in a crash |
//! | `!probe` | answers with what this process can see and do, as JSON |
//!
//! Never reads a clock and never touches a session file.

use std::time::Duration;

use async_trait::async_trait;
use schemas::session_dir::SessionDir;

use super::{Failure, FileSource, OutFile, Provider, Reply, Retry, Sink, TurnEnd};
use crate::{
    limits, probe,
    prompt::{Said, Turn},
    turn::ProviderEvent,
};

/// The word in `session.json`.
pub const NAME: &str = "echo";

/// See the module's text.
#[derive(Debug)]
pub struct Echo {
    dir: SessionDir,
}

#[derive(Debug, Clone, PartialEq)]
enum Directive {
    Slow(u64),
    Fail(Retry, String),
    Stream(usize),
    File(String, Vec<u8>),
    Return,
    Silent,
    Exit(u8),
    Probe,
}

impl Echo {
    /// An echo in a session's folder.
    #[must_use]
    pub fn new(dir: SessionDir) -> Self {
        Self { dir }
    }
}

#[async_trait]
impl Provider for Echo {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn turn(&mut self, turn: &Turn, sink: &Sink) -> TurnEnd {
        for said in &turn.messages {
            if let Err(end) = self.answer(said, turn.context.len(), sink).await {
                return end;
            }
        }
        TurnEnd::Done
    }
}

impl Echo {
    async fn answer(&self, said: &Said, context: usize, sink: &Sink) -> Result<(), TurnEnd> {
        let (text, directives) = split(&said.text);
        let mut reply = Reply {
            in_reply_to: said.id.clone(),
            text: repeat(said, &text, context),
            files: vec![],
        };
        let mut pieces = 1;
        for directive in directives {
            match directive {
                Directive::Slow(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
                Directive::Fail(retry, error) => {
                    let code = "echo_told_to_fail".to_owned();
                    return Err(TurnEnd::Failed(Failure { code, error, retry }));
                }
                Directive::Stream(n) => pieces = n,
                Directive::File(name, bytes) => {
                    reply.files.push(OutFile { name, source: FileSource::Bytes(bytes) });
                }
                Directive::Return => reply.files.extend(self.files_of(said)),
                Directive::Silent => reply.text.clear(),
                Directive::Exit(code) => return Err(TurnEnd::Exit(code)),
                Directive::Probe => reply.text = probe::report(&self.dir).to_string(),
            }
        }
        if pieces > 1 {
            let text = std::mem::take(&mut reply.text);
            for text in cut(&text, pieces) {
                sink.say(ProviderEvent::Delta { in_reply_to: said.id.clone(), text }).await;
            }
        }
        sink.say(ProviderEvent::Reply(reply)).await;
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

fn split(text: &str) -> (String, Vec<Directive>) {
    let mut kept = Vec::new();
    let mut directives = Vec::new();
    for line in text.lines() {
        match line.strip_prefix('!').and_then(directive) {
            Some(directive) => directives.push(directive),
            None => kept.push(line),
        }
    }
    (kept.join("\n"), directives)
}

fn directive(line: &str) -> Option<Directive> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let rest = rest.trim();
    match word {
        "slow" => rest.parse().ok().map(Directive::Slow),
        "fail" => fail(rest),
        "stream" => rest.parse().ok().map(|n: usize| Directive::Stream(n.min(limits::ECHO_CHUNKS))),
        "file" => file(rest),
        "return" => Some(Directive::Return),
        "silent" => Some(Directive::Silent),
        "exit" => rest.parse().ok().map(Directive::Exit),
        "probe" => Some(Directive::Probe),
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

fn cut(text: &str, pieces: usize) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let size = chars.len().div_ceil(pieces).max(1);
    chars.chunks(size).map(|piece| piece.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<&Directive>) {
        assert_eq!(split(line).1.first(), expected, "{line}");
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
        check("!return", Some(&Directive::Return));
        check("!silent", Some(&Directive::Silent));
        check("!exit 9", Some(&Directive::Exit(9)));
        check("!probe", Some(&Directive::Probe));
    }

    #[test]
    fn what_is_no_directive_is_repeated() {
        for line in
            ["!", "!slow soon", "!fail", "!exit 300", "!wow", " !silent", "!file a 99999999999"]
        {
            check(line, None);
            assert_eq!(split(line).0, line);
        }
        assert_eq!(split("a\n!silent\nb").0, "a\nb");
    }

    #[test]
    fn pieces_join_to_the_whole() {
        for pieces in [1, 2, 3, 100] {
            assert_eq!(cut("grüße", pieces).concat(), "grüße");
        }
        assert_eq!(cut("abcdef", 3), ["ab", "cd", "ef"]);
        assert!(cut("", 4).is_empty());
    }
}
