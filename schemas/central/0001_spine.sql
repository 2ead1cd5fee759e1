-- The central database, first version. Host only; WAL + FULL.
CREATE TABLE meta (
  key   TEXT PRIMARY KEY NOT NULL,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE agents (
  id           TEXT PRIMARY KEY NOT NULL,
  name         TEXT NOT NULL UNIQUE,
  folder       TEXT NOT NULL UNIQUE,
  provider     TEXT NOT NULL,
  image        TEXT,
  memory_bytes INTEGER NOT NULL,
  milli_cpus   INTEGER NOT NULL,
  pids         INTEGER NOT NULL,
  gid_index    INTEGER NOT NULL UNIQUE,
  created_at   TEXT NOT NULL
) STRICT;

CREATE TABLE rooms (
  id           TEXT PRIMARY KEY NOT NULL,
  channel_type TEXT NOT NULL,
  platform_id  TEXT NOT NULL,
  name         TEXT,
  created_at   TEXT NOT NULL,
  UNIQUE (channel_type, platform_id)
) STRICT;

CREATE TABLE wirings (
  id           TEXT PRIMARY KEY NOT NULL,
  room_id      TEXT NOT NULL REFERENCES rooms (id),
  agent_id     TEXT NOT NULL REFERENCES agents (id),
  session_mode TEXT NOT NULL CHECK (session_mode IN ('shared', 'per-thread', 'agent-shared')),
  priority     INTEGER NOT NULL DEFAULT 0,
  is_primary   INTEGER NOT NULL DEFAULT 0,
  trusted      INTEGER NOT NULL DEFAULT 0,
  created_at   TEXT NOT NULL,
  UNIQUE (room_id, agent_id)
) STRICT;

CREATE TABLE sessions (
  id          TEXT PRIMARY KEY NOT NULL,
  agent_id    TEXT NOT NULL REFERENCES agents (id),
  room_id     TEXT REFERENCES rooms (id),
  thread_id   TEXT,
  mode        TEXT NOT NULL,
  key         TEXT NOT NULL,
  status      TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'archived')),
  uid_index   INTEGER NOT NULL UNIQUE,
  -- 1 while nothing needs to be looked at after a crash: no container, no open row.
  clean       INTEGER NOT NULL DEFAULT 1,
  -- Why the session was set aside; NULL while it is in order.
  set_aside   TEXT,
  last_active TEXT,
  created_at  TEXT NOT NULL
) STRICT;
-- Two messages at once make one session; an archived one frees its key.
CREATE UNIQUE INDEX sessions_key ON sessions (key) WHERE status = 'active';
CREATE INDEX sessions_unclean ON sessions (clean) WHERE clean = 0;

CREATE TABLE runs (
  run_id      TEXT PRIMARY KEY NOT NULL,
  session_id  TEXT NOT NULL REFERENCES sessions (id),
  message_ids TEXT NOT NULL,
  state       TEXT NOT NULL,
  outcome     TEXT,
  reason      TEXT,
  usage       TEXT,
  started_at  TEXT NOT NULL,
  ended_at    TEXT
) STRICT;
CREATE INDEX runs_of_session ON runs (session_id);

-- Messages that no agent got, so that silence can be explained.
CREATE TABLE drops (
  channel_type TEXT NOT NULL,
  platform_id  TEXT NOT NULL,
  sender_id    TEXT NOT NULL,
  reason       TEXT NOT NULL,
  count        INTEGER NOT NULL DEFAULT 1,
  first_seen   TEXT NOT NULL,
  last_seen    TEXT NOT NULL,
  PRIMARY KEY (channel_type, platform_id, sender_id, reason)
) STRICT, WITHOUT ROWID;

-- Decisions that are not plain chatter.
CREATE TABLE audit (
  id      INTEGER PRIMARY KEY,
  at      TEXT NOT NULL,
  who     TEXT NOT NULL,
  what    TEXT NOT NULL,
  on_what TEXT NOT NULL,
  detail  TEXT
) STRICT;

-- When a sleeping session must be looked at; one row each, ordered by time.
CREATE TABLE due (
  session_id TEXT PRIMARY KEY NOT NULL REFERENCES sessions (id),
  at         TEXT NOT NULL
) STRICT;
CREATE INDEX due_at ON due (at);
