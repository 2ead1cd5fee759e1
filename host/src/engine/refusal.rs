//! Why a container is not started although the engine is there. PURE: each refusal says what was
//! asked and cannot be had, and what a person can do; nothing is ever weakened in silence.

use std::path::PathBuf;

use super::facts::{ApiVersion, Control};

/// Something that was asked and cannot be enforced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The kernel or the engine's own rights do not suffice.
    #[error("the engine cannot enforce {0}")]
    NotEnforced(Control),
    /// Engines read zero as "no bound".
    #[error("{0} of zero would mean none at all")]
    Zero(Control),
    /// Engines take signed numbers.
    #[error("{0} is larger than an engine can take")]
    TooLarge(Control),
    /// The runtime of the settings is not installed.
    #[error("the engine has no runtime named {0:?}")]
    NoRuntime(String),
    /// What we need came with API 1.41.
    #[error("the engine speaks API {found}, and {needed} is needed")]
    OldApi {
        /// What it speaks.
        found: ApiVersion,
        /// What is needed.
        needed: ApiVersion,
    },
    /// `userns-remap`: the ids of the session's folder would not be the container's.
    #[error("the engine remaps the users of its containers")]
    RemapsUsers,
    /// Root cannot share folders with somebody else's user namespace.
    #[error("the host runs as root and the engine belongs to another user")]
    ForeignRootless,
    /// The number space of user ids is used up.
    #[error("no user id is left for number {0}")]
    NoGuestId(u32),
    /// Engines take mount sources as absolute text.
    #[error("{0:?} cannot be mounted: not an absolute path in UTF-8")]
    BadPath(PathBuf),
}

impl Refusal {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotEnforced(Control::Memory | Control::Swap) => {
                "enable the kernel's memory controller with swap accounting \
                 (a rootless engine needs cgroup v2 with delegation)"
            }
            Self::NotEnforced(Control::Pids | Control::Cpu) => {
                "enable the kernel's pids and cpu controllers \
                 (a rootless engine needs cgroup v2 with delegation)"
            }
            Self::NotEnforced(Control::Seccomp) => "use an engine that is built with seccomp",
            Self::Zero(_) | Self::TooLarge(_) => "set a sensible bound in the agent's settings",
            Self::NoRuntime(_) => "install the runtime in the engine, or name one that it has",
            Self::OldApi { .. } => "use Docker 20.10 or newer, or Podman 4 or newer",
            Self::RemapsUsers => "turn userns-remap off for this engine, or use a rootless engine",
            Self::ForeignRootless => "run Lazaret as the user that owns the engine",
            Self::NoGuestId(_) => "remove old sessions, or start a new install",
            Self::BadPath(_) => "give the install an absolute home in plain UTF-8",
        }
    }
}
