//! What happens in a run, as it happens: `out/live/<run>.ndjson`. Its time is the progress signal.
//!
//! Owns the one file: made late, so that a short turn costs nothing; bounded; gone when the next
//! run starts. It is a convenience for whoever watches, never the truth, so a disk that refuses
//! it ends no turn.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::PathBuf,
    time::Duration,
};

use jiff::Timestamp;
use schemas::{ids::RunId, session_dir::SessionDir};
use serde_json::{Value, json};

use crate::{limits, spoken::Shown, turn::ProviderEvent};

/// The live file of the run at work, or of the last one.
#[derive(Debug)]
pub(crate) struct Live {
    dir: SessionDir,
    path: Option<PathBuf>,
    file: Option<File>,
    began: Timestamp,
    held: Vec<u8>,
    written: usize,
    refused: bool,
    shown: Shown,
}

impl Live {
    /// Clears away what a guest that is no more left.
    pub(crate) fn start(dir: &SessionDir) -> Self {
        let left = fs::read_dir(dir.live_dir()).into_iter().flatten().flatten();
        left.for_each(|entry| remove(&entry.path()));
        Self {
            dir: dir.clone(),
            path: None,
            file: None,
            began: Timestamp::UNIX_EPOCH,
            held: Vec::new(),
            written: 0,
            refused: false,
            shown: Shown::begin(),
        }
    }

    /// A run begins: the file of the one before it goes.
    pub(crate) fn begin(&mut self, run: &RunId, at: Timestamp) {
        if self.file.take().is_some()
            && let Some(path) = &self.path
        {
            remove(path);
        }
        self.path = Some(self.dir.live(run));
        self.began = at;
        self.held.clear();
        (self.written, self.refused) = (0, false);
        self.shown = Shown::begin();
    }

    /// Something happened. Of what a model writes only that is told which its room may see; the
    /// rest is a sign that it goes on.
    pub(crate) fn note(&mut self, event: &ProviderEvent, now: Timestamp) {
        if let ProviderEvent::Text(piece) = event {
            let shown = self.shown.push(piece);
            return self.put(&ProviderEvent::Text(shown), now);
        }
        if matches!(
            event,
            ProviderEvent::ToolStarts(_) | ProviderEvent::Post(_) | ProviderEvent::Final(_)
        ) {
            let rest = std::mem::replace(&mut self.shown, Shown::begin()).finish();
            if !rest.is_empty() {
                self.put(&ProviderEvent::Text(rest), now);
            }
        }
        self.put(event, now);
    }

    fn put(&mut self, event: &ProviderEvent, now: Timestamp) {
        self.hold(&line(event, now), now);
    }

    fn hold(&mut self, line: &Value, now: Timestamp) {
        let mut line = line.to_string().into_bytes();
        line.push(b'\n');
        let after = limits::LIVE_HELD_BYTES < self.held.len() + line.len();
        self.held.append(&mut line);
        let age = Duration::try_from(now.duration_since(self.began)).unwrap_or_default();
        if after || self.file.is_some() || age >= limits::LIVE_AFTER {
            self.flush(now);
        }
    }

    /// An attempt came to nothing: what it said counts no more.
    pub(crate) fn discarded(&mut self, attempt: u32, now: Timestamp) {
        let at = schemas::time::format(now);
        self.shown = Shown::begin();
        self.hold(&json!({"type": "discarded", "at": at, "attempt": attempt}), now);
    }

    /// What was held back is written, where there is something; the file's time is now.
    pub(crate) fn flush(&mut self, now: Timestamp) {
        if self.held.is_empty() || self.refused {
            return;
        }
        let held = std::mem::take(&mut self.held);
        if let Err(error) = self.write(&held, now) {
            tracing::warn!(%error, "cannot write the live events of this run");
            self.refused = true;
        }
    }

    fn write(&mut self, lines: &[u8], now: Timestamp) -> io::Result<()> {
        if self.file.is_none() {
            let path = self.path.as_ref().ok_or(io::ErrorKind::NotFound)?;
            // Its own folder alone: where `out/` is not there, nothing else is written either.
            match fs::create_dir(self.dir.live_dir()) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                Ok(()) | Err(_) => {}
            }
            self.file = Some(OpenOptions::new().create(true).append(true).open(path)?);
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        let room = limits::LIVE_BYTES.saturating_sub(self.written);
        if lines.len() <= room {
            file.write_all(lines)?;
            self.written += lines.len();
        } else if room > 0 {
            // From here on only its time goes on.
            file.write_all(b"{\"type\":\"truncated\"}\n")?;
            self.written = limits::LIVE_BYTES;
        }
        file.set_modified(now.into())
    }
}

