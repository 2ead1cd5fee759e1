//! Opening, staying, going on and ending.

use guest::provider::{Class, Health, Opened};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    bench::{Bench, Runtime, said},
    processes::{nobody_left, until},
};

pub(crate) async fn fifty_turns_have_one_process(runtime: &Runtime) {
    let mut bench = Bench::open(runtime, &["echo"]).await;
    let pid = bench.pid();
    let mut used = Vec::new();
    for n in 0..50 {
        assert_eq!(bench.reopen(None).await, Ok(Opened::Warm));
        assert_eq!(bench.provider.health(), Health::Ready);
        let told = bench.turn(&format!("turn {n}")).await;
        assert!(told.answer().contains(&format!("turn {n}")), "{told:?}");
        used.push(told.used());
        assert_eq!(bench.pid(), pid);
    }
    // Each turn counts for itself, however long its process has lived.
    assert!(used[0].input_tokens > 0, "{used:?}");
    assert!(used.iter().all(|one| one == &used[0]), "{used:?}");
}

pub(crate) async fn a_conversation_goes_on_after_its_process_was_killed(runtime: &Runtime) {
    let mut bench = Bench::open(runtime, &["say:one", "say:two"]).await;
    let native = bench.turn("the first words").await.native().to_owned();
    kill(Pid::from_raw(bench.pid()), Signal::SIGKILL).unwrap();
    until("that it is down", || bench.provider.health() == Health::Down).await;
    assert_eq!(bench.reopen(Some(&native)).await, Ok(Opened::Resumed));
    let told = bench.turn("the second words").await;
    assert_eq!((told.answer(), told.native()), ("two", native.as_str()));
    let asked = bench.asked();
    assert!(asked[1].contains("the first words") && asked[1].contains("one"), "{asked:?}");
}

pub(crate) async fn a_conversation_goes_on_in_another_life(runtime: &Runtime) {
    let mut bench = Bench::open(runtime, &["say:one", "say:two"]).await;
    let native = bench.turn("the first words").await.native().to_owned();
    bench.provider.close().await;
    assert_eq!(bench.provider.health(), Health::Down);
    nobody_left(&bench.dir.home()).await;
    bench.another_life();
    assert_eq!(bench.reopen(Some(&native)).await, Ok(Opened::Resumed));
    let told = bench.turn("the second words").await;
    assert_eq!((told.answer(), told.native()), ("two", native.as_str()));
    let asked = bench.asked();
    assert!(asked[1].contains("the first words"), "{asked:?}");
}

pub(crate) async fn a_conversation_that_is_gone_begins_anew(runtime: &Runtime) {
    let mut bench = Bench::open(runtime, &["say:one", "say:two"]).await;
    let native = bench.turn("the first words").await.native().to_owned();
    bench.provider.close().await;
    (runtime.forget)(&bench.dir);
    for lost in [native.as_str(), "no-id-of-mine", "--help"] {
        bench.another_life();
        assert_eq!(bench.reopen(Some(lost)).await, Ok(Opened::Fresh), "{lost}");
        let told = bench.turn("the second words").await;
        assert_eq!(told.answer(), "two");
        assert_ne!(told.native(), lost);
        bench.provider.close().await;
    }
    assert!(!bench.asked().last().unwrap().contains("the first words"));
}

pub(crate) async fn another_launch_is_another_process_in_the_same_conversation(runtime: &Runtime) {
    let mut bench = Bench::open(runtime, &["say:one", "say:two"]).await;
    let native = bench.turn("the first words").await.native().to_owned();
    let pid = bench.pid();
    bench.launch.work_dir = bench.dir.root().join("elsewhere");
    std::fs::create_dir(&bench.launch.work_dir).unwrap();
    bench.launch.system_prompt = "You are Andy, who likes \"rivers\".".to_owned();
    assert_eq!(bench.reopen(None).await, Ok(Opened::Resumed));
    assert_ne!(bench.pid(), pid);
    let told = bench.turn("the second words").await;
    assert_eq!((told.answer(), told.native()), ("two", native.as_str()));
    let last = bench.requests().pop().unwrap().to_string();
    assert!(
        last.contains("the first words") && last.contains("who likes \\\"rivers\\\""),
        "{last}"
    );
    // The same once more is nothing new.
    assert_eq!(bench.reopen(None).await, Ok(Opened::Warm));
}

pub(crate) async fn a_model_is_changed_in_the_same_conversation(runtime: &Runtime) {
    let mut bench = Bench::open(runtime, &["say:one", "say:two"]).await;
    let native = bench.turn("the first words").await.native().to_owned();
    bench.launch.model = Some("scripted".to_owned());
    assert!(bench.reopen(None).await.is_ok());
    let told = bench.turn("the second words").await;
    assert_eq!((told.answer(), told.native()), ("two", native.as_str()));
    let last = bench.requests().pop().unwrap();
    assert_eq!(last["model"], "scripted");
    assert!(last.to_string().contains("the first words"));
}

pub(crate) async fn nobody_is_left_of_one_that_is_dropped(runtime: &Runtime) {
    let mut bench = Bench::open(runtime, &["run:touch begun; sleep 1001", "say:no"]).await;
    let (begun, turn) = (bench.dir.work().join("begun"), said("go"));
    {
        // As when a stop is not confirmed in time.
        let work = bench.turn_with(&turn, |_, _| {});
        tokio::select! {
            told = work => panic!("{told:?}"),
            () = until("that its tool is at work", || begun.exists()) => {}
        }
    }
    assert_eq!(bench.provider.health(), Health::Down);
    nobody_left(&bench.dir.home()).await;
    assert_eq!(bench.reopen(None).await, Ok(Opened::Resumed));
}

pub(crate) async fn one_that_is_not_there_is_missing(runtime: &Runtime) {
    let mut bench = Bench::new(runtime, &["say:one"]).await;
    bench.launch.work_dir = bench.dir.root().join("nowhere");
    assert_eq!(bench.reopen(None).await.unwrap_err().class, Class::Missing);
    assert_eq!(bench.provider.health(), Health::Down);
}
