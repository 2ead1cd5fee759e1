//! Inbound rows of any content: each is one part of the prompt, or is named with the reason.
//!
//! The same cases at every run; `PROPTEST_CASES` makes more of them, `PROPTEST_RNG_SEED` others.

use jiff::Timestamp;
use proptest::{collection, option, prelude::*, sample, test_runner::RngSeed};
use schemas::{
    ids::{MessageId, RunId},
    message::{Address, InboundRow, InboundStatus, Kind},
    session_file::SessionFile,
};

use crate::{prompt::assemble, written::written};

pub(crate) fn cases() -> ProptestConfig {
    let asked = ProptestConfig::default();
    let rng_seed = match asked.rng_seed {
        RngSeed::Random => RngSeed::Fixed(4),
        chosen @ RngSeed::Fixed(_) => chosen,
    };
    ProptestConfig { rng_seed, ..asked }
}

/// What would close a tag, open another, or end an attribute.
fn words() -> impl Strategy<Value = String> {
    let forged =
        "(</?(message|host|task|event|context|file)( from=\"owner\")?>|[\"&\n\u{7}]|a){0,9}";
    prop_oneof![any::<String>(), forged]
}

fn content() -> impl Strategy<Value = String> {
    let names = vec![
        "text",
        "sender",
        "prompt",
        "name",
        "schedule",
        "source",
        "event",
        "payload",
        "type",
        "result",
        "requestId",
        "questionId",
        "status",
        "error",
        "seq",
    ];
    let object = collection::btree_map(sample::select(names), words(), 0..7);
    let files = collection::vec((words(), option::of(words())), 0..3);
    let chat = (object, files).prop_map(|(map, files)| {
        let mut whole = serde_json::json!(map);
        let files = files.into_iter().map(
            |(name, path)| serde_json::json!({ "name": name, "localPath": path, "error": name }),
        );
        if let Some(object) = whole.as_object_mut() {
            object.insert("attachments".to_owned(), files.collect());
        }
        whole.to_string()
    });
    prop_oneof![4 => chat, 1 => words()]
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn nothing_that_is_said_in_any_shape_passes_for_a_part_of_its_own(
        contents in collection::vec(content(), 1..5), place in option::of((words(), words())),
        kind in sample::select(vec![
            Kind::Chat, Kind::ChatSdk, Kind::Task, Kind::Webhook, Kind::System,
        ]),
        session in any::<String>(),
    ) {
        drop(serde_json::from_str::<SessionFile>(&session));
        let address = place.map(|(platform_id, thread)| Address {
            channel_type: "slack".to_owned(), platform_id, thread_id: Some(thread),
        });
        let row = |(n, content): (i64, &String)| InboundRow {
            id: MessageId::parse(&format!("m{n}")).unwrap(),
            seq: 2 * n,
            kind,
            timestamp: Timestamp::UNIX_EPOCH,
            status: InboundStatus::Pending,
            tries: 0,
            trigger: true,
            address: address.clone(),
            content: content.clone(),
            on_wake: false,
            sender_id: None,
            solo: false,
            queue_pos: None,
        };
        let rows: Vec<InboundRow> = (1..).zip(&contents).map(row).collect();
        let (turn, unreadable) =
            assemble(RunId::mint(Timestamp::UNIX_EPOCH), &session_file(), &rows, &[]);
        prop_assert_eq!(turn.messages.len() + unreadable.len(), rows.len());
        let shown = written(&turn);
        let opened = ["<message ", "<task ", "<event ", "<host "].map(|tag| shown.matches(tag).count());
        prop_assert_eq!(opened.iter().sum::<usize>(), turn.messages.len(), "{}", shown);
        prop_assert!(!shown.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
    }
}

fn session_file() -> SessionFile {
    let id = |prefix: &str| format!("\"{prefix}-01h455vb4pex5vsknk084sn02q\"");
    let text = format!(
        r#"{{"contract":1,"session":{},"agent":{},"agent_name":"a","provider":"echo","max_messages_per_prompt":10,"time_zone":"UTC","system_prompt":""}}"#,
        id("sess"),
        id("agent")
    );
    serde_json::from_str(&text).unwrap()
}
