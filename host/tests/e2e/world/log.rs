//! What the operator's log says while a conversation is held.

use std::{
    fmt::Write,
    sync::{Arc, Mutex},
};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
    subscriber::DefaultGuard,
};

use super::World;

/// What was logged: the level of a line, and the line.
type Lines = Arc<Mutex<Vec<(Level, String)>>>;

/// Collects errors and warnings until it is dropped.
pub(crate) struct Log {
    lines: Lines,
    _guard: DefaultGuard,
}

impl Log {
    pub(crate) fn start() -> Self {
        let lines = Lines::default();
        let guard = tracing::subscriber::set_default(Collector { lines: lines.clone() });
        Self { lines, _guard: guard }
    }

    pub(crate) fn errors(&self) -> Vec<String> {
        self.of(Level::ERROR)
    }

    pub(crate) fn warnings(&self) -> Vec<String> {
        self.of(Level::WARN)
    }

    fn of(&self, level: Level) -> Vec<String> {
        let lines = self.lines.lock().unwrap();
        lines.iter().filter(|(of, _)| *of == level).map(|(_, line)| line.clone()).collect()
    }
}

impl World {
    /// Errors that the operator's log has so far.
    pub(crate) fn errors(&self) -> Vec<String> {
        self.log.errors()
    }

    /// Warnings that the operator's log has so far and that hold a word.
    pub(crate) fn warnings_of(&self, word: &str) -> usize {
        self.log.warnings().iter().filter(|line| line.contains(word)).count()
    }
}

struct Collector {
    lines: Lines,
}

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }

    fn new_span(&self, _span: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _span: &span::Id, _values: &span::Record<'_>) {}

    fn record_follows_from(&self, _span: &span::Id, _follows: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.lines.lock().unwrap().push((*event.metadata().level(), line.0));
    }

    fn enter(&self, _span: &span::Id) {}

    fn exit(&self, _span: &span::Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, "{}={value:?} ", field.name()).unwrap();
    }
}
