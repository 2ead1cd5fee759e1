//! Whoever dies in the middle: nothing is lost, nothing is said twice, and the books are right.

use host::{client::Client, error::ErrorKind};
use schemas::{
    admin::{Accepted, SendMessage},
    ids::{MessageId, SessionId},
    message::Outcome,
};

use crate::{
    host_process::HostProcess,
    room::{Room, each_has_one_settled_run, history, say},
    waiting::{PATIENCE, eventually},
    yard::docker,
};

#[tokio::test]
async fn a_host_killed_in_the_middle_adopts_the_container_and_loses_and_repeats_nothing() {
    let mut host = HostProcess::up().await;
    host.agent("andy").await;
    let mut room = Room::enter(&host, "andy").await;
    assert_eq!(room.ask(&host, "first").await, "You said: first");
    let session = host.session("andy").await.id;
    let container = host.container(&session);

    let mut sent = Vec::new();
    let mut answered = Vec::new();
    for life in 0..3 {
        // The host dies while answers to some of these are on their way.
        for n in 0..12 {
            sent.push(say(&host, "andy", &format!("life {life} message {n}")).await.message_id);
        }
        for _ in 0..=(life * 3) {
            answered.extend(room.answer().await.in_reply_to);
        }
        host.crash();
        host.start().await;
        room.come_back(&host).await;
        assert_eq!(host.container(&session), container);
    }
    while answered.len() < sent.len() {
        answered.extend(room.answer().await.in_reply_to);
    }
    assert_eq!(answered, sent, "heard live, over all lives");
    assert_nothing_twice(&host, &sent).await;
    assert_eq!(host.started_containers(), 1);
}

#[tokio::test]
async fn a_message_repeated_under_its_key_over_a_crash_is_one_message() {
    let mut host = HostProcess::up().await;
    host.agent("andy").await;
    let mut sent: Vec<Accepted> = Vec::new();
    for n in 0..40 {
        let message = SendMessage {
            text: format!("message {n}"),
            client_id: Some(format!("key-{n}")),
            ..SendMessage::default()
        };
        if n % 15 == 7 {
            // Nobody waits for this answer: the host dies with the request in its hands.
            let mut client = host.client().await;
            let (doomed, said) = (message.clone(), "andy".to_owned());
            let mut asked = tokio::task::JoinSet::new();
            asked.spawn(async move { client.send(&said, &doomed).await });
            tokio::task::yield_now().await;
            host.crash();
            if let Some(Err(error)) = asked.join_next().await.map(Result::unwrap) {
                assert_eq!(error.kind, ErrorKind::HostDown, "{}", error.chain());
            }
            host.start().await;
        }
        let mut client: Client = host.client().await;
        sent.push(client.send("andy", &message).await.unwrap());
    }
    let ids: Vec<MessageId> = sent.iter().map(|accepted| accepted.message_id.clone()).collect();
    until_answered(&host, ids.len()).await;
    assert_nothing_twice_in(&host, &sent[0].session_id, &ids).await;
}

#[tokio::test]
async fn a_container_killed_at_work_is_replaced_after_a_pause_and_answers_once() {
    let host = HostProcess::up().await;
    host.agent("andy").await;
    let mut room = Room::enter(&host, "andy").await;
    let slow = say(&host, "andy", "!slow 2000\nslow").await;
    room.until_working().await;
    let next = say(&host, "andy", "next").await;
    let first = host.container(&slow.session_id);
    docker(&["kill", "--signal", "KILL", &first]);
    host.until_state("andy", "backing off").await;

    let answers = [room.answer().await, room.answer().await];
    let of: Vec<_> = answers.iter().filter_map(|answer| answer.in_reply_to.clone()).collect();
    let mut wanted = vec![slow.message_id, next.message_id];
    // The one that waited may be answered first: the other's turn comes after the pause.
    wanted.sort_by_key(|id| of.iter().position(|answered| answered == id));
    assert_eq!(of, wanted);
    assert_ne!(host.container(&slow.session_id), first);
    assert_nothing_twice(&host, &of).await;
}

