//! `questions list|answer`.

use schemas::{admin::AdminAnswer, ids::AgentId, people::QuestionInfo};
use serde::{Deserialize, Serialize};

use super::{
    Desk,
    print::{answer, date, table},
};
use crate::{
    error::{ErrorKind, HostError, Result},
    people::{Act, Who},
    questions::{self, QuestionRecord},
    text::{people as words, shown},
};

#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// List what agents asked people
    List {
        /// What was answered, too
        #[arg(long)]
        all: bool,
    },
    /// Answer a question
    Answer {
        /// Its id
        question: String,
        /// An option (its number, label or value), or any words where there are no options
        answer: String,
    },
}

impl Command {
    pub(super) fn act(&self) -> Act {
        match self {
            Self::List { .. } => Act::LookAround,
            Self::Answer { .. } => Act::AnswerQuestion,
        }
    }

    pub(super) fn changes(&self) -> Option<String> {
        match self {
            Self::List { .. } => None,
            Self::Answer { question, .. } => Some(format!("questions answer {question}")),
        }
    }

    /// The agent whose question it is: its members may answer.
    pub(super) async fn pin(&mut self, desk: &Desk) -> Result<Option<AgentId>> {
        match self {
            Self::List { .. } => Ok(None),
            Self::Answer { question, .. } => {
                let found = find(desk, question).await?;
                question.clone_from(&found.id);
                Ok(Some(found.agent))
            }
        }
    }

    pub(super) async fn run(self, desk: &Desk, who: &Who) -> Result<AdminAnswer> {
        match self {
            Self::List { all } => {
                let list = desk.context.store.questions(!all).await?;
                let infos: Vec<QuestionInfo> = list.into_iter().map(info).collect();
                Ok(answer(&infos, for_people(&infos)))
            }
            Self::Answer { question, answer: text } => {
                let record = questions::answer(desk, who, question, &text).await?;
                let said = words::question_answered(
                    &record.agent_name,
                    &shown::line(record.answer.as_deref().unwrap_or_default()),
                );
                Ok(answer(&info(record), said))
            }
        }
    }
}

/// By its whole id, or by the agent's own id of it where only one has that.
async fn find(desk: &Desk, wanted: &str) -> Result<QuestionRecord> {
    if wanted.contains(':') {
        return desk.context.store.question(wanted.to_owned()).await;
    }
    let open = desk.context.store.questions(true).await?;
    let mut found = open.into_iter().filter(|one| one.asked.question.question_id == wanted);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (Some(_) | None, _) => {
            let what = format!("no question {wanted}");
            Err(HostError::new(ErrorKind::NotFound, what).hint("lazaret questions list"))
        }
    }
}

fn info(record: QuestionRecord) -> QuestionInfo {
    QuestionInfo {
        id: record.id,
        agent: record.agent_name,
        session: record.session,
        question: record.asked.question,
        asked_at: record.asked_at,
        answer: record.answer,
        answered_by: record.answered_by,
    }
}

fn for_people(list: &[QuestionInfo]) -> String {
    let rows: Vec<[String; 6]> = list
        .iter()
        .map(|one| {
            let options: Vec<&str> =
                one.question.options.iter().map(|option| option.label.as_str()).collect();
            [
                one.id.clone(),
                one.agent.clone(),
                date(one.asked_at),
                one.question.question.clone(),
                options.join(" | "),
                one.answer.clone().unwrap_or_default(),
            ]
        })
        .collect();
    table(["ID", "AGENT", "ASKED", "QUESTION", "OPTIONS", "ANSWER"], &rows)
}
