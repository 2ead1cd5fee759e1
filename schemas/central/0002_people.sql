-- Version 2 of the central database: who may, who engages when, what waits for a person's answer.

-- What the model is told and where it works; a wiring's word beats the agent's.
ALTER TABLE agents ADD COLUMN prompt TEXT;
ALTER TABLE agents ADD COLUMN model TEXT;
-- A folder inside the container.
ALTER TABLE agents ADD COLUMN work_dir TEXT;
-- How much of the operator's commands the agent may use.
ALTER TABLE agents ADD COLUMN cli_scope TEXT NOT NULL DEFAULT 'disabled'
  CHECK (cli_scope IN ('disabled', 'own', 'all'));

ALTER TABLE rooms ADD COLUMN is_group INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN unknown_sender_policy TEXT NOT NULL DEFAULT 'strict'
  CHECK (unknown_sender_policy IN ('strict', 'request_approval', 'public'));
-- Since when the owner does not want to be asked about this room.
ALTER TABLE rooms ADD COLUMN denied_at TEXT;

ALTER TABLE wirings ADD COLUMN engage_mode TEXT NOT NULL DEFAULT 'pattern'
  CHECK (engage_mode IN ('pattern', 'mention', 'mention-sticky'));
-- A regular expression; NULL is always.
ALTER TABLE wirings ADD COLUMN engage_pattern TEXT;
ALTER TABLE wirings ADD COLUMN sender_scope TEXT NOT NULL DEFAULT 'all'
  CHECK (sender_scope IN ('all', 'known'));
ALTER TABLE wirings ADD COLUMN ignored_message_policy TEXT NOT NULL DEFAULT 'drop'
  CHECK (ignored_message_policy IN ('drop', 'accumulate'));
ALTER TABLE wirings ADD COLUMN prompt TEXT;
ALTER TABLE wirings ADD COLUMN model TEXT;
ALTER TABLE wirings ADD COLUMN work_dir TEXT;
-- Added to the prompt, whichever it is.
ALTER TABLE wirings ADD COLUMN instructions TEXT;

-- A person set this for one session (/model).
ALTER TABLE sessions ADD COLUMN model TEXT;

CREATE TABLE persons (
  id         TEXT PRIMARY KEY NOT NULL,
  name       TEXT NOT NULL,
  created_at TEXT NOT NULL
) STRICT;

-- The names under which platforms know a person: <channel>:<the platform's id>.
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

-- Senders about whom nobody wants to be asked again.
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

-- Messages that wait for an approval, to be routed again once it is given.
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

-- Who wrote to whom among agents: the way back, and how often a thought went round.
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
