//! What a model gives to a tool: the fields, their schema, and what is wrong with them. PURE.
//!
//! Owns that schema and check are one table, and that a mistake is answered in words that a model
//! can mend it by: which field, what was expected, what came instead, and an example.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::limits;

/// One argument of a tool.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) needed: bool,
    /// For the model.
    pub(super) about: &'static str,
}

/// What an argument is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Text,
    Number,
    Flag,
    /// A list of texts.
    Texts,
    /// An object whose values are texts.
    Map,
    /// A list of `{"name", "value"}`.
    Pairs,
    /// One of these words.
    Word(&'static [&'static str]),
}

impl Field {
    pub(super) const fn needed(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { name, kind, needed: true, about }
    }

    pub(super) const fn may(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { name, kind, needed: false, about }
    }
}

/// Arguments that passed the check.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Given(Map<String, Value>);

impl Given {
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).and_then(Value::as_str).map(str::to_owned)
    }

    /// A text that is needed, so it is there.
    pub(super) fn words(&self, name: &str) -> String {
        self.text(name).unwrap_or_default()
    }

    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.0.get(name).and_then(Value::as_i64)
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        let list = self.0.get(name).and_then(Value::as_array).into_iter().flatten();
        list.filter_map(|one| one.as_str().map(str::to_owned)).collect()
    }

    pub(super) fn map(&self, name: &str) -> BTreeMap<String, String> {
        let map = self.0.get(name).and_then(Value::as_object).into_iter().flatten();
        map.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
    }

    pub(super) fn pairs(&self, name: &str) -> Vec<(String, String)> {
        let part = |one: &Value, name: &str| {
            one.get(name).and_then(Value::as_str).map(str::to_owned).unwrap_or_default()
        };
        let list = self.0.get(name).and_then(Value::as_array).into_iter().flatten();
        list.map(|one| (part(one, "name"), part(one, "value"))).collect()
    }
}

/// The JSON Schema of a tool's arguments.
pub(super) fn schema(fields: &[Field]) -> Map<String, Value> {
    let one = |field: &Field| {
        let mut schema = field.kind.schema();
        schema.insert("description".to_owned(), field.about.into());
        (field.name.to_owned(), Value::Object(schema))
    };
    let properties: Map<String, Value> = fields.iter().map(one).collect();
    let needed: Vec<&str> = fields.iter().filter(|one| one.needed).map(|one| one.name).collect();
    object(&json!({
        "type": "object",
        "properties": properties,
        "required": needed,
        "additionalProperties": false,
    }))
}

/// Checks what was given.
///
/// # Errors
/// With everything that is wrong, in words.
pub(super) fn read(fields: &[Field], given: &Map<String, Value>) -> Result<Given, String> {
    let mut wrong: Vec<String> = Vec::new();
    let mut kept = Map::new();
    for (name, value) in given {
        let Some(field) = fields.iter().find(|field| field.name == name) else {
            wrong.push(unknown(fields, name));
            continue;
        };
        if value.is_null() && !field.needed {
            continue;
        }
        match field.kind.wants(value) {
            None if field.needed && value.as_str().is_some_and(|text| text.trim().is_empty()) => {
                wrong.push(format!("{name:?} must not be empty"));
            }
            None => drop(kept.insert(name.clone(), value.clone())),
            Some(wanted) => wrong.push(format!("{name:?} must be {wanted}, not {}", said(value))),
        }
    }
    let missing = fields.iter().filter(|field| field.needed && !given.contains_key(field.name));
    wrong.extend(missing.map(|field| {
        format!("{:?} is missing: {}, {}", field.name, field.kind.named(), field.about)
    }));
    if wrong.is_empty() { Ok(Given(kept)) } else { Err(wrong.join("; ")) }
}

impl Kind {
    fn named(self) -> String {
        match self {
            Self::Text => "a text".to_owned(),
            Self::Number => "a whole number".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::Texts => "a list of texts".to_owned(),
            Self::Map => "an object whose values are texts".to_owned(),
            Self::Pairs => r#"a list of objects {"name": …, "value": …}"#.to_owned(),
            Self::Word(words) => format!("one of {}", words.join(", ")),
        }
    }

    /// What it must be instead; `None` when it is.
    fn wants(self, value: &Value) -> Option<String> {
        let text = |value: &Value| value.as_str().is_some_and(is_short);
        let few = |list: &Vec<Value>| list.len() <= limits::TOOL_ITEMS;
        let pair = |value: &Value| {
            let fields = value.as_object();
            fields.is_some_and(|fields| {
                fields.len() == 2
                    && ["name", "value"].iter().all(|name| fields.get(*name).is_some_and(text))
            })
        };
        let fits = match self {
            Self::Text => text(value),
            Self::Number => value.is_i64(),
            Self::Flag => value.is_boolean(),
            Self::Texts => value.as_array().is_some_and(|list| few(list) && list.iter().all(text)),
            Self::Map => value
                .as_object()
                .is_some_and(|map| map.len() <= limits::TOOL_ITEMS && map.values().all(text)),
            Self::Pairs => value.as_array().is_some_and(|list| few(list) && list.iter().all(pair)),
            Self::Word(words) => value.as_str().is_some_and(|word| words.contains(&word)),
        };
        let long = value.as_str().is_some_and(|text| !is_short(text));
        (!fits).then(|| {
            if long {
                format!("at most {} bytes long (send a file instead)", limits::TOOL_TEXT_BYTES)
            } else {
                self.named()
            }
        })
    }

