//! The life of one container: create and start, stop, kill, remove, list. Owns the few races that
//! the engine leaves to its clients: a name that is taken, an image that is not there yet, a
//! container that is gone already.

use std::{collections::HashMap, path::Path, time::Duration};

use bollard::{
    Docker,
    errors::Error as BollardError,
    query_parameters::{
        CreateContainerOptions, KillContainerOptions, ListContainersOptions,
        RemoveContainerOptions, StopContainerOptions,
    },
};
use schemas::ids::SessionId;
use tokio::time::{Instant, sleep};

use super::{
    DockerEngine,
    connect::Connection,
    fault, image, logs,
    seen::{self, Seen},
    translate,
};
use crate::{
    engine::{
        ContainerId, EngineError, LiveContainer, cpus,
        facts::InstallFacts,
        spec::{self, ContainerSpec, LABEL_CPUS, LABEL_INSTALL, LABEL_SESSION},
    },
    limits,
};

/// Creates and starts. The common case is two calls; what is in the way is cleared when the
/// engine says so, not looked for before.
pub(super) async fn start(
    engine: &DockerEngine,
    connection: &Connection,
    spec: &ContainerSpec,
    session_root: &Path,
) -> Result<ContainerId, EngineError> {
    let created = match create(connection, spec).await {
        Err(error) if fault::is_image_missing(&error) && spec.image == engine.base.reference => {
            {
                let _one_at_a_time = engine.import.lock().await;
                image::import(connection, &engine.base).await?;
            }
            create(connection, spec).await
        }
        Err(error) if fault::is_name_taken(&error) => {
            clear_name(connection, spec, session_root).await?;
            create(connection, spec).await
        }
        outcome => outcome,
    };
    let id = created.map_err(|error| {
        if fault::is_image_missing(&error) {
            fault::image_missing(&spec.image, error)
        } else {
            fault::failed("create the container", error)
        }
    })?;
    if let Err(error) = connection.docker.start_container(&id, None).await {
        // What was created would only be in the way; the start's error is what counts.
        force_remove(&connection.docker, &id).await.ok();
        return Err(fault::failed("start the container", error));
    }
    Ok(ContainerId(id))
}

/// Asks to end, waits for `grace`, kills.
pub(super) async fn stop(
    connection: &Connection,
    container: &ContainerId,
    grace: Duration,
) -> Result<(), EngineError> {
    // The engine counts whole seconds; rounding down would cut a grace below one to nothing.
    let seconds = grace.as_millis().div_ceil(1_000);
    let options = StopContainerOptions {
        t: Some(i32::try_from(seconds).unwrap_or(i32::MAX)),
        ..Default::default()
    };
    let patient = connection.docker.clone().with_timeout(grace + limits::ENGINE_STOP_MARGIN);
    match patient.stop_container(&container.0, Some(options)).await {
        Ok(()) => Ok(()),
        Err(error) if fault::is_gone(&error) || fault::is_not_running(&error) => Ok(()),
        // An engine that does not come back from its own stop still knows how to kill.
        Err(BollardError::RequestTimeoutError) => kill(connection, container).await,
        Err(error) => Err(fault::failed("stop the container", error)),
    }
}

/// Ends it at once.
pub(super) async fn kill(
    connection: &Connection,
    container: &ContainerId,
) -> Result<(), EngineError> {
    let options = KillContainerOptions { signal: "SIGKILL".into() };
    match connection.docker.kill_container(&container.0, Some(options)).await {
        Ok(()) => Ok(()),
        Err(error) if fault::is_gone(&error) || fault::is_not_running(&error) => Ok(()),
        Err(error) => Err(fault::failed("kill the container", error)),
    }
}

/// Keeps the output, then removes.
pub(super) async fn remove(
    connection: &Connection,
    container: &ContainerId,
    session_root: &Path,
) -> Result<(), EngineError> {
    match logs::keep(connection, &container.0, session_root).await {
        Ok(()) => {}
        Err(logs::KeepError::Engine(error)) if fault::is_gone(&error) => return Ok(()),
        // A full disk must not leave containers behind.
        Err(error) => {
            let cause = &error as &dyn std::error::Error;
            tracing::warn!(container = container.0, cause, "the container's output is lost");
        }
    }
    match force_remove(&connection.docker, &container.0).await {
        Ok(()) => Ok(()),
        Err(error) if fault::is_gone(&error) => Ok(()),
        Err(error) => Err(fault::failed("remove the container", error)),
    }
}

