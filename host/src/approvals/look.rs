//! What time brings: reminders, ends, and what an earlier host or try left undone.

use jiff::Timestamp;
use tracing::warn;

use super::carry;
use crate::{
    admin::Desk, error::Result, limits, questions, requests::Request, text::approvals as text,
};

/// Something could not be finished now; it is tried again by itself.
pub(crate) fn look_again(desk: &Desk) {
    let soon = desk.context.clock.now().checked_add(limits::DUE_AGAIN);
    let daemon = desk.daemon.clone();
    desk.context.spawn(async move {
        if let Ok(at) = soon {
            daemon.tell(Request::LookAtApprovals(at)).await;
        }
    });
}

/// Looks at everything that waits; says when to look again. Called at the start, and whenever a
/// time has come.
///
/// # Errors
/// When the database cannot be read or written; then it is to be called again.
pub async fn look(desk: &Desk) -> Result<Option<Timestamp>> {
    let (context, now) = (&desk.context, desk.context.clock.now());
    let turned = context.store.turn_approvals(now).await?;
    for one in &turned.remind {
        let title = one.action().map(|action| text::title(&action)).unwrap_or_default();
        context.channels.tell_operator(&text::reminder(&one.id, &title, one.expires_at)).await;
    }
    for one in &turned.expired {
        let what = one.id.to_string();
        context.store.audit("time".to_owned(), "expired", what, now).await?;
    }
    let mut undone = questions::tell_again(desk).await?;
    for one in context.store.unfinished_approvals().await? {
        // Each alone: one that cannot be finished must not keep others waiting.
        if let Err(failure) = carry::finish(desk, one.id.clone(), true).await {
            warn!(approval = %one.id, error = %failure.chain(), "not finished; trying again");
            undone = true;
        }
    }
    let again = undone.then(|| now.checked_add(limits::DUE_AGAIN).unwrap_or(now));
    Ok(turned.next.into_iter().chain(again).min())
}
