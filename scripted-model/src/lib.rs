//! A model server for tests: it speaks as Anthropic's Messages, OpenAI's Responses and OpenAI's Chat
//! Completions do, says what a script tells it to, fails as it is told to, and checks what it is
//! asked. No answer of it depends on anything but the script and the request.
//!
//! The base URL names the script: `http://127.0.0.1:8399/s/<script>[@<name>]`, with the usual path
//! behind it (`…/v1/messages`). A script is a list of plays, separated by commas, percent-encoded;
//! each answers one request of a conversation's main line (one that offers tools, or follows one
//! that did), and the last one answers all that come after it. `@<name>` tells two conversations
//! with the same script apart. The grammar is in [`script`].
//!
//! `GET /seen` lists the requests so far, each with what was wrong about it; `DELETE /seen` forgets
//! them, and begins all scripts again.

pub mod script;
pub mod server;

mod asked;
mod chat;
mod check;
mod frame;
mod messages;
mod responses;
mod seen;
mod shell;

pub use seen::{Api, Seen};
