//! The broker's tasks: sockets, connections of guests, connections to servers.
//!
//! Owns that all of them end: those of the client never would by themselves, for they keep its
//! connections.

use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Where tasks are begun.
#[derive(Debug, Clone, Default)]
pub(super) struct Tasks {
    /// What guests wait for.
    doors: TaskTracker,
    /// What only the client waits for.
    client: TaskTracker,
    end: CancellationToken,
}

impl Tasks {
    /// A task that ends by itself soon after its socket is closed.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.doors.spawn(ended_by(self.end.clone(), task));
    }

    /// Waits for what guests wait for, then ends the rest.
    pub(super) async fn close(&self) {
        self.doors.close();
        self.doors.wait().await;
        self.abandon();
        self.client.close();
        self.client.wait().await;
    }

    /// Ends all at once.
    pub(super) fn abandon(&self) {
        self.end.cancel();
    }
}

impl<T> hyper::rt::Executor<T> for Tasks
where
    T: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, task: T) {
        self.client.spawn(ended_by(self.end.clone(), task));
    }
}

async fn ended_by(end: CancellationToken, task: impl Future<Output = ()>) {
    tokio::select! { biased;
        () = end.cancelled() => {}
        () = task => {}
    }
}
