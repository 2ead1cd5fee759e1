//! The host's log as programs read it: one JSON object a line, each with all that is needed to
//! find the conversation that it is about.

use std::collections::BTreeSet;

use crate::live_host::LiveHost;

#[tokio::test]
async fn every_line_about_a_session_names_it_once_and_every_message_has_its_id() {
    let mut host = LiveHost::new().with_agent("andy").await;
    for text in ["one", "!fail final no key"] {
        host.lazaret(&["send", "andy", text, "--wait"]).await;
    }
    // Its guest dies; waiting for the retries would take minutes.
    host.lazaret(&["send", "andy", "!exit 3"]).await;
    host.logs("container ended").await;
    let session = host.session_dir("andy").await;
    let session = session.root().file_name().unwrap().to_str().unwrap().to_owned();
    assert!(host.terminate().await.success());
    let mut seen = BTreeSet::new();
    for (line, text) in host.log_lines().iter().zip(host.log().lines()) {
        let message = line["message"].as_str().expect(text);
        assert_eq!(text.matches("\"message\":").count(), 1, "{text}");
        assert!(line.get("spans").is_none(), "{text}");
        let about_session = !["host::cli", "host::serve", "host::daemon", "host::gateway"]
            .iter()
            .any(|part| line["target"].as_str().unwrap().starts_with(part));
        if about_session {
            let span = &line["span"]["session"];
            assert!(span == &session || line["session"] == session, "{text}");
            assert!(span.is_null() || line.get("session").is_none(), "{text}");
        }
        if ["message kept", "delivered"].contains(&message) {
            assert!(line["message_id"].as_str().unwrap().starts_with("msg-"), "{text}");
        }
        seen.insert(message.to_owned());
    }
    for expected in ["message kept", "container started", "delivered", "run settled"] {
        assert!(seen.contains(expected), "{expected} is not logged: {seen:?}");
    }
}
