//! The socket's life: with its container, over the host's death, and calls that somebody gives up.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use http_body_util::BodyExt;
use schemas::model_call::CallError;
use scripted_model::server::ScriptedModel;

use super::{
    door::{Door, hello, post},
    server::{STREAM, Server, piece},
};

#[tokio::test]
async fn another_host_listens_in_the_same_folder_and_the_next_call_works() {
    let model = ScriptedModel::start(0).await.unwrap();
    let mut door = Door::to(&model.base("say:hi"));
    assert!(door.asks(post("/anthropic/v1/messages", &hello(true))).await.status.is_success());
    let before = door.the_call().await;
    let folder = std::fs::metadata(door.sockets()).unwrap().ino();
    door.host_dies_and_another_begins();
    assert_eq!(std::fs::metadata(door.sockets()).unwrap().ino(), folder);
    assert!(door.asks(post("/anthropic/v1/messages", &hello(true))).await.status.is_success());
    // Whoever asks after the last number that it knew misses nothing.
    let after = door.calls_after(before.n).await;
    assert!(after.len() == 1 && after.iter().all(|call| call.ended), "{after:?}");
}

#[tokio::test]
async fn a_socket_is_for_the_group_of_its_folder_and_gone_with_its_container() {
    let server = Server::start().await;
    let mut door = Door::to(&server.base());
    let (socket, folder) =
        (std::fs::metadata(door.path()).unwrap(), std::fs::metadata(door.sockets()).unwrap());
    assert_eq!((socket.permissions().mode() & 0o777, socket.gid()), (0o660, folder.gid()));
    assert_eq!(std::fs::read_dir(door.sockets()).unwrap().count(), 1);
    door.socket = None;
    assert_eq!(std::fs::read_dir(door.sockets()).unwrap().count(), 0);
    // Nobody is left to wait for.
    door.broker.close().await;
}

#[tokio::test]
async fn a_call_under_way_may_finish_when_its_socket_is_closed() {
    let server = Server::start().await;
    let mut door = Door::to(&server.base());
    let asking = door.begins(post("/anthropic/v1/messages", &hello(true)));
    let answering = async {
        let mut talk = server.accepts().await;
        talk.head().await;
        talk.says(&format!("{STREAM}{}", piece("one"))).await;
        talk
    };
    let ((response, client), mut talk) = tokio::join!(asking, answering);
    door.socket = None;
    let rest = async {
        talk.says(&format!("{}0\r\n\r\n", piece("two"))).await;
        let whole = response.into_body().collect().await.unwrap().to_bytes();
        drop(client);
        whole
    };
    let (whole, ()) = tokio::join!(rest, door.broker.close());
    assert_eq!(whole, "onetwo");
}

#[tokio::test]
async fn a_guest_that_hangs_up_ends_the_call_to_the_model() {
    let server = Server::start().await;
    let door = Door::to(&server.base());
    let asking = door.begins(post("/anthropic/v1/messages", &hello(true)));
    let answering = async {
        let mut talk = server.accepts().await;
        talk.head().await;
        talk.says(&format!("{STREAM}{}", piece("data: one\n\n"))).await;
        talk
    };
    let ((response, client), talk) = tokio::join!(asking, answering);
    drop((response, client));
    talk.ends().await;
    let call = door.the_call().await;
    assert_eq!((call.status, call.error), (Some(200), Some(CallError::HungUp)));
}

#[tokio::test]
async fn a_guest_that_hangs_up_before_there_is_an_answer_ends_the_call_as_well() {
    let server = Server::start().await;
    let door = Door::to(&server.base());
    let mut client = door.client().await;
    let mut asking = Box::pin(client.send_request(post("/anthropic/v1/messages", &hello(true))));
    let mut talk = tokio::select! { biased;
        _ = &mut asking => panic!("nobody has answered"),
        talk = server.accepts() => talk,
    };
    tokio::select! { biased;
        _ = &mut asking => panic!("nobody has answered"),
        _head = talk.head() => {}
    }
    drop(asking);
    drop(client);
    talk.ends().await;
    let call = door.the_call().await;
    assert_eq!((call.status, call.error), (None, Some(CallError::HungUp)));
}
