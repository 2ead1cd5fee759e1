-- What an install of version 3 may hold beside the rows of version 2.
UPDATE agents SET max_containers = 3 WHERE name = 'andy';
INSERT INTO failed_posts VALUES ('sess-01h455vb4pex5vsknk084sn02q', 'out-9', 9, 'the channel refused it', '2026-01-02T03:04:09.000Z');
INSERT INTO failed_messages VALUES ('sess-01h455vb4pex5vsknk084sn02q', 'msg-4', '01h455vb4pex5vsknk084sn02r', 'no such model', '2026-01-02T03:04:10.000Z');
UPDATE agents SET keep_days = 90, disk_bytes = 10737418240 WHERE name = 'andy';
INSERT INTO tasks (id, name, agent_id, room_id, made_by, prompt, cron, zone, missed, next_at, created_at)
VALUES ('task-01h455vb4pex5vsknk084sn02q', 'morning', (SELECT min(id) FROM agents), (SELECT min(id) FROM rooms), 'operator', 'water the plants', '0 8 * * *', 'Europe/Berlin', 'once', '2026-01-03T07:00:00.000Z', '2026-01-02T03:04:05.000Z');
INSERT INTO task_runs (task_id, scheduled, session_id, written_at, ended_at, outcome)
VALUES ('task-01h455vb4pex5vsknk084sn02q', '2026-01-02T07:00:00.000Z', (SELECT min(id) FROM sessions), '2026-01-02T07:00:00.010Z', '2026-01-02T07:00:02.000Z', 'completed');
INSERT INTO told VALUES ('sess-01h455vb4pex5vsknk084sn02q', 'msg-4', 'waits', '2026-01-02T03:04:11.000Z');
INSERT INTO untold_ends VALUES ('01h455vb4pex5vsknk084sn02r', 'sess-01h455vb4pex5vsknk084sn02r', 'terminal', 'andy', NULL);
INSERT INTO obeyed VALUES ('slack:C1:7:agent-01h455vb4pex5vsknk084sn02q', '2026-01-02T03:04:12.000Z');