/// Every container of the install.
pub(super) async fn list(
    connection: &Connection,
    install: &InstallFacts,
) -> Result<Vec<LiveContainer>, EngineError> {
    let options = ListContainersOptions {
        all: true,
        filters: Some(label_filter(install.install.as_str())),
        ..Default::default()
    };
    let found = seen::list(&connection.docker, options)
        .await
        .map_err(|error| fault::failed("list the containers", error))?;
    Ok(found.into_iter().filter_map(|one| live(one, install)).collect())
}

/// Where the kernel counts the interrupts of each CPU.
const INTERRUPTS: &str = "/proc/interrupts";

/// The CPUs that running containers stay on, one list each, whichever install they belong to; and
/// the one that serves the devices.
pub(super) async fn taken_cpus(connection: &Connection) -> Result<Vec<String>, EngineError> {
    let filters = HashMap::from([("label".to_owned(), vec![LABEL_CPUS.to_owned()])]);
    let options = ListContainersOptions { filters: Some(filters), ..Default::default() };
    let found = seen::list(&connection.docker, options)
        .await
        .map_err(|error| fault::failed("list the containers", error))?;
    let of_others = found.into_iter().filter_map(|mut one| one.labels().remove(LABEL_CPUS));
    let of_devices =
        std::fs::read_to_string(INTERRUPTS).ok().and_then(|table| cpus::interrupted(&table));
    Ok(of_others.chain(of_devices).collect())
}

/// The filter for what belongs to an install.
pub(super) fn label_filter(install: &str) -> HashMap<String, Vec<String>> {
    HashMap::from([("label".to_owned(), vec![format!("{LABEL_INSTALL}={install}")])])
}

async fn create(connection: &Connection, spec: &ContainerSpec) -> Result<String, BollardError> {
    let options = CreateContainerOptions { name: Some(spec.name.clone()), ..Default::default() };
    let made =
        connection.docker.create_container(Some(options), translate::create_body(spec)).await?;
    for warning in made.warnings {
        tracing::warn!(container = spec.name, warning, "the engine warns about a container");
    }
    Ok(made.id)
}

/// Makes room for a new container of the session: removes the old one if it is ours.
async fn clear_name(
    connection: &Connection,
    spec: &ContainerSpec,
    session_root: &Path,
) -> Result<(), EngineError> {
    let Some(mut found) = in_the_way(&connection.docker, &spec.name).await? else { return Ok(()) };
    let labels = found.labels();
    let ours = [LABEL_INSTALL, LABEL_SESSION]
        .into_iter()
        .all(|label| labels.get(label) == spec.labels.get(label));
    match found.id {
        Some(id) if ours => {
            remove(connection, &ContainerId(id.clone()), session_root).await?;
            until_removed(&connection.docker, &id).await
        }
        Some(_) | None => Err(fault::name_taken(&spec.name)),
    }
}

/// Somebody may have begun the removal before us, and until it is done the name is taken.
async fn until_removed(docker: &Docker, container: &str) -> Result<(), EngineError> {
    let begun = Instant::now();
    while begun.elapsed() < limits::REMOVAL {
        if in_the_way(docker, container).await?.is_none() {
            return Ok(());
        }
        sleep(limits::REMOVAL_GLANCE).await;
    }
    Err(fault::still_there(container))
}

/// The container that has the name; `None` when none has.
async fn in_the_way(docker: &Docker, name: &str) -> Result<Option<Seen>, EngineError> {
    match seen::one(docker, name).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if fault::is_gone(&error) => Ok(None),
        Err(error) => Err(fault::failed("look at the container in the way", error)),
    }
}

async fn force_remove(docker: &Docker, container: &str) -> Result<(), BollardError> {
    // With its volumes: an image may declare some, and nothing else would ever remove them.
    let options = RemoveContainerOptions { v: true, force: true, link: false };
    docker.remove_container(container, Some(options)).await
}

fn live(mut one: Seen, install: &InstallFacts) -> Option<LiveContainer> {
    let labels = one.labels();
    let session = SessionId::parse(labels.get(LABEL_SESSION)?).ok()?;
    let running = one.is_running();
    let current = spec::is_current(|key| labels.get(key).cloned(), install);
    Some(LiveContainer { session, container: ContainerId(one.id?), running, current })
}
