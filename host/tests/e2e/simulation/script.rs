//! One script: what happens next, and what was said in it.

use std::time::Duration;

use guest::steps::Step as GuestStep;
use host::{channels::ChannelError, steps::Step};
use jiff::SignedDuration;

use super::{
    dice::Dice,
    speech::{Said, Unsent},
    town::REWIRINGS,
};
use crate::world::{Fault, World};

/// A row survives four deaths of its guest, so there are no more in one script.
const DEATHS: u32 = 4;

/// A post is tried six times, so its channel fails it no more than this often in one script.
const REFUSALS: u32 = 4;

/// What happens next.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Says,
    HostDies,
    HostDiesAtAStep,
    NextHostDiesAtAStep,
    HostEnds,
    GuestDiesAtAStep,
    ContainerDies,
    ContainerHangs,
    EngineGoesAway,
    DoorsFail,
    RulesChange,
    PeopleAnswer,
    ClockSteps,
    GuestGoesBad,
    TimePasses,
}

/// How often each of them is chosen.
const ODDS: [(u64, Fate); 15] = [
    (34, Fate::Says),
    (5, Fate::HostDies),
    (9, Fate::HostDiesAtAStep),
    (2, Fate::NextHostDiesAtAStep),
    (2, Fate::HostEnds),
    (5, Fate::GuestDiesAtAStep),
    (3, Fate::ContainerDies),
    (2, Fate::ContainerHangs),
    (3, Fate::EngineGoesAway),
    (7, Fate::DoorsFail),
    (5, Fate::RulesChange),
    (6, Fate::PeopleAnswer),
    (1, Fate::ClockSteps),
    (2, Fate::GuestGoesBad),
    (14, Fate::TimePasses),
];

/// One script, and what was said in it.
#[expect(clippy::struct_excessive_bools, reason = "each is one independent fact of the script")]
pub(crate) struct Script {
    pub(crate) dice: Dice,
    pub(crate) said: Vec<Said>,
    /// What its bringer got no answer to, and brings again.
    pub(crate) unsent: Vec<Unsent>,
    pub(crate) words: u32,
    pub(crate) went_bad: bool,
    engine_away: bool,
    deaths: u32,
    refusals: u32,
    aloud: bool,
}

impl Script {
    pub(crate) fn new(dice: Dice, aloud: bool) -> Self {
        Self {
            dice,
            said: Vec::new(),
            unsent: Vec::new(),
            words: 0,
            went_bad: false,
            engine_away: false,
            deaths: 0,
            refusals: 0,
            aloud,
        }
    }

    fn fate(&mut self) -> Fate {
        let mut left = self.dice.roll(ODDS.iter().map(|(odds, _)| odds).sum());
        for (odds, fate) in ODDS {
            if left < odds {
                return fate;
            }
            left -= odds;
        }
        Fate::TimePasses
    }

    /// Something happens; whoever died of the last thing is followed by another.
    pub(crate) async fn step(&mut self, world: &mut World) {
        world.revive_host().await;
        let fate = self.fate();
        self.tell(&format!("{fate:?}"));
        match fate {
            Fate::Says => self.says_something(world).await,
            Fate::HostDies => self.host_dies(world).await,
            Fate::HostDiesAtAStep => {
                let (step, nth) = (*self.dice.pick(&Step::ALL), self.nth());
                self.tell(&format!("  {step:?} {nth}"));
                world.host_dies_at(step, nth);
            }
            Fate::NextHostDiesAtAStep => {
                let step = *self.dice.pick(&Step::ALL);
                let nth = self.nth();
                world.next_host_dies_at(step, nth);
            }
            Fate::HostEnds => {
                world.stop_host().await;
                self.something_happens_meanwhile(world).await;
                world.start_host().await;
            }
            Fate::GuestDiesAtAStep => {
                if self.a_guest_may_die() {
                    let step = *self.dice.pick(&GuestStep::ALL);
                    let nth = self.nth();
                    self.tell(&format!("  {step:?} {nth}"));
                    world.yard.guest_dies_at(step, nth);
                }
            }
            Fate::ContainerDies => self.container_dies(world).await,
            Fate::ContainerHangs => {
                let lives = world.yard.running();
                if lives > 0 && self.a_guest_may_die() {
                    world.yard.freeze_one(self.which(lives));
                }
            }
            Fate::EngineGoesAway => self.engine_comes_and_goes(world).await,
            Fate::DoorsFail => self.doors_fail(world),
            Fate::RulesChange => {
                let words = *self.dice.pick(&REWIRINGS);
                // A second time it is a conflict, or nothing to delete.
                drop(world.commands(words).await);
            }
            Fate::PeopleAnswer => self.people_answer(world).await,
            Fate::ClockSteps => self.clock_steps(world),
            Fate::GuestGoesBad => self.guest_goes_bad(world).await,
            Fate::TimePasses => self.time_passes(world).await,
        }
    }

