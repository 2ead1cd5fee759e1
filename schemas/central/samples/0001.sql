-- What an install of version 1 may hold: one row of each kind that looks different.
INSERT INTO meta (key, value) VALUES ('install', 'inst-01h455vb4pex5vsknk084sn02q');
INSERT INTO agents (id, name, folder, provider, image, memory_bytes, milli_cpus, pids, gid_index, created_at)
VALUES ('agent-01h455vb4pex5vsknk084sn02q', 'andy', 'andy', 'echo', NULL, 2147483648, 2000, 512, 1, '2026-01-02T03:04:05.678Z'),
       ('agent-01h455vb4pex5vsknk084sn02r', 'béa', 'bea', 'echo', 'node:22', 1073741824, 500, 64, 2, '2026-01-02T03:04:06.000Z');
INSERT INTO rooms (id, channel_type, platform_id, name, created_at)
VALUES ('room-01h455vb4pex5vsknk084sn02q', 'terminal', 'andy', 'andy', '2026-01-02T03:04:05.678Z'),
       ('room-01h455vb4pex5vsknk084sn02r', 'slack', 'C1', NULL, '2026-01-02T03:04:06.000Z');
INSERT INTO wirings (id, room_id, agent_id, session_mode, priority, is_primary, trusted, created_at)
VALUES ('wire-01h455vb4pex5vsknk084sn02q', 'room-01h455vb4pex5vsknk084sn02q', 'agent-01h455vb4pex5vsknk084sn02q', 'shared', 0, 1, 1, '2026-01-02T03:04:05.678Z'),
       ('wire-01h455vb4pex5vsknk084sn02r', 'room-01h455vb4pex5vsknk084sn02r', 'agent-01h455vb4pex5vsknk084sn02q', 'per-thread', 7, 0, 0, '2026-01-02T03:04:06.000Z'),
       ('wire-01h455vb4pex5vsknk084sn02s', 'room-01h455vb4pex5vsknk084sn02r', 'agent-01h455vb4pex5vsknk084sn02r', 'agent-shared', 0, 0, 0, '2026-01-02T03:04:06.000Z');
INSERT INTO sessions (id, agent_id, room_id, thread_id, mode, key, status, uid_index, clean, set_aside, last_active, created_at)
VALUES ('sess-01h455vb4pex5vsknk084sn02q', 'agent-01h455vb4pex5vsknk084sn02q', 'room-01h455vb4pex5vsknk084sn02q', NULL, 'shared', 'k1', 'active', 1, 1, NULL, NULL, '2026-01-02T03:04:05.678Z'),
       ('sess-01h455vb4pex5vsknk084sn02r', 'agent-01h455vb4pex5vsknk084sn02q', 'room-01h455vb4pex5vsknk084sn02r', 't1', 'per-thread', 'k2', 'active', 2, 0, 'a view stands where a table should', '2026-01-02T03:04:07.000Z', '2026-01-02T03:04:06.000Z'),
       ('sess-01h455vb4pex5vsknk084sn02s', 'agent-01h455vb4pex5vsknk084sn02r', NULL, NULL, 'agent-shared', 'k1', 'archived', 3, 1, NULL, '2026-01-02T03:04:07.000Z', '2026-01-02T03:04:06.000Z');
INSERT INTO runs (run_id, session_id, message_ids, state, outcome, reason, usage, started_at, ended_at)
VALUES ('01h455vb4pex5vsknk084sn02q', 'sess-01h455vb4pex5vsknk084sn02q', '["m1","m2"]', 'settled', 'completed', NULL, NULL, '2026-01-02T03:04:06.000Z', '2026-01-02T03:04:07.000Z'),
       ('01h455vb4pex5vsknk084sn02r', 'sess-01h455vb4pex5vsknk084sn02r', '["m3"]', 'settled', 'failed', 'overloaded', '{}', '2026-01-02T03:04:06.000Z', '2026-01-02T03:04:07.000Z'),
       ('01h455vb4pex5vsknk084sn02s', 'sess-01h455vb4pex5vsknk084sn02r', '["m4"]', 'open', NULL, NULL, NULL, '2026-01-02T03:04:08.000Z', NULL);
INSERT INTO drops (channel_type, platform_id, sender_id, reason, count, first_seen, last_seen)
VALUES ('slack', 'C9', 'slack:U1', 'unwired', 3, '2026-01-02T03:04:05.678Z', '2026-01-02T03:04:09.000Z');
INSERT INTO audit (at, who, what, on_what, detail)
VALUES ('2026-01-02T03:04:05.678Z', 'owner', 'create', 'agent andy', NULL),
       ('2026-01-02T03:04:06.000Z', 'owner', 'reset', 'session k2', '{"why":"hostile"}');
INSERT INTO due (session_id, at) VALUES ('sess-01h455vb4pex5vsknk084sn02r', '2026-01-03T09:00:00.000Z');
