//! Secrets: keys that the host adds to what leaves it, and that no container ever holds.
//!
//! Owns `secrets.sealed` in the home, of which a running host is the only writer, and its content in
//! memory. What was set holds for the very next call. A file that cannot be opened stops nothing: it
//! counts as empty, is tried again whenever a secret is asked for, and is named by `doctor`; nothing
//! is written over it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use schemas::ids::InstallId;
use serde::{Deserialize, Serialize};
use tracing::error;
use zeroize::Zeroizing;

use crate::{
    error::{ErrorKind, HostError, Result},
    limits::broker as limits,
    text::secrets as text,
};

mod sealed;
mod value;

pub use sealed::Trouble;
pub use value::{Secret, handed};

use sealed::{Held, Keys};

/// The file in the home.
pub const FILE_NAME: &str = "secrets.sealed";

/// The secrets of a host.
#[derive(Debug, Clone)]
pub struct Secrets {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: PathBuf,
    keys: Keys,
    install: InstallId,
    // A std mutex: held for a look-up or while the file is written, never across an await.
    known: Mutex<Option<Known>>,
}

/// What is in the file.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Known {
    secrets: BTreeMap<String, Entry>,
    /// Whose key seals it; `None` until something is set.
    #[serde(skip)]
    sealed_by: Option<InstallId>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    #[serde(with = "handed")]
    value: Secret,
    set_at: Timestamp,
}

/// A secret, as people may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SecretInfo {
    /// Its name.
    pub name: String,
    /// When its value was given.
    pub set_at: Timestamp,
}

impl Secrets {
    /// The secrets of a home, with their key in another folder. What cannot be opened is logged.
    #[must_use]
    pub fn open(home: &Path, keys: Option<PathBuf>, install: InstallId) -> Self {
        let (file, keys) = (home.join(FILE_NAME), Keys(keys));
        let known = match read(&file, &keys) {
            Ok(known) => Some(known),
            Err(trouble) => {
                let failure = text::trouble(&file, trouble);
                error!(
                    error = failure.chain(),
                    hint = failure.hint_text(),
                    "the secrets cannot be opened; models are asked without keys"
                );
                None
            }
        };
        Self { inner: Arc::new(Inner { file, keys, install, known: Mutex::new(known) }) }
    }

    /// A secret, when it was set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Secret> {
        let mut known = self.known();
        if known.is_none() {
            // Somebody may have put right what was wrong.
            *known = read(&self.inner.file, &self.inner.keys).ok();
        }
        known.as_ref()?.secrets.get(name).map(|entry| entry.value.clone())
    }

    /// What there is. Blocks.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn list(&self) -> Result<Vec<SecretInfo>> {
        let mut known = self.known();
        let known = self.opened(&mut known)?;
        let info = |(name, entry): (&String, &Entry)| SecretInfo {
            name: name.clone(),
            set_at: entry.set_at,
        };
        Ok(known.secrets.iter().map(info).collect())
    }

    /// Keeps a value; answers whether there was one. Blocks until it is on the disk.
    ///
    /// # Errors
    /// When the file or its key cannot be read or written.
    pub fn set(&self, name: &str, value: Secret, now: Timestamp) -> Result<bool> {
        let mut known = self.known();
        let known = self.opened(&mut known)?;
        if known.secrets.len() >= limits::SECRETS && !known.secrets.contains_key(name) {
            let what = format!("{} secrets are kept, and no more", limits::SECRETS);
            return Err(HostError::new(ErrorKind::TooLarge, what).hint(text::REMOVE_SOME));
        }
        let entry = Entry { value, set_at: now };
        let before = known.secrets.insert(name.to_owned(), entry);
        if let Err(failure) = self.save(known) {
            // What is not on the disk does not hold.
            match before {
                Some(before) => known.secrets.insert(name.to_owned(), before),
                None => known.secrets.remove(name),
            };
            return Err(failure);
        }
        Ok(before.is_some())
    }

    /// Forgets one; answers whether there was one. Blocks until it is off the disk.
    ///
    /// # Errors
    /// When the file or its key cannot be read or written.
    pub fn remove(&self, name: &str) -> Result<bool> {
        let mut known = self.known();
        let known = self.opened(&mut known)?;
        let Some(before) = known.secrets.remove(name) else { return Ok(false) };
        if let Err(failure) = self.save(known) {
            known.secrets.insert(name.to_owned(), before);
            return Err(failure);
        }
        Ok(true)
    }

    fn known(&self) -> MutexGuard<'_, Option<Known>> {
        self.inner.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn opened<'k>(&self, known: &'k mut Option<Known>) -> Result<&'k mut Known> {
        let (file, keys) = (&self.inner.file, &self.inner.keys);
        let fresh = match known.take() {
            Some(known) => known,
            None => read(file, keys).map_err(|trouble| text::trouble(file, trouble))?,
        };
        Ok(known.insert(fresh))
    }

    fn save(&self, known: &mut Known) -> Result<()> {
        let (file, keys) = (&self.inner.file, &self.inner.keys);
        let plain = serde_json::to_vec(known).map(Zeroizing::new).map_err(|error| {
            HostError::new(ErrorKind::Internal, "cannot write the secrets").because(error)
        })?;
        // A restored home keeps the key that it was sealed with.
        let id = known.sealed_by.clone().unwrap_or_else(|| self.inner.install.clone());
        sealed::save(file, keys, &id, &plain).map_err(|trouble| text::trouble(file, trouble))?;
        known.sealed_by = Some(id);
        Ok(())
    }
}

