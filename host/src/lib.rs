//! Lazaret's host: takes messages in, keeps them, runs agents in containers, brings replies out.
//!
//! Modules stand in the order of a message's life.

pub mod channels;
pub mod gateway;
pub mod requests;

pub mod engine;

pub mod config;

pub mod cli;
pub mod client;

pub mod daemon;

pub mod error;
pub mod limits;
pub mod text;
