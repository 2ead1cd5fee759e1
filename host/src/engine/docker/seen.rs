//! A container as the engine shows it, in a list or alone: the few facts that we need.
//!
//! Podman shows states on a container's way out that the API does not know ("stopped", while its
//! last process is cleaned up after), and the client then refuses the whole answer: one container
//! that ends would hide all others. So what the client cannot read is read here once more, with
//! the state as a mere word.

use std::collections::HashMap;

use bollard::{
    Docker,
    errors::Error as BollardError,
    models::{ContainerInspectResponse, ContainerSummary},
    query_parameters::ListContainersOptions,
};
use serde::{Deserialize, de::DeserializeOwned};

/// States of a container that has a process, or will have it again without us. A word that we do
/// not know stands for none: what it hides is ended before its session starts another.
const RUNNING: [&str; 4] = ["running", "paused", "restarting", "stopping"];

/// One container.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Seen {
    pub(super) id: Option<String>,
    labels: Option<HashMap<String, String>>,
    state: Option<String>,
}

impl Seen {
    pub(super) fn is_running(&self) -> bool {
        self.state.as_deref().is_some_and(|state| RUNNING.contains(&state))
    }

    /// Takes its labels out.
    pub(super) fn labels(&mut self) -> HashMap<String, String> {
        self.labels.take().unwrap_or_default()
    }
}

/// The containers that the options ask for.
pub(super) async fn list(
    docker: &Docker,
    options: ListContainersOptions,
) -> Result<Vec<Seen>, BollardError> {
    match docker.list_containers(Some(options)).await {
        Ok(found) => Ok(found.into_iter().map(Seen::from).collect()),
        Err(error) => again(error),
    }
}

/// One container, by name or id: its id and its labels.
pub(super) async fn one(docker: &Docker, name: &str) -> Result<Seen, BollardError> {
    let alone = match docker.inspect_container(name, None).await {
        Ok(found) => Alone::from(found),
        Err(error) => again(error)?,
    };
    let labels = alone.config.and_then(|config| config.labels);
    Ok(Seen { id: alone.id, labels, state: None })
}

/// Reads what the client could not; the client's error, when we cannot either.
fn again<T: DeserializeOwned>(error: BollardError) -> Result<T, BollardError> {
    if let BollardError::JsonDataError { contents, .. } = &error
        && let Ok(read) = serde_json::from_str(contents)
    {
        return Ok(read);
    }
    Err(error)
}

impl From<ContainerSummary> for Seen {
    fn from(summary: ContainerSummary) -> Self {
        let state = summary.state.map(|state| state.to_string());
        Self { id: summary.id, labels: summary.labels, state }
    }
}

/// The same, as the engine shows one alone.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Alone {
    id: Option<String>,
    config: Option<Config>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    labels: Option<HashMap<String, String>>,
}

impl From<ContainerInspectResponse> for Alone {
    fn from(found: ContainerInspectResponse) -> Self {
        let config = found.config.map(|config| Config { labels: config.labels });
        Self { id: found.id, config }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The client's error about an answer that it cannot read.
    fn refused<T: DeserializeOwned>(answer: &str) -> BollardError {
        let Err(error) = serde_json::from_str::<T>(answer) else { panic!("it can read {answer}") };
        BollardError::JsonDataError {
            message: error.to_string(),
            contents: answer.to_owned(),
            column: error.column(),
        }
    }

    #[test]
    fn a_state_that_nobody_knows_hides_no_other_container() {
        let answer = r#"[{"Id": "a", "Labels": {"k": "v"}, "State": "running"},
            {"Id": "b", "Labels": null, "State": "stopped"}, {"Id": "c", "State": "initialized"}]"#;
        let seen: Vec<Seen> = again(refused::<Vec<ContainerSummary>>(answer)).unwrap();
        let shown: Vec<_> = seen.iter().map(|one| (one.id.as_deref(), one.is_running())).collect();
        assert_eq!(shown, [(Some("a"), true), (Some("b"), false), (Some("c"), false)]);
    }

    #[test]
    fn a_container_on_its_way_out_still_says_whose_it_is() {
        let answer = r#"{"Id": "a", "State": {"Status": "stopped", "Running": false},
            "Config": {"Labels": {"k": "v"}}}"#;
        let alone: Alone = again(refused::<ContainerInspectResponse>(answer)).unwrap();
        assert_eq!(alone.id.as_deref(), Some("a"));
        assert_eq!(alone.config.unwrap().labels.unwrap()["k"], "v");
    }

    #[test]
    fn what_is_no_answer_at_all_stays_the_clients_error() {
        let error = refused::<Vec<ContainerSummary>>("{}");
        again::<Vec<Seen>>(error).unwrap_err();
    }
}
