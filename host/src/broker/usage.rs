//! What a call used and which model answered, read from the bytes of the answer as they pass. PURE.
//!
//! Owns one scanner for the three interfaces, streamed or not. It looks at each byte once, keeps a
//! few hundred of them whatever comes, and hands nothing back to the stream: it can neither delay
//! nor change it. What it does not understand it does not say. An answer is a stranger's word, so no
//! count is believed that no call can have.
//!
//! | where | what |
//! |---|---|
//! | `usage`, below `message` or `response` or at the top | Anthropic's and OpenAI's counts |
//! | `model`, likewise | the model |

use schemas::{limits::MAX_TOKENS, model_call::CallUsage};

use crate::limits::broker as limits;

mod json;

use json::{Found, Json, Key};

/// What an answer has said so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Said {
    pub(super) model: Option<String>,
    pub(super) usage: Option<CallUsage>,
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One JSON document.
    Whole,
    /// Server-sent events, each with a JSON document.
    Events,
}

impl Form {
    /// By the answer's content type; `None` is one that is not read.
    pub(super) fn of(content_type: &str) -> Option<Self> {
        let kind = content_type.split(';').next().unwrap_or_default().trim();
        if kind.eq_ignore_ascii_case("text/event-stream") {
            Some(Self::Events)
        } else if kind.eq_ignore_ascii_case("application/json") {
            Some(Self::Whole)
        } else {
            None
        }
    }
}

/// The scanner of one answer.
#[derive(Debug)]
pub(super) struct Scanner {
    form: Form,
    line: Line,
    json: Json,
    counts: Counts,
}

/// Where in a line of an event stream we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// So many bytes of `data:` were seen, and nothing else.
    Begins(usize),
    Data,
    Other,
}

const DATA: &[u8] = b"data:";

/// The counts in the words of whoever said them.
#[derive(Debug, Default)]
struct Counts {
    model: Option<String>,
    input: Option<u64>,
    output: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    /// What OpenAI says of a cache is part of its input.
    cached_input: Option<u64>,
}

impl Scanner {
    pub(super) fn new(form: Form) -> Self {
        Self { form, line: Line::Begins(0), json: Json::default(), counts: Counts::default() }
    }

    /// Looks at the next bytes.
    pub(super) fn look(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match self.form {
                Form::Whole => self.feed(*byte),
                Form::Events => self.event_byte(*byte),
            }
        }
    }

    /// What was said so far.
    pub(super) fn said(&self) -> Said {
        let counts = &self.counts;
        let known = [
            counts.input,
            counts.output,
            counts.cache_read,
            counts.cache_write,
            counts.cached_input,
        ];
        let cached = counts.cached_input.unwrap_or(0);
        let usage = CallUsage {
            input: counts.input.unwrap_or(0).saturating_sub(cached),
            output: counts.output.unwrap_or(0),
            cache_read: counts.cache_read.unwrap_or(0).max(cached),
            cache_write: counts.cache_write.unwrap_or(0),
        };
        let said = known.iter().any(Option::is_some);
        Said { model: counts.model.clone(), usage: said.then_some(usage) }
    }

    fn event_byte(&mut self, byte: u8) {
        if byte == b'\n' {
            match self.line {
                // An empty line ends an event: what was left open in it is left.
                Line::Begins(0) => self.json = Json::default(),
                Line::Data => self.feed(byte),
                Line::Begins(_) | Line::Other => {}
            }
            self.line = Line::Begins(0);
            return;
        }
        self.line = match self.line {
            Line::Begins(0) if byte == b'\r' => Line::Begins(0),
            Line::Begins(seen) if DATA.get(seen) == Some(&byte) => {
                if seen + 1 == DATA.len() {
                    Line::Data
                } else {
                    Line::Begins(seen + 1)
                }
            }
            Line::Begins(_) | Line::Other => Line::Other,
            Line::Data => {
                self.feed(byte);
                Line::Data
            }
        };
    }

    fn feed(&mut self, byte: u8) {
        let counts = &mut self.counts;
        self.json.byte(byte, &mut |path, found| counts.take(path, found));
    }
}

