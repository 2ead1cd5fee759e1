//! Routing one message of a room with ten wirings, among 1,000 wirings and 10,000 rooms.
//!
//! The pure part alone, and all of it for a room that nobody asked for yet: one read of the central
//! database, ten patterns compiled, the decisions. Its own database; no host and no engine.

use std::{hint::black_box, time::Instant};

use host::{
    channels::{Inbound, Sender},
    routing::{About, Decision, Room, route},
    store::{NewRoom, Rules, Store},
};
use schemas::{
    admin::NewAgent,
    ids::AgentId,
    message::Address,
    policy::{EngageMode, IgnoredPolicy, SenderScope, SessionMode, UnknownSenderPolicy},
    time::{Clock, SystemClock},
};

use crate::{Pace, figure::Figures, install::folder, sample::Samples};

const ROOMS: usize = 10_000;
const WIRED: usize = 100;
const AGENTS: usize = 10;

pub(crate) async fn measure(pace: Pace, figures: &mut Figures) {
    let home = folder();
    prepare(home.path()).await;
    let store = Store::open(&home.path().join("central.db")).unwrap();
    let mut whole = Samples::default();
    let mut looked = Samples::default();
    let mut pure = Samples::default();
    for n in 0..pace.of(2_000, 500) {
        let message = message(n % WIRED, n);
        let began = Instant::now();
        let sender = Some(message.sender.id().to_owned());
        let facts = store.route_facts(message.address.clone(), sender).await.unwrap();
        looked.push(began.elapsed());
        let room = Room::new(facts.room.unwrap(), facts.wirings);
        let about =
            About { who: facts.who.unwrap(), denied: facts.denied, in_thread: facts.in_thread };
        let routed = black_box(route(&message, Some(&room), &about));
        whole.push(began.elapsed());
        assert_eq!(routed.agents.len(), AGENTS);
        let wakes = |decision: &Decision| matches!(decision, Decision::Wake { .. });
        assert!(routed.agents.iter().any(|one| wakes(&one.decision)));
        // A room that messages come from is in memory, and its patterns have matched before.
        let began = Instant::now();
        drop(black_box(route(black_box(&message), Some(&room), &about)));
        pure.push(began.elapsed());
    }
    figures.judge("route_pure_us", pure.ms(50) * 1_000.0, 100.0, "p50, ten wirings");
    figures.note("  the same p99", pure.ms(99) * 1_000.0);
    figures.judge("route_ms", whole.ms(50), 1.0, "p50, with its look-up, nothing in memory");
    figures.note("  its look-up alone", looked.ms(50));
    figures.note("  the whole p99", whole.ms(99));
}

/// Built in memory and copied: 11,000 durable commits are not what is measured.
async fn prepare(home: &std::path::Path) {
    let fast = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = fast.path().join("central.db");
    {
        let store = Store::open(&path).unwrap();
        let now = SystemClock.now();
        let mut agents = Vec::new();
        for n in 0..AGENTS {
            let new = NewAgent::named(format!("agent-{n}"));
            agents.push(store.create_agent(new, now).await.unwrap().id);
        }
        for n in 0..ROOMS {
            let room = NewRoom {
                channel: "slack".to_owned(),
                platform_id: format!("C{n}"),
                name: None,
                group: true,
                unknown_sender: UnknownSenderPolicy::Public,
            };
            let room = store.create_room(room, now).await.unwrap();
            if n < WIRED {
                wire(&store, &room.id, &agents).await;
            }
        }
    }
    for file in std::fs::read_dir(fast.path()).unwrap() {
        let file = file.unwrap().path();
        std::fs::copy(&file, home.join(file.file_name().unwrap())).unwrap();
    }
}

/// Ten agents of every kind.
async fn wire(store: &Store, room: &schemas::ids::RoomId, agents: &[AgentId]) {
    for (n, agent) in agents.iter().enumerate() {
        let rules = Rules {
            mode: SessionMode::PerThread,
            engage: [EngageMode::Pattern, EngageMode::Mention, EngageMode::MentionSticky][n % 3],
            pattern: (n % 3 == 0).then(|| format!(r"(?i)\b(deploy|release|topic {n}|hello)\b")),
            scope: if n % 2 == 0 { SenderScope::All } else { SenderScope::Known },
            ignored: if n % 4 == 0 { IgnoredPolicy::Accumulate } else { IgnoredPolicy::Drop },
            priority: i64::try_from(n % 3).unwrap(),
            ..Rules::default()
        };
        store.create_wiring(room.clone(), agent.clone(), rules, SystemClock.now()).await.unwrap();
    }
}

/// Two hundred letters from somebody whom nobody knows, in a thread.
fn message(room: usize, n: usize) -> Inbound {
    let text = format!("{} hello, and what do you think of it?", "lorem ipsum ".repeat(13));
    Inbound {
        address: Address {
            channel_type: "slack".to_owned(),
            platform_id: format!("C{room}"),
            thread_id: Some(format!("t{}", n % 7)),
        },
        id: format!("slack:C{room}:{n}"),
        sender: Sender::Platform { id: format!("slack:U{n}"), name: "somebody".to_owned() },
        content: text.clone(),
        text,
        at: SystemClock.now(),
        mentioned: n.is_multiple_of(2),
        is_group: true,
        room_name: None,
        client_id: None,
        digest: None,
    }
}
