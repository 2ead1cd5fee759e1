//! Tools that act: known before they do, never repeated blindly, and given the time they declare.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use guest::{
    prompt::{Said, Turn},
    provider::{self, Retry, Sink, TurnEnd},
};
use rusqlite::{Connection, OpenFlags};
use schemas::{
    guest_side::InboundReader,
    host_side::{Because, Control, InboundWriter},
    ids::{MessageId, RunId},
    message::Kind,
};

use crate::desk::Desk;

impl Desk {
    fn notes(&self) -> String {
        fs::read_to_string(self.dir.work().join("notes")).unwrap_or_default()
    }

    /// The tool that runs, as the file says.
    pub(crate) fn tool(&self) -> Vec<String> {
        self.query("SELECT current_tool FROM container_state WHERE current_tool NOT NULL", |row| {
            row.get(0).unwrap()
        })
    }

    fn live_files(&self) -> usize {
        fs::read_dir(self.dir.live_dir()).into_iter().flatten().count()
    }
}

fn turn_of(text: &str) -> Turn {
    let said = Said {
        id: MessageId::parse("m1").unwrap(),
        seq: 2,
        kind: Kind::Chat,
        at: String::new(),
        sender: None,
        place: None,
        text: text.to_owned(),
        task: Vec::new(),
        reply_to: None,
        attachments: Vec::new(),
    };
    Turn {
        before: String::new(),
        run: RunId::mint(jiff::Timestamp::UNIX_EPOCH),
        system_prompt: String::new(),
        model: None,
        work_dir: None,
        zone: jiff::tz::TimeZone::UTC,
        messages: vec![said],
        context: Vec::new(),
    }
}

#[tokio::test(start_paused = true)]
async fn that_a_tool_starts_is_on_the_disk_before_it_acts() {
    let desk = Desk::open();
    let dir = desk.dir.clone();
    let seen = Arc::new(AtomicU32::new(0));
    let counted = seen.clone();
    desk.at_commit(move || {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let conn = Connection::open_with_flags(dir.outbound_db(), flags).unwrap();
        let sql = "SELECT coalesce(max(tools_started), 0) FROM attempts, runs USING (run_id)";
        let started: u32 = conn.query_row(sql, [], |row| row.get(0)).unwrap();
        let acted = dir.work().join("notes").exists();
        assert!(!acted || started > 0, "it acted unseen");
        counted.fetch_max(u32::from(started > 0 && !acted), Ordering::Relaxed);
        false
    });
    desk.says("m1", "!append notes one line\nhello");
    desk.acked("m1", "completed").await;
    assert_eq!(seen.load(Ordering::Relaxed), 1, "a commit of its own");
    assert_eq!(
        (desk.notes().as_str(), desk.texts()),
        ("one line\n", vec!["You said: hello".into()])
    );
    assert!(desk.tool().is_empty(), "cleared after it");
}

