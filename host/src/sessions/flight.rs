//! One post on its way to its channel: what is looked up first, which part goes, what was answered.
//!
//! Runs beside the session's loop, and tells both what it means for the post and what it shows of
//! the channel. Nothing here is durable; the loop writes down what comes back.

use std::{sync::Arc, time::Duration};

use schemas::{host_side::OutboxReader, ids::MessageId};
use tracing::error;

use super::{about::Messages, context::Context, lane::Outgoing};
use crate::{
    channels::{Channel, ChannelError, Found, Post, Posted, Resolution},
    delivery::{Word, retry::named, split::parts},
    error::ErrorKind,
    limits::channel as limits,
    questions,
    steps::{Step, Steps},
    text::channels as text,
};

/// What is needed for it.
pub(super) struct Flight {
    pub(super) context: Arc<Context>,
    pub(super) channel: Option<Arc<dyn Channel>>,
    pub(super) outbox: OutboxReader,
    pub(super) messages: Messages,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) outgoing: Outgoing,
    pub(super) result: Result<Part, ChannelError>,
    /// What it shows of the channel.
    pub(super) word: Word,
    /// Files that could not be taken from the outbox, with the reason.
    pub(super) refused_files: Vec<String>,
}

/// A part that is out.
#[derive(Debug)]
pub(super) struct Part {
    /// The platform's id; none when a cut that changed meanwhile left nothing to send.
    id: Option<String>,
    /// Whether it was not the last.
    pub(super) more: bool,
}

impl Part {
    pub(super) fn add_to(self, done: &mut Vec<String>) {
        done.extend(self.id);
    }
}

/// Why a post did not go, and what that shows of the channel.
type Trouble = (ChannelError, Word);

impl Flight {
    /// Sends the next part.
    pub(super) async fn fly(self, mut outgoing: Outgoing) -> Sent {
        let refused_files = check_files(&mut outgoing.post, self.outbox.clone()).await;
        let (result, word) = match self.part(&outgoing).await {
            Ok((part, word)) => (Ok(part), word),
            Err((error, word)) => (Err(error), word),
        };
        Sent { outgoing, result, word, refused_files }
    }

    async fn part(self, outgoing: &Outgoing) -> Result<(Part, Word), Trouble> {
        let Some(channel) = self.channel else {
            return Err((
                ChannelError::Down("no such channel on this host".to_owned()),
                Word::Down,
            ));
        };
        // What fails on our side says nothing about the channel.
        let ours = |error| (error, Word::Unasked);
        written_down(&self.context, &outgoing.post).await.map_err(ours)?;
        let can = channel.capabilities();
        let whole = self.messages.shown(outgoing.post.clone(), can).await.map_err(ours)?;
        let mut bodies = parts(whole.body.clone(), can.text_units);
        let (n, count) = (outgoing.standing.done.len(), bodies.len());
        if n >= count {
            return Ok((Part { id: None, more: false }, Word::Unasked));
        }
        let more = n + 1 < count;
        // Files come with the last words.
        let files = if more { Vec::new() } else { whole.files.clone() };
        let post = Post { part: n, body: bodies.swap_remove(n), files, ..whole };
        let steps = &self.context.steps;
        let posted = hand_over(channel.as_ref(), steps, &post, outgoing.ask_first).await?;
        Ok((Part { id: Some(posted.platform_message_id), more }, Word::Up))
    }
}

/// Posts what is not there yet.
async fn hand_over(
    channel: &dyn Channel,
    steps: &Steps,
    post: &Post,
    ask_first: bool,
) -> Result<Posted, Trouble> {
    if ask_first && channel.resolution() == Resolution::LooksUp {
        let found = in_time(channel.find(post)).await;
        match found.unwrap_or_else(|| Err(ChannelError::Down(no_answer()))).map_err(shows)? {
            Found::There(posted) => return Ok(posted),
            Found::NotThere => {}
            Found::CannotTell => {
                error!(message_id = %post.message, why = text::NOT_TO_BE_FOUND_OUT);
                let why = text::NOT_TO_BE_FOUND_OUT.to_owned();
                return Err((ChannelError::Permanent(why), Word::Up));
            }
        }
    }
    steps.reached(Step::PostBegun);
    let answer = in_time(channel.post(post)).await;
    steps.reached(Step::Posted);
    if let Some(answer) = answer {
        return answer.map_err(shows);
    }
    // It is counted as the post's own trouble: one that makes its platform hang must end, too.
    let error = match channel.resolution() {
        Resolution::Idempotent | Resolution::LooksUp => ChannelError::Retry(no_answer()),
        Resolution::Unknown => ChannelError::UnknownOutcome(no_answer()),
    };
    Err((error, Word::Down))
}

/// What an error shows of the channel.
fn shows(error: ChannelError) -> Trouble {
    let word = match &error {
        ChannelError::Retry(_) | ChannelError::Permanent(_) | ChannelError::RateLimited(_) => {
            Word::Up
        }
        ChannelError::Throttled(seconds) => Word::Throttled(named(*seconds)),
        ChannelError::Down(_) | ChannelError::UnknownOutcome(_) => Word::Down,
    };
    (error, word)
}

/// Without it, a channel that never answers would hold its destination for ever.
async fn in_time<T>(asked: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limits::POST_TIME, asked).await.ok()
}

fn no_answer() -> String {
    let seconds = Duration::as_secs(&limits::POST_TIME);
    format!("no answer within {seconds} s")
}

/// A question is durable before anybody sees it.
async fn written_down(context: &Context, post: &Post) -> Result<(), ChannelError> {
    questions::record(context, post).await.map_err(|failure| {
        if failure.kind == ErrorKind::TooLarge {
            ChannelError::Permanent(failure.chain())
        } else {
            ChannelError::Retry(failure.chain())
        }
    })
}

/// Takes names out of a post whose files cannot be had, and says why.
async fn check_files(post: &mut Post, outbox: OutboxReader) -> Vec<String> {
    if post.files.is_empty() {
        return Vec::new();
    }
    let (message, names) = (post.message.clone(), std::mem::take(&mut post.files));
    let checked = tokio::task::spawn_blocking(move || sorted_out(&message, names, &outbox)).await;
    let (kept, refused) = checked.unwrap_or_default();
    post.files = kept;
    refused
}

fn sorted_out(
    message: &MessageId,
    names: Vec<String>,
    outbox: &OutboxReader,
) -> (Vec<String>, Vec<String>) {
    let mut refused = Vec::new();
    let kept = names
        .into_iter()
        .filter(|name| match outbox.open(message, name) {
            Ok(_) => true,
            Err(why) => {
                refused.push(format!("file {name:?} was not sent: {why}"));
                false
            }
        })
        .collect();
    (kept, refused)
}
