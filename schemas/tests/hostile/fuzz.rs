//! Bytes that nobody would think of: nothing panics, hangs or leads outside.
//!
//! The same cases at every run; `PROPTEST_CASES` makes more of them, `PROPTEST_RNG_SEED` others.

use std::{collections::BTreeSet, fs, path::Path};

use proptest::{collection, prelude::*, sample, test_runner::RngSeed};
use schemas::{
    action::ActionRequest,
    content::{self, Card, ChatIn, ChatOut, Operation, Question, SystemIn},
    guest_side::OutboundWriter,
    host_side::{OutboxReader, Reading, extract},
    ids::{AgentId, InboxId, MessageId, RunId, SessionId},
    session_dir::SessionDir,
    session_file::SessionFile,
    time,
};
use serde_json::Value;

use crate::{
    common::{reply, session},
    look,
};

/// One in so many of the cases that are asked for: these write files.
fn cases(one_in: u32) -> ProptestConfig {
    let asked = ProptestConfig::default();
    let rng_seed = match asked.rng_seed {
        RngSeed::Random => RngSeed::Fixed(4),
        chosen @ RngSeed::Fixed(_) => chosen,
    };
    ProptestConfig { cases: (asked.cases / one_in).max(1), rng_seed, ..asked }
}

/// JSON of any shape, and what is nearly JSON.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        words().prop_map(Value::from),
    ];
    let tree = leaf.prop_recursive(4, 48, 8, |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            collection::btree_map(words(), inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    let text = tree.prop_map(|value| value.to_string());
    let cut = (text, any::<sample::Index>()).prop_map(|(mut text, at)| {
        let at = text.floor_char_boundary(at.index(text.len() + 1));
        text.truncate(at);
        text
    });
    let deep = (1_usize..20_000, sample::select(vec!["[", "{\"a\":", "[{\"files\":"]))
        .prop_map(|(n, open)| open.repeat(n));
    prop_oneof![4 => cut, 1 => deep, 1 => any::<String>()]
}

/// The words that the contract's JSON has.
fn words() -> impl Strategy<Value = String> {
    sample::select(vec![
        "text",
        "files",
        "type",
        "ask_question",
        "questionId",
        "options",
        "label",
        "value",
        "card",
        "operation",
        "edit",
        "reaction",
        "messageId",
        "emoji",
        "action",
        "admin",
        "args",
        "create_agent",
        "name",
        "requestId",
        "attachments",
        "data",
        "mime",
        "size",
        "localPath",
        "question_response",
        "action_response",
        "delivery_failed",
        "status",
        "result",
        "seq",
        "../../x",
        "",
        "\u{202e}",
        "install_packages",
        "apt",
        "npm",
        "add_mcp_server",
        "env",
    ])
    .prop_map(str::to_owned)
}

fn asks_everything(dir: &SessionDir) {
    let Ok(Reading::Copy(copy)) = look(dir) else { return };
    for seq in [-1, 0, 1, i64::MAX] {
        drop(copy.messages_above(seq, 100));
        drop(copy.bound_backlog(seq, 10));
    }
    drop(copy.ack(&MessageId::parse("in-1").unwrap()));
    drop(copy.run(&RunId::parse("01h455vb4pex5vsknk084sn02q").unwrap()));
}

/// A guest's honest database, with a row in each table that the host reads.
fn honest(dir: &SessionDir) -> Vec<u8> {
    let guest = OutboundWriter::new(dir.clone());
    for n in 0..30 {
        let text = format!("{{\"text\":\"{}\"}}", "x".repeat(n * 40));
        guest.write(|tx| tx.append(&reply(&format!("out-{n}"), &text), 0)).unwrap();
    }
    fs::read(dir.outbound_db()).unwrap()
}

proptest! {
    #![proptest_config(cases(4))]

    #[test]
    fn any_bytes_in_place_of_a_database_are_answered(
        head in sample::select(vec![&b""[..], b"SQLite format 3\0", b"SQLite format 3\0\x10\0\x01\x01"]),
        bytes in collection::vec(any::<u8>(), 0..9_000),
    ) {
        let (_home, dir) = session();
        let mut file = head.to_vec();
        file.extend(bytes);
        fs::write(dir.outbound_db(), file).unwrap();
        asks_everything(&dir);
    }

    #[test]
    fn an_honest_database_with_any_bits_turned_is_answered(
        turned in collection::vec((any::<sample::Index>(), 0_u8..8), 1..40),
        structure in collection::vec((0_usize..12, 0_usize..120, any::<u8>()), 0..20),
    ) {
        let (_home, dir) = session();
        let mut bytes = honest(&dir);
        for (at, bit) in turned {
            let at = at.index(bytes.len());
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << bit;
            }
        }
        // The heads of pages are what SQLite believes most.
        for (page, at, value) in structure {
            if let Some(byte) = bytes.get_mut(page * 4_096 + 100 * usize::from(page == 0) + at) {
                *byte = value;
            }
        }
        fs::write(dir.outbound_db(), bytes).unwrap();
        asks_everything(&dir);
    }

    #[test]
    fn attachments_of_any_shape_stay_in_their_folder(
        text in json(), name in any::<String>(), data in "[A-Za-z0-9+/=\\n ]{0,80}",
    ) {
        let (_home, dir) = session();
        let inbox = InboxId::parse("01h455vb4pex5vsknk084sn02q").unwrap();
        let wrapped = serde_json::json!({
            "text": text, "attachments": [{ "name": name, "data": data }, { "name": name,
            "data": "eA==", "localPath": "/etc/passwd" }],
        });
        for content in [text.clone(), wrapped.to_string()] {
            let Ok(done) = extract(&content, &dir, &inbox) else { continue };
            prop_assert!(!done.content.contains("/etc/passwd") || content == text);
        }
        let mut there = BTreeSet::new();
        files(dir.root(), &mut there);
        let inside = dir.inbox_of(&inbox);
        prop_assert!(there.iter().all(|file| file.parent() == Some(&inside)), "{there:?}");
    }

    #[test]
    fn no_name_and_no_id_opens_what_lies_outside_the_outbox(
        id in prop_oneof![any::<String>(), "[./a-z-]{1,12}"],
        name in prop_oneof![any::<String>(), "[./a-z-]{1,12}"],
    ) {
        let (_home, dir) = session();
        fs::write(dir.root().join("a"), "outside").unwrap();
        fs::create_dir_all(dir.outbox()).unwrap();
        let Ok(id) = MessageId::parse(&id) else { return Ok(()) };
        prop_assert!(OutboxReader::new(dir.clone()).open(&id, &name).is_err());
        if let Some(folder) = dir.outbox_of(&id) {
            prop_assert!(folder.parent() == Some(&dir.outbox()), "{folder:?}");
        }
        if let Some(file) = dir.inbox_file(&name) {
            prop_assert!(file.starts_with(dir.inbox()) && !name.contains(".."), "{file:?}");
        }
    }
}

