//! Who people are, how a host gets its owner, and the questions that agents ask them.

use std::time::Duration;

use host::channels::{Inbound, Sender};
use schemas::policy::Role;

use crate::world::{World, outcome};

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test(start_paused = true)]
async fn whoever_says_the_one_time_code_owns_the_host_and_nobody_after_them() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let code = world.command("people claim-code").await.unwrap().data["code"].clone();
            let code = code.as_str().unwrap().to_owned();
            world.says_at("slack D1 eve: /claim abcd-efgh").await;
            assert_eq!(world.next_word_of_host().await, "slack D1: That code is not valid.");
            world.says_at(&format!("slack C5 alice: @bot /claim {code}")).await;
            assert_eq!(world.next_word_of_host().await, "slack C5: This host is yours now.");
            world.says_at(&format!("slack D1 eve: /claim {code}")).await;
            assert_eq!(world.next_word_of_host().await, "slack D1: That code is not valid.");
            insta::assert_snapshot!(world.cli("people list").await, @r"
            NAME   ROLES  KNOWN AS     ID
            alice  owner  slack:alice  pers-…
            ");
            insta::assert_snapshot!(world.cli("people claim-code").await, @r"
            error: this host has an owner already
            hint: owners make others: lazaret roles grant <person> owner
            ");
            // The code is nowhere: no approval holds the message, no audit and no drop names it.
            assert!(world.approvals().await.is_empty());
            let papers = format!("{:?} {}", world.audit(), world.cli("drops").await);
            assert!(!papers.contains(&code) && !papers.contains("abcd"), "{papers}");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_code_is_worth_nothing_after_too_many_guesses_and_after_its_time() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let code = async || {
                let made = world.command("people claim-code").await.unwrap().data;
                made["code"].as_str().unwrap().to_owned()
            };
            let guessed = code().await;
            for _ in 0..10 {
                world.says_at("slack D1 eve: /claim wrong").await;
                world.next_word_of_host().await;
            }
            world.says_at(&format!("slack D1 alice: /claim {guessed}")).await;
            assert_eq!(world.next_word_of_host().await, "slack D1: That code is not valid.");
            let late = code().await;
            world.passes(HOUR).await;
            world.says_at(&format!("slack D1 alice: /claim {late}")).await;
            assert_eq!(world.next_word_of_host().await, "slack D1: That code is not valid.");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_person_with_two_names_is_one_person() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.cli("rooms create github R1").await;
            world.cli("wirings create github:R1 andy --mode shared").await;
            world.person("alice", Some(Role::Member), Some("andy")).await;
            let unheard = world.says_at("github R1 al-ice: @andy hi").await;
            assert_eq!(outcome(&unheard), "unknown_sender");
            world.cli("people link alice github:al-ice").await;
            world.says_at("github R1 al-ice: @andy hi").await;
            assert_eq!(world.next_post().await, "github R1: You said: @andy hi");
            insta::assert_snapshot!(world.cli("people show github:al-ice").await, @r"
            id        pers-…
            name      alice
            known as  github:al-ice, slack:alice
            roles     member of andy
            since     <time>
            ");
            world.person("bob", None, None).await;
            insta::assert_snapshot!(world.cli("people link bob github:al-ice").await, @r"
            error: github:al-ice is linked to another person already
            hint: unlink it there first: lazaret people unlink <sender>
            ");
            world.cli("people unlink github:al-ice").await;
            let unheard = world.says_at("github R1 al-ice: @andy still there?").await;
            assert_eq!(outcome(&unheard), "unknown_sender");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn the_only_owner_stays_and_admins_make_no_admins() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.person("olga", Some(Role::Owner), None).await;
            let admin = world.person("ada", Some(Role::Admin), None).await;
            insta::assert_snapshot!(world.cli("roles revoke olga owner").await, @r"
            error: this is the only owner
            hint: make another one first: lazaret roles grant <person> owner
            ");
            insta::assert_snapshot!(world.cli("people delete olga").await, @r"
            error: this is the only owner
            hint: make another one first: lazaret roles grant <person> owner
            ");
            let refusal = world.refused(&admin, "roles grant ada owner").await;
            assert_eq!(refusal, "you may not change roles");
            let refusal = world.refused(&admin, "people create mallory").await;
            assert_eq!(refusal, "you may not change people");
            insta::assert_snapshot!(world.cli("roles list").await, @r"
            NAME  ROLE   AGENT  BY        SINCE
            ada   admin  all    operator  <time>
            olga  owner  all    operator  <time>
            ");
            insta::assert_snapshot!(world.cli("people delete ada --dry-run").await, @r"
            nothing is deleted yet; this would go:
              the person ada
              the name slack:ada
              the role admin
            ");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_question_is_answered_in_its_chat_by_number_and_only_once() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "!silent\n!ask Which?|blue|red").await;
            let asked = world.next_reply("andy").await;
            assert!(asked.starts_with("Which?\n1. blue\n2. red\nAnswer here"), "{asked}");
            let id = world.the_question().await.id;
            world.says("andy", "I think about it").await;
            assert_eq!(world.next_reply("andy").await, "You said: I think about it");
            world.says("andy", "2").await;
            let told = world.next_reply("andy").await;
            assert_eq!(told, "You said: operator answered your question q2: red");
            // What was an answer a moment ago is text now.
            world.says("andy", "2").await;
            assert_eq!(world.next_reply("andy").await, "You said: 2");
            let twice = world.cli(&format!("questions answer {id} blue")).await;
            assert!(twice.contains("was answered before"), "{twice}");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_wakes_a_session_that_sleeps() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "!silent\n!ask When?").await;
            world.next_reply("andy").await;
            // The container does not wait for it.
            world.passes(48 * HOUR).await;
            assert_eq!(world.yard.running(), 0);
            world.stop_host().await;
            world.start_host().await;
            let id = world.the_question().await.id;
            world.cli(&format!("questions answer {id} 'by noon'")).await;
            let told = world.next_reply("andy").await;
            assert_eq!(told, "You said: operator answered your question q2: by noon");
            let session = id.split(':').next().unwrap();
            let row = &world.books(session)[1];
            assert_eq!(row["type"], "question_response");
            assert_eq!((&row["questionId"], &row["status"]), (&"q2".into(), &"answered".into()));
            world.says("andy", "/answer never").await;
            assert_eq!(world.next_reply("andy").await, "You said: /answer never");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_the_host_did_not_live_to_tell_is_told_once_by_the_next() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.says("andy", "!silent\n!ask Which?|blue|red").await;
            world.next_reply("andy").await;
            let id = world.the_question().await.id;
            world.crash_host().await;
            let row = schemas::ids::MessageId::parse(&format!("question:{id}")).unwrap();
            let (store, now) = (world.store(), world.now());
            let said = ("blue".to_owned(), "operator".to_owned());
            assert!(store.answer_question(id, said, row, now).await.unwrap());
            drop(store);
            world.start_host().await;
            let told = world.next_reply("andy").await;
            assert_eq!(told, "You said: operator answered your question q2: blue");
            world.crash_host().await;
            world.start_host().await;
            world.expect_silence("andy", HOUR).await;
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_question_is_answered_by_people_of_the_agent_and_is_text_from_others() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.cli("rooms create slack C1 --group --unknown-sender public").await;
            world.cli("wirings create slack:C1 andy --mode shared").await;
            let member = world.person("mia", Some(Role::Member), Some("andy")).await;
            let other = world.person("bob", None, None).await;
            world.says_at("slack C1 eve: !silent\n!ask Which?|blue|red").await;
            assert_eq!(world.next_post().await, "slack C1: [ask] Which? blue/red");
            let id = world.the_question().await.id;
            world.says_at("slack C1 eve: red").await;
            assert_eq!(world.next_post().await, "slack C1: You said: red");
            let refusal = world.refused(&other, &format!("questions answer {id} red")).await;
            let unknown = world.refused(&other, "questions answer sess-x:q9 red").await;
            assert_eq!(refusal, unknown);
            // A repeat of the message that answered is no second message.
            let message = world.heard("slack C1 mia: BLUE");
            world.brings(message.clone()).await.unwrap();
            world.brings(message).await.unwrap();
            let told = world.next_post().await;
            assert_eq!(told, "slack C1: You said: mia answered your question q2: blue");
            world.no_post_for(HOUR).await;
            drop(member);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_its_channel_cannot_vouch_for_is_refused() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            world.cli("rooms create slack C1 --unknown-sender public").await;
            world.cli("wirings create slack:C1 andy").await;
            let message = world.heard("slack C1 eve: hello");
            let named = |id: &str| Sender::Platform { id: id.to_owned(), name: "eve".to_owned() };
            for sender in
                [Sender::Operator, named("github:eve"), named("terminal:owner"), named("slack:")]
            {
                let forged = Inbound { sender, ..message.clone() };
                let refusal = world.brings(forged).await.unwrap_err();
                assert!(refusal.chain().contains("cannot vouch for"), "{refusal:?}");
            }
            world.no_post_for(HOUR).await;
        })
        .await;
}
