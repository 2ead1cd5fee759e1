//! What agents do in rooms besides saying something new.

use std::time::Duration;

use crate::world::World;

/// One conversation of andy's over a platform that can show everything and one that can not.
async fn both(conversation: impl AsyncFnOnce(&mut World)) {
    World::new()
        .agent("andy")
        .run(async |world| {
            for room in ["slack C1", "github repo"] {
                world.cli(&format!("rooms create {room} --group --unknown-sender public")).await;
                let room = room.replace(' ', ":");
                world.cli(&format!("wirings create {room} andy --mode agent-shared")).await;
            }
            conversation(world).await;
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_is_changed_and_reacted_to_under_the_platforms_own_id() {
    both(async |world| {
        world.says_at("slack C1/t1 alice: hello").await;
        assert_eq!(world.next_post().await, "slack C1/t1: You said: hello");
        world.says_at("slack C1/t1 alice: !react 2 👍\n!silent").await;
        assert_eq!(world.next_post().await, "slack C1/t1: [react slack:C1:1] 👍");
        world.says_at("slack C1/t1 alice: !edit 3 hello, Alice\n!silent").await;
        let changed = world.next_post().await;
        assert!(changed.starts_with("slack C1/t1: [edit slack:msg-"), "{changed}");
        assert!(changed.ends_with("] hello, Alice"), "{changed}");
        // Its own words of the same turn went out just before.
        world.says_at("slack C1/t1 alice: one\n!edit 9 two").await;
        assert_eq!(world.next_post().await, "slack C1/t1: You said: one");
        assert!(world.next_post().await.ends_with("] two"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_card_and_a_question_are_shown_as_what_they_are_where_that_can_be() {
    both(async |world| {
        let does = "!card Release | It is out.\n!ask Deploy? | yes | no\n!silent";
        world.says_at(&format!("slack C1/t1 alice: {does}")).await;
        assert_eq!(world.next_post().await, "slack C1/t1: [card] Release | It is out.");
        assert_eq!(world.next_post().await, "slack C1/t1: [ask] Deploy? yes/no");
        world.says_at(&format!("github repo/7 alice: {does}")).await;
        assert_eq!(world.next_post().await, "github repo/7: Release\nIt is out.");
        let asked = world.next_post().await;
        assert!(asked.starts_with("github repo/7: Deploy?\n1. yes\n2. no\n"), "{asked}");
        world.says_at("github repo/7 alice: !react 4 👍\n!silent").await;
        assert_eq!(world.next_post().await, "github repo/7: (👍 to message 4)");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_of_another_place_of_nobody_or_of_somebody_else_is_not_touched() {
    both(async |world| {
        let taken = world.says_at("slack C1/t1 alice: hello").await;
        world.next_post().await;
        let session = taken.agents[0].1.accepted().session_id.to_string();
        for (n, does) in
            ["!react 2 👍", "!edit 2 mine now", "!edit 77 x", "!react 88 x", "!react slack:C9:1 x"]
                .into_iter()
                .enumerate()
        {
            world.says_at(&format!("github repo/{n} bob: {does}\n!silent")).await;
            world.no_post_for(Duration::from_secs(5)).await;
            let told = world.came_into(&session);
            assert!(told.last().unwrap().contains("delivery_failed"), "{does}: {told:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn words_reach_another_room_by_the_name_that_stands_for_it_at_that_moment() {
    both(async |world| {
        world.cli("rooms create slack C2").await;
        world.cli("destinations create andy ops --room slack:C1 --thread t9").await;
        world.says_at("github repo/7 bob: !slow 20000\n!to ops it broke\n!silent").await;
        world.passes(Duration::from_secs(5)).await;
        // Rewired while the agent is at work.
        world.cli("destinations set andy ops --room slack:C2").await;
        assert_eq!(world.next_post().await, "slack C2: it broke");
        world.says_at("github repo/7 bob: !slow 20000\n!to ops again\n!silent").await;
        world.passes(Duration::from_secs(5)).await;
        world.cli("destinations delete andy ops").await;
        assert_eq!(world.next_post().await, "github repo/7: (I know no destination \"ops\".)");
    })
    .await;
}
