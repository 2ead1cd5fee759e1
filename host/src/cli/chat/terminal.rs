//! The person's terminal: lines typed with editing and history, and text that appears meanwhile.
//!
//! Reading a line blocks, so it has a thread of its own, which ends with the process.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::DirBuilderExt,
    path::Path,
    thread,
};

use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use rustyline::{Config, Editor, ExternalPrinter, error::ReadlineError, history::FileHistory};
use tokio::sync::mpsc;

use super::line::{self, Typed};
use crate::{
    cli::out::Out,
    error::{ErrorKind, HostError, Result},
    limits,
    text::shown,
};

/// Shows text above the line that is being typed.
pub(super) struct Screen {
    /// None when this is no terminal.
    printer: Option<Box<dyn ExternalPrinter + Send>>,
    out: Out,
    /// How the terminal was before.
    before: Option<Termios>,
}

impl Drop for Screen {
    /// The chat may end while a line is being read, with the terminal in that mode.
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _gone = tcsetattr(io::stdin(), SetArg::TCSADRAIN, before).is_err();
            let mut out = io::stdout();
            let _gone = out.write_all(PLAIN_PASTE).and_then(|()| out.flush()).is_err();
        }
    }
}

/// Ends the mode in which a terminal marks what is pasted.
const PLAIN_PASTE: &[u8] = b"\r\x1b[K\x1b[?2004l";

impl Screen {
    /// One or more lines.
    pub(super) fn show(&mut self, text: &str) {
        match &mut self.printer {
            Some(printer) => {
                // A terminal that is gone ends the thread that reads it, and so the chat.
                let _unread = printer.print(format!("{}\n", shown::block(text))).is_err();
            }
            None => self.out.line(text),
        }
    }
}

/// Begins to read lines. The channel's end is the end of the terminal.
pub(super) fn start(history: &Path, out: Out) -> Result<(Screen, mpsc::Receiver<Typed>)> {
    let before = tcgetattr(io::stdin()).ok();
    let mut editor = editor().map_err(|error| {
        HostError::new(ErrorKind::Internal, "cannot use the terminal").because(error)
    })?;
    if let Some(folder) = history.parent() {
        // Without a history one can talk as well.
        let _not_made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).is_err();
    }
    let _first_time = editor.load_history(history).is_err();
    let printer = editor.create_external_printer().ok();
    let printer = printer.map(|printer| Box::new(printer) as Box<dyn ExternalPrinter + Send>);
    let (sender, receiver) = mpsc::channel(limits::CHAT_QUEUE);
    let history = history.to_owned();
    let started = thread::Builder::new().name("keyboard".to_owned()).spawn(move || {
        read_lines(&mut editor, &sender, &history);
    });
    match started {
        Ok(_runs_until_the_end) => Ok((Screen { printer, out, before }, receiver)),
        Err(error) => {
            Err(HostError::new(ErrorKind::Internal, "cannot read the terminal").because(error))
        }
    }
}

type LineEditor = Editor<(), FileHistory>;

fn editor() -> rustyline::Result<LineEditor> {
    let config = Config::builder().max_history_size(limits::CHAT_LINES)?.auto_add_history(true);
    Editor::with_config(config.build())
}

fn read_lines(editor: &mut LineEditor, sender: &mpsc::Sender<Typed>, history: &Path) {
    loop {
        let typed = match editor.readline("> ") {
            Ok(text) => {
                let _not_kept = editor.append_history(history).is_err();
                line::read(&text)
            }
            Err(ReadlineError::Interrupted) => Some(Typed::Quit),
            // The end of the input; anything else is a terminal that is gone.
            Err(_) => Some(Typed::End),
        };
        let Some(typed) = typed else { continue };
        let last = matches!(typed, Typed::Quit | Typed::End);
        if sender.blocking_send(typed).is_err() || last {
            return;
        }
    }
}
