//! How tasks look. Each time is told where the task is, and in UTC.

use jiff::{Timestamp, tz::TimeZone};
use schemas::policy::Occurred;

use super::super::print::{date, dollars, fields, table};
use crate::{
    limits::task as limits,
    schedule::{Every, zone},
    store::{Occurrence, Task},
};

/// When a task is due next.
pub(super) fn next(task: &Task) -> String {
    task.next_at.map_or_else(|| "never".to_owned(), |at| both(at, &task.zone))
}

/// Each of these times.
pub(super) fn times(times: &[Timestamp], zone: &str) -> Vec<String> {
    times.iter().map(|at| both(*at, zone)).collect()
}

pub(super) fn list(tasks: &[Task]) -> String {
    let rows: Vec<[String; 7]> = tasks
        .iter()
        .map(|task| {
            [
                task.name.clone().unwrap_or_default(),
                task.agent_name.clone(),
                task.place(),
                every(task),
                task.status.as_str().to_owned(),
                next(task),
                task.id.to_string(),
            ]
        })
        .collect();
    table(["NAME", "AGENT", "ROOM", "WHEN", "STATUS", "NEXT", "ID"], &rows)
}

pub(super) fn one(task: &Task, now: Timestamp) -> String {
    fields(&[
        ("id", task.id.to_string()),
        ("name", task.name.clone().unwrap_or_default()),
        ("agent", task.agent_name.clone()),
        ("room", task.place()),
        ("thread", task.address.thread_id.clone().unwrap_or_default()),
        ("prompt", task.prompt.clone()),
        ("script", task.script.clone().unwrap_or_default()),
        ("when", every(task)),
        ("zone", task.zone.clone()),
        ("missed", task.missed.as_str().to_owned()),
        ("status", task.status.as_str().to_owned()),
        ("why", task.why.clone().unwrap_or_default()),
        (
            "failures",
            Some(task.failures).filter(|n| *n > 0).map_or_else(String::new, |n| n.to_string()),
        ),
        ("next", following(task, now).join("\n")),
        ("made by", task.made_by.clone()),
        ("made", date(task.created_at)),
    ])
}

pub(super) fn log(task: &Task, log: &[Occurrence]) -> String {
    let time = |at: Option<Timestamp>| at.map(date).unwrap_or_default();
    let rows: Vec<[String; 7]> = log
        .iter()
        .map(|one| {
            [
                both(one.scheduled, &task.zone),
                one.outcome.map_or_else(|| state(one), Occurred::as_str).to_owned(),
                time(one.started_at),
                time(one.ended_at),
                one.cost_usd.map(dollars).unwrap_or_default(),
                one.run.as_ref().map(ToString::to_string).unwrap_or_default(),
                one.reason.clone().unwrap_or_default(),
            ]
        })
        .collect();
    table(["SCHEDULED", "OUTCOME", "STARTED", "ENDED", "COST", "RUN", "WHY"], &rows)
}

fn state(one: &Occurrence) -> &'static str {
    if one.written_at.is_some() { "open" } else { "due" }
}

fn every(task: &Task) -> String {
    match (&task.cron, task.once_at) {
        (Some(cron), _) => cron.clone(),
        (None, at) => at.map(|at| format!("once, {}", date(at))).unwrap_or_default(),
    }
}

/// The next times of a task that goes on.
fn following(task: &Task, now: Timestamp) -> Vec<String> {
    let Some(first) = task.next_at.filter(|_| task.lives()) else { return Vec::new() };
    let every = task.cron.as_deref().zip(zone(&task.zone).ok());
    let every = every.and_then(|(cron, zone)| Every::read(cron, zone).ok());
    let more = every.iter().flat_map(|every| every.after(first.max(now)));
    let all: Vec<Timestamp> =
        std::iter::once(first).chain(more.take(limits::TIMES_SHOWN - 1)).collect();
    times(&all, &task.zone)
}

fn both(at: Timestamp, zone: &str) -> String {
    let there = TimeZone::get(zone).map(|zone| at.to_zoned(zone));
    match there {
        Ok(there) if zone != "UTC" => {
            format!("{} {zone} ({})", there.strftime("%a %Y-%m-%d %H:%M"), date(at))
        }
        Ok(_) | Err(_) => date(at),
    }
}
