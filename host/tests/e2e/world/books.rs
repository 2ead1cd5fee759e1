//! What lies in a session's books, as lines.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use schemas::{admin::Accepted, session_dir::SessionDir};
use serde_json::Value;

use super::World;

impl World {
    /// The home of this world's host.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// A file outside of every session, which nobody may read or change.
    pub(crate) fn outside(&self, content: &str) -> PathBuf {
        let folder = self.home.path().join("outside");
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("precious");
        std::fs::write(&file, content).unwrap();
        file
    }

    /// What answers in an agent's containers from the next host on.
    pub(crate) fn is_answered_by(&self, agent: &str, provider: &str) {
        let central = opened(&self.home.path().join("central.db"));
        let set = "UPDATE agents SET provider = ?2 WHERE name = ?1";
        assert_eq!(central.execute(set, (agent, provider)).unwrap(), 1);
    }

    /// The folder of a session, by its id.
    pub(crate) fn dir_of_session(&self, session: &str) -> SessionDir {
        let sessions = self.home.path().join("sessions");
        let agents = std::fs::read_dir(sessions).unwrap();
        let mut paths = agents.map(|agent| agent.unwrap().path().join(session));
        SessionDir::at(paths.find(|path| path.exists()).expect("the session has a folder"))
    }

    /// Whether a session has its folder yet.
    pub(crate) fn has_folder(&self, session: &str) -> bool {
        let agents = std::fs::read_dir(self.home.path().join("sessions")).unwrap();
        agents.into_iter().any(|agent| agent.unwrap().path().join(session).exists())
    }

    /// What came into a session, oldest first: who said it, and what.
    pub(crate) fn came_into(&self, session: &str) -> Vec<String> {
        let line = |content: &Value| {
            let said = content["text"].as_str().map(str::to_owned);
            let sender = content["sender"].as_str().unwrap_or("host");
            format!("{sender}: {}", said.unwrap_or_else(|| content.to_string()))
        };
        self.books(session).iter().map(line).collect()
    }

    /// The content of all rows that came into a session, oldest first.
    pub(crate) fn books(&self, session: &str) -> Vec<Value> {
        let dir = self.dir_of_session(session);
        let mut lines = Vec::new();
        for file in [dir.history_db(), dir.inbound_db()] {
            if !file.exists() {
                continue;
            }
            let conn = opened(&file);
            // A full disk may have kept it from being more than a file.
            let begun = conn.table_exists(None, "messages_in").unwrap();
            if !begun {
                continue;
            }
            let mut select = conn.prepare("SELECT content FROM messages_in ORDER BY seq").unwrap();
            let rows = select.query_map([], |row| {
                let content: String = row.get(0)?;
                Ok(serde_json::from_str(&content).unwrap_or(Value::String(content)))
            });
            lines.extend(rows.unwrap().map(Result::unwrap));
        }
        lines
    }

    /// The sessions whose words the rows of a session say they are.
    pub(crate) fn sources(&self, session: &str) -> Vec<String> {
        let conn = opened(&self.dir_of_session(session).inbound_db());
        let sql = "SELECT source_session_id FROM messages_in \
                   WHERE source_session_id IS NOT NULL ORDER BY seq";
        let mut select = conn.prepare(sql).unwrap();
        select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    /// What the operator's audit says, oldest first.
    pub(crate) fn audit(&self) -> Vec<String> {
        let conn = opened(&self.home.path().join("central.db"));
        let mut select = conn.prepare("SELECT what, on_what FROM audit ORDER BY id").unwrap();
        let rows = select.query_map([], |row| {
            Ok(format!("{} {}", row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        });
        rows.unwrap().map(Result::unwrap).collect()
    }

    /// Whether the rows of a session's messages can be changed from now on.
    pub(crate) fn messages_change(&self, sent: &Accepted, may: bool) {
        let sql = match may {
            true => "DROP TRIGGER no_room",
            false => {
                "CREATE TRIGGER no_room BEFORE UPDATE ON messages_in \
                 BEGIN SELECT RAISE(FAIL, 'no room'); END"
            }
        };
        opened(&self.dir_of(sent).inbound_db()).execute_batch(sql).unwrap();
    }

    /// Somebody changes the central database behind the host's back.
    pub(crate) fn tamper(&self, sql: &str) {
        opened(&self.home.path().join("central.db")).execute(sql, []).unwrap();
    }
}

#[expect(clippy::disallowed_methods, reason = "a test that reads what stands in a file")]
fn opened(path: &Path) -> Connection {
    Connection::open(path).unwrap()
}
