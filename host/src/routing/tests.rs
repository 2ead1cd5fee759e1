//! Who gets what, as tables.

use schemas::policy::{EngageMode, SenderScope, SessionMode, UnknownSenderPolicy};

use super::{
    fixtures::{Place, alone, in_thread, none, person, said, to_us},
    *,
};
use crate::people::{Standing, Who};

/// What follows for each agent, as `name: word`, then why not and what is asked.
fn shown(routed: &Routed) -> String {
    let agents = routed.agents.iter().map(|one| {
        let word = match &one.decision {
            Decision::Wake { subscribe: true, .. } => "wakes and subscribes".to_owned(),
            Decision::Wake { .. } => "wakes".to_owned(),
            Decision::Keep(_) => "keeps".to_owned(),
            Decision::Command(_, command) => format!("{command:?}"),
            Decision::Deny(_, words) => format!("may not {words}"),
            Decision::Refuse(why) => format!("refuses, {}", why.word()),
            Decision::AskAboutSender => "asks".to_owned(),
            Decision::Ignore => "ignores".to_owned(),
        };
        format!("{}: {word}", one.name)
    });
    let drops = routed.drops.iter().map(|why| format!("drop {}", why.word()));
    let ask = routed.ask.iter().map(|ask| match ask {
        Ask::ConnectRoom => "ask connect".to_owned(),
        Ask::AdmitSender(agents) => format!("ask about {}", agents.len()),
    });
    agents.chain(drops).chain(ask).collect::<Vec<_>>().join("; ")
}

#[track_caller]
fn check(place: &Place, message: &Inbound, expected: &str) {
    assert_eq!(shown(&place.route(message)), expected);
}

#[test]
fn a_place_that_nobody_heard_of_is_written_down_only_when_we_were_addressed() {
    let place = Place::of(&[]);
    let unknown = |message: &Inbound| shown(&route(message, None, &place.about));
    assert_eq!(unknown(&said("hello")), "");
    assert_eq!(unknown(&to_us("hello")), "drop no_agent_wired; ask connect");
    assert_eq!(unknown(&alone("hello")), "drop no_agent_wired; ask connect");
    let operator = Inbound { sender: Sender::Operator, ..alone("hello") };
    assert_eq!(unknown(&operator), "drop no_agent_wired");
}

#[test]
fn a_room_without_an_agent_asks_for_one_until_somebody_said_no() {
    let mut place = Place::of(&[]);
    check(&place, &said("hello"), "");
    check(&place, &to_us("hello"), "drop no_agent_wired; ask connect");
    place.room.denied = true;
    check(&place, &to_us("hello"), "");
}

#[test]
fn an_agent_without_a_pattern_always_engages_and_one_with_a_pattern_when_it_matches() {
    check(&Place::of(&["andy"]), &said("hello"), "andy: wakes");
    let place = Place::of(&["andy"]).each(|w| w.pattern = Some("(?i)deploy".to_owned()));
    check(&place, &said("Deploy it"), "andy: wakes");
    check(&place, &said("hello"), "andy: ignores; drop no_agent_engaged");
}

#[test]
fn a_pattern_that_cannot_be_compiled_engages_never() {
    let place = Place::of(&["andy"]).each(|w| w.pattern = Some("(".to_owned()));
    check(&place, &to_us("("), "andy: ignores; drop no_agent_engaged");
}

#[test]
fn a_mention_is_the_platforms_word_or_a_direct_message() {
    let place = Place::of(&["andy"]).each(|w| w.engage = EngageMode::Mention);
    check(&place, &to_us("hello"), "andy: wakes");
    check(&place, &alone("hello"), "andy: wakes");
    check(&place, &said("@andy hello"), "andy: ignores; drop no_agent_engaged");
}

#[test]
fn a_text_that_names_agents_is_for_those_alone() {
    let place = Place::of(&["andy", "betty"]).each(|w| w.engage = EngageMode::Mention);
    let both = "andy: wakes; betty: wakes";
    check(&place, &to_us("hello"), both);
    check(&place, &to_us("@Betty hello"), "andy: ignores; betty: wakes");
    check(&place, &to_us("@andy ask @betty"), both);
    check(&place, &to_us("@bettyx hello"), both);
}

#[test]
fn a_sticky_agent_stays_in_the_threads_of_a_group_that_it_was_called_into() {
    let place = || Place::of(&["andy", "betty"]).each(|w| w.engage = EngageMode::MentionSticky);
    let called = Inbound { mentioned: true, ..in_thread("@andy hello") };
    check(&place(), &called, "andy: wakes and subscribes; betty: ignores");
    check(
        &place().in_thread("andy"),
        &in_thread("and this?"),
        "andy: wakes and subscribes; betty: ignores",
    );
    check(
        &place(),
        &in_thread("and this?"),
        "andy: ignores; betty: ignores; drop no_agent_engaged",
    );
    check(&place(), &alone("hello"), "andy: wakes; betty: wakes");
}

