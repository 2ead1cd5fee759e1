//! Who runs: a runtime and its tools are known by the home that only they have.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

/// The longest wait for something that should be soon.
const LONG: Duration = Duration::from_secs(30);
/// Between two looks.
const GLANCE: Duration = Duration::from_millis(5);

/// The numbers and words of all processes of a home, those that have ended left out.
pub(crate) fn of_home(home: &Path) -> Vec<(i32, String)> {
    let line = format!("HOME={}", home.display());
    let numbers = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    numbers
        .filter_map(|pid| {
            let environ = fs::read(format!("/proc/{pid}/environ")).ok()?;
            let ours = environ.split(|byte| *byte == 0).any(|one| one == line.as_bytes());
            let words = fs::read(format!("/proc/{pid}/cmdline")).ok().filter(|_| ours)?;
            let words = String::from_utf8_lossy(&words).replace('\0', " ");
            (!words.is_empty()).then_some((pid, words))
        })
        .collect()
}

/// The runtime itself: of the processes of a home the one that is our child.
pub(crate) fn runtime(home: &Path) -> i32 {
    let ours = |pid: &i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1));
        parent == Some(std::process::id().to_string().as_str())
    };
    let all = of_home(home);
    let found: Vec<i32> = all.iter().map(|(pid, _)| *pid).filter(ours).collect();
    assert_eq!(found.len(), 1, "{all:?}");
    found[0]
}

/// Waits until something holds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    let mut looks = tokio::time::interval(GLANCE);
    while !holds() {
        assert!(begun.elapsed() < LONG, "{what} did not come true");
        looks.tick().await;
    }
}

/// Waits until no process of a home is left.
pub(crate) async fn nobody_left(home: &Path) {
    let mut left = Vec::new();
    let nobody = until("that nobody is left", || {
        left = of_home(home);
        left.is_empty()
    });
    nobody.await;
}
