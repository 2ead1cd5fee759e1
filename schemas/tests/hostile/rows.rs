//! Rows that are not messages, in a database whose tables are the contract's.

use std::{fs, fs::File, os::unix::fs::FileExt, time::Duration};

use schemas::{
    content::{self, ChatOut},
    guest_side::OutboundWriter,
    host_side::RefusedKind,
    ids::{MessageId, RunId},
    limits::MAX_TOOL_TIMEOUT,
    session_dir::SessionDir,
};

use crate::{
    common::{reply, session},
    copied, reasons, tampered,
};

/// `messages_out` filled without its constraints, then given the contract's SQL again.
fn smuggled(dir: &SessionDir, insert: &str) {
    tampered(dir, |conn| {
        let ours: String = conn
            .query_row("SELECT sql FROM sqlite_schema WHERE name = 'messages_out'", [], |r| {
                r.get(0)
            })
            .unwrap();
        let lax = ours
            .replace("STRICT", "")
            .replace("NOT NULL", "")
            .replace("CHECK (seq % 2 = 1)", "")
            .replace("INTEGER", "")
            .replace("TEXT", "");
        conn.execute_batch("DROP TABLE messages_out").unwrap();
        conn.execute_batch(&lax).unwrap();
        conn.execute_batch(insert).unwrap();
        conn.execute_batch("PRAGMA writable_schema = ON").unwrap();
        conn.execute("UPDATE sqlite_schema SET sql = ?1 WHERE name = 'messages_out'", [ours])
            .unwrap();
    });
}

#[track_caller]
fn one_bad_row(insert: &str, seq: Option<i64>, reason: &str) {
    let (_home, dir) = session();
    smuggled(&dir, insert);
    let found = reasons(&dir);
    assert_eq!(found.len(), 1, "{found:?}");
    let (found_seq, found_reason) = found.into_iter().next().unwrap();
    assert_eq!(found_seq, seq);
    assert!(found_reason.contains(reason), "{found_reason}");
}

#[test]
fn a_row_of_sixty_megabytes_is_refused_for_itself() {
    one_bad_row(
        "INSERT INTO messages_out (id, seq, timestamp, kind, content) \
         VALUES ('big', 3, 't', 'chat', CAST(zeroblob(60000000) AS TEXT))",
        Some(3),
        "content is over-long",
    );
}

#[test]
fn a_row_that_claims_more_bytes_than_the_file_has_is_not_believed() {
    let (_home, dir) = session();
    let insert = "INSERT INTO messages_out (id, seq, timestamp, kind, content) \
                  VALUES ('liar', 3, 't', 'chat', CAST(zeroblob(3000000) AS TEXT))";
    smuggled(&dir, insert);
    let bytes = fs::read(dir.outbound_db()).unwrap();
    // The type of a text of n bytes is 2n + 13, as SQLite's variable-length number.
    let find = |n: u32| -> Vec<u8> {
        let value = 2 * n + 13;
        let group = |shift: u32| u8::try_from((value >> shift) & 0x7f).unwrap();
        vec![group(21) | 0x80, group(14) | 0x80, group(7) | 0x80, group(0)]
    };
    let old = find(3_000_000);
    let at = bytes.windows(4).position(|window| window == old).unwrap();
    let file = File::options().write(true).open(dir.outbound_db()).unwrap();
    file.write_all_at(&find(120_000_000), at.try_into().unwrap()).unwrap();
    match copied(&dir).messages_above(0, 10) {
        Ok(rows) => assert!(rows.iter().all(Result::is_err), "{rows:?}"),
        Err(refused) => assert_eq!(refused.kind, RefusedKind::NotADatabase, "{refused}"),
    }
}

#[test]
fn a_million_rows_are_read_a_page_at_a_time() {
    let (_home, dir) = session();
    tampered(&dir, |conn| {
        conn.execute_batch(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) \
             INSERT INTO messages_out (id, seq, timestamp, kind, content) \
             SELECT i, 2 * i + 1, 't', 'chat', '' FROM n",
        )
        .unwrap();
    });
    let copy = copied(&dir);
    let rows = copy.messages_above(1, 100).unwrap();
    let seqs: Vec<i64> = rows.into_iter().map(|row| row.unwrap().seq).collect();
    assert_eq!(seqs, (1..=100).map(|i| 2 * i + 1).collect::<Vec<_>>());
    assert_eq!(copy.bound_backlog(1, 999_999).unwrap_err().kind, RefusedKind::Hostile);
    copy.bound_backlog(1, 1_000_000).unwrap();
}

