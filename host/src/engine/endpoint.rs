//! Where an engine may listen. PURE: what the environment and the context said is passed in.
//!
//! Only sockets of this machine: an engine elsewhere has none of our folders to mount, so its
//! address is refused rather than tried.

use std::path::{Path, PathBuf};

/// What may say where the engine is; `config.rs` and the context file fill it in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// `DOCKER_HOST`, or the config's own entry: if given, nothing else is tried.
    pub docker_host: Option<String>,
    /// The folder of Docker's client settings, usually `~/.docker`.
    pub docker_config: Option<PathBuf>,
    /// `DOCKER_CONTEXT`: the context to use instead of the settings' current one.
    pub docker_context: Option<String>,
    /// `XDG_RUNTIME_DIR`, where rootless engines listen.
    pub runtime_dir: Option<PathBuf>,
    /// The user's home, where Docker Desktop listens.
    pub home: Option<PathBuf>,
}

/// An address that we cannot use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the engine address {address:?} is not a socket of this machine")]
pub struct NotLocal {
    /// What was configured.
    pub address: String,
}

impl NotLocal {
    /// What a person can do about it.
    pub const HINT: &str = "a container needs the session's folder, which only an engine on this \
                            machine can mount: set DOCKER_HOST to unix:///path/to/the.sock";
}

/// Sockets to try, best first; `context_host` is the endpoint of the chosen Docker context.
///
/// # Errors
/// When the one that was configured is not a Unix socket of this machine.
pub fn candidates(places: &Places, context_host: Option<&str>) -> Result<Vec<PathBuf>, NotLocal> {
    let chosen = places.docker_host.as_deref().filter(|host| !host.is_empty()).or(context_host);
    match chosen {
        Some(address) => Ok(vec![local_socket(address)?]),
        None => Ok(usual(places)),
    }
}

fn local_socket(address: &str) -> Result<PathBuf, NotLocal> {
    let path = Path::new(address.strip_prefix("unix://").unwrap_or(address));
    if path.is_absolute() {
        Ok(path.to_owned())
    } else {
        Err(NotLocal { address: address.to_owned() })
    }
}

fn usual(places: &Places) -> Vec<PathBuf> {
    let runtime = places.runtime_dir.as_deref();
    let home = places.home.as_deref();
    [
        Some(PathBuf::from("/var/run/docker.sock")),
        runtime.map(|dir| dir.join("docker.sock")),
        home.map(|dir| dir.join(".docker/run/docker.sock")),
        home.map(|dir| dir.join(".docker/desktop/docker.sock")),
        runtime.map(|dir| dir.join("podman/podman.sock")),
        Some(PathBuf::from("/run/podman/podman.sock")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(docker_host: Option<&str>, context: Option<&str>, expected: Result<&str, &str>) {
        let places = Places { docker_host: docker_host.map(str::to_owned), ..Places::default() };
        let first = candidates(&places, context).map(|all| all[0].display().to_string());
        let expected =
            expected.map(str::to_owned).map_err(|address| NotLocal { address: address.to_owned() });
        assert_eq!(first, expected);
    }

    #[test]
    fn the_configured_address_wins_over_the_context_and_the_usual_places() {
        check(Some("unix:///a.sock"), Some("unix:///b.sock"), Ok("/a.sock"));
        check(Some("/a.sock"), None, Ok("/a.sock"));
        check(Some(""), Some("unix:///b.sock"), Ok("/b.sock"));
        check(None, None, Ok("/var/run/docker.sock"));
    }

    #[test]
    fn an_engine_elsewhere_is_refused_instead_of_skipped() {
        for address in ["tcp://10.0.0.1:2375", "ssh://me@there", "https://x", "npipe:////./pipe/x"]
        {
            check(Some(address), None, Err(address));
            check(None, Some(address), Err(address));
        }
        check(Some("unix://relative"), None, Err("unix://relative"));
    }

    #[test]
    fn rootless_and_podman_sockets_are_among_the_usual_places() {
        let places = Places {
            runtime_dir: Some("/run/user/1000".into()),
            home: Some("/home/me".into()),
            ..Places::default()
        };
        let all: Vec<_> =
            candidates(&places, None).unwrap().iter().map(|p| p.display().to_string()).collect();
        insta::assert_snapshot!(all.join("\n"), @r"
        /var/run/docker.sock
        /run/user/1000/docker.sock
        /home/me/.docker/run/docker.sock
        /home/me/.docker/desktop/docker.sock
        /run/user/1000/podman/podman.sock
        /run/podman/podman.sock
        ");
    }
}
