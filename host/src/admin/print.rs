//! How answers look, to machines and to people. PURE.

use jiff::Timestamp;
use schemas::admin::AdminAnswer;
use serde::Serialize;

use crate::text::shown;

/// An answer in both forms.
#[must_use]
pub fn answer(data: &impl Serialize, text: impl Into<String>) -> AdminAnswer {
    // Serialising these types cannot fail: their maps have text keys only.
    AdminAnswer { data: serde_json::to_value(data).unwrap_or_default(), text: text.into() }
}

/// Columns under a head, as wide as their widest cell; the head alone says that there is nothing.
/// Strangers write cells, so each is one line, and cut.
#[must_use]
pub fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let head = head.map(str::to_owned);
    let rows: Vec<[String; N]> =
        rows.iter().map(|row| row.each_ref().map(|cell| shown::cell(cell))).collect();
    let lines = || std::iter::once(&head).chain(&rows);
    let widths: Vec<usize> = (0..N)
        .map(|column| {
            lines().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
        })
        .map(Option::unwrap_or_default)
        .collect();
    let line = |row: &[String; N]| {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    lines().map(line).collect::<Vec<_>>().join("\n")
}

/// One thing with its properties; those that are not set are left out. Strangers write values, so
/// a further line of one never begins where a name would.
#[must_use]
pub fn fields(rows: &[(&str, String)]) -> String {
    let set = || rows.iter().filter(|(_, value)| !value.is_empty());
    let width = set().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let indent = format!("\n{:width$}  ", "");
    let lines: Vec<String> = set()
        .map(|(name, value)| {
            format!("{name:width$}  {}", shown::block(value).replace('\n', &indent))
        })
        .collect();
    lines.join("\n")
}

/// What something cost.
#[must_use]
pub fn dollars(cost: f64) -> String {
    format!("${cost:.4}")
}

/// A time to the second.
#[must_use]
pub fn date(at: Timestamp) -> String {
    format!("{at:.0}")
}

/// `yes` or `no`.
#[must_use]
pub fn yes(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}

/// Bytes as people read them.
#[must_use]
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["GiB", "MiB", "KiB", "B"];
    for (power, unit) in [3_u32, 2, 1, 0].into_iter().zip(UNITS) {
        let one = 1024_u64.pow(power);
        if bytes >= one && bytes.is_multiple_of(one) {
            return format!("{} {unit}", bytes / one);
        }
        if bytes >= 10 * one {
            return format!("{} {unit}", (bytes + one / 2) / one);
        }
    }
    format!("{bytes} B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_as_wide_as_its_cells() {
        let row = |a: &str, b: &str| [a.to_owned(), b.to_owned()];
        insta::assert_snapshot!(table(["NAME", "B"], &[row("andy", "1"), row("béatrice", "2")]), @r"
        NAME      B
        andy      1
        béatrice  2
        ");
        insta::assert_snapshot!(table(["NAME", "B"], &[]), @"NAME  B");
    }

    #[test]
    fn what_is_not_set_is_not_shown_and_lines_stay_in_their_column() {
        let rows =
            [("id", "7".to_owned()), ("model", String::new()), ("prompt", "a\nb".to_owned())];
        insta::assert_snapshot!(fields(&rows), @r"
        id      7
        prompt  a
                b
        ");
    }

    #[test]
    fn sizes_are_short() {
        let sizes = [0, 512, 2048, 2 << 30, 1_500, 15_000, 3_000_000_000].map(size);
        assert_eq!(sizes, ["0 B", "512 B", "2 KiB", "2 GiB", "1500 B", "15 KiB", "2861 MiB"]);
    }
}
