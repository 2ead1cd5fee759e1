//! The sessions' folders beside what the central database knows of them.
//!
//! Reads first bytes and names only. What a guest wrote is not looked at: the host does that, each
//! time it reads it.

use std::{collections::HashSet, fs, path::Path};

use schemas::{
    ids::{AgentId, SessionId},
    session_dir::SessionDir,
    sqlite::header::{Glance, glance},
};

use super::Finding;
use crate::{
    config::Config,
    limits::upkeep as limits,
    store::{DeadRun, Health, SessionHealth},
    text::doctor as text,
};

const TOPIC: &str = "sessions";

pub(super) fn look(config: &Config, health: Option<&Health>, runs: bool) -> Vec<Finding> {
    let Some(health) = health else { return Vec::new() };
    let mut findings = vec![Finding::ok(TOPIC, format!("{} are known", health.sessions.len()))];
    findings.extend(health.sessions.iter().filter_map(set_aside));
    findings.extend(left_open(health, runs));
    findings.extend(dead_runs(&health.dead_runs));
    findings.extend(health.sessions.iter().filter_map(|one| file(config, one, runs)));
    let strangers = orphans(&config.home, health);
    if !strangers.is_empty() {
        let found = format!("folders of sessions that are not known: {}", few(&strangers));
        let finding = Finding::warning(TOPIC, found);
        findings.push(finding.means(text::ORPHAN_FOLDERS).mend(text::MOVE_ORPHANS));
    }
    findings.extend(agents_folders(config, health));
    findings
}

fn set_aside(session: &SessionHealth) -> Option<Finding> {
    let reason = session.set_aside.as_ref()?;
    let id = &session.id;
    let finding = Finding::warning(TOPIC, format!("{id} was set aside: {reason}"));
    Some(finding.means("its messages wait").mend(format!("lazaret sessions reset {id}")))
}

/// While a host runs, an open session is one that is at work.
fn left_open(health: &Health, runs: bool) -> Option<Finding> {
    let open = health.sessions.iter().filter(|one| !one.clean).count();
    (open > 0 && !runs).then(|| {
        Finding::ok(TOPIC, format!("{open} were at work when the last host ended"))
            .means("the next host takes them up where they stood")
    })
}

/// Nobody works on them, and nothing would begin to.
fn dead_runs(dead: &[DeadRun]) -> Option<Finding> {
    let one = |run: &DeadRun| format!("{} of {} since {}", run.what, run.session, run.since);
    let first = dead.first()?;
    let names: Vec<String> = dead.iter().map(one).collect();
    let found = format!("runs without an end that nobody is at work on: {}", few(&names));
    let mend = format!("lazaret sessions restart {}", first.session);
    Some(Finding::warning(TOPIC, found).means(text::DEAD_RUNS).mend(mend))
}

fn file(config: &Config, session: &SessionHealth, runs: bool) -> Option<Finding> {
    let dir = SessionDir::on_host(&config.home, &session.agent, &session.id);
    let id = &session.id;
    let path = dir.inbound_db();
    let spoilt = |what: String| {
        Finding::problem(TOPIC, format!("{id}: {} {what}", path.display()))
            .means("its messages are refused; other sessions go on")
            .mend("put that file back from a backup: lazaret restore --help")
    };
    match glance(&path) {
        Err(error) => Some(spoilt(format!("cannot be read: {error}"))),
        Ok(Glance::Absent) => None,
        Ok(Glance::Foreign(what)) => Some(spoilt(format!("is {what}"))),
        Ok(Glance::Database { version, .. }) if version > schemas::CONTRACT_VERSION => {
            let known = schemas::CONTRACT_VERSION;
            let what = format!("{id} has contract version {version}, this program knows {known}");
            let finding = Finding::problem(TOPIC, what).means("its messages are refused");
            Some(finding.mend("use the newer lazaret that wrote it"))
        }
        Ok(Glance::Database { hot: true, .. }) if !runs => {
            let finding = Finding::ok(TOPIC, format!("{id} holds half a write"));
            Some(finding.means("the next host takes it back, as if it had not begun"))
        }
        Ok(Glance::Database { .. }) => None,
    }
}

/// Folders of sessions without a row, as `<agent>/<session>`.
#[must_use]
pub fn orphans(home: &Path, health: &Health) -> Vec<String> {
    let known: HashSet<(&AgentId, &SessionId)> =
        health.sessions.iter().map(|one| (&one.agent, &one.id)).collect();
    let mut orphans = Vec::new();
    for agent in names(&home.join("sessions")) {
        for session in names(&home.join("sessions").join(&agent)) {
            let ids = (AgentId::parse(&agent), SessionId::parse(&session));
            let is_known =
                matches!(&ids, (Ok(agent), Ok(session)) if known.contains(&(agent, session)));
            if !is_known {
                orphans.push(format!("{agent}/{session}"));
            }
        }
    }
    orphans.sort();
    orphans
}

fn agents_folders(config: &Config, health: &Health) -> Option<Finding> {
    let mut strangers = names(&config.home.join("agents"));
    strangers.retain(|name| !health.folders.contains(name));
    strangers.sort();
    (!strangers.is_empty()).then(|| {
        Finding::warning("agents", format!("folders that no agent has: {}", few(&strangers)))
            .means("an agent that gets one of these names later finds what lies there")
            .mend(text::MOVE_ORPHANS)
    })
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    entries.flatten().map(name).collect()
}

fn few(all: &[String]) -> String {
    let shown = all.iter().take(limits::NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match all.len().checked_sub(limits::NAMED) {
        Some(more) if more > 0 => format!("{shown} and {more} more"),
        Some(_) | None => shown,
    }
}
