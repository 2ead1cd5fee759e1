//! Turns of one conversation.

use std::fs;

use guest::{
    provider::{Class, FollowUp, Opened},
    turn::ProviderEvent,
};
use schemas::{content::Attachment, usage::Usage};

use super::{codex, open, starts_a_tool};
use crate::bench::{Bench, said};

#[tokio::test]
async fn thoughts_are_told_apart_from_words() {
    let mut bench = open(&["think:deep down"]).await;
    let told = bench.turn("think").await;
    let thought = ProviderEvent::Thinking("deep down".to_owned());
    assert!(told.events.contains(&thought), "{told:?}");
    assert!(!told.pieces().concat().contains("deep"));
}

#[tokio::test]
async fn a_changed_model_or_prompt_holds_from_the_next_turn_in_the_same_process() {
    let mut bench = open(&["say:yes"]).await;
    let pid = bench.pid();
    for (model, prompt) in [("one", "Be RITA."), ("gpt-6-sol", "Be BOB."), ("gpt-6-sol", "Be EVE.")]
    {
        (bench.launch.model, bench.launch.system_prompt) = (Some(model.into()), prompt.into());
        assert_eq!(bench.reopen(None).await, Ok(Opened::Warm));
        bench.turn("go").await.answer();
        let read = bench.requests().pop().unwrap();
        assert_eq!((read["model"].as_str(), bench.pid()), (Some(model), pid));
        assert!(read["input"].to_string().contains(prompt), "{read}");
    }
}

#[tokio::test]
async fn a_prompt_is_told_once_over_many_processes_and_anew_when_it_changes() {
    let mut bench = Bench::new(&codex(), &["say:yes"]).await;
    bench.launch.system_prompt = "Be RITA.".to_owned();
    assert_eq!(bench.reopen(None).await, Ok(Opened::Fresh));
    let native = bench.turn("one").await.native().to_owned();
    for (prompt, times) in [("Be RITA.", 1), ("Be BOB.", 1), ("Be BOB.", 1), ("Be RITA.", 2)] {
        bench.provider.close().await;
        bench.another_life();
        bench.launch.system_prompt = prompt.to_owned();
        assert_eq!(bench.reopen(Some(&native)).await, Ok(Opened::Resumed));
        bench.turn("more").await.answer();
        assert_eq!(bench.asked().pop().unwrap().matches(prompt).count(), times, "{prompt}");
    }
}

#[tokio::test]
async fn a_turn_counts_its_own_calls_and_no_price_is_known() {
    let mut bench = open(&["say:yes", "run:true", "say:done"]).await;
    let call = Usage { input_tokens: 70, cache_read_tokens: 30, ..Usage::default() };
    assert_eq!(bench.turn("one").await.used(), Usage { output_tokens: 1, ..call });
    let two = bench.turn("two").await.used();
    assert_eq!((two.input_tokens, two.cache_read_tokens, two.cost_usd), (140, 60, None));
}

#[tokio::test]
async fn a_picture_is_shown_and_one_that_is_gone_is_no_fault() {
    let mut bench = open(&["say:nice"]).await;
    fs::create_dir(bench.dir.inbox().join("1")).unwrap();
    fs::write(bench.dir.inbox().join("1/a.png"), include_bytes!("pixel.png")).unwrap();
    let file = |path: &str, mime: Option<&str>| Attachment {
        name: Some("a.png".to_owned()),
        mime: mime.map(str::to_owned),
        local_path: Some(path.to_owned()),
        ..Attachment::default()
    };
    let mut turn = said("look");
    turn.messages[0].attachments =
        vec![file("inbox/1/a.png", None), file("inbox/1/gone.png", Some("image/png"))];
    assert_eq!(bench.turn_with(&turn, |_, _| {}).await.answer(), "nice");
    assert_eq!(bench.asked()[0].matches("data:image/png;base64,").count(), 1);
}

#[tokio::test]
async fn what_broke_before_a_tool_acted_is_said_anew_and_read_once() {
    let mut bench = open(&["err:529", "say:yes"]).await;
    let turn = said("alpha");
    let broke = bench.turn_with(&turn, |_, _| {}).await;
    assert_eq!(broke.fault().class, Class::Overloaded);
    assert_eq!(bench.turn_with(&turn, |_, _| {}).await.answer(), "yes");
    assert_eq!(bench.asked()[1].matches("alpha").count(), 1);
    // What was answered is answered alike.
    assert_eq!(bench.turn_with(&turn, |_, _| {}).await.answer(), "yes");
    assert_eq!(bench.asked().len(), 2);
}

#[tokio::test]
async fn a_changed_prompt_is_told_once_though_the_turn_that_it_came_with_broke() {
    let mut bench = open(&["say:yes", "err:529", "say:done"]).await;
    bench.turn("one").await.answer();
    bench.launch.system_prompt = "Be RITA.".to_owned();
    bench.reopen(None).await.unwrap();
    let turn = said("two");
    bench.turn_with(&turn, |_, _| {}).await.fault();
    assert_eq!(bench.turn_with(&turn, |_, _| {}).await.answer(), "done");
    assert_eq!(bench.asked().pop().unwrap().matches("Be RITA.").count(), 1);
}

#[tokio::test]
async fn what_is_said_twice_into_a_turn_is_heard_once() {
    let mut bench = open(&["run:echo hi", "echo", "say:extra"]).await;
    let told = bench
        .turn_with(&said("go"), |event, ears| {
            for _ in 0..if starts_a_tool(event) { 2 } else { 0 } {
                let id = "0192aaaa-bbbb-4ccc-8ddd-eeeeffff0003".to_owned();
                let more = FollowUp { id, text: "and this".to_owned() };
                ears.follow_ups.try_send(more).unwrap();
            }
        })
        .await;
    assert_eq!(told.answer(), "and this");
    assert_eq!(bench.asked().last().unwrap().matches("and this").count(), 1);
}

#[tokio::test]
async fn both_answers_stand_in_the_reply_when_more_is_said_while_it_answers() {
    let mut bench = open(&["slow:20x20", "echo"]).await;
    let told = bench
        .turn_with(&said("go"), |event, ears| {
            if matches!(event, ProviderEvent::Text(text) if text == "w3 ") {
                let id = "0192aaaa-bbbb-4ccc-8ddd-eeeeffff0004".to_owned();
                let more = FollowUp { id, text: "and this".to_owned() };
                ears.follow_ups.try_send(more).unwrap();
            }
        })
        .await;
    assert!(told.answer().starts_with("w0 ") && told.answer().ends_with("\n\nand this"));
    assert_eq!(told.answer(), told.pieces().concat());
}
