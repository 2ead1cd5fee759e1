//! Rules of the contract: safe names, numbers, idempotency, and what is due.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    thread,
};

use jiff::Timestamp;
use proptest::{collection, option, prelude::*, sample};
use schemas::{
    guest_side::{DueBatch, DueQuery, InboundReader, OutboundWriter},
    host_side::{Appended, InboundWriter, numbered_name, safe_name},
    ids::MessageId,
    message::{Address, InboundStatus, Kind, NewInbound},
    session_dir::SessionDir,
};

use crate::{
    WITH_FILES,
    common::{reply, session},
    copy,
};

proptest! {
    #[test]
    fn a_safe_name_is_one_harmless_component(
        name in prop_oneof![
            any::<String>(),
            "[./\\\\~ -]{0,6}(con|NUL|com1|lpt9|x)?[. ]{0,3}[a-z.]{0,4}",
            "\\PC{200,400}",
            "é{120,140}\\.[a-z]{0,40}",
            "(con|NUL|com1)[ .\u{2026}]{230,260}[a-z.]{0,8}",
            "[\u{ff0e}\u{2024}.]{1,3}[/a]{0,3}",
        ],
        n in 1_usize..1000,
        mime in option::of("[a-z]{1,5}/[a-z]{1,5}"),
    ) {
        let safe = safe_name(Some(&name), n, mime.as_deref());
        prop_assert!(!safe.is_empty() && safe.len() <= 255, "{safe:?}");
        prop_assert!(!safe.contains(['/', '\\']) && !safe.chars().any(char::is_control), "{safe:?}");
        prop_assert!(!safe.starts_with(['.', '-', '~', ' ']), "{safe:?}");
        prop_assert!(!safe.ends_with(['.', ' ']), "{safe:?}");
        let stem = safe.split('.').next().unwrap().trim_end().to_uppercase();
        prop_assert!(!["CON", "PRN", "AUX", "NUL", "COM1", "LPT9"].contains(&stem.as_str()));
        let components: Vec<_> = std::path::Path::new(&safe).components().collect();
        prop_assert!(matches!(components[..], [std::path::Component::Normal(_)]), "{safe:?}");
        prop_assert_eq!(safe_name(Some(&safe), n, mime.as_deref()), safe.clone());
        let copy = numbered_name(&safe, n + 1);
        prop_assert!(copy.len() <= 255 && copy != safe && !copy.starts_with('.'), "{copy:?}");
        prop_assert!(!copy.contains(['/', '\\']) && !copy.ends_with(['.', ' ']), "{copy:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(WITH_FILES))]

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

fn due(dir: &SessionDir, limit: usize, acked: &HashMap<MessageId, i64>) -> DueBatch {
    let now = Timestamp::from_second(10_000_000_000).unwrap();
    let query = DueQuery { now, acked, limit, on_wake_up_to: i64::MAX };
    InboundReader::new(dir.clone()).due(&query).unwrap()
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
