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

/// Commands that wait for one session's task; past it the sender is told to come again.
pub const SESSION_MAILBOX: usize = 1_024;

/// Messages that go into one transaction: at 0.7 ms a commit this is far past what people type.
pub const GROUP_COMMIT: usize = 64;

/// Pause after a commit that failed; a full disk does not get emptier by trying faster.
pub const COMMIT_RETRY: Duration = Duration::from_secs(1);

/// What the host's end waits for posts that are under way.
pub const CLOSE_GRACE: Duration = Duration::from_secs(5);

/// A task without a nearer alarm looks up after this; nothing depends on it.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

/// Outbound rows that one page of a look takes.
pub const ROWS_PER_LOOK: usize = 500;

/// Rows that an answer about the past holds.
pub const HISTORY_ROWS: usize = 1_000;

/// The next copy of a guest's file comes after this many times the cost of the last.
pub const LOOK_PACE: u32 = 10;

/// The belt's first pause after a wake, doubled up to [`BELT_LONGEST`].
pub const BELT_FIRST: Duration = Duration::from_millis(5);

/// The belt's longest pause: what a lost wake-up costs at worst.
pub const BELT_LONGEST: Duration = Duration::from_secs(1);

/// Tries of one row before it is given up.
pub const MAX_TRIES: i64 = 5;

/// A guest may put a row off by this at most.
pub const LONGEST_RETRY: Duration = Duration::from_secs(3_600);

/// Characters of a guest's reason that reach a person.
pub const REASON_CHARS: usize = 300;

/// Triggers in one turn.
pub const MESSAGES_PER_PROMPT: u32 = 10;

/// What a container gets between the request to end and its kill.
pub const STOP_GRACE: Duration = Duration::from_secs(10);

/// Finished rows that stay where every message is written; older ones move to the history.
pub const KEPT_ROWS: u32 = 200;

/// Rows that one step of that move takes, so that it never holds the file for long.
pub const RETIRE_BATCH: u32 = 500;

/// Requests, engine news and words of sessions that wait for the daemon's loop.
pub const DAEMON_QUEUE: usize = 1_024;

/// What the start waits for the engine's first word: an engine that starts beside us needs it.
pub const FIRST_ENGINE_WORD: Duration = Duration::from_secs(10);

/// Bytes of one message's text; more belongs into a file.
pub const MESSAGE_TEXT_BYTES: usize = 1024 * 1024;

/// Bytes of a client id or a thread: platforms stay far below.
pub const KEY_BYTES: usize = 512;

/// Bytes of an agent's name: it is a folder, a room and a word on the command line.
pub const NAME_BYTES: usize = 40;

/// Characters of an id that stand for it on the command line.
pub const ID_PREFIX: usize = 8;

/// Runs that a list shows.
pub const LISTED_RUNS: u32 = 1_000;

/// What can answer inside a container.
pub const PROVIDERS: &[&str] = &["echo"];

/// The guest itself needs less; a shell with a tool does not start below.
pub const LEAST_MEMORY_BYTES: u64 = 16 * 1024 * 1024;

/// A hundredth of a CPU would turn every second of work into minutes.
pub const LEAST_MILLI_CPUS: u32 = 50;

/// PID 1, the guest, and a provider with a tool.
pub const LEAST_PIDS: u32 = 16;

/// Reads of the inotify in a row before a flood is assumed: far above an honest guest's commits.
pub const BELL_BURST: u32 = 200;

/// Pause in a flood of rings.
pub const BELL_PAUSE: Duration = Duration::from_millis(20);
