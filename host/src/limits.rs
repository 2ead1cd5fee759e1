//! Every bound of the host, each with its reason. Nothing else in the host sets one.

use std::time::Duration;

use jiff::SignedDuration;

pub mod action;
pub mod admin;
pub mod broker;
pub mod channel;
pub mod people;
pub mod route;
pub mod task;
pub mod turn;
pub mod upkeep;

/// Events that a slow reader of a room's stream may fall behind before it must ask for what it
/// missed: a screen of fast replies, at about 300 bytes each.
pub const ROOM_STREAM: usize = 256;

/// Memory of a container unless the agent says otherwise: a coding agent with its tools fits.
pub const DEFAULT_MEMORY_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// CPU of a container in thousandths of one, unless the agent says otherwise.
pub const DEFAULT_MILLI_CPUS: u32 = 2_000;

/// Processes of a container unless the agent says otherwise: a build fits, a fork bomb ends.
pub const DEFAULT_PIDS: u32 = 512;

/// The pause after the first container that ended badly; doubled for each that follows.
pub const FIRST_BACKOFF: Duration = Duration::from_secs(5);

/// Containers that may end badly in a row before the session is given up: about five minutes.
pub const MAX_FAILURES: u32 = 5;

/// What a commit waits for posts that are under way, so that quick ones go into it: the terminal's
/// take microseconds. A post that hangs must not hold up what else is to be written down.
pub const COMMIT_LINGER: Duration = Duration::from_millis(20);

/// Places of a mailbox that people cannot fill: an engine's news is not lost to a flood of words.
pub const MAILBOX_RESERVE: usize = 16;

/// A session that was woken for something and could not do it is woken again after this.
pub const DUE_AGAIN: SignedDuration = SignedDuration::from_secs(60);

/// Pause before a file is looked at again that could not be read, when no guest would write it.
pub const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Open files of a process: file watchers of large repositories need thousands. The engine may
/// have fewer itself, and then this is cut to what it has.
pub const NOFILE: u64 = 16_384;

/// Processes of the container's user, for engines that would choose more than they may give. The
/// kernel counts a person's whole desktop here, so it is generous: the wall is `DEFAULT_PIDS`.
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

/// What `status` waits for the engine's name: a person waits for the answer, and so does the loop.
pub const ENGINE_GLANCE: Duration = Duration::from_secs(2);

/// What the engine gets to finish the removal of a session's last container before the next one.
pub const REMOVAL: Duration = Duration::from_secs(10);

/// How often it is asked meanwhile; a removal takes tens of milliseconds.
pub const REMOVAL_GLANCE: Duration = Duration::from_millis(20);

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

/// Outbound rows that may wait to be read. An honest guest answers some ten messages at a time;
/// what floods its room is ended before its room is full.
pub const BACKLOG_ROWS: usize = 10_000;

/// Rows that an answer about the past holds.
pub const HISTORY_ROWS: usize = 1_000;

/// A session's newest runs that a new host looks through for ends that were not folded.
pub const ENDS_LOOKED_AT: u32 = 1_000;

/// Further tries of somebody who asks about the past while the guest is writing.
pub const HALF_WRITTEN_TRIES: u32 = 20;

/// Time between two of them: a guest's commit takes a few milliseconds.
pub const HALF_WRITTEN_PAUSE: Duration = Duration::from_millis(50);

/// Copies of a guest's file are made up for by this many times their cost.
pub const LOOK_PACE: u32 = 10;

/// How far they may run ahead of that: 5 ms of looking, twenty copies of a small file.
pub const LOOK_CREDIT: Duration = Duration::from_millis(50);

/// The belt's first pause after a wake, doubled up to [`BELT_LONGEST`].
pub const BELT_FIRST: Duration = Duration::from_millis(5);

/// The belt's longest pause: what a lost wake-up costs at worst.
pub const BELT_LONGEST: Duration = Duration::from_secs(1);

/// The belt's longest pause once the bell was seen to work for a session: 20 idle guests and their
/// host together stay below a thousandth of a processor, and a heart that stopped is noticed a
/// quarter of [`turn::SILENT_AFTER`] late at worst.
pub const BELT_LONGEST_PROVEN: Duration = Duration::from_secs(15);

/// Tries of one row before it is given up; whoever has it tried again gives it as many.
pub const MAX_TRIES: i64 = 5;

/// A guest may put a row off by this at most.
pub const LONGEST_RETRY: Duration = Duration::from_secs(3_600);

/// Characters of a guest's reason that reach a person.
pub const REASON_CHARS: usize = 300;

/// Triggers in one turn.
pub const MESSAGES_PER_PROMPT: u32 = 10;

/// How long a step on the mailbox takes before the kernel is asked whether a lease holds it up: as
/// long as a lock is waited for.
pub const LEASE_GLANCE: Duration = Duration::from_millis(250);

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
pub const PROVIDERS: &[&str] = &["claude", "codex", "echo"];

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

