//! Where the scripts play: four agents and one that goes bad, rooms on four channels, entries that
//! lead from agent to agent.

use std::time::Duration;

use host::{channels::Resolution, error::Result};
use schemas::{admin::NewAgent, policy::CliScope};

use super::dice::Dice;
use crate::world::World;

/// Where somebody can speak, and how.
pub(crate) const PLACES: [&str; 7] = [
    "slack C1/t1 alice",
    "slack C1/t2 alice",
    "slack C2 bob",
    "github repo/7 bob",
    "github repo/8 alice",
    "mail inbox carol",
    "slack D1 alice",
];

/// Agents that are spoken to at the terminal, in a thread or without one.
pub(crate) const TERMINALS: [(&str, Option<&str>); 4] =
    [("andy", None), ("andy", Some("t1")), ("bea", None), ("cleo", Some("t2"))];

/// Where people say what takes long, and stop it.
pub(crate) const LONG: (&str, Option<&str>) = ("dora", None);

/// Changes of the rules that touch nobody's answers, and yet every session that lives.
pub(crate) const REWIRINGS: [&str; 10] = [
    "agents set andy --prompt 'Be brief.'",
    "agents set bea --model small",
    "destinations create cleo backup --agent andy",
    "destinations delete cleo/backup",
    "wirings set slack:C1/andy --priority 3",
    "agents set andy --max-containers 1",
    "agents set andy --max-containers 0",
    "rooms set slack:C2 --name lounge",
    "wirings create slack:C2 cleo --mode shared --engage pattern --pattern nobody-says-this",
    "wirings delete slack:C2/cleo",
];

const RULES: [&str; 12] = [
    "rooms create slack C1 --group --unknown-sender public",
    "rooms create slack C2 --group --unknown-sender public",
    "rooms create github repo --group --unknown-sender public",
    "rooms create mail inbox --unknown-sender public",
    "wirings create slack:C1 andy --mode per-thread --engage mention",
    "wirings create slack:C1 bea --mode shared --engage mention",
    "wirings create slack:C2 andy --mode agent-shared --engage mention",
    "wirings create github:repo andy --mode agent-shared --engage mention",
    "wirings create mail:inbox cleo --mode shared",
    "destinations create andy peer --agent bea",
    "destinations create cleo peer --agent bea",
    "destinations create bea post --room slack:C2",
];

impl World {
    /// A town in which everything is well.
    pub(crate) fn town(dice: &mut Dice) -> Self {
        let scoped = |name: &str| NewAgent { cli_scope: CliScope::Own, ..NewAgent::named(name) };
        let mut town = Self::new().with_errors();
        for name in ["andy", "bea", "cleo", "dora", "mal"] {
            town = town.agent_with(scoped(name));
        }
        town.doors.resolves("mail", Resolution::Unknown);
        town.doors.resolves("github", Resolution::LooksUp);
        if dice.once_in(3) {
            town = town.at_most(2);
        }
        // Chores follow the clock on the wall, so it shows the same in each replay.
        town.it_is("2027-01-01T00:00:00Z");
        town.on_a_disk_of_its_own()
    }

    /// Makes its rooms.
    pub(crate) async fn settle_town(&self) {
        for words in RULES {
            self.command(words).await.unwrap();
        }
    }

    /// A command of the operator's that may have been done by a host that died over it.
    pub(crate) async fn commands(&mut self, words: &str) -> Result<()> {
        for _ in 0..1_000 {
            match self.command(words).await {
                Ok(_) => return Ok(()),
                Err(_) if self.host_died() => self.revive_host().await,
                Err(failure) => return Err(failure),
            }
            self.passes(Duration::from_millis(10)).await;
        }
        panic!("never done: {words}");
    }
}
