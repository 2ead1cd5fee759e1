//! Codex, by its app server.

use guest::{
    provider::{Provider, Surroundings, codex::Codex},
    turn::ProviderEvent,
};
use schemas::session_dir::SessionDir;

use crate::bench::{Bench, Runtime, program};

mod faults;
mod hostile;
mod tools;
mod turns;

conforms!(codex:
    life::fifty_turns_have_one_process,
    life::a_conversation_goes_on_after_its_process_was_killed,
    life::a_conversation_goes_on_in_another_life,
    life::a_conversation_that_is_gone_begins_anew,
    life::another_launch_is_another_process_in_the_same_conversation,
    life::a_model_is_changed_in_the_same_conversation,
    life::nobody_is_left_of_one_that_is_dropped,
    life::one_that_is_not_there_is_missing,
    stops::a_stop_that_comes_first_is_a_stop,
    stops::a_stop_in_the_middle_of_words_keeps_the_process,
    stops::a_stop_in_a_tool_leaves_nobody_of_it,
    stops::a_stop_while_the_model_is_silent_keeps_the_process,
    stops::stop_after_stop_ends_each_its_own_turn,
    faults::a_refused_key_is_classed,
    faults::a_missing_model_is_classed,
    faults::a_limit_is_classed,
    faults::a_failing_server_is_classed,
    faults::a_full_server_is_classed,
    faults::a_request_that_is_too_long_is_classed,
    faults::a_cut_stream_is_classed,
    faults::an_error_in_the_stream_is_classed,
    faults::slow_words_come_one_by_one,
    tools::a_tool_acts_after_it_was_written_down,
    tools::a_tool_that_cannot_be_written_down_does_not_act,
    tools::a_tool_may_write_wherever_the_container_lets_it,
    tools::words_before_a_tool_are_told_and_the_answer_is_what_comes_after_it,
    inputs::the_same_input_twice_is_heard_once,
    inputs::what_is_said_into_a_turn_is_heard_in_it,
    inputs::what_is_said_too_late_for_a_turn_is_answered_too,
    inputs::what_lies_in_the_folder_that_it_works_in_has_no_effect,
);

fn codex() -> Runtime {
    Runtime { make, forget, name: "codex", asks_for_a_missing_model: 1 }
}

fn make(around: Surroundings) -> Box<dyn Provider> {
    Box::new(Codex::new(around, None).at(program("codex")))
}

fn forget(dir: &SessionDir) {
    std::fs::remove_dir_all(dir.home().join(".codex")).unwrap();
}

/// A bench with a model that its list does not know: such a one is offered each tool by itself.
async fn open(plays: &[&str]) -> Bench {
    let mut bench = Bench::new(&codex(), plays).await;
    bench.launch.model = Some("scripted".to_owned());
    bench.reopen(None).await.unwrap();
    bench
}

fn starts_a_tool(event: &ProviderEvent) -> bool {
    matches!(event, ProviderEvent::ToolStarts(_))
}
