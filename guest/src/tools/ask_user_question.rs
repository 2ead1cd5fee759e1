//! `ask_user_question`: a question that waits for a person.

use schemas::content::{Question, QuestionOption};

use super::{
    given::{Field, Kind},
    spec::{After, Does, Spec},
};
use crate::{limits, posting::Post, reply::What};

pub(super) const SPEC: Spec = Spec {
    name: "ask_user_question",
    about: "Asks a person something that you cannot go on without: a decision, a choice, a word \
            that only they know. It returns at once. The answer comes to you as a message of its \
            own, perhaps days later, so say what you wait for and end your turn. For small things \
            ask in your answer instead.",
    fields: &[
        Field::needed("question", Kind::Text, "the whole question; people see nothing else of it"),
        Field::may(
            "options",
            Kind::Texts,
            "what can be chosen, shown as buttons where there are some; leave it out to let them answer in their own words",
        ),
        Field::may("title", Kind::Text, "a few words above it"),
        Field::may(
            "to",
            Kind::Text,
            "a name that list_destinations shows; leave it out to ask here",
        ),
    ],
    example: r#"{"question": "Which branch shall I release?", "options": ["main", "next"]}"#,
    does: Does::Post(
        |given| {
            let options = given.texts("options");
            let fits = |option: &String| {
                !option.trim().is_empty()
                    && option.len() <= limits::OPTION_BYTES
                    && !option.chars().any(char::is_control)
            };
            if options.len() > limits::OPTIONS || !options.iter().all(fits) {
                return Err(format!(
                    "\"options\" are at most {} lines of at most {} bytes each, none of them empty",
                    limits::OPTIONS,
                    limits::OPTION_BYTES
                ));
            }
            let option = |word: String| QuestionOption {
                label: word.clone(),
                value: word,
                selected_label: None,
            };
            let question = Question {
                // Its row's.
                question_id: String::new(),
                title: given.text("title").unwrap_or_default(),
                question: given.words("question"),
                options: options.into_iter().map(option).collect(),
            };
            Ok(Post { to: given.text("to"), what: What::Ask(question), files: Vec::new() })
        },
        After::Question,
    ),
};
