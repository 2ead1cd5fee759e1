-- inbound.db, version 1

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

CREATE TABLE seen (
  id        TEXT PRIMARY KEY NOT NULL,
  client_id TEXT UNIQUE,
  digest    TEXT,
  at        TEXT NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO messages_in VALUES ('1001:agent-01h455vb4pex5vsknk084sn02q', 2, 'chat', '2026-01-02T03:04:05.678Z', 'pending', NULL, NULL, NULL, 0, 1, 'tty', 'terminal', NULL, '{"text":"hello"}', NULL, 0, NULL, 0, NULL, NULL, NULL, 'd1');
INSERT INTO messages_in VALUES ('task-1', 4, 'task', '2026-01-02T03:04:06.000Z', 'paused', '2026-01-03T09:00:00.000Z', '0 9 * * *', 'task-1', 2, 0, 'C1', 'slack', 't1', '{"prompt":"report"}', 'sess-01h455vb4pex5vsknk084sn02q', 1, 'alice', 1, 'client-1', 3, '01h455vb4pex5vsknk084sn02q', NULL);
INSERT INTO delivered VALUES ('out-1', 'p1', 'delivered', '2026-01-02T03:04:07.000Z', 1, NULL, NULL);
INSERT INTO delivered VALUES ('out-2', NULL, 'sending', NULL, 2, '2026-01-02T03:05:00.000Z', '429');
INSERT INTO destinations VALUES ('helper', NULL, 'agent', NULL, NULL, NULL, 'agent-01h455vb4pex5vsknk084sn02q');
INSERT INTO destinations VALUES ('home', 'Home', 'channel', 'terminal', 'tty', NULL, NULL);
INSERT INTO session_routing VALUES (1, 'terminal', 'tty', NULL);
INSERT INTO controls VALUES (1, 'abort', '01h455vb4pex5vsknk084sn02q', NULL, '2026-01-02T03:04:08.000Z');
INSERT INTO seen VALUES ('old', 'client-0', 'd0', '2026-01-01T00:00:00.000Z');

-- outbound.db, version 1

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

INSERT INTO messages_out VALUES ('out-1', 3, NULL, '2026-01-02T03:04:06.000Z', NULL, NULL, 'chat', NULL, NULL, NULL, '{"text":"hi"}', NULL);
INSERT INTO messages_out VALUES ('out-2', 5, 'task-1', '2026-01-02T03:04:07.000Z', '2026-01-03T00:00:00.000Z', NULL, 'chat-sdk', 'C1', 'slack', 't1', '{"text":"","files":["a.txt"]}', '01h455vb4pex5vsknk084sn02q');
INSERT INTO processing_ack VALUES ('1001', 'completed', '2026-01-02T03:04:07.000Z', '01h455vb4pex5vsknk084sn02q', NULL, 0, NULL);
INSERT INTO processing_ack VALUES ('task-1', 'retry', '2026-01-02T03:04:07.000Z', NULL, 'overloaded', 2, '2026-01-02T03:05:00.000Z');
INSERT INTO session_state VALUES ('continuation:echo', 'n1', '2026-01-02T03:04:07.000Z');
INSERT INTO container_state VALUES (1, 'bash', 60000, '2026-01-02T03:04:06.500Z', '2026-01-02T03:04:06.500Z');
INSERT INTO runs VALUES ('01h455vb4pex5vsknk084sn02q', 'ended', '["1001"]', '2026-01-02T03:04:06.000Z', '2026-01-02T03:04:07.000Z', 'completed', NULL, NULL);
INSERT INTO attempts VALUES ('01h455vb4pex5vsknk084sn02q', 1, 'echo', 'echo-1', 'n1', 'completed', '2026-01-02T03:04:06.000Z', '2026-01-02T03:04:07.000Z', 10, 1, 2, 3, 4, 0.5, 1, NULL, 1);
INSERT INTO agent_sessions VALUES ('echo', 'echo-1', 'n1', 'ready', NULL, '2026-01-02T03:04:06.000Z', '2026-01-02T03:04:07.000Z');
INSERT INTO control_acks VALUES (1, 'done', '2026-01-02T03:04:08.000Z');

