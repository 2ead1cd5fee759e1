//! A neighbour who is asked the whole time, and what it makes of what goes on beside it.
//!
//! Owns an honest measure: quiet and attacked rounds take turns, so that what a machine does
//! meanwhile is in both; one attack is made at a time, and what the test itself does to prepare it,
//! and the containers that it starts for it, lie outside of the rounds.

use std::time::Duration;

use crate::{
    host_process::HostProcess,
    room::{Room, p99, print_ratio},
};

/// Quiet rounds before each attack.
const QUIET: usize = 20;

/// Rounds of each attack at least: what its end costs (a container is killed) is in them.
const ATTACKED: usize = 20;

/// The neighbour.
pub(super) struct Honest<'h> {
    host: &'h HostProcess,
    room: Room,
    quiet: Vec<Duration>,
    attacked: Vec<Duration>,
}

impl<'h> Honest<'h> {
    pub(super) async fn enter(host: &'h HostProcess) -> Self {
        host.agent("honest").await;
        let mut room = Room::enter(host, "honest").await;
        room.latencies(host, 3).await;
        Self { host, room, quiet: Vec::new(), attacked: Vec::new() }
    }

    /// Nothing goes on.
    pub(super) async fn quietly(&mut self) {
        self.quiet.extend(self.room.latencies(self.host, QUIET).await);
    }

    /// Each question is answered, in its order, for as long as something else goes on.
    pub(super) async fn beside<T>(&mut self, attack: impl Future<Output = T>) -> T {
        let (mut rounds, mut over) = (0, None);
        tokio::pin!(attack);
        while over.is_none() || rounds < ATTACKED {
            let round = self.room.latencies(self.host, 1);
            tokio::pin!(round);
            let took = tokio::select! { biased;
                took = &mut round => took,
                done = &mut attack, if over.is_none() => {
                    over = Some(done);
                    round.await
                }
            };
            self.attacked.extend(took);
            rounds += 1;
        }
        over.expect("the loop ends with it")
    }

    /// Prints the figure.
    pub(super) fn tell(self, what: &str) {
        let rounds = (self.quiet.len(), self.attacked.len());
        print_ratio(
            &format!(
                "hostile_p99_ratio ({what}, {} quiet and {} attacked rounds)",
                rounds.0, rounds.1
            ),
            p99(self.quiet),
            p99(self.attacked),
        );
    }
}
