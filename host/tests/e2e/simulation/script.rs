//! One script: what happens next, and what was said in it.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use guest::steps::Step as GuestStep;
use host::steps::Step;
use schemas::ids::MessageId;

use super::{
    apart,
    chores::Chore,
    dice::Dice,
    speech::{Said, Unsent},
    town::REWIRINGS,
};
use crate::world::World;

/// What happens next.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Says,
    Stops,
    HostDies,
    HostDiesAtAStep,
    NextHostDiesAtAStep,
    HostEnds,
    GuestDiesAtAStep,
    ContainerDies,
    ContainerHangs,
    EngineGoesAway,
    DoorsFail,
    DiskFills,
    RulesChange,
    PeopleAnswer,
    Chores,
    ClockSteps,
    GuestGoesBad,
    TimePasses,
}

/// How often each of them is chosen.
const ODDS: [(u64, Fate); 18] = [
    (34, Fate::Says),
    (3, Fate::Stops),
    (5, Fate::HostDies),
    (9, Fate::HostDiesAtAStep),
    (2, Fate::NextHostDiesAtAStep),
    (2, Fate::HostEnds),
    (5, Fate::GuestDiesAtAStep),
    (3, Fate::ContainerDies),
    (2, Fate::ContainerHangs),
    (3, Fate::EngineGoesAway),
    (7, Fate::DoorsFail),
    (3, Fate::DiskFills),
    (6, Fate::RulesChange),
    (6, Fate::PeopleAnswer),
    (6, Fate::Chores),
    (2, Fate::ClockSteps),
    (3, Fate::GuestGoesBad),
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
    errors_told: usize,
    pub(crate) chores: Vec<Chore>,
    /// What was given up, and tried again since.
    pub(crate) retried: BTreeSet<MessageId>,
    /// What a guest that goes bad is after.
    pub(crate) precious: PathBuf,
    /// Whether the bad guest's session may have been set aside.
    pub(crate) is_bad: bool,
    /// Whether the disk was full at some time.
    pub(crate) was_full: bool,
    pub(crate) engine_away: bool,
    pub(crate) deaths: u32,
    pub(crate) refusals: u32,
    aloud: bool,
}

impl Script {
    pub(crate) fn new(dice: Dice, aloud: bool, precious: PathBuf) -> Self {
        Self {
            dice,
            said: Vec::new(),
            unsent: Vec::new(),
            words: 0,
            errors_told: 0,
            chores: Vec::new(),
            retried: BTreeSet::new(),
            precious,
            is_bad: false,
            was_full: false,
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
        if world.disk_is_full() && self.dice.once_in(4) {
            self.tell("  there is room again");
            world.disk_has_room();
        }
        world.revive_host().await;
        let fate = self.fate();
        self.tell(&format!("{} {fate:?}", world.now()));
        match fate {
            Fate::Says => self.says_something(world).await,
            Fate::Stops => self.somebody_stops_it(world).await,
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
            Fate::GuestDiesAtAStep => self.guest_dies_at_a_step(world),
            Fate::ContainerDies => self.container_dies(world).await,
            Fate::ContainerHangs => self.container_hangs(world),
            Fate::EngineGoesAway => self.engine_comes_and_goes(world).await,
            Fate::DoorsFail => self.doors_fail(world),
            Fate::DiskFills => self.disk_fills(world),
            Fate::RulesChange => {
                let words = *self.dice.pick(&REWIRINGS);
                self.tell(&format!("  {words}"));
                // A second time it is a conflict, or nothing to delete.
                drop(world.commands(words).await);
            }
            Fate::PeopleAnswer => self.people_answer(world).await,
            Fate::Chores => self.chores_change(world).await,
            Fate::ClockSteps => self.clock_steps(world),
            Fate::GuestGoesBad => self.guest_goes_bad(world).await,
            Fate::TimePasses => self.time_passes(world).await,
        }
    }

    /// Says what the operator's log has since the last step, when one script is played alone.
    pub(crate) fn tell_errors(&mut self, world: &World) {
        let errors = world.errors();
        for error in errors.iter().skip(self.errors_told) {
            self.tell(&format!("    {error}"));
        }
        self.errors_told = errors.len();
    }

    /// Says what happens, when one script is played alone.
    pub(crate) fn tell(&self, what: &str) {
        if self.aloud {
            apart::tell(what);
        }
    }

    fn guest_dies_at_a_step(&mut self, world: &World) {
        if self.a_guest_may_die() {
            let step = *self.dice.pick(&GuestStep::ALL);
            let nth = self.nth();
            self.tell(&format!("  {step:?} {nth}"));
            world.yard.guest_dies_at(step, nth);
        }
    }

    fn nth(&mut self) -> u32 {
        u32::try_from(self.dice.roll(4)).unwrap() + 1
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

    async fn time_passes(&mut self, world: &mut World) {
        let below = if self.dice.once_in(3) { 900_000 } else { 3_000 };
        world.passes(self.dice.millis(below)).await;
    }

    /// Everything is well again; what is owed must come.
    pub(crate) async fn heal(&mut self, world: &mut World) {
        self.tell(&format!("{} all is well again", world.now()));
        world.disk_has_room();
        world.doors.heal();
        world.yard.guests_live();
        if self.engine_away {
            world.yard.recovers().await;
        }
        world.revive_host().await;
        world.host_lives();
        drop(world.commands("agents set andy --max-containers 0").await);
        self.brings_again(world).await;
        assert!(self.unsent.is_empty(), "not taken although all is well: {:?}", self.unsent);
        world.passes(Duration::from_secs(1)).await;
    }
}
