//! The central database: what it says of itself, and the copy that could take its place.
//!
//! While no host runs, a copy of its bytes is asked: opening the file itself would write beside it.

use std::{fs, path::Path};

use schemas::{
    central::MIGRATIONS,
    sqlite::copying::version_of,
    time::{Clock, SystemClock},
};

use super::{Finding, machine};
use crate::{
    client::Client,
    config::Config,
    error::Result,
    limits::upkeep as limits,
    store::{Health, Store},
    text::upkeep as text,
    upkeep::{
        copies::{self, CENTRAL},
        files::{Scratch, storage},
    },
};

const TOPIC: &str = "database";

/// Adds what is found, and answers what the database knows.
pub(super) async fn look(
    config: &Config,
    client: Option<&mut Client>,
    findings: &mut Vec<Finding>,
) -> Option<Health> {
    let central = config.home.join(CENTRAL);
    let said = match client {
        Some(client) => client.get::<Health>("/v1/health").await,
        None if !central.exists() => {
            findings.push(Finding::ok(TOPIC, "there is none yet; the first host makes it"));
            return None;
        }
        None => from_a_copy(config, findings).await,
    };
    let health = match said {
        Ok(health) => health,
        Err(error) => {
            findings.push(with_copy(config, Finding::problem(TOPIC, error.chain())));
            return None;
        }
    };
    if health.wrong.is_empty() {
        findings.push(Finding::ok(TOPIC, format!("{} is in order", central.display())));
    } else {
        let wrong = text::central_damaged(&central, &health.wrong).chain();
        findings.push(with_copy(config, Finding::problem(TOPIC, wrong)));
    }
    findings.extend(machine::clock_went_back(health.last_active.as_deref()));
    findings.push(failures(&health));
    findings.push(newest_copy(config));
    Some(health)
}

async fn from_a_copy(config: &Config, findings: &mut Vec<Finding>) -> Result<Health> {
    let scratch = Scratch::below(&config.scratch, SystemClock.now())?;
    let copy = scratch.path().join(CENTRAL);
    copy_bytes(&config.home, scratch.path())?;
    let version = version_of(&copy)?;
    if version > MIGRATIONS.len() {
        return Err(text::newer(&config.home.join(CENTRAL), version, MIGRATIONS.len()));
    }
    findings.push(if version == MIGRATIONS.len() {
        Finding::ok(TOPIC, format!("its version is {version}"))
    } else {
        Finding::ok(TOPIC, format!("its version is {version}, of {}", MIGRATIONS.len()))
            .means("the next host copies it to copies/ and migrates it")
    });
    Store::open(&copy)?.health(limits::COMPLAINTS).await
}

/// The file and the log beside it, which may hold its newest rows.
fn copy_bytes(home: &Path, to: &Path) -> Result<()> {
    for suffix in ["", "-wal"] {
        let from = home.join(format!("{CENTRAL}{suffix}"));
        if from.exists() {
            fs::copy(&from, to.join(format!("{CENTRAL}{suffix}")))
                .map_err(|error| storage("cannot copy", &from, error))?;
        }
    }
    Ok(())
}

fn failures(health: &Health) -> Finding {
    let (runs, posts) = (health.failed_runs, health.failed_posts);
    let found = format!("{runs} runs failed and {posts} posts were given up, of all that is kept");
    if posts == 0 {
        return Finding::ok("work", found);
    }
    Finding::warning("work", found).means("somebody did not get a reply").mend("lazaret status")
}

fn newest_copy(config: &Config) -> Finding {
    match copies::list(&config.home).first() {
        Some(copy) => Finding::ok(TOPIC, format!("newest copy: {}", copy.path.display())),
        None => Finding::ok(TOPIC, "no copy of it yet; a host makes one a day"),
    }
}

/// What could take its place.
fn with_copy(config: &Config, finding: Finding) -> Finding {
    let finding = finding.means(text::CENTRAL_LOST);
    match copies::last_good(&config.home) {
        Some(copy) => {
            let home = config.home.display();
            let path = copy.path.display();
            finding.mend(format!("lazaret --home {home} restore --central {path}"))
        }
        None => finding.mend(text::NO_GOOD_COPY),
    }
}
