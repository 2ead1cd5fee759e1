//! The socket file itself.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use host::{client::Client, error::ErrorKind, gateway::Socket};

use crate::fake_daemon::World;

#[tokio::test]
async fn the_socket_and_its_folder_are_the_users_alone() {
    World::run(async |world| {
        let mode = |path: &std::path::Path| path.metadata().unwrap().mode() & 0o777;
        assert_eq!(mode(&world.socket), 0o600);
        assert_eq!(mode(world.socket.parent().unwrap()), 0o700);
    })
    .await;
}

#[tokio::test]
async fn a_folder_that_others_may_enter_is_closed_to_them() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let _socket = Socket::bind(&folder.path().join("host.sock")).unwrap();
    assert_eq!(folder.path().metadata().unwrap().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn a_folder_that_others_could_swap_for_theirs_is_refused() {
    let shared = tempfile::tempdir().unwrap();
    std::fs::set_permissions(shared.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let error = Socket::bind(&shared.path().join("run/host.sock")).unwrap_err();
    assert!(error.chain().contains("is not ours alone"), "{error}");
    std::os::unix::fs::symlink("/tmp", shared.path().join("link")).unwrap();
    assert!(Socket::bind(&shared.path().join("link/host.sock")).is_err());
}

#[tokio::test]
async fn a_second_host_at_the_same_socket_is_refused() {
    World::run(async |world| {
        let error = Socket::bind(&world.socket).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict);
        assert!(world.client().await.get::<serde_json::Value>("/v1/status").await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_socket_that_a_dead_host_left_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("host.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    assert!(Socket::bind(&path).is_ok());
}

#[tokio::test]
async fn a_file_that_is_no_socket_is_left_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("host.sock");
    std::fs::write(&path, "precious").unwrap();
    assert_eq!(Socket::bind(&path).unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
}

#[tokio::test]
async fn without_a_host_a_client_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let error = Client::connect(folder.path().join("host.sock")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::HostDown);
}
