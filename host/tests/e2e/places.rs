//! More sessions than containers: who has to wait, for whom, and who hears of it.

use schemas::{
    admin::{NewAgent, RoomEvent},
    policy::SessionMode,
};

use crate::world::World;

#[tokio::test(start_paused = true)]
async fn at_the_cap_who_was_idle_for_longest_gives_way_at_once() {
    World::new()
        .agent("andy")
        .agent("betty")
        .agent("carla")
        .at_most(2)
        .run(async |world| {
            for agent in ["andy", "betty", "andy"] {
                world.says(agent, "hello").await;
                assert_eq!(world.next_reply(agent).await, "You said: hello");
            }
            world.says("carla", "and me?").await;
            assert_eq!(world.next_reply("carla").await, "You said: and me?");
            world.until_state("betty", "asleep").await;
            world.until_state("andy", "awake").await;
            assert_eq!((world.yard.running(), world.yard.started()), (2, 3));
            // Whoever gave way is answered like anybody else.
            world.says("betty", "again").await;
            assert_eq!(world.next_reply("betty").await, "You said: again");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn while_all_work_a_session_waits_its_turn_is_told_so_and_is_answered() {
    World::new()
        .agent("andy")
        .agent("betty")
        .agent("carla")
        .at_most(1)
        .run(async |world| {
            world.says("andy", "one\n!slow 20000").await;
            until_at_work(world, "andy", None).await;
            for agent in ["betty", "carla"] {
                world.says(agent, "two").await;
                assert!(world.next_notice(agent).await.contains("kept"));
            }
            assert_eq!(world.next_reply("andy").await, "You said: one");
            // In the order in which they came, one after the other.
            assert_eq!(world.next_reply("betty").await, "You said: two");
            assert_eq!(world.next_reply("carla").await, "You said: two");
            assert_eq!(world.yard.running(), 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_agents_own_cap_holds_up_its_own_sessions_and_nobody_elses() {
    let andy = NewAgent {
        max_containers: Some(1),
        session_mode: SessionMode::PerThread,
        ..NewAgent::named("andy")
    };
    World::new()
        .agent_with(andy)
        .agent("betty")
        .run(async |world| {
            world.says_in("andy", "t1", "one\n!slow 20000").await;
            until_at_work(world, "andy", Some("t1")).await;
            world.says_in("andy", "t2", "two").await;
            world.says("betty", "three").await;
            assert_eq!(world.next_reply("betty").await, "You said: three");
            assert_eq!(world.yard.running(), 2);
            let told = world.next_event("andy", Some("t2")).await;
            assert!(matches!(told, RoomEvent::Notice { text, .. } if text.contains("kept")));
            assert_eq!(world.next_message("andy", Some("t1")).await.text, "You said: one");
            assert_eq!(world.next_message("andy", Some("t2")).await.text, "You said: two");
        })
        .await;
}

/// Waits until the room sees that somebody works.
async fn until_at_work(world: &mut World, agent: &str, thread: Option<&str>) {
    while !matches!(world.next_event(agent, thread).await, RoomEvent::Typing { on: true, .. }) {}
}
