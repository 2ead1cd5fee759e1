//! What a reader of a room sees.

use std::sync::atomic::Ordering;

use host::{
    channels::{Channel, Remark},
    client::{EventStream, Since},
    limits,
};
use schemas::{admin::RoomEvent, message::Address};

use crate::{
    fake_daemon::{World, address},
    waiting::PATIENCE,
};

#[tokio::test]
async fn a_reader_sees_what_happens_after_it_came() {
    World::run(async |world| {
        world.says(1, "before").await;
        let mut stream = world.client().await.stream("andy", &Since::default()).await.unwrap();
        world.says(3, "after").await;
        assert_eq!(texts(&mut stream, 1).await, ["3 after"]);
    })
    .await;
}

#[tokio::test]
async fn a_reader_that_comes_back_gets_what_it_missed_then_what_is_new_and_nothing_twice() {
    World::run(async |world| {
        for seq in [1, 3, 5] {
            world.said_unheard(seq, "missed");
        }
        let from = Since { after: Some(1), ..Since::default() };
        let mut stream = world.client().await.stream("andy", &from).await.unwrap();
        // The host posts again what it was about to post when it died.
        world.posts(5, "missed").await;
        world.says(7, "new").await;
        assert_eq!(texts(&mut stream, 4).await, ["3 missed", "5 missed", "caught up", "7 new"]);
    })
    .await;
}

#[tokio::test]
async fn what_could_not_be_read_when_a_reader_came_is_sent_before_what_is_new() {
    World::run(async |world| {
        for seq in [1, 3, 5] {
            world.said_unheard(seq, "missed");
        }
        world.half_written.store(true, Ordering::Relaxed);
        let from = Since { after: Some(0), ..Since::default() };
        let mut stream = world.client().await.stream("andy", &from).await.unwrap();
        assert_eq!(texts(&mut stream, 1).await, ["caught up"]);
        world.half_written.store(false, Ordering::Relaxed);
        world.says(7, "new").await;
        assert_eq!(texts(&mut stream, 4).await, ["1 missed", "3 missed", "5 missed", "7 new"]);
    })
    .await;
}

#[tokio::test]
async fn a_reader_may_ask_for_the_newest_only() {
    World::run(async |world| {
        for seq in [1, 3, 5, 7] {
            world.said_unheard(seq, "old");
        }
        let from = Since { after: Some(0), last: Some(2), ..Since::default() };
        let mut stream = world.client().await.stream("andy", &from).await.unwrap();
        world.says(9, "new").await;
        assert_eq!(texts(&mut stream, 4).await, ["5 old", "7 old", "caught up", "9 new"]);
    })
    .await;
}

#[tokio::test]
async fn a_reader_that_falls_behind_still_gets_everything_once_and_in_order() {
    World::run(async |world| {
        let mut stream = world.client().await.stream("andy", &Since::default()).await.unwrap();
        let count = i64::try_from(limits::ROOM_STREAM).unwrap() * 4;
        // Long enough that the socket's buffer is full long before the last one.
        let text = "x".repeat(8_192);
        for n in 0..count {
            world.says(2 * n + 1, &text).await;
        }
        for n in 0..count {
            let RoomEvent::Message(message) = next(&mut stream).await else { panic!("no message") };
            assert_eq!(message.seq, 2 * n + 1);
        }
    })
    .await;
}

#[tokio::test]
async fn another_thread_is_another_room() {
    World::run(async |world| {
        let from = Since { thread: Some("t 1".to_owned()), ..Since::default() };
        let mut stream = world.client().await.stream("andy", &from).await.unwrap();
        typing(world, &address(None), false).await;
        typing(world, &address(Some("t 1".to_owned())), true).await;
        assert!(matches!(next(&mut stream).await, RoomEvent::Typing { on: true, .. }));
    })
    .await;
}

#[tokio::test]
async fn streams_end_when_the_host_does() {
    World::run(async |world| {
        let mut stream = world.client().await.stream("andy", &Since::default()).await.unwrap();
        world.shutdown.cancel();
        assert_eq!(stream.next().await.unwrap(), None);
    })
    .await;
}

async fn typing(world: &World, address: &Address, on: bool) {
    world.rooms.tell(Remark::Typing { session: &world.session, address, on }).await;
}

async fn next(stream: &mut EventStream) -> RoomEvent {
    let waited = tokio::time::timeout(PATIENCE, stream.next()).await;
    waited.expect("no event in time").unwrap().expect("the stream ended")
}

async fn texts(stream: &mut EventStream, count: usize) -> Vec<String> {
    let mut texts = Vec::new();
    while texts.len() < count {
        let event = next(stream).await;
        match event {
            RoomEvent::Message(message) => texts.push(format!("{} {}", message.seq, message.text)),
            RoomEvent::CaughtUp => texts.push("caught up".to_owned()),
            other @ (RoomEvent::Typing { .. }
            | RoomEvent::RunTakesLong { .. }
            | RoomEvent::RunFinished { .. }
            | RoomEvent::Notice { .. }) => panic!("unexpected {other:?}"),
        }
    }
    texts
}
