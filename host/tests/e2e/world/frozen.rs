//! A guest that hangs: it lives, and does nothing.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Whether a guest hangs.
#[derive(Default)]
pub(crate) struct Frozen {
    pub(crate) on: AtomicBool,
    pub(crate) changed: Notify,
}

/// Polls a future only while it is not frozen.
pub(crate) async fn freezable<T>(work: impl Future<Output = T>, frozen: &Frozen) -> T {
    let mut work = std::pin::pin!(work);
    std::future::poll_fn(|context| {
        if frozen.on.load(Ordering::Relaxed) {
            // Nothing wakes it but the end: a kill drops it from outside.
            return std::task::Poll::Pending;
        }
        work.as_mut().poll(context)
    })
    .await
}
