-- Version 1 of inbound.db: the host writes, the guest reads.
-- Names of tables and columns are those of NanoClaw v2's session databases; what is ours is nullable.
CREATE TABLE messages_in (
  id                TEXT PRIMARY KEY NOT NULL,
  seq               INTEGER NOT NULL UNIQUE CHECK (seq % 2 = 0),
  kind              TEXT NOT NULL,
  timestamp         TEXT NOT NULL,
  status            TEXT NOT NULL DEFAULT 'pending',
  process_after     TEXT,
  recurrence        TEXT,
  series_id         TEXT,
  tries             INTEGER NOT NULL DEFAULT 0,
  trigger           INTEGER NOT NULL DEFAULT 1,
  platform_id       TEXT,
  channel_type      TEXT,
  thread_id         TEXT,
  content           TEXT NOT NULL,
  source_session_id TEXT,
  on_wake           INTEGER NOT NULL DEFAULT 0,
  sender_id         TEXT,
  solo              INTEGER NOT NULL DEFAULT 0,
  client_id         TEXT UNIQUE,
  queue_pos         INTEGER,
  inbox             TEXT,
  digest            TEXT
) STRICT;
CREATE INDEX messages_in_due ON messages_in (status, process_after);
CREATE INDEX messages_in_series ON messages_in (series_id) WHERE series_id IS NOT NULL;

CREATE TABLE delivered (
  message_out_id      TEXT PRIMARY KEY NOT NULL,
  platform_message_id TEXT,
  status              TEXT NOT NULL,
  delivered_at        TEXT,
  attempts            INTEGER NOT NULL DEFAULT 0,
  next_attempt_at     TEXT,
  error               TEXT
) STRICT;

CREATE TABLE destinations (
  name           TEXT PRIMARY KEY NOT NULL,
  display_name   TEXT,
  type           TEXT NOT NULL,
  channel_type   TEXT,
  platform_id    TEXT,
  thread_id      TEXT,
  agent_group_id TEXT
) STRICT;

CREATE TABLE session_routing (
  id           INTEGER PRIMARY KEY CHECK (id = 1),
  channel_type TEXT,
  platform_id  TEXT,
  thread_id    TEXT
) STRICT;

CREATE TABLE controls (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  kind       TEXT NOT NULL,
  run_id     TEXT,
  args       TEXT,
  created_at TEXT NOT NULL
) STRICT;

-- What idempotency remembers of rows that have moved to history.db.
CREATE TABLE seen (
  id        TEXT PRIMARY KEY NOT NULL,
  client_id TEXT UNIQUE,
  digest    TEXT,
  at        TEXT NOT NULL
) STRICT, WITHOUT ROWID;
