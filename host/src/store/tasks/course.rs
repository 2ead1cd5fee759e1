//! How a task goes on: from a time that has come to its occurrence, and from that one's end to the
//! task. Each is one transaction.
//!
//! Owns that an occurrence is decided on once (its key is the scheduled time, and the task must
//! still be due at that time), and that its end counts once.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use schemas::{
    ids::{SessionId, TaskId},
    message::Outcome,
    policy::{Occurred, TaskStatus},
    time,
};

use super::{Task, one, task, write};
use crate::{
    error::Result,
    limits::task as limits,
    schedule::Plan,
    store::{SettledRun, Store, at_opt},
    text::tasks as text,
};

/// A task whose time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Came {
    /// The task.
    pub task: Task,
    /// The time.
    pub at: Timestamp,
    /// Its occurrences that are not over.
    pub open: usize,
}

/// What was decided about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It goes on: these occurrences in this session, each with what is to be written.
    Goes(Plan, SessionId, String),
    /// It cannot: it is paused, for this reason.
    Stops(String),
}

impl Store {
    /// Tasks whose time has come, and when the next one's comes.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn due_tasks(&self, now: Timestamp) -> Result<(Vec<Came>, Option<Timestamp>)> {
        self.call(move |conn| {
            let mut select = conn.prepare_cached(&format!(
                "{} WHERE t.status = 'active' AND t.next_at <= ?1 ORDER BY t.next_at LIMIT ?2",
                super::TASKS
            ))?;
            let rows = select.query_map(params![time::format(now), limits::AT_ONCE], task)?;
            let mut came = Vec::new();
            for row in rows {
                let task = row?;
                let Some(at) = task.next_at else { continue };
                let open = open(conn, &task.id)?;
                came.push(Came { task, at, open });
            }
            let next = conn
                .prepare_cached(
                    "SELECT min(next_at) AS at FROM tasks WHERE status = 'active' AND next_at > ?1",
                )?
                .query_row([time::format(now)], |row| at_opt(row, "at"))?;
            Ok((came, next))
        })
        .await
    }

    /// Writes down what was decided, all of it or nothing. A task that was changed since it was
    /// read is left as it is: it is looked at again.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn take_steps(&self, steps: Vec<(Came, Step)>, now: Timestamp) -> Result<()> {
        self.call(move |conn| {
            let tx = conn.transaction()?;
            for (came, step) in steps {
                let mut task = match one(&tx, &came.task.id) {
                    Ok(task) if task == came.task => task,
                    Ok(_) | Err(_) => continue,
                };
                match step {
                    Step::Goes(plan, session, message) => {
                        for at in &plan.done {
                            decide(&tx, &task.id, *at, (&session, &message))?;
                        }
                        for (at, why) in &plan.skipped {
                            skip(&tx, &task.id, *at, (why, now))?;
                        }
                        let nothing_left = plan.next.is_none() && plan.done.is_empty();
                        if nothing_left && task.cron.is_none() {
                            stop(&mut task, TaskStatus::Failed, text::MISSED_FOR_GOOD);
                        }
                        task.next_at = plan.next;
                    }
                    Step::Stops(why) => stop(&mut task, TaskStatus::Paused, &why),
                }
                write(&tx, &task)?;
                forget_old(&tx, &task.id)?;
            }
            tx.commit()?;
            Ok(())
        })
        .await
    }

    /// Decides on an occurrence beside the schedule.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn run_task(
        &self,
        id: TaskId,
        at: Timestamp,
        session: SessionId,
        message: String,
    ) -> Result<()> {
        self.call(move |conn| decide(conn, &id, at, (&session, &message))).await
    }

    /// Tasks that stopped, of which people were not told yet.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn untold_tasks(&self) -> Result<Vec<Task>> {
        self.call(|conn| {
            let mut select =
                conn.prepare_cached(&format!("{} WHERE t.untold = 1", super::TASKS))?;
            let rows = select.query_map([], task)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// People were told.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn told_task(&self, id: TaskId) -> Result<()> {
        self.call(move |conn| {
            conn.execute("UPDATE tasks SET untold = 0 WHERE id = ?1", [id.as_str()])?;
            Ok(())
        })
        .await
    }
}

