//! Any content, any row: what the properties are tried with.

use jiff::Timestamp;
use proptest::{collection, option, prelude::*, sample};
use schemas::{
    content::{ActionStatus, Attachment, ChatIn, ChatOut, Extra, ReplyTo, SystemIn},
    ids::{InboxId, MessageId, SessionId},
    message::{Address, Kind, NewInbound},
};
use serde_json::{Value, json};

pub(crate) fn some_text() -> impl Strategy<Value = String> {
    "[^\\x00]{0,24}"
}

pub(crate) fn maybe_text() -> impl Strategy<Value = Option<String>> {
    option::of(some_text())
}

pub(crate) fn word() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9:/ é._-]{1,12}"
}

pub(crate) fn moment() -> impl Strategy<Value = Timestamp> {
    (0_i64..4_000_000_000_000).prop_map(|ms| Timestamp::from_millisecond(ms).unwrap())
}

pub(crate) fn extra() -> impl Strategy<Value = Extra> {
    let value = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        some_text().prop_map(Value::from),
        collection::vec(some_text(), 0..3).prop_map(|list| json!({ "in": list })),
    ];
    // A name that no type of ours has.
    collection::btree_map("x-[a-z]{1,6}", value, 0..3).prop_map(|map| map.into_iter().collect())
}

pub(crate) fn attachment() -> impl Strategy<Value = Attachment> {
    let texts = (maybe_text(), maybe_text(), maybe_text(), maybe_text(), maybe_text());
    (texts, option::of(any::<u64>()), extra()).prop_map(|(texts, size, extra)| {
        let (name, mime, data, local_path, error) = texts;
        Attachment { name, mime, size, data, local_path, error, extra }
    })
}

pub(crate) fn reply_to() -> impl Strategy<Value = ReplyTo> {
    (option::of(any::<i64>()), maybe_text(), maybe_text()).prop_map(|(seq, sender, text)| ReplyTo {
        seq,
        sender,
        text,
    })
}

pub(crate) fn chat_in() -> impl Strategy<Value = ChatIn> {
    let people = (maybe_text(), maybe_text(), some_text());
    let files = collection::vec(attachment(), 0..3);
    (people, files, option::of(reply_to()), extra()).prop_map(|(people, attachments, to, extra)| {
        let (sender, sender_id, text) = people;
        ChatIn { sender, sender_id, text, attachments, reply_to: to, extra }
    })
}

pub(crate) fn chat_out() -> impl Strategy<Value = ChatOut> {
    (some_text(), collection::vec(some_text(), 0..3), extra())
        .prop_map(|(text, files, extra)| ChatOut { text, files, extra })
}

pub(crate) fn system_in() -> impl Strategy<Value = SystemIn> {
    prop_oneof![
        (any::<i64>(), some_text())
            .prop_map(|(seq, error)| SystemIn::DeliveryFailed { seq, error }),
        (some_text(), action_status(), extra()).prop_map(|(request_id, status, result)| {
            SystemIn::ActionResponse { request_id, status, result: Value::Object(result) }
        }),
        (some_text(), some_text(), extra(), maybe_text()).prop_map(
            |(question_id, status, result, answered_by)| {
                let result = Value::Object(result);
                SystemIn::QuestionResponse { question_id, status, result, answered_by }
            }
        ),
    ]
}

fn action_status() -> impl Strategy<Value = ActionStatus> {
    prop_oneof![
        Just(ActionStatus::Ok),
        Just(ActionStatus::Held),
        Just(ActionStatus::Refused),
        Just(ActionStatus::Failed),
    ]
}

pub(crate) fn address() -> impl Strategy<Value = Address> {
    (word(), word(), option::of(word())).prop_map(|(channel_type, platform_id, thread_id)| {
        Address { channel_type, platform_id, thread_id }
    })
}

pub(crate) fn message_id() -> impl Strategy<Value = MessageId> {
    word().prop_map(|text| MessageId::parse(&text).unwrap())
}

pub(crate) fn kind() -> impl Strategy<Value = Kind> {
    sample::select(vec![Kind::Chat, Kind::ChatSdk, Kind::Task, Kind::Webhook, Kind::System])
}

pub(crate) fn inbound() -> impl Strategy<Value = NewInbound> {
    let head = (message_id(), kind(), moment(), option::of(moment()));
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let tail = (option::of(address()), some_text(), maybe_text(), maybe_text(), maybe_text());
    (head, flags, tail, any::<bool>()).prop_map(|(head, flags, tail, attached)| {
        let (id, kind, timestamp, process_after) = head;
        let (trigger, on_wake, solo) = flags;
        let (address, content, sender_id, client_id, digest) = tail;
        let inbox = attached.then(|| InboxId::mint(timestamp));
        let source_session = attached.then(|| SessionId::mint(timestamp));
        NewInbound {
            process_after,
            trigger,
            address,
            source_session,
            on_wake,
            sender_id,
            solo,
            client_id,
            inbox,
            digest,
            ..NewInbound::new(id, kind, timestamp, content)
        }
    })
}
