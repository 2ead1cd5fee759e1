//! What tools say and ask for while a turn goes on: at once, once, and kept whatever comes of it.

use std::{fs, time::Duration};

use guest::{
    provider::{NotWritten, Post, Sink, What},
    steps::Step,
    tools,
};
use rmcp::{ServiceExt, model::CallToolRequestParams};
use schemas::{
    guest_side::InboundReader,
    host_side::{Because, Control, InboundWriter},
    message::{Destination, DestinationTarget, InboundStatus},
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::desk::Desk;

impl Desk {
    /// Everything that was written, as it stands in the column.
    fn contents(&self) -> Vec<Value> {
        let read = |text: String| serde_json::from_str(&text).unwrap();
        let sql = "SELECT content FROM messages_out ORDER BY seq";
        self.query(sql, |row| row.get::<_, String>(0).unwrap()).into_iter().map(read).collect()
    }

    fn knows(&self, name: &str, room: &str) {
        let address = self.row("x", room, "").address.unwrap();
        let target = DestinationTarget::Channel(address);
        let book = [Destination { name: name.to_owned(), display_name: None, target }];
        self.write(|tx| tx.replace_destinations(&book));
    }

    async fn posted(&self, count: usize) {
        self.until("it was posted", |desk| desk.contents().len() >= count).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_tool_says_is_on_its_way_while_the_turn_goes_on() {
    let desk = Desk::open();
    desk.says("m1", "!call send_message {\"text\":\"on it\"}\n!slow 60000\nhello");
    desk.posted(1).await;
    assert_eq!((desk.acks()["m1"].as_str(), desk.texts()), ("processing", vec!["on it".into()]));
    let first = &desk.answers()[0];
    assert_eq!((first.to.as_deref(), first.room.as_deref()), (Some("m1"), Some("desk")));
    desk.acked("m1", "completed").await;
    let answer = &desk.texts()[1];
    assert!(answer.starts_with("You said: hello\nsend_message: Sent as message 3."), "{answer}");
    let tools: Vec<u32> =
        desk.query("SELECT tools_started FROM attempts", |row| row.get(0).unwrap());
    assert_eq!(tools, [1], "counted once");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_a_tool_has_given_already_in_that_place_is_not_given_again() {
    let desk = Desk::open();
    desk.knows("ops", "ops room");
    let call = "!call send_message {\"text\":\"done\"}";
    for (id, answer, said) in [
        ("m1", "done ", vec!["done"]),
        ("m2", "done!", vec!["done", "done!"]),
        ("m3", "<message to=\"ops\">done</message>", vec!["done", "done"]),
        ("m4", "<internal>I have said it.</internal>", vec!["done"]),
    ] {
        let before = desk.texts().len();
        desk.says(id, &format!("{call}\n!write {answer}"));
        desk.acked(id, "completed").await;
        assert_eq!(desk.texts()[before..], said, "{answer}");
    }
    let rooms: Vec<_> = desk.answers().into_iter().filter_map(|answer| answer.room).collect();
    assert_eq!(rooms[3..5], ["desk", "ops room"]);
}

#[tokio::test(start_paused = true)]
async fn a_name_is_looked_up_when_a_tool_is_used_and_an_unknown_one_sends_nothing() {
    let desk = Desk::open();
    desk.knows("ops", "ops room");
    desk.says("m1", "!call send_message {\"text\":\"psst\",\"to\":\"boss\"}");
    desk.acked("m1", "completed").await;
    let told = &desk.texts()[0];
    assert!(told.contains("no destination \"boss\"; the names are: ops"), "{told}");
    desk.says("m2", "!call list_destinations\n!call send_message {\"text\":\"hi\",\"to\":\"ops\"}");
    desk.acked("m2", "completed").await;
    assert_eq!(desk.answers()[1].room.as_deref(), Some("ops room"));
    assert!(desk.texts()[2].contains("ops: a room on terminal"), "{}", desk.texts()[2]);
}

#[tokio::test(start_paused = true)]
async fn a_file_goes_out_from_where_it_lies_and_what_is_none_is_refused_with_the_reason() {
    let desk = Desk::open();
    fs::write(desk.dir.work().join("plan.txt"), "a plan").unwrap();
    desk.says("m1", "!call send_file {\"path\":\"plan.txt\",\"text\":\"look\",\"name\":\"p.txt\"}");
    desk.acked("m1", "completed").await;
    let sent = &desk.answers()[0];
    assert_eq!((sent.text.as_str(), sent.files.as_slice()), ("look", &["p.txt".to_owned()][..]));
    let folder = desk.dir.outbox_of(&desk.id(&sent.id)).unwrap();
    assert_eq!(fs::read(folder.join("p.txt")).unwrap(), b"a plan");
    for (path, why) in [(".", "pack it into one file"), ("gone", "No such file")] {
        let before = desk.texts().len();
        desk.says(path, &format!("!call send_file {{\"path\":\"{path}\"}}"));
        desk.acked(path, "completed").await;
        let texts = desk.texts();
        assert!(texts.len() == before + 1 && texts[before].contains(why), "{texts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_of_people_and_of_the_host_is_named_by_its_row() {
    let desk = Desk::open();
    let calls = [
        r#"!call ask_user_question {"question":"Which?","options":["a","b"]}"#,
        r#"!call install_packages {"apt":["jq"],"reason":"to read JSON"}"#,
        r#"!call schedule_task {"prompt":"look","every":"@daily","missed":"skip"}"#,
        r#"!call edit_message {"number":3,"text":"Whether?"}"#,
        r#"!call add_reaction {"number":2,"emoji":"👍"}"#,
        r#"!call send_card {"title":"T","fields":[{"name":"n","value":"v"}]}"#,
        "!silent",
    ];
    desk.says("m1", &calls.join("\n"));
    desk.acked("m1", "completed").await;
    let ids: Vec<String> =
        desk.query("SELECT id FROM messages_out ORDER BY seq", |row| row.get(0).unwrap());
    let option = |word: &str| json!({"label": word, "value": word});
    assert_eq!(
        desk.contents(),
        [
            json!({"type": "ask_question", "questionId": ids[0], "title": "", "question": "Which?",
                   "options": [option("a"), option("b")]}),
            json!({"action": "install_packages", "apt": ["jq"], "reason": "to read JSON"}),
            json!({"action": "schedule_task", "prompt": "look", "every": "@daily", "missed": "skip"}),
            json!({"operation": "edit", "messageId": 3, "text": "Whether?"}),
            json!({"operation": "reaction", "messageId": 2, "emoji": "👍"}),
            json!({"type": "card", "title": "T", "text": "",
                   "fields": [{"name": "n", "value": "v"}]}),
        ]
    );
    let kinds = desk.query("SELECT kind FROM messages_out ORDER BY seq", |row| {
        row.get::<_, String>(0).unwrap()
    });
    assert_eq!(kinds, ["chat-sdk", "system", "system", "chat", "chat", "chat-sdk"]);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_or_failed_turn_keeps_what_its_tools_said() {
    let desk = Desk::open();
    desk.says("m1", "!call send_message {\"text\":\"one\"}\n!slow 60000");
    desk.posted(1).await;
    let (writer, now) = (InboundWriter::new(desk.dir.clone()), desk.now());
    writer.write(|tx| tx.control(Control::Abort, &Because::Host("a test"), now)).unwrap();
    desk.says("m2", "!call send_message {\"text\":\"two\"}\n!fail retry no luck");
    desk.acked("m2", "failed").await;
    assert_eq!(
        (desk.acks()["m1"].as_str(), desk.texts()),
        ("cancelled", vec!["one".into(), "two".into()])
    );
    assert_eq!(desk.runs(), ["ended cancelled -", "ended failed echo_told_to_fail"]);
}

#[tokio::test(start_paused = true)]
async fn a_guest_that_dies_at_any_step_has_posted_once_or_the_room_is_asked() {
    let mut kept = Vec::new();
    for step in Step::ALL {
        let mut desk = Desk::new();
        fs::write(desk.dir.work().join("plan"), "a plan").unwrap();
        desk.says("m1", "!slow 2000\n!call send_file {\"path\":\"plan\",\"text\":\"posted\"}");
        desk.start_guest_that_dies_at(step);
        desk.guest_dies().await;
        desk.start_guest();
        desk.until("the row is over", |desk| {
            desk.acks().get("m1").is_some_and(|ack| ack == "completed" || ack == "failed")
        })
        .await;
        let posted = desk.texts().iter().filter(|text| *text == "posted").count();
        if desk.acks()["m1"] == "completed" {
            assert_eq!(posted, 1, "{step:?}");
        } else {
            kept.push((step, posted));
            assert_eq!(desk.runs(), ["ended interrupted interrupted"], "{step:?}");
        }
    }
    let asked =
        [(Step::ToolRecorded, 0), (Step::Posted, 1), (Step::Answered, 1), (Step::FilesWritten, 0)];
    assert_eq!(kept, asked, "and everywhere else it was done over, or was done");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_written_down_is_told_to_its_tool() {
    let desk = Desk::new();
    let (sink, mut ears) = Sink::new(8, InboundReader::new(desk.dir.clone()));
    let post = Post { to: None, what: What::Words("x".to_owned()), files: Vec::new() };
    let (posted, ()) = tokio::join!(sink.post(post), async {
        drop(ears.heard.recv().await);
    });
    assert_eq!(posted, Err(NotWritten));
}

#[tokio::test(start_paused = true)]
async fn what_was_said_before_is_found_in_the_mailbox_the_history_and_the_own_file() {
    let desk = Desk::open();
    for (id, text) in [("m1", "the invoice of March"), ("m2", "lunch?"), ("m3", "and now?")] {
        desk.says(id, text);
        desk.acked(id, "completed").await;
        desk.set_status(id, InboundStatus::Completed);
    }
    let moved = InboundWriter::new(desk.dir.clone()).retire(1, 10, desk.now()).unwrap();
    assert!(moved >= 2 && desk.dir.history_db().exists(), "{moved}");
    desk.says("m4", "!call search_history {\"words\":\"Invoice\"}");
    desk.acked("m4", "completed").await;
    let found = desk.texts().pop().unwrap();
    let (_, found) = found.split_once("search_history: ").unwrap();
    assert_eq!(
        found,
        "<you number=\"3\" time=\"2023-11-14 22:13:20 +00:00\" channel=\"terminal\" room=\"desk\">\n\
         You said: the invoice of March\n</you>\n\
         <message number=\"2\" time=\"2023-11-14 22:13:20 +00:00\" from=\"Ann\" \
         channel=\"terminal\" room=\"desk\">\nthe invoice of March\n</message>"
    );
}

#[tokio::test(start_paused = true)]
async fn a_runtime_uses_the_tools_over_mcp_within_a_turn_and_hears_why_not_outside_of_one() {
    let desk = Desk::open();
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let mut served = JoinSet::new();
    served.spawn(tools::serve(theirs, desk.tools.clone()));
    let client = ().serve(ours).await.unwrap();
    let listed = client.list_all_tools().await.unwrap();
    assert!(listed.iter().map(|tool| tool.name.as_ref()).eq(tools::names()));
    let call = async |name: &'static str, arguments: Value| {
        let mut request = CallToolRequestParams::new(name);
        request.arguments = arguments.as_object().cloned();
        let result = client.call_tool(request).await.unwrap();
        let text = result.content[0].as_text().unwrap().text.clone();
        (text, result.is_error.unwrap())
    };
    let (text, is_error) = call("send_message", json!({"text": "early"})).await;
    assert!(is_error && text.contains("no message is being worked on"), "{text}");
    desk.says("m1", "!slow 60000\nhello");
    desk.acked("m1", "processing").await;
    desk.passes(Duration::from_secs(1)).await;
    let (text, is_error) = call("send_message", json!({"text": "now"})).await;
    assert!(!is_error && text.starts_with("Sent as message 3."), "{text}");
    assert_eq!((desk.texts(), desk.acks()["m1"].as_str()), (vec!["now".to_owned()], "processing"));
    let (text, is_error) = call("send_message", json!({"words": 1})).await;
    assert!(is_error && text.contains("there is no \"words\""), "{text}");
    desk.acked("m1", "completed").await;
    assert!(call("list_tasks", json!({})).await.1, "over");
    client.cancel().await.unwrap();
    served.join_next().await.unwrap().unwrap();
}
