//! What holds for any input: round trips, numbers, idempotency, names, and what is due.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that panics is a test that fails")]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Debug,
    thread,
};

use common::{reply, session};
use jiff::Timestamp;
use proptest::{collection, option, prelude::*, sample};
use schemas::{
    content::{self, Attachment, ChatIn, ChatOut, Extra, ReplyTo, SystemIn},
    guest_side::{Ack, DueBatch, DueQuery, InboundReader, OutboundWriter, RunRow},
    host_side::{
        Appended, InboundTx, InboundWriter, OutboundCopy, OutboundReader, Reading, safe_name,
    },
    ids::{AgentId, InboxId, MessageId, RunId, SessionId},
    message::{
        AckStatus, Address, DeliveryStatus, InboundStatus, Kind, LedgerRow, NewInbound,
        NewOutbound, Outcome,
    },
    session_dir::SessionDir,
    session_file::SessionFile,
};
use serde_json::{Value, json};

// Each case of these makes files; the pure ones below run more often.
const WITH_FILES: u32 = 48;

fn some_text() -> impl Strategy<Value = String> {
    "[^\\x00]{0,24}"
}

fn maybe_text() -> impl Strategy<Value = Option<String>> {
    option::of(some_text())
}

fn word() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9:/ é._-]{1,12}"
}

fn moment() -> impl Strategy<Value = Timestamp> {
    (0_i64..4_000_000_000_000).prop_map(|ms| Timestamp::from_millisecond(ms).unwrap())
}

fn extra() -> impl Strategy<Value = Extra> {
    let value = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        some_text().prop_map(Value::from),
        collection::vec(some_text(), 0..3).prop_map(|list| json!({ "in": list })),
    ];
    // A name that no type of ours has.
    collection::btree_map("x-[a-z]{1,6}", value, 0..3).prop_map(|map| map.into_iter().collect())
}

fn attachment() -> impl Strategy<Value = Attachment> {
    let texts = (maybe_text(), maybe_text(), maybe_text(), maybe_text(), maybe_text());
    (texts, option::of(any::<u64>()), extra()).prop_map(|(texts, size, extra)| {
        let (name, mime, data, local_path, error) = texts;
        Attachment { name, mime, size, data, local_path, error, extra }
    })
}

fn reply_to() -> impl Strategy<Value = ReplyTo> {
    (option::of(any::<i64>()), maybe_text(), maybe_text()).prop_map(|(seq, sender, text)| ReplyTo {
        seq,
        sender,
        text,
    })
}

fn chat_in() -> impl Strategy<Value = ChatIn> {
    let people = (maybe_text(), maybe_text(), some_text());
    let files = collection::vec(attachment(), 0..3);
    (people, files, option::of(reply_to()), extra()).prop_map(|(people, attachments, to, extra)| {
        let (sender, sender_id, text) = people;
        ChatIn { sender, sender_id, text, attachments, reply_to: to, extra }
    })
}

fn chat_out() -> impl Strategy<Value = ChatOut> {
    (some_text(), collection::vec(some_text(), 0..3), extra())
        .prop_map(|(text, files, extra)| ChatOut { text, files, extra })
}

fn system_in() -> impl Strategy<Value = SystemIn> {
    prop_oneof![
        (any::<i64>(), some_text())
            .prop_map(|(seq, error)| SystemIn::DeliveryFailed { seq, error }),
        (maybe_text(), some_text(), extra()).prop_map(|(request_id, status, result)| {
            SystemIn::ActionResponse { request_id, status, result: Value::Object(result) }
        }),
    ]
}

fn address() -> impl Strategy<Value = Address> {
    (word(), word(), option::of(word())).prop_map(|(channel_type, platform_id, thread_id)| {
        Address { channel_type, platform_id, thread_id }
    })
}

fn message_id() -> impl Strategy<Value = MessageId> {
    word().prop_map(|text| MessageId::parse(&text).unwrap())
}

