//! Every bound of the host, each with its reason. Nothing else in the host sets one.

use std::time::Duration;

/// Events that a slow reader of a room's stream may fall behind before it must ask for what it
/// missed: a screen of fast replies, at about 300 bytes each.
pub const ROOM_STREAM: usize = 256;

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
pub const ATTACHMENT_BYTES: u64 = 25 * 1024 * 1024;

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

/// Threads that run the host's tasks. Its work is waiting for disks and sockets; more threads
/// would only cost memory.
pub const WORKERS: usize = 2;

/// Threads for what blocks. Each session does one write at a time, and the disk does one at all.
pub const BLOCKING_THREADS: usize = 16;

/// Stack of a thread: JSON of the deepest nesting that is read fits many times.
pub const THREAD_STACK: usize = 1024 * 1024;

/// How long `down` waits for the host's process to end: beyond its own drain and writes.
pub const DOWN_WAIT: Duration = Duration::from_secs(30);

/// Between two looks whether a process has ended.
pub const PROCESS_POLL: Duration = Duration::from_millis(20);

/// Longest name of a file that is saved, in bytes: file systems end at 255, and a number may
/// follow.
pub const SAVED_NAME_BYTES: usize = 200;

/// Files of one name that are kept beside each other before saving gives up.
pub const SAVED_TWINS: u32 = 1_000;

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

/// Ends of plain processes that a slow reader may fall behind before it lists what lives instead.
pub const PROCESS_EVENTS: usize = 64;

/// Signals that wait for the task that owns a process: a stop, its kill, and one repeated.
pub const PROCESS_ORDERS: usize = 4;

/// After a connection could not be accepted: out of descriptors, most likely, and some will close.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
