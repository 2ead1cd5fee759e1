//! What a script says. PURE.
//!
//! | play | answers with |
//! |---|---|
//! | `say:WORDS` | these words |
//! | `echo` | the last words of the person |
//! | `think:WORDS` | thoughts, then `done` |
//! | `run:COMMAND` | a call of the runtime's own shell tool |
//! | `call:TOOL:JSON` | a call of this tool with these arguments |
//! | `slow:COUNTxMS` | so many words, each after so many milliseconds |
//! | `flood:COUNT` | so many words as fast as they go |
//! | `err:STATUS[:SECONDS]` | this HTTP status, with `Retry-After` |
//! | `fail` | a few words, then the error that a stream may carry |
//! | `cut` | a few words, then the connection ends |
//! | `hang` | nothing, for as long as the client waits |
//!
//! `COUNT*PLAY` stands for the same play so many times: `2*err:529,say:there`.

use std::time::Duration;

use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::Value;

/// The most plays of one script: a loop that nobody meant ends here.
pub const MOST_PLAYS: usize = 1_000;

/// One answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Play {
    /// Words, each a delta of its own, with this pause before it.
    Say { words: Vec<String>, pause: Duration },
    /// The last words of the person.
    Echo,
    /// Thoughts.
    Think(String),
    /// A command for the runtime's own shell tool.
    Run(String),
    /// A tool by name.
    Call { tool: String, arguments: Value },
    /// A status instead of an answer.
    Error { status: u16, retry_after: Option<u64> },
    /// An error in the middle of the stream.
    Fail,
    /// The connection ends in the middle of the stream.
    Cut,
    /// No answer.
    Hang,
}

/// Why a script is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{play:?} is no play: {why}")]
pub struct NoPlay {
    play: String,
    why: &'static str,
}

/// Reads a script as it stands in a URL.
///
/// # Errors
/// Names the play that is none, and why.
pub fn parse(script: &str) -> Result<Vec<Play>, NoPlay> {
    let mut plays = Vec::new();
    for part in script.split(',') {
        let text = percent_decode_str(part).decode_utf8_lossy().into_owned();
        let (times, play) = times(&text);
        let play = one(play).map_err(|why| NoPlay { play: text.clone(), why })?;
        if plays.len().saturating_add(times) > MOST_PLAYS {
            return Err(NoPlay { play: text, why: "more than 1,000 plays" });
        }
        plays.extend(std::iter::repeat_n(play, times));
    }
    Ok(plays)
}

/// Words as they are streamed: each with the space behind it.
pub(crate) fn words(text: &str) -> Vec<String> {
    text.split_inclusive(' ').map(str::to_owned).collect()
}

fn times(text: &str) -> (usize, &str) {
    let counted = text.split_once('*').and_then(|(count, play)| Some((count.parse().ok()?, play)));
    counted.unwrap_or((1, text))
}

fn one(text: &str) -> Result<Play, &'static str> {
    let (name, rest) = text.split_once(':').map_or((text, None), |(name, rest)| (name, Some(rest)));
    match (name, rest) {
        ("say", Some(said)) => Ok(Play::Say { words: words(said), pause: Duration::ZERO }),
        ("echo", None) => Ok(Play::Echo),
        ("think", Some(thought)) => Ok(Play::Think(thought.to_owned())),
        ("run", Some(command)) => Ok(Play::Run(command.to_owned())),
        ("call", Some(call)) => call_of(call),
        ("slow", Some(pace)) => slow(pace),
        ("flood", Some(count)) => {
            let count = count.parse().map_err(|_| "flood:COUNT")?;
            Ok(Play::Say { words: numbered(count), pause: Duration::ZERO })
        }
        ("err", Some(error)) => error_of(error),
        ("fail", None) => Ok(Play::Fail),
        ("cut", None) => Ok(Play::Cut),
        ("hang", None) => Ok(Play::Hang),
        _ => Err("say: echo think: run: call: slow: flood: err: fail cut hang are known"),
    }
}

fn call_of(call: &str) -> Result<Play, &'static str> {
    let (tool, arguments) = call.split_once(':').ok_or("call:TOOL:JSON")?;
    let arguments = serde_json::from_str(arguments).map_err(|_| "the arguments are no JSON")?;
    Ok(Play::Call { tool: tool.to_owned(), arguments })
}

fn slow(pace: &str) -> Result<Play, &'static str> {
    let (count, millis) = pace.split_once('x').ok_or("slow:COUNTxMS")?;
    let count = count.parse().map_err(|_| "slow:COUNTxMS")?;
    let millis = millis.parse().map_err(|_| "slow:COUNTxMS")?;
    Ok(Play::Say { words: numbered(count), pause: Duration::from_millis(millis) })
}

fn error_of(error: &str) -> Result<Play, &'static str> {
    let (status, after) =
        error.split_once(':').map_or((error, None), |(status, after)| (status, Some(after)));
    let status = status.parse().map_err(|_| "err:STATUS")?;
    if !(400..600).contains(&status) {
        return Err("a status of an error is from 400 to 599");
    }
    let retry_after = after.map(str::parse).transpose().map_err(|_| "err:STATUS:SECONDS")?;
    Ok(Play::Error { status, retry_after })
}

fn numbered(count: u16) -> Vec<String> {
    (0..count).map(|n| format!("w{n} ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_a_list_of_plays() {
        let plays = parse("2*err:529:3,run:echo%20a%2Cb,say:it%20is%20done").unwrap();
        let overloaded = Play::Error { status: 529, retry_after: Some(3) };
        let said = vec!["it ".to_owned(), "is ".to_owned(), "done".to_owned()];
        assert_eq!(
            plays,
            [
                overloaded.clone(),
                overloaded,
                Play::Run("echo a,b".to_owned()),
                Play::Say { words: said, pause: Duration::ZERO },
            ]
        );
    }

    #[test]
    fn what_is_no_play_is_named() {
        for (script, why) in [
            ("sing", "are known"),
            ("err:200", "from 400 to 599"),
            ("call:ping", "call:TOOL:JSON"),
            ("call:ping:{", "no JSON"),
            ("slow:3", "slow:COUNTxMS"),
            ("2000*cut", "1,000"),
            ("", "are known"),
        ] {
            let refused = parse(script).unwrap_err().to_string();
            assert!(refused.contains(why), "{script}: {refused}");
        }
    }
}