fn kind() -> impl Strategy<Value = Kind> {
    sample::select(vec![Kind::Chat, Kind::ChatSdk, Kind::Task, Kind::Webhook, Kind::System])
}

fn inbound() -> impl Strategy<Value = NewInbound> {
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

fn due(dir: &SessionDir, limit: usize, acked: &HashMap<MessageId, i64>) -> DueBatch {
    let now = Timestamp::from_second(10_000_000_000).unwrap();
    let query = DueQuery { now, acked, limit, first_read: true };
    InboundReader::new(dir.clone()).due(&query).unwrap()
}

fn copy(dir: &SessionDir) -> OutboundCopy {
    let Reading::Copy(copy) = OutboundReader::new(dir.clone()).read(true).unwrap() else {
        panic!("not a copy");
    };
    copy
}

/// Written and read again, it is the same.
#[track_caller]
fn survives<T>(value: &T) -> Result<(), TestCaseError>
where
    T: PartialEq + Debug + serde::Serialize + serde::de::DeserializeOwned,
{
    let read: T = content::read(&content::write(value)).unwrap();
    prop_assert_eq!(&read, value);
    Ok(())
}

proptest! {
    #[test]
    fn every_content_survives_a_round_trip(
        chat_in in chat_in(), chat_out in chat_out(), system in system_in(),
    ) {
        survives(&chat_in)?;
        survives(&chat_out)?;
        survives(&system)?;
    }

    #[test]
    fn no_content_makes_the_reader_panic(text in any::<String>()) {
        drop(content::read::<ChatIn>(&text));
        drop(content::read::<ChatOut>(&text));
        drop(content::read::<SystemIn>(&text));
    }

    #[test]
    fn a_safe_name_is_one_harmless_component(
        name in prop_oneof![
            any::<String>(),
            "[./\\\\~ -]{0,6}(con|NUL|com1|lpt9|x)?[. ]{0,3}[a-z.]{0,4}",
            "\\PC{200,400}",
            "é{120,140}\\.[a-z]{0,40}",
        ],
        n in 1_usize..1000,
        mime in option::of("[a-z]{1,5}/[a-z]{1,5}"),
    ) {
        let safe = safe_name(Some(&name), n, mime.as_deref());
        prop_assert!(!safe.is_empty() && safe.len() <= 255, "{safe:?}");
        prop_assert!(!safe.contains(['/', '\\']) && !safe.chars().any(char::is_control), "{safe:?}");
        prop_assert!(!safe.starts_with(['.', '-', '~', ' ']), "{safe:?}");
        prop_assert!(!safe.ends_with(['.', ' ']), "{safe:?}");
        let stem = safe.split('.').next().unwrap().to_uppercase();
        prop_assert!(!["CON", "PRN", "AUX", "NUL", "COM1", "LPT9"].contains(&stem.as_str()));
        let components: Vec<_> = std::path::Path::new(&safe).components().collect();
        prop_assert!(matches!(components[..], [std::path::Component::Normal(_)]), "{safe:?}");
        prop_assert_eq!(safe_name(Some(&safe), n, mime.as_deref()), safe);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(WITH_FILES))]

    #[test]
    fn a_session_file_survives_a_round_trip(
        names in (some_text(), some_text(), some_text()), numbers in any::<(u32, u32)>(),
        at in moment(),
    ) {
        let (_home, dir) = session();
        let file = SessionFile {
            contract: numbers.0,
            session: SessionId::mint(at),
            agent: AgentId::mint(at),
            agent_name: names.0,
            provider: names.1,
            max_messages_per_prompt: numbers.1,
            time_zone: names.2,
        };
        file.save(&dir).unwrap();
        prop_assert_eq!(SessionFile::load(&dir).unwrap(), file);
    }

    #[test]
    fn an_inbound_row_survives_a_round_trip(new in inbound()) {
        let (_home, dir) = session();
        let appended = InboundWriter::new(dir.clone()).write(|tx| tx.append(&new)).unwrap();
        prop_assert_eq!(appended, Appended::New { seq: 2 });
        let again = InboundReader::new(dir).again(std::slice::from_ref(&new.id)).unwrap();
        let row = again.into_iter().next().unwrap();
        prop_assert_eq!((row.id, row.seq, row.kind), (new.id, 2, new.kind));
        prop_assert_eq!((row.timestamp, row.status), (new.timestamp, InboundStatus::Pending));
        prop_assert_eq!((row.tries, row.trigger, row.address), (0, new.trigger, new.address));
        prop_assert_eq!((row.content, row.on_wake), (new.content, new.on_wake));
        prop_assert_eq!((row.sender_id, row.solo), (new.sender_id, new.solo));
        prop_assert_eq!(row.queue_pos, None);
    }

    #[test]
    fn an_outbound_row_survives_a_round_trip(
        id in message_id(), to in option::of(message_id()), kind in kind(), at in moment(),
        address in option::of(address()), content in some_text(), read in 0_i64..1_000_000,
    ) {
        let (_home, dir) = session();
        let run = Some(RunId::mint(at));
        let new = NewOutbound { id, in_reply_to: to, timestamp: at, kind, address, content, run };
        let seq = OutboundWriter::new(dir.clone()).write(|tx| tx.append(&new, read)).unwrap();
        prop_assert!(seq > read && seq % 2 == 1);
        let row = copy(&dir).messages_above(0, 1).unwrap().remove(0).unwrap();
        prop_assert_eq!((row.id, row.seq, row.in_reply_to), (new.id, seq, new.in_reply_to));
        prop_assert_eq!((row.kind, row.address, row.run), (new.kind, new.address, new.run));
        prop_assert_eq!((row.content, row.deliver_after), (new.content, None));
    }

    #[test]
    fn an_ack_and_a_run_survive_a_round_trip(
        message in message_id(), tries in 0_i64..100, error in maybe_text(),
        retry_at in option::of(moment()), messages in collection::vec(message_id(), 0..4),
        times in (moment(), option::of(moment())),
        status in sample::select(vec![AckStatus::Processing, AckStatus::Retry, AckStatus::Failed]),
        outcome in sample::select(vec![Outcome::Completed, Outcome::Interrupted]),
    ) {
        let (_home, dir) = session();
        let run = RunId::mint(times.0);
        let ack = Ack { message, status, tries, run: Some(run.clone()), error, retry_at };
        let ended = times.1.map(|at| (at, outcome));
        let row = RunRow { run, messages, started_at: times.0, ended, error_code: None };
        OutboundWriter::new(dir.clone())
            .write(|tx| {
                tx.ack(&ack, times.0)?;
                tx.put_run(&row)
            })
            .unwrap();
        let copy = copy(&dir);
        let seen = copy.ack(&ack.message).unwrap().unwrap();
        prop_assert_eq!((seen.status, seen.tries, seen.run), (ack.status, ack.tries, ack.run));
        prop_assert_eq!((seen.error, seen.retry_at), (ack.error, ack.retry_at));
        let seen = copy.run(&row.run).unwrap().unwrap();
        prop_assert_eq!((seen.messages, seen.started_at), (row.messages, row.started_at));
        prop_assert_eq!(seen.ended_at.zip(seen.ended), row.ended);
    }

    #[test]
    fn a_ledger_row_survives_a_round_trip(
        message_out in message_id(), texts in (maybe_text(), maybe_text()), attempts in any::<u32>(),
        times in (option::of(moment()), option::of(moment())),
        status in sample::select(vec![DeliveryStatus::Sending, DeliveryStatus::Failed]),
    ) {
        let (_home, dir) = session();
        let row = LedgerRow {
            message_out,
            platform_message_id: texts.0,
            status,
            delivered_at: times.0,
            attempts,
            next_attempt_at: times.1,
            error: texts.1,
        };
        let put = |tx: &InboundTx<'_>| {
            tx.put_ledger(&row)?;
            tx.put_ledger(&row)?;
            tx.ledger()
        };
        prop_assert_eq!(InboundWriter::new(dir).write(put).unwrap(), vec![row]);
    }

    #[test]
    fn appending_with_repeats_is_appending_the_distinct_ones(
        ids in collection::vec(0_u8..6, 1..20),
    ) {
        let (_home, dir) = session();
        let host = InboundWriter::new(dir.clone());
        let mut known: BTreeMap<u8, i64> = BTreeMap::new();
        for id in ids {
            let row = hello(&format!("m{id}"));
            let found = host.write(|tx| tx.append(&row)).unwrap();
            let expected = match known.get(&id) {
                Some(seq) => Appended::AlreadyThere { id: row.id, seq: Some(*seq) },
                None => Appended::New { seq: 2 * i64::try_from(known.len() + 1).unwrap() },
            };
            if let Appended::New { seq } = found {
                known.insert(id, seq);
            }
            prop_assert_eq!(found, expected);
        }
        prop_assert_eq!(due(&dir, 1_000, &HashMap::new()).triggers.len(), known.len());
    }

    #[test]
    fn a_batch_is_the_oldest_waiting_address_and_nothing_that_is_not_due(
        rows in collection::vec(waiting(), 0..25), limit in 1_usize..5,
    ) {
        let (_home, dir) = session();
        let mut acked = HashMap::new();
        InboundWriter::new(dir.clone())
            .write(|tx| {
                for (n, row) in rows.iter().enumerate() {
                    let id = MessageId::parse(&format!("m{n}")).unwrap();
                    tx.append(&NewInbound { id: id.clone(), ..row.new.clone() })?;
                    tx.set_status(std::slice::from_ref(&id), row.status)?;
                    acked.extend(row.acked.map(|tries| (id, tries)));
                }
                Ok(())
            })
            .unwrap();
        let batch = due(&dir, limit, &acked);
        // The same, said plainly: first what is due, then the oldest address, then the limit.
        let open: Vec<(i64, &Waiting)> = (1..)
            .map(|n| 2 * n)
            .zip(&rows)
            .filter(|(_, row)| row.status == InboundStatus::Pending && row.acked.is_none())
            .collect();
        let first = open.iter().find(|(_, row)| row.new.trigger);
        let mut expected: Vec<i64> = open
            .iter()
            .filter(|(_, row)| row.new.trigger)
            .filter(|(_, row)| first.is_some_and(|(_, first)| first.new.address == row.new.address))
            .filter(|(_, row)| !row.new.solo && !first.is_some_and(|(_, first)| first.new.solo))
            .map(|(seq, _)| *seq)
            .collect();
        if let Some((seq, _)) = first.filter(|(_, row)| row.new.solo) {
            expected = vec![*seq];
        }
        expected.truncate(limit);
        let found: Vec<i64> = batch.triggers.iter().map(|row| row.seq).collect();
        prop_assert_eq!(&found, &expected);
        let last = expected.last().copied().unwrap_or_default();
        let context: Vec<i64> = open
            .iter()
            .filter(|(seq, row)| !row.new.trigger && *seq < last)
            .filter(|(_, row)| first.is_some_and(|(_, first)| first.new.address == row.new.address))
            .map(|(seq, _)| *seq)
            .collect();
        prop_assert_eq!(batch.context.iter().map(|row| row.seq).collect::<Vec<_>>(), context);
        prop_assert_eq!(batch.highest_seq, 2 * i64::try_from(rows.len()).unwrap());
    }
}

