//! An engine that is away, goes away, and comes back.

use host::engine::{
    Engine, EngineErrorKind, EngineEvent,
    docker::{DockerEngine, DockerSettings},
};

use crate::{
    ferry::Ferry,
    yard::{Yard, docker, settings},
};

#[tokio::test]
async fn an_engine_that_is_away_is_unreachable_with_a_hint() {
    let home = tempfile::tempdir().unwrap();
    let mut settings = settings(home.path());
    settings.places.docker_host = Some("unix:///nonexistent/engine.sock".into());
    let engine = DockerEngine::new(settings).unwrap();
    let error = engine.list().await.unwrap_err();
    assert_eq!(error.kind, EngineErrorKind::Unreachable);
    assert!(error.hint.unwrap().contains("DOCKER_HOST"));
}

#[tokio::test]
async fn an_engine_elsewhere_is_refused_with_a_hint() {
    let home = tempfile::tempdir().unwrap();
    let mut settings = settings(home.path());
    settings.places.docker_host = Some("tcp://127.0.0.1:1".into());
    let engine = DockerEngine::new(settings).unwrap();
    let error = engine.describe().await.unwrap_err();
    assert_eq!(error.kind, EngineErrorKind::Permanent);
    assert!(error.hint.unwrap().contains("unix://"));
}

#[tokio::test]
async fn a_lost_engine_is_told_once_and_its_return_once_with_all_that_follows() {
    let folder = tempfile::tempdir().unwrap();
    let ferry = Ferry::new(folder.path().join("engine.sock"));
    let behind_the_ferry = |settings: &mut DockerSettings| {
        settings.places.docker_host = Some(ferry.address());
    };
    let sailing = ferry.sail();
    Yard::run_with(behind_the_ferry, async |yard| {
        let container = yard.started(&yard.request(1)).await;

        drop(sailing);
        assert!(matches!(yard.next_event().await, EngineEvent::Lost { .. }));
        let error = yard.engine.kill(&container).await.unwrap_err();
        assert_eq!(error.kind, EngineErrorKind::Unreachable);

        let _sailing = ferry.sail();
        assert_eq!(yard.next_event().await, EngineEvent::Back);
        yard.engine.kill(&container).await.unwrap();
        // The call that failed is answered with a word of its own, before or after the end.
        let mut told = [yard.next_event().await, yard.next_event().await];
        told.sort_by_key(|event| *event != EngineEvent::Back);
        assert_eq!(told[0], EngineEvent::Back);
        assert!(matches!(&told[1], EngineEvent::Exited { code: 137, .. }), "{told:?}");
    })
    .await;
}

#[tokio::test]
async fn an_end_that_nobody_saw_is_told_when_the_engine_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let ferry = Ferry::new(folder.path().join("engine.sock"));
    let behind_the_ferry = |settings: &mut DockerSettings| {
        settings.places.docker_host = Some(ferry.address());
    };
    let sailing = ferry.sail();
    Yard::run_with(behind_the_ferry, async |yard| {
        let container = yard.started(&yard.request(1)).await;
        drop(sailing);
        assert!(matches!(yard.next_event().await, EngineEvent::Lost { .. }));
        docker(&["kill", &container.0]);

        let _sailing = ferry.sail();
        assert_eq!(yard.next_event().await, EngineEvent::Back);
        assert!(matches!(yard.next_event().await, EngineEvent::Exited { code: 137, .. }));
    })
    .await;
}
