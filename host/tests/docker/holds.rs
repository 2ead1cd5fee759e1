//! A hostile guest that holds what the host must open: locks and leases that it never gives back.
//!
//! What a process inside may do is done by one inside. A lease has to be taken by one that entered
//! the container from outside, for the system call filter refuses it to those that began there.

use std::{
    fs::{File, OpenOptions},
    process::{Child, Command, Stdio},
};

use host::{client::EventStream, client::Since, engine::ContainerId};
use nix::{
    fcntl::{FcntlArg, fcntl},
    libc,
};
use schemas::admin::{Agent, NewAgent, RoomEvent, SessionInfo};
use tokio::time::{Duration, Instant, timeout};

use crate::{
    attacks::touch,
    host_process::{HostProcess, begin_inside, inside, new_agent},
    hostile::reset,
    images::{BASE, have_base},
    room::{Room, say},
    waiting::{PATIENCE, eventually},
    yard::{docker, pid},
};

/// A shared lock over the whole file, which a read-only mount allows.
const LOCK: &str = "use Fcntl; open(F, '<', '/workspace/in/inbound.db') or die; \
                    my $l = pack('s s x4 q q i x4', F_RDLCK, 0, 0, 0, 0); \
                    fcntl(F, F_SETLK, $l) or die; \
                    open(M, '>', '/tmp/held'); close(M); sleep(3600)";

/// Says a number for every way to ask for a lease; 1 is "operation not permitted".
const LEASES: &str = "open(F, '<', $ARGV[0]) or die; \
                      for (1024, 1040, 1024 + 2 ** 32) { \
                      my $done = syscall($ARGV[1], fileno(F), $_, 0); \
                      print $done == 0 ? 'granted ' : $! + 0, ' ' } \
                      print syscall($ARGV[1], fileno(F), 1025, 0), ' '; \
                      print syscall($ARGV[1], fileno(F), 1030, 100)";

#[tokio::test]
async fn a_lock_that_is_never_given_back_on_outbound_sets_the_session_aside() {
    let host = HostProcess::up().await;
    let agent = host.agent("andy").await;
    let mut room = Room::enter(&host, "andy").await;
    room.ask(&host, "hello").await;
    let session = host.session("andy").await;
    let outbound = host.session_dir(&agent.id, &session.id).outbound_db();
    let held = OpenOptions::new().read(true).write(true).open(&outbound).unwrap();
    lock(&held, libc::F_WRLCK);
    touch(&outbound);
    let aside = host.until_state("andy", "set aside").await;
    assert!(aside.notice.as_ref().is_some_and(|why| why.contains("lock")), "{aside:?}");
    drop(held);
    reset(&host, &session).await;
    assert_eq!(room.ask(&host, "and now?").await, "You said: and now?");
}

#[tokio::test]
async fn a_guest_that_locks_its_inbox_for_ever_loses_the_lock_with_its_container() {
    let host = HostProcess::up().await;
    let mut held = Held::awake(&host).await;
    begin_inside(&held.container, &["perl", "-e", LOCK]);
    held.until("held").await;
    held.is_freed(&host).await;
}

#[tokio::test]
async fn a_guest_that_is_slow_to_let_go_of_its_inbox_is_waited_for() {
    let host = HostProcess::up().await;
    let mut held = Held::awake(&host).await;
    // A reader's lock, as SQLite takes it, let go 300 ms after the host began to write.
    let reader = LOCK.replace("F_RDLCK, 0, 0, 0", "F_RDLCK, 0, 1073741826, 510");
    let slow = "select(undef, undef, undef, 0.001) until -e '/workspace/in/inbound.db-journal'; \
                select(undef, undef, undef, 0.3); exit";
    begin_inside(&held.container, &["perl", "-e", &reader.replace("sleep(3600)", slow)]);
    held.until("held").await;
    assert_eq!(held.room.ask(&host, "can you hear me?").await, "You said: can you hear me?");
    assert_eq!(host.container(&held.session.id), held.container);
}

#[tokio::test]
async fn a_lock_that_was_taken_while_the_host_was_away_does_not_outlive_its_return() {
    let mut host = HostProcess::up().await;
    let mut held = Held::awake(&host).await;
    begin_inside(&held.container, &["perl", "-e", LOCK]);
    held.until("held").await;
    host.crash();
    host.start().await;
    held.room.come_back(&host).await;
    held.answers_anew(&host).await;
    assert!(host.log_text().contains("holds a lock on its mailbox"));
}

