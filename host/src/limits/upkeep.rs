//! Bounds of upkeep: copies, checks, backups, what is kept and how much may lie there.

use std::time::Duration;

use jiff::SignedDuration;

use crate::upkeep::walk::Bounds;

/// Copies of the central database that are kept of each kind: the newest may have been made of
/// what was wrong already, and it is noticed within days.
pub const COPIES: usize = 3;

/// Between two copies of the central database, and two looks at what is too old.
pub const EVERY: SignedDuration = SignedDuration::from_hours(24);

/// A host that just began has other things to do.
pub const FIRST: SignedDuration = SignedDuration::from_mins(5);

/// After a look that failed.
pub const AGAIN: SignedDuration = SignedDuration::from_hours(1);

/// Lines of what is wrong with a database that are shown: more say nothing new.
pub const COMPLAINTS: u32 = 5;

/// The central database is checked at each start up to this size, a third of a second's work;
/// past it the daily copy is what is checked.
pub const CHECKED_AT_START: u64 = 64 * 1024 * 1024;

/// Free bytes of the home's disk below which messages will soon be refused.
pub const FREE_PROBLEM: u64 = 100 * 1024 * 1024;

/// Free bytes below which somebody should look.
pub const FREE_WARNING: u64 = 1024 * 1024 * 1024;

/// Watches on files: one for each session that is awake, beside what else this user runs.
pub const INOTIFY_INSTANCES: u64 = 16;

/// The same, of files watched.
pub const INOTIFY_WATCHES: u64 = 1_024;

/// Open files of a host: each awake session holds four, each client one.
pub const OPEN_FILES: u64 = 1_024;

/// Names of sessions or folders that one finding lists.
pub const NAMED: usize = 5;

/// What a clock may go back before it is said: clocks are corrected by less.
pub const CLOCK_BACK: SignedDuration = SignedDuration::from_mins(2);

/// Entries of one folder that a backup takes: a large tree of dependencies has a tenth of it.
pub const BACKUP_BOUNDS: Bounds = Bounds { entries: 1_000_000, depth: 64 };

/// Files above this size that are mostly holes are left out of backups: a guest makes one of
/// terabytes for nothing.
pub const SPARSE_FROM: u64 = 16 * 1024 * 1024;

/// Entries that a backup names which it left out; it counts all.
pub const LEFT_OUT_SHOWN: usize = 100;

/// Times that a session with a full mailbox is asked for its moment.
pub const SNAPSHOT_TRIES: u32 = 50;

/// Between two of those.
pub const SNAPSHOT_PAUSE: Duration = Duration::from_millis(100);

/// Pieces of a backup on their way to the client: what is read ahead while it writes.
pub const BACKUP_PIECES: usize = 16;

/// One such piece.
pub const BACKUP_PIECE: usize = 64 * 1024;

/// Bytes of the texts of an archive that are read at once: head and manifest.
pub const ARCHIVE_TEXT: u64 = 16 * 1024 * 1024;

/// Rows that one step forgets: a transaction of some milliseconds.
pub const BATCH: u32 = 1_000;

/// Runs of agents that keep all they said: a year, and a month to compare it with.
pub const RUNS_KEPT: SignedDuration = SignedDuration::from_hours(24 * 400);

/// Decisions: who changed what, what was approved, what was answered.
pub const AUDIT_KEPT: SignedDuration = SignedDuration::from_hours(24 * 400);

/// What did not arrive: it is looked at within days, if at all.
pub const DROPS_KEPT: SignedDuration = SignedDuration::from_hours(24 * 90);

/// Who wrote to whom among agents: what bounds their talk looks back for minutes, and a post that is
/// tried again is known for a week.
pub const PEERS_KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);

/// How long ids of rows that are gone are remembered: platforms repeat a message for days at most.
pub const SEEN_KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);

/// What a session's folders may hold where its agent says nothing: a large repository with what it
/// builds.
pub const DISK_BYTES: u64 = 10 * 1024 * 1024 * 1024;

/// Files and folders that they may hold: five large trees of dependencies.
pub const DISK_ENTRIES: u64 = 500_000;

/// What one measuring looks at: a second of work at most.
pub const MEASURE_BOUNDS: Bounds = Bounds { entries: DISK_ENTRIES, depth: 256 };

/// Between two measurings of the sessions that are awake.
pub const MEASURE_EVERY: Duration = Duration::from_secs(60);

/// Measuring takes a hundredth of the time at most.
pub const MEASURE_SHARE: u32 = 100;