#[tokio::test(start_paused = true)]
async fn a_turn_without_tools_pays_for_none() {
    let desk = Desk::open();
    desk.says("m1", "first");
    desk.acked("m1", "completed").await;
    let commits = Arc::new(AtomicU32::new(0));
    let counted = commits.clone();
    let dir = desk.dir.clone();
    desk.at_commit(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        // What it tidies up afterwards is no part of the turn.
        Desk::acked_in(&dir, "m2", "completed")
    });
    desk.says("m2", "hello");
    desk.acked("m2", "completed").await;
    assert_eq!(commits.load(Ordering::Relaxed), 2, "the claim, and the reply with its end");
    assert_eq!(desk.live_files(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_guest_killed_anywhere_appends_its_line_once_or_says_that_it_does_not_know() {
    let (mut once, mut asked) = (0, 0);
    for yields in 0..40 {
        let mut desk = Desk::open();
        desk.says("m1", "!append notes line\n!slow 1\nhello");
        for _ in 0..yields {
            tokio::task::yield_now().await;
        }
        desk.kill_guest().await;
        desk.start_guest();
        desk.until("the row is over", |desk| {
            desk.acks().get("m1").is_some_and(|ack| ack == "completed" || ack == "failed")
        })
        .await;
        if desk.acks()["m1"] == "completed" {
            once += 1;
            assert_eq!(desk.notes(), "line\n", "after {yields} yields");
            assert_eq!(desk.texts(), ["You said: hello"]);
        } else {
            asked += 1;
            assert!(desk.notes().len() <= "line\n".len(), "after {yields} yields");
            assert_eq!(desk.runs(), ["ended interrupted interrupted"]);
        }
    }
    assert!(once > 0 && asked > 0, "{once} went on, {asked} asked");
}

#[tokio::test(start_paused = true)]
async fn a_guest_asked_to_end_gives_back_no_turn_whose_tools_acted_and_says_what_it_had_said() {
    let mut desk = Desk::open();
    desk.says("m1", "!append notes line\n!say half of it\n!slow 60000");
    desk.until("it has acted", |desk| !desk.notes().is_empty()).await;
    desk.passes(Duration::from_secs(2)).await;
    desk.stop_guest().await.unwrap();
    assert_eq!(desk.acks()["m1"], "failed");
    assert_eq!(desk.runs(), ["ended interrupted interrupted"]);
    assert_eq!(desk.texts(), ["half of it … (stopped)"]);
    desk.start_guest();
    desk.passes(Duration::from_secs(120)).await;
    assert_eq!((desk.notes().as_str(), desk.runs().len()), ("line\n", 1));
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_cannot_be_written_down_does_not_act() {
    let desk = Desk::new();
    let (sink, mut ears) = Sink::new(8, InboundReader::new(desk.dir.clone()));
    let mut echo = provider::by_name("echo", &desk.around()).unwrap();
    let turn = turn_of("!append notes line\nhello");
    let (end, ()) = tokio::join!(echo.turn(&turn, &sink), async {
        // Whoever should write it down says nothing, and is gone.
        while ears.heard.recv().await.is_some_and(|said| said.written.is_none()) {}
    });
    let failed = |end: &TurnEnd| matches!(end, TurnEnd::Failed(why) if why.retry == Retry::Later);
    assert!(failed(&end), "{end:?}");
    assert!(desk.notes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_does_nothing_for_ten_minutes_has_failed_for_now() {
    let desk = Desk::open();
    desk.says("m1", "!slow 3600000");
    desk.passes(Duration::from_secs(599)).await;
    assert_eq!(desk.acks()["m1"], "processing");
    desk.passes(Duration::from_secs(2)).await;
    assert_eq!(desk.acks()["m1"], "retry");
    assert_eq!(desk.runs(), ["ended failed no_progress"]);
    let scope = desk.query("SELECT error_scope FROM runs", |row| row.get::<_, String>(0).unwrap());
    assert_eq!(scope, ["provider"]);
}

#[tokio::test(start_paused = true)]
async fn a_tool_is_given_the_time_that_it_declared_and_its_state_stands_in_the_file_meanwhile() {
    let desk = Desk::open();
    desk.says("m1", "!tool 1800000 3600000\ndone");
    desk.passes(Duration::from_secs(1_700)).await;
    assert_eq!((desk.acks()["m1"].as_str(), desk.tool()), ("processing", vec!["wait".to_owned()]));
    desk.acked("m1", "completed").await;
    assert!(desk.tool().is_empty());
    desk.says("m2", "!tool 7200000 1000\nnever");
    desk.passes(Duration::from_secs(601)).await;
    assert_eq!(desk.runs(), ["ended completed -", "ended failed no_progress"]);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_run_says_what_it_had_said_and_the_guest_goes_on() {
    let desk = Desk::open();
    desk.says("m1", "!say half of it\n!slow 60000");
    desk.passes(Duration::from_secs(3)).await;
    assert_eq!(desk.live_files(), 1);
    let (writer, now) = (InboundWriter::new(desk.dir.clone()), desk.now());
    writer.write(|tx| tx.control(Control::Abort, &Because::Host("a test"), now)).unwrap();
    desk.says("m2", "next");
    desk.acked("m2", "completed").await;
    assert_eq!(desk.acks()["m1"], "cancelled");
    assert_eq!(desk.texts(), ["half of it … (stopped)", "You said: next"]);
    assert_eq!(desk.live_files(), 0, "it goes when the next run starts");
}
