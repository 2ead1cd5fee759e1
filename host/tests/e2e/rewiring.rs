//! The operator's rules: rooms, wirings and destinations, and how live sessions see them change.

use std::time::Duration;

use host::{admin::Done, error::ErrorKind};
use schemas::{guest_side::InboundReader, message::Destination, policy::CliScope};

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

#[tokio::test(start_paused = true)]
async fn a_running_agents_next_look_up_and_next_reply_see_the_change() {
    World::new()
        .agent("andy")
        .agent("bea")
        .run(async |world| {
            world.says("andy", "hello").await;
            world.next_reply("andy").await;
            world
                .cli("destinations create andy other --agent bea --display-name 'The other'")
                .await;
            world.says("andy", "!destinations").await;
            let book = world.next_reply("andy").await;
            assert!(book.contains("other"), "{book}");
            world.cli("destinations delete andy other").await;
            world.says("andy", "!destinations").await;
            let book = world.next_reply("andy").await;
            assert!(!book.contains("other"), "{book}");
            assert_eq!(world.yard.started(), 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_change_that_a_host_did_not_live_to_show_is_shown_when_its_session_is_adopted() {
    World::new()
        .agent("andy")
        .agent("bea")
        .run(async |world| {
            let sent = world.says("andy", "hello").await;
            world.next_reply("andy").await;
            world.until_state("andy", "awake").await;
            world.crash_host().await;
            world.rewires_behind_the_hosts_back("andy", "bea").await;
            world.start_host().await;
            world.until_state("andy", "awake").await;
            world.passes(Duration::from_secs(1)).await;
            let book = InboundReader::new(world.dir_of(&sent)).destinations().unwrap();
            assert!(book.iter().any(|entry| entry.name == "late"), "{book:?}");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_an_agent_may_not_see_and_what_does_not_exist_look_the_same_to_it() {
    World::new()
        .agent("andy")
        .agent("bea")
        .run(async |world| {
            for scope in [CliScope::Disabled, CliScope::Own] {
                let others = world.agent_asks("andy", scope, "agents show bea").await.unwrap_err();
                let none = world.agent_asks("andy", scope, "agents show zoe").await.unwrap_err();
                assert_eq!(others.kind, ErrorKind::Denied);
                assert_eq!((others.kind, others.chain()), (none.kind, none.chain()));
                assert_eq!(none.hint_text(), None);
            }
            let audit = world.cli("audit").await;
            assert_eq!(audit.matches("  denied  ").count(), 4, "{audit}");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_agent_reads_within_its_scope_and_what_it_would_change_waits_for_a_person() {
    World::new()
        .agent("andy")
        .agent("bea")
        .run(async |world| {
            let own = CliScope::Own;
            let shown = world.agent_asks("andy", own, "agents show andy").await.unwrap();
            assert!(matches!(shown, Done::Answered(_)));
            assert!(world.agent_asks("andy", own, "agents list").await.is_err());
            let all = world.agent_asks("andy", CliScope::All, "agents show bea").await.unwrap();
            assert!(matches!(all, Done::Answered(_)));
            let words = "agents set andy --prompt rhymes";
            let Ok(Done::Held(asks, command)) = world.agent_asks("andy", own, words).await else {
                panic!("it was not held");
            };
            assert_eq!(asks.changes.as_deref(), Some("agents set andy"));
            // What waits names ids: renaming something meanwhile changes nothing about it.
            let held = serde_json::to_string(&command).unwrap();
            assert!(held.contains("agent-01") && !held.contains("andy"), "{held}");
            let shown = world.cli("agents show andy").await;
            assert!(!shown.contains("rhymes"), "{shown}");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_change_reaches_a_session_that_slept_through_it() {
    World::new()
        .agent("andy")
        .agent("bea")
        .run(async |world| {
            let sent = world.says("andy", "hello").await;
            world.next_reply("andy").await;
            world.until_state("andy", "asleep").await;
            world.cli("destinations create andy other --agent bea").await;
            world.says("andy", "!destinations").await;
            assert!(world.next_reply("andy").await.contains("other"));
            let book = InboundReader::new(world.dir_of(&sent)).destinations().unwrap();
            assert_eq!(book.len(), 2);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn without_a_wiring_there_is_no_default_address() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let sent = world.says("andy", "hello").await;
            world.next_reply("andy").await;
            let file = InboundReader::new(world.dir_of(&sent));
            let default = || file.routing().unwrap().map(|at| (at.channel_type, at.platform_id));
            assert_eq!(default(), Some(("terminal".to_owned(), "andy".to_owned())));
            world.cli("wirings delete terminal:andy/andy").await;
            assert_eq!(default(), None);
            world.cli("wirings create terminal:andy andy").await;
            assert!(default().is_some());
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_destination_is_shown_by_its_own_name_or_by_that_of_what_it_leads_to() {
    World::new()
        .agent("andy")
        .agent("bea")
        .run(async |world| {
            let sent = world.says("andy", "hello").await;
            world.next_reply("andy").await;
            world.cli("rooms create slack C1 --name #Ops").await;
            world.cli("destinations create andy a --room slack:C1").await;
            world.cli("destinations create andy b --agent bea").await;
            world.cli("destinations create andy c --agent bea --display-name 'Dr Bea'").await;
            let book = InboundReader::new(world.dir_of(&sent)).destinations().unwrap();
            let shown: Vec<&str> =
                book.iter().filter_map(|entry| entry.display_name.as_deref()).collect();
            assert_eq!(shown, ["#Ops", "bea", "Dr Bea", "andy"]);
        })
        .await;
}
