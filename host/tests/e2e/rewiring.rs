//! The operator's rules: rooms, wirings and destinations, and how live sessions see them change.

use schemas::{
    guest_side::InboundReader,
    message::{Destination, DestinationTarget},
};

use crate::world::World;

#[tokio::test(start_paused = true)]
async fn a_room_is_made_wired_changed_and_deleted() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.cli("rooms create slack C1 --name #Ops --group").await;
            world.cli("wirings create slack:C1 andy --mode per-thread --engage mention").await;
            insta::assert_snapshot!(world.cli("rooms list").await, @"");
            insta::assert_snapshot!(world.cli("wirings list").await, @"");
            insta::assert_snapshot!(world.cli("destinations list andy").await, @"");
            insta::assert_snapshot!(world.cli("rooms show #Ops").await, @"");
            insta::assert_snapshot!(world.cli("rooms delete slack:C1").await, @"");
            insta::assert_snapshot!(world.cli("wirings delete slack:C1/andy --dry-run").await, @"");
            insta::assert_snapshot!(world.cli("wirings delete slack:C1/andy").await, @"");
            insta::assert_snapshot!(world.cli("rooms delete #Ops").await, @"");
            insta::assert_snapshot!(world.cli("destinations list").await, @"");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_destination_made_by_hand_outlives_the_wiring() {
    World::new()
        .agent("andy")
        .agent("bea")
        .run(async |world| {
            world.cli("rooms create slack C1").await;
            world.cli("destinations create andy ops --room slack:C1 --thread t1").await;
            world.cli("destinations create andy bea --agent bea").await;
            world.cli("wirings create slack:C1 andy").await;
            world.cli("destinations set andy c1 --display-name 'The room'").await;
            world.cli("wirings delete slack:C1/andy").await;
            insta::assert_snapshot!(world.cli("destinations list andy").await, @"");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_is_refused_when_it_is_saved() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.cli("rooms create slack C1").await;
            let mut said = Vec::new();
            for words in [
                "rooms create slack C1",
                "rooms create sl:ack C1",
                "rooms show slack:C2",
                "wirings create slack:C1 andi",
                "wirings create slack:C1 andy --pattern (",
                "wirings create slack:C1 andy --pattern x --engage mention",
                "wirings create slack:C1 andy --work-dir ../etc",
                "wirings create terminal:andy andy",
                "wirings show slack:C1/andy",
                "destinations create andy Ops --room slack:C1",
                "destinations create andy ops",
                "destinations create andy me --agent andy",
                "destinations create andy terminal --room slack:C1",
                "destinations show andy termina",
            ] {
                said.push(format!("> {words}\n{}", world.cli(words).await));
            }
            insta::assert_snapshot!(said.join("\n"), @"");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_lives_sees_a_change_before_its_operator_is_answered() {
    World::new()
        .agent("andy")
        .agent("bea")
        .run(async |world| {
            let sent = world.says("andy", "hello").await;
            world.next_reply("andy").await;
            world.until_state("andy", "awake").await;
            let book = InboundReader::new(world.dir_of(&sent));
            let names = || -> Vec<String> {
                book.destinations().unwrap().into_iter().map(|entry| entry.name).collect()
            };
            assert_eq!(names(), ["terminal"]);
            world.cli("rooms create slack C1").await;
            world.cli("destinations create andy ops --room slack:C1").await;
            assert_eq!(names(), ["ops", "terminal"]);
            world.cli("destinations create andy bea --agent bea").await;
            assert_eq!(names(), ["bea", "ops", "terminal"]);
            for name in ["ops", "bea", "terminal"] {
                world.cli(&format!("destinations delete andy {name}")).await;
            }
            assert_eq!(book.destinations().unwrap(), Vec::<Destination>::new());
            let _target = |entry: Destination| matches!(entry.target, DestinationTarget::Agent(_));
        })
        .await;
}
