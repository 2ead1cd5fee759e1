//! What is said of folders that hold much.

use crate::{admin::print::size, upkeep::quota::Size};

/// A session whose folders hold much.
#[must_use]
pub fn much(found: Size, most: u64) -> String {
    let (held, files) = (size(found.bytes), found.entries);
    format!("its folders hold {held} of {} and {files} files; make room, or it ends", size(most))
}

/// A session whose folders hold too much.
#[must_use]
pub fn too_much(found: Size, most: u64) -> String {
    let (held, files) = (size(found.bytes), found.entries);
    format!(
        "its folders hold {held} and {files} files, more than {} or {} files; make room there, or \
         allow more by lazaret agents set --disk",
        size(most),
        crate::limits::upkeep::DISK_ENTRIES
    )
}
