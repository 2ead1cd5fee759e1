//! Asking and answering: each a row, durable before anything follows from it.

use schemas::{
    admin::Accepted,
    content::{self, SystemIn},
    ids::{MessageId, SessionId},
    message::{Kind, NewInbound},
};
use serde_json::Value;
use tracing::{info, warn};

use super::{Asked, Open, QuestionRecord, choice::choose};
use crate::{
    admin::Desk,
    approvals,
    channels::{Body, Post},
    error::{ErrorKind, HostError, Result},
    people::{Act, Verdict, Who, decide},
    requests::Request,
    sessions::Context,
    steps::Step,
};

/// An answer from a chat: the row that its message would have become, so that the platform's
/// repeat of it is a repeat.
#[derive(Debug, Clone)]
pub struct Said {
    /// The row.
    pub row: NewInbound,
    /// Who said it.
    pub who: Who,
}

/// Writes a question down; to be called before it is posted. Writing it down twice is once.
///
/// # Errors
/// `TooLarge` when too many questions of the session wait, or when the database cannot be written.
pub async fn record(context: &Context, post: &Post) -> Result<()> {
    let Body::Question(id, question) = &post.body else { return Ok(()) };
    let asked = Asked { question: question.clone(), address: post.address.clone() };
    let (store, now) = (&context.store, context.clock.now());
    let of = (post.session.clone(), post.message.clone());
    store.put_question(id.clone(), of, asked, now).await?;
    context.steps.reached(Step::QuestionWritten);
    let record = store.question(id.clone()).await?;
    if record.answer.is_none() {
        context.questions.put(record);
    }
    Ok(())
}

/// Answers a question from beside the chat.
///
/// # Errors
/// `NotFound` when there is no such question for this person, `Invalid` when it has other options,
/// `Conflict` when it was answered before.
pub async fn answer(desk: &Desk, who: &Who, id: String, text: &str) -> Result<QuestionRecord> {
    let store = &desk.context.store;
    let record = match store.question(id.clone()).await {
        Ok(record) => record,
        Err(unknown) => return Err(refuse(desk, who, &id, "unknown", unknown).await),
    };
    if decide(who, Act::AnswerQuestion, Some(&record.agent)) != Verdict::Allow {
        let unknown = HostError::new(ErrorKind::NotFound, format!("no question {id}"));
        return Err(refuse(desk, who, &id, "not theirs to answer", unknown).await);
    }
    let Some(value) = choose(&record.asked.question, text) else {
        let labels: Vec<&str> =
            record.asked.question.options.iter().map(|one| one.value.as_str()).collect();
        return Err(HostError::new(ErrorKind::Invalid, format!("{text:?} is no option of it"))
            .hint(format!("the options are {}", labels.join(", "))));
    };
    let row = MessageId::parse(&format!("question:{id}"))
        .map_err(|bad| HostError::new(ErrorKind::Invalid, "bad question id").because(bad))?;
    settle(desk, who, &id, value, row.clone()).await?;
    let row = NewInbound::new(row, Kind::System, desk.context.clock.now(), String::new());
    tell(desk, id.clone(), row).await?;
    store.question(id).await
}

/// Answers a question with a message of its own chat. The gate was asked by whoever took the
/// message in.
///
/// # Errors
/// `Conflict` when it was answered before; the message is text for the agent then.
pub async fn answer_here(desk: &Desk, open: Open, value: String, said: Said) -> Result<Accepted> {
    let id = open.id;
    settle(desk, &said.who, &id, value, said.row.id.clone()).await?;
    tell(desk, id, NewInbound { kind: Kind::System, ..said.row }).await
}

async fn settle(desk: &Desk, who: &Who, id: &str, value: String, row: MessageId) -> Result<()> {
    let (store, now) = (&desk.context.store, desk.context.clock.now());
    let by = match who {
        Who::Person(person) => person.name.clone(),
        Who::Operator | Who::Stranger(_) | Who::Agent { .. } => who.word(),
    };
    let first = store.answer_question(id.to_owned(), (value, by), row, now).await?;
    desk.context.steps.reached(Step::QuestionAnswered);
    desk.context.questions.take(id);
    if !first {
        let late =
            HostError::new(ErrorKind::Conflict, format!("question {id} was answered before"));
        return Err(refuse(desk, who, id, "answered before", late).await);
    }
    store.audit(who.word(), "answered", format!("question {id}"), now).await
}

/// Brings the answer into the session. Its row has one id for ever, so that it is told once.
async fn tell(desk: &Desk, id: String, row: NewInbound) -> Result<Accepted> {
    let store = &desk.context.store;
    let record = store.question(id.clone()).await?;
    let said = SystemIn::QuestionResponse {
        question_id: record.asked.question.question_id.clone(),
        status: "answered".to_owned(),
        result: Value::String(record.answer.unwrap_or_default()),
        answered_by: record.answered_by,
    };
    let row = NewInbound {
        content: content::write(&said),
        address: Some(record.asked.address),
        trigger: true,
        ..row
    };
    let session = record.session.clone();
    let told = desk.daemon.ask(|answer| Request::Tell(session, Box::new(row), answer)).await;
    match told {
        Ok(accepted) => {
            store.told_question(id, desk.context.clock.now()).await?;
            Ok(accepted)
        }
        Err(failure) if failure.kind == ErrorKind::NotFound => {
            store.told_question(id, desk.context.clock.now()).await?;
            Err(gone(&record.session))
        }
        Err(failure) => {
            // It is durable, and is told as soon as the session takes it.
            approvals::look_again(desk);
            Err(failure)
        }
    }
}

fn gone(session: &SessionId) -> HostError {
    HostError::new(ErrorKind::NotFound, format!("session {session} was archived meanwhile"))
}

/// Answers that were given and did not reach their session, for the host ended or the session was
/// busy; whether some still do not.
///
/// # Errors
/// When the database cannot be read.
pub async fn tell_again(desk: &Desk) -> Result<bool> {
    let mut undone = false;
    for record in desk.context.store.untold_questions().await? {
        let Some(row) = record.answer_row else { continue };
        let row = NewInbound::new(row, Kind::System, desk.context.clock.now(), String::new());
        match tell(desk, record.id.clone(), row).await {
            Ok(_) => info!(question = record.id, "an answer reached its session after all"),
            Err(failure) if failure.kind == ErrorKind::NotFound => {}
            Err(failure) => {
                warn!(question = record.id, error = %failure.chain(), "an answer waits");
                undone = true;
            }
        }
    }
    Ok(undone)
}

/// Every answer that does not count is written down with its reason.
async fn refuse(
    desk: &Desk,
    who: &Who,
    id: &str,
    why: &'static str,
    failure: HostError,
) -> HostError {
    let (store, now) = (&desk.context.store, desk.context.clock.now());
    let what = format!("answer question {id}: {why}");
    match store.audit(who.word(), "denied", what, now).await {
        Ok(()) => failure,
        Err(unwritten) => unwritten,
    }
}