#[tokio::test]
async fn nobody_in_a_container_gets_a_lease_on_any_file_of_any_owner() {
    let host = HostProcess::up().await;
    let held = Held::awake(&host).await;
    inside(&held.container, &["touch", "/workspace/work/own"]);
    let fcntl = if cfg!(target_arch = "x86_64") { "72" } else { "25" };
    let owner = nix::unistd::geteuid().to_string();
    for (user, file) in [
        (None, "/workspace/in/inbound.db"),
        (None, "/workspace/work/own"),
        // As it is where the host's user is the guest's.
        (Some(owner.as_str()), "/workspace/in/inbound.db"),
    ] {
        let mut command = vec!["exec"];
        command.extend(user.iter().flat_map(|user| ["--user", user]));
        command.extend([&held.container, "perl", "-e", LEASES, file, fcntl]);
        // What has nothing to do with leases is as it was: none is held (2), a copy has its number.
        assert_eq!(docker(&command), "1 1 1 2 100", "{user:?} {file}");
    }
}

#[tokio::test]
async fn a_lease_that_keeps_the_host_waiting_is_lost_with_its_container() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let host = HostProcess::up().await;
    let mut held = Held::awake(&host).await;
    let mut lease = held.take_lease(&host);
    held.until("held").await;
    // The kernel would keep the host waiting for 45 s.
    let begun = Instant::now();
    held.is_freed(&host).await;
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert!(!lease.wait().unwrap().success());
}

/// An agent whose container holds something.
struct Held {
    room: Room,
    notices: EventStream,
    agent: Agent,
    session: SessionInfo,
    container: String,
}

impl Held {
    async fn awake(host: &HostProcess) -> Self {
        have_base();
        let andy = NewAgent { image: Some(BASE.to_owned()), ..new_agent("andy") };
        let agent = host.agent_like(andy).await;
        let mut room = Room::enter(host, "andy").await;
        room.ask(host, "hello").await;
        let notices = host.client().await.stream("andy", &Since::default()).await.unwrap();
        let session = host.session("andy").await;
        let container = host.container(&session.id);
        Self { room, notices, agent, session, container }
    }

    /// Waits until a process inside has left its sign.
    async fn until(&self, sign: &str) {
        eventually(sign, async || {
            inside(&self.container, &["ls", "/tmp"]).contains(sign).then_some(())
        })
        .await;
    }

    /// A process that is killed with the container, yet without its walls.
    fn take_lease(&self, host: &HostProcess) -> Child {
        let inbound = host.session_dir(&self.agent.id, &self.session.id).inbound_db();
        let hold = "$SIG{IO} = 'IGNORE'; open(F, '<', $ARGV[0]) or die; \
                    until (fcntl(F, 1024, 0)) { select(undef, undef, undef, 0.05) } \
                    open(M, '>', $ARGV[1]); close(M); sleep(3600)";
        let first = pid(&ContainerId(self.container.clone())).to_string();
        let sign = format!("/proc/{first}/root/tmp/held");
        Command::new("nsenter")
            .args(["--target", &first, "--pid", "perl", "-e", hold])
            .arg(inbound)
            .arg(sign)
            .stdin(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// A message is answered, by another container.
    async fn answers_anew(&mut self, host: &HostProcess) {
        let accepted = say(host, "andy", "can you hear me?").await;
        assert_eq!(self.room.answer().await.in_reply_to, Some(accepted.message_id));
        assert_ne!(host.container(&self.session.id), self.container);
    }

    /// The same, and the room is told why.
    async fn is_freed(&mut self, host: &HostProcess) {
        self.answers_anew(host).await;
        let told = async {
            while let Some(event) = self.notices.next().await.unwrap() {
                if matches!(&event, RoomEvent::Notice { text, .. } if text.contains("lock")) {
                    return true;
                }
            }
            false
        };
        assert!(timeout(PATIENCE, told).await.unwrap());
    }
}

fn lock(file: &File, kind: libc::c_int) {
    let short = |value: libc::c_int| libc::c_short::try_from(value).unwrap();
    let range = libc::flock {
        l_type: short(kind),
        l_whence: short(libc::SEEK_SET),
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(file, FcntlArg::F_OFD_SETLK(&range)).unwrap();
}
