//! A stand-in for an engine that goes away: a socket before the real one that can be cut.
//!
//! The shared engine itself is never touched: whoever looks through the ferry finds it gone, and
//! everybody else goes on.

use std::{path::PathBuf, sync::Arc};

use tokio::{
    net::{UnixListener, UnixStream},
    task::JoinSet,
};

use crate::yard::other_engine;

/// Carries connections to the real engine while it sails.
pub(crate) struct Ferry {
    socket: PathBuf,
    engine: PathBuf,
}

impl Ferry {
    /// A ferry that does not sail yet.
    pub(crate) fn new(socket: PathBuf) -> Self {
        let usual = "unix:///var/run/docker.sock";
        let engine = other_engine().unwrap_or_else(|| usual.to_owned());
        Self { socket, engine: engine.trim_start_matches("unix://").into() }
    }

    /// The same place, as an engine's address.
    pub(crate) fn address(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// Sails until the answer is dropped; then every connection breaks.
    pub(crate) fn sail(&self) -> JoinSet<()> {
        match std::fs::remove_file(&self.socket) {
            Ok(()) => {}
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound),
        }
        let listener = Arc::new(UnixListener::bind(&self.socket).unwrap());
        let engine = self.engine.clone();
        let mut sailing = JoinSet::new();
        sailing.spawn(async move {
            let mut aboard = JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                let engine = engine.clone();
                aboard.spawn(async move {
                    let mut far = UnixStream::connect(engine).await.unwrap();
                    tokio::io::copy_bidirectional(&mut near, &mut far).await.ok();
                });
            }
        });
        sailing
    }
}
