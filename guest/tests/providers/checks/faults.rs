//! What the model's interface does wrong, and a process that lives on.

use guest::provider::{Class, Health};

use crate::bench::{Bench, Runtime};

async fn is_classed(runtime: &Runtime, play: &str, class: Class) {
    is_classed_after(runtime, (play, 1), class).await;
}

/// The same of a fault that it may ask about so often.
async fn is_classed_after(runtime: &Runtime, (play, times): (&str, usize), class: Class) {
    let plays = format!("{times}*{play}");
    let mut bench = Bench::open(runtime, &[&plays, "say:after"]).await;
    let pid = bench.pid();
    let told = bench.turn("go").await;
    let fault = told.fault();
    assert_eq!(fault.class, class, "{fault:?}");
    assert!(!fault.detail.is_empty());
    assert_eq!(bench.asked().len(), times, "whether to try again is not its decision");
    assert_eq!((bench.provider.health(), bench.pid()), (Health::Ready, pid));
    assert_eq!(bench.turn("again").await.answer(), "after");
}

pub(crate) async fn a_refused_key_is_classed(runtime: &Runtime) {
    is_classed(runtime, "err:401", Class::Auth).await;
}

pub(crate) async fn a_missing_model_is_classed(runtime: &Runtime) {
    // It may ask once more in another way.
    is_classed_after(runtime, ("err:404", runtime.asks_for_a_missing_model), Class::NoModel).await;
}

pub(crate) async fn a_limit_is_classed(runtime: &Runtime) {
    is_classed(runtime, "err:429:3600", Class::Limited).await;
}

pub(crate) async fn a_failing_server_is_classed(runtime: &Runtime) {
    is_classed(runtime, "err:500", Class::Server).await;
}

pub(crate) async fn a_full_server_is_classed(runtime: &Runtime) {
    is_classed(runtime, "err:529", Class::Overloaded).await;
}

pub(crate) async fn a_request_that_is_too_long_is_classed(runtime: &Runtime) {
    is_classed(runtime, "err:400", Class::TooLong).await;
}

pub(crate) async fn a_cut_stream_is_classed(runtime: &Runtime) {
    is_classed(runtime, "cut", Class::Network).await;
}

pub(crate) async fn an_error_in_the_stream_is_classed(runtime: &Runtime) {
    is_classed(runtime, "fail", Class::Overloaded).await;
}

pub(crate) async fn slow_words_come_one_by_one(runtime: &Runtime) {
    let mut bench = Bench::open(runtime, &["slow:6x100"]).await;
    let told = bench.turn("go").await;
    assert_eq!(told.answer().trim(), "w0 w1 w2 w3 w4 w5");
    assert_eq!(told.pieces(), ["w0 ", "w1 ", "w2 ", "w3 ", "w4 ", "w5 "]);
}
