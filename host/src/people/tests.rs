//! The gate's whole table, and what holds for every line of it.

use jiff::Timestamp;
use proptest::prelude::*;
use schemas::{
    ids::{AgentId, PersonId, SessionId},
    policy::{CliScope, Role},
};

use super::{
    Act, Person, Standing, Verdict, Who,
    acts::{AgentMay, Level},
    decide,
};

fn agent(of: &str) -> AgentId {
    AgentId::parse(&format!("agent-01h455vb4pex5vsknk084sn0{of}")).unwrap()
}

fn this() -> AgentId {
    agent("2a")
}

fn other() -> AgentId {
    agent("2b")
}

fn person(role: Option<Role>, of: Option<AgentId>) -> Who {
    let mut standing = Standing::default();
    if let Some(role) = role {
        standing.add(role, of);
    }
    let id = PersonId::mint(Timestamp::UNIX_EPOCH);
    Who::Person(Person { id, name: "p".to_owned(), standing })
}

fn asks(scope: CliScope) -> Who {
    Who::Agent { agent: this(), session: SessionId::mint(Timestamp::UNIX_EPOCH), scope }
}

/// From the one who may everything to the one who may least.
fn everybody() -> Vec<(&'static str, Who)> {
    vec![
        ("operator", Who::Operator),
        ("owner", person(Some(Role::Owner), None)),
        ("admin", person(Some(Role::Admin), None)),
        ("its admin", person(Some(Role::Admin), Some(this()))),
        ("its member", person(Some(Role::Member), Some(this()))),
        ("other's admin", person(Some(Role::Admin), Some(other()))),
        ("other's member", person(Some(Role::Member), Some(other()))),
        ("known", person(None, None)),
        ("stranger", Who::Stranger("slack:U1".to_owned())),
        ("itself, disabled", asks(CliScope::Disabled)),
        ("itself, own", asks(CliScope::Own)),
        ("itself, all", asks(CliScope::All)),
    ]
}

fn letter(who: &Who, act: Act, on: Option<&AgentId>) -> &'static str {
    match decide(who, act, on) {
        Verdict::Allow => "A",
        Verdict::Hold => "h",
        Verdict::Deny(_) => "-",
    }
}

