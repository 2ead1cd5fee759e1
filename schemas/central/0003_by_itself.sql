-- Version 3 of the central database: what happens by itself, and what did not go well.

-- How many of an agent's containers may run at once; NULL is no cap of its own.
ALTER TABLE agents ADD COLUMN max_containers INTEGER;

-- Tasks: what is to be done at a time.
CREATE TABLE tasks (
  id         TEXT PRIMARY KEY NOT NULL,
  name       TEXT,
  agent_id   TEXT NOT NULL REFERENCES agents (id),
  -- Where it is done, and where the answer goes: the session of a message there.
  room_id    TEXT NOT NULL REFERENCES rooms (id),
  thread_id  TEXT,
  -- The key of the conversation in which an agent made it; NULL was made by a person.
  made_in    TEXT,
  made_by    TEXT NOT NULL,
  prompt     TEXT NOT NULL,
  -- Runs before the model, and may spare it.
  script     TEXT,
  -- A cron expression in the zone, or the one time.
  cron       TEXT,
  once_at    TEXT,
  zone       TEXT NOT NULL,
  missed     TEXT NOT NULL CHECK (missed IN ('skip', 'once', 'all')),
  status     TEXT NOT NULL DEFAULT 'active'
    CHECK (status IN ('active', 'paused', 'done', 'failed', 'cancelled')),
  -- Why it is paused, or failed.
  why        TEXT,
  -- 1 until people were told of that.
  untold     INTEGER NOT NULL DEFAULT 0,
  -- The scheduled time of the next occurrence.
  next_at    TEXT,
  -- Failed occurrences in a row.
  failures   INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL,
  CHECK ((cron IS NULL) != (once_at IS NULL))
) STRICT;

CREATE INDEX tasks_due ON tasks (next_at) WHERE status = 'active';

CREATE INDEX tasks_of ON tasks (agent_id);

CREATE INDEX tasks_in ON tasks (room_id);

CREATE INDEX tasks_untold ON tasks (id) WHERE untold = 1;

CREATE UNIQUE INDEX tasks_name ON tasks (agent_id, name)
  WHERE status IN ('active', 'paused') AND name IS NOT NULL;

-- What came of each time that a task was to be done.
CREATE TABLE task_runs (
  task_id    TEXT NOT NULL REFERENCES tasks (id),
  scheduled  TEXT NOT NULL,
  -- Chosen before anything is written there: a host that dies in between writes it to the same.
  session_id TEXT REFERENCES sessions (id),
  -- What is to be written, as JSON; NULL once the inbound row stands.
  message    TEXT,
  written_at TEXT,
  run_id     TEXT,
  started_at TEXT,
  ended_at   TEXT,
  outcome    TEXT
    CHECK (outcome IN ('completed', 'failed', 'cancelled', 'interrupted', 'skipped')),
  reason     TEXT,
  PRIMARY KEY (task_id, scheduled)
) STRICT, WITHOUT ROWID;

CREATE INDEX task_runs_unwritten ON task_runs (task_id) WHERE message IS NOT NULL;

CREATE INDEX task_runs_open ON task_runs (session_id) WHERE outcome IS NULL;

-- Posts that were given up.
CREATE TABLE failed_posts (
  session_id TEXT NOT NULL REFERENCES sessions (id),
  -- The guest's row.
  message_id TEXT NOT NULL,
  seq        INTEGER NOT NULL,
  reason     TEXT NOT NULL,
  at         TEXT NOT NULL,
  PRIMARY KEY (session_id, message_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX failed_posts_at ON failed_posts (at);

-- Messages in that were given up, until they are tried again.
CREATE TABLE failed_messages (
  session_id TEXT NOT NULL REFERENCES sessions (id),
  message_id TEXT NOT NULL,
  -- The run that ended over it.
  run_id     TEXT NOT NULL,
  reason     TEXT,
  at         TEXT NOT NULL,
  PRIMARY KEY (session_id, message_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX failed_messages_at ON failed_messages (at);

-- Commands of chats that were obeyed, by the platform's id and the agent.
CREATE TABLE obeyed (
  command TEXT PRIMARY KEY NOT NULL,
  at      TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What people were told once about a message that is not over.
CREATE TABLE told (
  session_id TEXT NOT NULL REFERENCES sessions (id),
  message_id TEXT NOT NULL,
  what       TEXT NOT NULL CHECK (what IN ('waits', 'takes_long')),
  at         TEXT NOT NULL,
  PRIMARY KEY (session_id, message_id, what)
) STRICT, WITHOUT ROWID;

-- Runs that did not go well, and whose rooms were not told so yet.
CREATE TABLE untold_ends (
  run_id       TEXT PRIMARY KEY NOT NULL,
  session_id   TEXT NOT NULL REFERENCES sessions (id),
  channel_type TEXT,
  platform_id  TEXT,
  thread_id    TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX untold_ends_of_session ON untold_ends (session_id);

-- What is kept, and for how long.

-- Days that an agent's messages, files, logs and runs are kept; 0 is forever, NULL the install's
-- word.
ALTER TABLE agents ADD COLUMN keep_days INTEGER;
-- Bytes that the folders of one of its sessions may hold; NULL is the install's word.
ALTER TABLE agents ADD COLUMN disk_bytes INTEGER;
-- When the oldest thing was said that may be thrown away; NULL is nothing.
ALTER TABLE sessions ADD COLUMN oldest_at TEXT;
UPDATE sessions SET oldest_at = created_at;

CREATE INDEX sessions_oldest ON sessions (agent_id, oldest_at) WHERE oldest_at IS NOT NULL;

CREATE INDEX runs_ended ON runs (ended_at) WHERE ended_at IS NOT NULL;
