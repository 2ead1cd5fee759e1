//! Asking: the row first, then whoever may answer.

use tracing::info;

use super::{Held, NewApproval};
use crate::{
    admin::Desk, error::Result, limits, requests::Request, steps::Step, store::Asked,
    text::approvals as text,
};

/// Asks people about something, with the message that waits for the answer. What waits about the
/// same subject already is not asked again; the message waits with it, as far as there is room.
///
/// # Errors
/// When the database cannot be written; then nobody was told.
pub async fn ask(desk: &Desk, new: NewApproval, held: Option<Held>) -> Result<Asked> {
    let (store, now) = (&desk.context.store, desk.context.clock.now());
    let (title, by) = (text::title(&new.action), new.requested_by.clone());
    let asked = store.ask_approval(new, held, now).await?;
    if asked.new {
        desk.context.steps.reached(Step::ApprovalAsked);
        store.audit(by, "asked", format!("{title} ({})", asked.id), now).await?;
        info!(approval = %asked.id, "a person is asked");
        let (desk, id) = (desk.clone(), asked.id.clone());
        let reminder = now.checked_add(limits::people::APPROVAL_REMINDER).unwrap_or(now);
        desk.context.clone().spawn(async move {
            desk.context.channels.tell_operator(&text::asked(&id, &title)).await;
            desk.daemon.tell(Request::LookAtApprovals(reminder)).await;
        });
    }
    Ok(asked)
}
