//! PURE: what somebody chose.

use schemas::content::Question;

/// What a text chooses of a question's options: a number as shown, a label or a value. A question
/// without options takes any text, when it is given as its answer.
#[must_use]
pub fn choose(question: &Question, text: &str) -> Option<String> {
    let text = text.trim();
    if question.options.is_empty() {
        return (!text.is_empty()).then(|| text.to_owned());
    }
    let by = |matches: &dyn Fn(usize, &schemas::content::QuestionOption) -> bool| {
        let mut options = question.options.iter().enumerate();
        options.find(|(index, option)| matches(*index, option)).map(|(_, one)| one.value.clone())
    };
    let same = |word: &str| word.trim().to_lowercase() == text.to_lowercase();
    // A value or label that is a number itself means itself.
    by(&|_, option| option.value == text)
        .or_else(|| by(&|_, option| same(&option.label) || same(&option.value)))
        .or_else(|| by(&|index, _| text == (index + 1).to_string()))
}

/// What a message in a chat answers to a question: an option by itself, any text behind `/answer`.
#[must_use]
pub fn said_in_chat(question: &Question, text: &str) -> Option<String> {
    let text = text.trim();
    match text.strip_prefix("/answer").filter(|rest| rest.starts_with(char::is_whitespace)) {
        Some(rest) => choose(question, rest),
        None if question.options.is_empty() => None,
        None => choose(question, text),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use schemas::content::QuestionOption;

    use super::*;

    fn question(options: &[(&str, &str)]) -> Question {
        let option = |(label, value): &(&str, &str)| QuestionOption {
            label: (*label).to_owned(),
            value: (*value).to_owned(),
            selected_label: None,
        };
        Question {
            question_id: "q1".to_owned(),
            title: String::new(),
            question: "Which?".to_owned(),
            options: options.iter().map(option).collect(),
        }
    }

    #[test]
    fn an_option_is_chosen_by_its_number_label_or_value_and_by_nothing_else() {
        let which = question(&[("Blue sky", "blue"), ("Red", "red"), ("3 o'clock", "1")]);
        for (text, chosen) in [
            ("blue", Some("blue")),
            ("blue SKY", Some("blue")),
            (" 2 ", Some("red")),
            ("1", Some("1")),
            ("3", Some("1")),
            ("/answer red", Some("red")),
            ("4", None),
            ("red please", None),
            ("/answers red", None),
            ("", None),
        ] {
            assert_eq!(said_in_chat(&which, text).as_deref(), chosen, "{text:?}");
        }
    }

    #[test]
    fn a_question_without_options_takes_what_is_said_as_its_answer_only() {
        let open = question(&[]);
        assert_eq!(said_in_chat(&open, "by the way"), None);
        assert_eq!(said_in_chat(&open, "/answer by noon ").as_deref(), Some("by noon"));
        assert_eq!(said_in_chat(&open, "/answer "), None);
    }

    proptest! {
        #[test]
        fn what_is_chosen_is_an_option(labels in prop::collection::vec("[a-c1-3]{1,2}", 1..4), text in "[a-c1-4 /]{0,4}") {
            let pairs: Vec<(&str, &str)> = labels.iter().map(|l| (l.as_str(), l.as_str())).collect();
            if let Some(value) = said_in_chat(&question(&pairs), &text) {
                prop_assert!(labels.contains(&value));
            }
        }

        #[test]
        fn any_words_choose_an_option_or_nothing(
            labels in prop::collection::vec(any::<String>(), 0..4), text in any::<String>(),
            which in any::<prop::sample::Index>(),
        ) {
            let pairs: Vec<(&str, &str)> = labels.iter().map(|l| (l.as_str(), l.as_str())).collect();
            let asked = question(&pairs);
            let named = if labels.is_empty() { &text } else { which.get(&labels) };
            for words in [text.clone(), format!("/answer {text}"), named.clone()] {
                let chosen = said_in_chat(&asked, &words);
                prop_assert!(labels.is_empty() || chosen.is_none_or(|value| labels.contains(&value)));
            }
        }
    }
}
