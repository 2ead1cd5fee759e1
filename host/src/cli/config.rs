//! `lazaret config show`: what holds, and who said so. Works without a host.

use std::path::Path;

use super::Out;
use crate::{admin::print::table, config, error::Result};

#[derive(Debug, Clone, Copy, clap::Subcommand)]
pub(super) enum Command {
    /// Show every setting, its value and where it came from
    Show,
}

/// Reads everything again, and prints it.
pub(super) fn show(home: Option<&Path>, out: Out) -> Result<()> {
    let settings = config::effective(home)?;
    out.result(&settings, |settings| {
        let row = |one: &config::Setting| [one.key.to_owned(), one.value.clone(), one.from.clone()];
        let rows: Vec<[String; 3]> = settings.iter().map(row).collect();
        table(["SETTING", "VALUE", "FROM"], &rows)
    });
    Ok(())
}
