//! `agents create|list`.

use schemas::{
    admin::{AdminAnswer, Agent, NewAgent},
    ids::AgentId,
    policy::{CliScope, SessionMode},
};
use serde::{Deserialize, Serialize};

use super::{
    Desk,
    print::{answer, size, table},
};
use crate::{error::Result, people::Act, requests::Request};

#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Make an agent, with a room of its own at the terminal
    Create(Create),
    /// List agents
    List,
}

#[derive(Debug, Clone, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
pub struct Create {
    /// What people call it; unique
    name: String,
    /// What answers
    #[arg(long, default_value = "echo")]
    provider: String,
    /// Image to run in [default: a built-in one without any programs]
    #[arg(long)]
    image: Option<String>,
    /// Memory cap, such as 512M or 2G
    #[arg(long, value_parser = bytes)]
    memory: Option<u64>,
    /// CPU cap, such as 1.5
    #[arg(long, value_parser = milli_cpus)]
    cpus: Option<u32>,
    /// Cap on processes and threads
    #[arg(long)]
    pids: Option<u32>,
    /// Which messages share a session: shared (all of a room), per-thread, agent-shared (all)
    #[arg(long, default_value = "shared")]
    session_mode: SessionMode,
    /// Let the terminal room change the agent's own folder (memory, instructions)
    #[arg(long)]
    trusted: bool,
}

impl Command {
    pub(super) fn act(&self) -> Act {
        match self {
            Self::Create(_) => Act::CreateAgent,
            Self::List => Act::LookAround,
        }
    }

    pub(super) fn changes(&self) -> Option<String> {
        match self {
            Self::Create(create) => Some(format!("agents create {}", create.name)),
            Self::List => None,
        }
    }

    #[expect(clippy::unused_async, reason = "every noun is asked alike")]
    pub(super) async fn pin(&mut self, _desk: &Desk) -> Result<Option<AgentId>> {
        Ok(None)
    }

    pub(super) async fn run(self, desk: &Desk) -> Result<AdminAnswer> {
        match self {
            Self::Create(create) => {
                let new = Box::new(NewAgent::from(create));
                let agent = desk.daemon.ask(|answer| Request::CreateAgent(new, answer)).await?;
                let name = &agent.name;
                let text = format!("made {name}; talk with it: lazaret chat {name}");
                Ok(answer(&agent, text))
            }
            Self::List => {
                let agents = desk.context.store.agents().await?;
                Ok(answer(&agents, for_people(&agents)))
            }
        }
    }
}

impl From<Create> for NewAgent {
    fn from(create: Create) -> Self {
        Self {
            name: create.name,
            provider: create.provider,
            image: create.image,
            memory_bytes: create.memory,
            milli_cpus: create.cpus,
            pids: create.pids,
            session_mode: create.session_mode,
            trusted: create.trusted,
            prompt: None,
            model: None,
            work_dir: None,
            cli_scope: CliScope::default(),
        }
    }
}

fn for_people(agents: &[Agent]) -> String {
    let rows: Vec<[String; 6]> = agents
        .iter()
        .map(|agent| {
            [
                agent.name.clone(),
                agent.provider.clone(),
                agent.image.clone().unwrap_or_else(|| "built-in".to_owned()),
                size(agent.memory_bytes),
                (f64::from(agent.milli_cpus) / 1000.0).to_string(),
                agent.pids.to_string(),
            ]
        })
        .collect();
    table(["NAME", "PROVIDER", "IMAGE", "MEMORY", "CPUS", "PIDS"], &rows)
}

fn bytes(text: &str) -> std::result::Result<u64, String> {
    let wrong = || format!("{text:?} is not a size such as 512M or 2G");
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = text.strip_prefix(digits).unwrap_or_default();
    let power = match unit.trim_end_matches(['i', 'B', 'b']).to_ascii_uppercase().as_str() {
        "" => 0,
        "K" => 1,
        "M" => 2,
        "G" => 3,
        "T" => 4,
        _ => return Err(wrong()),
    };
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    number.checked_mul(1024_u64.pow(power)).filter(|bytes| *bytes > 0).ok_or_else(wrong)
}

fn milli_cpus(text: &str) -> std::result::Result<u32, String> {
    let wrong = || format!("{text:?} is not a number of CPUs such as 0.5 or 2");
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    if part.is_empty() || part.len() > 3 || !part.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    let whole: u32 = whole.parse().map_err(|_| wrong())?;
    let part: u32 = format!("{part:0<3}").parse().map_err(|_| wrong())?;
    let milli = whole.checked_mul(1000).and_then(|milli| milli.checked_add(part));
    milli.filter(|milli| *milli > 0).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    #[test]
    fn agents_are_listed_with_their_walls() {
        let agent = Agent {
            id: AgentId::mint(Timestamp::UNIX_EPOCH),
            name: "andy".to_owned(),
            folder: "andy".to_owned(),
            provider: "echo".to_owned(),
            image: None,
            memory_bytes: 2 << 30,
            milli_cpus: 1500,
            pids: 512,
            prompt: None,
            model: None,
            work_dir: None,
            cli_scope: CliScope::default(),
            created_at: Timestamp::UNIX_EPOCH,
        };
        insta::assert_snapshot!(for_people(&[agent]), @r"
        NAME  PROVIDER  IMAGE     MEMORY  CPUS  PIDS
        andy  echo      built-in  2 GiB   1.5   512
        ");
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let read = ["1024", "512M", "2G", "2GiB", "1kb"].map(|text| bytes(text).unwrap());
        assert_eq!(read, [1024, 512 << 20, 2 << 30, 2 << 30, 1024]);
        for wrong in ["", "G", "1.5G", "-1", "2X", "0", "99999999999T"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn cpus_are_read_to_the_thousandth() {
        let read = ["2", "1.5", "0.25", "0.001"].map(|text| milli_cpus(text).unwrap());
        assert_eq!(read, [2000, 1500, 250, 1]);
        for wrong in ["", "0", "1.", "1.2345", "x", "-1", "5000000"] {
            assert!(milli_cpus(wrong).is_err(), "{wrong}");
        }
    }
}
