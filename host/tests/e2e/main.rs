//! Whole conversations in one process, and the house style as tests.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that panics is a test that fails"
)]

#[path = "../harness/models.rs"]
mod models;
mod world;

mod actions;
mod approvals;
mod attachments;
mod commands;
mod context;
mod conversation;
mod crowd;
mod dead_letters;
mod delivery;
mod due;
mod erase;
mod faults;
mod hostile;
mod ledger;
mod lifecycle;
mod model_socket;
mod operations;
mod operator;
mod own_tasks;
mod peers;
mod people;
mod places;
mod refusals;
mod repeats;
mod rewiring;
mod routing;
mod scripts;
mod sessions;
mod shared;
mod silence;
mod simulation;
mod steps;
mod stops;
mod task_words;
mod tasks;
mod turns;
mod upkeep;
mod waiting;

mod tidy;
