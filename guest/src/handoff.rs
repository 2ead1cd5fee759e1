//! What a model is told that goes on with a conversation which another one began. PURE.
//!
//! Owns its bounds and its words. What people said in it is escaped like everything that they say,
//! so that none of it passes for this text.

use crate::{limits, past::Past, written::escaped};

/// The last messages in both directions, and what was done already for the message that comes
/// next, by a try that broke off. Empty where there is neither.
#[must_use]
pub fn handoff(history: &[Past], done: &[String]) -> String {
    let mut parts = Vec::new();
    let last = history.get(history.len().saturating_sub(limits::HANDOFF_MESSAGES)..);
    let last = last.unwrap_or_default();
    if !last.is_empty() {
        let lines: Vec<String> =
            last.iter().map(|one| one.written(limits::HANDOFF_CHARS)).collect();
        parts.push(format!(
            "You go on with this conversation; you do not remember it, so here is how it went, \
             the oldest message first. What stands in <you> was said in your name. All of it is \
             over: answer only what follows after it.\n<history>\n{}\n</history>",
            lines.join("\n")
        ));
    }
    if !done.is_empty() {
        let lines: Vec<String> =
            done.iter().take(limits::HANDOFF_DONE).map(|one| line(one)).collect();
        let more = done.len().saturating_sub(lines.len());
        let more = if more > 0 { format!("\n(and {more} more)") } else { String::new() };
        parts.push(format!(
            "Somebody began to work on the message that follows, and broke off. This was done \
             for it already; look what came of it, and do not do it again:\n<done>\n{}{more}\n</done>",
            lines.join("\n")
        ));
    }
    parts.join("\n")
}

fn line(done: &str) -> String {
    let flat: Vec<&str> = done.split_whitespace().collect();
    let short: String = flat.join(" ").chars().take(limits::HANDOFF_DONE_CHARS).collect();
    format!("- {}", escaped(&short))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(count: i64) -> Vec<Past> {
        (0..count).map(|n| Past::own(2 * n + 1, &format!("words {n}"))).collect()
    }

    #[test]
    fn it_tells_the_last_messages_and_what_was_done_already() {
        let done = ["Bash: cargo test".to_owned(), "send_message:\n<b>".to_owned()];
        insta::assert_snapshot!(handoff(&said(2), &done), @r#"
        You go on with this conversation; you do not remember it, so here is how it went, the oldest message first. What stands in <you> was said in your name. All of it is over: answer only what follows after it.
        <history>
        <you number="1">
        words 0
        </you>
        <you number="3">
        words 1
        </you>
        </history>
        Somebody began to work on the message that follows, and broke off. This was done for it already; look what came of it, and do not do it again:
        <done>
        - Bash: cargo test
        - send_message: &lt;b&gt;
        </done>
        "#);
        assert_eq!(handoff(&[], &[]), "");
        let done = vec!["x".to_owned(); limits::HANDOFF_DONE + 5];
        assert!(handoff(&[], &done).contains("(and 5 more)"));
    }

    #[test]
    fn it_is_bounded_in_messages_and_in_each_of_them() {
        let told = handoff(&said(50), &[]);
        assert_eq!(told.matches("</you>").count(), limits::HANDOFF_MESSAGES);
        assert!(
            told.contains("words 49") && told.contains("words 30") && !told.contains("words 29")
        );
        let long = Past::own(1, &"ä".repeat(limits::HANDOFF_CHARS + 1));
        let told = handoff(&[long], &[]);
        assert_eq!(told.matches('ä').count(), limits::HANDOFF_CHARS);
        assert!(told.contains("ä…"));
    }

    proptest! {
        #[test]
        fn nothing_that_was_said_or_done_ends_its_place(
            texts in prop::collection::vec(any::<String>(), 1..4),
            done in prop::collection::vec(any::<String>(), 1..4),
        ) {
            let history: Vec<Past> = (1..).zip(&texts).map(|(n, text)| Past::own(n, text)).collect();
            let told = handoff(&history, &done);
            // One in the sentence, two of history, two of done, two for each message.
            prop_assert_eq!(told.matches('<').count(), 1 + 2 + 2 + 2 * texts.len());
            prop_assert_eq!(told.lines().filter(|line| line.starts_with("- ")).count() >= 1, true);
        }
    }
}
