//! What the guest takes from its environment: the one place that reads it.

use std::ffi::OsString;

/// Where programs lie when the image does not say.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Where the image says that programs lie: a runtime and its tools look there.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the place that reads the environment")]
pub(crate) fn path() -> OsString {
    std::env::var_os("PATH").filter(|path| !path.is_empty()).unwrap_or_else(|| PATH.into())
}