fn line(event: &ProviderEvent, now: Timestamp) -> Value {
    let at = schemas::time::format(now);
    match event {
        ProviderEvent::Delta { in_reply_to, text } => {
            json!({"type": "text", "at": at, "inReplyTo": in_reply_to.as_str(), "text": text})
        }
        ProviderEvent::Reply(reply) => {
            json!({"type": "reply", "at": at, "inReplyTo": reply.in_reply_to.as_str()})
        }
        ProviderEvent::ToolStarts(tool) => {
            let timeout = tool.timeout.map(|timeout| timeout.as_millis());
            let timeout = timeout.and_then(|ms| u64::try_from(ms).ok());
            json!({
                "type": "tool_started", "at": at, "id": tool.id, "name": tool.name,
                "summary": tool.summary, "timeoutMs": timeout,
            })
        }
        ProviderEvent::Used(used) => json!({"type": "used", "at": at, "used": used}),
        ProviderEvent::ToolProgress(id, text) => {
            json!({"type": "tool_progress", "at": at, "id": id, "text": text})
        }
        ProviderEvent::ToolEnded(id) => json!({"type": "tool_ended", "at": at, "id": id}),
        // Native ids never leave the guest.
        ProviderEvent::Session(_) => json!({"type": "session", "at": at}),
        ProviderEvent::Text(text) => json!({"type": "text", "at": at, "text": text}),
        ProviderEvent::Thinking(text) => json!({"type": "thinking", "at": at, "text": text}),
        ProviderEvent::Post(post) => json!({"type": "post", "at": at, "to": post.to}),
        ProviderEvent::Final(_) => json!({"type": "final", "at": at}),
    }
}

fn remove(path: &std::path::Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::debug!(%error, "cannot remove a live file");
    }
}

#[cfg(test)]
mod tests {
    use schemas::ids::MessageId;

    use super::*;

    fn folder() -> (tempfile::TempDir, SessionDir) {
        let root = tempfile::tempdir().unwrap();
        let dir = SessionDir::at(root.path());
        fs::create_dir(dir.out_dir()).unwrap();
        (root, dir)
    }

    fn said(text: &str) -> ProviderEvent {
        let in_reply_to = MessageId::parse("m1").unwrap();
        ProviderEvent::Delta { in_reply_to, text: text.to_owned() }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    #[test]
    fn a_short_run_leaves_no_file_and_a_long_one_a_file_of_its_last_sign() {
        let (_root, dir) = folder();
        let (first, second) = (RunId::mint(at(0)), RunId::mint(at(9)));
        let mut live = Live::start(&dir);
        live.begin(&first, at(0));
        live.note(&said("a"), at(0));
        assert!(!dir.live(&first).exists());
        live.note(&said("b"), at(5));
        let text = fs::read_to_string(dir.live(&first)).unwrap();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert_eq!(fs::metadata(dir.live(&first)).unwrap().modified().unwrap(), at(5).into());
        live.begin(&second, at(9));
        assert!(!dir.live(&first).exists(), "it goes when the next run starts");
        live.note(&said("c"), at(20));
        Live::start(&dir);
        assert!(!dir.live(&second).exists(), "it goes when the next guest starts");
    }

    #[test]
    fn what_nobody_may_see_is_not_in_the_file_and_still_a_sign() {
        let (_root, dir) = folder();
        let run = RunId::mint(at(0));
        let mut live = Live::start(&dir);
        live.begin(&run, at(0));
        let mut say = |second, text: &str| {
            live.note(&ProviderEvent::Text(text.to_owned()), at(second));
        };
        say(2, "shown <inter");
        say(3, "nal>secret");
        say(9, "</internal><message to='ops'>other</message>");
        let text = fs::read_to_string(dir.live(&run)).unwrap();
        assert!(text.contains(r#""shown ""#) && text.lines().count() == 3, "{text}");
        assert!(!text.contains("secret") && !text.contains("other"), "{text}");
        assert_eq!(fs::metadata(dir.live(&run)).unwrap().modified().unwrap(), at(9).into());
    }

    #[test]
    fn a_file_that_is_full_says_so_and_goes_on_as_a_sign() {
        let (_root, dir) = folder();
        let run = RunId::mint(at(0));
        let mut live = Live::start(&dir);
        live.begin(&run, at(0));
        let much = said(&"x".repeat(1 << 20));
        (1..40).for_each(|second| live.note(&much, at(second)));
        let written = fs::read(dir.live(&run)).unwrap();
        assert!(written.len() <= limits::LIVE_BYTES + 32, "{}", written.len());
        assert!(written.ends_with(b"{\"type\":\"truncated\"}\n"));
        assert_eq!(fs::metadata(dir.live(&run)).unwrap().modified().unwrap(), at(39).into());
    }
}
