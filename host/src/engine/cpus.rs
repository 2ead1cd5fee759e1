//! On which CPUs a container stays. PURE.
//!
//! A bound on CPU time alone lets a container spend it on all CPUs at once, and while it does,
//! whatever wakes up anywhere waits: what the kernel does for a fork bomb is not interrupted, and
//! the next look at whose turn it is may be a tick of 4 ms away. So a container whose bound is
//! below the machine stays on as few CPUs as can give it that time, and all others find some that
//! it never touches. Programs inside then count the CPUs that they really have.
//!
//! The CPU that takes the devices' interrupts is the last to be shared: whoever waits for the disk
//! waits for it, and a bomb there was felt by all, whichever CPUs they were on.

/// Chooses CPUs for a container; `None` when it may use all of them.
///
/// Those that the fewest live containers stay on come first. `index` keeps apart what is started
/// at once, when none sees the others.
#[must_use]
pub fn choose(milli_cpus: u32, cpus: u32, index: u32, taken: &[String]) -> Option<String> {
    let needed = milli_cpus.div_ceil(1_000);
    if needed >= cpus {
        return None;
    }
    let first = index.wrapping_mul(needed) % cpus;
    let mut all: Vec<u32> = (first..cpus).chain(0..first).collect();
    all.sort_by_key(|cpu| taken.iter().filter(|list| is_on(list, *cpu)).count());
    let mut chosen: Vec<u32> = all.into_iter().zip(0..needed).map(|(cpu, _)| cpu).collect();
    chosen.sort_unstable();
    Some(chosen.iter().map(u32::to_string).collect::<Vec<_>>().join(","))
}

/// Whether a list that [`choose`] made names a CPU.
fn is_on(list: &str, cpu: u32) -> bool {
    list.split(',').any(|one| one.parse() == Ok(cpu))
}

/// How many CPUs the kernel's list of them has, where they are numbered from 0 without a gap.
#[must_use]
pub fn numbered(online: &str) -> Option<u32> {
    match online.trim().strip_prefix("0")? {
        "" => Some(1),
        more => more.strip_prefix('-')?.parse::<u32>().ok()?.checked_add(1),
    }
}

/// The CPU that takes more than half of the devices' interrupts, as [`choose`] wants what is taken;
/// from the kernel's table of them. Counts since the machine began, so it is where they usually go.
#[must_use]
pub fn interrupted(table: &str) -> Option<String> {
    let mut lines = table.lines();
    let cpus: Vec<&str> = lines
        .next()?
        .split_whitespace()
        .map(|name| name.strip_prefix("CPU"))
        .collect::<Option<_>>()?;
    let mut sums = vec![0_u64; cpus.len()];
    for line in lines {
        let mut words = line.split_whitespace();
        // Lines of devices begin with a number; the others are the CPUs' own.
        let device = words.next().is_some_and(|id| id.trim_end_matches(':').parse::<u32>().is_ok());
        for (sum, count) in sums.iter_mut().zip(words).filter(|_| device) {
            *sum = sum.saturating_add(count.parse().unwrap_or(0));
        }
    }
    let all: u64 = sums.iter().sum();
    let busiest = sums.iter().position(|sum| *sum > all / 2)?;
    cpus.get(busiest).map(|cpu| (*cpu).to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chosen(milli_cpus: u32, cpus: u32, index: u32, taken: &[&str]) -> Option<String> {
        let taken: Vec<String> = taken.iter().map(|list| (*list).to_owned()).collect();
        choose(milli_cpus, cpus, index, &taken)
    }

    #[test]
    fn a_container_gets_as_few_cpus_as_can_give_it_its_time() {
        assert_eq!(chosen(1_000, 2, 0, &[]).as_deref(), Some("0"));
        assert_eq!(chosen(1_001, 4, 0, &[]).as_deref(), Some("0,1"));
        assert_eq!(chosen(50, 4, 0, &[]).as_deref(), Some("0"));
        assert_eq!(chosen(2_000, 2, 0, &[]), None);
        assert_eq!(chosen(1_001, 2, 0, &[]), None);
        assert_eq!(chosen(4_000, 1, 0, &[]), None);
    }

    #[test]
    fn those_with_the_fewest_containers_come_first() {
        assert_eq!(chosen(1_000, 2, 0, &["0"]).as_deref(), Some("1"));
        assert_eq!(chosen(2_000, 4, 0, &["0,1", "2"]).as_deref(), Some("0,3"));
        assert_eq!(chosen(1_000, 12, 0, &["0", "1", "10,11"]).as_deref(), Some("2"));
        assert_eq!(chosen(1_000, 2, 0, &["0", "1", "what is this?"]).as_deref(), Some("0"));
    }

    #[test]
    fn what_starts_at_once_is_spread() {
        let all = (0..4).map(|index| chosen(2_000, 8, index, &[]).unwrap());
        assert_eq!(all.collect::<Vec<_>>(), ["0,1", "2,3", "4,5", "6,7"]);
        assert_eq!(chosen(2_000, 3, 1, &[]).as_deref(), Some("0,2"));
    }

    #[test]
    fn the_cpu_that_takes_the_devices_interrupts_is_told_from_the_table() {
        let table = "           CPU0       CPU1\n \
             24:          1          0  IO-APIC   5-edge      ACPI:Ged\n \
             36:          0    3392281 PCI-MSIX-0000:00:02.0   1-edge      virtio1-req.0\n\
            LOC:    9671769    4923317   Local timer interrupts\n\
            ERR:          0\n";
        assert_eq!(interrupted(table).as_deref(), Some("1"));
        assert_eq!(chosen(1_000, 2, 1, &["1"]).as_deref(), Some("0"));
        let even = table.replace("36:          0", "36:    3392280");
        assert_eq!(interrupted(&even), None);
        for broken in ["", "\n", "nothing of the kind\n1: 2", "CPU0 CPU1\n", "CPU0\n7:"] {
            assert_eq!(interrupted(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn only_cpus_without_gaps_are_counted() {
        let lists = ["0", "0-1\n", "0-127", "0,2-3", "1-3", "0-3,8", "", "0-x"];
        let counts = lists.map(numbered);
        assert_eq!(counts, [Some(1), Some(2), Some(128), None, None, None, None, None]);
    }

    proptest! {
        #[test]
        fn whoever_is_kept_on_some_has_exactly_enough_of_those_that_are(
            milli in 1_u32..200_000, cpus in 1_u32..200, index: u32,
            taken in prop::collection::vec("[0-9,]{0,12}", 0..20),
        ) {
            let needed = milli.div_ceil(1_000);
            match choose(milli, cpus, index, &taken) {
                None => prop_assert!(needed >= cpus),
                Some(list) => {
                    let mut on: Vec<u32> = list.split(',').map(|one| one.parse().unwrap()).collect();
                    on.dedup();
                    prop_assert_eq!(u32::try_from(on.len()).unwrap(), needed);
                    prop_assert!(on.iter().all(|cpu| *cpu < cpus));
                }
            }
        }
    }
}
