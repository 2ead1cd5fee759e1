//! Paths of the socket's routes. PURE.

use std::fmt::Write;

use super::Since;

/// Any text as one segment of a path or one value of a query.
#[must_use]
pub fn segment(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _written = write!(encoded, "%{byte:02X}").is_ok();
        }
        encoded
    })
}

/// The route of an agent's stream.
pub(super) fn stream(agent: &str, from: &Since) -> String {
    let params = [
        from.thread.as_deref().map(|thread| format!("thread={}", segment(thread))),
        from.after.map(|after| format!("after={after}")),
        from.last.map(|last| format!("last={last}")),
    ];
    let params: Vec<String> = params.into_iter().flatten().collect();
    let route = format!("/v1/agents/{}/stream", segment(agent));
    if params.is_empty() { route } else { format!("{route}?{}", params.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_becomes_one_segment() {
        assert_eq!(segment("andy"), "andy");
        assert_eq!(segment("a/b c?é"), "a%2Fb%20c%3F%C3%A9");
        // A segment of dots alone would be taken for a step in the path by some servers; ours
        // looks at whole segments only, so it reaches the route as a name.
        assert_eq!(segment(".."), "..");
    }

    #[test]
    fn a_stream_asks_only_for_what_was_said() {
        assert_eq!(stream("andy", &Since::default()), "/v1/agents/andy/stream");
        let from = Since { thread: Some("t 1".to_owned()), after: Some(-3), last: Some(10) };
        assert_eq!(stream("a", &from), "/v1/agents/a/stream?thread=t%201&after=-3&last=10");
    }
}
