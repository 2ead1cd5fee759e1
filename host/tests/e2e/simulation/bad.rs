//! A guest that goes bad: it is set aside, whoever else is there does not notice, and it answers
//! again once an operator was there.

use std::{fs, time::Duration};

use host::{draft::Draft, requests::Request};
use schemas::admin::SendMessage;

use super::script::Script;
use crate::{
    hostile::attacks::{ASIDE, Attack, HEARTBEATS, LIVE},
    world::World,
};

/// The agent that nobody relies on.
pub(crate) const MAL: &str = "mal";

/// What lies outside of every session, and what a guest must neither change nor show.
pub(crate) const SECRET: &str = "precious";

/// What takes seconds to make, and a query without an end: the guest that asks it is a task of this
/// process, and nobody can kill it. The tests of each attack have them.
const ELSEWHERE: [&str; 4] = ["many-tables", "million-rows", "huge-row", "view"];

impl Script {
    /// `mal` is woken and leaves what breaks the contract; or an operator looks after it.
    pub(crate) async fn guest_goes_bad(&mut self, world: &mut World) {
        if world.disk_is_full() {
            return;
        }
        if self.is_bad {
            return self.forgive(world, 2).await;
        }
        self.is_bad = true;
        self.wakes_mal(world).await;
        let Some(session) = self.mals_session(world).await else { return };
        let dir = world.dir_of_session(&session);
        let tables: [&[Attack]; 4] = [ASIDE, ASIDE, HEARTBEATS, LIVE];
        let table = *self.dice.pick(&tables);
        let attack = self.dice.pick(table);
        let whole =
            dir.outbound_db().symlink_metadata().is_ok_and(|at| at.is_file() && at.len() > 0);
        if whole && !ELSEWHERE.contains(&attack.name) {
            self.tell(&format!("  {}", attack.name));
            (attack.leave)(&dir, &self.precious);
        } else {
            // It has none yet, and what is there is none.
            drop(fs::remove_file(dir.outbound_db()));
            fs::write(dir.outbound_db(), vec![7; 8_192]).unwrap();
        }
    }

    async fn wakes_mal(&self, world: &mut World) {
        world
            .insists(async |world| {
                let message = SendMessage { text: "hello".to_owned(), ..SendMessage::default() };
                let draft = Draft::of(message)?;
                let asked =
                    world.ask(|answer| Request::Send(MAL.to_owned(), Box::new(draft), answer));
                asked.await.map(drop)
            })
            .await;
    }

    async fn mals_session(&self, world: &mut World) -> Option<String> {
        let sessions = world.insists(async |world| world.ask(Request::Sessions).await).await;
        sessions.into_iter().find(|one| one.agent == MAL).map(|one| one.id.to_string())
    }

    /// An operator looks after it; then it is an agent like all others. Whatever is wrong with it
    /// is noticed by the next message at the latest.
    pub(crate) async fn forgive(&mut self, world: &mut World, looks: u32) {
        if !std::mem::take(&mut self.is_bad) {
            return;
        }
        self.wakes_mal(world).await;
        for _ in 0..looks {
            world.passes(Duration::from_secs(5)).await;
            world.revive_host().await;
            let sessions = world.insists(async |world| world.ask(Request::Sessions).await).await;
            for session in sessions.into_iter().filter(|one| one.state == "set aside") {
                assert_eq!(session.agent, MAL, "{session:?}");
                let reset = format!("sessions reset {}", session.id);
                // A host that died over it may have done it.
                drop(world.commands(&reset).await);
            }
        }
    }
}
