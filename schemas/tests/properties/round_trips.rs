//! What is written is what is read, for everything that travels and everything that is stored.

use std::fmt::Debug;

use proptest::{collection, option, prelude::*, sample};
use schemas::{
    content::{self, ChatIn, ChatOut, SystemIn},
    guest_side::{Ack, InboundReader, OutboundWriter, RunRow},
    host_side::{Appended, InboundTx, InboundWriter},
    ids::{AgentId, RunId, SessionId},
    message::{AckStatus, DeliveryStatus, InboundStatus, LedgerRow, NewOutbound, Outcome},
    session_file::SessionFile,
};

use crate::{
    WITH_FILES,
    any::{
        address, chat_in, chat_out, inbound, kind, maybe_text, message_id, moment, some_text,
        system_in,
    },
    common::session,
    copy,
};

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
            system_prompt: String::new(),
            model: None,
            work_dir: None,
            models: Vec::new(),
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
        let row = RunRow { run, messages, started_at: times.0, ended, error_code: None, error_scope: None };
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
        last in sample::select(vec![DeliveryStatus::Delivered, DeliveryStatus::Failed]),
    ) {
        let (_home, dir) = session();
        let row = LedgerRow {
            message_out,
            platform_message_id: texts.0,
            status: DeliveryStatus::Sending,
            delivered_at: times.0,
            attempts,
            next_attempt_at: times.1,
            error: texts.1,
        };
        let put = |tx: &InboundTx<'_>| {
            tx.put_ledger(&row)?;
            tx.put_ledger(&row)?;
            let waiting = tx.sending()?;
            tx.put_ledger(&LedgerRow { status: last, ..row.clone() })?;
            Ok((waiting, tx.sending()?))
        };
        let writer = InboundWriter::new(dir);
        let ids = [row.message_out.clone()];
        prop_assert!(writer.settled_out(&ids).unwrap().is_empty());
        let (waiting, after) = writer.write(put).unwrap();
        prop_assert_eq!(waiting, vec![row]);
        prop_assert_eq!((after, writer.settled_out(&ids).unwrap().len()), (vec![], 1));
    }
}
