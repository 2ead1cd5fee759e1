//! Where home, sockets and state lie. PURE, but for [`canonical`], which asks the disk.

use std::{
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::Surroundings;
use crate::{
    error::{ErrorKind, HostError, Result},
    limits, text,
};

/// The home: the flag, then `LAZARET_HOME`, then the place for a user's data.
pub(super) fn home(flag: Option<&Path>, around: &Surroundings) -> Result<PathBuf> {
    flag.map(Path::to_path_buf)
        .or_else(|| around.path("LAZARET_HOME"))
        .or_else(|| around.absolute("XDG_DATA_HOME").map(|data| data.join("lazaret")))
        .or_else(|| around.path("HOME").map(|home| home.join(".local/share/lazaret")))
        .ok_or_else(|| {
            HostError::new(ErrorKind::Invalid, "no home folder is known")
                .hint("give one with --home or LAZARET_HOME")
        })
}

/// The same folder has one name, though it need not exist: the part that does is made canonical.
/// Host and clients must come to the same name, for the sockets' place is made from it.
pub(super) fn canonical(path: &Path) -> Result<PathBuf> {
    let failed = |error: io::Error| {
        let what = format!("cannot find the home folder {}", path.display());
        HostError::new(ErrorKind::Storage, what).because(error).hint(text::CHECK_OR_CHOOSE_HOME)
    };
    let whole = std::path::absolute(path).map_err(failed)?;
    for existing in whole.ancestors() {
        match existing.canonicalize() {
            Ok(real) => {
                let rest = whole.strip_prefix(existing).unwrap_or_else(|_| Path::new(""));
                return Ok(if rest.as_os_str().is_empty() { real } else { real.join(rest) });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(whole)
}

/// The folder of this home's sockets: `<base>/<first 8 hex of the home's hash>`.
///
/// Root uses `/run/lazaret` whatever its environment says, for a login shell and a service must
/// find the same place.
pub(super) fn run_dir(home: &Path, around: &Surroundings) -> Result<PathBuf> {
    let base = if let Some(told) = around.absolute("LAZARET_RUN_DIR") {
        told
    } else if around.uid == 0 {
        PathBuf::from("/run/lazaret")
    } else if let Some(runtime) = around.absolute("XDG_RUNTIME_DIR") {
        runtime.join("lazaret")
    } else if around.has_user_run {
        PathBuf::from(format!("/run/user/{}/lazaret", around.uid))
    } else {
        PathBuf::from(format!("/tmp/lazaret-{}", around.uid))
    };
    let run_dir = base.join(short(home));
    if run_dir.as_os_str().len() > limits::RUN_DIR_BYTES {
        let what = format!(
            "the folder for sockets {} is longer than {} bytes",
            run_dir.display(),
            limits::RUN_DIR_BYTES
        );
        return Err(HostError::new(ErrorKind::Invalid, what)
            .hint("set LAZARET_RUN_DIR to a shorter folder, such as /tmp/lz"));
    }
    Ok(run_dir)
}

/// Where the keys of secrets lie: never in a home, which is copied and carried about.
pub(super) fn keys(around: &Surroundings) -> Option<PathBuf> {
    let config = around
        .absolute("XDG_CONFIG_HOME")
        .or_else(|| around.absolute("HOME").map(|home| home.join(".config")))
        // A service of root's may have neither.
        .or_else(|| (around.uid == 0).then(|| PathBuf::from("/etc")));
    config.map(|config| config.join("lazaret"))
}

/// Where a client keeps its history.
pub(super) fn state_dir(home: &Path, around: &Surroundings) -> PathBuf {
    around
        .absolute("XDG_STATE_HOME")
        .map(|state| state.join("lazaret"))
        .or_else(|| around.path("HOME").map(|home| home.join(".local/state/lazaret")))
        .unwrap_or_else(|| home.join("state"))
}

/// Eight hex digits: enough to tell a person's few homes apart.
fn short(home: &Path) -> String {
    use std::fmt::Write;

    let digest = Sha256::digest(home.as_os_str().as_bytes());
    digest.iter().take(4).fold(String::new(), |mut hex, byte| {
        let _written = write!(hex, "{byte:02x}").is_ok();
        hex
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn around(uid: u32, env: &[(&'static str, &str)]) -> Surroundings {
        let env = env.iter().map(|(name, value)| (*name, OsString::from(value))).collect();
        Surroundings { env, uid, ..Surroundings::default() }
    }

    #[test]
    fn the_home_is_the_flag_then_the_variable_then_the_users_data() {
        let check = |flag: Option<&str>, env: &[(&'static str, &str)], expected: &str| {
            let found = home(flag.map(Path::new), &around(1, env)).unwrap();
            assert_eq!(found, Path::new(expected));
        };
        let all = [("LAZARET_HOME", "/l"), ("XDG_DATA_HOME", "/data"), ("HOME", "/home/a")];
        check(Some("/flag"), &all, "/flag");
        check(None, &all, "/l");
        check(None, &all[1..], "/data/lazaret");
        check(None, &all[2..], "/home/a/.local/share/lazaret");
        check(None, &[("XDG_DATA_HOME", "relative"), all[2]], "/home/a/.local/share/lazaret");
        assert!(home(None, &around(1, &[])).is_err());
    }

    #[test]
    fn sockets_lie_in_a_short_folder_that_depends_on_the_home_alone() {
        let check = |around: &Surroundings, expected: &str| {
            let found = run_dir(Path::new("/srv/home"), around).unwrap();
            assert_eq!(found, Path::new(expected).join("6361b8ce"));
        };
        let xdg = [("XDG_RUNTIME_DIR", "/run/user/7")];
        check(&around(0, &xdg), "/run/lazaret");
        check(&around(7, &xdg), "/run/user/7/lazaret");
        check(&around(7, &[("LAZARET_RUN_DIR", "/r"), xdg[0]]), "/r");
        check(&Surroundings { has_user_run: true, ..around(7, &[]) }, "/run/user/7/lazaret");
        check(&around(7, &[]), "/tmp/lazaret-7");
    }

    #[test]
    fn keys_lie_among_the_configuration() {
        let check = |around: &Surroundings, expected: Option<&str>| {
            assert_eq!(keys(around).as_deref(), expected.map(Path::new));
        };
        let env = [("XDG_CONFIG_HOME", "/c"), ("HOME", "/home/a")];
        check(&around(7, &env), Some("/c/lazaret"));
        check(&around(7, &env[1..]), Some("/home/a/.config/lazaret"));
        check(&around(0, &[]), Some("/etc/lazaret"));
        check(&around(7, &[("XDG_CONFIG_HOME", "relative")]), None);
    }

    #[test]
    fn a_folder_too_long_for_a_socket_is_refused_with_a_hint() {
        let long = format!("/{}", "x".repeat(60));
        let error = run_dir(Path::new("/h"), &around(7, &[("XDG_RUNTIME_DIR", &long)]));
        assert!(error.unwrap_err().hint_text().unwrap().contains("LAZARET_RUN_DIR"));
    }

    #[test]
    fn a_home_that_does_not_exist_yet_has_the_name_that_it_will_have() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().canonicalize().unwrap();
        std::os::unix::fs::symlink(&real, real.join("link")).unwrap();
        let later = real.join("link/new/home");
        assert_eq!(canonical(&later).unwrap(), real.join("new/home"));
        assert_eq!(canonical(&real.join("link")).unwrap(), real);
    }
}