fn files(folder: &Path, found: &mut BTreeSet<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            files(&entry.path(), found);
        } else {
            found.insert(entry.path());
        }
    }
}

proptest! {
    #![proptest_config(cases(1))]

    #[test]
    fn content_of_any_shape_is_read_or_refused(text in json()) {
        drop(content::read::<ChatIn>(&text));
        drop(content::read::<ChatOut>(&text));
        drop(content::read::<SystemIn>(&text));
        drop(content::read::<Operation>(&text));
        drop(content::read::<Question>(&text));
        drop(content::read::<Card>(&text));
        drop(serde_json::from_str::<ActionRequest>(&text));
        drop(serde_json::from_str::<SessionFile>(&text));
    }

    #[test]
    fn an_id_or_a_time_of_any_shape_is_read_or_refused(
        text in prop_oneof![any::<String>(), "(agent|sess|appr)-[0-9a-z]{20,30}", "[0-9TZ:.+ -]{0,30}"],
    ) {
        if let Ok(id) = SessionId::parse(&text) {
            prop_assert!(id.as_str() == text && !text.contains(['/', '.', '\0']));
        }
        drop(AgentId::parse(&text));
        drop(RunId::parse(&text));
        if let Ok(id) = MessageId::parse(&text) {
            prop_assert!(!id.as_str().is_empty() && !id.as_str().contains('\0'));
        }
        if let Some(at) = time::parse(&text) {
            prop_assert!(time::parse(&time::format(at)).is_some());
        }
    }
}
