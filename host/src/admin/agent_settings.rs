//! What may be said of an agent when it is made and later.

use schemas::{
    admin::Agent,
    policy::{AfterSideEffects, ChainEntry, CliScope},
};
use serde::{Deserialize, Serialize};

use super::{
    check,
    sizes::{Keep, bytes, keep, milli_cpus},
};

/// What may be said of an agent; an empty text clears.
#[derive(Debug, Clone, PartialEq, Eq, Default, clap::Args, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// What answers [default: echo]
    #[arg(long)]
    pub(super) provider: Option<String>,
    /// Image to run in [default: a built-in one without any programs]
    #[arg(long)]
    pub(super) image: Option<String>,
    /// Memory cap, such as 512M or 2G
    #[arg(long, value_parser = bytes)]
    pub(super) memory: Option<u64>,
    /// CPU cap, such as 1.5
    #[arg(long, value_parser = milli_cpus)]
    pub(super) cpus: Option<u32>,
    /// Cap on processes and threads
    #[arg(long)]
    pub(super) pids: Option<u32>,
    /// Cap on its containers at once; 0 is none of its own
    #[arg(long, value_name = "COUNT")]
    pub(super) max_containers: Option<u32>,
    /// How long what was said is kept, with its files, logs and runs, such as 90d, 26w, 2y or
    /// forever [default: what keep in lazaret.toml says, else forever]
    #[arg(long, value_name = "TIME", value_parser = keep)]
    pub(super) keep: Option<Keep>,
    /// What the folders of one of its sessions may hold, such as 20G; past it the session is set
    /// aside, from four fifths on it is said [default: 10G]
    #[arg(long, value_parser = bytes)]
    pub(super) disk: Option<u64>,
    /// What the model is told about itself
    #[arg(long, value_name = "TEXT")]
    pub(super) prompt: Option<String>,
    /// The model [default: the provider's own choice]
    #[arg(long)]
    pub(super) model: Option<String>,
    /// Who is asked when the provider cannot answer: PROVIDER or PROVIDER:MODEL; once for each, in
    /// order. `none` is nobody
    #[arg(long, value_name = "PROVIDER", value_parser = check::chain_entry)]
    pub(super) fallback: Vec<ChainEntry>,
    /// What becomes of a turn whose provider failed after tools had acted: handoff (the next one
    /// goes on and is told what was done) or fail (the room is told) [default: handoff]
    #[arg(long, value_name = "WHAT")]
    pub(super) after_side_effects: Option<AfterSideEffects>,
    /// The folder inside the container where it works [default: /workspace/work]
    #[arg(long, value_name = "DIR")]
    pub(super) work_dir: Option<String>,
    /// How much of these commands it may use itself: disabled, own or all; what changes something
    /// waits for a person [default: disabled]
    #[arg(long, value_name = "SCOPE")]
    pub(super) cli_scope: Option<CliScope>,
}

impl Settings {
    /// Whether containers that run already must end before it applies.
    pub(super) fn needs_a_start(&self) -> bool {
        self.image.is_some()
            || self.provider.is_some()
            || self.memory.is_some()
            || self.cpus.is_some()
            || self.pids.is_some()
    }

    pub(super) fn apply(self, agent: &mut Agent) {
        agent.provider = self.provider.unwrap_or_else(|| agent.provider.clone());
        agent.memory_bytes = self.memory.unwrap_or(agent.memory_bytes);
        agent.milli_cpus = self.cpus.unwrap_or(agent.milli_cpus);
        agent.pids = self.pids.unwrap_or(agent.pids);
        if let Some(most) = self.max_containers {
            agent.max_containers = Some(most).filter(|most| *most > 0);
        }
        if let Some(keep) = self.keep {
            agent.keep_days = keep.days();
        }
        agent.disk_bytes = self.disk.or(agent.disk_bytes);
        agent.cli_scope = self.cli_scope.unwrap_or(agent.cli_scope);
        agent.after_side_effects = self.after_side_effects.unwrap_or(agent.after_side_effects);
        if !self.fallback.is_empty() {
            agent.fallbacks = check::chain(self.fallback);
        }
        let texts = [
            (&mut agent.image, self.image),
            (&mut agent.prompt, self.prompt),
            (&mut agent.model, self.model),
            (&mut agent.work_dir, self.work_dir),
        ];
        for (setting, said) in texts {
            if let Some(said) = said {
                *setting = check::text(said);
            }
        }
    }
}
