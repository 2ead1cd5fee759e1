//! What an operator types, by the same grammar that the command line has.

use std::time::Duration;

use host::{
    admin::{Done, Parsed, parse},
    error::Result,
    people::Who,
    requests::Request,
    store::{Leads, NewEntry, Store},
};
use schemas::{
    admin::AdminAnswer,
    ids::{AgentId, SessionId},
    policy::CliScope,
};

use super::World;

impl World {
    /// What a command answers people; ids and times are made alike.
    pub(crate) async fn cli(&self, words: &str) -> String {
        match self.command(words).await {
            Ok(answer) => alike(&answer.text),
            Err(failure) => {
                let hint = failure.hint_text().map(|hint| format!("\nhint: {hint}"));
                alike(&format!("error: {}{}", failure.chain(), hint.unwrap_or_default()))
            }
        }
    }

    /// Waits until the last container is gone and its session sleeps.
    pub(crate) async fn until_no_container(&self) {
        for _ in 0..10_000 {
            if self.yard.running() == 0 {
                break;
            }
            self.passes(Duration::from_millis(50)).await;
        }
        self.passes(Duration::from_secs(1)).await;
        assert_eq!(self.yard.running(), 0, "a container goes on");
    }

    /// What becomes of an agent's own words, as its session's task would hand them over.
    pub(crate) async fn agent_asks(
        &self,
        agent: &str,
        scope: CliScope,
        words: &str,
    ) -> Result<Done> {
        let shown = self.command(&format!("agents show {agent}")).await?.data;
        let agent = shown.get("id").and_then(|id| AgentId::parse(id.as_str()?).ok()).unwrap();
        let who = Who::Agent { agent, session: SessionId::mint(self.now()), scope };
        let Parsed::Command(command) = parse(&split(words))? else { panic!("{words}") };
        self.ask(|answer| Request::Admin(who, command, answer)).await
    }

    /// A rewiring that was committed by a host which died right after.
    pub(crate) async fn rewires_behind_the_hosts_back(&self, agent: &str, to: &str) {
        let store = Store::open(&self.home.path().join("central.db")).unwrap();
        let agents = store.agents().await.unwrap();
        let id = |name: &str| agents.iter().find(|one| one.name == name).unwrap().id.clone();
        let new = NewEntry {
            agent: id(agent),
            name: "late".to_owned(),
            display_name: None,
            to: Leads::Agent { id: id(to) },
        };
        store.create_destination(new, self.now()).await.unwrap();
    }

    pub(crate) async fn command(&self, words: &str) -> Result<AdminAnswer> {
        let command = match parse(&split(words))? {
            Parsed::Command(command) => command,
            Parsed::Help(help) => panic!("{help}"),
        };
        let ask = |answer| Request::Admin(Who::Operator, command, answer);
        match self.ask(ask).await? {
            Done::Answered(answer) => Ok(answer),
            Done::Held(asks, _) => panic!("the operator was told to wait: {asks:?}"),
        }
    }
}

/// Words as a shell would cut them: quotes hold blanks together.
pub(super) fn split(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match quote {
            Some(end) if c == end => quote = None,
            None if c == '\'' || c == '"' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            Some(_) | None => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// Ids and times differ from run to run.
fn alike(text: &str) -> String {
    const ENDS: [char; 6] = [' ', '\n', '/', ',', '(', ')'];
    let words = text.split_inclusive(ENDS).map(|word| {
        let bare = word.trim_end_matches(ENDS);
        let rest = word.strip_prefix(bare).unwrap_or_default();
        match bare.split_once("-01") {
            Some((prefix, _)) if bare.len() > 26 => format!("{prefix}-…{rest}"),
            _ if bare.parse::<jiff::Timestamp>().is_ok() => format!("<time>{rest}"),
            _ => word.to_owned(),
        }
    });
    let text: String = words.collect();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}
