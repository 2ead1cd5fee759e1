-- What an install of version 2 may hold beside the rows of version 1.
UPDATE agents SET prompt = 'be brief', model = 'small', work_dir = '/workspace/agent', cli_scope = 'own' WHERE name = 'andy';
UPDATE rooms SET is_group = 1, unknown_sender_policy = 'request_approval' WHERE platform_id = 'C1';
INSERT INTO rooms (id, channel_type, platform_id, name, created_at, denied_at) VALUES ('room-01h455vb4pex5vsknk084sn02s', 'slack', 'C9', NULL, '2026-01-02T03:04:06.000Z', '2026-01-02T03:04:07.000Z');
UPDATE wirings SET engage_mode = 'mention-sticky', sender_scope = 'known', ignored_message_policy = 'accumulate', instructions = 'answer [NO_REPLY] unless asked' WHERE priority = 7;
UPDATE sessions SET model = 'large' WHERE key = 'k2';
INSERT INTO persons VALUES ('pers-01h455vb4pex5vsknk084sn02q', 'Alice', '2026-01-02T03:04:05.678Z');
INSERT INTO person_ids VALUES ('terminal:owner', 'pers-01h455vb4pex5vsknk084sn02q', '2026-01-02T03:04:05.678Z');
INSERT INTO person_ids VALUES ('slack:U1', 'pers-01h455vb4pex5vsknk084sn02q', '2026-01-02T03:04:06.000Z');
INSERT INTO roles VALUES ('pers-01h455vb4pex5vsknk084sn02q', 'owner', NULL, 'operator', '2026-01-02T03:04:05.678Z');
INSERT INTO roles VALUES ('pers-01h455vb4pex5vsknk084sn02q', 'member', 'agent-01h455vb4pex5vsknk084sn02q', 'operator', '2026-01-02T03:04:05.678Z');
INSERT INTO denials VALUES ('room-01h455vb4pex5vsknk084sn02r', 'slack:U9', 'pers-01h455vb4pex5vsknk084sn02q', '2026-01-02T03:04:08.000Z');
INSERT INTO approvals VALUES ('appr-01h455vb4pex5vsknk084sn02q', '{"kind":"connect_room"}', 'd1', 'room:slack:C1', 'slack:U2', NULL, NULL, NULL, NULL, 'pending', '2026-01-02T03:04:08.000Z', '2026-01-02T15:04:08.000Z', '2026-01-03T03:04:08.000Z', NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO approvals VALUES ('appr-01h455vb4pex5vsknk084sn02r', '{"kind":"guest"}', 'd2', 'guest:s:r1', 'agent andy', 'agent-01h455vb4pex5vsknk084sn02q', 'sess-01h455vb4pex5vsknk084sn02q', 'r1', '{"channel_type":"slack","platform_id":"C1","thread_id":"t1"}', 'rejected', '2026-01-02T03:04:08.000Z', NULL, '2026-01-03T03:04:08.000Z', 'pers-01h455vb4pex5vsknk084sn02q', '2026-01-02T03:05:00.000Z', 'not now', NULL, NULL, '2026-01-02T03:05:01.000Z');
INSERT INTO held_messages VALUES ('appr-01h455vb4pex5vsknk084sn02q', 'p1', '{"text":"hello"}', '2026-01-02T03:04:08.000Z');
INSERT INTO questions VALUES ('sess-01h455vb4pex5vsknk084sn02q:q1', 'sess-01h455vb4pex5vsknk084sn02q', 'out-1', '{"question":"Which?"}', '2026-01-02T03:04:08.000Z', 'blue', 'pers-01h455vb4pex5vsknk084sn02q', '2026-01-02T03:04:09.000Z', 'p9:agent-01h455vb4pex5vsknk084sn02q', NULL);
INSERT INTO destinations VALUES ('agent-01h455vb4pex5vsknk084sn02q', 'ops', 'Operations', 'room-01h455vb4pex5vsknk084sn02r', 't1', NULL, 'wire-01h455vb4pex5vsknk084sn02r', '2026-01-02T03:04:06.000Z');
INSERT INTO destinations VALUES ('agent-01h455vb4pex5vsknk084sn02q', 'bea', NULL, NULL, NULL, 'agent-01h455vb4pex5vsknk084sn02r', NULL, '2026-01-02T03:04:06.000Z');
INSERT INTO peer_messages VALUES ('peer-1', 'sess-01h455vb4pex5vsknk084sn02q', 'sess-01h455vb4pex5vsknk084sn02s', 1, '2026-01-02T03:04:08.000Z');
