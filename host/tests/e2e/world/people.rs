//! What other people than the operator do, and what the central database is told behind the
//! host's back.

use host::{
    admin::{Done, Parsed, parse},
    error::Result,
    people::{Person, Standing, Who},
    requests::Request,
    store::Store,
};
use schemas::{
    ids::{AgentId, ApprovalId, PersonId},
    people::{ApprovalInfo, QuestionInfo},
    policy::Role,
};
use serde_json::from_value;

use super::{World, operator::split};

impl World {
    /// What waits for a yes or no.
    pub(crate) async fn approvals(&self) -> Vec<ApprovalInfo> {
        from_value(self.command("approvals list").await.unwrap().data).unwrap()
    }

    /// The one thing that waits.
    pub(crate) async fn the_approval(&self) -> ApprovalInfo {
        let mut all = self.approvals().await;
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    /// What waits or waited, by id.
    pub(crate) async fn approval(&self, id: &ApprovalId) -> ApprovalInfo {
        from_value(self.command(&format!("approvals show {id}")).await.unwrap().data).unwrap()
    }

    /// The operator says yes to the one thing that waits.
    pub(crate) async fn approve(&self, more: &str) -> ApprovalInfo {
        let id = self.the_approval().await.id;
        let said = self.command(&format!("approvals approve {id} {more}")).await.unwrap();
        from_value(said.data).unwrap()
    }

    /// The operator says no to it.
    pub(crate) async fn reject(&self) -> ApprovalInfo {
        let id = self.the_approval().await.id;
        let said = self.command(&format!("approvals reject {id}")).await.unwrap();
        from_value(said.data).unwrap()
    }

    /// The one question that waits.
    pub(crate) async fn the_question(&self) -> QuestionInfo {
        let said = self.command("questions list").await.unwrap().data;
        let mut all: Vec<QuestionInfo> = from_value(said).unwrap();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    /// Makes somebody known, with a role.
    pub(crate) async fn person(&self, name: &str, role: Option<Role>, of: Option<&str>) -> Who {
        let words = format!("people create {name} --id slack:{name}");
        let id: PersonId = from_value(self.command(&words).await.unwrap().data).unwrap();
        let mut standing = Standing::default();
        if let Some(role) = role {
            let on = of.map(|agent| format!(" --agent {agent}")).unwrap_or_default();
            let words = format!("roles grant {name} {}{on}", role.as_str());
            self.command(&words).await.unwrap();
            let agent = match of {
                Some(agent) => Some(self.agent_id(agent).await),
                None => None,
            };
            standing.add(role, agent);
        }
        Who::Person(Person { id, name: name.to_owned(), standing })
    }

    pub(crate) async fn agent_id(&self, name: &str) -> AgentId {
        let agents = self.ask(Request::Agents).await.unwrap();
        agents.into_iter().find(|agent| agent.name == name).unwrap().id
    }

    /// A command of somebody else than the operator.
    pub(crate) async fn command_of(&self, who: &Who, words: &str) -> Result<Done> {
        let Parsed::Command(command) = parse(&split(words))? else { panic!("{words}") };
        let who = who.clone();
        self.ask(|answer| Request::Admin(who, command, answer)).await
    }

    /// The same, and why it was refused.
    pub(crate) async fn refused(&self, who: &Who, words: &str) -> String {
        match self.command_of(who, words).await {
            Ok(done) => panic!("{words}: {done:?}"),
            Err(failure) => failure.chain(),
        }
    }

    /// The central database, as a host finds it that died between two steps.
    pub(crate) fn store(&self) -> Store {
        assert!(self.host.is_none(), "a host uses it");
        Store::open(&self.home.path().join("central.db")).unwrap()
    }
}
