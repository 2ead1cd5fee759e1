//! Values for the unit tests of this folder; not part of the program.

use schemas::ids::{AgentId, InstallId, SessionId};

use super::{
    Resources, StartRequest,
    facts::{ApiVersion, Control, EngineFacts, EngineKind, HostIdentity, InstallFacts},
};

/// An id that every run of the tests has in common.
const ULID: &str = "01j0000000000000000000000z";

pub(super) fn request() -> StartRequest {
    StartRequest {
        session: SessionId::parse(&format!("sess-{ULID}")).unwrap(),
        agent: AgentId::parse(&format!("agent-{ULID}")).unwrap(),
        session_root: "/lazaret/sessions/a/s".into(),
        agent_dir: "/lazaret/agents/andy".into(),
        agent_dir_writable: false,
        socket_dir: "/run/lazaret/s".into(),
        image: None,
        resources: Resources { memory_bytes: 1 << 30, milli_cpus: 1_500, pids: 100 },
        uid_index: 3,
        gid_index: 1,
    }
}

pub(super) fn facts() -> EngineFacts {
    EngineFacts {
        kind: EngineKind::Docker,
        version: "20.10.24".into(),
        api: ApiVersion { major: 1, minor: 41 },
        rootless: false,
        remaps_users: false,
        enforces: Control::ALL.into(),
        cpus: 4,
        pinnable: Some(4),
        nofile: 1_048_576,
        nproc: Some(50_000),
        runtimes: ["runc".to_owned()].into(),
        default_runtime: "runc".into(),
        host: HostIdentity { uid: 0, gid: 0 },
    }
}

pub(super) fn install() -> InstallFacts {
    InstallFacts {
        install: InstallId::parse(&format!("inst-{ULID}")).unwrap(),
        guest: "/usr/lib/lazaret/lazaret-guest".into(),
        guest_digest: "d".repeat(64),
        contract_version: 1,
        built_in_image: "lazaret/base:1-01234567".into(),
        engine_dir: "/run/lazaret/engine".into(),
        runtime: None,
    }
}
