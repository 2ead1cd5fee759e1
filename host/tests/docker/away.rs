//! What a start needs and does not find: the engine is away, the image is missing.

use schemas::admin::NewAgent;

use crate::{
    ferry::Ferry,
    host_process::{HostProcess, Tag, name_of_our_own, new_agent},
    images::{BASE, have_base},
    room::{Room, each_has_one_settled_run, history, say},
    waiting::eventually,
};

#[tokio::test]
async fn messages_are_kept_while_the_engine_is_away_and_answered_when_it_is_back() {
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    let ferry = Ferry::new(folder.path().join("engine.sock"));
    let sailing = ferry.sail();
    let mut host = HostProcess::on(Some(ferry.address()));
    host.start().await;
    host.agent("warm").await;
    host.agent("cold").await;
    let mut warm = Room::enter(&host, "warm").await;
    let mut cold = Room::enter(&host, "cold").await;
    assert_eq!(warm.ask(&host, "before").await, "You said: before");
    let container = host.container(&host.session("warm").await.id);

    drop(sailing);
    let status = eventually("the host knows that the engine is away", async || {
        Some(host.status().await).filter(|status| !status.engine_ok)
    })
    .await;
    assert!(status.engine.contains("no container engine answers"), "{}", status.engine);
    let told = host.lazaret(&["status"]).await;
    let told = String::from_utf8([told.stdout, told.stderr].concat()).unwrap();
    assert!(told.contains("NOT REACHABLE") && told.contains("hint: "), "{told}");
    // A container that runs goes on; one that must be started waits.
    assert_eq!(warm.ask(&host, "meanwhile").await, "You said: meanwhile");
    let kept = [say(&host, "cold", "one").await, say(&host, "cold", "two").await];
    let waiting = host.until_state("cold", "waiting for the engine").await;

    let _sailing = ferry.sail();
    for accepted in &kept {
        assert_eq!(cold.answer().await.in_reply_to.as_ref(), Some(&accepted.message_id));
    }
    let ids = kept.map(|accepted| accepted.message_id);
    each_has_one_settled_run(&host, &waiting.id, &ids).await;
    assert!(host.log_text().contains("to=Waiting(Engine)"), "the word is as the log writes it");
    assert!(!host.log_text().contains("to=Backoff"), "no try is burnt");
    assert_eq!(host.container(&host.session("warm").await.id), container);
    eventually("the host knows that the engine is back", async || {
        Some(host.status().await).filter(|status| status.engine_ok)
    })
    .await;
}

#[tokio::test]
async fn a_host_that_starts_before_its_engine_adopts_what_runs_once_it_is_there() {
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    let ferry = Ferry::new(folder.path().join("engine.sock"));
    let sailing = ferry.sail();
    let mut host = HostProcess::on(Some(ferry.address()));
    host.start().await;
    host.agent("andy").await;
    let mut room = Room::enter(&host, "andy").await;
    assert_eq!(room.ask(&host, "before").await, "You said: before");
    host.crash();
    drop(sailing);
    host.start().await;
    let kept = say(&host, "andy", "meanwhile").await;
    let _sailing = ferry.sail();
    room.come_back(&host).await;
    assert_eq!(room.answer().await.in_reply_to, Some(kept.message_id));
    assert_eq!(history(&host, "andy").await.len(), 2);
    eventually("one container is left", async || (host.containers().len() == 1).then_some(()))
        .await;
}

#[tokio::test]
async fn a_missing_image_is_told_in_the_room_and_its_message_answered_once_there_is_one() {
    have_base();
    let image = name_of_our_own("missing");
    let host = HostProcess::up().await;
    let agent = NewAgent { image: Some(image.clone()), ..new_agent("andy") };
    host.agent_like(agent).await;
    let mut room = Room::enter(&host, "andy").await;
    let first = say(&host, "andy", "one").await;
    let notice = room.notice().await;
    assert!(notice.contains(&image) && notice.contains("kept"), "{notice}");

    let _tag = Tag::of(BASE, &image);
    let second = say(&host, "andy", "two").await;
    let sent = [first.message_id, second.message_id];
    for id in &sent {
        assert_eq!(room.answer().await.in_reply_to.as_ref(), Some(id));
    }
    each_has_one_settled_run(&host, &first.session_id, &sent).await;
}