#[test]
fn strangers_are_heard_as_the_room_says() {
    use UnknownSenderPolicy::{Public, RequestApproval, Strict};
    let place = |policy| Place::of(&["andy"]).strangers(policy);
    check(&place(Public), &said("hello"), "andy: wakes");
    check(&place(Strict), &said("hello"), "andy: refuses, unknown_sender; drop unknown_sender");
    let asks = "andy: asks; drop awaits_approval; ask about 1";
    check(&place(RequestApproval), &said("hello"), asks);
    let mut denied = place(RequestApproval);
    denied.about.denied = true;
    check(&denied, &said("hello"), "andy: refuses, sender_denied; drop sender_denied");
}

#[test]
fn whoever_is_known_to_an_agent_is_heard_by_it_and_by_no_other() {
    let place = || Place::of(&["andy", "betty"]).strangers(UnknownSenderPolicy::Strict);
    check(
        &place().member_of("andy"),
        &said("hello"),
        "andy: wakes; betty: refuses, unknown_sender; drop unknown_sender",
    );
    let mut of_all = place();
    for standing in [Standing { owner: true, ..none() }, Standing { admin: true, ..none() }] {
        of_all.about.who = person(standing);
        check(&of_all, &said("hello"), "andy: wakes; betty: wakes");
    }
    of_all.about.who = person(none());
    check(
        &of_all,
        &said("hello"),
        "andy: refuses, unknown_sender; betty: refuses, unknown_sender; drop unknown_sender",
    );
    of_all.about.who = Who::Operator;
    check(&of_all, &said("hello"), "andy: wakes; betty: wakes");
}

#[test]
fn a_wiring_for_known_people_does_not_hear_strangers_in_a_public_room() {
    let place = || Place::of(&["andy", "betty"]).one("andy", |w| w.senders = SenderScope::Known);
    check(&place(), &said("hello"), "andy: refuses, sender_scope; betty: wakes; drop sender_scope");
    check(&place().member_of("andy"), &said("hello"), "andy: wakes; betty: wakes");
}

#[test]
fn what_an_agent_does_not_engage_over_is_kept_when_its_wiring_says_so() {
    let place = || {
        Place::of(&["andy"]).each(|w| {
            w.engage = EngageMode::Mention;
            w.ignored = IgnoredPolicy::Accumulate;
        })
    };
    check(&place(), &said("hello"), "andy: keeps");
    check(&place(), &to_us("hello"), "andy: wakes");
    check(&place(), &said("/clear"), "andy: ignores; drop no_agent_engaged");
    // Never what is refused for safety, and nobody is asked about idle talk.
    for policy in [UnknownSenderPolicy::Strict, UnknownSenderPolicy::RequestApproval] {
        let strict = place().strangers(policy);
        check(&strict, &said("hello"), "andy: ignores; drop no_agent_engaged");
    }
    let known = place().each(|w| w.senders = SenderScope::Known);
    check(&known, &said("hello"), "andy: ignores; drop no_agent_engaged");
}

#[test]
fn a_command_goes_to_whoever_engages_and_only_from_whom_the_gate_allows() {
    let place = || Place::of(&["andy"]);
    check(&place(), &said("/help"), "andy: Help");
    check(&place(), &said("/clear"), "andy: may not clear the conversation");
    check(&place().member_of("andy"), &said("/clear"), "andy: may not clear the conversation");
    let mut admin = place();
    admin.about.who = person(Standing { admin: true, ..none() });
    check(&admin, &said("@bot /clear"), "andy: Clear");
    check(&admin, &said("/clear it"), "andy: wakes");
    let strict = place().strangers(UnknownSenderPolicy::Strict);
    check(&strict, &said("/help"), "andy: refuses, unknown_sender; drop unknown_sender");
}

#[test]
fn agents_are_asked_by_priority_and_each_decides_for_itself() {
    let place = Place::of(&["andy", "betty", "carl"])
        .one("carl", |w| w.priority = 5)
        .one("andy", |w| w.engage = EngageMode::Mention)
        .one("betty", |w| w.senders = SenderScope::Known);
    let decided = shown(&place.route(&said("hello")));
    assert!(decided.starts_with("carl: wakes; "), "{decided}");
    assert!(decided.contains("andy: ignores") && decided.contains("drop sender_scope"));
}

#[test]
fn each_agent_has_a_session_of_its_own() {
    let place = Place::of(&["andy", "betty"]).each(|w| w.mode = SessionMode::PerThread);
    let keys: Vec<String> = place
        .route(&in_thread("hello"))
        .agents
        .into_iter()
        .filter_map(|one| match one.decision {
            Decision::Wake { session, .. } => Some(session.key),
            Decision::Keep(_)
            | Decision::Command(..)
            | Decision::Deny(..)
            | Decision::Refuse(_)
            | Decision::AskAboutSender
            | Decision::Ignore => None,
        })
        .collect();
    assert_eq!(keys.len(), 2);
    assert_ne!(keys.first(), keys.last());
}
