//! Every bound of the guest, with its reason.

use std::time::Duration;

/// How often the heartbeat is touched while a claim is held; the host's patience is 60 s.
pub const HEARTBEAT: Duration = Duration::from_secs(2);

/// How long after its claim a turn's run row may stay unwritten: the host needs it only to answer
/// a cancel, and waits 2 s for it.
pub const RUN_ROW_AFTER: Duration = Duration::from_secs(1);

/// How long a provider may say and do nothing: the host's patience is a little longer, so that the
/// guest, which knows more, ends the attempt first.
pub const NO_PROGRESS: Duration = Duration::from_secs(600);

/// What stands behind text that was cut off; it is shown in chats.
pub const CUT_OFF: &str = " … (stopped)";

/// Longest tag in a model's words: a name of a destination is at most 64 characters, and nothing
/// is shown before it is known whether a tag began.
pub const SPOKEN_TAG_BYTES: usize = 512;
/// Longest code within a line, for the same reason: what is longer is a line with a stray backtick.
pub const SPOKEN_CODE_BYTES: usize = 1 << 10;

/// Turns that are over before this leave no live file: they would pay for it with every message.
pub const LIVE_AFTER: Duration = Duration::from_secs(1);
/// Size of one run's live file: hours of a talkative model.
pub const LIVE_BYTES: usize = 16 << 20;
/// What is kept of a run's first second until its file is made.
pub const LIVE_HELD_BYTES: usize = 256 << 10;

/// How long a provider is left in peace before each further try in place: most trouble of a model's
/// servers is over within seconds.
pub const IN_PLACE_PAUSES: [Duration; 2] = [Duration::from_secs(3), Duration::from_secs(8)];
/// The longest that a provider's own `Retry-After` is waited for in place: a person waits.
pub const IN_PLACE_LONGEST: Duration = Duration::from_secs(30);
/// How long a provider that could not answer is not asked first any more.
pub const COOLDOWN: Duration = Duration::from_secs(300);

/// How long a provider may take to stop in good order; then its processes are killed. The host waits
/// a second longer, and kills the container.
pub const INTERRUPT_GRACE: Duration = Duration::from_secs(4);
/// How long nobody may ask for anything before the providers' processes end. Their conversations
/// are gone on with at the next turn.
pub const PROVIDERS_REST_AFTER: Duration = Duration::from_secs(600);

/// Events that a provider may be ahead of the turn loop.
pub const PROVIDER_EVENTS: usize = 64;
/// Things said into one turn that may wait until the provider takes them; the rest is said to the
/// next turn.
pub const FOLLOW_UPS: usize = 16;

/// The first pause after a read that must be repeated; it doubles up to [`READ_PAUSE_MAX`].
pub const READ_PAUSE: Duration = Duration::from_millis(5);
/// The longest such pause: as long as the belt poll's.
pub const READ_PAUSE_MAX: Duration = Duration::from_secs(1);
/// How long unreadable rows are tried before the guest gives up, so that the host sees it.
pub const READ_GIVE_UP: Duration = Duration::from_secs(30);

/// The pause between two tries of a write that found no room.
pub const WRITE_PAUSE: Duration = Duration::from_secs(1);
/// How long such a write is tried before the guest gives up, so that the host sees it.
pub const WRITE_GIVE_UP: Duration = Duration::from_secs(60);

/// Longest sleep towards a row's due time: the wall clock may be set in between.
pub const DUE_SLEEP_MAX: Duration = Duration::from_secs(60);

/// Settled rows that stay in `outbound.db`: enough to look back on, small enough to copy.
pub const KEEP_ROWS: u32 = 200;
/// Rows that one pruning step takes out: about 20 ms, which a new message may have to wait.
pub const PRUNE_BATCH: u32 = 2_000;
/// Runs between two pruning passes.
pub const PRUNE_EVERY_RUNS: u32 = 100;
/// Quiet time after which a pass is made for fewer runs than that.
pub const PRUNE_WHEN_IDLE_FOR: Duration = Duration::from_secs(30);

/// Longest error text in an ack, in characters; it is shown in chats.
pub const ERROR_CHARS: usize = 2_000;

/// Largest file that goes out; the host refuses more.
pub const FILE_BYTES: u64 = 25 << 20;
/// Most bytes of files with one message; the host refuses more.
pub const MESSAGE_FILE_BYTES: u64 = 100 << 20;
/// Most files with one message.
pub const MESSAGE_FILES: usize = 100;
/// The shortest pause of the belt poll, just after a wake.
pub const BELT_MIN: Duration = Duration::from_millis(5);
/// The longest pause of the belt poll where nothing else wakes: a person waits for an answer.
pub const BELT_MAX: Duration = Duration::from_secs(1);
/// The longest pause once inotify has been seen to work here: 20 idle guests and their host
/// together stay below a thousandth of the machine.
pub const BELT_MAX_PROVEN: Duration = Duration::from_secs(15);

/// Most chunks that the echo provider streams for one message.
pub const ECHO_CHUNKS: usize = 10_000;

/// Largest file that it makes: more than [`FILE_BYTES`], so that the refusal can be shown.
pub const ECHO_FILE_BYTES: usize = 32 << 20;

