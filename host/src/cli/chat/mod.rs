//! `lazaret chat <agent>`: a conversation at the terminal.
//!
//! One loop owns the conversation: lines that were typed, the room's events, and tries to reach a
//! host that went away. What was said while it was away is kept and sent under its own key, so it
//! arrives once.

use std::collections::{HashSet, VecDeque};

use schemas::{
    admin::{RoomEvent, RoomMessage, SendMessage},
    content::Attachment,
    ids::{MessageId, fresh_ulid},
    message::Outcome,
    time::{Clock, SystemClock},
};
use tokio::{sync::mpsc, time::sleep};

use super::{Context, attach, save};
use crate::{
    client::{self, Client, EventStream, Since},
    error::{ErrorKind, HostError, Result},
    limits, text,
};

mod line;
mod terminal;

use line::Typed;
use terminal::Screen;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which agent
    agent: String,
    /// A thread of the agent's room
    #[arg(long)]
    thread: Option<String>,
    /// Where to save files that the agent sends [default: the current folder]
    #[arg(long, value_name = "DIR", default_value = ".", hide_default_value = true)]
    save: std::path::PathBuf,
}

/// Talks until the person leaves.
pub(super) async fn run(args: Args, context: &Context) -> Result<()> {
    let link = Link::open(&args, context, 0, Some(limits::CHAT_HISTORY)).await?;
    let history = format!("chat-{}.history", client::segment(&args.agent));
    let (mut screen, typed) =
        terminal::start(&context.config.state_dir.join(history), context.out)?;
    screen.show(text::CHAT_HELP);
    let mut chat = Chat {
        args,
        context,
        screen,
        link: Some(link),
        past: true,
        last: 0,
        working: false,
        files: Vec::new(),
        unsent: VecDeque::new(),
        open: HashSet::new(),
    };
    chat.talk(typed).await
}

/// What can happen next; nothing else moves the conversation.
enum Happened {
    Typed(Typed),
    Event(Box<RoomEvent>),
    LinkLost,
    TimeToTry,
}

/// The connections to a host that answers.
struct Link {
    client: Client,
    stream: EventStream,
}

impl Link {
    async fn open(args: &Args, context: &Context, after: i64, last: Option<usize>) -> Result<Self> {
        let client = context.connect().await?;
        let from = Since { thread: args.thread.clone(), after: Some(after), last };
        let stream = client.stream(&args.agent, &from).await?;
        Ok(Self { client, stream })
    }
}

struct Chat<'a> {
    args: Args,
    context: &'a Context,
    screen: Screen,
    /// None while the host is away.
    link: Option<Link>,
    /// Whether what comes was said before this chat began: its files are not fetched again.
    past: bool,
    /// The highest number that was shown.
    last: i64,
    working: bool,
    /// For the next message.
    files: Vec<Attachment>,
    unsent: VecDeque<SendMessage>,
    /// Messages whose run has not ended.
    open: HashSet<MessageId>,
}

