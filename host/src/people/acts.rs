//! Everything that can be asked for, in one table: who may, and which agents may ask.
//!
//! Owns the rules as data. A new act is a variant and a line; the compiler asks for both.

/// Something that somebody may want.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Act {
    /// Talk to an agent in a room that is not public.
    Talk,
    /// Ask what can be asked in a chat.
    ChatHelp,
    /// Ask in a chat how the session is.
    ChatStatus,
    /// Stop the run at work.
    ChatStop,
    /// Ask what waits.
    ChatQueue,
    /// Try again what was given up last.
    ChatRetry,
    /// Archive the session and begin afresh.
    ChatClear,
    /// Shorten what the provider carries along.
    ChatCompact,
    /// Choose the session's model.
    ChatModel,
    /// End the container after the run.
    ChatRestart,
    /// Ask what the session cost.
    ChatCost,
    /// Answer an agent's question.
    AnswerQuestion,
    /// Answer an approval. Who may answer which is asked once more, by what it is about: whoever
    /// may do that themselves.
    AnswerApproval,
    /// See agents, rooms, wirings, destinations, sessions, runs, messages of an agent.
    Look,
    /// See what concerns every agent: people, drops, audit, configuration, the host's state.
    LookAround,
    /// Make an agent.
    CreateAgent,
    /// Change an agent's settings.
    SetAgent,
    /// Delete an agent.
    DeleteAgent,
    /// Make, change and delete rooms.
    ChangeRooms,
    /// Make, change and delete the wirings of an agent.
    ChangeWirings,
    /// Make, change and delete the destinations of an agent.
    ChangeDestinations,
    /// Reset, archive and restart sessions of an agent.
    ChangeSessions,
    /// Try again what was given up.
    RetryMessages,
    /// Make, change and end tasks of an agent.
    ChangeTasks,
    /// The same by the agent itself, in the conversation that the tasks are done in.
    OwnTasks,
    /// Install packages in an agent's image.
    InstallPackages,
    /// Add a tool server to an agent.
    AddMcpServer,
    /// Wire a room that nobody had wired.
    ConnectRoom,
    /// Make and link persons, and forget denials.
    ChangePeople,
    /// Make and unmake members of an agent.
    ChangeMembers,
    /// Make and unmake owners and admins.
    ChangeRoles,
    /// Stop the host.
    StopHost,
    /// Keep, list and forget secrets.
    Secrets,
}

/// What a person must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Anybody whom the room lets speak.
    Anyone,
    /// A member of the agent.
    Member,
    /// An admin of the agent; of all agents where the act is about none.
    Admin,
    /// The owner.
    Owner,
    /// Whoever the host itself belongs to: the user of this machine, and no person in a chat.
    Operator,
}

/// What an agent may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentMay {
    /// Nothing, in no scope.
    Never,
    /// Within its scope, at once.
    Look,
    /// Within its scope, once a person has said yes.
    AskInScope,
    /// About itself, once a person has said yes; no scope is needed.
    AskForItself,
    /// About itself, at once; no scope is needed.
    DoForItself,
}

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// What a person must be.
    pub person: Level,
    /// What an agent may do.
    pub agent: AgentMay,
    /// For people: "may not …".
    pub words: &'static str,
}

impl Act {
    /// The whole list.
    #[cfg(test)]
    pub(super) const ALL: [Self; 33] = [
        Self::Talk,
        Self::ChatHelp,
        Self::ChatStatus,
        Self::ChatStop,
        Self::ChatQueue,
        Self::ChatRetry,
        Self::ChatClear,
        Self::ChatCompact,
        Self::ChatModel,
        Self::ChatRestart,
        Self::ChatCost,
        Self::AnswerQuestion,
        Self::AnswerApproval,
        Self::Look,
        Self::LookAround,
        Self::CreateAgent,
        Self::SetAgent,
        Self::DeleteAgent,
        Self::ChangeRooms,
        Self::ChangeWirings,
        Self::ChangeDestinations,
        Self::ChangeSessions,
        Self::RetryMessages,
        Self::ChangeTasks,
        Self::OwnTasks,
        Self::InstallPackages,
        Self::AddMcpServer,
        Self::ConnectRoom,
        Self::ChangePeople,
        Self::ChangeMembers,
        Self::ChangeRoles,
        Self::StopHost,
        Self::Secrets,
    ];

    /// Its line of the table.
    #[must_use]
    pub fn rule(self) -> Rule {
        use AgentMay::{AskForItself, AskInScope, DoForItself, Look, Never};
        use Level::{Admin, Anyone, Member, Operator, Owner};
        let (person, agent, words) = match self {
            Self::Talk => (Member, Never, "talk to this agent"),
            Self::ChatHelp => (Anyone, Never, "ask for help"),
            Self::ChatStatus => (Anyone, Never, "ask for the status"),
            Self::ChatStop => (Anyone, Never, "stop a run"),
            Self::ChatQueue => (Anyone, Never, "see the queue"),
            Self::ChatRetry => (Member, Never, "try messages again"),
            Self::ChatClear => (Admin, Never, "clear the conversation"),
            Self::ChatCompact => (Admin, Never, "compact the conversation"),
            Self::ChatModel => (Admin, Never, "choose the model"),
            Self::ChatRestart => (Admin, Never, "restart the agent"),
            Self::ChatCost => (Admin, Never, "see what it cost"),
            Self::AnswerQuestion => (Member, Never, "answer this question"),
            Self::AnswerApproval => (Anyone, Never, "answer approvals"),
            Self::Look => (Admin, Look, "look at this agent"),
            Self::LookAround => (Admin, Look, "look at the whole install"),
            Self::CreateAgent => (Admin, AskForItself, "create agents"),
            Self::SetAgent => (Admin, AskInScope, "change this agent"),
            Self::DeleteAgent => (Owner, AskInScope, "delete agents"),
            Self::ChangeRooms => (Admin, AskInScope, "change rooms"),
            Self::ChangeWirings => (Admin, AskInScope, "change this agent's wirings"),
            Self::ChangeDestinations => (Admin, AskForItself, "change this agent's destinations"),
            Self::ChangeSessions => (Admin, AskInScope, "change this agent's sessions"),
            Self::RetryMessages => (Admin, Never, "try this agent's messages again"),
            Self::ChangeTasks => (Admin, AskForItself, "change this agent's tasks"),
            Self::OwnTasks => (Admin, DoForItself, "change this agent's tasks"),
            Self::InstallPackages => (Admin, AskForItself, "install packages"),
            Self::AddMcpServer => (Admin, AskForItself, "add tool servers"),
            Self::ConnectRoom => (Admin, Never, "connect rooms"),
            Self::ChangePeople => (Owner, Never, "change people"),
            Self::ChangeMembers => (Admin, Never, "change the members of this agent"),
            Self::ChangeRoles => (Owner, Never, "change roles"),
            Self::StopHost => (Owner, Never, "stop the host"),
            Self::Secrets => (Operator, Never, "see or change secrets"),
        };
        Rule { person, agent, words }
    }
}
