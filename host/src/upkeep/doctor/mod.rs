//! `lazaret doctor`: what is in order, what is not, what it means, and how to mend it.
//!
//! Owns the order of the questions, and that asking changes nothing. It runs in a process of its
//! own. While a host runs, that host says what only it may open; while none does, a copy of the
//! central database is asked, and session files are judged by their first bytes.

use serde::{Deserialize, Serialize};

use crate::{client::Client, config::Config, store::Health};

mod central;
mod engine;
mod home;
mod machine;
mod sessions;

pub use sessions::orphans;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// In order.
    Ok,
    /// Works, yet somebody should look.
    Warning,
    /// Does not work.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What it is about.
    pub topic: String,
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub found: String,
    /// What follows from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub means: Option<String>,
    /// What to do about it: a command, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

impl Finding {
    fn new(topic: &str, level: Level, found: impl Into<String>) -> Self {
        Self { topic: topic.to_owned(), level, found: found.into(), means: None, mend: None }
    }

    pub(super) fn ok(topic: &str, found: impl Into<String>) -> Self {
        Self::new(topic, Level::Ok, found)
    }

    pub(super) fn warning(topic: &str, found: impl Into<String>) -> Self {
        Self::new(topic, Level::Warning, found)
    }

    pub(super) fn problem(topic: &str, found: impl Into<String>) -> Self {
        Self::new(topic, Level::Problem, found)
    }

    pub(super) fn means(mut self, means: impl Into<String>) -> Self {
        self.means = Some(means.into());
        self
    }

    pub(super) fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }
}

/// Looks at everything.
pub async fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut client = Client::connect(config.socket()).await.ok();
    findings.extend(home::look(config, client.is_some()));
    findings.push(home::secrets(config));
    findings.extend(machine::socket(config, client.is_some()));
    findings.extend(machine::clock(config));
    findings.extend(machine::limits());
    findings.extend(engine::guest(config));
    let health = central::look(config, client.as_mut(), &mut findings).await;
    findings.extend(sessions::look(config, health.as_ref(), client.is_some()));
    let install = health.as_ref().and_then(|health: &Health| health.install.clone());
    let known = health.as_ref().map(|health| health.sessions.as_slice());
    findings.extend(engine::look(config, client.as_mut(), (install, known)).await);
    findings
}
