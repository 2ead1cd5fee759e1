//! What people do besides talking: they answer what waits for them, and stop what takes too long.

use schemas::admin::SendMessage;

use super::{script::Script, speech::send, town::LONG};
use crate::world::World;

impl Script {
    /// Somebody answers some of what waits: a yes, a no, or one of the options.
    pub(crate) async fn people_answer(&mut self, world: &mut World) {
        let waiting = world.insists(async |world| world.command("approvals list").await).await;
        for waits in waiting.data.as_array().unwrap() {
            let id = waits.get("id").and_then(|id| id.as_str()).unwrap();
            if self.dice.once_in(4) {
                continue;
            }
            let word = if self.dice.once_in(3) { "reject" } else { "approve" };
            // A host that died over it may have taken it: then it is too late, which is fine.
            drop(world.commands(&format!("approvals {word} {id}")).await);
        }
        let waiting = world.insists(async |world| world.command("questions list").await).await;
        for waits in waiting.data.as_array().unwrap() {
            let id = waits.get("id").and_then(|id| id.as_str()).unwrap();
            drop(world.commands(&format!("questions answer {id} a")).await);
        }
    }

    /// Somebody has waited long enough; where nothing is at work, nothing is stopped.
    pub(crate) async fn somebody_stops_it(&mut self, world: &mut World) {
        let (agent, thread) = LONG;
        for _ in 0..=self.dice.roll(2) {
            let thread = thread.map(str::to_owned);
            let stop = SendMessage { text: "/stop".to_owned(), thread, ..SendMessage::default() };
            // A host that died over it, or has no room to write it down, did not take it.
            drop(send(world, agent.to_owned(), stop).await);
            world.revive_host().await;
        }
    }
}
