//! A broker for hosts that run in a test's own process.

use std::{path::Path, sync::Arc};

use host::{
    broker::{Broker, Route},
    secrets::Secrets,
};
use schemas::{
    ids::InstallId,
    time::{Clock, SystemClock},
};

/// One with the routes that are there without a word; its secrets lie in this home, their key
/// beside them.
pub(crate) fn broker(home: &Path) -> Broker {
    let install = InstallId::mint(SystemClock.now());
    let secrets = Secrets::open(home, Some(home.join("keys")), install);
    Broker::new(Arc::new(SystemClock), Route::built_in(), secrets)
}
