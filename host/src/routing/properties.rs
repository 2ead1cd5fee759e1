//! What holds for every message and every set of rules.

use std::collections::BTreeMap;

use proptest::prelude::*;
use schemas::policy::{EngageMode, SenderScope, SessionMode, UnknownSenderPolicy};

use super::{
    fixtures::{Place, none, person, said},
    *,
};
use crate::people::{Standing, Who};

const NAMES: [&str; 4] = ["andy", "betty", "carl", "dora"];

fn policy() -> impl Strategy<Value = UnknownSenderPolicy> {
    use UnknownSenderPolicy::{Public, RequestApproval, Strict};
    prop_oneof![Just(Public), Just(RequestApproval), Just(Strict)]
}

fn engage() -> impl Strategy<Value = (EngageMode, Option<String>)> {
    let pattern = prop_oneof![Just(None), "[a-z.()*+\\[]{0,8}".prop_map(Some)];
    prop_oneof![
        pattern.prop_map(|pattern| (EngageMode::Pattern, pattern)),
        Just((EngageMode::Mention, None)),
        Just((EngageMode::MentionSticky, None)),
    ]
}

fn mode() -> impl Strategy<Value = SessionMode> {
    use SessionMode::{AgentShared, PerThread, Shared};
    prop_oneof![Just(Shared), Just(PerThread), Just(AgentShared)]
}

prop_compose! {
    fn any_place()(
        unknown in policy(),
        denied in any::<(bool, bool)>(),
        rules in prop::collection::vec(
            (engage(), mode(), any::<(bool, bool, bool, bool)>(), -3_i64..3),
            0..=NAMES.len(),
        ),
        standing in 0..6_u8,
    ) -> Place {
        let mut place = Place::of(&NAMES[..rules.len()]).strangers(unknown);
        (place.room.denied, place.about.denied) = denied;
        let mut standings = none();
        for (wiring, rule) in place.wirings.iter_mut().zip(rules) {
            let ((engage, pattern), mode, (known, keeps, in_thread, member), priority) = rule;
            (wiring.engage, wiring.pattern, wiring.mode) = (engage, pattern, mode);
            wiring.priority = priority;
            wiring.senders = if known { SenderScope::Known } else { SenderScope::All };
            wiring.ignored = if keeps { IgnoredPolicy::Accumulate } else { IgnoredPolicy::Drop };
            if in_thread {
                place.about.in_thread.insert(wiring.agent.clone());
            }
            if member {
                standings.member_of.insert(wiring.agent.clone());
            }
        }
        place.about.who = match standing {
            0 => Who::Operator,
            1 => person(Standing { owner: true, ..none() }),
            2 => person(Standing { admin: true, ..none() }),
            3 | 4 => person(standings),
            _ => place.about.who,
        };
        place
    }
}

prop_compose! {
    fn any_message()(
        text in prop_oneof![
            "\\PC{0,40}",
            "(@(andy|betty|bot|x) ){0,2}/(help|clear|model|x)( [a-z]{1,4}){0,2}",
            "(hello|@andy|@betty|<@U1>|/| ){0,5}",
        ],
        mentioned in any::<bool>(),
        is_group in any::<bool>(),
        thread in prop::option::of("[a-z]{0,3}"),
    ) -> Inbound {
        let mut message = Inbound { mentioned, is_group, ..said(&text) };
        message.address.thread_id = thread;
        message
    }
}

fn by_agent(routed: &Routed) -> BTreeMap<AgentId, Decision> {
    routed.agents.iter().map(|one| (one.agent.clone(), one.decision.clone())).collect()
}

proptest! {
    #[test]
    fn what_is_refused_for_safety_is_neither_heard_nor_kept(
        place in any_place(),
        message in any_message(),
    ) {
        let routed = place.route(&message);
        for one in &routed.agents {
            let wiring = place.wirings.iter().find(|w| w.agent == one.agent).unwrap();
            let access = access(&place.about.who, &place.room, wiring, place.about.denied);
            let gets = matches!(
                one.decision,
                Decision::Wake { .. } | Decision::Keep(_) | Decision::Command(..) | Decision::Deny(..)
            );
            prop_assert!(!gets || access == Access::Heard, "{:?} {:?}", one.decision, access);
        }
    }

    #[test]
    fn no_order_of_rows_changes_a_decision(
        mut place in any_place(),
        message in any_message(),
        turn in 0..4_usize,
    ) {
        let before = place.route(&message);
        let many = place.wirings.len().max(1);
        place.wirings.rotate_left(turn % many);
        prop_assert_eq!(&place.route(&message), &before);
        // Priority chooses who is asked first, never what is decided.
        place.wirings.iter_mut().for_each(|wiring| wiring.priority = -wiring.priority);
        prop_assert_eq!(by_agent(&place.route(&message)), by_agent(&before));
    }

    #[test]
    fn whoever_does_not_get_a_message_that_was_for_us_is_accounted_for(
        place in any_place(),
        message in any_message(),
    ) {
        let routed = place.route(&message);
        let got = routed.agents.iter().any(|one| !matches!(one.decision, Decision::Ignore));
        let silent = place.wirings.is_empty() && (place.room.denied || !message.is_addressed());
        prop_assert!(got || silent || !routed.drops.is_empty());
    }

    #[test]
    fn no_text_and_no_pattern_panics(text in any::<String>(), pattern in any::<String>()) {
        drop(ChatCommand::read(&text));
        drop(engage::check_pattern(&pattern));
        drop(engage::named(&text, NAMES.into_iter()));
    }
}
