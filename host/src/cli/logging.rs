//! Where logs go: to stderr, for people on a terminal and as JSON otherwise.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::{
    config::{Config, LogFormat},
    error::{ErrorKind, HostError, Result},
};

/// Starts logging for the rest of the process. A client logs errors only, unless told otherwise:
/// what it has to say, it prints.
pub(super) fn start(config: &Config, daemon: bool) -> Result<()> {
    let wanted = match (&config.log, daemon) {
        (Some(log), _) => log.as_str(),
        (None, true) => "warn,host=info",
        (None, false) => "error",
    };
    let filter = EnvFilter::try_new(wanted).map_err(|error| {
        HostError::new(ErrorKind::Invalid, format!("cannot read the log filter {wanted:?}"))
            .because(error)
            .hint("write it like LAZARET_LOG=debug or LAZARET_LOG=warn,host=debug")
    })?;
    let terminal = io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let pretty = match config.log_format {
        LogFormat::Pretty => true,
        LogFormat::Json => false,
        LogFormat::Auto => terminal || !daemon,
    };
    let started = if pretty {
        builder.with_ansi(terminal).with_target(false).try_init()
    } else {
        builder
            .json()
            .flatten_event(true)
            // The session's span once, not once as the current one and once in the list.
            .with_current_span(true)
            .with_span_list(false)
            .try_init()
    };
    started.map_err(|error| HostError::new(ErrorKind::Internal, "cannot log").because(error))
}
