//! Lazaret's host: takes messages in, keeps them, runs agents in containers, brings replies out.
//!
//! Modules stand in the order of a message's life.

pub mod serve;

pub mod daemon;

pub mod channels;
pub mod draft;
pub mod gateway;
pub mod requests;

pub mod approvals;
pub mod people;
pub mod questions;
pub mod routing;

pub mod sessions;

pub mod engine;

pub mod broker;
pub mod secrets;

pub mod delivery;

pub mod actions;
pub mod admin;
pub mod peers;

pub mod occurrences;
pub mod schedule;

pub mod store;

pub mod upkeep;

pub mod config;

pub mod cli;
pub mod client;

pub mod error;
pub mod limits;
pub mod steps;
pub mod text;
