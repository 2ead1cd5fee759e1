//! What is to be done at a time: made, paused, resumed and cancelled in a script, over deaths and
//! steps of the clock. Each time is done once, or let go by for a reason that its policy allows.

use std::{collections::BTreeSet, time::Duration};

use host::{
    limits::DUE_AGAIN,
    store::{Occurrence, Task},
};
use jiff::{SignedDuration, Timestamp};
use schemas::{
    ids::MessageId,
    policy::{Missed, Occurred, TaskStatus},
};

use super::script::Script;
use crate::world::World;

/// Chores of one script: each of their times is a run.
const CHORES: usize = 2;

/// A time that passed by this much was missed.
const LATE: SignedDuration = host::limits::task::LATE;

/// Where chores are done.
const PLACES: [&str; 4] = ["andy", "bea", "cleo", "andy --room slack:C2"];

#[derive(Debug)]
pub(crate) struct Chore {
    /// A word that nothing else that was said holds.
    token: String,
    /// When it may have been made.
    made: (Timestamp, Timestamp),
    /// Minutes between its times; none is a single one.
    every: Option<i64>,
    /// From when to when it may have rested.
    rests: Vec<(Timestamp, Timestamp)>,
    cancelled: bool,
}

impl Script {
    /// Somebody makes a chore, has it rest, go on, or end.
    pub(super) async fn chores_change(&mut self, world: &mut World) {
        if self.chores.len() < CHORES && self.dice.once_in(2) {
            return self.somebody_wants_a_chore(world).await;
        }
        if self.chores.is_empty() {
            return;
        }
        let which =
            usize::try_from(self.dice.roll(u64::try_from(self.chores.len()).unwrap())).unwrap();
        let word = *self.dice.pick(&["pause", "resume", "resume", "resume", "cancel"]);
        let chore = self.chores.get_mut(which).unwrap();
        let Some(task) = world.task_of(&chore.token).await else { return };
        let now = world.now();
        if task.status == TaskStatus::Paused {
            chore.rest_ends(now);
        }
        let done = world.commands(&format!("tasks {word} {}", task.id)).await;
        let now = world.now().max(now);
        match word {
            "pause" => chore.rests.push((now.min(task.next_at.unwrap_or(now)), Timestamp::MAX)),
            "resume" => chore.rest_ends(now),
            _ => chore.cancelled = true,
        }
        let token = chore.token.clone();
        self.tell(&format!("  {word} {token}: {done:?}"));
    }

    async fn somebody_wants_a_chore(&mut self, world: &mut World) {
        self.words += 1;
        let token = format!("w{}", self.words);
        let minutes = [15, 30];
        let every = self.dice.once_in(2).then(|| *self.dice.pick(&minutes));
        let when = match every {
            Some(minutes) => format!("--every '*/{minutes} * * * *' --often"),
            None => format!("--at +{}m", self.dice.roll(15) + 1),
        };
        let missed = *self.dice.pick(&[Missed::Skip, Missed::Once, Missed::All]);
        let place = *self.dice.pick(&PLACES);
        let (who, room) = place.split_once(' ').unwrap_or((place, ""));
        let missed = missed.as_str();
        // Its name keeps it one task when nobody was told that it was made.
        let words =
            format!("tasks create {who} '{token}' {room} {when} --missed {missed} --name {token}");
        let before = world.now();
        let done = world.commands(&words).await;
        self.tell(&format!("  {words}: {done:?}"));
        let made = (before.min(world.now()), world.now().max(before));
        self.chores.push(Chore { token, made, every, rests: Vec::new(), cancelled: false });
    }

    /// Over a large step there are more times than anybody makes up for.
    pub(super) fn chores_see_a_step(&mut self, by: SignedDuration, now: Timestamp) {
        if by > SignedDuration::from_hours(2) {
            self.chores.iter_mut().for_each(|chore| chore.rests.push((now, now + by)));
        }
    }

    /// What rests goes on, what is to be done once is done, and what goes on for ever is ended.
    pub(super) async fn chores_end(&mut self, world: &mut World) {
        if self.was_full {
            // A host that could not look for want of room looks again by now.
            world.passes(DUE_AGAIN.unsigned_abs()).await;
        }
        for chore in &mut self.chores {
            let Some(task) = world.task_of(&chore.token).await.filter(Task::lives) else {
                continue;
            };
            if task.cron.is_some() {
                // Whoever looks at the clock again and again has seen every time by now.
                let due = task.next_at.filter(|_| task.status == TaskStatus::Active);
                let now = world.now();
                assert!(due.is_none_or(|at| at > now), "{task:?} was not looked at: {now}");
                chore.rests.push((now, Timestamp::MAX));
                world.command(&format!("tasks cancel {}", task.id)).await.unwrap();
            } else {
                world.command(&format!("tasks resume {}", task.id)).await.unwrap();
            }
        }
        for _ in 0..5_000 {
            let mut lives = false;
            for chore in &self.chores {
                lives |= world.task_of(&chore.token).await.is_some_and(|task| task.lives());
            }
            if !lives {
                return;
            }
            world.passes(Duration::from_secs(60)).await;
        }
        panic!("never done: {:?}", self.chores);
    }