    fn schema(self) -> Map<String, Value> {
        let text = json!({"type": "string"});
        object(&match self {
            Self::Text => text,
            Self::Number => json!({"type": "integer"}),
            Self::Flag => json!({"type": "boolean"}),
            Self::Texts => json!({"type": "array", "items": text}),
            Self::Map => json!({"type": "object", "additionalProperties": text}),
            Self::Pairs => json!({"type": "array", "items": {
                "type": "object",
                "properties": {"name": text, "value": text},
                "required": ["name", "value"],
            }}),
            Self::Word(words) => json!({"type": "string", "enum": words}),
        })
    }
}

fn is_short(text: &str) -> bool {
    text.len() <= limits::TOOL_TEXT_BYTES
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn unknown(fields: &[Field], name: &str) -> String {
    let name: String = name.chars().take(limits::NAME_CHARS).collect();
    let known: Vec<&str> = fields.iter().map(|field| field.name).collect();
    if known.is_empty() {
        return format!("there is no {name:?}: this tool takes no arguments");
    }
    format!("there is no {name:?}: the arguments are {}", known.join(", "))
}

/// What came, so that it is recognised.
fn said(value: &Value) -> String {
    let what = match value {
        Value::Null => return "null".to_owned(),
        Value::Bool(_) => "the boolean",
        Value::Number(_) => "the number",
        Value::String(_) => "the text",
        Value::Array(_) => "the list",
        Value::Object(_) => "the object",
    };
    let shown = value.to_string();
    let short: String = shown.chars().take(limits::NAME_CHARS).collect();
    let more = if short.len() < shown.len() { "…" } else { "" };
    format!("{what} {short}{more}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIELDS: &[Field] = &[
        Field::needed("text", Kind::Text, "what is said"),
        Field::may("number", Kind::Number, "which"),
        Field::may("often", Kind::Flag, "whether"),
        Field::may("list", Kind::Texts, "several"),
        Field::may("env", Kind::Map, "variables"),
        Field::may("fields", Kind::Pairs, "lines"),
        Field::may("how", Kind::Word(&["once", "all"]), "how"),
    ];

    fn read_json(given: &Value) -> Result<Given, String> {
        read(FIELDS, given.as_object().unwrap())
    }

    #[test]
    fn a_mistake_names_the_field_what_it_must_be_and_what_came() {
        let wrong = |given: Value| read_json(&given).unwrap_err();
        insta::assert_snapshot!(
            wrong(json!({"text": 3})),
            @r#""text" must be a text, not the number 3"#
        );
        insta::assert_snapshot!(
            wrong(json!({"text": " ", "number": "3rd", "to": "x"})),
            @r#""number" must be a whole number, not the text "3rd"; "text" must not be empty; there is no "to": the arguments are text, number, often, list, env, fields, how"#
        );
        insta::assert_snapshot!(
            wrong(json!({"how": "never", "list": ["a", 1]})),
            @r#""how" must be one of once, all, not the text "never"; "list" must be a list of texts, not the list ["a",1]; "text" is missing: a text, what is said"#
        );
        let long = "x".repeat(limits::TOOL_TEXT_BYTES + 1);
        assert!(wrong(json!({"text": long})).contains("send a file instead"));
        assert!(wrong(json!({"text": "a", "fields": [{"name": "a"}]})).contains("fields"));
    }

    #[test]
    fn what_fits_is_read_and_nothing_given_for_what_may_be_left_out_is_nothing() {
        let given = read_json(&json!({
            "text": "a", "number": 3, "often": true, "list": ["b"], "env": {"K": "v"},
            "fields": [{"name": "n", "value": "v"}], "how": null,
        }))
        .unwrap();
        assert_eq!((given.words("text"), given.number("number")), ("a".to_owned(), Some(3)));
        assert_eq!((given.flag("often"), given.texts("list")), (true, vec!["b".to_owned()]));
        assert_eq!(given.map("env")["K"], "v");
        assert_eq!(given.pairs("fields"), [("n".to_owned(), "v".to_owned())]);
        assert_eq!(given.text("how"), None);
    }

    /// Any JSON, with the names of fields among its keys.
    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 6, |inner| {
            let key = prop_oneof![
                prop::sample::select(vec!["text", "number", "list", "env", "fields", "how"])
                    .prop_map(str::to_owned),
                any::<String>(),
            ];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(key, inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_is_given_is_answered(given in any_json()) {
            if let Some(given) = given.as_object()
                && let Err(wrong) = read(FIELDS, given)
            {
                prop_assert!(!wrong.is_empty());
            }
        }
    }
}
