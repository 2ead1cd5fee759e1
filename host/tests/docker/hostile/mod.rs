//! A hostile guest: what it leaves in its folder, on a real engine.
//!
//! The test plays the guest from outside, through the same folder; what only a process inside can
//! do is done by one inside. Beside all of it another agent is asked again and again.

use std::{fs, path::PathBuf};

use schemas::{
    admin::{NewAgent, SessionInfo},
    guest_side::OutboundWriter,
    ids::MessageId,
    message::{Kind, NewOutbound},
    session_dir::SessionDir,
};

use crate::{
    attacks::{ASIDE, Attack, FILES, FORGED_ROW, HEARTBEATS, LIVE},
    host_process::{HostProcess, begin_inside, new_agent},
    images::{BASE, have_base},
    room::{Room, say},
    yard::docker,
};

mod honest;

use honest::Honest;

/// What stands in the file outside.
const SECRET: &str = "canary-5f1e-which-nobody-may-read";

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_hostile_folder_sets_its_session_aside_and_nobody_else() {
    let host = HostProcess::up().await;
    let outside = outside(&host);
    let mut honest = Honest::enter(&host).await;
    for attack in ASIDE {
        suffer(&host, &mut honest, attack).await;
    }
    honest.tell("folders");
    untouched(&host, &outside);
    let told = host.log_text().matches("the session is set aside").count();
    assert_eq!(told, ASIDE.len(), "each is told once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn nothing_but_a_file_of_its_own_goes_with_a_reply() {
    let host = HostProcess::up().await;
    let outside = outside(&host);
    let mut honest = Honest::enter(&host).await;
    for attack in FILES {
        goes_without(&host, &mut honest, attack).await;
    }
    honest.tell("files");
    untouched(&host, &outside);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn whatever_stands_in_place_of_the_heartbeat_is_neither_read_nor_followed() {
    let mut andy = Suspect::enter().await;
    for attack in HEARTBEATS {
        (attack.leave)(&andy.dir, &andy.outside);
        let container = andy.host.container(&andy.session.id);
        andy.answers(attack.name).await;
        // The next guest finds nothing of it.
        docker(&["kill", &container]);
        andy.host.until_state("andy", "asleep").await;
        andy.answers("and now?").await;
    }
    untouched(&andy.host, &andy.outside);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_live_file_is_only_looked_at_whatever_it_is() {
    let mut andy = Suspect::enter().await;
    for attack in LIVE {
        let sent = say(&andy.host, "andy", "!slow 1500").await;
        (attack.leave)(&andy.dir, &andy.outside);
        let answer = andy.room.answer().await;
        assert_eq!(answer.in_reply_to, Some(sent.message_id), "{}", attack.name);
        andy.answers("and now?").await;
    }
    untouched(&andy.host, &andy.outside);
}

/// Swaps the database with a link that leads outside, on the host, as fast as it can.
const SWAP: &str = "chdir '/workspace/out'; symlink($ARGV[0], 'l'); \
                    while (1) { rename('outbound.db', 'x'); rename('l', 'outbound.db'); \
                    rename('outbound.db', 'l'); rename('x', 'outbound.db') }";

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_process_that_swaps_the_database_while_the_host_looks_never_leads_it_outside() {
    have_base();
    let host = HostProcess::up().await;
    let outside = outside(&host);
    let mut honest = Honest::enter(&host).await;
    for name in ["swap-1", "swap-2", "swap-3", "swap-4", "swap-5", "swap-6"] {
        swaps(&host, &mut honest, name, &outside).await;
    }
    honest.tell("swaps");
}

/// One such process, until its session is set aside, and the fresh start.
async fn swaps(host: &HostProcess, honest: &mut Honest<'_>, name: &str, outside: &PathBuf) {
    let swapper = NewAgent { image: Some(BASE.to_owned()), ..new_agent(name) };
    host.agent_like(swapper).await;
    let mut room = Room::enter(host, name).await;
    room.ask(host, "hello").await;
    let session = host.session(name).await;
    honest.quietly().await;
    let container = host.container(&session.id);
    begin_inside(&container, &["perl", "-e", SWAP, outside.to_str().unwrap()]);
    let attack = async {
        say(host, name, "meanwhile").await;
        host.until_state(name, "set aside").await
    };
    honest.beside(attack).await;
    untouched(host, outside);
    reset(host, &session).await;
    // What was said meanwhile may have been answered before, and is not lost.
    let accepted = say(host, name, "and now?").await;
    while room.answer().await.in_reply_to.as_ref() != Some(&accepted.message_id) {}
}

/// An agent that answered once and is to go bad, on a host of its own.
struct Suspect {
    host: HostProcess,
    outside: PathBuf,
    room: Room,
    session: SessionInfo,
    dir: SessionDir,
}

impl Suspect {
    async fn enter() -> Self {
        let host = HostProcess::up().await;
        let outside = outside(&host);
        let agent = host.agent("andy").await;
        let mut room = Room::enter(&host, "andy").await;
        room.ask(&host, "hello").await;
        let session = host.session("andy").await;
        let dir = host.session_dir(&agent.id, &session.id);
        Self { host, outside, room, session, dir }
    }

    async fn answers(&mut self, text: &str) {
        assert_eq!(self.room.ask(&self.host, text).await, format!("You said: {text}"));
    }
}

/// One attack, from the first message to the fresh start.
async fn suffer(host: &HostProcess, honest: &mut Honest<'_>, attack: &'static Attack) {
    let name = attack.name;
    let agent = host.agent(name).await;
    let mut room = Room::enter(host, name).await;
    assert_eq!(room.ask(host, "hello").await, "You said: hello", "{name}");
    let session = host.session(name).await;
    let (dir, outside) = (host.session_dir(&agent.id, &session.id), host.home().join("outside/p"));
    honest.quietly().await;
    tokio::task::spawn_blocking(move || (attack.leave)(&dir, &outside)).await.unwrap();
    let aside = honest.beside(host.until_state(name, "set aside")).await;
    let why = aside.notice.unwrap_or_default();
    assert!(why.contains(attack.notice), "{name}: {why}");
    let notice = room.notice().await;
    assert!(notice.contains("set aside") && notice.contains("reset"), "{name}: {notice}");
    // What is said meanwhile is kept.
    let kept = say(host, name, "meanwhile").await;
    assert_eq!(host.session(name).await.state, "set aside", "{name}");
    let log = host.log_text().replace('\\', "");
    let named = |line: &str| line.contains("set aside") && line.contains(attack.notice);
    assert!(log.contains(session.id.as_str()) && log.lines().any(named), "{name}");

    reset(host, &session).await;
    assert_eq!(room.answer().await.in_reply_to, Some(kept.message_id), "{name}");
    assert_eq!(room.ask(host, "and now?").await, "You said: and now?", "{name}");
    assert_eq!(host.session(name).await.notice, None, "{name}");
}

/// A reply arrives without the file that it names, and its session goes on.
async fn goes_without(host: &HostProcess, honest: &mut Honest<'_>, attack: &'static Attack) {
    let name = attack.name;
    let agent = host.agent(name).await;
    let mut room = Room::enter(host, name).await;
    room.ask(host, "hello").await;
    let session = host.session(name).await;
    let (dir, outside) = (host.session_dir(&agent.id, &session.id), host.home().join("outside/p"));
    honest.quietly().await;
    (attack.leave)(&dir, &outside);
    let files = match name {
        "file-absolute" => format!("{outside:?}, \"../../../outside/p\""),
        _ => "\"a.txt\"".to_owned(),
    };
    let row = NewOutbound {
        id: MessageId::parse(FORGED_ROW).unwrap(),
        in_reply_to: None,
        timestamp: jiff::Timestamp::UNIX_EPOCH,
        kind: Kind::Chat,
        address: None,
        content: format!(r#"{{"text":"take this","files":[{files}]}}"#),
        run: None,
    };
    OutboundWriter::new(dir).write(|tx| tx.append(&row, 1000)).unwrap();
    let answer = honest.beside(room.answer()).await;
    assert_eq!((answer.text.as_str(), answer.files.len()), ("take this", 0), "{name}");
    let words = room.ask(host, "and now?").await;
    assert!(words.starts_with("You said: and now?"), "{name}: {words}");
    let listed = host.lazaret(&["--json", "messages", "list", session.id.as_str()]).await;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.contains("was not sent") && listed.contains(attack.notice), "{name}: {listed}");
    assert!(!listed.contains(SECRET), "{name}");
}

/// A file that no session may reach.
fn outside(host: &HostProcess) -> PathBuf {
    let folder = host.home().join("outside");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("p"), SECRET).unwrap();
    folder.join("p")
}

/// The file outside is as it was, and nothing that the host keeps says what stands in it.
fn untouched(host: &HostProcess, outside: &PathBuf) {
    assert_eq!(fs::read_to_string(outside).unwrap(), SECRET);
    assert!(!host.log_text().contains(SECRET));
    let central = fs::read(host.home().join("central.db")).unwrap();
    assert!(!central.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()));
}

/// An operator's reset.
pub(crate) async fn reset(host: &HostProcess, session: &SessionInfo) {
    let done = host.lazaret(&["sessions", "reset", session.id.as_str()]).await;
    assert!(done.status.success(), "{done:?}");
}