    /// Says what happens, when one script is played alone.
    #[expect(clippy::print_stderr, reason = "for whoever plays a script that failed")]
    pub(crate) fn tell(&self, what: &str) {
        if self.aloud {
            eprintln!("{what}");
        }
    }

    fn nth(&mut self) -> u32 {
        u32::try_from(self.dice.roll(4)).unwrap() + 1
    }

    fn which(&mut self, of: usize) -> usize {
        usize::try_from(self.dice.roll(u64::try_from(of).unwrap())).unwrap()
    }

    fn a_guest_may_die(&mut self) -> bool {
        self.deaths += 1;
        self.deaths <= DEATHS
    }

    async fn host_dies(&mut self, world: &mut World) {
        // Each time at another await of whatever is going on.
        for _ in 0..self.dice.roll(80) {
            tokio::task::yield_now().await;
        }
        world.crash_host().await;
        self.something_happens_meanwhile(world).await;
        world.start_host().await;
    }

    async fn something_happens_meanwhile(&mut self, world: &mut World) {
        if self.dice.once_in(2) {
            world.passes(self.dice.millis(20_000)).await;
        }
        if self.dice.once_in(4) {
            self.container_dies(world).await;
        }
    }

    async fn container_dies(&mut self, world: &mut World) {
        let lives = world.yard.running();
        if lives > 0 && self.a_guest_may_die() {
            world.yard.kill_one(self.which(lives)).await;
        }
    }

    async fn engine_comes_and_goes(&mut self, world: &World) {
        self.engine_away = !self.engine_away;
        if self.engine_away {
            world.yard.goes_away().await;
        } else {
            world.yard.recovers().await;
        }
    }

    fn doors_fail(&mut self, world: &World) {
        for _ in 0..=self.dice.roll(3) {
            let fault = match self.dice.roll(6) {
                0 | 1 if self.refusals < REFUSALS => {
                    self.refusals += 1;
                    if self.dice.once_in(2) {
                        Fault::TakenInSilence
                    } else {
                        Fault::Refused(ChannelError::Retry("500".to_owned()))
                    }
                }
                2 => Fault::Refused(ChannelError::RateLimited(self.dice.roll(20))),
                3 => Fault::Refused(ChannelError::Down("gone".to_owned())),
                // Some of them later than any post is waited for.
                4 if self.refusals < REFUSALS => {
                    self.refusals += 1;
                    Fault::Late(self.dice.millis(90_000))
                }
                _ => Fault::Late(self.dice.millis(5_000)),
            };
            self.tell(&format!("  {fault:?}"));
            world.doors.fail([fault]);
        }
    }

    /// A step of an hour makes every heart look as if it had stopped, or as if it never could.
    fn clock_steps(&mut self, world: &World) {
        let lives = u32::try_from(world.yard.running()).unwrap();
        if self.deaths + lives <= DEATHS {
            self.deaths += lives;
            let seconds = i64::try_from(self.dice.roll(7_200)).unwrap() - 3_600;
            world.clock_steps(SignedDuration::from_secs(seconds));
        }
    }

    async fn time_passes(&mut self, world: &World) {
        let below = if self.dice.once_in(3) { 900_000 } else { 3_000 };
        world.passes(self.dice.millis(below)).await;
    }

    /// Everything is well again; what is owed must come.
    pub(crate) async fn heal(&mut self, world: &mut World) {
        world.doors.heal();
        world.yard.guests_live();
        if self.engine_away {
            world.yard.recovers().await;
        }
        world.revive_host().await;
        world.host_lives();
        self.brings_again(world).await;
        assert!(self.unsent.is_empty(), "not taken although all is well: {:?}", self.unsent);
        world.passes(Duration::from_secs(1)).await;
    }
}