/// How many secrets a home has. Only reads.
///
/// # Errors
/// When they cannot be opened; the hint says what to do.
pub fn examine(home: &Path, keys: Option<PathBuf>) -> Result<usize> {
    let file = home.join(FILE_NAME);
    let known = read(&file, &Keys(keys)).map_err(|trouble| text::trouble(&file, trouble))?;
    Ok(known.secrets.len())
}

fn read(file: &Path, keys: &Keys) -> Held<Known> {
    let Some((id, plain)) = sealed::open(file, keys)? else { return Ok(Known::default()) };
    let known: serde_json::Result<Known> = serde_json::from_slice(&plain);
    // Its error could quote a secret, and says nothing that anybody can act upon.
    let mut known = known.map_err(|_| Trouble::Damaged(file.to_owned()))?;
    known.sealed_by = Some(id);
    Ok(known)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn secret(value: &str) -> Secret {
        Secret::new(value.to_owned())
    }

    struct Home(tempfile::TempDir);

    impl Home {
        fn secrets(&self) -> Secrets {
            let install = InstallId::mint(Timestamp::UNIX_EPOCH);
            Secrets::open(self.0.path(), Some(self.keys()), install)
        }

        fn keys(&self) -> PathBuf {
            self.0.path().join("elsewhere")
        }

        fn file(&self) -> PathBuf {
            self.0.path().join(FILE_NAME)
        }
    }

    fn home() -> Home {
        Home(tempfile::tempdir().unwrap())
    }

    #[test]
    fn what_was_set_is_there_for_the_next_host_too() {
        let (home, now) = (home(), Timestamp::UNIX_EPOCH);
        let secrets = home.secrets();
        assert!(!secrets.set("anthropic", secret("sk-1"), now).unwrap());
        assert!(secrets.set("anthropic", secret("sk-2"), now).unwrap());
        assert!(!secrets.set("openai", secret("sk-3"), now).unwrap());
        assert_eq!(secrets.get("anthropic"), Some(secret("sk-2")));
        // Another install, as after a restore: the key that seals it is found by its name.
        let next = home.secrets();
        assert_eq!(next.get("openai"), Some(secret("sk-3")));
        assert!(next.remove("openai").unwrap() && !next.remove("openai").unwrap());
        let names: Vec<String> =
            home.secrets().list().unwrap().into_iter().map(|info| info.name).collect();
        assert_eq!(names, ["anthropic"]);
        assert_eq!(fs::read_dir(home.keys()).unwrap().count(), 1);
        assert!(!format!("{next:?}").contains("sk-"));
    }

    #[test]
    fn a_file_that_cannot_be_opened_stops_nothing_and_is_not_written_over() {
        let (home, now) = (home(), Timestamp::UNIX_EPOCH);
        home.secrets().set("anthropic", secret("sk-1"), now).unwrap();
        let good = fs::read(home.file()).unwrap();
        fs::write(home.file(), "lazaret").unwrap();
        let secrets = home.secrets();
        assert_eq!(secrets.get("anthropic"), None);
        for refused in [
            secrets.set("anthropic", secret("sk-2"), now).unwrap_err(),
            secrets.remove("anthropic").unwrap_err(),
            secrets.list().unwrap_err(),
            examine(home.0.path(), Some(home.keys())).unwrap_err(),
        ] {
            assert!(refused.chain().contains("damaged"), "{}", refused.chain());
            assert!(refused.hint_text().unwrap().contains("backup"));
        }
        assert_eq!(fs::read(home.file()).unwrap(), b"lazaret");
        // Put right, it is there at once.
        fs::write(home.file(), good).unwrap();
        assert_eq!(secrets.get("anthropic"), Some(secret("sk-1")));
    }

    #[test]
    fn without_a_place_for_the_key_nothing_is_kept() {
        let home = home();
        let install = InstallId::mint(Timestamp::UNIX_EPOCH);
        let secrets = Secrets::open(home.0.path(), None, install);
        let refused = secrets.set("a", secret("x"), Timestamp::UNIX_EPOCH).unwrap_err();
        assert!(refused.hint_text().unwrap().contains("XDG_CONFIG_HOME"));
        assert_eq!((secrets.get("a"), home.file().exists()), (None, false));
    }
}
