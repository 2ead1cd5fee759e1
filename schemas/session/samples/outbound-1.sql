-- What a guest of version 1 may have written: one row of each kind that looks different.
INSERT INTO messages_out (id, seq, timestamp, kind, content) VALUES ('out-1', 3, '2026-01-02T03:04:06.000Z', 'chat', '{"text":"hi"}');
INSERT INTO messages_out (id, seq, in_reply_to, timestamp, deliver_after, recurrence, kind, platform_id, channel_type, thread_id, content, run_id)
VALUES ('out-2', 5, 'task-1', '2026-01-02T03:04:07.000Z', '2026-01-03T00:00:00.000Z', NULL, 'chat-sdk', 'C1', 'slack', 't1', '{"text":"","files":["a.txt"]}', '01h455vb4pex5vsknk084sn02q');
INSERT INTO processing_ack (message_id, status, status_changed, run_id, error, tries, retry_at)
VALUES ('1001', 'completed', '2026-01-02T03:04:07.000Z', '01h455vb4pex5vsknk084sn02q', NULL, 0, NULL),
       ('task-1', 'retry', '2026-01-02T03:04:07.000Z', NULL, 'overloaded', 2, '2026-01-02T03:05:00.000Z');
INSERT INTO session_state (key, value, updated_at) VALUES ('continuation:echo', 'n1', '2026-01-02T03:04:07.000Z');
INSERT INTO container_state (id, current_tool, tool_declared_timeout_ms, tool_started_at, updated_at)
VALUES (1, 'bash', 60000, '2026-01-02T03:04:06.500Z', '2026-01-02T03:04:06.500Z');
INSERT INTO runs (run_id, status, message_ids, started_at, ended_at, outcome, error_code, error_scope)
VALUES ('01h455vb4pex5vsknk084sn02q', 'ended', '["1001"]', '2026-01-02T03:04:06.000Z', '2026-01-02T03:04:07.000Z', 'completed', NULL, NULL);
INSERT INTO attempts (run_id, n, provider, model, native_session_id, status, started_at, ended_at, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_usd, cost_known, error_code, tools_started)
VALUES ('01h455vb4pex5vsknk084sn02q', 1, 'echo', 'echo-1', 'n1', 'completed', '2026-01-02T03:04:06.000Z', '2026-01-02T03:04:07.000Z', 10, 1, 2, 3, 4, 0.5, 1, NULL, 1);
INSERT INTO agent_sessions (provider, model, native_id, status, reason, created_at, last_active_at)
VALUES ('echo', 'echo-1', 'n1', 'ready', NULL, '2026-01-02T03:04:06.000Z', '2026-01-02T03:04:07.000Z');
INSERT INTO control_acks (id, status, at) VALUES (1, 'done', '2026-01-02T03:04:08.000Z');
