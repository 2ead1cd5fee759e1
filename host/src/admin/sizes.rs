//! How people write memory, CPUs and how long things are kept. PURE.

use serde::{Deserialize, Serialize};

use crate::config::length_in_days;

/// `512M`, `2G`.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is not a size such as 512M or 2G");
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = text.strip_prefix(digits).unwrap_or_default();
    let power = match unit.trim_end_matches(['i', 'B', 'b']).to_ascii_uppercase().as_str() {
        "" => 0,
        "K" => 1,
        "M" => 2,
        "G" => 3,
        "T" => 4,
        _ => return Err(wrong()),
    };
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    number.checked_mul(1024_u64.pow(power)).filter(|bytes| *bytes > 0).ok_or_else(wrong)
}

/// `1.5` in thousandths.
pub(super) fn milli_cpus(text: &str) -> Result<u32, String> {
    let wrong = || format!("{text:?} is not a number of CPUs such as 0.5 or 2");
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    if part.is_empty() || part.len() > 3 || !part.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    let whole: u32 = whole.parse().map_err(|_| wrong())?;
    let part: u32 = format!("{part:0<3}").parse().map_err(|_| wrong())?;
    let milli = whole.checked_mul(1000).and_then(|milli| milli.checked_add(part));
    milli.filter(|milli| *milli > 0).ok_or_else(wrong)
}

/// `90d`, `26w`, `2y`, `forever`, or `default` for the install's word.
pub(super) fn keep(text: &str) -> Result<Keep, String> {
    let days = match text {
        "default" => return Ok(Keep::Default),
        other => length_in_days(other),
    };
    days.map(Keep::Days)
        .ok_or_else(|| format!("{text:?} is not a time such as 90d, 26w, 2y, forever or default"))
}

/// How long what an agent said is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Keep {
    /// As long as the install says.
    Default,
    /// So many days; 0 is forever.
    Days(u32),
}

impl Keep {
    /// As it stands in an agent's row.
    pub(super) fn days(self) -> Option<u32> {
        match self {
            Self::Default => None,
            Self::Days(days) => Some(days),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let read = ["1024", "512M", "2G", "2GiB", "1kb"].map(|text| bytes(text).unwrap());
        assert_eq!(read, [1024, 512 << 20, 2 << 30, 2 << 30, 1024]);
        for wrong in ["", "G", "1.5G", "-1", "2X", "0", "99999999999T"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_agent_keeps_its_own_time_or_the_installs() {
        let read = ["90d", "forever", "default"].map(|text| keep(text).unwrap().days());
        assert_eq!(read, [Some(90), Some(0), None]);
        assert!(keep("soon").is_err());
    }

    #[test]
    fn cpus_are_read_to_the_thousandth() {
        let read = ["2", "1.5", "0.25", "0.001"].map(|text| milli_cpus(text).unwrap());
        assert_eq!(read, [2000, 1500, 250, 1]);
        for wrong in ["", "0", "1.", "1.2345", "x", "-1", "5000000"] {
            assert!(milli_cpus(wrong).is_err(), "{wrong}");
        }
    }
}
