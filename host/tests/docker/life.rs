//! A container's life: start, end, what is told of it and what is kept.

use std::{io::Write, os::unix::fs::MetadataExt, time::Duration};

use host::engine::{ContainerId, Engine, EngineErrorKind, EngineEvent, StartRequest};
use schemas::session_dir::SessionDir;

use crate::yard::{Yard, docker, pid, try_docker};

#[tokio::test]
async fn the_engine_tells_its_name_and_the_agreed_version() {
    Yard::run(async |yard| {
        let text = yard.engine.describe().await.unwrap();
        assert!(text.starts_with("docker ") || text.starts_with("podman "), "{text}");
        assert!(text.contains("(api 1."), "{text}");
    })
    .await;
}

#[tokio::test]
async fn a_killed_container_is_told_with_code_137() {
    Yard::run(async |yard| {
        let request = yard.request(1);
        let container = yard.started(&request).await;
        yard.engine.kill(&container).await.unwrap();
        assert_eq!(exit_of(yard, &request, &container).await, (137, false));
        yard.engine.kill(&container).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_stop_lets_the_guest_end_by_itself() {
    Yard::run(async |yard| {
        let request = yard.request(1);
        let container = yard.started(&request).await;
        yard.engine.stop(&container, Duration::from_secs(30)).await.unwrap();
        let (code, _) = exit_of(yard, &request, &container).await;
        assert_ne!(code, 137, "it was killed, not asked");
        yard.engine.stop(&container, Duration::from_secs(30)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_container_that_is_gone_can_be_stopped_killed_and_removed() {
    Yard::run(async |yard| {
        let gone = ContainerId("0".repeat(64));
        yard.engine.stop(&gone, Duration::from_secs(1)).await.unwrap();
        yard.engine.kill(&gone).await.unwrap();
        yard.engine.remove(&gone, &yard.request(1).session_root).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn the_list_has_this_installs_containers_only() {
    Yard::run(async |yard| {
        let request = yard.request(1);
        let container = yard.started(&request).await;
        Yard::run(async |other| assert_eq!(other.engine.list().await.unwrap(), [])).await;

        let listed = yard.engine.list().await.unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!((&listed[0].session, &listed[0].container), (&request.session, &container));
        assert!(listed[0].running && listed[0].current);

        yard.engine.kill(&container).await.unwrap();
        exit_of(yard, &request, &container).await;
        assert!(!yard.engine.list().await.unwrap()[0].running);
    })
    .await;
}

#[tokio::test]
async fn a_second_start_of_a_session_replaces_the_first() {
    Yard::run(async |yard| {
        let request = yard.request(1);
        let first = yard.started(&request).await;
        let second = yard.engine.start(&request).await.unwrap();
        let listed = yard.engine.list().await.unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].container, second);
        assert_ne!(first, second);
    })
    .await;
}

#[tokio::test]
async fn a_start_beside_the_removal_of_the_last_container_waits_for_its_end() {
    Yard::run(async |yard| {
        let request = yard.request(1);
        let mut last = yard.started(&request).await;
        for _ in 0..5 {
            let root = &request.session_root;
            let removal = yard.engine.remove(&last, root);
            let (removed, next) = tokio::join!(removal, yard.engine.start(&request));
            removed.unwrap();
            last = next.unwrap();
        }
        assert_eq!(yard.engine.list().await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_container_of_somebody_else_keeps_our_name() {
    Yard::run(async |yard| {
        let request = yard.request(1);
        let first = yard.started(&request).await;
        let name = docker(&["inspect", "--format", "{{.Name}}", &first.0]);
        let image = docker(&["inspect", "--format", "{{.Config.Image}}", &first.0]);
        yard.engine.remove(&first, &request.session_root).await.unwrap();
        let theirs = docker(&["create", "--name", name.trim_start_matches('/'), &image, "x"]);

        let error = yard.engine.start(&request).await.unwrap_err();
        let (still_there, _) = try_docker(&["inspect", &theirs]);
        docker(&["rm", &theirs]);
        assert_eq!(error.kind, EngineErrorKind::Permanent);
        assert!(still_there && error.hint.is_some(), "{error}");
    })
    .await;
}

#[tokio::test]
async fn what_it_printed_is_kept_when_it_is_removed() {
    Yard::run(async |yard| {
        let request = yard.request(1);
        let container = yard.started(&request).await;
        // Into its standard output from outside, so that it does not matter what the guest says.
        let output = format!("/proc/{}/fd/1", pid(&container));
        let mut output = std::fs::OpenOptions::new().write(true).open(output).unwrap();
        writeln!(output, "a line of the container").unwrap();
        drop(output);
        yard.engine.kill(&container).await.unwrap();
        yard.engine.remove(&container, &request.session_root).await.unwrap();

        let log = SessionDir::at(&request.session_root).container_log();
        let kept = std::fs::read_to_string(&log).unwrap();
        assert!(kept.contains("a line of the container\n"), "{kept}");
        assert_eq!(std::fs::metadata(&log).unwrap().mode() & 0o777, 0o600);
        assert_eq!(yard.engine.list().await.unwrap(), []);
    })
    .await;
}

/// Waits for the end of a container: its code, and whether memory was the reason.
async fn exit_of(yard: &Yard, request: &StartRequest, expected: &ContainerId) -> (i64, bool) {
    match yard.next_event().await {
        EngineEvent::Exited { session, container, code, out_of_memory } => {
            assert_eq!((&session, &container), (&request.session, expected));
            (code, out_of_memory)
        }
        other @ (EngineEvent::Lost { .. } | EngineEvent::Back) => panic!("{other:?}"),
    }
}
