//! The figures: a table for people, one object for machines.

use std::fmt::Write;

/// The keys of the JSON object, in its order; what was not measured is null.
const KEYS: [&str; 21] = [
    "warm_p50_ms",
    "warm_p99_ms",
    "bare_path_p50_ms",
    "bare_path_p99_ms",
    "cold_p50_ms",
    "bare_start_p50_ms",
    "warm_p50_50k_ms",
    "host_rss_mib",
    "guest_rss_mib",
    "idle_cpu_pct",
    "sleeping_session_kib",
    "opens_per_minute",
    "ingest_per_s",
    "ingest_p50_ms",
    "floor_per_s",
    "rewire_ms",
    "cli_ms",
    "route_pure_us",
    "route_ms",
    "bomb_p99_ratio",
    "due_late_p99_ms",
];

/// Everything that was measured.
#[derive(Debug, Default)]
pub(crate) struct Figures(Vec<Figure>);

#[derive(Debug)]
struct Figure {
    name: String,
    value: f64,
    target: Option<Target>,
}

#[derive(Debug)]
struct Target {
    most: f64,
    words: String,
}

impl Figures {
    /// A figure without a target: a key of the object, or words for people only.
    pub(crate) fn note(&mut self, name: impl Into<String>, value: f64) {
        self.push(name.into(), value, None);
    }

    /// A figure that may be at most `most`; the words say why so much.
    pub(crate) fn judge(&mut self, name: &str, value: f64, most: f64, words: &str) {
        self.push(name.to_owned(), value, Some(Target { most, words: words.to_owned() }));
    }

    fn push(&mut self, name: String, value: f64, target: Option<Target>) {
        eprintln!("  {name}: {value:.2}");
        self.0.push(Figure { name, value, target });
    }

    pub(crate) fn json(&self) -> String {
        let value = |key: &str| {
            let found = self.0.iter().find(|figure| figure.name == key);
            // Three digits are more than any of them is worth.
            found.map(|figure| (figure.value * 1000.0).round() / 1000.0)
        };
        let object: serde_json::Map<String, serde_json::Value> =
            KEYS.iter().map(|key| ((*key).to_owned(), value(key).into())).collect();
        serde_json::Value::from(object).to_string()
    }

    pub(crate) fn table(&self) -> String {
        let wide = self.0.iter().map(|figure| figure.name.len()).max().unwrap_or_default();
        let mut text = format!("{:wide$}  {:>9}  verdict and target\n", "figure", "value");
        for Figure { name, value, target } in &self.0 {
            let verdict = match target {
                None => String::new(),
                Some(Target { most, words }) => {
                    let word = if value <= most { "met" } else { "MISSED" };
                    format!("{word}: at most {most:.2} ({words})")
                }
            };
            writeln!(text, "{name:wide$}  {value:>9.2}  {verdict}").unwrap();
        }
        text
    }
}