#[test]
fn a_number_after_which_none_can_come_refuses_the_file() {
    for last in ["9223372036854775807", "9007199254740993"] {
        let (_home, dir) = session();
        let insert = "INSERT INTO messages_out (id, seq, timestamp, kind, content) \
                      VALUES ('x', 3, 't', 'chat', '{}'), ('y'";
        smuggled(&dir, &format!("{insert}, {last}, 't', 'chat', '{{}}')"));
        let refused = copied(&dir).messages_above(0, 10).unwrap_err();
        assert_eq!(refused.kind, RefusedKind::Hostile);
        assert!(refused.message.contains(last), "{refused}");
    }
}

#[test]
fn a_number_that_is_even_or_no_number_is_refused_for_itself() {
    let insert = |seq: &str| {
        format!(
            "INSERT INTO messages_out (id, seq, timestamp, kind, content) \
             VALUES ('x', {seq}, 't', 'chat', '{{}}')"
        )
    };
    one_bad_row(&insert("4"), Some(4), "even");
    one_bad_row(&insert("'five'"), None, "seq is not a whole number");
    one_bad_row(&insert("x'05'"), None, "seq");
    one_bad_row(&insert("5.5"), None, "seq is not a whole number");
}

#[test]
fn a_repeated_number_is_refused_for_itself() {
    let (_home, dir) = session();
    let guest = OutboundWriter::new(dir.clone());
    for id in ["first", "second"] {
        guest.write(|tx| tx.append(&reply(id, "{}"), 4)).unwrap();
    }
    let mut bytes = fs::read(dir.outbound_db()).unwrap();
    // The number stands behind the id in the table, and before the row's own in the index.
    for (record, offset) in [(&b"second\x07"[..], 6), (&b"\x05\x03\x01\x01\x07\x02"[..], 4)] {
        let at = bytes.windows(record.len()).position(|window| window == record).unwrap();
        bytes.splice(at + offset..=at + offset, [5]);
    }
    fs::write(dir.outbound_db(), bytes).unwrap();
    assert_eq!(
        reasons(&dir),
        [(Some(5), String::new()), (Some(5), "seq 5 stands twice".to_owned())]
    );
}

#[test]
fn a_bad_row_does_not_spoil_its_neighbours() {
    let (_home, dir) = session();
    smuggled(
        &dir,
        "INSERT INTO messages_out (id, seq, timestamp, kind, content) VALUES \
         ('a', 3, 't', 'chat', '{}'), ('b', 5, 't', 'chat', 17), ('c', 7, 't', 'chat', '{}')",
    );
    let good: Vec<bool> = reasons(&dir).into_iter().map(|(_, reason)| reason.is_empty()).collect();
    assert_eq!(good, [true, false, true]);
}

#[test]
fn a_text_that_is_none_is_refused_for_itself() {
    let with = |column: &str, value: &str| {
        format!(
            "INSERT INTO messages_out (id, seq, timestamp, kind, content) \
             VALUES ('x', 3, 't', 'chat', '{{}}'); UPDATE messages_out SET {column} = {value}"
        )
    };
    for (column, value, reason) in [
        ("id", "NULL", "id is missing"),
        ("id", "''", "not a message id"),
        ("id", "17", "id is over-long or not a text"),
        ("id", "'a' || char(0) || 'b'", "id holds a NUL"),
        ("id", "CAST(zeroblob(1000000) AS TEXT)", "id is over-long"),
        ("id", "printf('%.*c', 5000, 'x')", "not a message id"),
        ("id", "CAST(x'c328' AS TEXT)", "id is not UTF-8"),
        ("in_reply_to", "x'00'", "in_reply_to"),
        ("content", "NULL", "content is missing"),
        ("content", "x'7b7d'", "content is over-long or not a text"),
        ("content", "CAST(x'7bff7d' AS TEXT)", "content is not UTF-8"),
        ("content", "1.5", "content"),
        ("kind", "'rumour'", "kind is an unknown word"),
        ("run_id", "'../../etc'", "not a run id"),
        ("deliver_after", "'soon'", "deliver_after"),
        ("channel_type", "'slack'", "half an address"),
        ("thread_id", "CAST(zeroblob(100000) AS TEXT)", "thread_id is over-long"),
    ] {
        one_bad_row(&with(column, value), Some(3), reason);
    }
}