impl Chat<'_> {
    async fn talk(&mut self, typed: mpsc::Receiver<Typed>) -> Result<()> {
        // None once nothing more will be typed.
        let mut typed = Some(typed);
        loop {
            if typed.is_none() && self.open.is_empty() && self.unsent.is_empty() {
                return Ok(());
            }
            let happened = tokio::select! {
                line = next_line(&mut typed) => Happened::Typed(line),
                happened = listen(&mut self.link) => happened?,
            };
            match happened {
                Happened::Typed(Typed::Quit) => return Ok(()),
                Happened::Typed(Typed::End) => typed = None,
                Happened::Typed(Typed::Say(words)) => self.say(words).await?,
                Happened::Typed(Typed::File(path)) => match attach::read(&path) {
                    Ok(file) => {
                        self.screen
                            .show(&format!("({} goes with the next message)", path.display()));
                        self.files.push(file);
                    }
                    Err(error) => self.complain(&error),
                },
                Happened::Event(event) => self.show(*event).await,
                Happened::LinkLost => self.lose_link(),
                Happened::TimeToTry => self.reconnect().await?,
            }
        }
    }

    async fn say(&mut self, words: String) -> Result<()> {
        self.unsent.push_back(SendMessage {
            text: words,
            attachments: std::mem::take(&mut self.files),
            thread: self.args.thread.clone(),
            client_id: Some(fresh_ulid(SystemClock.now())),
        });
        if self.link.is_none() {
            self.screen.show(&format!("({})", text::KEPT_FOR_LATER));
        }
        self.send_unsent().await
    }

    /// Sends in order; what cannot be sent because the host is away stays.
    async fn send_unsent(&mut self) -> Result<()> {
        while let (Some(link), Some(message)) = (&mut self.link, self.unsent.front()) {
            match link.client.send(&self.args.agent, message).await {
                Ok(accepted) => {
                    self.unsent.pop_front();
                    for refused in &accepted.refused_attachments {
                        self.screen.show(&format!("(a file did not arrive: {refused})"));
                    }
                    if !accepted.replayed {
                        self.open.insert(accepted.message_id);
                    }
                }
                Err(error) if error.kind == ErrorKind::HostDown => {
                    self.lose_link();
                    return Ok(());
                }
                Err(error) => {
                    self.unsent.pop_front();
                    self.complain(&error);
                }
            }
        }
        Ok(())
    }

    fn lose_link(&mut self) {
        self.link = None;
        self.working = false;
        self.screen.show(&format!("({})", text::HOST_AWAY));
    }

    async fn reconnect(&mut self) -> Result<()> {
        match Link::open(&self.args, self.context, self.last, None).await {
            Ok(link) => {
                self.link = Some(link);
                // How they ended while nobody listened shows in their replies.
                self.open.clear();
                self.screen.show(&format!("({})", text::HOST_BACK));
                self.send_unsent().await
            }
            Err(error) if error.kind == ErrorKind::HostDown => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn show(&mut self, event: RoomEvent) {
        match event {
            RoomEvent::Message(message) => self.show_message(&message).await,
            RoomEvent::Typing { on, .. } => {
                if on && !self.working {
                    self.screen.show(&format!("({})", text::working(&self.args.agent)));
                }
                self.working = on;
            }
            RoomEvent::RunTakesLong { minutes, .. } => {
                self.screen.show(&format!("({})", text::turns::takes_long(minutes)));
            }
            RoomEvent::RunFinished { message_ids, outcome, reason, .. } => {
                self.working = false;
                for message in message_ids {
                    self.open.remove(&message);
                }
                // A reason was told in the room already.
                if outcome != Outcome::Completed && reason.is_none() {
                    self.screen.show(&format!("({})", text::run_ended(outcome, None)));
                }
            }
            RoomEvent::CaughtUp => self.past = false,
            RoomEvent::Notice { text, .. } => {
                self.screen.show(&format!("({})", text.replace('\n', "\n  ")));
            }
        }
    }

    async fn show_message(&mut self, message: &RoomMessage) {
        self.last = self.last.max(message.seq);
        self.screen.show(&said(&self.args.agent, message, self.past));
        let Some(link) = self.link.as_mut().filter(|_| !self.past) else { return };
        for saved in save::files(&mut link.client, message, &self.args.save).await {
            match saved {
                Ok(path) => self.screen.show(&format!("(saved {})", path.display())),
                Err(error) => self.complain(&error),
            }
        }
    }

    fn complain(&mut self, error: &HostError) {
        let hint = error.hint_text().map(|hint| format!("; {hint}")).unwrap_or_default();
        self.screen.show(&format!("(error: {}{hint})", error.chain()));
    }
}

async fn next_line(typed: &mut Option<mpsc::Receiver<Typed>>) -> Typed {
    match typed {
        Some(typed) => typed.recv().await.unwrap_or(Typed::End),
        None => std::future::pending().await,
    }
}

async fn listen(link: &mut Option<Link>) -> Result<Happened> {
    let Some(link) = link else {
        sleep(limits::RECONNECT_EVERY).await;
        return Ok(Happened::TimeToTry);
    };
    match link.stream.next().await {
        Ok(Some(event)) => Ok(Happened::Event(Box::new(event))),
        Ok(None) => Ok(Happened::LinkLost),
        Err(error) if error.kind == ErrorKind::HostDown => Ok(Happened::LinkLost),
        Err(error) => Err(error),
    }
}

fn said(agent: &str, message: &RoomMessage, past: bool) -> String {
    // A further line must not read like one of ours, or of somebody else.
    let mut shown = format!("{agent}: {}", message.text.replace('\n', "\n  "));
    if past {
        for file in &message.files {
            shown.push_str("\n(file ");
            shown.push_str(file);
            shown.push(')');
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use schemas::ids::SessionId;

    use super::*;

    #[test]
    fn files_of_old_messages_are_named_and_not_fetched() {
        let message = RoomMessage {
            session_id: SessionId::mint(Timestamp::UNIX_EPOCH),
            message_id: MessageId::parse("m").unwrap(),
            seq: 1,
            in_reply_to: None,
            thread: None,
            text: "here it is".to_owned(),
            files: vec!["a.pdf".to_owned()],
        };
        assert_eq!(said("andy", &message, true), "andy: here it is\n(file a.pdf)");
        assert_eq!(said("andy", &message, false), "andy: here it is");
    }
}
