-- central.db, version 4

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
, prompt TEXT, model TEXT, work_dir TEXT, cli_scope TEXT NOT NULL DEFAULT 'disabled'
  CHECK (cli_scope IN ('disabled', 'own', 'all')), max_containers INTEGER, keep_days INTEGER, disk_bytes INTEGER, fallbacks TEXT, after_side_effects TEXT NOT NULL DEFAULT 'handoff'
  CHECK (after_side_effects IN ('handoff', 'fail'))) STRICT;

CREATE TABLE rooms (
  id           TEXT PRIMARY KEY NOT NULL,
  channel_type TEXT NOT NULL,
  platform_id  TEXT NOT NULL,
  name         TEXT,
  created_at   TEXT NOT NULL, is_group INTEGER NOT NULL DEFAULT 0, unknown_sender_policy TEXT NOT NULL DEFAULT 'strict'
  CHECK (unknown_sender_policy IN ('strict', 'request_approval', 'public')), denied_at TEXT,
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
  created_at   TEXT NOT NULL, engage_mode TEXT NOT NULL DEFAULT 'pattern'
  CHECK (engage_mode IN ('pattern', 'mention', 'mention-sticky')), engage_pattern TEXT, sender_scope TEXT NOT NULL DEFAULT 'all'
  CHECK (sender_scope IN ('all', 'known')), ignored_message_policy TEXT NOT NULL DEFAULT 'drop'
  CHECK (ignored_message_policy IN ('drop', 'accumulate')), prompt TEXT, model TEXT, work_dir TEXT, instructions TEXT,
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
, model TEXT, oldest_at TEXT) STRICT;

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

CREATE TABLE persons (
  id         TEXT PRIMARY KEY NOT NULL,
  name       TEXT NOT NULL,
  created_at TEXT NOT NULL
) STRICT;

CREATE TABLE person_ids (
  platform_id TEXT PRIMARY KEY NOT NULL,
  person_id   TEXT NOT NULL REFERENCES persons (id),
  added_at    TEXT NOT NULL
) STRICT;

CREATE INDEX person_ids_of ON person_ids (person_id);

CREATE TABLE roles (
  person_id  TEXT NOT NULL REFERENCES persons (id),
  role       TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
  -- NULL is every agent.
  agent_id   TEXT REFERENCES agents (id),
  granted_by TEXT NOT NULL,
  granted_at TEXT NOT NULL,
  CHECK (role != 'owner' OR agent_id IS NULL),
  CHECK (role != 'member' OR agent_id IS NOT NULL)
) STRICT;

CREATE UNIQUE INDEX roles_once ON roles (person_id, role, coalesce(agent_id, ''));

CREATE INDEX roles_on ON roles (agent_id);

