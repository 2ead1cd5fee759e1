//! Stopping in place: the work ends, the process stays, and nothing of it reaches the next turn.

use std::{cell::RefCell, sync::Arc};

use guest::{
    provider::{Health, TurnEnd},
    turn::ProviderEvent,
};
use tokio_util::sync::CancellationToken;

use crate::{
    bench::{Bench, Runtime, Told, said},
    processes::{of_home, until},
};

/// A turn that is stopped as soon as something holds.
async fn stopped_when(bench: &mut Bench, holds: impl Fn(&[ProviderEvent]) -> bool) -> Told {
    let (stop, seen) = (RefCell::new(CancellationToken::new()), RefCell::new(Vec::new()));
    let turn = said("go");
    let work = bench.turn_with(&turn, |event, ears| {
        stop.replace(ears.stop.clone());
        seen.borrow_mut().push(event.clone());
    });
    let stops = async {
        until("a reason to stop", || holds(&seen.borrow())).await;
        stop.borrow().cancel();
    };
    tokio::join!(work, stops).0
}

/// It waits, in the same process, and answers the next turn with that turn's own words.
async fn goes_on(bench: &mut Bench, pid: i32) {
    assert_eq!((bench.provider.health(), bench.pid()), (Health::Ready, pid));
    let told = bench.turn("and now").await;
    assert_eq!(told.answer(), "after");
    assert_eq!(told.pieces().concat(), "after");
    assert_eq!(bench.pid(), pid);
}

pub(crate) async fn a_stop_in_the_middle_of_words_keeps_the_process(runtime: &Runtime) {
    let mut bench = Bench::open(runtime, &["slow:1000x50", "say:after"]).await;
    let pid = bench.pid();
    let spoke =
        |seen: &[ProviderEvent]| seen.iter().any(|one| matches!(one, ProviderEvent::Text(_)));
    let told = stopped_when(&mut bench, spoke).await;
    assert_eq!(told.end, TurnEnd::Stopped);
    assert!(told.pieces().len() < 1000);
    goes_on(&mut bench, pid).await;
}

pub(crate) async fn a_stop_in_a_tool_leaves_nobody_of_it(runtime: &Runtime) {
    let mut bench = Bench::open(runtime, &["run:touch begun; sleep 1002", "say:after"]).await;
    let (pid, begun) = (bench.pid(), bench.dir.work().join("begun"));
    let told = stopped_when(&mut bench, |_| begun.exists()).await;
    assert_eq!(told.end, TurnEnd::Stopped);
    let home = bench.dir.home();
    let goes_on_still = || of_home(&home).iter().any(|(_, words)| words.contains("sleep 1002"));
    until("that the tool is gone", || !goes_on_still()).await;
    goes_on(&mut bench, pid).await;
}

pub(crate) async fn a_stop_while_the_model_is_silent_keeps_the_process(runtime: &Runtime) {
    let mut bench = Bench::open(runtime, &["hang", "say:after"]).await;
    let (pid, model) = (bench.pid(), Arc::clone(&bench.model));
    let asked = |_: &[ProviderEvent]| model.seen().iter().any(|seen| seen.nth == 1);
    assert_eq!(stopped_when(&mut bench, asked).await.end, TurnEnd::Stopped);
    goes_on(&mut bench, pid).await;
}

pub(crate) async fn a_stop_that_comes_first_is_a_stop(runtime: &Runtime) {
    let mut bench = Bench::open(runtime, &["echo"]).await;
    let pid = bench.pid();
    let told = bench
        .turn_with(&said("never mind"), |event, ears| {
            // Nothing was said to it yet.
            if matches!(event, ProviderEvent::Session(_)) {
                ears.stop.cancel();
            }
        })
        .await;
    assert_eq!(told.end, TurnEnd::Stopped);
    assert_eq!((bench.provider.health(), bench.pid()), (Health::Ready, pid));
    assert!(bench.turn("and now").await.answer().contains("and now"));
}

pub(crate) async fn stop_after_stop_ends_each_its_own_turn(runtime: &Runtime) {
    let slow: Vec<&str> = vec!["slow:1000x20"; 5];
    let plays: Vec<&str> = slow.into_iter().chain(["say:after"]).collect();
    let mut bench = Bench::open(runtime, &plays).await;
    let pid = bench.pid();
    for _ in 0..5 {
        let spoke =
            |seen: &[ProviderEvent]| seen.iter().any(|one| matches!(one, ProviderEvent::Text(_)));
        assert_eq!(stopped_when(&mut bench, spoke).await.end, TurnEnd::Stopped);
    }
    goes_on(&mut bench, pid).await;
}