/// An inbound row, and what became of it.
#[derive(Debug, Clone)]
struct Waiting {
    new: NewInbound,
    status: InboundStatus,
    acked: Option<i64>,
}

fn waiting() -> impl Strategy<Value = Waiting> {
    let flags = (prop::bool::weighted(0.7), prop::bool::weighted(0.2));
    let gone = vec![InboundStatus::Pending, InboundStatus::Pending, InboundStatus::Cancelled];
    let acked = option::weighted(0.3, 0_i64..2);
    (0_u8..3, flags, sample::select(gone), acked).prop_map(|(room, flags, status, acked)| {
        let mut new = hello("placeholder");
        (new.trigger, new.solo) = flags;
        new.address = (room > 0).then(|| Address {
            channel_type: "terminal".to_owned(),
            platform_id: room.to_string(),
            thread_id: None,
        });
        Waiting { new, status, acked }
    })
}

fn hello(id: &str) -> NewInbound {
    let id = MessageId::parse(id).unwrap();
    NewInbound::new(id, Kind::Chat, Timestamp::UNIX_EPOCH, "{}".to_owned())
}

/// Two threads that write fifty rows each; answers the numbers that each was given.
fn race(write: impl Fn(&str) -> i64 + Sync) -> [Vec<i64>; 2] {
    thread::scope(|scope| {
        let write = &write;
        let each = ["left", "right"].map(|side| {
            scope.spawn(move || (0..50).map(|n| write(&format!("{side}-{n}"))).collect())
        });
        each.map(|thread| thread.join().unwrap())
    })
}

