//! `lazaret-guest`: the one static binary that is mounted into every container. What it does is in
//! the library's `cli`.

use std::process::ExitCode;

use guest::steps::Steps;

fn main() -> ExitCode {
    // Nobody watches: what runs in a container has no step at which it could be told to end.
    guest::cli::main(|_| Steps::default())
}
