//! A secret's value, from whoever types it or from what is piped in. Never from the arguments: every
//! process of the machine may see those.

use std::{
    io::{self, IsTerminal, Read, Write},
    os::fd::AsFd,
};

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::{
    admin,
    error::{ErrorKind, HostError, Result},
    limits::broker as limits,
    secrets::Secret,
    text::secrets as text,
};

/// Reads the value that a command needs beside its words.
pub(super) fn complete(command: &mut admin::Command) -> Result<()> {
    if let admin::Command::Secrets(admin::secrets::Command::Set(set)) = command {
        set.value = Some(admin::secrets::Value(read(&set.name)?));
    }
    Ok(())
}

fn read(name: &str) -> Result<Secret> {
    let stdin = io::stdin();
    let text = if stdin.is_terminal() {
        typed(&stdin, name)
    } else {
        let mut text = Zeroizing::new(String::new());
        let most = u64::try_from(limits::SECRET_BYTES).unwrap_or(u64::MAX) + 2;
        stdin.lock().take(most).read_to_string(&mut text).map(|_| text)
    };
    let text = text.map_err(|error| {
        HostError::new(ErrorKind::Invalid, "no value was given")
            .because(error)
            .hint(text::GIVE_A_VALUE)
    })?;
    Secret::typed(&text)
}

/// A line that is not shown. The terminal is as it was afterwards, also after Ctrl-C: it is read as
/// a byte here, so that nobody is left with a terminal that shows nothing.
fn typed(stdin: &io::Stdin, name: &str) -> io::Result<Zeroizing<String>> {
    let mut err = io::stderr();
    write!(err, "{name} (not shown): ")?;
    err.flush()?;
    let hidden = Hidden::begin(stdin)?;
    let line = line(stdin.lock().bytes());
    drop(hidden);
    writeln!(err)?;
    line
}

fn line(bytes: impl Iterator<Item = io::Result<u8>>) -> io::Result<Zeroizing<String>> {
    const CTRL_C: u8 = 3;
    const CTRL_D: u8 = 4;
    const BACKSPACE: [u8; 2] = [8, 127];
    let mut typed = Zeroizing::new(Vec::with_capacity(limits::SECRET_BYTES));
    for byte in bytes {
        match byte? {
            b'\n' | b'\r' | CTRL_D => break,
            CTRL_C => return Err(io::ErrorKind::Interrupted.into()),
            byte if BACKSPACE.contains(&byte) => drop(typed.pop()),
            _ if typed.len() >= limits::SECRET_BYTES => {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            byte => typed.push(byte),
        }
    }
    let text = std::str::from_utf8(&typed).map_err(|_| io::ErrorKind::InvalidData)?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// A terminal that shows nothing, hands over each byte and raises no signals.
struct Hidden<'t> {
    terminal: &'t io::Stdin,
    before: Termios,
}

impl<'t> Hidden<'t> {
    fn begin(terminal: &'t io::Stdin) -> io::Result<Self> {
        let before = tcgetattr(terminal.as_fd())?;
        let mut quiet = before.clone();
        let off = LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG;
        quiet.local_flags.remove(off);
        tcsetattr(terminal.as_fd(), SetArg::TCSAFLUSH, &quiet)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        let _terminal_gone =
            tcsetattr(self.terminal.as_fd(), SetArg::TCSAFLUSH, &self.before).is_err();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(typed: &[u8]) -> io::Result<String> {
        line(typed.iter().map(|byte| Ok(*byte))).map(|text| text.to_string())
    }

    #[test]
    fn a_line_is_typed_with_its_mistakes_and_can_be_given_up() {
        assert_eq!(read(b"sk-1\nmore").unwrap(), "sk-1");
        assert_eq!(read(b"\x7fsk-2\x7f\x081\r").unwrap(), "sk1");
        assert_eq!(read(b"sk\x04").unwrap(), "sk");
        assert_eq!(read(b"sk\x03").unwrap_err().kind(), io::ErrorKind::Interrupted);
        assert!(read(b"\xff\n").is_err());
        assert!(read(&vec![b'x'; limits::SECRET_BYTES + 1]).is_err());
    }
}
