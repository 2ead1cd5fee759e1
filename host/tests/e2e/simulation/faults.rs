//! What breaks in a script: containers, the engine, channels, the disk, the clock.

use host::channels::ChannelError;
use jiff::SignedDuration;

use super::script::Script;
use crate::world::{Fault, World};

/// A row survives four deaths of its guest, so there are no more in one script; what a full disk
/// costs beyond that is tried again by hand.
const DEATHS: u32 = 4;

/// A post is tried six times, so its channel fails it no more than this often in one script. What
/// it refuses for good is tried again by hand.
const REFUSALS: u32 = 4;

/// Longer than anybody waits for a person, or for a platform.
const DAYS: SignedDuration = SignedDuration::from_hours(30);

impl Script {
    pub(super) fn a_guest_may_die(&mut self) -> bool {
        self.deaths += 1;
        self.deaths <= DEATHS
    }

    fn which(&mut self, of: usize) -> usize {
        usize::try_from(self.dice.roll(u64::try_from(of).unwrap())).unwrap()
    }

    pub(super) async fn container_dies(&mut self, world: &World) {
        let lives = world.yard.running();
        if lives > 0 && self.a_guest_may_die() {
            world.yard.kill_one(self.which(lives)).await;
        }
    }

    pub(super) fn container_hangs(&mut self, world: &World) {
        let lives = world.yard.running();
        if lives > 0 && self.a_guest_may_die() {
            world.yard.freeze_one(self.which(lives));
        }
    }

    pub(super) async fn engine_comes_and_goes(&mut self, world: &World) {
        self.engine_away = !self.engine_away;
        if self.engine_away {
            world.yard.goes_away().await;
        } else {
            world.yard.recovers().await;
        }
    }

    /// Some pages still fit, so that some writes succeed and others do not.
    pub(super) fn disk_fills(&mut self, world: &World) {
        self.was_full = true;
        world.disk_fills(self.dice.roll(12));
    }

    pub(super) fn doors_fail(&mut self, world: &World) {
        for _ in 0..=self.dice.roll(3) {
            let fault = self.fault();
            self.tell(&format!("  {fault:?}"));
            world.doors.fail([fault]);
        }
    }

    fn fault(&mut self) -> Fault {
        match self.dice.roll(8) {
            0 | 1 if self.refusals < REFUSALS => {
                self.refusals += 1;
                if self.dice.once_in(2) {
                    Fault::TakenInSilence
                } else {
                    Fault::Refused(ChannelError::Retry("500".to_owned()))
                }
            }
            2 => Fault::Refused(ChannelError::RateLimited(self.dice.roll(20))),
            3 => Fault::Refused(ChannelError::Throttled(self.dice.roll(600))),
            4 => Fault::Refused(ChannelError::Down("gone".to_owned())),
            // Some of them later than any post is waited for, or never.
            5 if self.refusals < REFUSALS => {
                self.refusals += 1;
                let below = if self.dice.once_in(3) { 200_000_000 } else { 90_000 };
                Fault::Late(self.dice.millis(below))
            }
            6 => Fault::Refused(ChannelError::Permanent("no such room".to_owned())),
            _ => Fault::Late(self.dice.millis(5_000)),
        }
    }

    /// A step of an hour makes every heart look as if it had stopped, or as if it never could. Over
    /// a step of days what waits for people is over.
    pub(super) fn clock_steps(&mut self, world: &World) {
        let lives = u32::try_from(world.yard.running()).unwrap();
        let by = match self.dice.once_in(3) {
            true if lives == 0 => DAYS,
            true | false => {
                let seconds = i64::try_from(self.dice.roll(7_200)).unwrap() - 3_600;
                SignedDuration::from_secs(seconds)
            }
        };
        if self.deaths + lives <= DEATHS {
            self.deaths += lives;
            self.tell(&format!("  by {by:?}"));
            self.chores_see_a_step(by, world.now());
            world.clock_steps(by);
        }
    }
}
