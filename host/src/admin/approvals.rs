//! `approvals list|show|approve|reject`.
//!
//! Whether somebody may answer is decided for each approval by what it is about; one that they may
//! not answer looks to them like one that does not exist, here too.

use schemas::{
    admin::AdminAnswer,
    ids::{AgentId, ApprovalId},
    people::ApprovalInfo,
    policy::ApprovalStatus,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Desk,
    print::{answer, date, fields, table},
};
use crate::{
    approvals::{self, Answer, Approval, Choice},
    error::{ErrorKind, HostError, Result},
    people::{Act, Who},
    text::{approvals as words, shown},
};

#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// List what waits for a yes or no
    List {
        /// What was answered or expired, too
        #[arg(long)]
        all: bool,
    },
    /// Show the whole of one
    Show {
        /// Id, or the beginning of it
        approval: String,
    },
    /// Say yes
    Approve(Approve),
    /// Say no; nobody is asked about the same room or sender again
    Reject {
        /// Id, or the beginning of it
        approval: String,
        /// Why, for whoever asked
        #[arg(long)]
        reason: Option<String>,
        /// Only if this is still what `show` says
        #[arg(long)]
        digest: Option<String>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
pub struct Approve {
    /// Id, or the beginning of it
    approval: String,
    /// Why, for the records
    #[arg(long)]
    reason: Option<String>,
    /// The agent that a room is for [default: the only one]
    #[arg(long, value_name = "NAME", conflicts_with = "new_agent")]
    agent: Option<String>,
    /// Make a new agent for the room
    #[arg(long, value_name = "NAME")]
    new_agent: Option<String>,
    /// Only if this is still what `show` says
    #[arg(long)]
    digest: Option<String>,
}

impl Command {
    pub(super) fn act(&self) -> Act {
        match self {
            Self::List { .. } | Self::Show { .. } => Act::LookAround,
            Self::Approve(_) | Self::Reject { .. } => Act::AnswerApproval,
        }
    }

    /// Answers are audited where they count, with what they were about.
    pub(super) fn changes(&self) -> Option<String> {
        match self {
            Self::List { .. } | Self::Show { .. } => None,
            Self::Approve(Approve { approval, .. }) => {
                Some(format!("approvals approve {approval}"))
            }
            Self::Reject { approval, .. } => Some(format!("approvals reject {approval}")),
        }
    }

    pub(super) async fn pin(&mut self, desk: &Desk) -> Result<Option<AgentId>> {
        match self {
            Self::Approve(Approve { agent: Some(agent), .. }) => {
                desk.pin_agent(agent).await?;
            }
            Self::List { .. } | Self::Show { .. } | Self::Approve(_) | Self::Reject { .. } => {}
        }
        Ok(None)
    }

    pub(super) async fn run(self, desk: &Desk, who: &Who) -> Result<AdminAnswer> {
        match self {
            Self::List { all } => {
                let list = desk.context.store.approvals(!all).await?;
                let infos: Vec<ApprovalInfo> = list.iter().map(info).collect();
                Ok(answer(&infos, for_people(&infos)))
            }
            Self::Show { approval } => {
                let found = desk.context.store.approval(id(desk, &approval).await?).await?;
                Ok(show(&info(&found)))
            }
            Self::Approve(yes) => {
                let choice = match (yes.agent, yes.new_agent) {
                    (Some(agent), _) => Some(Choice::Agent(desk.agent(&agent).await?.id)),
                    (None, Some(name)) => {
                        super::check::name("agent", &name)?;
                        Some(Choice::NewAgent(name))
                    }
                    (None, None) => None,
                };
                let (reason, shown) = (yes.reason, yes.digest);
                let said = Answer { yes: true, reason, choice, shown };
                settle(desk, who, &yes.approval, said).await
            }
            Self::Reject { approval, reason, digest } => {
                let said = Answer { yes: false, reason, choice: None, shown: digest };
                settle(desk, who, &approval, said).await
            }
        }
    }
}

async fn settle(desk: &Desk, who: &Who, wanted: &str, said: Answer) -> Result<AdminAnswer> {
    let id = id(desk, wanted).await?;
    let info = info(&approvals::answer(desk, who, id, said).await?);
    let text = words::answered(&info);
    Ok(answer(&info, text))
}

/// From a whole id, or the beginning of one that only one approval has. The words of the error are
/// the gate's own, and say nothing of what else there is.
async fn id(desk: &Desk, wanted: &str) -> Result<ApprovalId> {
    if let Ok(id) = ApprovalId::parse(wanted) {
        return Ok(id);
    }
    let all = desk.context.store.approvals(false).await?;
    let mut found = all.into_iter().map(|one| one.id).filter(|id| id.as_str().starts_with(wanted));
    match (found.next(), found.next()) {
        (Some(id), None) => Ok(id),
        (Some(_) | None, _) => {
            let what = format!("no approval {wanted}");
            Err(HostError::new(ErrorKind::NotFound, what).hint(words::WHOLE_ID))
        }
    }
}

/// What people and machines see of an approval: all of it.
fn info(one: &Approval) -> ApprovalInfo {
    let title = match one.action() {
        Ok(action) => words::title(&action),
        Err(failure) => failure.chain(),
    };
    ApprovalInfo {
        id: one.id.clone(),
        status: one.status,
        title,
        action: serde_json::from_str(&one.action).unwrap_or(Value::Null),
        digest: one.digest.clone(),
        requested_by: shown::line(&one.requested_by),
        held: one.held,
        created_at: one.created_at,
        expires_at: one.expires_at,
        decided_by: one.decided_by.clone(),
        decided_at: one.decided_at,
        reason: one.reason.clone(),
        result: one.result.clone(),
    }
}

fn show(info: &ApprovalInfo) -> AdminAnswer {
    let whole = serde_json::to_string_pretty(&info.action).unwrap_or_default();
    let waits = info.status == ApprovalStatus::Pending;
    let text = fields(&[
        ("id", info.id.to_string()),
        ("about", info.title.clone()),
        ("status", info.status.as_str().to_owned()),
        ("asked by", info.requested_by.clone()),
        ("asked", date(info.created_at)),
        ("until", if waits { date(info.expires_at) } else { String::new() }),
        ("answered by", info.decided_by.clone().unwrap_or_default()),
        ("answered", info.decided_at.map(date).unwrap_or_default()),
        ("reason", info.reason.clone().unwrap_or_default()),
        ("result", info.result.clone().unwrap_or_default()),
        ("held", if info.held > 0 { info.held.to_string() } else { String::new() }),
        ("digest", info.digest.clone()),
        ("action", whole),
    ]);
    answer(info, text)
}

fn for_people(list: &[ApprovalInfo]) -> String {
    let rows: Vec<[String; 4]> = list
        .iter()
        .map(|one| {
            [
                one.id.to_string(),
                one.status.as_str().to_owned(),
                date(one.created_at),
                one.title.clone(),
            ]
        })
        .collect();
    table(["ID", "STATUS", "ASKED", "ABOUT"], &rows)
}
