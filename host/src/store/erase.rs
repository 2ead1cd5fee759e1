//! Taking a person out of the central database.
//!
//! Owns what goes, and what stays without them: decisions stay decided, under the person's id, which
//! names nobody once the person is gone.

use rusqlite::{Connection, params};
use schemas::{
    ids::{MessageId, PersonId},
    people::PersonInfo,
};
use serde::{Deserialize, Serialize};

use super::Store;
use crate::error::{ErrorKind, HostError, Result};

/// What of a person the central database held.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgotten {
    /// Names on platforms.
    pub names: usize,
    /// Roles.
    pub roles: usize,
    /// Refusals and rooms where nobody wanted to be asked about them.
    pub refusals: usize,
    /// What was asked about them, and the messages that waited for it.
    pub asked: usize,
    /// What they answered to agents' questions.
    pub answers: usize,
    /// Rows of the audit and of others' roles and tasks that named them, and now say their id.
    pub renamed: usize,
}

impl Store {
    /// Takes a person out, with the answers that stood in these rows; or (`dry_run`) only says what
    /// would go.
    ///
    /// # Errors
    /// `Conflict` for the only owner; `Busy` while something about them is being carried out.
    pub async fn erase_person(
        &self,
        person: PersonInfo,
        answers: Vec<MessageId>,
        dry_run: bool,
    ) -> Result<Forgotten> {
        self.call(move |conn| {
            // What goes is overwritten, not only let go.
            conn.pragma_update(None, "secure_delete", true)?;
            let tx = conn.transaction()?;
            let forgotten = erase(&tx, &person, &answers)?;
            if dry_run {
                tx.rollback()?;
            } else {
                tx.commit()?;
                // The log beside the file holds pages as they were.
                conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
            }
            conn.pragma_update(None, "secure_delete", false)?;
            Ok(forgotten)
        })
        .await
    }
}

fn erase(tx: &Connection, person: &PersonInfo, answers: &[MessageId]) -> Result<Forgotten> {
    let id = person.id.as_str();
    super::roles::keep_an_owner(tx, &person.id)?;
    let mut gone = Forgotten::default();
    let mut names = vec![person.name.clone()];
    for handle in &person.ids {
        not_at_work(tx, handle)?;
        names.extend(called(tx, handle)?);
        gone.refusals += tx.execute("DELETE FROM drops WHERE sender_id = ?1", [handle])?;
        gone.refusals += tx.execute("DELETE FROM denials WHERE sender_id = ?1", [handle])?;
        gone.asked += tx.execute(
            "DELETE FROM held_messages WHERE json_extract(message, '$.sender.platform.id') = ?1 \
             OR approval_id IN (SELECT id FROM approvals WHERE requested_by = ?1)",
            [handle],
        )?;
        gone.asked += tx.execute("DELETE FROM approvals WHERE requested_by = ?1", [handle])?;
    }
    for row in answers {
        gone.answers += tx.execute(
            "UPDATE questions SET answer = '', answered_by = ?2 WHERE answer_row = ?1",
            [row.as_str(), id],
        )?;
    }
    tx.execute("UPDATE approvals SET reason = NULL WHERE decided_by = ?1", [id])?;
    gone.renamed = renamed(tx, &person.id, &names, &person.ids)?;
    gone.roles = tx.execute("DELETE FROM roles WHERE person_id = ?1", [id])?;
    gone.names = tx.execute("DELETE FROM person_ids WHERE person_id = ?1", [id])?;
    tx.execute("DELETE FROM persons WHERE id = ?1", [id])?;
    Ok(gone)
}

/// What was answered and is not finished holds others' messages up until it is.
fn not_at_work(tx: &Connection, handle: &str) -> Result<()> {
    let sql = "SELECT 1 FROM approvals WHERE requested_by = ?1 AND status != 'pending' \
               AND told_at IS NULL";
    if tx.prepare(sql)?.exists([handle])? {
        let what = "what was asked about them is being carried out";
        return Err(HostError::new(ErrorKind::Busy, what).hint("try again in a moment"));
    }
    Ok(())
}

/// What a sender called themselves when something was asked about them.
fn called(tx: &Connection, handle: &str) -> Result<Vec<String>> {
    let mut select = tx.prepare(
        "SELECT DISTINCT json_extract(action, '$.room.sender_name') FROM approvals \
         WHERE requested_by = ?1",
    )?;
    let rows = select.query_map([handle], |row| row.get::<_, Option<String>>(0))?;
    let names: Vec<Option<String>> = rows.collect::<rusqlite::Result<_>>()?;
    Ok(names.into_iter().flatten().collect())
}

/// Rows that must stay, for they say what was decided, name the id from now on.
fn renamed(tx: &Connection, id: &PersonId, names: &[String], handles: &[String]) -> Result<usize> {
    let mut changed = 0;
    for (table, column) in [
        ("audit", "who"),
        ("audit", "on_what"),
        ("tasks", "made_by"),
        ("roles", "granted_by"),
        ("denials", "denied_by"),
        ("approvals", "requested_by"),
    ] {
        let mut select = tx.prepare(&format!("SELECT DISTINCT {column} FROM {table}"))?;
        let texts: Vec<String> =
            select.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        for text in texts {
            let said = without(&text, id.as_str(), names, handles);
            if said != text {
                changed += tx.execute(
                    &format!("UPDATE {table} SET {column} = ?2 WHERE {column} = ?1"),
                    params![text, said],
                )?;
            }
        }
    }
    Ok(changed)
}

/// The nouns whose commands name people.
const ABOUT_PEOPLE: [&str; 3] = ["people ", "roles ", "members "];

/// A text with the person's id where they were named: by a name on a platform anywhere, by their
/// own name only beside such a one, or in a command about people.
fn without(text: &str, id: &str, names: &[String], handles: &[String]) -> String {
    let mut said = handles.iter().fold(text.to_owned(), |said, handle| whole(&said, handle, id));
    for name in names.iter().filter(|name| !name.is_empty()) {
        said = said.replace(&format!("{name} ({id})"), id);
        if ABOUT_PEOPLE.iter().any(|noun| said.starts_with(noun)) {
            said = whole(&said, name, id);
        }
    }
    said
}

/// Replaces a word where it stands alone: `slack:U1` is no part of `slack:U12`.
fn whole(text: &str, word: &str, by: &str) -> String {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '@');
    let (mut said, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once(word) {
        let alone = !before.ends_with(part) && !after.starts_with(part);
        said.push_str(before);
        said.push_str(if alone { by } else { word });
        rest = after;
    }
    said + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_taken_out_of_a_text_and_nobody_else() {
        let (names, handles) = (["Al".to_owned()], ["slack:U1".to_owned()]);
        for (text, said) in [
            ("Al (pers-1)", "pers-1"),
            ("let Al (slack:U1) talk to Alma", "let pers-1 talk to Alma"),
            ("people link Al slack:U1", "people link pers-1 pers-1"),
            ("slack:U12 and slack:U1", "slack:U12 and pers-1"),
            ("agents create Al", "agents create Al"),
        ] {
            assert_eq!(without(text, "pers-1", &names, &handles), said);
        }
    }
}
