-- Version 1 of outbound.db: the guest writes, the host reads a copy.
CREATE TABLE messages_out (
  id            TEXT PRIMARY KEY NOT NULL,
  seq           INTEGER NOT NULL UNIQUE CHECK (seq % 2 = 1),
  in_reply_to   TEXT,
  timestamp     TEXT NOT NULL,
  deliver_after TEXT,
  recurrence    TEXT,
  kind          TEXT NOT NULL,
  platform_id   TEXT,
  channel_type  TEXT,
  thread_id     TEXT,
  content       TEXT NOT NULL,
  run_id        TEXT
) STRICT;

CREATE TABLE processing_ack (
  message_id     TEXT PRIMARY KEY NOT NULL,
  status         TEXT NOT NULL,
  status_changed TEXT NOT NULL,
  run_id         TEXT,
  error          TEXT,
  tries          INTEGER NOT NULL DEFAULT 0,
  retry_at       TEXT
) STRICT;

CREATE TABLE session_state (
  key        TEXT PRIMARY KEY NOT NULL,
  value      TEXT,
  updated_at TEXT NOT NULL
) STRICT;

CREATE TABLE container_state (
  id                       INTEGER PRIMARY KEY CHECK (id = 1),
  current_tool             TEXT,
  tool_declared_timeout_ms INTEGER,
  tool_started_at          TEXT,
  updated_at               TEXT NOT NULL
) STRICT;

CREATE TABLE runs (
  run_id      TEXT PRIMARY KEY NOT NULL,
  status      TEXT NOT NULL,
  message_ids TEXT NOT NULL,
  started_at  TEXT NOT NULL,
  ended_at    TEXT,
  outcome     TEXT,
  error_code  TEXT,
  error_scope TEXT
) STRICT;

CREATE TABLE attempts (
  run_id             TEXT NOT NULL,
  n                  INTEGER NOT NULL,
  provider           TEXT NOT NULL,
  model              TEXT,
  native_session_id  TEXT,
  status             TEXT NOT NULL,
  started_at         TEXT NOT NULL,
  ended_at           TEXT,
  input_tokens       INTEGER,
  cache_read_tokens  INTEGER,
  cache_write_tokens INTEGER,
  output_tokens      INTEGER,
  reasoning_tokens   INTEGER,
  cost_usd           REAL,
  cost_known         INTEGER,
  error_code         TEXT,
  tools_started      INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (run_id, n)
) STRICT;

CREATE TABLE agent_sessions (
  provider       TEXT NOT NULL,
  model          TEXT,
  native_id      TEXT NOT NULL,
  status         TEXT NOT NULL,
  reason         TEXT,
  created_at     TEXT NOT NULL,
  last_active_at TEXT NOT NULL,
  PRIMARY KEY (provider, native_id)
) STRICT;

CREATE TABLE control_acks (
  id     INTEGER PRIMARY KEY,
  status TEXT NOT NULL,
  at     TEXT NOT NULL
) STRICT;
