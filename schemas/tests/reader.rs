//! The host's reader of `outbound.db` beside an honest guest: what it sees, and when.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that panics is a test that fails")]

mod common;

use std::{
    collections::HashSet,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use common::{reply, session};
use jiff::Timestamp;
use schemas::{
    guest_side::{Ack, ErrorScope, OutboundWriter, RunRow},
    host_side::{OutboundCopy, OutboundReader, Reading},
    ids::{MessageId, RunId},
    message::{AckStatus, Address, NewOutbound, Outcome},
};

fn row(id: &str, content: &str) -> NewOutbound {
    NewOutbound {
        in_reply_to: Some(MessageId::parse("asked").unwrap()),
        address: Some(Address {
            channel_type: "terminal".to_owned(),
            platform_id: "tty".to_owned(),
            thread_id: None,
        }),
        run: Some(RunId::mint(Timestamp::UNIX_EPOCH)),
        ..reply(id, content)
    }
}

#[track_caller]
fn copy(reading: Reading) -> OutboundCopy {
    let Reading::Copy(copy) = reading else { panic!("not a copy: {reading:?}") };
    copy
}

#[test]
fn what_one_peeked_at_is_still_new_to_the_next_look() {
    let (_home, dir) = session();
    let guest = OutboundWriter::new(dir.clone());
    guest.write(|tx| tx.append(&row("out-1", "{}"), 0)).unwrap();
    let mut reader = OutboundReader::new(dir);
    copy(reader.peek().unwrap());
    copy(reader.read(false).unwrap());
    copy(reader.peek().unwrap());
    assert!(matches!(reader.read(false), Ok(Reading::Unchanged)));
    guest.write(|tx| tx.append(&row("out-2", "{}"), 0)).unwrap();
    copy(reader.peek().unwrap());
    copy(reader.read(false).unwrap());
}

#[test]
fn a_reply_is_read_as_it_was_written() {
    let (_home, dir) = session();
    let guest = OutboundWriter::new(dir.clone());
    let sent = row("out-1", r#"{"text":"hello"}"#);
    assert_eq!(guest.write(|tx| tx.append(&sent, 4)).unwrap(), 5);
    let seen = copy(OutboundReader::new(dir).read(false).unwrap());
    let rows = seen.messages_above(0, 10).unwrap();
    let read = rows.into_iter().next().unwrap().unwrap();
    assert_eq!((read.id, read.seq, read.content), (sent.id, 5, sent.content));
    assert_eq!((read.kind, read.address, read.run), (sent.kind, sent.address, sent.run));
    assert_eq!(read.in_reply_to, sent.in_reply_to);
    assert!(seen.messages_above(5, 10).unwrap().is_empty());
}

#[test]
fn acks_and_runs_are_read_as_they_were_written() {
    let (_home, dir) = session();
    let message = MessageId::parse("in-1").unwrap();
    let run = RunId::mint(Timestamp::UNIX_EPOCH);
    let at = Timestamp::from_second(7).unwrap();
    let ack = Ack {
        message: message.clone(),
        status: AckStatus::Retry,
        tries: 2,
        run: Some(run.clone()),
        error: Some("later".to_owned()),
        retry_at: Some(at),
    };
    let ended = RunRow {
        run: run.clone(),
        messages: vec![message.clone()],
        started_at: Timestamp::UNIX_EPOCH,
        ended: Some((at, Outcome::Failed)),
        error_code: Some("overloaded".to_owned()),
        error_scope: Some(ErrorScope::Provider),
    };
    OutboundWriter::new(dir.clone())
        .write(|tx| {
            tx.ack(&ack, at)?;
            tx.put_run(&ended)
        })
        .unwrap();
    let seen = copy(OutboundReader::new(dir).read(false).unwrap());
    let read = seen.ack(&message).unwrap().unwrap();
    assert_eq!((read.status, read.tries, read.run), (ack.status, ack.tries, ack.run));
    assert_eq!((read.error, read.retry_at), (ack.error, ack.retry_at));
    let read = seen.run(&run).unwrap().unwrap();
    assert_eq!((read.messages, read.ended), (ended.messages, Some(Outcome::Failed)));
    assert_eq!((read.started_at, read.ended_at), (ended.started_at, Some(at)));
    assert_eq!(read.error_code, ended.error_code);
    assert_eq!(seen.ack(&MessageId::parse("other").unwrap()).unwrap(), None);
}

#[test]
fn a_file_that_has_not_changed_is_copied_only_when_forced() {
    let (_home, dir) = session();
    let mut reader = OutboundReader::new(dir.clone());
    assert!(matches!(reader.read(false), Ok(Reading::Absent)));
    let guest = OutboundWriter::new(dir);
    guest.write(|tx| tx.append(&row("a", "1"), 0)).unwrap();
    assert!(matches!(reader.read(false), Ok(Reading::Copy(_))));
    assert!(matches!(reader.read(false), Ok(Reading::Unchanged)));
    assert!(matches!(reader.read(true), Ok(Reading::Copy(_))));
    guest.write(|tx| tx.append(&row("b", "2"), 0)).unwrap();
    let seen = copy(reader.read(false).unwrap());
    assert_eq!(seen.messages_above(0, 10).unwrap().len(), 2);
}

#[test]
fn two_thousand_copies_beside_a_busy_writer_are_never_torn() {
    let (_home, dir) = session();
    let guest = OutboundWriter::new(dir.clone());
    let done = AtomicBool::new(false);
    let mut reader = OutboundReader::new(dir);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut n = 0;
            while !done.load(Ordering::Relaxed) {
                guest
                    .write(|tx| {
                        tx.append(&row(&format!("{n}-left"), "x"), 0)?;
                        tx.append(&row(&format!("{n}-right"), "y"), 0)?;
                        let old = tx.old_messages(20, 40)?;
                        tx.prune(&old, &[])
                    })
                    .unwrap();
                n += 1;
            }
            n
        });
        let mut copies = 0;
        while copies < 2_000 {
            if let Reading::Copy(seen) = reader.read(true).unwrap() {
                let rows = seen.messages_above(0, 100).unwrap();
                let pairs: HashSet<String> =
                    rows.iter().map(|row| row.as_ref().unwrap().id.as_str().to_owned()).collect();
                let whole = pairs.iter().filter(|id| id.ends_with("right")).all(|id| {
                    // Pruning leaves the newest twenty, so only whole pairs stay.
                    pairs.contains(&id.replace("right", "left"))
                });
                assert!(whole, "a pair was torn: {pairs:?}");
                copies += 1;
            }
        }
        done.store(true, Ordering::Relaxed);
        assert!(writer.join().unwrap() > 0);
    });
}
