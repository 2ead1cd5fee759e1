//! What is said about people and their questions.

use schemas::policy::Role;

/// A person is known.
#[must_use]
pub fn person_made(name: &str) -> String {
    format!("{name} is known; let them talk to an agent: lazaret members add <agent> {name}")
}

/// A name on a platform leads to a person.
#[must_use]
pub fn linked(name: &str, sender: &str) -> String {
    format!("{sender} is {name}")
}

/// And no longer does.
#[must_use]
pub fn unlinked(sender: &str) -> String {
    format!("{sender} is nobody now")
}

/// A denial is forgotten.
#[must_use]
pub fn forgiven(sender: &str) -> String {
    format!("{sender} may be asked about again")
}

/// A person got a role.
#[must_use]
pub fn is_now(name: &str, role: Role) -> String {
    format!("{name} is {} now", role.as_str())
}

/// A person lost a role.
#[must_use]
pub fn is_no_longer(name: &str, role: Role) -> String {
    format!("{name} is no longer {}", role.as_str())
}

/// The one-time code, to the operator.
#[must_use]
pub fn claim_code(code: &str) -> String {
    format!(
        "{code}\nwhoever says this in a chat owns this host; it holds for a quarter of an hour, \
         once:\n  /claim {code}"
    )
}

/// To whoever claimed the host.
pub const CLAIMED: &str = "This host is yours now.";

/// To whoever said a wrong code, or one that holds no longer.
pub const NOT_CLAIMED: &str = "That code is not valid.";

/// A question has its answer.
#[must_use]
pub fn question_answered(agent: &str, answer: &str) -> String {
    format!("{agent} is told: {answer}")
}

/// To the operator, who says a code at the terminal.
pub const CLAIM_ELSEWHERE: &str =
    "you are this host's operator here; say it in the chat where the owner is to be known";
