//! What waits for a person's yes: rooms, strangers, and everything an answer can be wrong about.

use std::time::Duration;

use host::store::Answered;
use schemas::{
    admin::NewAgent,
    policy::{ApprovalStatus, CliScope, Role},
};

use crate::world::{World, outcome};

const HOUR: Duration = Duration::from_secs(3_600);

/// A room of andy's that asks about strangers.
async fn ops(world: &World) {
    world.cli("rooms create slack C1 --group --unknown-sender request_approval").await;
    world.cli("wirings create slack:C1 andy --mode per-thread --engage mention").await;
}

#[tokio::test(start_paused = true)]
async fn a_room_that_nobody_wired_is_asked_about_and_what_was_said_there_is_answered_then() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says_at("slack C9/t1 alice: @andy hello").await;
            world.says_at("slack C9/t1 alice: @andy are you there?").await;
            let waits = world.the_approval().await;
            assert_eq!(
                waits.title,
                "connect slack:C9 to an agent; \"alice\" (slack:alice) spoke there"
            );
            assert_eq!(waits.held, 2);
            world.no_post_for(HOUR).await;
            world.approve("").await;
            assert_eq!(world.next_post().await, "slack C9/t1: You said: @andy hello");
            assert_eq!(world.next_post().await, "slack C9/t1: You said: @andy are you there?");
            // From now on she is heard, in a thread of its own, when she means the agent.
            let aside = world.says_at("slack C9/t2 alice: hello bob").await;
            assert_eq!(outcome(&aside), "no_agent_engaged");
            world.says_at("slack C9/t2 alice: @andy again").await;
            assert_eq!(world.next_post().await, "slack C9/t2: You said: @andy again");
            assert!(world.approvals().await.is_empty());
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_room_can_get_a_new_agent_and_of_several_one_must_be_named() {
    World::new()
        .agent("andy")
        .agent("betty")
        .run(async |world| {
            world.says_at("slack D7 alice: hello").await;
            let id = world.the_approval().await.id;
            insta::assert_snapshot!(world.cli(&format!("approvals approve {id}")).await, @r"
            error: which agent is the room for?
            hint: name one with --agent NAME, or make one with --new-agent NAME
            ");
            world.approve("--new-agent carl").await;
            assert_eq!(world.next_post().await, "slack D7: You said: hello");
            world.says_at("slack D8 alice: hello").await;
            world.approve("--agent betty").await;
            assert_eq!(world.next_post().await, "slack D8: You said: hello");
            let wirings = world.cli("wirings list").await;
            let carls = wirings.lines().any(|l| l.contains("slack:D7") && l.contains("carl"));
            assert!(carls, "{wirings}");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_rejected_room_is_silent_from_then_on() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says_at("slack C9 alice: @andy hello").await;
            assert_eq!(world.reject().await.status, ApprovalStatus::Rejected);
            assert_eq!(outcome(&world.says_at("slack C9 alice: @andy please").await), "");
            world.no_post_for(HOUR).await;
            assert!(world.approvals().await.is_empty());
            assert!(world.cli("drops").await.contains("rejected"));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_stranger_is_asked_about_once_and_heard_after_the_yes() {
    World::new()
        .agent("andy")
        .run(async |world| {
            ops(world).await;
            world.says_at("slack C1/t1 eve: @andy hello").await;
            world.says_at("slack C1/t1 eve: @andy please").await;
            let waits = world.the_approval().await;
            assert_eq!(waits.title, "let \"eve\" (slack:eve) talk to andy in slack:C1");
            world.no_post_for(HOUR).await;
            world.approve("").await;
            assert_eq!(world.next_post().await, "slack C1/t1: You said: @andy hello");
            assert_eq!(world.next_post().await, "slack C1/t1: You said: @andy please");
            world.says_at("slack C1/t1 eve: @andy thanks").await;
            assert_eq!(world.next_post().await, "slack C1/t1: You said: @andy thanks");
            insta::assert_snapshot!(world.cli("members list andy").await, @r"
            NAME  ROLE    AGENT  BY        SINCE
            eve   member  andy   operator  <time>
            ");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_rejected_stranger_is_not_asked_about_again_until_they_are_forgiven() {
    World::new()
        .agent("andy")
        .run(async |world| {
            ops(world).await;
            world.says_at("slack C1 eve: @andy hello").await;
            world.reject().await;
            let again = world.says_at("slack C1 eve: @andy please").await;
            assert_eq!(outcome(&again), "sender_denied");
            assert!(world.approvals().await.is_empty());
            insta::assert_snapshot!(world.cli("people denials").await, @r"
            SENDER     ROOM      BY        SINCE
            slack:eve  slack:C1  operator  <time>
            ");
            world.cli("people forgive slack:eve").await;
            world.says_at("slack C1 eve: @andy sorry").await;
            assert_eq!(world.the_approval().await.held, 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_nobody_answers_is_reminded_of_expires_and_is_asked_again() {
    World::new()
        .agent("andy")
        .run(async |world| {
            ops(world).await;
            world.says("andy", "hi").await;
            world.next_reply("andy").await;
            world.says_at("slack C1 eve: @andy hello").await;
            let first = world.the_approval().await.id;
            let said = world.next_notice("andy").await;
            assert!(said.starts_with("waiting for your word: let \"eve\""), "{said}");
            // A host that restarts finds the times again.
            world.stop_host().await;
            world.start_host().await;
            world.passes(13 * HOUR).await;
            let said = world.next_notice("andy").await;
            assert!(said.starts_with("still waiting for your word"), "{said}");
            world.passes(12 * HOUR).await;
            assert_eq!(world.approval(&first).await.status, ApprovalStatus::Expired);
            let late = world.cli(&format!("approvals approve {first}")).await;
            assert!(late.contains("is expired already"), "{late}");
            world.says_at("slack C1 eve: @andy still here").await;
            assert_ne!(world.the_approval().await.id, first);
            world.approve("").await;
            assert_eq!(world.next_post().await, "slack C1: You said: @andy still here");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn of_a_flood_that_waits_only_so_much_is_kept_and_the_rest_is_counted() {
    World::new()
        .agent("andy")
        .run(async |world| {
            ops(world).await;
            for n in 0..60 {
                world.says_at(&format!("slack C1 eve: @andy {n}")).await;
            }
            assert_eq!(world.the_approval().await.held, 50);
            assert!(world.cli("drops").await.contains("too_many_wait"));
            world.reject().await;
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_yes_counts_once_in_time_from_who_may_and_for_what_was_shown() {
    World::new()
        .agent("andy")
        .agent("betty")
        .run(async |world| {
            ops(world).await;
            world.says_at("slack C1 eve: @andy hello").await;
            let waits = world.the_approval().await;
            let (id, digest) = (waits.id, waits.digest);
            let approve = format!("approvals approve {id}");
            let nobody = world.person("mia", Some(Role::Member), Some("andy")).await;
            let elsewhere = world.person("bob", Some(Role::Admin), Some("betty")).await;
            let unknown = approve.replace(id.as_str(), "appr-01h455vb4pex5vsknk084sn02q");
            for who in [&nobody, &elsewhere] {
                let refusal = world.refused(who, &approve).await;
                assert_eq!(refusal, format!("no approval {id}"));
                // What there is and what there is not look the same.
                let other = world.refused(who, &unknown).await;
                assert_eq!(other, "no approval appr-01h455vb4pex5vsknk084sn02q");
            }
            let stale =
                world.cli(&format!("{approve} --digest {}", digest.replace('a', "b"))).await;
            assert!(stale.contains("is not what was shown"), "{stale}");
            let admin = world.person("ada", Some(Role::Admin), Some("andy")).await;
            world.command_of(&admin, &format!("{approve} --digest {digest}")).await.unwrap();
            assert_eq!(world.next_post().await, "slack C1: You said: @andy hello");
            let replayed = world.cli(&approve).await;
            assert!(replayed.contains("is approved already"), "{replayed}");
            let denied: Vec<String> =
                world.audit().into_iter().filter(|line| line.starts_with("denied")).collect();
            let about = |why: &str| denied.iter().filter(|line| line.ends_with(why)).count();
            assert_eq!(about(": not theirs to answer"), 2, "{denied:?}");
            assert_eq!(about(": unknown"), 2, "{denied:?}");
            assert_eq!(about(": not what was shown"), 1, "{denied:?}");
            assert_eq!(about(": replayed"), 1, "{denied:?}");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_approval_that_was_changed_after_it_was_shown_is_not_carried_out() {
    World::new()
        .agent("andy")
        .run(async |world| {
            ops(world).await;
            world.says_at("slack C1 eve: @andy hello").await;
            let id = world.the_approval().await.id;
            world.tamper("UPDATE approvals SET action = replace(action, 'slack:eve', 'slack:mal')");
            let said = world.cli(&format!("approvals approve {id}")).await;
            assert!(said.contains("was changed after it was asked for"), "{said}");
            world.no_post_for(HOUR).await;
            assert!(world.audit().iter().any(|line| line.ends_with(": changed")));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_yes_that_the_host_did_not_live_to_carry_out_is_carried_out_by_the_next() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says_at("slack D9 alice: hello").await;
            let waits = world.the_approval().await;
            let agent = world.agent_id("andy").await;
            world.crash_host().await;
            let answered = Answered {
                status: ApprovalStatus::Approved,
                by: "operator".to_owned(),
                reason: None,
                choice: Some(format!(r#"{{"agent":"{agent}"}}"#)),
            };
            let store = world.store();
            let now = world.now();
            assert!(
                store.answer_approval(waits.id.clone(), waits.digest, answered, now).await.unwrap()
            );
            drop(store);
            world.start_host().await;
            assert_eq!(world.next_post().await, "slack D9: You said: hello");
            // And only once, however often a host starts.
            world.crash_host().await;
            world.start_host().await;
            world.no_post_for(HOUR).await;
            assert!(world.approval(&waits.id).await.result.is_some());
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn who_is_no_longer_admin_when_it_is_carried_out_has_approved_nothing() {
    World::new()
        .agent("andy")
        .run(async |world| {
            ops(world).await;
            world.says_at("slack C1 eve: @andy hello").await;
            let waits = world.the_approval().await;
            world.person("bob", None, None).await;
            let bob = world.command("people show bob").await.unwrap().data["id"].clone();
            world.crash_host().await;
            let answered = Answered {
                status: ApprovalStatus::Approved,
                by: bob.as_str().unwrap().to_owned(),
                reason: None,
                choice: None,
            };
            let (store, now) = (world.store(), world.now());
            store.answer_approval(waits.id.clone(), waits.digest, answered, now).await.unwrap();
            drop(store);
            world.start_host().await;
            world.no_post_for(HOUR).await;
            let result = world.approval(&waits.id).await.result.unwrap();
            assert!(result.contains("may no longer do it themselves"), "{result}");
            let members = world.cli("members list andy").await;
            assert!(!members.contains("eve"), "{members}");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_too_much_for_somebody_unknown_is_named_and_not_kept() {
    World::new()
        .agent("andy")
        .run(async |world| {
            ops(world).await;
            let mut message = world.heard("slack C1 eve: @andy look");
            let data = "AAAA".repeat(400_000);
            message.content = format!(
                r#"{{"text":"@andy look","attachments":[{{"name":"a.bin","data":"{data}"}}]}}"#
            );
            world.brings(message).await.unwrap();
            world.approve("").await;
            assert!(world.next_post().await.starts_with("slack C1: You said: @andy look"));
            let session = world.sessions().await.remove(0).id;
            let said = world.books(session.as_str())[0]["attachments"][0]["error"].clone();
            assert_eq!(said, "it was too large to be kept while its sender was not known");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn strangers_cannot_fill_the_list_or_the_disk() {
    World::new()
        .agent("andy")
        .run(async |world| {
            ops(world).await;
            for n in 0..110 {
                world.says_at(&format!("slack C1 eve{n}: @andy hello")).await;
            }
            assert_eq!(world.approvals().await.len(), 100);
            assert!(world.cli("drops").await.contains("too_many_wait"));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_an_agent_may_no_longer_ask_for_is_not_done_although_somebody_said_yes() {
    World::new()
        .agent_with(NewAgent { cli_scope: CliScope::Own, ..NewAgent::named("andy") })
        .run(async |world| {
            world.says("andy", "!silent\n!admin agents set andy --model large").await;
            // The agent hears that it waits, then that it was refused.
            assert!(world.next_reply("andy").await.contains("waits for a person"));
            world.cli("agents set andy --cli-scope disabled").await;
            let done = world.approve("").await;
            let result = done.result.unwrap();
            assert!(result.contains("may no longer ask for it"), "{result}");
            assert!(world.next_reply("andy").await.contains("may no longer ask for it"));
            assert!(!world.cli("agents show andy").await.contains("large"));
        })
        .await;
}
