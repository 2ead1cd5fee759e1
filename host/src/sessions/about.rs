//! Which message an edit or a reaction is about, in the platform's own words.
//!
//! Owns the look-up: what the agent said by the ledger, what came in by its row's id without our
//! suffix. A message of another place, or one that this session does not know, is refused. Blocks.

use schemas::{
    content::MessageRef,
    host_side::{CameIn, InboundWriter, Reading},
    ids::{AgentId, MessageId},
    sqlite::StoreError,
};

use super::{
    intake::within_span,
    look::{SharedReader, peek},
    runner::Runner,
};
use crate::channels::{Body, Capabilities, ChannelError, Post};

/// Where messages are looked up.
#[derive(Debug, Clone)]
pub(super) struct Messages {
    pub(super) agent: AgentId,
    pub(super) reader: SharedReader,
    pub(super) writer: InboundWriter,
}

impl Runner {
    /// Where this session's messages are looked up.
    pub(super) fn messages(&self) -> Messages {
        Messages {
            agent: self.facts.record.agent.clone(),
            reader: self.reader.clone(),
            writer: self.writer.clone(),
        }
    }
}

impl Messages {
    /// A post as a platform can show it, with the platform's id of what it is about.
    pub(super) async fn shown(
        self,
        mut post: Post,
        can: Capabilities,
    ) -> Result<Post, ChannelError> {
        if post.body.of().is_some() {
            let find = move || self.find(&post).map(|found| (post, found));
            let broke = |_| ChannelError::Retry("a look broke off".to_owned());
            let found = tokio::task::spawn_blocking(within_span(find)).await.map_err(broke)??;
            post = found.0;
            if let Some(id) = found.1 {
                post.body.found(id);
            }
        }
        post.body = post.body.within(can);
        Ok(post)
    }

    /// The platform's id of the message that a post is about; `None` when it is about none.
    pub(super) fn find(&self, post: &Post) -> Result<Option<String>, ChannelError> {
        let Some(of) = post.body.of() else { return Ok(None) };
        let found = match &of.named {
            MessageRef::Seq(seq) if seq % 2 == 0 => {
                self.came_in(post, self.writer.came_in(*seq).map_err(later)?)
            }
            MessageRef::Seq(seq) => self.went_out(*seq),
            MessageRef::Id(id) => self.by_id(post, id),
        };
        found.and_then(|found| found.ok_or_else(unknown)).map(Some)
    }

    fn went_out(&self, seq: i64) -> Result<Option<String>, ChannelError> {
        let refused = |error: schemas::host_side::Refused| ChannelError::Retry(error.to_string());
        let row = match peek(&self.reader).map_err(refused)? {
            Reading::Copy(copy) => copy
                .messages_above(seq - 1, 1)
                .map_err(refused)?
                .into_iter()
                .flatten()
                .find(|row| row.seq == seq),
            Reading::Absent | Reading::Unchanged => None,
            Reading::NotSettled => return Err(ChannelError::Retry("not settled".to_owned())),
        };
        row.map_or(Ok(None), |row| self.posted(&row.id))
    }

    fn by_id(&self, post: &Post, id: &str) -> Result<Option<String>, ChannelError> {
        if let Ok(own) = MessageId::parse(id)
            && let Some(found) = self.posted(&own)?
        {
            return Ok(Some(found));
        }
        let ours = format!("{id}:{}", self.agent);
        self.came_in(post, self.writer.came_in_as(id, &ours).map_err(later)?)
    }

    fn posted(&self, id: &MessageId) -> Result<Option<String>, ChannelError> {
        self.writer.posted_as(id).map_err(later)
    }

    fn came_in(&self, post: &Post, found: Option<CameIn>) -> Result<Option<String>, ChannelError> {
        let Some(found) = found else { return Ok(None) };
        if matches!(post.body, Body::Edit { .. }) {
            let why = "only messages of its own can be edited by an agent";
            return Err(ChannelError::Permanent(why.to_owned()));
        }
        let elsewhere = found.address.as_ref().is_some_and(|place| {
            (&place.channel_type, &place.platform_id)
                != (&post.address.channel_type, &post.address.platform_id)
        });
        if elsewhere {
            return Err(unknown());
        }
        let suffix = format!(":{}", self.agent);
        let id = found.id.as_str();
        Ok(Some(id.strip_suffix(&suffix).unwrap_or(id).to_owned()))
    }
}

fn unknown() -> ChannelError {
    ChannelError::Permanent("there is no such message here".to_owned())
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn later(error: StoreError) -> ChannelError {
    ChannelError::Retry(error.to_string())
}
