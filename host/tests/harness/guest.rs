//! The guest's program, for hosts whose agents are plain processes.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The guest's program, built once a run beside our own.
pub(crate) fn guest_binary() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let ours = Path::new(env!("CARGO_BIN_EXE_lazaret"));
        let release = if cfg!(debug_assertions) { None } else { Some("--release") };
        let built = Command::new(env!("CARGO"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["build", "--quiet", "--package", "guest", "--bin", "lazaret-guest"])
            .args(release)
            .arg("--target-dir")
            .arg(ours.ancestors().nth(2).expect("a target folder"))
            .status();
        assert!(built.unwrap().success(), "the guest does not build");
        ours.with_file_name("lazaret-guest")
    })
}
