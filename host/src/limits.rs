//! Every bound of the host, with its reason. Owns numbers only; nothing here acts.

use std::time::Duration;

/// What a container may use when its agent's settings do not say otherwise.
pub mod container {
    /// A coding agent with its tools stays below 1 GiB; twice that leaves room for a build.
    pub const MEMORY_BYTES: u64 = 2 * 1024 * 1024 * 1024;
    /// Two CPUs: one for the model's client, one for its tool.
    pub const MILLI_CPUS: u32 = 2_000;
    /// Node starts about a dozen threads a process; 512 is a fork bomb's end, not a build's.
    pub const PIDS: u32 = 512;
}

/// Open files of a process: file watchers of large repositories need thousands. The engine may
/// have fewer itself, and then this is cut to what it has.
pub const NOFILE: u64 = 16_384;

/// Processes of the container's user, for engines that would choose more than they may give. The
/// kernel counts a person's whole desktop here, so it is generous: the wall is `container::PIDS`.
pub const NPROC: u64 = 32_768;

/// Shared memory; the engines' own default, named so that no engine chooses more.
pub const SHM_BYTES: u64 = 64 * 1024 * 1024;

/// `/tmp` lives in memory and counts as the container's memory.
pub const TMP_BYTES: u64 = 256 * 1024 * 1024;

/// Size of one log file that the engine keeps, in its own notation: bounds what a flooding guest
/// can put on the host's disk.
pub const ENGINE_LOG_SIZE: &str = "1m";

/// Log files the engine keeps, so that a rotation never leaves less than one full file to read.
pub const ENGINE_LOG_FILES: &str = "2";

/// Lines asked of the engine when a container's output is kept.
pub const KEPT_LOG_LINES: u32 = 2_000;

/// Bytes kept in `log/container.log`: one line may be long, so lines alone are no bound.
pub const KEPT_LOG_BYTES: usize = 1024 * 1024;

/// The engine's answer to one call. Creating a container takes milliseconds; half a minute is a
/// machine in trouble.
pub const ENGINE_CALL: Duration = Duration::from_secs(30);

/// What a stop may take beyond its grace: the kill, the unmounts and a busy machine.
pub const ENGINE_STOP_MARGIN: Duration = Duration::from_secs(20);

/// First pause before a lost engine is tried again: a restart of the daemon takes about this.
pub const RECONNECT_FIRST: Duration = Duration::from_millis(100);

/// Longest pause: an operator who starts the engine by hand should not have to wait for us.
pub const RECONNECT_MAX: Duration = Duration::from_secs(5);

/// Containers whose out-of-memory report is remembered until they end; far above the cap on
/// running ones, so it only stops a growth that nobody would see.
pub const REMEMBERED_OUT_OF_MEMORY: usize = 4_096;

/// A container that is killed this soon after the kernel ended something in it for its memory
/// ended for that reason; later, only a tool of it did.
pub const OUT_OF_MEMORY_IS_RECENT: Duration = Duration::from_secs(5);

/// First uid and gid given to sessions and agents: above what distributions give to people and
/// services, below `nobody`.
pub const FIRST_GUEST_ID: u32 = 64_000;
