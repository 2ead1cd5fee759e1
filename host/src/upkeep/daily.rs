//! Once a day: a copy of the central database, and what is too old goes.
//!
//! Owns the order. It runs beside the loop; a step that fails does not keep the others from being
//! done, and all are tried again soon.

use jiff::Timestamp;
use tracing::{error, info};

use super::{
    Ask,
    copies::{self, Kind},
    files::sweep_scratch,
};
use crate::{
    admin::Desk,
    error::{ErrorKind, HostError, Result},
    limits::upkeep as limits,
};

/// Looks after everything, and says when the next time is.
pub async fn run(desk: Desk) {
    let now = desk.context.clock.now();
    let steps = [
        ("copy the central database", copy(&desk, now).await),
        ("forget what is too old", forget(&desk, now).await),
        ("throw away what is too old", throw_away(&desk, now).await),
    ];
    let mut pause = limits::EVERY;
    for (what, done) in steps {
        if let Err(failure) = done {
            error!(error = %failure.chain(), hint = failure.hint_text(), "cannot {what}");
            pause = limits::AGAIN;
        }
    }
    let next = now.saturating_add(pause).unwrap_or(Timestamp::MAX);
    desk.daemon.tell(Ask::At(next).into()).await;
}

async fn copy(desk: &Desk, now: Timestamp) -> Result<()> {
    let (home, busy) = (desk.context.home.clone(), desk.context.upkeep.is_backing_up());
    let copied = tokio::task::spawn_blocking(move || {
        if !busy {
            sweep_scratch(&home.join(copies::FOLDER));
        }
        copies::make(&home, Kind::Daily, now).map(drop)
    });
    copied
        .await
        .map_err(|error| HostError::new(ErrorKind::Internal, "a copy broke off").because(error))?
}

/// Bit by bit: whoever settles a run waits for one step at most.
async fn forget(desk: &Desk, now: Timestamp) -> Result<()> {
    let store = &desk.context.store;
    let mut gone = 0;
    loop {
        let step = store.forget_old(now, desk.context.upkeep.keep_days, limits::BATCH).await?;
        gone += step;
        if step < limits::BATCH as usize {
            break;
        }
    }
    if gone > 0 {
        info!(rows = gone, "the central database forgot what was too old");
        store.compact().await?;
    }
    Ok(())
}

/// One session after the other, each by its own task. One that cannot keeps no other from it.
async fn throw_away(desk: &Desk, now: Timestamp) -> Result<()> {
    let mut done = Ok(());
    let keep = desk.context.upkeep.keep_days;
    for (session, before) in desk.context.store.too_old(now, keep).await? {
        let ask = |answer| Ask::ThrowAway(session, before, answer).into();
        done = desk.daemon.ask_surely(ask).await.and(done);
    }
    done
}