    /// Whether what was done was told.
    pub(super) async fn chores_are_told(&self, world: &World) -> bool {
        for chore in &self.chores {
            let Some(task) = world.task_of(&chore.token).await else { continue };
            let done = world.log_of_task(&task).await.into_iter().filter(is_done).count();
            if world.answers_to(&chore.token).len() < done {
                return false;
            }
        }
        true
    }

    /// Each time stands in the log once, and was done once or let go by for a reason.
    pub(super) async fn chores_are_right(&self, world: &World) {
        for chore in &self.chores {
            let Some(task) = world.task_of(&chore.token).await else { continue };
            let log = world.log_of_task(&task).await;
            let told = format!("{chore:?}: {task:#?}: {log:#?}");
            let times: BTreeSet<Timestamp> = log.iter().map(|one| one.scheduled).collect();
            assert_eq!(times.len(), log.len(), "a time twice: {told}");
            let done = log.iter().filter(|one| is_done(one)).count();
            let told_of = world.answers_to(&chore.token).len();
            assert_eq!(told_of, done, "done or told twice: {told}");
            for one in &log {
                assert!(may_be(&task, one, &log) || self.was_full, "not done: {one:?}: {told}");
            }
            match chore.every {
                Some(minutes) => chore.left_none_out(minutes * 60, &times, &told),
                None => assert!(log.len() == 1 || chore.cancelled, "{told}"),
            }
        }
    }
}

impl Chore {
    fn rest_ends(&mut self, now: Timestamp) {
        if let Some(rest) = self.rests.last_mut().filter(|rest| rest.1 == Timestamp::MAX) {
            rest.1 = now;
        }
    }

    /// One time follows the other, but where it rested.
    fn left_none_out(&self, every: i64, times: &BTreeSet<Timestamp>, told: &str) {
        let mut last = self.made.0;
        for at in times {
            assert_eq!(at.as_second() % every, 0, "{told}");
            let wanted = next(last, every);
            let rested = self.rests.iter().any(|(from, to)| *from <= *at && *to >= wanted);
            let begun = last < self.made.1 && *at <= next(self.made.1, every);
            assert!(*at == wanted || rested || begun, "{wanted} was left out: {told}");
            last = *at;
        }
    }
}

/// The first time after another.
fn next(after: Timestamp, every: i64) -> Timestamp {
    Timestamp::from_second((after.as_second() / every + 1) * every).unwrap()
}

fn is_done(one: &Occurrence) -> bool {
    one.outcome == Some(Occurred::Completed)
}

/// Whether this may have come of one time of a task.
fn may_be(task: &Task, one: &Occurrence, log: &[Occurrence]) -> bool {
    if one.outcome != Some(Occurred::Skipped) {
        return is_done(one);
    }
    let Some(decided) = one.ended_at else { return false };
    if one.reason.as_deref().is_some_and(|why| why.contains("not over yet")) {
        return log.iter().any(|other| other.scheduled < one.scheduled);
    }
    match task.missed {
        Missed::All => false,
        Missed::Skip => decided.duration_since(one.scheduled) > LATE,
        Missed::Once => {
            let later = |other: &&Occurrence| other.scheduled > one.scheduled;
            log.iter().filter(later).any(|other| other.scheduled <= decided)
        }
    }
}

impl World {
    /// The task whose words these are.
    async fn task_of(&self, token: &str) -> Option<Task> {
        let said = self.command("tasks list --all").await.ok()?;
        let tasks: Vec<Task> = serde_json::from_value(said.data).unwrap();
        tasks.into_iter().find(|task| task.prompt == token)
    }

    /// What came of a task's times, oldest first.
    async fn log_of_task(&self, task: &Task) -> Vec<Occurrence> {
        let said = self.command(&format!("tasks log {} -n 200", task.id)).await.unwrap();
        let mut log: Vec<Occurrence> = serde_json::from_value(said.data).unwrap();
        log.reverse();
        log
    }

    /// The messages that begin by repeating these words and nothing else.
    fn answers_to(&self, token: &str) -> BTreeSet<MessageId> {
        let text = format!("You said: {token}");
        let passed = self.doors.passed().into_iter();
        let answers =
            passed.filter(|post| post.body.clone().into_text().lines().next() == Some(&text));
        answers.map(|post| post.message).collect()
    }
}