impl Counts {
    fn take(&mut self, path: &[Key], found: Found<'_>) {
        // Anthropic's first event has it below `message`, OpenAI's last one below `response`.
        let path = match path {
            [Key::Message | Key::Response, rest @ ..] => rest,
            whole => whole,
        };
        match (path, found) {
            ([Key::Model], Found::Text(text)) => {
                self.model = model(text).or_else(|| self.model.take());
            }
            ([Key::Usage, key], Found::Number(digits)) => self.count(*key, digits),
            ([Key::Usage, Key::InputDetails, Key::Cached], Found::Number(digits)) => {
                self.cached_input = tokens(digits).or(self.cached_input);
            }
            (_, Found::Number(_) | Found::Text(_)) => {}
        }
    }

    fn count(&mut self, key: Key, digits: &[u8]) {
        let place = match key {
            Key::Input => &mut self.input,
            Key::Output => &mut self.output,
            Key::CacheRead => &mut self.cache_read,
            Key::CacheWrite => &mut self.cache_write,
            Key::Message
            | Key::Response
            | Key::Usage
            | Key::Model
            | Key::InputDetails
            | Key::Cached
            | Key::Other => return,
        };
        *place = tokens(digits).or(*place);
    }
}

/// A count that a call can have.
fn tokens(digits: &[u8]) -> Option<u64> {
    let count: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (count <= MAX_TOKENS).then_some(count)
}

