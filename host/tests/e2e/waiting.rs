//! Random scripts of strangers, yeses, noes and deaths: what waited for a yes is answered once, in
//! its order, and what got a no is not.

use std::{collections::BTreeMap, time::Duration};

use host::{
    admin::{Parsed, parse},
    people::Who,
    requests::Request,
};
use schemas::policy::ApprovalStatus;
use tokio_util::task::TaskTracker;

use crate::world::World;

const STEPS: u64 = 14;

/// Numbers from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

#[derive(Default)]
struct Script {
    /// What was said in each room.
    said: BTreeMap<String, Vec<String>>,
    /// How often something was said at all.
    count: u64,
    /// Which script it is.
    seed: u64,
}

impl Script {
    async fn step(&mut self, world: &mut World, dice: &mut Dice) {
        match dice.roll(5) {
            0 | 1 => self.somebody_speaks(world, dice).await,
            2 | 3 => somebody_answers(world, dice).await,
            _ => {
                world.crash_host().await;
                world.start_host().await;
            }
        }
    }

    async fn somebody_speaks(&mut self, world: &World, dice: &mut Dice) {
        let room = format!("slack D{}", dice.roll(3));
        self.count += 1;
        let text = format!("word {}", self.count);
        let message = world.heard(&format!("{room} eve: {text}"));
        // Its platform may bring it twice.
        for _ in 0..=dice.roll(2) {
            world.brings(message.clone()).await.unwrap();
        }
        self.said.entry(room).or_default().push(format!("You said: {text}"));
    }

    async fn end(self, world: &World) {
        for waits in world.approvals().await {
            world.command(&format!("approvals approve {}", waits.id)).await.unwrap();
        }
        let rooms = world.cli("rooms list").await;
        let denied = |room: &str| {
            let place = room.replace(' ', ":");
            rooms.lines().any(|line| line.contains(&place) && line.contains("<time>"))
        };
        let expected: BTreeMap<String, Vec<String>> =
            self.said.into_iter().filter(|(room, _)| !denied(room)).collect();
        let mut posted: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for _ in 0..expected.values().map(Vec::len).sum() {
            let post = world.next_post().await;
            let (room, text) = post.split_once(": ").unwrap();
            posted.entry(room.to_owned()).or_default().push(text.to_owned());
        }
        assert_eq!(posted, expected, "seed {}", self.seed);
        world.no_post_for(Duration::from_secs(3_600)).await;
        let all = world.command("approvals list --all").await.unwrap().data;
        for one in all.as_array().unwrap() {
            assert_ne!(one["status"], ApprovalStatus::Pending.as_str(), "{one}");
            assert!(one["result"].is_string(), "{one}");
        }
    }
}

/// A yes or a no, and perhaps the host dies over it, anywhere.
async fn somebody_answers(world: &mut World, dice: &mut Dice) {
    let waiting = world.approvals().await;
    let Some(one) = waiting.first() else { return };
    let verb = if dice.roll(4) == 0 { "reject" } else { "approve" };
    let words = ["approvals", verb, one.id.as_str()].map(str::to_owned);
    let Ok(Parsed::Command(command)) = parse(&words) else { panic!("{words:?}") };
    let handle = world.handle();
    let tasks = TaskTracker::new();
    tasks.spawn(async move {
        // Whether it was heard at all is what the rows say.
        drop(handle.ask(|answer| Request::Admin(Who::Operator, command, answer)).await);
    });
    if dice.roll(3) > 0 {
        for _ in 0..dice.roll(60) {
            tokio::task::yield_now().await;
        }
        world.crash_host().await;
        world.start_host().await;
    }
    tasks.close();
    tasks.wait().await;
}

#[tokio::test(start_paused = true)]
async fn whatever_dies_what_waited_for_a_yes_is_answered_once() {
    for seed in 0..25 {
        World::new()
            .agent("andy")
            .with_errors()
            .run(async |world| {
                let (mut dice, mut script) = (Dice(seed), Script { seed, ..Script::default() });
                for _ in 0..STEPS {
                    script.step(world, &mut dice).await;
                }
                script.end(world).await;
            })
            .await;
    }
}
