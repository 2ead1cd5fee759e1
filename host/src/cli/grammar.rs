//! `lazaret completions <shell>` and `lazaret man [dir]`: what shells and `man` know of the grammar.
//!
//! Both are made from the grammar itself and need neither a home nor a host.

use std::{
    io,
    path::{Path, PathBuf},
};

use clap::CommandFactory;

use super::{Cli, out};
use crate::error::{ErrorKind, HostError, Result};

#[derive(Debug, clap::Args)]
pub(super) struct Completions {
    /// For which shell
    shell: Shell,
}

/// The shells that are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

#[derive(Debug, clap::Args)]
pub(super) struct Man {
    /// The folder for one page a command; without it, the main page is printed
    dir: Option<PathBuf>,
}

/// Prints the completions.
pub(super) fn completions(args: &Completions) {
    out::raw(&script(args.shell));
}

/// Prints the main page, or writes all of them.
pub(super) fn man(args: &Man) -> Result<()> {
    let failed =
        |error| HostError::new(ErrorKind::Storage, "cannot write the pages").because(error);
    match &args.dir {
        Some(dir) => pages(dir).map_err(failed),
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page).map_err(failed)?;
            out::raw(&page);
            Ok(())
        }
    }
}

fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    let mut grammar = Cli::command();
    let shell = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    clap_complete::generate(shell, &mut grammar, "lazaret", &mut script);
    script
}

fn pages(dir: &Path) -> io::Result<()> {
    std::fs::create_dir_all(dir)?;
    clap_mangen::generate_to(Cli::command(), dir)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn the_grammar_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_shell_gets_completions_and_bash_can_read_its_own() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = String::from_utf8(script(shell)).unwrap();
            for word in ["wirings", "dry-run", "unknown-sender"] {
                assert!(script.contains(word), "{shell:?}: {word}");
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lazaret.bash");
        std::fs::write(&path, script(Shell::Bash)).unwrap();
        assert!(Command::new("bash").arg("-n").arg(&path).status().unwrap().success());
    }

    #[test]
    fn every_command_has_a_page() {
        let dir = tempfile::tempdir().unwrap();
        pages(dir.path()).unwrap();
        for page in ["lazaret", "lazaret-wirings", "lazaret-wirings-create", "lazaret-up"] {
            let page = std::fs::read_to_string(dir.path().join(format!("{page}.1"))).unwrap();
            assert!(page.contains(".SH SYNOPSIS"), "{page}");
        }
    }
}
