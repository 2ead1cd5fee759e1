//! The warm path of a session with 50,000 old rows in both files, beside a fresh session of the
//! same host, round by round.
//!
//! The rows are there before its container starts. The guest prunes its file and the figure is
//! taken when it has; the host keeps its rows while the session is awake, so its file is full size.

use std::{
    os::unix::fs::chown,
    path::Path,
    time::{Duration, Instant},
};

use host::{limits, sessions::key::session_for, store::Store};
use schemas::{
    guest_side::{Ack, AttemptRow, OutboundWriter, RunRow},
    host_side::{InboundWriter, ensure},
    ids::{MessageId, RunId},
    message::{AckStatus, InboundStatus, Kind, NewInbound, NewOutbound, Outcome},
    policy::SessionMode,
    session_dir::SessionDir,
    time::{Clock, SystemClock},
};
use tokio::time::sleep;

use crate::{
    Pace,
    bare::{delivered, message},
    figure::Figures,
    lab::{Lab, new_agent},
    sample::{Pauses, Samples},
};

const OLD: &str = "old";
const FRESH: &str = "fresh";
const ROWS: usize = 50_000;
const BATCH: usize = 5_000;
/// A pruned file holds a few hundred rows.
const PRUNED_BYTES: u64 = 1 << 20;

pub(crate) async fn measure(pace: Pace, figures: &mut Figures) {
    let mut dir = None;
    let lab = Lab::prepared(async |store, home| dir = Some(prepare(store, home).await));
    let (mut lab, dir) = (lab.await, dir.unwrap());
    let mib = |path: &Path| std::fs::metadata(path).map_or(0.0, |meta| meta.len() as f64) / 1e6;
    figures.note("  outbound.db before MB", mib(&dir.outbound_db()));
    lab.agent(FRESH, SessionMode::Shared).await;
    let mut at_old = lab.stream(OLD, None).await;
    let mut at_fresh = lab.stream(FRESH, None).await;
    let began = Instant::now();
    lab.trip(OLD, None, &mut at_old).await;
    figures.note("  first reply ms", began.elapsed().as_secs_f64() * 1000.0);
    lab.trip(FRESH, None, &mut at_fresh).await;
    while std::fs::metadata(dir.outbound_db()).unwrap().len() > PRUNED_BYTES {
        assert!(began.elapsed() < Duration::from_secs(120), "the guest does not prune");
        sleep(Duration::from_millis(100)).await;
    }
    figures.note("  pruned after ms", began.elapsed().as_secs_f64() * 1000.0);
    figures.note("  outbound.db then MB", mib(&dir.outbound_db()));
    figures.note("  inbound.db then MB", mib(&dir.inbound_db()));
    sleep(Duration::from_secs(2)).await;
    let mut pauses = Pauses::new();
    let [mut old, mut fresh] = [(); 2].map(|()| Samples::default());
    for _ in 0..pace.of(200, 50) {
        pauses.next().await;
        old.push(lab.trip(OLD, None, &mut at_old).await.0.whole);
        pauses.next().await;
        fresh.push(lab.trip(FRESH, None, &mut at_fresh).await.0.whole);
    }
    let p50 = fresh.ms(50);
    figures.judge("warm_p50_50k_ms", old.ms(50), 1.5 * p50, "1.5 x a fresh session beside it");
    figures.note("  fresh beside it p50 ms", p50);
    figures.note("  old / fresh, p50", old.ms(50) / p50);
    figures.note("  old p99 ms", old.ms(99));
}

async fn prepare(store: &Store, home: &Path) -> SessionDir {
    let now = SystemClock.now();
    let agent = store.create_agent(new_agent(OLD, SessionMode::Shared), now).await.unwrap();
    let wirings = store.wirings_of(agent.id.clone()).await.unwrap();
    let wanted = session_for(&wirings[0], &wirings[0].place);
    let record = store.session_for(wanted, now).await.unwrap();
    let dir = SessionDir::on_host(home, &agent.id, &record.id);
    ensure(&dir).unwrap();
    let (inbound, outbound) = (InboundWriter::new(dir.clone()), OutboundWriter::new(dir.clone()));
    for _ in 0..ROWS / BATCH {
        let asked: Vec<NewInbound> = (0..BATCH).map(|_| message()).collect();
        let replies: Vec<NewOutbound> = asked.iter().map(reply).collect();
        write_in(&inbound, &asked, &replies);
        write_out(&outbound, &replies);
    }
    if nix::unistd::geteuid().is_root() {
        // What the guest wrote is the guest's.
        let gid = store.agent(agent.id).await.unwrap().gid_index + limits::FIRST_GUEST_ID;
        let uid = record.uid_index + limits::FIRST_GUEST_ID;
        chown(dir.outbound_db(), Some(uid), Some(gid)).unwrap();
    }
    dir
}

fn write_in(inbound: &InboundWriter, asked: &[NewInbound], replies: &[NewOutbound]) {
    inbound
        .write(|tx| {
            for (row, reply) in asked.iter().zip(replies) {
                tx.append(row)?;
                tx.set_status(std::slice::from_ref(&row.id), InboundStatus::Completed)?;
                tx.put_ledger(&delivered(reply.id.clone()))?;
            }
            Ok(())
        })
        .unwrap();
}

fn write_out(outbound: &OutboundWriter, replies: &[NewOutbound]) {
    let now = SystemClock.now();
    outbound
        .write(|tx| {
            for reply in replies {
                let (run, asked) = (reply.run.clone().unwrap(), reply.in_reply_to.clone().unwrap());
                tx.append(reply, 0)?;
                tx.ack(
                    &Ack {
                        message: asked.clone(),
                        status: AckStatus::Completed,
                        tries: 0,
                        run: Some(run.clone()),
                        error: None,
                        retry_at: None,
                    },
                    now,
                )?;
                let ended = Some((now, Outcome::Completed));
                let row = RunRow {
                    run: run.clone(),
                    messages: vec![asked],
                    started_at: now,
                    ended,
                    error_code: None,
                    error_scope: None,
                };
                tx.put_run(&row)?;
                let provider = "echo".to_owned();
                tx.put_attempt(&AttemptRow {
                    run,
                    n: 1,
                    provider,
                    model: None,
                    started_at: now,
                    ended,
                    native: None,
                    error_code: None,
                    tools_started: 0,
                    used: None,
                })?;
            }
            Ok(())
        })
        .unwrap();
}

fn reply(row: &NewInbound) -> NewOutbound {
    NewOutbound {
        id: MessageId::mint(row.timestamp),
        in_reply_to: Some(row.id.clone()),
        timestamp: row.timestamp,
        kind: Kind::Chat,
        address: row.address.clone(),
        content: row.content.clone(),
        run: Some(RunId::mint(row.timestamp)),
    }
}
