//! What this process can see and do, as JSON: the container's walls checked from inside.
//!
//! Owns the reading of `/proc`. Changes nothing, and reports what it cannot read as `null`.

use schemas::session_dir::SessionDir;
use serde_json::{Value, json};

/// The report.
#[must_use]
pub fn report(_dir: &SessionDir) -> Value {
    json!({})
}