#[test]
fn a_slash_in_an_id_and_json_ten_thousand_deep_are_only_text() {
    let (_home, dir) = session();
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let guest = OutboundWriter::new(dir.clone());
    guest.write(|tx| tx.append(&reply("../../etc/passwd", &deep), 0)).unwrap();
    let rows = copied(&dir).messages_above(0, 1).unwrap();
    let row = rows.into_iter().next().unwrap().unwrap();
    assert_eq!(row.id.as_str(), "../../etc/passwd");
    let chat: ChatOut = content::read(&row.content).unwrap();
    assert_eq!(chat.text, deep);
}

#[test]
fn a_forged_ack_or_run_is_refused_not_believed() {
    let (_home, dir) = session();
    tampered(&dir, |conn| {
        conn.execute_batch(
            "INSERT INTO processing_ack (message_id, status, status_changed) \
             VALUES ('m', 'done', 't'); INSERT INTO runs (run_id, status, message_ids, \
             started_at) VALUES ('01h455vb4pex5vsknk084sn02q', 'running', '{}', 't')",
        )
        .unwrap();
    });
    let copy = copied(&dir);
    let message = MessageId::parse("m").unwrap();
    let run = RunId::parse("01h455vb4pex5vsknk084sn02q").unwrap();
    assert_eq!(copy.ack(&message).unwrap_err().kind, RefusedKind::Hostile);
    assert_eq!(copy.run(&run).unwrap_err().kind, RefusedKind::Hostile);
}

#[test]
fn what_a_guest_says_that_it_used_is_a_number_that_can_be_or_not_known() {
    let run = RunId::parse("01h455vb4pex5vsknk084sn02q").unwrap();
    let used = |tokens: &str, cost: &str| {
        let (_home, dir) = session();
        let sql = format!(
            "INSERT INTO runs (run_id, status, message_ids, started_at) VALUES \
             ('{run}', 'running', '[]', '2026-01-01T00:00:00.000Z'); \
             INSERT INTO attempts (run_id, n, provider, status, started_at, input_tokens, \
             cost_usd, cost_known) VALUES ('{run}', 1, 'echo', 'ended', 't', {tokens}, {cost}, 1)"
        );
        tampered(&dir, |conn| conn.execute_batch(&sql).unwrap());
        let used = copied(&dir).run(&run).unwrap().unwrap().used;
        used.map(|used| (used.input_tokens, used.cost_usd))
    };
    assert_eq!(used("7", "0.5"), Some((7, Some(0.5))));
    assert_eq!(used("7", "-0.5"), Some((7, None)));
    assert_eq!(used("-7", "0.5"), Some((0, Some(0.5))));
    for cost in ["1e300", "9e999", "-9e999", "NULL"] {
        assert_eq!(used("9223372036854775807", cost), None, "{cost}");
    }
}

#[test]
fn what_a_guest_says_of_its_tools_is_bounded_or_refused() {
    let run = RunId::parse("01h455vb4pex5vsknk084sn02q").unwrap();
    let tool = |timeout: &str, at: &str| {
        let (_home, dir) = session();
        let sql = format!(
            "INSERT INTO container_state (id, current_tool, tool_declared_timeout_ms, \
             tool_started_at, updated_at) VALUES (1, CAST(zeroblob(3000000) AS TEXT), {timeout}, \
             {at}, 't'); INSERT INTO attempts (run_id, n, provider, status, started_at, \
             tools_started) VALUES ('{run}', 1, 'echo', 'running', 't', {timeout})"
        );
        tampered(&dir, |conn| conn.execute_batch(&sql).unwrap());
        let copy = copied(&dir);
        (copy.tool(), copy.tools_started(&run).unwrap())
    };
    let at = "'2026-01-01T00:00:00.000Z'";
    let (seen, acted) = tool("9223372036854775807", at);
    assert_eq!((seen.unwrap().unwrap().timeout, acted), (MAX_TOOL_TIMEOUT, true));
    let (seen, acted) = tool("-5", at);
    assert_eq!((seen.unwrap().unwrap().timeout, acted), (Duration::ZERO, false));
    for at in ["'soon'", "CAST(zeroblob(100000) AS TEXT)"] {
        assert_eq!(tool("1", at).0.unwrap_err().kind, RefusedKind::Hostile);
    }
}
