//! What the guest takes from its environment: the one place that reads it.

use std::{ffi::OsString, path::PathBuf};

use schemas::model_call::MODEL_SOCKET_VARIABLE;

/// Where programs lie when the image does not say.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Where the host takes calls to the models, unless the session's folder says it.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the place that reads the environment")]
pub(crate) fn model_socket() -> Option<PathBuf> {
    std::env::var_os(MODEL_SOCKET_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// Where the image says that programs lie: a runtime and its tools look there.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the place that reads the environment")]
pub(crate) fn path() -> OsString {
    std::env::var_os("PATH").filter(|path| !path.is_empty()).unwrap_or_else(|| PATH.into())
}
