//! The operator's rules: rooms, wirings and destinations, and how live sessions see them change.

use schemas::{guest_side::InboundReader, message::Destination};

use crate::world::World;

#[tokio::test(start_paused = true)]
async fn a_room_is_made_wired_changed_and_deleted() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.cli("rooms create slack C1 --name #Ops --group").await;
            world.cli("wirings create slack:C1 andy --mode per-thread --engage mention").await;
            insta::assert_snapshot!(world.cli("rooms list").await, @r"
            ROOM           NAME  GROUP  STRANGERS  DENIED  ID
            slack:C1       #Ops  yes    strict             room-…
            terminal:andy  andy  no     strict             room-…
            ");
            insta::assert_snapshot!(world.cli("wirings list").await, @r"
            ROOM           AGENT  MODE        ENGAGES  HEARS  IGNORED  PRIORITY  ID
            slack:C1       andy   per-thread  mention  all    drop     0         wire-…
            terminal:andy  andy   shared      always   all    drop     0         wire-…
            ");
            insta::assert_snapshot!(world.cli("destinations list andy").await, @r"
            AGENT  NAME      LEADS TO       SHOWN AS  MADE BY
            andy   ops       slack:C1                 a wiring
            andy   terminal  terminal:andy            a wiring
            ");
            insta::assert_snapshot!(world.cli("rooms show #Ops").await, @r"
            id         room-…
            place      slack:C1
            name       #Ops
            group      yes
            strangers  strict
            made       <time>
            agents     andy
            ");
            insta::assert_snapshot!(world.cli("rooms delete slack:C1").await, @r"
            error: slack:C1 is in use: 1 wiring (andy)
            hint: delete or archive those first
            ");
            insta::assert_snapshot!(world.cli("wirings delete slack:C1/andy --dry-run").await, @r"
            nothing is deleted yet; this would go:
              the wiring slack:C1/andy
              the destination andy/ops
            ");
            insta::assert_snapshot!(world.cli("wirings delete slack:C1/andy").await, @"deleted slack:C1/andy");
            insta::assert_snapshot!(world.cli("rooms delete #Ops").await, @"deleted slack:C1");
            insta::assert_snapshot!(world.cli("destinations list").await, @r"
            AGENT  NAME      LEADS TO       SHOWN AS  MADE BY
            andy   terminal  terminal:andy            a wiring
            ");
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
            insta::assert_snapshot!(world.cli("destinations list andy").await, @r"
            AGENT  NAME      LEADS TO            SHOWN AS  MADE BY
            andy   bea       agent bea                     hand
            andy   c1        slack:C1            The room  hand
            andy   ops       slack:C1 thread t1            hand
            andy   terminal  terminal:andy                 a wiring
            ");
        })
        .await;
}

const NONSENSE: [&str; 14] = [
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
];

#[tokio::test(start_paused = true)]
async fn what_cannot_be_is_refused_when_it_is_saved() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.cli("rooms create slack C1").await;
            let mut said = Vec::new();
            for words in NONSENSE {
                said.push(format!("> {words}\n{}", world.cli(words).await));
            }
            insta::assert_snapshot!(said.join("\n"), @r#"
            > rooms create slack C1
            error: there is a room slack:C1 already
            hint: change it with: lazaret rooms set
            > rooms create sl:ack C1
            error: "sl:ack" is no channel
            hint: the channel and the platform's id are two words
            > rooms show slack:C2
            error: no room "slack:C2"
            hint: did you mean slack:C1, andy, terminal:andy?
            > wirings create slack:C1 andi
            error: no agent "andi"
            hint: did you mean andy?
            > wirings create slack:C1 andy --pattern (
            error: "(" is no pattern: regex parse error:
                (
                ^
            error: unclosed group
            hint: a regular expression without look-around and back-references, such as (?i)^hey
            > wirings create slack:C1 andy --pattern x --engage mention
            error: --pattern has no meaning with --engage mention
            hint: give one of them
            > wirings create slack:C1 andy --work-dir ../etc
            error: "../etc" is no working folder: it holds . or ..
            hint: a folder of the container: /workspace/work, /workspace/agent, or below them
            > wirings create terminal:andy andy
            error: the agent is wired to this room already
            hint: change it with: lazaret wirings set <room>/<agent>
            > wirings show slack:C1/andy
            error: andy is not wired to slack:C1
            hint: lazaret wirings list
            > destinations create andy Ops --room slack:C1
            error: "Ops" is no name for a destination
            hint: up to 40 of a-z, 0-9 and -, not beginning with -
            > destinations create andy ops
            error: a destination leads somewhere
            hint: give --room <room> or --agent <agent>
            > destinations create andy me --agent andy
            error: an agent does not write to itself
            > destinations create andy terminal --room slack:C1
            error: there is a destination "terminal" in this book already
            hint: change it with: lazaret destinations set
            > destinations show andy termina
            error: no destination "termina"
            hint: did you mean terminal?
            "#);
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
        })
        .await;
}
