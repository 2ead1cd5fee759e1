//! Our container in bollard's words. Decides nothing: every value comes from the spec.

use std::collections::HashMap;

use bollard::models::{
    ContainerCreateBody, HealthConfig, HostConfig, HostConfigCgroupnsModeEnum, HostConfigLogConfig,
    Mount as BollardMount, MountBindOptions, MountBindOptionsPropagationEnum, MountType,
    ResourcesUlimits,
};

use crate::engine::{
    mounts::{Access, Mount},
    spec::{ContainerSpec, SECCOMP_PROFILE, Seccomp},
};

/// The request that creates the container.
pub(super) fn create_body(spec: &ContainerSpec) -> ContainerCreateBody {
    ContainerCreateBody {
        hostname: Some(spec.hostname.to_owned()),
        user: Some(spec.user.clone()),
        env: Some(spec.env.iter().map(|(key, value)| format!("{key}={value}")).collect()),
        cmd: Some(Vec::new()),
        // An image's own check would run programs that nobody asked for.
        healthcheck: Some(HealthConfig { test: Some(vec!["NONE".into()]), ..Default::default() }),
        image: Some(spec.image.clone()),
        working_dir: Some(spec.working_dir.clone()),
        entrypoint: Some(spec.entrypoint.map(str::to_owned).into()),
        // On top of network mode "none": Docker then leaves the new, empty network namespace to
        // the runtime, which halves the time of a start.
        network_disabled: Some(true),
        labels: Some(owned(&spec.labels)),
        stop_signal: Some("SIGTERM".into()),
        host_config: Some(host_config(spec)),
        ..Default::default()
    }
}

fn host_config(spec: &ContainerSpec) -> HostConfig {
    let (walls, bounds) = (&spec.walls, &spec.bounds);
    let seccomp = match &walls.seccomp {
        Seccomp::Inline => format!("seccomp={SECCOMP_PROFILE}"),
        Seccomp::File(path) => format!("seccomp={path}"),
    };
    HostConfig {
        memory: Some(bounds.memory_bytes),
        memory_swap: Some(bounds.memory_and_swap_bytes),
        nano_cpus: Some(bounds.nano_cpus),
        cpuset_cpus: bounds.cpus.clone(),
        pids_limit: Some(bounds.pids),
        ulimits: Some(
            [("nofile", Some(bounds.nofile)), ("nproc", bounds.nproc)]
                .into_iter()
                .filter_map(|(name, most)| Some(ulimit(name, most?)))
                .collect(),
        ),
        shm_size: Some(bounds.shm_bytes),
        log_config: Some(HostConfigLogConfig {
            typ: Some(bounds.log.0.to_owned()),
            config: Some(owned(&bounds.log.1)),
        }),
        network_mode: Some(walls.network.to_owned()),
        auto_remove: Some(false),
        mounts: Some(spec.mounts.iter().map(bind).collect()),
        cap_drop: Some(vec![walls.cap_drop.to_owned()]),
        cgroupns_mode: Some(HostConfigCgroupnsModeEnum::PRIVATE),
        ipc_mode: Some(walls.namespaces.to_owned()),
        privileged: Some(false),
        readonly_rootfs: Some(true),
        security_opt: Some(vec![walls.security_opt.to_owned(), seccomp]),
        tmpfs: Some(owned(&spec.tmpfs)),
        userns_mode: walls.userns.map(str::to_owned),
        runtime: walls.runtime.clone(),
        ..Default::default()
    }
}

fn ulimit(name: &str, most: i64) -> ResourcesUlimits {
    ResourcesUlimits { name: Some(name.to_owned()), soft: Some(most), hard: Some(most) }
}

fn bind(mount: &Mount) -> BollardMount {
    BollardMount {
        target: Some(mount.target.clone()),
        source: Some(mount.source.clone()),
        typ: Some(MountType::BIND),
        read_only: Some(match mount.access {
            Access::ReadOnly => true,
            Access::ReadWrite => false,
        }),
        bind_options: Some(MountBindOptions {
            propagation: Some(MountBindOptionsPropagationEnum::RPRIVATE),
            // Old engines make only the top of a mount read-only, so nothing below it comes along.
            non_recursive: Some(true),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn owned<'a, K, V>(map: impl IntoIterator<Item = (&'a K, &'a V)>) -> HashMap<String, String>
where
    K: ToString + 'a,
    V: ToString + 'a,
{
    map.into_iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}