fn model(text: &[u8]) -> Option<String> {
    let plain = !text.is_empty() && text.iter().all(u8::is_ascii_graphic);
    let fits = plain && text.len() <= limits::MODEL_NAME_BYTES;
    fits.then(|| String::from_utf8_lossy(text).into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scan(form: Form, pieces: &[&[u8]]) -> Said {
        let mut scanner = Scanner::new(form);
        for piece in pieces {
            scanner.look(piece);
        }
        scanner.said()
    }

    /// Tokens in, out, read from a cache, kept in it.
    #[track_caller]
    fn check(form: Form, answer: &str, model: &str, counts: [u64; 4]) {
        let [input, output, cache_read, cache_write] = counts;
        let usage = CallUsage { input, output, cache_read, cache_write };
        let said = Said { model: Some(model.to_owned()), usage: Some(usage) };
        assert_eq!(scan(form, &[answer.as_bytes()]), said, "{answer}");
        let bytes: Vec<&[u8]> = answer.as_bytes().chunks(1).collect();
        assert_eq!(scan(form, &bytes), said, "byte by byte: {answer}");
    }

    #[test]
    fn anthropic_streams_it_at_both_ends() {
        check(
            Form::Events,
            "event: message_start\r\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\
             \"model\":\"claude-x\",\"content\":[],\"usage\":{\"input_tokens\":25,\
             \"cache_creation_input_tokens\":7,\"cache_read_input_tokens\":9,\"output_tokens\":1,\
             \"cache_creation\":{\"ephemeral_5m_input_tokens\":7}}}}\r\n\r\n\
             event: ping\ndata: {\"type\":\"ping\"}\n\n\
             event: content_block_delta\ndata: {\"delta\":{\"text\":\"\\\"usage\\\":{\\\"output_tokens\\\":9\"}}\n\n\
             event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{},\
             \"usage\":{\"output_tokens\":15,\"input_tokens\":null}}\n\n\
             event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
            "claude-x",
            [25, 15, 9, 7],
        );
    }

    #[test]
    fn openai_streams_it_last() {
        check(
            Form::Events,
            "event: response.created\ndata: {\"response\":{\"model\":\"gpt-x\",\"usage\":null}}\n\n\
             event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\
             \"model\":\"gpt-x\",\"output\":[{\"usage\":{\"input_tokens\":99},\"text\":\"}]\"}],\
             \"usage\":{\"input_tokens\":100,\"input_tokens_details\":{\"cached_tokens\":60},\
             \"output_tokens\":20,\"output_tokens_details\":{\"reasoning_tokens\":8},\
             \"total_tokens\":120}}}\n\n",
            "gpt-x",
            [40, 20, 60, 0],
        );
        check(
            Form::Events,
            "data: {\"model\":\"gpt-y\",\"choices\":[{\"delta\":{}}],\"usage\":null}\n\n\
             data: {\"model\":\"gpt-y\",\"choices\":[],\"usage\":{\"prompt_tokens\":10,\
             \"completion_tokens\":4,\"prompt_tokens_details\":{\"cached_tokens\":2}}}\n\n\
             data: [DONE]\n\n",
            "gpt-y",
            [8, 4, 2, 0],
        );
    }

    #[test]
    fn a_whole_answer_says_it_too() {
        check(
            Form::Whole,
            " {\n \"model\" : \"claude-x\" , \"usage\" : { \"input_tokens\" : 3 , \"output_tokens\":4 } }",
            "claude-x",
            [3, 4, 0, 0],
        );
        check(
            Form::Whole,
            "{\"usage\":{\"input_tokens\":5,\"output_tokens\":6},\"model\":\"gpt-x\"}",
            "gpt-x",
            [5, 6, 0, 0],
        );
    }

    #[test]
    fn an_event_may_be_written_over_several_lines() {
        let said = "data: {\"usage\":\ndata: {\"output_tokens\":\ndata: 7}}\n\n";
        assert_eq!(scan(Form::Events, &[said.as_bytes()]).usage.unwrap().output, 7);
    }

    #[test]
    fn what_no_call_can_have_used_is_not_believed() {
        for answer in [
            "{\"usage\":{\"input_tokens\":-4}}",
            "{\"usage\":{\"input_tokens\":1e9}}",
            "{\"usage\":{\"input_tokens\":1.5}}",
            "{\"usage\":{\"input_tokens\":99999999999999999999999999999}}",
            "{\"usage\":{\"input_tokens\":2000000000000}}",
            "{\"usage\":{\"input_tokens\":\"4\"}}",
            "{\"usage\":[{\"input_tokens\":4}]}",
            "{\"other\":{\"usage\":{\"input_tokens\":4}}}",
            "{\"usage\":{\"deep\":{\"input_tokens\":4}}}",
            "{\"model\":\"with space\"}",
            "{\"model\":\"\"}",
            "",
        ] {
            assert_eq!(scan(Form::Whole, &[answer.as_bytes()]), Said::default(), "{answer}");
        }
        let long = format!("{{\"model\":\"{}\"}}", "m".repeat(limits::MODEL_NAME_BYTES + 1));
        assert_eq!(scan(Form::Whole, &[long.as_bytes()]), Said::default());
    }

    #[test]
    fn depth_and_length_cost_nothing() {
        let deep = [vec![b'['; 1_000_000], vec![b'{'; 1_000_000], vec![b'}'; 3_000_000]].concat();
        scan(Form::Whole, &[&deep]);
        let text =
            format!("{{\"text\":\"{}\",\"usage\":{{\"output_tokens\":3}}}}", "x".repeat(1 << 20));
        assert_eq!(scan(Form::Whole, &[text.as_bytes()]).usage.unwrap().output, 3);
    }

    #[test]
    fn only_json_and_events_are_read() {
        assert_eq!(Form::of("text/event-stream; charset=utf-8"), Some(Form::Events));
        assert_eq!(Form::of("Application/JSON"), Some(Form::Whole));
        assert_eq!(Form::of("text/html"), None);
        assert_eq!(Form::of(""), None);
    }

    /// Bytes that often mean something to a scanner.
    fn hostile() -> impl Strategy<Value = Vec<u8>> {
        let words = [
            "data:",
            "\n",
            "\r\n",
            "\n\n",
            "{",
            "}",
            "[",
            "]",
            "\"",
            ":",
            ",",
            "\\",
            "\"usage\"",
            "\"message\"",
            "\"model\"",
            "\"input_tokens\"",
            "\"output_tokens\":7",
            "12",
            "-1",
            "null",
            "\u{e9}",
        ];
        let word = prop::sample::select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec());
        let piece = prop_oneof![4 => word, 1 => prop::collection::vec(any::<u8>(), 0..8)];
        prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn the_pieces_in_which_it_comes_change_nothing(
            bytes in hostile(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
            events in any::<bool>(),
        ) {
            let form = if events { Form::Events } else { Form::Whole };
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).collect();
            prop_assert_eq!(scan(form, &pieces), scan(form, &[&bytes]));
        }
    }
}
