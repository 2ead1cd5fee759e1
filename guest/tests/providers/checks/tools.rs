//! Tools act after it stands in the file that they do, and not otherwise.

use guest::turn::ProviderEvent;

use crate::bench::{Bench, Runtime, said};

pub(crate) async fn a_tool_acts_after_it_was_written_down(runtime: &Runtime) {
    let mut bench = Bench::open(runtime, &["run:echo done >> effect", "say:after"]).await;
    let effect = bench.dir.work().join("effect");
    let mut before = Vec::new();
    let told = bench
        .turn_with(&said("go"), |event, _| {
            if let ProviderEvent::ToolStarts(tool) = event {
                assert!(tool.summary.contains("echo done"), "{tool:?}");
                before.push(effect.exists());
            }
        })
        .await;
    assert_eq!(told.answer(), "after");
    assert_eq!(before, [false]);
    assert_eq!(std::fs::read_to_string(&effect).unwrap(), "done\n");
    let started = told.events.iter().find_map(|event| match event {
        ProviderEvent::ToolStarts(tool) => Some(tool.id.clone()),
        _ => None,
    });
    assert!(told.events.contains(&ProviderEvent::ToolEnded(started.unwrap())), "{told:?}");
}

pub(crate) async fn a_tool_that_cannot_be_written_down_does_not_act(runtime: &Runtime) {
    let mut bench = Bench::open(runtime, &["run:echo done >> effect", "say:after"]).await;
    bench.durable = false;
    let told = bench.turn("go").await;
    assert_eq!(told.tools().len(), 1);
    assert!(!bench.dir.work().join("effect").exists(), "{told:?}");
    // The next one may.
    bench.durable = true;
    assert_eq!(bench.turn("again").await.answer(), "after");
}

pub(crate) async fn a_tool_may_write_wherever_the_container_lets_it(runtime: &Runtime) {
    let root = tempfile::tempdir().unwrap();
    let elsewhere = root.path().join("effect");
    let run =
        format!("run:mkdir -p ../agent && echo a > ../agent/b && echo c > {}", elsewhere.display());
    let mut bench = Bench::open(runtime, &[&run, "say:after"]).await;
    assert_eq!(bench.turn("go").await.answer(), "after");
    assert!(bench.dir.root().join("agent/b").exists() && elsewhere.exists());
}

pub(crate) async fn words_before_a_tool_are_told_and_the_answer_is_what_comes_after_it(
    runtime: &Runtime,
) {
    let mut bench = Bench::open(runtime, &["run:true", "say:all is done"]).await;
    let told = bench.turn("go").await;
    assert_eq!(told.answer(), "all is done");
    assert_eq!(told.pieces().concat(), "I call a tool.all is done");
}