/// What a settled run means for the tasks that it was about. Settling again changes nothing.
pub(in crate::store) fn settled(tx: &Connection, run: &SettledRun) -> Result<()> {
    for (id, scheduled) in run.messages.iter().filter_map(TaskId::of_row) {
        // The row's id is a guest's word in part: the session must be the one that was chosen.
        let changed = tx
            .prepare_cached(
                "UPDATE task_runs SET outcome = ?4, reason = ?5, run_id = ?6, started_at = ?7, \
                 ended_at = ?8, message = NULL, written_at = coalesce(written_at, ?7) \
                 WHERE task_id = ?1 AND scheduled = ?2 AND session_id = ?3 AND outcome IS NULL",
            )?
            .execute(params![
                id.as_str(),
                time::format(scheduled),
                run.session.as_str(),
                run.outcome.as_str(),
                run.reason,
                run.run.as_str(),
                time::format(run.started_at),
                time::format(run.ended_at),
            ])?;
        if changed == 1 {
            ended(tx, &id, run.outcome, run.reason.as_deref())?;
        }
    }
    Ok(())
}

/// What waited in a session that is put away is over with it.
pub(in crate::store) fn put_away(
    tx: &Connection,
    session: &SessionId,
    now: Timestamp,
) -> Result<()> {
    let mut select = tx.prepare_cached(
        "SELECT task_id FROM task_runs WHERE session_id = ?1 AND outcome IS NULL",
    )?;
    let rows =
        select.query_map([session.as_str()], |row| super::parsed(row, "task_id", TaskId::parse))?;
    let tasks: Vec<TaskId> = rows.collect::<rusqlite::Result<_>>()?;
    tx.execute(
        "UPDATE task_runs SET outcome = 'interrupted', reason = ?2, ended_at = ?3, message = NULL \
         WHERE session_id = ?1 AND outcome IS NULL",
        params![session.as_str(), text::PUT_AWAY, time::format(now)],
    )?;
    for id in tasks {
        ended(tx, &id, Outcome::Interrupted, Some(text::PUT_AWAY))?;
    }
    Ok(())
}

/// An occurrence is over.
fn ended(tx: &Connection, id: &TaskId, outcome: Outcome, reason: Option<&str>) -> Result<()> {
    let mut task = one(tx, id)?;
    let reason = reason.unwrap_or("no reason was given");
    match outcome {
        Outcome::Completed => task.failures = 0,
        Outcome::Failed | Outcome::Interrupted => task.failures += 1,
        Outcome::Cancelled => {}
    }
    let last = task.cron.is_none() && task.next_at.is_none() && open(tx, id)? == 0;
    let tried_again = task.status == TaskStatus::Failed;
    // One that was paused meanwhile has nothing left to rest from.
    if last && (task.lives() || tried_again) {
        match outcome {
            Outcome::Completed => (task.status, task.why) = (TaskStatus::Done, None),
            Outcome::Cancelled => task.status = TaskStatus::Cancelled,
            Outcome::Failed | Outcome::Interrupted => stop(&mut task, TaskStatus::Failed, reason),
        }
    } else if task.status == TaskStatus::Active && task.failures >= limits::FAILURES {
        let why = text::failed_too_often(task.failures, reason);
        stop(&mut task, TaskStatus::Paused, &why);
    }
    write(tx, &task)
}

fn stop(task: &mut Task, status: TaskStatus, why: &str) {
    (task.status, task.why, task.untold) = (status, Some(why.to_owned()), true);
}

fn open(conn: &Connection, id: &TaskId) -> Result<usize> {
    let count: i64 = conn
        .prepare_cached("SELECT count(*) FROM task_runs WHERE task_id = ?1 AND outcome IS NULL")?
        .query_row([id.as_str()], |row| row.get(0))
        .optional()?
        .unwrap_or_default();
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

fn decide(
    tx: &Connection,
    id: &TaskId,
    at: Timestamp,
    (session, message): (&SessionId, &str),
) -> Result<()> {
    tx.prepare_cached(
        "INSERT INTO task_runs (task_id, scheduled, session_id, message) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT DO NOTHING",
    )?
    .execute(params![id.as_str(), time::format(at), session.as_str(), message])?;
    Ok(())
}

fn skip(tx: &Connection, id: &TaskId, at: Timestamp, (why, now): (&str, Timestamp)) -> Result<()> {
    tx.prepare_cached(
        "INSERT INTO task_runs (task_id, scheduled, ended_at, outcome, reason) \
         VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
    )?
    .execute(params![
        id.as_str(),
        time::format(at),
        time::format(now),
        Occurred::Skipped.as_str(),
        why
    ])?;
    Ok(())
}

fn forget_old(tx: &Connection, id: &TaskId) -> Result<()> {
    tx.prepare_cached(
        "DELETE FROM task_runs WHERE task_id = ?1 AND outcome IS NOT NULL AND scheduled < \
         (SELECT min(scheduled) FROM (SELECT scheduled FROM task_runs WHERE task_id = ?1 \
          ORDER BY scheduled DESC LIMIT ?2))",
    )?
    .execute(params![id.as_str(), limits::LOG])?;
    Ok(())
}