CREATE TABLE denials (
  room_id   TEXT NOT NULL REFERENCES rooms (id),
  sender_id TEXT NOT NULL,
  denied_by TEXT NOT NULL,
  denied_at TEXT NOT NULL,
  PRIMARY KEY (room_id, sender_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE approvals (
  id           TEXT PRIMARY KEY NOT NULL,
  -- The whole action as JSON; what is carried out is this text and nothing else.
  action       TEXT NOT NULL,
  -- SHA-256 of `action`: who answers names what was shown.
  digest       TEXT NOT NULL,
  -- Two askings about the same thing are one while it waits.
  subject      TEXT NOT NULL,
  requested_by TEXT NOT NULL,
  agent_id     TEXT REFERENCES agents (id),
  session_id   TEXT REFERENCES sessions (id),
  -- The guest's own id of its request.
  request_id   TEXT,
  -- Where it was asked, as JSON: what came of it is told there.
  asked_at     TEXT,
  status       TEXT NOT NULL DEFAULT 'pending'
    CHECK (status IN ('pending', 'approved', 'rejected', 'expired')),
  created_at   TEXT NOT NULL,
  remind_at    TEXT,
  expires_at   TEXT NOT NULL,
  decided_by   TEXT,
  decided_at   TEXT,
  reason       TEXT,
  -- What was chosen beside the yes, as JSON: the agent for a room.
  choice       TEXT,
  -- What came of carrying it out; an approved row without it is carried out again after a crash.
  result       TEXT,
  -- When the asker was told; until then it is told again.
  told_at      TEXT
) STRICT;

CREATE UNIQUE INDEX approvals_once ON approvals (subject) WHERE status = 'pending';

CREATE INDEX approvals_pending ON approvals (expires_at) WHERE status = 'pending';

CREATE INDEX approvals_untold ON approvals (id) WHERE status != 'pending' AND told_at IS NULL;

CREATE TABLE held_messages (
  approval_id TEXT NOT NULL REFERENCES approvals (id),
  message_id  TEXT NOT NULL,
  message     TEXT NOT NULL,
  at          TEXT NOT NULL,
  PRIMARY KEY (approval_id, message_id)
) STRICT;

CREATE TABLE questions (
  -- <session>:<the guest's question id>
  id          TEXT PRIMARY KEY NOT NULL,
  session_id  TEXT NOT NULL REFERENCES sessions (id),
  message_out TEXT NOT NULL,
  question    TEXT NOT NULL,
  asked_at    TEXT NOT NULL,
  answer      TEXT,
  answered_by TEXT,
  answered_at TEXT,
  -- The id of the row that brings the answer: a chat message's own, so that its repeat is none.
  answer_row  TEXT,
  -- When the answer stood in the session's file; until then it is put there again.
  told_at     TEXT
) STRICT;

CREATE INDEX questions_open ON questions (session_id) WHERE answered_at IS NULL;

CREATE INDEX questions_untold ON questions (id) WHERE answered_at IS NOT NULL AND told_at IS NULL;

CREATE TABLE destinations (
  agent_id        TEXT NOT NULL REFERENCES agents (id),
  name            TEXT NOT NULL,
  display_name    TEXT,
  room_id         TEXT REFERENCES rooms (id),
  thread_id       TEXT,
  target_agent_id TEXT REFERENCES agents (id),
  -- The wiring that it came with and goes with; NULL was made by hand.
  wiring_id       TEXT REFERENCES wirings (id),
  created_at      TEXT NOT NULL,
  PRIMARY KEY (agent_id, name),
  CHECK ((room_id IS NULL) != (target_agent_id IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE peer_messages (
  id           TEXT PRIMARY KEY NOT NULL,
  from_session TEXT NOT NULL REFERENCES sessions (id),
  to_session   TEXT NOT NULL REFERENCES sessions (id),
  hops         INTEGER NOT NULL,
  at           TEXT NOT NULL
) STRICT;

CREATE INDEX peer_messages_to ON peer_messages (to_session, from_session);

CREATE INDEX peer_messages_from ON peer_messages (from_session, at);

CREATE INDEX audit_at ON audit (at);

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

CREATE TABLE obeyed (
  command TEXT PRIMARY KEY NOT NULL,
  at      TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE told (
  session_id TEXT NOT NULL REFERENCES sessions (id),
  message_id TEXT NOT NULL,
  what       TEXT NOT NULL CHECK (what IN ('waits', 'takes_long')),
  at         TEXT NOT NULL,
  PRIMARY KEY (session_id, message_id, what)
) STRICT, WITHOUT ROWID;

CREATE TABLE untold_ends (
  run_id       TEXT PRIMARY KEY NOT NULL,
  session_id   TEXT NOT NULL REFERENCES sessions (id),
  channel_type TEXT,
  platform_id  TEXT,
  thread_id    TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX untold_ends_of_session ON untold_ends (session_id);

CREATE INDEX sessions_oldest ON sessions (agent_id, oldest_at) WHERE oldest_at IS NOT NULL;

CREATE INDEX runs_ended ON runs (ended_at) WHERE ended_at IS NOT NULL;

INSERT INTO meta VALUES ('install', 'inst-01h455vb4pex5vsknk084sn02q');
INSERT INTO agents VALUES ('agent-01h455vb4pex5vsknk084sn02q', 'andy', 'andy', 'echo', NULL, 2147483648, 2000, 512, 1, '2026-01-02T03:04:05.678Z', 'be brief', 'small', '/workspace/agent', 'own', 3, 90, 10737418240, '[{"provider":"codex","model":"small"},{"provider":"echo"}]', 'fail');
INSERT INTO agents VALUES ('agent-01h455vb4pex5vsknk084sn02r', 'béa', 'bea', 'echo', 'node:22', 1073741824, 500, 64, 2, '2026-01-02T03:04:06.000Z', NULL, NULL, NULL, 'disabled', NULL, NULL, NULL, NULL, 'handoff');
INSERT INTO rooms VALUES ('room-01h455vb4pex5vsknk084sn02q', 'terminal', 'andy', 'andy', '2026-01-02T03:04:05.678Z', 0, 'strict', NULL);
INSERT INTO rooms VALUES ('room-01h455vb4pex5vsknk084sn02r', 'slack', 'C1', NULL, '2026-01-02T03:04:06.000Z', 1, 'request_approval', NULL);
INSERT INTO rooms VALUES ('room-01h455vb4pex5vsknk084sn02s', 'slack', 'C9', NULL, '2026-01-02T03:04:06.000Z', 0, 'strict', '2026-01-02T03:04:07.000Z');
INSERT INTO wirings VALUES ('wire-01h455vb4pex5vsknk084sn02q', 'room-01h455vb4pex5vsknk084sn02q', 'agent-01h455vb4pex5vsknk084sn02q', 'shared', 0, 1, 1, '2026-01-02T03:04:05.678Z', 'pattern', NULL, 'all', 'drop', NULL, NULL, NULL, NULL);
INSERT INTO wirings VALUES ('wire-01h455vb4pex5vsknk084sn02r', 'room-01h455vb4pex5vsknk084sn02r', 'agent-01h455vb4pex5vsknk084sn02q', 'per-thread', 7, 0, 0, '2026-01-02T03:04:06.000Z', 'mention-sticky', NULL, 'known', 'accumulate', NULL, NULL, NULL, 'answer [NO_REPLY] unless asked');
INSERT INTO wirings VALUES ('wire-01h455vb4pex5vsknk084sn02s', 'room-01h455vb4pex5vsknk084sn02r', 'agent-01h455vb4pex5vsknk084sn02r', 'agent-shared', 0, 0, 0, '2026-01-02T03:04:06.000Z', 'pattern', NULL, 'all', 'drop', NULL, NULL, NULL, NULL);
INSERT INTO sessions VALUES ('sess-01h455vb4pex5vsknk084sn02q', 'agent-01h455vb4pex5vsknk084sn02q', 'room-01h455vb4pex5vsknk084sn02q', NULL, 'shared', 'k1', 'active', 1, 1, NULL, NULL, '2026-01-02T03:04:05.678Z', NULL, '2026-01-02T03:04:05.678Z');
INSERT INTO sessions VALUES ('sess-01h455vb4pex5vsknk084sn02r', 'agent-01h455vb4pex5vsknk084sn02q', 'room-01h455vb4pex5vsknk084sn02r', 't1', 'per-thread', 'k2', 'active', 2, 0, 'a view stands where a table should', '2026-01-02T03:04:07.000Z', '2026-01-02T03:04:06.000Z', 'large', '2026-01-02T03:04:06.000Z');
INSERT INTO sessions VALUES ('sess-01h455vb4pex5vsknk084sn02s', 'agent-01h455vb4pex5vsknk084sn02r', NULL, NULL, 'agent-shared', 'k1', 'archived', 3, 1, NULL, '2026-01-02T03:04:07.000Z', '2026-01-02T03:04:06.000Z', NULL, '2026-01-02T03:04:06.000Z');
INSERT INTO runs VALUES ('01h455vb4pex5vsknk084sn02q', 'sess-01h455vb4pex5vsknk084sn02q', '["m1","m2"]', 'settled', 'completed', NULL, NULL, '2026-01-02T03:04:06.000Z', '2026-01-02T03:04:07.000Z');
INSERT INTO runs VALUES ('01h455vb4pex5vsknk084sn02r', 'sess-01h455vb4pex5vsknk084sn02r', '["m3"]', 'settled', 'failed', 'overloaded', '{}', '2026-01-02T03:04:06.000Z', '2026-01-02T03:04:07.000Z');
INSERT INTO runs VALUES ('01h455vb4pex5vsknk084sn02s', 'sess-01h455vb4pex5vsknk084sn02r', '["m4"]', 'open', NULL, NULL, NULL, '2026-01-02T03:04:08.000Z', NULL);
INSERT INTO drops VALUES ('slack', 'C9', 'slack:U1', 'unwired', 3, '2026-01-02T03:04:05.678Z', '2026-01-02T03:04:09.000Z');
INSERT INTO audit VALUES (1, '2026-01-02T03:04:05.678Z', 'owner', 'create', 'agent andy', NULL);
INSERT INTO audit VALUES (2, '2026-01-02T03:04:06.000Z', 'owner', 'reset', 'session k2', '{"why":"hostile"}');
INSERT INTO due VALUES ('sess-01h455vb4pex5vsknk084sn02r', '2026-01-03T09:00:00.000Z');
INSERT INTO persons VALUES ('pers-01h455vb4pex5vsknk084sn02q', 'Alice', '2026-01-02T03:04:05.678Z');
INSERT INTO person_ids VALUES ('slack:U1', 'pers-01h455vb4pex5vsknk084sn02q', '2026-01-02T03:04:06.000Z');
INSERT INTO person_ids VALUES ('terminal:owner', 'pers-01h455vb4pex5vsknk084sn02q', '2026-01-02T03:04:05.678Z');
INSERT INTO roles VALUES ('pers-01h455vb4pex5vsknk084sn02q', 'member', 'agent-01h455vb4pex5vsknk084sn02q', 'operator', '2026-01-02T03:04:05.678Z');
INSERT INTO roles VALUES ('pers-01h455vb4pex5vsknk084sn02q', 'owner', NULL, 'operator', '2026-01-02T03:04:05.678Z');
INSERT INTO denials VALUES ('room-01h455vb4pex5vsknk084sn02r', 'slack:U9', 'pers-01h455vb4pex5vsknk084sn02q', '2026-01-02T03:04:08.000Z');
INSERT INTO approvals VALUES ('appr-01h455vb4pex5vsknk084sn02q', '{"kind":"connect_room"}', 'd1', 'room:slack:C1', 'slack:U2', NULL, NULL, NULL, NULL, 'pending', '2026-01-02T03:04:08.000Z', '2026-01-02T15:04:08.000Z', '2026-01-03T03:04:08.000Z', NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO approvals VALUES ('appr-01h455vb4pex5vsknk084sn02r', '{"kind":"guest"}', 'd2', 'guest:s:r1', 'agent andy', 'agent-01h455vb4pex5vsknk084sn02q', 'sess-01h455vb4pex5vsknk084sn02q', 'r1', '{"channel_type":"slack","platform_id":"C1","thread_id":"t1"}', 'rejected', '2026-01-02T03:04:08.000Z', NULL, '2026-01-03T03:04:08.000Z', 'pers-01h455vb4pex5vsknk084sn02q', '2026-01-02T03:05:00.000Z', 'not now', NULL, NULL, '2026-01-02T03:05:01.000Z');
INSERT INTO held_messages VALUES ('appr-01h455vb4pex5vsknk084sn02q', 'p1', '{"text":"hello"}', '2026-01-02T03:04:08.000Z');
INSERT INTO questions VALUES ('sess-01h455vb4pex5vsknk084sn02q:q1', 'sess-01h455vb4pex5vsknk084sn02q', 'out-1', '{"question":"Which?"}', '2026-01-02T03:04:08.000Z', 'blue', 'pers-01h455vb4pex5vsknk084sn02q', '2026-01-02T03:04:09.000Z', 'p9:agent-01h455vb4pex5vsknk084sn02q', NULL);
INSERT INTO destinations VALUES ('agent-01h455vb4pex5vsknk084sn02q', 'bea', NULL, NULL, NULL, 'agent-01h455vb4pex5vsknk084sn02r', NULL, '2026-01-02T03:04:06.000Z');
INSERT INTO destinations VALUES ('agent-01h455vb4pex5vsknk084sn02q', 'ops', 'Operations', 'room-01h455vb4pex5vsknk084sn02r', 't1', NULL, 'wire-01h455vb4pex5vsknk084sn02r', '2026-01-02T03:04:06.000Z');
INSERT INTO peer_messages VALUES ('peer-1', 'sess-01h455vb4pex5vsknk084sn02q', 'sess-01h455vb4pex5vsknk084sn02s', 1, '2026-01-02T03:04:08.000Z');
INSERT INTO tasks VALUES ('task-01h455vb4pex5vsknk084sn02q', 'morning', 'agent-01h455vb4pex5vsknk084sn02q', 'room-01h455vb4pex5vsknk084sn02q', NULL, NULL, 'operator', 'water the plants', NULL, '0 8 * * *', NULL, 'Europe/Berlin', 'once', 'active', NULL, 0, '2026-01-03T07:00:00.000Z', 0, '2026-01-02T03:04:05.000Z');
INSERT INTO task_runs VALUES ('task-01h455vb4pex5vsknk084sn02q', '2026-01-02T07:00:00.000Z', 'sess-01h455vb4pex5vsknk084sn02q', NULL, '2026-01-02T07:00:00.010Z', NULL, NULL, '2026-01-02T07:00:02.000Z', 'completed', NULL);
INSERT INTO failed_posts VALUES ('sess-01h455vb4pex5vsknk084sn02q', 'out-9', 9, 'the channel refused it', '2026-01-02T03:04:09.000Z');
INSERT INTO failed_messages VALUES ('sess-01h455vb4pex5vsknk084sn02q', 'msg-4', '01h455vb4pex5vsknk084sn02r', 'no such model', '2026-01-02T03:04:10.000Z');
INSERT INTO obeyed VALUES ('slack:C1:7:agent-01h455vb4pex5vsknk084sn02q', '2026-01-02T03:04:12.000Z');
INSERT INTO told VALUES ('sess-01h455vb4pex5vsknk084sn02q', 'msg-4', 'waits', '2026-01-02T03:04:11.000Z');
INSERT INTO untold_ends VALUES ('01h455vb4pex5vsknk084sn02r', 'sess-01h455vb4pex5vsknk084sn02r', 'terminal', 'andy', NULL);

