//! Every bound of the host, each with its reason. Nothing else in the host sets one.

/// Events that a slow reader of a room's stream may fall behind before it must ask for what it
/// missed: a screen of fast replies, at about 300 bytes each.
pub const ROOM_STREAM: usize = 256;

/// Memory of a container unless the agent says otherwise: a coding agent with its tools fits.
pub const DEFAULT_MEMORY_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// CPU of a container in thousandths of one, unless the agent says otherwise.
pub const DEFAULT_MILLI_CPUS: u32 = 2_000;

/// Processes of a container unless the agent says otherwise: a build fits, a fork bomb ends.
pub const DEFAULT_PIDS: u32 = 512;
