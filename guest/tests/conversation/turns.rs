//! What happens to messages that go well.

use crate::desk::Desk;

#[tokio::test(start_paused = true)]
async fn a_message_is_answered_and_completed() {
    let mut desk = Desk::open();
    desk.says("m1", "hello");
    desk.acked("m1", "completed").await;
    let answers = desk.answers();
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].text, "You said: hello");
    assert_eq!(answers[0].to.as_deref(), Some("m1"));
    assert_eq!(answers[0].room.as_deref(), Some("desk"));
    assert_eq!(answers[0].seq, 3);
    assert_eq!(desk.runs(), ["ended completed -"]);
    desk.stop_guest().await.unwrap();
}
