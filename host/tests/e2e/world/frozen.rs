//! A guest that hangs: it lives, and does nothing, until it goes on.

use std::{
    pin::pin,
    sync::atomic::{AtomicBool, Ordering},
    task::ready,
};

use tokio::sync::Notify;

/// Whether a guest hangs.
#[derive(Default)]
pub(crate) struct Frozen {
    on: AtomicBool,
    goes_on: Notify,
}

impl Frozen {
    /// It hangs from now on.
    pub(crate) fn hangs(&self, yes: bool) {
        self.on.store(yes, Ordering::Relaxed);
        if !yes {
            self.goes_on.notify_waiters();
        }
    }
}

/// Polls a future only while it is not frozen.
pub(crate) async fn freezable<T>(work: impl Future<Output = T>, frozen: &Frozen) -> T {
    let (mut work, mut goes_on) = (pin!(work), pin!(frozen.goes_on.notified()));
    std::future::poll_fn(|context| {
        while frozen.on.load(Ordering::Relaxed) {
            // What woke it is forgotten now, so its end of hanging must wake it once more: the
            // end of a commit that was under way comes only once.
            ready!(goes_on.as_mut().poll(context));
            goes_on.set(frozen.goes_on.notified());
        }
        work.as_mut().poll(context)
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn what_woke_it_while_it_hung_is_not_lost_when_it_goes_on() {
    let (frozen, commit) = (Frozen::default(), tokio::sync::oneshot::channel());
    let guest = freezable(commit.1, &frozen);
    let story = async {
        tokio::task::yield_now().await;
        frozen.hangs(true);
        commit.0.send("done").unwrap();
        tokio::task::yield_now().await;
        frozen.hangs(false);
        std::future::pending::<()>().await;
    };
    let ends = async {
        tokio::select! { biased;
            said = guest => said,
            () = story => unreachable!("the story waits for the guest"),
        }
    };
    let ended = tokio::time::timeout(std::time::Duration::from_secs(60), ends).await;
    assert_eq!(ended, Ok(Ok("done")));
}
