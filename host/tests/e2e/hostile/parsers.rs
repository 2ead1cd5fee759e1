//! Whatever a guest, a platform or a file says is read or refused: nothing panics, and what is let
//! through is within bounds.
//!
//! The same cases at every run; `PROPTEST_CASES` makes more of them, `PROPTEST_RNG_SEED` others.

use host::{
    admin,
    delivery::{Wish, permit::Reach, wish},
    draft::Draft,
    limits,
    routing::{ChatCommand, engage::check_pattern},
};
use jiff::Timestamp;
use proptest::{collection, prelude::*, sample, test_runner::RngSeed};
use schemas::{
    admin::{NewAgent, SendMessage},
    ids::{MessageId, SessionId},
    message::{Address, Kind, OutboundRow},
};

fn cases() -> ProptestConfig {
    let asked = ProptestConfig::default();
    let rng_seed = match asked.rng_seed {
        RngSeed::Random => RngSeed::Fixed(4),
        chosen @ RngSeed::Fixed(_) => chosen,
    };
    ProptestConfig { rng_seed, ..asked }
}

/// JSON with the contract's words and any values.
fn content() -> impl Strategy<Value = String> {
    let words = vec![
        "text",
        "files",
        "type",
        "questionId",
        "question",
        "options",
        "label",
        "value",
        "title",
        "operation",
        "messageId",
        "emoji",
        "action",
        "args",
        "name",
        "requestId",
        "prompt",
        "apt",
        "npm",
        "command",
        "env",
        "room",
        "agent",
        "fields",
    ];
    let values = prop_oneof![
        any::<String>().prop_map(|text| serde_json::json!(text)),
        sample::select(vec![
            "ask_question",
            "card",
            "edit",
            "reaction",
            "admin",
            "create_agent",
            "request_destination",
            "install_packages",
            "add_mcp_server",
        ])
        .prop_map(|word| serde_json::json!(word)),
        any::<i64>().prop_map(|number| serde_json::json!(number)),
        collection::vec(any::<String>(), 0..40).prop_map(|list| serde_json::json!(list)),
        Just(serde_json::json!({ "a": [null] })),
    ];
    let object = collection::btree_map(sample::select(words), values, 0..8);
    prop_oneof![
        4 => object.prop_map(|map| serde_json::json!(map).to_string()),
        1 => any::<String>(),
    ]
}

fn address() -> impl Strategy<Value = Option<Address>> {
    let word =
        || prop_oneof![Just("terminal".to_owned()), Just("lobby".to_owned()), any::<String>()];
    proptest::option::of((word(), word(), proptest::option::of(word())).prop_map(
        |(channel_type, platform_id, thread_id)| Address { channel_type, platform_id, thread_id },
    ))
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn no_row_of_a_guests_reaches_a_place_that_it_was_not_given(
        text in content(), address in address(), id in "[^\\x00]{1,40}",
        kind in sample::select(vec![Kind::Chat, Kind::ChatSdk, Kind::System, Kind::Task]),
    ) {
        let here = Address {
            channel_type: "terminal".to_owned(),
            platform_id: "lobby".to_owned(),
            thread_id: None,
        };
        let reach =
            Reach { default: Some(here.clone()), rooms: vec![here], ..Reach::default() };
        let row = OutboundRow {
            id: MessageId::parse(&id).unwrap(),
            seq: 3,
            in_reply_to: None,
            deliver_after: None,
            kind,
            address,
            content: text,
            run: None,
            written_at: None,
        };
        match wish(&SessionId::mint(Timestamp::UNIX_EPOCH), &row, &reach) {
            Wish::Post(post) => prop_assert_eq!(
                (post.address.channel_type.as_str(), post.address.platform_id.as_str()),
                ("terminal", "lobby")
            ),
            Wish::Act(named, _) | Wish::NoAct(named, _) => {
                prop_assert!(named == id || named.len() <= limits::action::GUEST_ID_BYTES);
            }
            Wish::Refuse(why) => prop_assert!(!why.is_empty()),
        }
    }

    #[test]
    fn no_words_make_the_operators_grammar_panic(
        words in collection::vec(
            prop_oneof![
                any::<String>(),
                sample::select(vec![
                    "agents", "create", "list", "set", "--name", "--", "-h", "--help", "roles",
                    "grant", "tasks", "approvals", "show", "--prompt=x", "sessions", "reset",
                ]).prop_map(str::to_owned),
            ],
            0..12,
        ),
        text in any::<String>(),
    ) {
        drop(admin::parse(&words));
        drop(ChatCommand::read(&text));
        drop(check_pattern(&text));
        drop(serde_json::from_str::<NewAgent>(&text));
    }

    #[test]
    fn a_body_of_the_socket_is_a_bounded_message_or_refused(
        text in any::<String>(), thread in proptest::option::of(any::<String>()),
        times in 0_usize..2_000, body in collection::vec(any::<u8>(), 0..400),
    ) {
        drop(serde_json::from_slice::<SendMessage>(&body));
        let message = SendMessage { text: text.repeat(times), thread, ..SendMessage::default() };
        let empty = message.text.trim().is_empty();
        if let Ok(draft) = Draft::of(message) {
            prop_assert!(!empty && draft.text.len() <= limits::MESSAGE_TEXT_BYTES);
        }
    }
}
