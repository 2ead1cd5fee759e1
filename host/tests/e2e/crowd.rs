//! Random scripts of a crowd on two platforms: members and strangers, mentions, repeats, a host
//! that dies with a message in its hands. Whatever happens, every agent answers once what it
//! should hear, and nothing else.

use std::time::Duration;

use host::{
    channels::{Bounded, Inbound},
    requests::Request,
};

use crate::{
    simulation::{Dice, Told},
    world::World,
};

const SEEDS: u64 = 12;
const STEPS: u32 = 20;

const RULES: [&str; 11] = [
    "rooms create slack C1 --group --unknown-sender public",
    "wirings create slack:C1 andy --mode per-thread --engage mention --ignored accumulate",
    "wirings create slack:C1 betty --mode shared",
    "rooms create slack C2 --group",
    "wirings create slack:C2 andy --mode shared",
    "rooms create slack C3 --group --unknown-sender public",
    "rooms create github repo --group --unknown-sender public",
    "wirings create slack:C3 carl --mode agent-shared",
    "wirings create github:repo carl --mode agent-shared",
    "people create Alice --id slack:alice",
    "members add andy Alice",
];

/// What was said, and what must come of it.
struct Crowd {
    dice: Dice,
    count: u32,
    expected: Vec<String>,
}

impl Crowd {
    async fn step(&mut self, world: &mut World) {
        let (message, answers) = self.message(world);
        self.expected.extend(answers);
        match self.dice.roll(10) {
            0..6 => drop(world.brings(message).await.unwrap()),
            6..8 => {
                world.brings(message.clone()).await.unwrap();
                world.brings(message).await.unwrap();
            }
            _ => self.host_dies_over(world, message).await,
        }
        world.passes(Duration::from_millis(self.dice.roll(3_000))).await;
    }

    /// A message, and the posts that it must lead to.
    fn message(&mut self, world: &World) -> (Inbound, Vec<String>) {
        self.count += 1;
        let room = match self.dice.roll(5) {
            0 => "slack C1",
            1 => "slack C2",
            2 => "slack C3",
            3 => "github repo",
            _ => "slack C9",
        };
        let member = room.starts_with("slack") && self.dice.roll(2) == 0;
        let mention = self.dice.roll(3) == 0;
        let place = format!("{room}/t{}", self.dice.roll(3));
        let text = format!("{}number {}", if mention { "@bot " } else { "" }, self.count);
        let answered_by = match room {
            "slack C1" => 1 + usize::from(mention),
            "slack C2" => usize::from(member),
            "slack C9" => 0,
            _ => 1,
        };
        let who = if member { "alice" } else { "eve" };
        let message = world.heard(&format!("{place} {who}: {text}"));
        (message, vec![format!("{place}: You said: {text}"); answered_by])
    }

    /// The platform was not answered, so it brings the message again.
    async fn host_dies_over(&mut self, world: &mut World, message: Inbound) {
        let (handle, first) = (world.handle(), Box::new(Bounded::of(message.clone())));
        let yields = self.dice.roll(60);
        let soon = async move {
            for _ in 0..yields {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! { biased;
            taken = handle.ask(|answer| Request::Inbound(first, answer)) => drop(taken),
            () = soon => {}
        }
        world.crash_host().await;
        world.start_host().await;
        world.brings(message).await.unwrap();
    }

    /// What is owed comes, and nothing after it.
    async fn end(mut self, world: &World) {
        let posts = world.next_posts(self.expected.len()).await;
        // What rode along is counted on a line of its own.
        let mut heard: Vec<&str> =
            posts.iter().map(|post| post.lines().next().unwrap_or_default()).collect();
        heard.sort_unstable();
        self.expected.sort_unstable();
        assert_eq!(heard, self.expected);
        world.no_post_for(Duration::from_secs(1_800)).await;
        assert_eq!(world.sessions().await.iter().filter(|one| one.agent == "carl").count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_a_crowd_says_each_agent_answers_once_what_it_should_hear() {
    for seed in 0..SEEDS {
        let _told = Told(seed);
        World::new()
            .agent("andy")
            .agent("betty")
            .agent("carl")
            .with_errors()
            .run(async |world| {
                for line in RULES {
                    let said = world.cli(line).await;
                    assert!(!said.starts_with("error"), "{line}: {said}");
                }
                world.says_at("github repo eve: number 0").await;
                let first = "github repo: You said: number 0".to_owned();
                let mut crowd = Crowd { dice: Dice(seed), count: 0, expected: vec![first] };
                for _ in 0..STEPS {
                    crowd.step(world).await;
                }
                crowd.end(world).await;
            })
            .await;
    }
}
