//! Which image a container gets: the built-in one, one that is missing, one of one's own.

use std::{path::Path, process::Command};

use host::engine::{Engine, EngineErrorKind, StartRequest};

use crate::yard::{Yard, docker, try_docker, workspace};

/// The base that `base.Dockerfile` names.
pub(crate) const BASE: &str = "debian:bookworm-slim";

#[tokio::test]
async fn the_built_in_image_is_imported_once_for_all_that_wait_for_it() {
    // A contract version of its own makes an image that no other test uses.
    let version = 4_000_000_000 + std::process::id();
    Yard::run_with(
        |settings| settings.contract_version = version,
        async |yard| {
            let requests = [1, 2, 3].map(|number| yard.request(number));
            let (a, b, c) = tokio::join!(
                yard.engine.start(&requests[0]),
                yard.engine.start(&requests[1]),
                yard.engine.start(&requests[2]),
            );
            for started in [a, b, c] {
                started.unwrap();
            }
            assert_eq!(images_of(version).lines().count(), 1);
        },
    )
    .await;
    for image in images_of(version).lines() {
        docker(&["rmi", image]);
    }
}

#[tokio::test]
async fn a_missing_image_is_a_permanent_error_with_a_hint_and_leaves_nothing() {
    Yard::run(async |yard| {
        let image = Some("lazaret/there-is-no-such-image:1".to_owned());
        let request = StartRequest { image, ..yard.request(1) };
        let error = yard.engine.start(&request).await.unwrap_err();
        assert_eq!(error.kind, EngineErrorKind::Permanent, "{error}");
        assert!(error.hint.unwrap().contains("there-is-no-such-image"));
        assert_eq!(yard.engine.list().await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn the_base_dockerfile_builds_without_network_and_its_image_runs() {
    have_base();
    let tag = format!("lazaret/test-base:{}", std::process::id());
    let folder = workspace().join("container");
    let file = folder.join("base.Dockerfile");
    docker(&[
        "build",
        "--quiet",
        "--network",
        "none",
        "--build-arg",
        "PACKAGES=",
        "--tag",
        &tag,
        "--file",
        text(&file),
        text(&folder),
    ]);
    Yard::run(async |yard| {
        let request = StartRequest { image: Some(tag.clone()), ..yard.request(1) };
        yard.started(&request).await;
        assert!(yard.engine.list().await.unwrap()[0].running);
    })
    .await;
    docker(&["rmi", &tag]);
}

/// Names of the built-in images for a contract version.
fn images_of(version: u32) -> String {
    let name = format!("lazaret/base:{version}-*");
    docker(&[
        "images",
        "--format",
        "{{.Repository}}:{{.Tag}}",
        "--filter",
        &format!("reference={name}"),
    ])
}

/// Sees to the base image: it is there, or it is pulled, or it is made from this machine's own
/// package sources.
pub(crate) fn have_base() {
    if try_docker(&["image", "inspect", BASE]).0 || try_docker(&["pull", "--quiet", BASE]).0 {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let tar = folder.path().join("base.tar");
    let sources: Vec<_> = std::fs::read_dir("/etc/apt/sources.list.d")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "sources" || end == "list"))
        .collect();
    let made = Command::new("mmdebstrap")
        .args(["--quiet", "--variant=minbase", "bookworm"])
        .arg(&tar)
        .args(sources)
        .status()
        .expect("the base image cannot be pulled, and mmdebstrap is not installed");
    assert!(made.success(), "the base image cannot be made");
    docker(&["import", text(&tar), BASE]);
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