/// Bytes of the sockets' folder: with a session's short name and a socket's behind it, the kernel's
/// 107 are not reached.
pub const RUN_DIR_BYTES: usize = 60;

/// How long a container without work is kept: a pause in a conversation, not a lunch.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// Shortest idle time that makes sense: below it every message would be a cold start.
pub const IDLE_TIMEOUT_MIN: Duration = Duration::from_secs(1);

/// One request to the host's socket: attachments of 100 MiB are 134 MiB in base64, the rest is
/// room for text and names.
pub const REQUEST_BYTES: usize = 140 * 1024 * 1024;

/// Bytes of one file that is sent: the contract's limit, told before the file is read.
pub const ATTACHMENT_BYTES: u64 = schemas::limits::MAX_FILE_BYTES;

/// Until the head of an answer is there. Most take a millisecond; a full disk queue takes seconds.
pub const REQUEST_TIME: Duration = Duration::from_secs(60);

/// What a client waits beyond [`REQUEST_TIME`], so that the host's own word comes first.
pub const CLIENT_MARGIN: Duration = Duration::from_secs(5);

/// Between two signs of life on a quiet stream: a reader that is gone is noticed by it.
pub const STREAM_KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What open requests get to finish when the host ends; streams end at once.
pub const GATEWAY_DRAIN: Duration = Duration::from_secs(5);

/// One answer that a client takes into memory; files are not answers, they are streamed.
pub const ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// One event of a stream: an agent's longest text with room for JSON's escapes.
pub const EVENT_BYTES: usize = 16 * 1024 * 1024;

/// Between two tries of a client to reach a host that went away.
pub const RECONNECT_EVERY: Duration = Duration::from_millis(250);

/// Past messages that `chat` shows first: one screen.
pub const CHAT_HISTORY: usize = 10;

/// Lines that `chat` remembers for the arrow keys.
pub const CHAT_LINES: usize = 1_000;

/// Lines typed at `chat` that wait while one is being sent: more than a person types meanwhile.
pub const CHAT_QUEUE: usize = 16;

/// Replies of one batch that `send --wait` holds until it knows which are its own.
pub const HELD_REPLIES: usize = 256;

/// Bytes of a request that are read on the tasks' own thread: 50 µs of it.
pub const BODY_IN_PLACE: usize = 64 * 1024;

/// Threads that run the host's tasks. Their work is waiting for disks and sockets, and a message
/// passes through five tasks: with a second thread it would be handed to and fro between the two
/// (measured: 75 switches a message instead of 62). What computes or blocks has threads of its own.
pub const WORKERS: usize = 1;

/// Threads for what blocks; they come with the work and go with it. Each session holds two at
/// most, a write and a look, and a look at a hostile guest's file can hang for seconds: so many
/// sessions must go bad at once before an honest one waits.
pub const BLOCKING_THREADS: usize = 256;

/// Stack of a thread: JSON of the deepest nesting that is read fits many times.
pub const THREAD_STACK: usize = 1024 * 1024;

/// How long `down` waits for the host's process to end: beyond its own drain and writes.
pub const DOWN_WAIT: Duration = Duration::from_secs(30);

/// Between two looks whether a process has ended.
pub const PROCESS_POLL: Duration = Duration::from_millis(20);

/// Files of one name that are kept beside each other before saving gives up.
pub const SAVED_TWINS: usize = 1_000;

/// Until a host that `demo` starts answers: it makes a home and asks the engine.
pub const DEMO_START: Duration = Duration::from_secs(20);

/// Until an engine that `demo` installed answers the host, which looks for it by itself.
pub const DEMO_ENGINE: Duration = Duration::from_secs(60);

/// One message of `demo`, cold: the built-in image is imported first.
pub const DEMO_MESSAGE: Duration = Duration::from_secs(120);

/// Until the host of `demo` has ended and taken its container along, before it is killed.
pub const DEMO_END: Duration = Duration::from_secs(30);

/// Lines of the host's log that `demo` shows when the host did not come up.
pub const DEMO_LOG_LINES: usize = 20;

/// Containers that may run at once; past it sessions wait in order.
pub const MAX_CONTAINERS: usize = 64;

/// Ends of plain processes that a slow reader may fall behind before it lists what lives instead.
pub const PROCESS_EVENTS: usize = 64;

/// Signals that wait for the task that owns a process: a stop, its kill, and one repeated.
pub const PROCESS_ORDERS: usize = 4;

/// After a connection could not be accepted: out of descriptors, most likely, and some will close.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Pause between two steps of moving finished rows while a session is awake: a message that comes
/// meanwhile waits for one step at most.
pub const TIDY_PAUSE: Duration = Duration::from_millis(50);
