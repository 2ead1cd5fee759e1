//! The file in which secrets lie: encrypted and authenticated, with the key elsewhere.
//!
//! Owns the form of `secrets.sealed` and of the key file. ChaCha20-Poly1305 with a fresh nonce for
//! each writing; the first line, which names the key, is authenticated with it. The key is 32 random
//! bytes outside of the home, so that a copy of the home, a backup above all, gives no secret away.
//!
//! ```text
//! lazaret-secrets 1 install-01h455vb4pex5vsknk084sn02q
//! <base64 of nonce and ciphertext>
//! ```

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use nix::fcntl::OFlag;
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom, SystemRandom},
};
use schemas::ids::InstallId;
use zeroize::Zeroizing;

use crate::{limits::broker as limits, upkeep::files::move_durably};

const FORM: &str = "lazaret-secrets 1 ";
const KEY_BYTES: usize = 32;

/// Why the secrets cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// A file that cannot be read or written.
    #[error("cannot {what} {path}")]
    Disk {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No place for keys is known.
    #[error("no folder for keys is known")]
    NoPlace,
    /// The key is not where it should be.
    #[error("the key of the secrets is not at {0}")]
    NoKey(PathBuf),
    /// Others than its owner can read the key.
    #[error("the key {path} can be read by others (mode {mode:03o}, owner {owner})")]
    OpenKey {
        /// The key.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// Whose it is.
        owner: u32,
    },
    /// The key file holds something else.
    #[error("{0} is no key")]
    BadKey(PathBuf),
    /// The file was changed or cut, or belongs to another key.
    #[error("{0} is damaged, or of another key")]
    Damaged(PathBuf),
    /// There is no randomness to make a key or a nonce from.
    #[error("the system has no randomness")]
    NoRandomness,
}

/// Result of what may be in [`Trouble`].
pub(super) type Held<T> = Result<T, Trouble>;

/// The place of the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Keys(pub(super) Option<PathBuf>);

impl Keys {
    pub(super) fn path(&self, id: &InstallId) -> Held<PathBuf> {
        let folder = self.0.as_ref().ok_or(Trouble::NoPlace)?;
        Ok(folder.join(format!("{id}.key")))
    }

    fn read(&self, id: &InstallId) -> Held<LessSafeKey> {
        let path = self.path(id)?;
        let disk = |source| Trouble::Disk { what: "read", path: path.clone(), source };
        let mut options = OpenOptions::new();
        let opened = options.read(true).custom_flags(OFlag::O_NOFOLLOW.bits()).open(&path);
        let mut file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Trouble::NoKey(path));
            }
            Err(error) => return Err(disk(error)),
        };
        let found = file.metadata().map_err(disk)?;
        let (mode, owner) = (found.mode() & 0o777, found.uid());
        let own = nix::unistd::geteuid().as_raw();
        if mode & 0o077 != 0 || (owner != own && owner != 0) {
            return Err(Trouble::OpenKey { path, mode, owner });
        }
        // Longer than a key in text, so that more than one is seen to be none.
        let mut text = Zeroizing::new(String::new());
        let most = u64::try_from(4 * KEY_BYTES).unwrap_or(u64::MAX);
        let read = Read::by_ref(&mut file).take(most).read_to_string(&mut text);
        read.map_err(disk)?;
        let bytes = STANDARD.decode(text.trim()).map(Zeroizing::new);
        let key = bytes.ok().and_then(|bytes| UnboundKey::new(&CHACHA20_POLY1305, &bytes).ok());
        key.map(LessSafeKey::new).ok_or(Trouble::BadKey(path))
    }

    fn make(&self, id: &InstallId) -> Held<LessSafeKey> {
        let path = self.path(id)?;
        let disk = |source| Trouble::Disk { what: "write", path: path.clone(), source };
        if let Some(folder) = path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(disk)?;
        }
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        SystemRandom::new().fill(bytes.as_mut()).map_err(|_| Trouble::NoRandomness)?;
        let text = Zeroizing::new(STANDARD.encode(bytes.as_ref()) + "\n");
        // Never over one that is there: what it sealed would be gone.
        put(&path, text.as_bytes(), Put::New).map_err(disk)?;
        self.read(id)
    }

    fn read_or_make(&self, id: &InstallId) -> Held<LessSafeKey> {
        match self.read(id) {
            Err(Trouble::NoKey(_)) => self.make(id),
            found => found,
        }
    }
}

/// Reads what is sealed; `None` where nothing ever was.
pub(super) fn open(path: &Path, keys: &Keys) -> Held<Option<(InstallId, Zeroizing<Vec<u8>>)>> {
    let Some(text) = text(path)? else { return Ok(None) };
    let damaged = || Trouble::Damaged(path.to_owned());
    let (head, rest) = text.split_once('\n').ok_or_else(damaged)?;
    let id = head.strip_prefix(FORM).and_then(|id| InstallId::parse(id).ok());
    let id = id.ok_or_else(damaged)?;
    let mut sealed = STANDARD.decode(rest.trim_end()).map_err(|_| damaged())?;
    if sealed.len() < NONCE_LEN {
        return Err(damaged());
    }
    let mut body = sealed.split_off(NONCE_LEN);
    let nonce = Nonce::try_assume_unique_for_key(&sealed).map_err(|_| damaged())?;
    let key = keys.read(&id)?;
    let opened = key.open_in_place(nonce, Aad::from(head.as_bytes()), &mut body);
    let length = opened.map_err(|_| damaged())?.len();
    body.truncate(length);
    Ok(Some((id, Zeroizing::new(body))))
}

