//! What an operator does with agents and sessions from the command line.

use std::time::Duration;

use host::error::ErrorKind;
use schemas::policy::Role;

use crate::world::World;

#[tokio::test(start_paused = true)]
async fn an_agent_is_made_shown_changed_and_deleted_with_its_folders_kept_aside() {
    World::new()
        .run(async |world| {
            world.cli("agents create andy --memory 512M").await;
            world.cli("agents set andy --prompt 'Be brief.' --model small --cli-scope own").await;
            let said = world.cli("agents set andy --cpus 0.5").await;
            insta::assert_snapshot!(said, @"changed andy; containers that run keep theirs: lazaret agents restart andy");
            let shown = world.cli("agents show andy").await;
            let shown: Vec<&str> = shown.lines().filter(|line| !line.starts_with("folder")).collect();
            insta::assert_snapshot!(shown.join("\n"), @r"
            id        agent-…
            name      andy
            provider  echo
            model     small
            image     built-in
            memory    512 MiB
            cpus      0.5
            pids      512
            kept      forever
            disk      10 GiB a session
            commands  own
            prompt    Be brief.
            made      <time>
            ");
            world.cli("agents set andy --fallback echo:large --fallback echo").await;
            world.cli("agents set andy --after-side-effects fail").await;
            let shown = world.cli("agents show andy").await;
            assert!(shown.contains("echo:large, echo, not once tools have acted"), "{shown}");
            let refused = world.cli("agents set andy --fallback ecko:large").await;
            assert!(refused.starts_with("error: no provider \"ecko\""), "{refused}");
            world.cli("agents set andy --fallback none").await;
            assert!(!world.cli("agents show andy").await.contains("echo:large"));
            let sent = world.says("andy", "hello").await;
            world.next_reply("andy").await;
            insta::assert_snapshot!(world.cli("agents delete andy").await, @r"
            error: andy is in use: 1 session (sess-…)
            hint: delete or archive those first
            ");
            world.cli(&format!("sessions archive {}", sent.session_id)).await;
            world.until_no_container().await;
            insta::assert_snapshot!(world.cli("agents delete andy --dry-run").await, @r"
            nothing is deleted yet; this would go:
              the agent andy with its room at the terminal
              1 × archived session
              1 × destination
              its folders are not deleted: they are moved to removed/ in the home
            ");
            let gone = world.command("agents delete andy").await.unwrap().text;
            let aside = gone.rsplit_once(' ').unwrap().1;
            assert!(std::path::Path::new(aside).join("sessions").is_dir(), "{gone}");
            let audit = world.cli("audit").await;
            assert_eq!(audit.matches("agents create andy").count(), 1, "{audit}");
            insta::assert_snapshot!(world.cli("agents list").await, @"NAME  PROVIDER  IMAGE  MEMORY  CPUS  PIDS");
            insta::assert_snapshot!(world.cli("rooms list").await, @"ROOM  NAME  GROUP  STRANGERS  DENIED  ID");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_others_write_to_or_that_listens_elsewhere_is_in_use() {
    World::new()
        .agent("andy")
        .agent("bea")
        .run(async |world| {
            world.cli("rooms create slack C1").await;
            world.cli("wirings create slack:C1 andy").await;
            world.cli("destinations create bea helper --agent andy").await;
            insta::assert_snapshot!(world.cli("agents delete andy").await, @r"
            error: andy is in use: 1 room (slack:C1), 1 destination (bea/helper)
            hint: delete or archive those first
            ");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn after_archiving_a_session_the_next_message_begins_a_fresh_one() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let first = world.says("andy", "one").await;
            world.next_reply("andy").await;
            world.cli(&format!("sessions archive {}", first.session_id)).await;
            let second = world.says("andy", "two").await;
            assert!(world.next_reply("andy").await.contains("two"));
            assert_ne!(first.session_id, second.session_id);
            let again = world.command(&format!("sessions archive {}", first.session_id)).await;
            assert_eq!(again.unwrap_err().kind, ErrorKind::Conflict);
            let archived = world.cli("sessions list andy --archived").await;
            assert_eq!(archived.lines().count(), 2, "{archived}");
            assert!(archived.contains("archived"), "{archived}");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_an_archived_session_did_not_answer_is_given_up_even_when_the_host_dies_first() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let sent = world.says("andy", "!slow 30000").await;
            world.until_state("andy", "awake").await;
            world.cli(&format!("sessions archive {}", sent.session_id)).await;
            world.crash_host().await;
            world.start_host().await;
            world.until_no_container().await;
            let runs = world.cli(&format!("runs {}", sent.session_id)).await;
            assert!(runs.contains("the conversation was archived"), "{runs}");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_waits_for_the_run_unless_it_is_to_be_now() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let sent = world.says("andy", "!slow 30000").await;
            world.until_state("andy", "awake").await;
            world.passes(Duration::from_secs(2)).await;
            let said = world.cli("agents restart andy").await;
            insta::assert_snapshot!(said, @"sess-… restarts after its run");
            world.next_reply("andy").await;
            world.until_state("andy", "asleep").await;
            let said = world.cli(&format!("sessions restart {} --now", sent.session_id)).await;
            insta::assert_snapshot!(said, @"sess-… has no container; its next one is a fresh one");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_said_is_listed_with_what_became_of_it() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let sent = world.says("andy", "hello").await;
            world.next_reply("andy").await;
            world.until_state("andy", "asleep").await;
            let session = &sent.session_id;
            insta::assert_snapshot!(world.cli(&format!("messages list {session}")).await, @r"
            NO  AT                    BY              STATUS     KIND  TEXT
            2   <time>  terminal:owner  completed  chat  hello
            3   <time>  agent           delivered  chat  You said: hello
            ");
            let shown = world.cli(&format!("messages show {session} 2")).await;
            assert!(shown.contains("status   completed"), "{shown}");
            let failed = world.cli(&format!("messages list {session} --failed")).await;
            assert_eq!(failed.lines().count(), 1, "{failed}");
            insta::assert_snapshot!(world.cli(&format!("sessions export {session}")).await, @r"
            terminal:owner at <time> (completed):
            hello

            agent at <time> (delivered):
            You said: hello
            ");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_the_model_is_told_can_be_read() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let sent = world.says("andy", "hello").await;
            world.next_reply("andy").await;
            world.cli("wirings set terminal:andy/andy --prompt 'Answer in rhymes.'").await;
            let told = world.cli(&format!("sessions show {} --prompt", sent.session_id)).await;
            assert!(told.contains("Answer in rhymes."), "{told}");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn who_would_engage_is_said_with_the_reason_and_nothing_is_sent() {
    World::new()
        .agent("andy")
        .agent("bea")
        .agent("carl")
        .run(async |world| {
            world.cli("rooms create slack C1 --group --unknown-sender public").await;
            world.cli("wirings create slack:C1 andy --pattern ^build --priority 1").await;
            world.cli("wirings create slack:C1 bea --engage mention --ignored accumulate --priority 2")
                .await;
            world.cli("wirings create slack:C1 carl --scope known --priority 5").await;
            let plain = world.cli("wirings test 'build it' --room slack:C1").await;
            insta::assert_snapshot!(plain, @r"
            said by stranger slack:somebody
            AGENT  DOES                WHY
            carl   does not get it     it hears members, admins and owners only
            bea    keeps it for later  its wiring does not engage over this
            andy   wakes               the text matches /^build/; session per-thread
            in the list of drops: sender_scope
            ");
            let mention = world.cli("wirings test hello --room slack:C1 --mention").await;
            insta::assert_snapshot!(mention, @r"
            said by stranger slack:somebody
            AGENT  DOES             WHY
            carl   does not get it  it hears members, admins and owners only
            bea    wakes            is mentioned; session per-thread
            andy   ignores it       its wiring does not engage over this
            in the list of drops: sender_scope
            ");
            world.cli("rooms set slack:C1 --unknown-sender request_approval").await;
            let stranger = world.cli("wirings test 'build it' --room slack:C1 --sender slack:U7");
            insta::assert_snapshot!(stranger.await, @r"
            said by stranger slack:U7
            AGENT  DOES                 WHY
            carl   does not get it yet  the sender is unknown here
            bea    ignores it           its wiring does not engage over this
            andy   does not get it yet  the sender is unknown here
            in the list of drops: awaits_approval
            an owner or admin is asked about the sender
            ");
            let own = world.cli("wirings test /clear --room terminal:andy").await;
            insta::assert_snapshot!(own, @r"
            said by operator
            AGENT  DOES              WHY
            andy   does the command  Clear
            ");
            assert_eq!(world.sessions().await.len(), 0);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_every_noun_answers_machines_is_what_it_answers_people() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let sent = world.says("andy", "hello").await;
            world.next_reply("andy").await;
            let session = sent.session_id.to_string();
            for noun in [
                "agents list".to_owned(),
                "rooms list".to_owned(),
                "wirings list".to_owned(),
                "destinations list".to_owned(),
                "sessions list".to_owned(),
                format!("runs {session}"),
                "audit".to_owned(),
                "drops".to_owned(),
            ] {
                let answer = world.command(&noun).await.unwrap();
                let rows = answer.data.as_array().unwrap_or_else(|| panic!("{noun}"));
                assert_eq!(rows.len() + 1, answer.text.lines().count(), "{noun}: {}", answer.text);
            }
        })
        .await;
}

/// Each line of the README's tour, as it stands there.
#[tokio::test(start_paused = true)]
async fn the_tour_of_the_readme_runs() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let readme = include_str!("../../../README.md");
            let (_, tour) = readme.split_once("## A short tour of the commands").unwrap();
            let (tour, _) = tour.split_once("\n## ").unwrap();
            let lines = tour.lines().filter_map(|line| line.strip_prefix("$ lazaret "));
            let lines: Vec<&str> = lines.map(|line| line.split("  #").next().unwrap()).collect();
            assert!(lines.len() > 10, "{lines:?}");
            for line in lines {
                // These are the client's own.
                let own = ["status", "config", "doctor"];
                if !own.iter().any(|own| line.starts_with(own)) {
                    let said = world.cli(line.split(" #").next().unwrap()).await;
                    let refused = said.starts_with("error");
                    // The one that shows what a refusal says.
                    assert_eq!(refused, line.starts_with("agents delete"), "{line}: {said}");
                }
            }
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn members_and_wirings_are_listed_of_all_agents_and_of_one() {
    World::new()
        .agent("andy")
        .agent("bea")
        .run(async |world| {
            world.person("alice", Some(Role::Member), Some("andy")).await;
            world.person("bob", Some(Role::Member), Some("bea")).await;
            let lists = async |words: &str| {
                let said = world.cli(words).await;
                (said.contains("andy"), said.contains("bea"))
            };
            for noun in ["members", "wirings"] {
                assert_eq!(lists(&format!("{noun} list")).await, (true, true));
                assert_eq!(lists(&format!("{noun} list andy")).await, (true, false));
            }
            let admin = world.person("carol", Some(Role::Admin), Some("bea")).await;
            assert!(world.command_of(&admin, "members list bea").await.is_ok());
            for words in ["members list", "wirings list", "wirings list andy"] {
                assert!(world.refused(&admin, words).await.starts_with("you may not look"));
            }
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_approval_shows_what_was_said_and_nothing_of_what_was_not() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.cli("agents set andy --cli-scope own").await;
            let ask = r#"{"requestId":"w","action":"admin","args":["agents","set","andy","--model","large"]}"#;
            world.says("andy", &format!("!action {ask}\n!silent")).await;
            world.next_reply("andy").await;
            let id = world.the_approval().await.id;
            let shown = world.cli(&format!("approvals show {id}")).await;
            assert!(shown.contains("large") && !shown.contains("null"), "{shown}");
            world.approve("").await;
            assert!(world.cli("agents show andy").await.contains("large"));
            world.next_reply("andy").await;
        })
        .await;
}