#[track_caller]
fn numbered(given: &[Vec<i64>; 2], parity: i64) {
    for side in given {
        assert!(side.is_sorted(), "{side:?}");
    }
    let all: BTreeSet<i64> = given.iter().flatten().copied().collect();
    assert_eq!(all.len(), 100);
    assert!(all.iter().all(|seq| seq % 2 == parity), "{all:?}");
}

#[test]
fn two_writers_of_the_hosts_side_never_share_a_number() {
    let (_home, dir) = session();
    let host = InboundWriter::new(dir.clone());
    let given = race(|id| match host.write(|tx| tx.append(&hello(id))).unwrap() {
        Appended::New { seq } => seq,
        Appended::AlreadyThere { id, .. } | Appended::Conflict { id } => panic!("{id} is known"),
    });
    numbered(&given, 0);
    assert_eq!(due(&dir, 1_000, &HashMap::new()).triggers.len(), 100);
}

#[test]
fn two_writers_of_the_guests_side_never_share_a_number() {
    let (_home, dir) = session();
    let guest = OutboundWriter::new(dir.clone());
    let given = race(|id| guest.write(|tx| tx.append(&reply(id, "{}"), 10)).unwrap());
    numbered(&given, 1);
    let rows = copy(&dir).messages_above(10, 1_000).unwrap();
    let seqs: Vec<i64> = rows.into_iter().map(|row| row.unwrap().seq).collect();
    assert!(seqs.is_sorted() && seqs.len() == 100);
}

#[test]
fn the_same_id_with_another_content_is_a_conflict_not_a_second_row() {
    let (_home, dir) = session();
    let host = InboundWriter::new(dir.clone());
    let append = |digest: &str, client: &str, id: &str| {
        let mut row = hello(id);
        (row.digest, row.client_id) = (Some(digest.to_owned()), Some(client.to_owned()));
        host.write(|tx| tx.append(&row)).unwrap()
    };
    let id = hello("m").id;
    assert_eq!(append("d1", "c1", "m"), Appended::New { seq: 2 });
    assert_eq!(append("d1", "c1", "m"), Appended::AlreadyThere { id: id.clone(), seq: Some(2) });
    assert_eq!(append("d1", "c1", "n"), Appended::AlreadyThere { id: id.clone(), seq: Some(2) });
    assert_eq!(append("d2", "c1", "o"), Appended::Conflict { id });
    assert_eq!(due(&dir, 10, &HashMap::new()).triggers.len(), 1);
}