/// Seals with the key of this name, which is made when nothing was ever sealed with it.
pub(super) fn save(path: &Path, keys: &Keys, id: &InstallId, plain: &[u8]) -> Held<()> {
    let key = if path.exists() { keys.read(id)? } else { keys.read_or_make(id)? };
    let head = format!("{FORM}{id}");
    let mut nonce = [0; NONCE_LEN];
    SystemRandom::new().fill(&mut nonce).map_err(|_| Trouble::NoRandomness)?;
    let mut sealed = Zeroizing::new(plain.to_vec());
    let used = Nonce::assume_unique_for_key(nonce);
    let tag = key.seal_in_place_separate_tag(used, Aad::from(head.as_bytes()), &mut sealed);
    let tag = tag.map_err(|_| Trouble::NoRandomness)?;
    let body = [&nonce, sealed.as_slice(), tag.as_ref()].concat();
    let text = format!("{head}\n{}\n", STANDARD.encode(body));
    put(path, text.as_bytes(), Put::Over).map_err(|source| Trouble::Disk {
        what: "write",
        path: path.to_owned(),
        source,
    })
}

fn text(path: &Path) -> Held<Option<String>> {
    let disk = |source| Trouble::Disk { what: "read", path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(disk(error)),
    };
    let mut bytes = Vec::new();
    file.take(limits::SECRETS_FILE_BYTES).read_to_end(&mut bytes).map_err(disk)?;
    // What is no text is damaged, and is found to be.
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Put {
    New,
    Over,
}

/// Writes a file beside its place, then puts it there, whole or not at all.
fn put(path: &Path, bytes: &[u8], how: Put) -> io::Result<()> {
    let fresh = path.with_added_extension("new");
    let _an_older_try = fs::remove_file(&fresh).is_ok();
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    if how == Put::New && path.exists() {
        fs::remove_file(&fresh)?;
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    move_durably(&fresh, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;

    struct Place {
        dir: tempfile::TempDir,
        id: InstallId,
    }

    impl Place {
        fn new() -> Self {
            let id = InstallId::mint(Timestamp::UNIX_EPOCH);
            Self { dir: tempfile::tempdir().unwrap(), id }
        }

        fn file(&self) -> PathBuf {
            self.dir.path().join("secrets.sealed")
        }

        fn keys(&self) -> Keys {
            Keys(Some(self.dir.path().join("keys")))
        }

        fn sealed(plain: &[u8]) -> Self {
            let place = Self::new();
            save(&place.file(), &place.keys(), &place.id, plain).unwrap();
            place
        }

        fn open(&self) -> Held<Option<(InstallId, Zeroizing<Vec<u8>>)>> {
            open(&self.file(), &self.keys())
        }
    }

    #[test]
    fn what_is_sealed_is_opened_with_its_key_and_no_other() {
        let place = Place::sealed(b"sk-secret");
        assert_eq!(place.open().unwrap().unwrap().1.as_slice(), b"sk-secret");
        let text = fs::read_to_string(place.file()).unwrap();
        assert!(
            !text.contains("sk-secret") && text.starts_with("lazaret-secrets 1 inst"),
            "{text}"
        );
        let key = place.keys().path(&place.id).unwrap();
        for path in [&place.file(), &key] {
            assert_eq!(fs::metadata(path).unwrap().mode() & 0o777, 0o600);
        }
        fs::remove_file(&key).unwrap();
        assert!(matches!(place.open(), Err(Trouble::NoKey(_))));
        // Nothing is sealed anew over what another key is needed for.
        let again = save(&place.file(), &place.keys(), &place.id, b"x");
        assert!(matches!(again, Err(Trouble::NoKey(_))));
        place.keys().make(&place.id).unwrap();
        assert!(matches!(place.open(), Err(Trouble::Damaged(_))));
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let place = Place::sealed(b"x");
        let key = place.keys().path(&place.id).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(place.open(), Err(Trouble::OpenKey { mode: 0o640, .. })));
        fs::set_permissions(&key, fs::Permissions::from_mode(0o400)).unwrap();
        assert!(place.open().is_ok());
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&key, "c2hvcnQ=").unwrap();
        assert!(matches!(place.open(), Err(Trouble::BadKey(_))));
    }

    #[test]
    fn nothing_was_ever_sealed_where_there_is_no_file() {
        let place = Place::new();
        assert!(place.open().unwrap().is_none());
        assert!(!place.dir.path().join("keys").exists());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// One changed byte anywhere, and nothing is opened; whatever the file holds, it is an error.
        #[test]
        fn what_was_changed_is_not_opened(at in any::<prop::sample::Index>(), to in any::<u8>()) {
            let place = Place::sealed(b"sk-secret");
            let mut bytes = fs::read(place.file()).unwrap();
            let at = at.index(bytes.len() - 1);
            prop_assume!(bytes[at] != to && to != b'\n' && to != b'\r');
            bytes[at] = to;
            fs::write(place.file(), &bytes).unwrap();
            prop_assert!(place.open().is_err());
        }

        #[test]
        fn whatever_the_file_holds_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let place = Place::sealed(b"sk-secret");
            fs::write(place.file(), &bytes).unwrap();
            prop_assert!(place.open().is_err());
            let head = format!("{FORM}{}\n", place.id);
            fs::write(place.file(), [head.as_bytes(), &bytes].concat()).unwrap();
            prop_assert!(place.open().is_err());
        }
    }
}
