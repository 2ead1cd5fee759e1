//! `lazaret`: the one program that people install. What it does is in the library's `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    host::cli::main()
}