/// Longest text that a tool takes: written as JSON, six bytes for each at worst, it still fits a
/// row. What is longer is a file.
pub const TOOL_TEXT_BYTES: usize = 128 << 10;
/// Most items of a list that a tool takes; each list has a tighter bound where it is used.
pub const TOOL_ITEMS: usize = 100;
/// Longest line of JSON-RPC: a text of [`TOOL_TEXT_BYTES`], escaped, with all that goes with it.
pub const TOOL_LINE_BYTES: usize = 1 << 20;
/// Connections to the tools at once: the runtime, its sub-agents, and one that is being replaced.
pub const TOOL_CONNECTIONS: usize = 8;
/// Longest emoji, or name of one; the host refuses more.
pub const EMOJI_BYTES: usize = 64;
/// Most options of a question; the host refuses more.
pub const OPTIONS: usize = 25;
/// Longest option of a question; the host refuses more.
pub const OPTION_BYTES: usize = 200;

/// Messages, each way, that a search looks through: what a host's mailbox and some months of its
/// history hold, read in some tens of milliseconds.
pub const SEARCHED_ROWS: u32 = 2_000;
/// Words of a search that count.
pub const SEARCH_WORDS: usize = 16;
/// How many messages a search shows when nothing is said about it.
pub const FOUND_USUALLY: usize = 10;
/// How many it shows at most: a page that a model still reads.
pub const FOUND_MOST: usize = 50;
/// What of a message a search shows.
pub const FOUND_CHARS: usize = 400;

/// Messages that a hand-off tells.
pub const HANDOFF_MESSAGES: usize = 20;
/// What of each of them it tells, in characters.
pub const HANDOFF_CHARS: usize = 2_000;
/// Things done that it tells; who did more has left traces that can be looked at.
pub const HANDOFF_DONE: usize = 100;
/// What of each of them it tells, in characters.
pub const HANDOFF_DONE_CHARS: usize = 300;

/// What of a message that is answered is quoted, in characters.
pub const QUOTE_CHARS: usize = 500;

/// Longest name of a destination that an error repeats.
pub const NAME_CHARS: usize = 64;

/// How long a task's script may take: it looks whether there is work, it does not do it.
pub const SCRIPT_TIME: Duration = Duration::from_secs(30);
/// What it may write: a page of the web, or a log of a day.
pub const SCRIPT_OUTPUT: usize = 1 << 20;
/// What of its complaints is told.
pub const SCRIPT_WORDS: usize = 1_000;
/// How soon its end, and a stop, are noticed.
pub const SCRIPT_GLANCE_MS: u16 = 20;

/// Longest line of a runtime: a file that a tool has read comes whole, and grows by escaping.
pub const CHILD_LINE: usize = 8 << 20;
/// What is kept of its complaints: the end of them, where the reason stands.
pub const CHILD_WORDS: usize = 8 << 10;
/// Lines that may wait until it reads them: it is told a handful in a turn.
pub const CHILD_QUEUE: usize = 64;
/// How long it may take to end once its input has ended: it writes its transcript then.
pub const CHILD_EOF_GRACE: Duration = Duration::from_secs(3);
/// How long it may take to end once it was asked by a signal.
pub const CHILD_TERM_GRACE: Duration = Duration::from_secs(2);
/// How long after the end of its output it may take to have a status.
pub const CHILD_STATUS_GRACE: Duration = Duration::from_secs(1);
/// How soon its end is noticed where nothing tells of it.
pub const CHILD_GLANCE: Duration = Duration::from_millis(5);
/// How often whoever belongs to it is looked for until nobody is left: each look ends all that it
/// finds, so more are needed only by those that multiply meanwhile.
pub const CHILD_LOOKS: usize = 16;

/// How long Claude Code may take from its start to its first answer; a busy machine needs seconds.
pub const CLAUDE_START: Duration = Duration::from_secs(60);
/// Lines of one turn that are no lines of its protocol: a stray print of a library, or noise.
pub const GARBAGE_LINES: usize = 50;
/// Largest picture that is shown to a model; the interface takes no more.
pub const PICTURE_BYTES: u64 = 5 << 20;
/// Most pictures of a turn: a request has a bound of its own, and old ones stay in it.
pub const PICTURES: usize = 10;
/// Longest line about what a tool does, in characters.
pub const TOOL_CHARS: usize = 200;
/// Bytes on their way between a runtime and our tools; more wait.
pub const TOOL_PIPE: usize = 64 << 10;

/// How long Codex may take until it is ready: it opens its databases and looks for a conversation,
/// on a disk that may be slow.
pub const CODEX_OPEN: Duration = Duration::from_secs(30);
/// How long it may take to answer anything else: it answers within milliseconds.
pub const CODEX_ANSWER: Duration = Duration::from_secs(10);
/// How long the tools of a stopped turn may take to say that they have ended, before they are ended
/// once more; a stop that is not confirmed in five seconds ends the process.
pub const CODEX_CLEAN: Duration = Duration::from_secs(1);
/// What it was told about itself, as it is remembered; no prompt is longer.
pub const CODEX_TOLD: u64 = 1 << 20;

/// Calls to the models that are under way at once: as many as the host takes of one session.
pub const MODEL_CALLS: usize = 32;
/// How long a call waits for a host that is being started again.
pub const MODEL_SOCKET_PATIENCE: Duration = Duration::from_secs(60);
/// How soon it is noticed that the host is back.
pub const MODEL_SOCKET_GLANCE: Duration = Duration::from_millis(100);
