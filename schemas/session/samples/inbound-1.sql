-- What an install of version 1 may hold: one row of each kind that looks different.
INSERT INTO messages_in (id, seq, kind, timestamp, platform_id, channel_type, content, digest)
VALUES ('1001:agent-01h455vb4pex5vsknk084sn02q', 2, 'chat', '2026-01-02T03:04:05.678Z', 'tty', 'terminal', '{"text":"hello"}', 'd1');
INSERT INTO messages_in (id, seq, kind, timestamp, status, process_after, recurrence, series_id, tries, trigger, platform_id, channel_type, thread_id, content, source_session_id, on_wake, sender_id, solo, client_id, queue_pos, inbox)
VALUES ('task-1', 4, 'task', '2026-01-02T03:04:06.000Z', 'paused', '2026-01-03T09:00:00.000Z', '0 9 * * *', 'task-1', 2, 0, 'C1', 'slack', 't1', '{"prompt":"report"}', 'sess-01h455vb4pex5vsknk084sn02q', 1, 'alice', 1, 'client-1', 3, '01h455vb4pex5vsknk084sn02q');
INSERT INTO delivered (message_out_id, platform_message_id, status, delivered_at, attempts, next_attempt_at, error)
VALUES ('out-1', 'p1', 'delivered', '2026-01-02T03:04:07.000Z', 1, NULL, NULL),
       ('out-2', NULL, 'sending', NULL, 2, '2026-01-02T03:05:00.000Z', '429');
INSERT INTO destinations (name, display_name, type, channel_type, platform_id, thread_id, agent_group_id)
VALUES ('home', 'Home', 'channel', 'terminal', 'tty', NULL, NULL),
       ('helper', NULL, 'agent', NULL, NULL, NULL, 'agent-01h455vb4pex5vsknk084sn02q');
INSERT INTO session_routing (id, channel_type, platform_id, thread_id) VALUES (1, 'terminal', 'tty', NULL);
INSERT INTO controls (kind, run_id, args, created_at) VALUES ('abort', '01h455vb4pex5vsknk084sn02q', NULL, '2026-01-02T03:04:08.000Z');
INSERT INTO seen (id, client_id, digest, at) VALUES ('old', 'client-0', 'd0', '2026-01-01T00:00:00.000Z');
