//! How much an agent's folders hold, and what follows from too much.
//!
//! Owns the decision, and the measuring beside the loop: one session at a time, within bounds, and
//! only of sessions that are awake, since a sleeping one does not grow.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use jiff::Timestamp;
use schemas::{ids::SessionId, session_dir::SessionDir};
use tracing::warn;

use super::{
    Ask,
    walk::{Entry, walk},
};
use crate::{admin::Desk, limits::upkeep as limits, text::quota as text};

/// What lies in the folders that an agent can write.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Bytes on the disk.
    pub bytes: u64,
    /// Files and folders.
    pub entries: u64,
}

/// What follows from a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Fine,
    /// Somebody should look.
    Much,
    /// The container ends.
    TooMuch,
}

/// Decides: four fifths of either bound are much.
#[must_use]
pub fn judge(size: Size, most_bytes: u64) -> Verdict {
    let share = |value: u64, most: u64| {
        if value > most {
            Verdict::TooMuch
        } else if value > most / 5 * 4 {
            Verdict::Much
        } else {
            Verdict::Fine
        }
    };
    match (share(size.bytes, most_bytes), share(size.entries, limits::DISK_ENTRIES)) {
        (Verdict::TooMuch, _) | (_, Verdict::TooMuch) => Verdict::TooMuch,
        (Verdict::Much, _) | (_, Verdict::Much) => Verdict::Much,
        (Verdict::Fine, Verdict::Fine) => Verdict::Fine,
    }
}

/// Sessions whose folders hold much, each with the words for people.
#[derive(Debug, Clone, Default)]
pub struct Large(Arc<Mutex<HashMap<SessionId, String>>>);

impl Large {
    /// What is said of a session.
    #[must_use]
    pub fn of(&self, session: &SessionId) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(session).cloned()
    }

    /// How many sessions there are of whom something is said.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len() as u64
    }

    fn note(&self, session: &SessionId, words: Option<String>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match words {
            Some(words) => drop(all.insert(session.clone(), words)),
            None => drop(all.remove(session)),
        }
    }
}

/// Measures sessions that are awake, ends what is too large, and says when the next time is: the
/// longer it took, the later.
pub async fn watch(desk: Desk, awake: Vec<SessionId>) {
    let begun = Instant::now();
    for session in awake {
        if let Err(failure) = look(&desk, &session).await {
            warn!(%session, error = %failure.chain(), "cannot measure a session's folders");
        }
    }
    let pause = limits::MEASURE_EVERY.max(begun.elapsed() * limits::MEASURE_SHARE);
    let next = desk.context.clock.now().checked_add(pause).unwrap_or(Timestamp::MAX);
    desk.daemon.tell(Ask::MeasureAt(next).into()).await;
}

async fn look(desk: &Desk, session: &SessionId) -> crate::error::Result<()> {
    let record = desk.context.store.session(session.clone()).await?;
    let agent = desk.context.store.agent(record.agent.clone()).await?.agent;
    let dir = SessionDir::on_host(&desk.context.home, &record.agent, session);
    let measured = tokio::task::spawn_blocking(move || measure(&dir)).await;
    // One that cannot be measured is looked at the next time.
    let Ok(Ok(size)) = measured else { return Ok(()) };
    let most = agent.disk_bytes.unwrap_or(limits::DISK_BYTES);
    let large = &desk.context.upkeep.large;
    match judge(size, most) {
        Verdict::Fine => large.note(session, None),
        Verdict::Much => large.note(session, Some(text::much(size, most))),
        Verdict::TooMuch => {
            large.note(session, None);
            let words = text::too_much(size, most);
            desk.daemon.tell(Ask::TooMuch(session.clone(), words).into()).await;
        }
    }
    Ok(())
}

/// What lies in the folders that the guest can write; past the bound, that it is more.
fn measure(dir: &SessionDir) -> io::Result<Size> {
    let mut size = Size::default();
    for folder in [dir.out_dir(), dir.home(), dir.work()] {
        let walked = walk(&folder, limits::MEASURE_BOUNDS, &mut |_, entry| {
            let stat = match entry {
                Entry::Folder(stat) => stat,
                Entry::File(closed) => closed.stat,
                Entry::PassedOver(_) => return Ok(()),
            };
            size.bytes += u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512);
            Ok(())
        })?;
        size.entries += walked.entries;
        if walked.cut {
            size.entries = size.entries.max(limits::DISK_ENTRIES + 1);
        }
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_fifths_are_much_and_more_than_all_is_too_much_in_bytes_and_in_files() {
        let of = |bytes, entries| judge(Size { bytes, entries }, 1_000);
        assert_eq!(of(800, 10), Verdict::Fine);
        assert_eq!(of(801, 10), Verdict::Much);
        assert_eq!(of(1_000, 10), Verdict::Much);
        assert_eq!(of(1_001, 10), Verdict::TooMuch);
        assert_eq!(of(0, limits::DISK_ENTRIES), Verdict::Much);
        assert_eq!(of(0, limits::DISK_ENTRIES + 1), Verdict::TooMuch);
    }

    #[test]
    fn what_lies_on_the_disk_is_measured_and_holes_are_not() {
        let root = tempfile::tempdir().unwrap();
        let dir = SessionDir::at(root.path());
        std::fs::create_dir_all(dir.work()).unwrap();
        std::fs::write(dir.work().join("file"), vec![1; 1 << 20]).unwrap();
        std::fs::File::create(dir.work().join("holes")).unwrap().set_len(1 << 40).unwrap();
        let size = measure(&dir).unwrap();
        assert_eq!(size.entries, 2);
        assert!((1 << 20..2 << 20).contains(&size.bytes), "{size:?}");
    }
}
