//! What `doctor` says of what it finds.

/// Why the key is named.
pub const KEY_APART: &str = "no backup holds the key: keep a copy of it elsewhere";

/// What secrets that cannot be opened mean.
pub const NO_SECRETS: &str = "models that need a key are not asked; everything else goes on";

/// Where a host has never run.
pub const START_HERE: &str = "lazaret up makes it, or name another by --home";

/// When a home is none.
pub const OTHER_HOME: &str = "name another by --home";

/// What a disk without space means.
pub const DISK_FULL: &str = "messages are refused once the disk is full";

/// What folders without a row mean.
pub const ORPHAN_FOLDERS: &str = "their conversations are kept, and nothing reaches them: an older database was put back, \
     perhaps";

/// What runs mean that began and never ended.
pub const DEAD_RUNS: &str = "what was asked there may be unanswered, and a task waits for itself";

/// What to do with folders that nobody knows.
pub const MOVE_ORPHANS: &str = "move them elsewhere once you know that they are not needed";

/// What an engine that is away means.
pub const ENGINE_AWAY: &str = "messages are kept until it answers";

/// Below the help of `doctor`.
pub const DOCTOR_HELP: &str = "\
Nothing is changed. It works while a host runs, which is then asked for what only it
may open, and while none does. Exit code 0: nothing is a problem; 1: something is.";
