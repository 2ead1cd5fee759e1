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
