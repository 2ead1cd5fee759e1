//! When a session has a model socket: with a container that needs one, whichever host it is.

use std::{os::unix::net::UnixStream, path::PathBuf, time::Duration};

use host::{engine::EngineErrorKind, limits};
use schemas::{
    admin::Accepted,
    model_call::MODEL_SOCKET,
    policy::{CliScope, Role},
    session_file::SessionFile,
};

use crate::world::World;

/// Where the socket of the only session lies, if it does.
fn socket(world: &World) -> Option<PathBuf> {
    let sessions = std::fs::read_dir(world.home().join("run")).ok()?;
    let folder = sessions.into_iter().next()?.unwrap().path();
    Some(folder.join(MODEL_SOCKET)).filter(|path| path.exists())
}

/// Waits until somebody listens: a container that is adopted may be so after the first answer.
async fn listens(world: &World) {
    for _ in 0..1_000 {
        if socket(world).is_some_and(|path| UnixStream::connect(path).is_ok()) {
            return;
        }
        world.passes(Duration::from_millis(50)).await;
    }
    panic!("nobody listens for models");
}

/// The routes that the guest is told of.
fn told(world: &World, sent: &Accepted) -> Vec<String> {
    SessionFile::load(&world.dir_of(sent)).unwrap().models
}

/// An agent that needs models, with a container that has answered once.
async fn awake(world: &mut World) -> Accepted {
    world.stop_host().await;
    world.is_answered_by("andy", "played");
    world.start_host().await;
    let sent = world.says("andy", "one").await;
    assert_eq!(world.next_reply("andy").await, "You said: one");
    sent
}

#[tokio::test(start_paused = true)]
async fn a_session_listens_for_models_while_it_has_a_container() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let sent = awake(world).await;
            listens(world).await;
            assert_eq!(told(world, &sent), ["anthropic", "openai"]);
            world.passes(limits::IDLE_TIMEOUT + Duration::from_secs(60)).await;
            assert_eq!((world.yard.running(), socket(world)), (0, None));
            world.says("andy", "two").await;
            assert_eq!(world.next_reply("andy").await, "You said: two");
            listens(world).await;
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn the_next_host_listens_for_a_container_that_it_adopts() {
    World::new()
        .agent("andy")
        .run(async |world| {
            awake(world).await;
            world.crash_host().await;
            assert_eq!(world.yard.running(), 1);
            world.start_host().await;
            listens(world).await;
            world.stop_host().await;
            assert_eq!(socket(world), None);
            world.start_host().await;
            listens(world).await;
            assert_eq!(world.yard.started(), 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_asks_no_models_has_no_socket() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let sent = world.says("andy", "one").await;
            world.next_reply("andy").await;
            assert_eq!((socket(world), told(world, &sent)), (None, Vec::new()));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_container_that_does_not_start_leaves_no_socket() {
    World::new()
        .agent("andy")
        .with_errors()
        .run(async |world| {
            awake(world).await;
            world.passes(limits::IDLE_TIMEOUT + Duration::from_secs(60)).await;
            world.yard.refuses(EngineErrorKind::Permanent, "no image");
            world.says("andy", "two").await;
            assert!(world.next_notice("andy").await.contains("no image"));
            assert_eq!(socket(world), None);
            world.yard.recovers().await;
            world.says("andy", "three").await;
            assert_eq!(world.next_reply("andy").await, "You said: two");
            assert_eq!(world.next_reply("andy").await, "You said: three");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn only_the_operator_may_see_or_change_secrets() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let owner = world.person("olga", Some(Role::Owner), None).await;
            for words in ["secrets list", "secrets set anthropic", "secrets remove anthropic"] {
                for scope in [CliScope::Disabled, CliScope::Own, CliScope::All] {
                    let refused = world.agent_asks("andy", scope, words).await.unwrap_err();
                    assert_eq!(refused.chain(), "you may not see or change secrets", "{words}");
                }
                assert!(world.refused(&owner, words).await.contains("may not"), "{words}");
            }
            assert_eq!(world.cli("secrets list").await, "NAME  SET");
            assert!(world.cli("secrets set anthropic").await.contains("no value was given"));
            let audit = world.cli("audit secrets").await;
            assert!(audit.contains("denied") && audit.contains("secrets set anthropic"), "{audit}");
        })
        .await;
}
