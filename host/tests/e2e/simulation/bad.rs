//! A guest that goes bad: it is set aside, whoever else is there does not notice, and it answers
//! again once an operator was there.

use std::{fs, os::unix::fs::symlink, time::Duration};

use host::{draft::Draft, requests::Request};
use schemas::admin::SendMessage;

use super::script::Script;
use crate::world::World;

/// The agent that nobody relies on.
pub(crate) const MAL: &str = "mal";

impl Script {
    /// `mal` is woken and writes what breaks the contract.
    pub(crate) async fn guest_goes_bad(&mut self, world: &mut World) {
        self.went_bad = true;
        self.wakes_mal(world).await;
        let Some(session) = self.mals_session(world).await else { return };
        let dir = world.dir_of_session(&session);
        let file = dir.outbound_db();
        match self.dice.roll(4) {
            0 => {
                // It may be a link already, and then to nowhere.
                drop(fs::remove_file(&file));
                fs::write(&file, vec![7; 8_192]).unwrap();
            }
            1 if file.symlink_metadata().is_ok_and(|at| at.is_file()) => {
                fs::rename(&file, dir.home().join("real.db")).unwrap();
                symlink(dir.home().join("real.db"), &file).unwrap();
            }
            2 => fs::write(
                dir.out_dir().join("outbound.db-journal"),
                b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7 and more",
            )
            .unwrap(),
            _ => fs::write(dir.heartbeat(), b"not empty").unwrap(),
        }
    }

    async fn wakes_mal(&self, world: &mut World) {
        world
            .insists(async |world| {
                let message = SendMessage { text: "hello".to_owned(), ..SendMessage::default() };
                let draft = Draft::of(message)?;
                world.ask(|answer| Request::Send(MAL.to_owned(), Box::new(draft), answer)).await
            })
            .await;
    }

    async fn mals_session(&self, world: &mut World) -> Option<String> {
        let sessions = world.insists(async |world| world.ask(Request::Sessions).await).await;
        sessions.into_iter().find(|one| one.agent == MAL).map(|one| one.id.to_string())
    }

    /// An operator looks after it; then it is an agent like all others.
    pub(crate) async fn forgive(&mut self, world: &mut World) {
        if !self.went_bad {
            return;
        }
        // Whatever is wrong with it is noticed by the next message at the latest.
        self.wakes_mal(world).await;
        for _ in 0..100 {
            world.passes(Duration::from_secs(30)).await;
            for session in world.sessions().await {
                if session.state == "set aside" {
                    assert_eq!(session.agent, MAL, "{session:?}");
                    let id = session.id.to_string();
                    world.ask(|answer| Request::ResetSession(id, answer)).await.unwrap();
                }
            }
        }
    }
}
