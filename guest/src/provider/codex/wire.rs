//! The lines between the app server and us: JSON-RPC without its version. PURE.
//!
//! Owns how a line is read and written. Knows nothing of what the methods mean.

use serde_json::{Value, json};

/// One line of the app server.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Line {
    /// Our request of that number is done.
    Answer(u64, Value),
    /// Our request of that number is not, and why.
    Refused(u64, String),
    /// It asks something, and waits for the answer with this id.
    Asks(Value, Told),
    /// It tells something.
    Tells(Told),
}

/// A method with what belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    pub(super) method: String,
    pub(super) params: Value,
}

/// Reads a line; `None` for one that is not of the protocol.
pub(super) fn read(line: &str) -> Option<Line> {
    let mut line: Value = serde_json::from_str(line).ok()?;
    let fields = line.as_object_mut()?;
    let id = fields.remove("id");
    let params = fields.remove("params").unwrap_or_default();
    match (fields.remove("method"), id) {
        (Some(Value::String(method)), Some(id)) => Some(Line::Asks(id, Told { method, params })),
        (Some(Value::String(method)), None) => Some(Line::Tells(Told { method, params })),
        (Some(_), _) => None,
        (None, id) => {
            let id = id.as_ref().and_then(Value::as_u64)?;
            match (fields.remove("result"), fields.get("error")) {
                (Some(result), None) => Some(Line::Answer(id, result)),
                (_, Some(error)) => Some(Line::Refused(id, text(error, "message").to_owned())),
                (None, None) => None,
            }
        }
    }
}

/// A request of ours.
pub(super) fn request(id: u64, method: &str, params: &Value) -> String {
    json!({ "id": id, "method": method, "params": params }).to_string()
}

/// Something that we tell.
pub(super) fn notice(method: &str) -> String {
    json!({ "method": method }).to_string()
}

/// The answer to a request of its own.
pub(super) fn answer(id: &Value, result: &Value) -> String {
    json!({ "id": id, "result": result }).to_string()
}

/// That a request of its own is not for us.
pub(super) fn refusal(id: &Value) -> String {
    let error = json!({ "code": -32601, "message": "nobody is there who could do that" });
    json!({ "id": id, "error": error }).to_string()
}

/// A field that is text, or nothing.
pub(super) fn text<'a>(of: &'a Value, field: &str) -> &'a str {
    of.get(field).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_an_answer_a_refusal_a_question_or_a_word() {
        let told = |method: &str| Told { method: method.to_owned(), params: json!({ "a": 1 }) };
        for (line, expected) in [
            (r#"{"id":3,"result":{}}"#, Some(Line::Answer(3, json!({})))),
            (
                r#"{"error":{"code":-32600,"message":"no"},"id":3}"#,
                Some(Line::Refused(3, "no".to_owned())),
            ),
            (r#"{"method":"m","id":0,"params":{"a":1}}"#, Some(Line::Asks(json!(0), told("m")))),
            (
                r#"{"method":"m","id":"x","params":{"a":1}}"#,
                Some(Line::Asks(json!("x"), told("m"))),
            ),
            (r#"{"method":"m","params":{"a":1}}"#, Some(Line::Tells(told("m")))),
            ("", None),
            ("[1]", None),
            ("{\"id\":3}", None),
            ("{\"id\":\"x\",\"result\":1}", None),
            ("{\"method\":3}", None),
            ("WARNING: something", None),
        ] {
            assert_eq!(read(line), expected, "{line}");
        }
    }

    #[test]
    fn what_we_say_is_one_line_each() {
        let params = json!({ "text": "a\nb" });
        for line in [
            request(1, "m", &params),
            notice("m"),
            answer(&json!(0), &params),
            refusal(&json!("x")),
        ] {
            assert!(!line.contains('\n') && line.starts_with('{'), "{line}");
        }
    }
}
