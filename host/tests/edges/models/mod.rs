//! The model socket over a real socket file, with models' servers that we play.

mod door;
mod server;

mod bounds;
mod hostile;
mod keys;
mod life;
mod passing;