/// One line an act; for each of [`everybody`] what they may do to this agent, to another one and
/// to none. A change of any rule is seen here.
#[test]
fn the_table_is_what_it_is() {
    let line = |act: Act| {
        let cells: Vec<String> = everybody()
            .iter()
            .map(|(_, who)| {
                [Some(this()), Some(other()), None].map(|on| letter(who, act, on.as_ref())).concat()
            })
            .collect();
        format!("{:<18} {}", format!("{act:?}"), cells.join(" "))
    };
    let names: Vec<&str> = everybody().iter().map(|(name, _)| *name).collect();
    let table: Vec<String> = Act::ALL.into_iter().map(line).collect();
    insta::assert_snapshot!(format!("{}\n{}", names.join(" | "), table.join("\n")), @r"
    operator | owner | admin | its admin | its member | other's admin | other's member | known | stranger | itself, disabled | itself, own | itself, all
    Talk               AAA AA- AA- A-- A-- -A- -A- --- --- --- --- ---
    ChatHelp           AAA AAA AAA AAA AAA AAA AAA AAA AAA --- --- ---
    ChatStatus         AAA AAA AAA AAA AAA AAA AAA AAA AAA --- --- ---
    ChatStop           AAA AAA AAA AAA AAA AAA AAA AAA AAA --- --- ---
    ChatQueue          AAA AAA AAA AAA AAA AAA AAA AAA AAA --- --- ---
    ChatRetry          AAA AA- AA- A-- A-- -A- -A- --- --- --- --- ---
    ChatClear          AAA AAA AAA A-- --- -A- --- --- --- --- --- ---
    ChatCompact        AAA AAA AAA A-- --- -A- --- --- --- --- --- ---
    ChatModel          AAA AAA AAA A-- --- -A- --- --- --- --- --- ---
    ChatRestart        AAA AAA AAA A-- --- -A- --- --- --- --- --- ---
    ChatCost           AAA AAA AAA A-- --- -A- --- --- --- --- --- ---
    AnswerQuestion     AAA AA- AA- A-- A-- -A- -A- --- --- --- --- ---
    AnswerApproval     AAA AAA AAA AAA AAA AAA AAA AAA AAA --- --- ---
    Look               AAA AAA AAA A-- --- -A- --- --- --- --- A-- AAA
    LookAround         AAA AAA AAA A-- --- -A- --- --- --- --- A-- AAA
    CreateAgent        AAA AAA AAA A-- --- -A- --- --- --- h-h h-h hhh
    SetAgent           AAA AAA AAA A-- --- -A- --- --- --- --- h-- hhh
    DeleteAgent        AAA AAA --- --- --- --- --- --- --- --- h-- hhh
    ChangeRooms        AAA AAA AAA A-- --- -A- --- --- --- --- h-- hhh
    ChangeWirings      AAA AAA AAA A-- --- -A- --- --- --- --- h-- hhh
    ChangeDestinations AAA AAA AAA A-- --- -A- --- --- --- h-h h-h hhh
    ChangeSessions     AAA AAA AAA A-- --- -A- --- --- --- --- h-- hhh
    RetryMessages      AAA AAA AAA A-- --- -A- --- --- --- --- --- ---
    ChangeTasks        AAA AAA AAA A-- --- -A- --- --- --- h-h h-h hhh
    OwnTasks           AAA AAA AAA A-- --- -A- --- --- --- A-- A-- A--
    InstallPackages    AAA AAA AAA A-- --- -A- --- --- --- h-h h-h hhh
    AddMcpServer       AAA AAA AAA A-- --- -A- --- --- --- h-h h-h hhh
    ConnectRoom        AAA AAA AAA A-- --- -A- --- --- --- --- --- ---
    ChangePeople       AAA AAA --- --- --- --- --- --- --- --- --- ---
    ChangeMembers      AAA AAA AAA A-- --- -A- --- --- --- --- --- ---
    ChangeRoles        AAA AAA --- --- --- --- --- --- --- --- --- ---
    StopHost           AAA AAA --- --- --- --- --- --- --- --- --- ---
    Secrets            AAA --- --- --- --- --- --- --- --- --- --- ---
    ");
}

#[test]
fn what_no_line_allows_is_denied_with_words_for_people() {
    for act in Act::ALL {
        let words = act.rule().words;
        assert!(!words.is_empty() && words.starts_with(char::is_lowercase), "{act:?}");
        let nobody = Who::Stranger("slack:U1".to_owned());
        let allowed = decide(&nobody, act, Some(&this())) == Verdict::Allow;
        assert_eq!(allowed, act.rule().person == Level::Anyone, "{act:?}");
    }
}

#[test]
fn an_agent_never_changes_anything_by_itself_but_its_own_tasks() {
    for act in Act::ALL {
        let looks = act.rule().agent == AgentMay::Look;
        let own = act == Act::OwnTasks;
        for scope in [CliScope::Disabled, CliScope::Own, CliScope::All] {
            for on in [Some(this()), Some(other()), None] {
                let allowed = decide(&asks(scope), act, on.as_ref()) == Verdict::Allow;
                let its_own = own && on == Some(this());
                assert!(!allowed || looks || its_own, "{act:?} {scope:?} {on:?}");
            }
        }
    }
}

fn any_act() -> impl Strategy<Value = Act> {
    prop::sample::select(Act::ALL.to_vec())
}

fn any_on() -> impl Strategy<Value = Option<AgentId>> {
    prop::sample::select(vec![Some(this()), Some(other()), None])
}

fn any_standing() -> impl Strategy<Value = Standing> {
    let some = || prop::collection::btree_set(prop::sample::select(vec![this(), other()]), 0..3);
    (any::<bool>(), any::<bool>(), some(), some()).prop_map(
        |(owner, admin, admin_of, member_of)| Standing { owner, admin, admin_of, member_of },
    )
}

proptest! {
    /// Every role only adds: nobody loses anything by being more.
    #[test]
    fn who_is_more_may_more(act in any_act(), on in any_on(), less in any_standing(), more in any_standing()) {
        let both = Standing {
            owner: less.owner || more.owner,
            admin: less.admin || more.admin,
            admin_of: less.admin_of.union(&more.admin_of).cloned().collect(),
            member_of: less.member_of.union(&more.member_of).cloned().collect(),
        };
        let may = |standing| {
            let id = PersonId::mint(Timestamp::UNIX_EPOCH);
            let who = Who::Person(Person { id, name: String::new(), standing });
            decide(&who, act, on.as_ref()) == Verdict::Allow
        };
        prop_assert!(!may(less) || may(both));
    }

    /// A stranger gets no more than a member, a member no more than an admin, an admin of one
    /// agent no more than one of all, an admin no more than the owner.
    #[test]
    fn nobody_gets_more_than_who_stands_above(act in any_act(), on in any_on()) {
        let ranks = [
            Who::Stranger("slack:U1".to_owned()),
            person(None, None),
            person(Some(Role::Member), Some(this())),
            person(Some(Role::Admin), Some(this())),
            person(Some(Role::Admin), None),
            person(Some(Role::Owner), None),
            Who::Operator,
        ];
        let may: Vec<bool> =
            ranks.iter().map(|who| decide(who, act, on.as_ref()) == Verdict::Allow).collect();
        prop_assert!(may.is_sorted(), "{act:?} {on:?} {may:?}");
    }

    /// A wider scope allows and holds no less.
    #[test]
    fn a_wider_scope_is_no_narrower(act in any_act(), on in any_on()) {
        let goes = |scope| !matches!(decide(&asks(scope), act, on.as_ref()), Verdict::Deny(_));
        let ranks = [CliScope::Disabled, CliScope::Own, CliScope::All].map(goes);
        prop_assert!(ranks.is_sorted(), "{act:?} {on:?} {ranks:?}");
    }
}
