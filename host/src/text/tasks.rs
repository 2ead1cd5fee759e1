//! What the host says about tasks.

use schemas::policy::TaskStatus;

use crate::store::Task;

/// The conversation of an occurrence was archived before it was over.
pub const PUT_AWAY: &str = "the conversation was put away";

/// A single time passed while the host was down, and the task does not want it made up for.
pub const MISSED_FOR_GOOD: &str = "its time passed while the host was down";

/// A task has no room any more.
#[must_use]
pub fn not_wired(agent: &str, place: &str) -> String {
    format!("{agent} does not listen in {place} any more")
}

/// A task that went wrong again and again.
#[must_use]
pub fn failed_too_often(failures: u32, last: &str) -> String {
    format!("it failed {failures} times in a row, last because: {last}")
}

/// A task stopped by itself.
#[must_use]
pub fn stopped(task: &Task) -> String {
    let (title, agent, place) = (task.title(), &task.agent_name, task.place());
    let why = task.why.as_deref().unwrap_or("no reason was given");
    match task.status {
        TaskStatus::Failed => format!(
            "task {title} of {agent} in {place} was not done: {why}. Try it again: \
             lazaret tasks run {}",
            task.id
        ),
        TaskStatus::Paused | TaskStatus::Active | TaskStatus::Done | TaskStatus::Cancelled => {
            format!(
                "task {title} of {agent} in {place} is paused: {why}. Once that is mended: \
                 lazaret tasks resume {}",
                task.id
            )
        }
    }
}

/// What would go, or stop, with a room or a wiring.
#[must_use]
pub fn would_stop(tasks: &[String]) -> String {
    format!("tasks that stop at their next time: {}", tasks.join(", "))
}

/// A task exists.
#[must_use]
pub fn made(task: &Task, next: &str) -> String {
    format!("made task {} ({}); next: {next}", task.title(), task.id)
}

/// A task would come at these times.
#[must_use]
pub fn would_come(times: &[String]) -> String {
    format!("it would come at:\n{}", times.join("\n"))
}

/// A task was changed and is due then.
#[must_use]
pub fn changed(task: &Task, next: &str) -> String {
    format!("changed task {}; next: {next}", task.title())
}

/// A task rests.
#[must_use]
pub fn paused(task: &Task) -> String {
    format!("task {} is paused; go on with: lazaret tasks resume {}", task.title(), task.id)
}

/// A task goes on.
#[must_use]
pub fn resumed(task: &Task, next: &str) -> String {
    format!("task {} goes on; next: {next}", task.title())
}

/// A task is done now, beside its schedule.
#[must_use]
pub fn runs(task: &Task) -> String {
    format!("task {} runs now; see: lazaret tasks log {}", task.title(), task.id)
}

/// A task ended for good.
#[must_use]
pub fn cancelled(task: &Task) -> String {
    format!("task {} is cancelled; what is at work goes on", task.title())
}
