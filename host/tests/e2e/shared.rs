//! One conversation over rooms of two platforms.

use std::collections::BTreeMap;

use schemas::guest_side::InboundReader;

use crate::world::{World, outcome};

/// A repository and a chat room that share andy's one session.
async fn connect(world: &World) {
    for room in ["slack C1", "github repo"] {
        world.cli(&format!("rooms create {room} --group --unknown-sender public")).await;
        let room = room.replace(' ', ":");
        world.cli(&format!("wirings create {room} andy --mode agent-shared")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_repository_and_a_chat_room_are_one_conversation() {
    World::new()
        .agent("andy")
        .run(async |world| {
            connect(world).await;
            let chat = world.says_at("slack C1/t1 alice: hello").await;
            let repo = world.says_at("github repo/7 bob: a bug").await;
            let session =
                |taken: &host::requests::Taken| taken.agents[0].1.accepted().session_id.clone();
            assert_eq!(session(&chat), session(&repo));
            let posts = world.next_posts(2).await;
            assert_eq!(posts, ["github repo/7: You said: a bug", "slack C1/t1: You said: hello"]);
            assert_eq!(world.yard.started(), 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn twenty_messages_from_two_platforms_get_twenty_answers_each_in_its_own_thread() {
    World::new()
        .agent("andy")
        .run(async |world| {
            connect(world).await;
            world.says_at("slack C1/busy alice: !slow 60000").await;
            let mut expected = vec!["slack C1/busy: You said: ".to_owned()];
            for n in 0..20 {
                let thread = n % 5;
                let place = if n % 2 == 0 {
                    format!("slack C1/t{thread}")
                } else {
                    format!("github repo/{thread}")
                };
                let taken = world.says_at(&format!("{place} alice: number {n}")).await;
                assert_eq!(outcome(&taken), "woke");
                expected.push(format!("{place}: You said: number {n}"));
            }
            expected.sort_unstable();
            assert_eq!(world.next_posts(21).await, expected);
            world.no_post_for(std::time::Duration::from_secs(60)).await;
            assert_eq!(world.yard.started(), 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_holds_one_address_only() {
    World::new()
        .agent("andy")
        .run(async |world| {
            connect(world).await;
            let first = world.says_at("slack C1/busy alice: !slow 60000").await;
            let mut addresses = BTreeMap::new();
            for n in 0..8 {
                let place = if n % 2 == 0 { "slack C1/t1" } else { "github repo/7" };
                let taken = world.says_at(&format!("{place} alice: number {n}")).await;
                addresses.insert(taken.agents[0].1.accepted().message_id.clone(), place);
            }
            for _ in 0..9 {
                world.next_post().await;
            }
            let session = first.agents[0].1.accepted().session_id.to_string();
            world.until_state("andy", "awake").await;
            let runs = world.runs(&session).await;
            assert!(runs.len() < 9, "some were worked on together: {}", runs.len());
            for run in runs {
                let mut places: Vec<_> =
                    run.message_ids.iter().filter_map(|id| addresses.get(id)).collect();
                places.dedup();
                assert!(places.len() <= 1, "{run:?}");
            }
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_shared_session_reaches_the_rooms_that_share_it_and_no_other() {
    World::new()
        .agent("andy")
        .run(async |world| {
            connect(world).await;
            world.cli("rooms create slack C2 --group --unknown-sender public").await;
            world.cli("wirings create slack:C2 andy --mode shared").await;
            let taken = world.says_at("github repo/7 bob: hello").await;
            world.next_post().await;
            let dir = world.dir_of(taken.agents[0].1.accepted());
            // Text without an origin goes to the first room that shares the session.
            let routing = InboundReader::new(dir).routing().unwrap().unwrap();
            assert_eq!(routing.platform_id, "C1");
            let other = world.says_at("slack C2 alice: hello").await;
            assert_eq!(world.next_post().await, "slack C2: You said: hello");
            let session =
                |taken: &host::requests::Taken| taken.agents[0].1.accepted().session_id.clone();
            assert_ne!(session(&taken), session(&other));
        })
        .await;
}

/// Each line of the README's recipes, as it stands there.
#[tokio::test(start_paused = true)]
async fn the_recipes_of_the_readme_run() {
    World::new()
        .run(async |world| {
            let readme = include_str!("../../../README.md");
            let (_, recipes) = readme.split_once("## Recipes").unwrap();
            let (recipes, _) = recipes.split_once("\n## ").unwrap();
            let lines: Vec<&str> =
                recipes.lines().filter_map(|line| line.strip_prefix("$ lazaret ")).collect();
            assert!(lines.len() > 9, "{lines:?}");
            // What needs no host is the client's own.
            let own =
                |line: &&str| ["backup", "restore", "up "].iter().any(|own| line.starts_with(own));
            for line in lines.into_iter().filter(|line| !own(line)) {
                let said = world.cli(&line.replace('"', "'")).await;
                assert!(!said.starts_with("error"), "{line}: {said}");
            }
            for place in ["github acme/shop", "slack C0SHOP"] {
                let mut message =
                    world.heard(&format!("{} bob: @rita hi", place.replace('/', "+")));
                message.address.platform_id = message.address.platform_id.replace('+', "/");
                world.brings(message).await.unwrap();
                assert_eq!(world.next_post().await, format!("{place}: You said: @rita hi"));
            }
            assert_eq!(world.yard.started(), 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn the_same_number_on_two_platforms_is_two_messages() {
    World::new()
        .agent("andy")
        .run(async |world| {
            connect(world).await;
            let mut one = world.heard("slack C1 alice: one");
            let mut two = world.heard("github repo alice: two");
            (one.id, two.id) = ("slack:7".to_owned(), "github:7".to_owned());
            assert_eq!(outcome(&world.brings(one).await.unwrap()), "woke");
            assert_eq!(outcome(&world.brings(two).await.unwrap()), "woke");
            let posts = world.next_posts(2).await;
            assert_eq!(posts, ["github repo: You said: two", "slack C1: You said: one"]);
        })
        .await;
}
