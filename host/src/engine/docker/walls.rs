//! What a container of this engine would be given, as one line for people.
//!
//! Owns no decision: an ordinary container is decided as a real one is, and told instead of
//! started.

use std::path::Path;

use schemas::{
    ids::{AgentId, SessionId},
    time::{Clock, SystemClock},
};

use super::{DockerEngine, fault};
use crate::{
    engine::{EngineError, Resources, StartRequest, spec},
    limits,
};

impl DockerEngine {
    /// The effective table of an ordinary container's walls and bounds.
    ///
    /// # Errors
    /// When the engine cannot be reached, or cannot enforce what every container must have.
    pub async fn effective(&self, home: &Path) -> Result<String, EngineError> {
        let connection = self.connection().await?;
        let request = ordinary(home);
        let spec = spec::container_spec(&request, &connection.facts, &self.install, &[])
            .map_err(fault::refused)?;
        let (walls, bounds) = (&spec.walls, &spec.bounds);
        let seccomp = match &walls.seccomp {
            spec::Seccomp::Inline => "own".to_owned(),
            spec::Seccomp::File(path) => format!("own, from {path}"),
        };
        Ok([
            ("network", walls.network.to_owned()),
            ("capabilities dropped", walls.cap_drop.to_owned()),
            ("options", walls.security_opt.to_owned()),
            ("system call filter", seccomp),
            ("root", walls.root.to_owned()),
            ("user", spec.user.clone()),
            ("namespaces", walls.namespaces.to_owned()),
            ("memory", format!("{} MiB, no swap", bounds.memory_bytes >> 20)),
            ("processes", bounds.pids.to_string()),
            (
                "CPUs",
                format!(
                    "{}.{:02}",
                    bounds.nano_cpus / 1_000_000_000,
                    bounds.nano_cpus / 10_000_000 % 100
                ),
            ),
            ("open files", bounds.nofile.to_string()),
            ("log", walls_log(&bounds.log)),
        ]
        .map(|(what, value)| format!("{what} {value}"))
        .join("; "))
    }
}

fn walls_log((driver, options): &(&str, std::collections::BTreeMap<&str, &str>)) -> String {
    let options: Vec<String> =
        options.iter().map(|(key, value)| format!("{key}={value}")).collect();
    format!("{driver} {}", options.join(","))
}

/// An agent about which nobody said anything.
fn ordinary(home: &Path) -> StartRequest {
    let now = SystemClock.now();
    let (session, agent) = (SessionId::mint(now), AgentId::mint(now));
    StartRequest {
        session_root: home.join("sessions").join(agent.as_str()).join(session.as_str()),
        agent_dir: home.join("agents").join("ordinary"),
        agent_dir_writable: false,
        socket_dir: home.join("run"),
        image: None,
        resources: Resources {
            memory_bytes: limits::DEFAULT_MEMORY_BYTES,
            milli_cpus: limits::DEFAULT_MILLI_CPUS,
            pids: limits::DEFAULT_PIDS,
        },
        uid_index: 1,
        gid_index: 1,
        session,
        agent,
    }
}
