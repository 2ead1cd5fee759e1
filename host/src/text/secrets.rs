//! What is said about secrets.

use std::path::Path;

use crate::{
    error::{ErrorKind, HostError},
    secrets::Trouble,
};

/// When there are too many.
pub const REMOVE_SOME: &str = "lazaret secrets remove NAME";

/// When nobody gave a value.
pub const GIVE_A_VALUE: &str = "type it, or pipe it in: lazaret secrets set NAME < file";

/// Below the help of `secrets set`.
pub const SET_HELP: &str = "\
The value is typed, without being shown, or read from what is piped in; never from the
arguments, which every process of this machine may see. It holds for the next call to a
model. Of a route such as anthropic or openai the secret has the same name, unless
lazaret.toml says otherwise.

It is kept in secrets.sealed in the home, encrypted. The key lies elsewhere, in the
folder lazaret among your configuration: keep a copy of it apart from your backups.";

/// Where a file cannot be opened, and what then.
#[must_use]
pub fn trouble(file: &Path, trouble: Trouble) -> HostError {
    let anew = format!("move {} away and set the secrets anew", file.display());
    let hint = match &trouble {
        Trouble::Disk { .. } => super::CHECK_THE_HOME.to_owned(),
        Trouble::NoPlace => "set XDG_CONFIG_HOME or HOME for the host".to_owned(),
        Trouble::NoKey(path) => format!("put it back at {}, or {anew}", path.display()),
        Trouble::OpenKey { path, .. } => {
            format!("chmod 600 {0} (and let it belong to the host's user)", path.display())
        }
        Trouble::BadKey(path) => format!("put the right key at {}, or {anew}", path.display()),
        Trouble::Damaged(_) => format!("put it back from a backup, or {anew}"),
        Trouble::NoRandomness => "try again".to_owned(),
    };
    HostError::new(ErrorKind::Storage, "the secrets cannot be used").because(trouble).hint(hint)
}

/// One was kept.
#[must_use]
pub fn set(name: &str, before: bool) -> String {
    if before { format!("{name} has a new value") } else { format!("{name} is kept") }
}