#[tokio::test]
async fn a_host_that_is_asked_to_end_leaves_its_containers_to_the_next() {
    let mut host = HostProcess::up().await;
    host.agent("andy").await;
    let mut room = Room::enter(&host, "andy").await;
    assert_eq!(room.ask(&host, "one").await, "You said: one");
    let session = host.session("andy").await.id;
    let container = host.container(&session);

    assert_eq!(host.terminate().await.code(), Some(0));
    assert_eq!(host.container(&session), container);
    host.start().await;
    room.come_back(&host).await;
    assert_eq!(room.ask(&host, "two").await, "You said: two");

    let down = host.lazaret(&["down"]).await;
    assert!(down.status.success(), "{down:?}");
    assert_eq!(host.ended().await.code(), Some(0));
    assert_eq!(host.container(&session), container);
    host.start().await;
    room.come_back(&host).await;
    assert_eq!(room.ask(&host, "three").await, "You said: three");
    assert_eq!(host.containers(), [container]);
}

#[tokio::test]
async fn a_container_that_ended_while_no_host_ran_is_replaced_and_the_message_answered() {
    let mut host = HostProcess::up().await;
    host.agent("andy").await;
    let mut room = Room::enter(&host, "andy").await;
    let slow = say(&host, "andy", "!slow 2000\nslow").await;
    room.until_working().await;
    let container = host.container(&slow.session_id);
    host.crash();
    docker(&["kill", "--signal", "KILL", &container]);
    host.start().await;
    room.come_back(&host).await;
    assert_eq!(room.answer().await.in_reply_to, Some(slow.message_id.clone()));
    assert_nothing_twice(&host, &[slow.message_id]).await;
}

#[tokio::test]
async fn a_container_killed_after_its_tool_acted_leaves_one_line_and_the_room_is_asked() {
    let host = HostProcess::up().await;
    let agent = host.agent("andy").await;
    let mut room = Room::enter(&host, "andy").await;
    let sent = say(&host, "andy", "!append notes one line\n!slow 600000").await;
    let notes = host.session_dir(&agent.id, &sent.session_id).work().join("notes");
    let line = || std::fs::read_to_string(&notes).unwrap_or_default();
    eventually("the tool acts", async || (!line().is_empty()).then_some(())).await;
    docker(&["kill", "--signal", "KILL", &host.container(&sent.session_id)]);
    let said = room.notice().await;
    assert!(said.contains("/retry"), "{said}");
    let ended = eventually("its run is over", async || {
        host.runs(&sent.session_id).await.iter().find_map(|run| run.outcome)
    });
    assert_eq!(ended.await, Outcome::Interrupted);
    assert_eq!(room.ask(&host, "next").await, "You said: next");
    assert_eq!(line(), "one line\n");
}

#[tokio::test]
async fn a_container_whose_session_is_unknown_is_removed_at_the_start() {
    let mut host = HostProcess::up().await;
    host.agent("andy").await;
    let mut room = Room::enter(&host, "andy").await;
    assert_eq!(room.ask(&host, "hello").await, "You said: hello");
    let own = host.containers();
    host.crash();
    let image = docker(&["inspect", "--format", "{{.Config.Image}}", &own[0]]);
    let install = format!("lazaret.install={}", host.install());
    let session = format!("lazaret.session={}", SessionId::mint(jiff::Timestamp::now()));
    let orphan = docker(&["create", "--label", &install, "--label", &session, &image, "x"]);
    assert_eq!(host.containers().len(), 2);

    host.start().await;
    eventually("the orphan is removed", async || {
        (!host.containers().contains(&orphan)).then_some(())
    })
    .await;
    assert_eq!(host.containers(), own);
    assert!(host.log_text().contains("orphan removed"));
}

async fn until_answered(host: &HostProcess, count: usize) {
    let enough = async {
        loop {
            let said = history(host, "andy").await.len();
            if said >= count {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, enough).await.expect("not everything was answered");
}

/// Exactly one reply for each message beside the first, and one settled run.
async fn assert_nothing_twice(host: &HostProcess, sent: &[MessageId]) {
    let session = host.session("andy").await.id;
    let said = history(host, "andy").await;
    for id in sent {
        let answers = said.iter().filter(|one| one.in_reply_to.as_ref() == Some(id));
        assert_eq!(answers.count(), 1, "answers to {id}");
    }
    each_has_one_settled_run(host, &session, sent).await;
}

/// The same, and no reply to anything else.
async fn assert_nothing_twice_in(host: &HostProcess, session: &SessionId, sent: &[MessageId]) {
    assert_eq!(history(host, "andy").await.len(), sent.len());
    assert_eq!(host.session("andy").await.id, *session);
    assert_nothing_twice(host, sent).await;
}
