//! What stands in the guest's file, as a test reads it.

use std::collections::BTreeMap;

use rusqlite::Row;

use crate::desk::{Desk, query};

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) seq: i64,
    pub(crate) to: Option<String>,
    pub(crate) room: Option<String>,
    pub(crate) text: String,
    pub(crate) files: Vec<String>,
    pub(crate) id: String,
}

impl Desk {
    /// Ids of the messages of each run, in order.
    pub(crate) fn batches(&self) -> Vec<String> {
        self.query("SELECT message_ids FROM runs", |row| row.get(0).unwrap())
    }

    pub(crate) fn query<T>(&self, sql: &str, map: fn(&Row<'_>) -> T) -> Vec<T> {
        if !self.dir.outbound_db().exists() {
            return Vec::new();
        }
        query(&self.dir.outbound_db(), sql, map)
    }

    pub(crate) fn answers(&self) -> Vec<Answer> {
        let sql =
            "SELECT seq, in_reply_to, platform_id, content, id FROM messages_out ORDER BY seq";
        self.query(sql, |row| {
            let content: String = row.get(3).unwrap();
            let content: serde_json::Value = serde_json::from_str(&content).unwrap();
            let files = content["files"].as_array().cloned().unwrap_or_default();
            Answer {
                seq: row.get(0).unwrap(),
                to: row.get(1).unwrap(),
                room: row.get(2).unwrap(),
                text: content["text"].as_str().unwrap().to_owned(),
                files: files.iter().map(|f| f.as_str().unwrap().to_owned()).collect(),
                id: row.get(4).unwrap(),
            }
        })
    }

    pub(crate) fn texts(&self) -> Vec<String> {
        self.answers().into_iter().map(|answer| answer.text).collect()
    }

    pub(crate) fn acks(&self) -> BTreeMap<String, String> {
        self.query("SELECT message_id, status FROM processing_ack", |row| {
            (row.get(0).unwrap(), row.get(1).unwrap())
        })
        .into_iter()
        .collect()
    }

    /// Status, outcome and error code of every run, in order.
    pub(crate) fn runs(&self) -> Vec<String> {
        let sql = "SELECT status, coalesce(outcome, '-'), coalesce(error_code, '-') FROM runs";
        self.query(sql, |row| {
            let word = |n| row.get::<_, String>(n).unwrap();
            format!("{} {} {}", word(0), word(1), word(2))
        })
    }
}
