//! `lazaret send <agent> "text" [--wait]`: one message, for scripts.
//!
//! With `--wait` the stream is opened before the message is sent, so that no reply is missed. If
//! the host goes away in the middle, the same message is sent again under the same key, which the
//! host takes for what it is: one message.

use std::{
    io::{self, Read},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use schemas::{
    admin::{Accepted, RoomMessage, RunInfo, SendMessage},
    ids::fresh_ulid,
    message::Outcome,
    time::{Clock, SystemClock},
};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{
    Context, attach, save,
    waiting::{Ended, Step, Waiting},
};
use crate::{
    client::{Client, EventStream, Since},
    config::length_of_time,
    error::{ErrorKind, HostError, Result},
    limits, text,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which agent
    agent: String,
    /// What to say; - reads it from the standard input
    text: String,
    /// A file to send with it; may be given several times
    #[arg(long, value_name = "PATH")]
    file: Vec<PathBuf>,
    /// A thread of the agent's room
    #[arg(long)]
    thread: Option<String>,
    /// Wait for the replies and for the end of the run; 0 if it completed, else 1
    #[arg(long)]
    wait: bool,
    /// How long to wait, such as 90s or 10m
    #[arg(long, default_value = "10m", value_parser = timeout, requires = "wait")]
    timeout: Duration,
    /// Where to save files that the agent sends [default: the current folder]
    #[arg(long, value_name = "DIR", default_value = ".", hide_default_value = true)]
    save: PathBuf,
}

/// Sends, and waits if asked to.
pub(super) async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    let message = message(&args)?;
    if !args.wait {
        let accepted = context.connect().await?.send(&args.agent, &message).await?;
        show_accepted(&accepted, context);
        return Ok(ExitCode::SUCCESS);
    }
    let mut errand =
        Errand { args: &args, message, context, waiting: Waiting::default(), told: false };
    let ended = match tokio::time::timeout(args.timeout, errand.insist()).await {
        Ok(ended) => ended?,
        Err(_late) => {
            let what = format!("no end of the run within {:?}", args.timeout);
            return Err(HostError::new(ErrorKind::Busy, what)
                .hint("the message is with the agent; its replies come to: lazaret chat"));
        }
    };
    if ended.outcome == Outcome::Completed {
        return Ok(ExitCode::SUCCESS);
    }
    if !context.out.json() {
        context.out.note(text::run_ended(ended.outcome, ended.reason.as_deref()));
    }
    Ok(ExitCode::FAILURE)
}

fn message(args: &Args) -> Result<SendMessage> {
    let mut said = args.text.clone();
    if said == "-" {
        said.clear();
        io::stdin().lock().read_to_string(&mut said).map_err(|error| {
            HostError::new(ErrorKind::Invalid, "cannot read the text").because(error)
        })?;
    }
    let attachments =
        args.file.iter().map(|path| attach::read(path)).collect::<Result<Vec<_>>>()?;
    Ok(SendMessage {
        text: said,
        attachments,
        thread: args.thread.clone(),
        client_id: Some(fresh_ulid(SystemClock.now())),
    })
}

/// One message, until its run has ended.
struct Errand<'a> {
    args: &'a Args,
    message: SendMessage,
    context: &'a Context,
    waiting: Waiting,
    /// Whether the person knows that the message was accepted.
    told: bool,
}

impl Errand<'_> {
    /// Tries until the end, over as many lives of the host as it takes.
    async fn insist(&mut self) -> Result<Ended> {
        let client = self.context.connect().await?;
        let stream = client.stream(&self.args.agent, &self.from(None)).await?;
        let mut tried = self.follow(client, stream).await;
        let mut away = false;
        while let Err(error) = tried {
            if error.kind != ErrorKind::HostDown {
                return Err(error);
            }
            if !std::mem::replace(&mut away, true) {
                self.context.out.note(text::HOST_AWAY);
            }
            sleep(limits::RECONNECT_EVERY).await;
            tried = self.resume().await;
        }
        tried
    }

    async fn resume(&mut self) -> Result<Ended> {
        let client = self.context.connect().await?;
        let from = self.from(Some(self.waiting.cursor()));
        let stream = client.stream(&self.args.agent, &from).await?;
        self.follow(client, stream).await
    }

    async fn follow(&mut self, mut client: Client, mut stream: EventStream) -> Result<Ended> {
        let accepted = client.send(&self.args.agent, &self.message).await?;
        self.waiting.accepted(&accepted);
        if !std::mem::replace(&mut self.told, true) {
            show_accepted(&accepted, self.context);
        }
        if accepted.replayed && self.settled(&mut client, &accepted).await? {
            // The end was before the stream; a new one begins with all that led to it.
            let from = self.from(Some(self.waiting.cursor()));
            stream = client.stream(&self.args.agent, &from).await?;
        }
        while let Some(event) = stream.next().await? {
            for step in self.waiting.take(event) {
                match step {
                    Step::Reply(reply) => self.show_reply(&mut client, &reply).await,
                    Step::Notice(notice) => self.context.out.note(notice),
                    Step::Ended(ended) => {
                        self.show_end(&ended);
                        return Ok(ended);
                    }
                }
            }
        }
        Err(HostError::new(ErrorKind::HostDown, "the host ended"))
    }

    async fn settled(&mut self, client: &mut Client, accepted: &Accepted) -> Result<bool> {
        let route = format!("/v1/sessions/{}/runs", accepted.session_id);
        let runs: Vec<RunInfo> = client.get(&route).await?;
        Ok(self.waiting.ledger(&runs))
    }

    fn from(&self, after: Option<i64>) -> Since {
        Since { thread: self.args.thread.clone(), after, last: None }
    }

    async fn show_reply(&self, client: &mut Client, reply: &RoomMessage) {
        let saved = save::files(client, reply, &self.args.save).await;
        let out = self.context.out;
        if out.json() {
            let saved: Vec<Value> = saved
                .iter()
                .map(|saved| match saved {
                    Ok(path) => json!({ "path": path }),
                    Err(error) => json!({ "error": error.chain() }),
                })
                .collect();
            out.object(&json!({ "type": "message", "message": reply, "saved": saved }));
            return;
        }
        if !reply.text.is_empty() {
            out.line(&reply.text);
        }
        for saved in saved {
            match saved {
                Ok(path) => out.note(format!("saved {}", path.display())),
                Err(error) => out.note(format!("a file was not saved: {}", error.chain())),
            }
        }
    }

    fn show_end(&self, ended: &Ended) {
        if self.context.out.json() {
            let end = json!({
                "type": "run_finished",
                "outcome": ended.outcome,
                "reason": ended.reason,
            });
            self.context.out.object(&end);
        }
    }
}

fn show_accepted(accepted: &Accepted, context: &Context) {
    let out = context.out;
    if out.json() {
        out.object(&json!({ "type": "accepted", "accepted": accepted }));
    }
    for refused in &accepted.refused_attachments {
        out.note(format!("a file did not arrive: {refused}"));
    }
}

fn timeout(word: &str) -> std::result::Result<Duration, String> {
    length_of_time(word).ok_or_else(|| format!("{word:?} is not a length such as 90s or 10m"))
}
