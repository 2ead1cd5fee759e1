//! Every bound of the host, each with its reason. Nothing else in the host sets one.

use std::time::Duration;

use jiff::SignedDuration;

/// Events that a slow reader of a room's stream may fall behind before it must ask for what it
/// missed: a screen of fast replies, at about 300 bytes each.
pub const ROOM_STREAM: usize = 256;

/// Memory of a container unless the agent says otherwise: a coding agent with its tools fits.
pub const DEFAULT_MEMORY_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// CPU of a container in thousandths of one, unless the agent says otherwise.
pub const DEFAULT_MILLI_CPUS: u32 = 2_000;

/// Processes of a container unless the agent says otherwise: a build fits, a fork bomb ends.
pub const DEFAULT_PIDS: u32 = 512;

/// Silence after which a guest that holds a claim is dead: thirty heartbeats missed.
pub const STUCK_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// Quiet after which a container is stopped: a conversation that pauses for lunch stays warm.
pub const IDLE_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// The pause after the first container that ended badly; doubled for each that follows.
pub const FIRST_BACKOFF: Duration = Duration::from_secs(5);

/// Containers that may end badly in a row before the session is given up: about five minutes.
pub const MAX_FAILURES: u32 = 5;

/// Pauses between the attempts of one delivery; past the last it is given up.
pub const DELIVERY_PAUSES: [Duration; 5] = [
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(45),
    Duration::from_secs(120),
    Duration::from_secs(300),
];

/// Pause before a channel that is down is tried again.
pub const CHANNEL_DOWN_PAUSE: Duration = Duration::from_secs(30);

/// Open files of a process: file watchers of large repositories need thousands. The engine may
/// have fewer itself, and then this is cut to what it has.
pub const NOFILE: u64 = 16_384;

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

/// First uid and gid given to sessions and agents: above what distributions give to people and
/// services, below `nobody`.
pub const FIRST_GUEST_ID: u32 = 64_000;
