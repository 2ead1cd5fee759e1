//! The gate: who may do what to which agent. PURE; closed by default.

use schemas::{ids::AgentId, policy::CliScope};

use super::{
    Standing, Who,
    acts::{Act, AgentMay, Level},
};

/// What the gate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Do it.
    Allow,
    /// Ask a person first: anybody whom the gate would allow the same act.
    Hold,
    /// No; the words follow "may not".
    Deny(&'static str),
}

/// Decides. `on` is the agent that the act is about; `None` where it is about none, or about all.
#[must_use]
pub fn decide(who: &Who, act: Act, on: Option<&AgentId>) -> Verdict {
    let rule = act.rule();
    let deny = Verdict::Deny(rule.words);
    match who {
        Who::Operator => Verdict::Allow,
        Who::Person(person) if reaches(&person.standing, rule.person, on) => Verdict::Allow,
        Who::Stranger(_) if rule.person == Level::Anyone => Verdict::Allow,
        Who::Person(_) | Who::Stranger(_) => deny,
        Who::Agent { agent, scope, .. } => {
            let itself = on == Some(agent);
            let in_scope = match scope {
                CliScope::Disabled => false,
                CliScope::Own => itself,
                CliScope::All => true,
            };
            match rule.agent {
                AgentMay::Look if in_scope => Verdict::Allow,
                AgentMay::DoForItself if itself => Verdict::Allow,
                AgentMay::AskInScope if in_scope => Verdict::Hold,
                // A new agent is about none yet, and belongs to whoever asks for it.
                AgentMay::AskForItself if itself || in_scope || on.is_none() => Verdict::Hold,
                AgentMay::Never
                | AgentMay::Look
                | AgentMay::AskInScope
                | AgentMay::AskForItself
                | AgentMay::DoForItself => deny,
            }
        }
    }
}

fn reaches(standing: &Standing, level: Level, on: Option<&AgentId>) -> bool {
    match level {
        Level::Anyone => true,
        Level::Member => on.is_some_and(|agent| standing.is_member(agent)),
        Level::Admin => standing.is_admin(on),
        Level::Owner => standing.owner,
        Level::Operator => false,
    }
}
