//! The way to the models: from loopback, where runtimes look for an API, to the host's socket.
//!
//! Owns the forwarding, byte for byte, and the patience with a host that is being started again: a
//! runtime's call waits for it, and does not fail. Knows no API, no key and no name of a model.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream, UnixStream},
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::limits;

/// Forwards until it is dropped.
pub struct Models {
    base: String,
    _forwards: JoinSet<()>,
}

impl Models {
    /// Listens on loopback, on a port that is free.
    ///
    /// # Errors
    /// When there is none.
    pub async fn forward(socket: PathBuf) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let base = format!("http://{}", listener.local_addr()?);
        let mut forwards = JoinSet::new();
        forwards.spawn(accept(listener, socket));
        Ok(Self { base, _forwards: forwards })
    }

    /// Where the routes are to be had, without a slash at the end.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }
}

async fn accept(listener: TcpListener, socket: PathBuf) {
    let places = Arc::new(Semaphore::new(limits::MODEL_CALLS));
    let mut calls = JoinSet::new();
    // Whoever comes when all places are taken waits in the listener's own queue.
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        while calls.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((call, _)) => {
                let socket = socket.clone();
                calls.spawn(async move {
                    one(call, &socket).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::debug!(%error, "cannot take a call to the models now");
                sleep(limits::MODEL_SOCKET_GLANCE).await;
            }
        }
    }
}

async fn one(mut call: TcpStream, socket: &Path) {
    let began = Instant::now();
    let mut host = loop {
        match UnixStream::connect(socket).await {
            Ok(host) => break host,
            Err(error) if began.elapsed() >= limits::MODEL_SOCKET_PATIENCE => {
                tracing::warn!(%error, "the host does not take calls to the models");
                return;
            }
            Err(_) => sleep(limits::MODEL_SOCKET_GLANCE).await,
        }
    };
    if let Err(error) = copy_bidirectional(&mut call, &mut host).await {
        tracing::debug!(%error, "a call to the models broke off");
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::UnixListener,
    };

    use super::*;

    #[tokio::test]
    async fn a_call_waits_for_a_host_that_is_not_there_yet_and_comes_through_byte_for_byte() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("model.sock");
        let models = Models::forward(socket.clone()).await.unwrap();
        let mut call =
            TcpStream::connect(models.base().trim_start_matches("http://")).await.unwrap();
        call.write_all(b"ask").await.unwrap();
        call.shutdown().await.unwrap();
        let host = UnixListener::bind(&socket).unwrap();
        let (mut heard, _) = host.accept().await.unwrap();
        let mut asked = Vec::new();
        heard.read_to_end(&mut asked).await.unwrap();
        assert_eq!(asked, b"ask");
        heard.write_all(b"answer").await.unwrap();
        drop(heard);
        let mut answered = Vec::new();
        call.read_to_end(&mut answered).await.unwrap();
        assert_eq!(answered, b"answer");
    }
}
