-- central.db, version 1

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

CREATE TABLE audit (
  id      INTEGER PRIMARY KEY,
  at      TEXT NOT NULL,
  who     TEXT NOT NULL,
  what    TEXT NOT NULL,
  on_what TEXT NOT NULL,
  detail  TEXT
) STRICT;

CREATE TABLE due (
  session_id TEXT PRIMARY KEY NOT NULL REFERENCES sessions (id),
  at         TEXT NOT NULL
) STRICT;

CREATE INDEX due_at ON due (at);

INSERT INTO meta VALUES ('install', 'inst-01h455vb4pex5vsknk084sn02q');
INSERT INTO agents VALUES ('agent-01h455vb4pex5vsknk084sn02q', 'andy', 'andy', 'echo', NULL, 2147483648, 2000, 512, 1, '2026-01-02T03:04:05.678Z');
INSERT INTO agents VALUES ('agent-01h455vb4pex5vsknk084sn02r', 'béa', 'bea', 'echo', 'node:22', 1073741824, 500, 64, 2, '2026-01-02T03:04:06.000Z');
INSERT INTO rooms VALUES ('room-01h455vb4pex5vsknk084sn02q', 'terminal', 'andy', 'andy', '2026-01-02T03:04:05.678Z');
INSERT INTO rooms VALUES ('room-01h455vb4pex5vsknk084sn02r', 'slack', 'C1', NULL, '2026-01-02T03:04:06.000Z');
INSERT INTO wirings VALUES ('wire-01h455vb4pex5vsknk084sn02q', 'room-01h455vb4pex5vsknk084sn02q', 'agent-01h455vb4pex5vsknk084sn02q', 'shared', 0, 1, 1, '2026-01-02T03:04:05.678Z');
INSERT INTO wirings VALUES ('wire-01h455vb4pex5vsknk084sn02r', 'room-01h455vb4pex5vsknk084sn02r', 'agent-01h455vb4pex5vsknk084sn02q', 'per-thread', 7, 0, 0, '2026-01-02T03:04:06.000Z');
INSERT INTO wirings VALUES ('wire-01h455vb4pex5vsknk084sn02s', 'room-01h455vb4pex5vsknk084sn02r', 'agent-01h455vb4pex5vsknk084sn02r', 'agent-shared', 0, 0, 0, '2026-01-02T03:04:06.000Z');
INSERT INTO sessions VALUES ('sess-01h455vb4pex5vsknk084sn02q', 'agent-01h455vb4pex5vsknk084sn02q', 'room-01h455vb4pex5vsknk084sn02q', NULL, 'shared', 'k1', 'active', 1, 1, NULL, NULL, '2026-01-02T03:04:05.678Z');
INSERT INTO sessions VALUES ('sess-01h455vb4pex5vsknk084sn02r', 'agent-01h455vb4pex5vsknk084sn02q', 'room-01h455vb4pex5vsknk084sn02r', 't1', 'per-thread', 'k2', 'active', 2, 0, 'a view stands where a table should', '2026-01-02T03:04:07.000Z', '2026-01-02T03:04:06.000Z');
INSERT INTO sessions VALUES ('sess-01h455vb4pex5vsknk084sn02s', 'agent-01h455vb4pex5vsknk084sn02r', NULL, NULL, 'agent-shared', 'k1', 'archived', 3, 1, NULL, '2026-01-02T03:04:07.000Z', '2026-01-02T03:04:06.000Z');
INSERT INTO runs VALUES ('01h455vb4pex5vsknk084sn02q', 'sess-01h455vb4pex5vsknk084sn02q', '["m1","m2"]', 'settled', 'completed', NULL, NULL, '2026-01-02T03:04:06.000Z', '2026-01-02T03:04:07.000Z');
INSERT INTO runs VALUES ('01h455vb4pex5vsknk084sn02r', 'sess-01h455vb4pex5vsknk084sn02r', '["m3"]', 'settled', 'failed', 'overloaded', '{}', '2026-01-02T03:04:06.000Z', '2026-01-02T03:04:07.000Z');
INSERT INTO runs VALUES ('01h455vb4pex5vsknk084sn02s', 'sess-01h455vb4pex5vsknk084sn02r', '["m4"]', 'open', NULL, NULL, NULL, '2026-01-02T03:04:08.000Z', NULL);
INSERT INTO drops VALUES ('slack', 'C9', 'slack:U1', 'unwired', 3, '2026-01-02T03:04:05.678Z', '2026-01-02T03:04:09.000Z');
INSERT INTO audit VALUES (1, '2026-01-02T03:04:05.678Z', 'owner', 'create', 'agent andy', NULL);
INSERT INTO audit VALUES (2, '2026-01-02T03:04:06.000Z', 'owner', 'reset', 'session k2', '{"why":"hostile"}');
INSERT INTO due VALUES ('sess-01h455vb4pex5vsknk084sn02r', '2026-01-03T09:00:00.000Z');

