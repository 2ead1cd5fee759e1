//! PURE: whether an agent engages over a message.
//!
//! Owns patterns: they are compiled once, in linear time and bounded memory, and one that cannot be
//! compiled is refused when it is saved. Should one stand in the database all the same, its agent
//! does not engage.

use regex_automata::{
    meta::{BuildError, Config, Regex},
    util::syntax,
};
use schemas::policy::EngageMode;

use crate::{limits, store::WiringFact};

/// Why a pattern is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    /// It is long.
    #[error("the pattern has {0} bytes; at most {max} are taken", max = limits::route::PATTERN_BYTES)]
    TooLong(usize),
    /// It is no regular expression, or one that needs too much memory.
    #[error("{0}")]
    Wrong(String),
}

/// Says whether a pattern can be saved.
///
/// # Errors
/// Why it cannot; the words are for people.
pub fn check_pattern(pattern: &str) -> Result<(), BadPattern> {
    compile(pattern).map(drop)
}

/// Whether a message calls an agent, and by what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Called {
    /// It is mentioned, or alone with the sender.
    ByMention,
    /// It was called into the thread before.
    ByThread,
    /// It is not.
    Not,
}

/// When an agent engages, ready to be asked.
#[derive(Debug, Clone)]
pub(super) enum Engage {
    /// Always.
    Always,
    /// When the text matches.
    Matching(Regex),
    /// When it is mentioned.
    Mention,
    /// The same, and in its threads.
    Sticky,
    /// Its pattern cannot be used.
    Never,
}

impl Engage {
    pub(super) fn of(wiring: &WiringFact) -> Self {
        match (wiring.engage, &wiring.pattern) {
            (EngageMode::Mention, _) => Self::Mention,
            (EngageMode::MentionSticky, _) => Self::Sticky,
            (EngageMode::Pattern, None) => Self::Always,
            (EngageMode::Pattern, Some(pattern)) => {
                compile(pattern).map_or(Self::Never, Self::Matching)
            }
        }
    }

    /// Whether the agent engages over a text.
    pub(super) fn engages(&self, text: &str, called: Called) -> bool {
        match self {
            Self::Always => true,
            Self::Matching(regex) => regex.is_match(beginning(text)),
            Self::Mention => called == Called::ByMention,
            Self::Sticky => called != Called::Not,
            Self::Never => false,
        }
    }
}

fn compile(pattern: &str) -> Result<Regex, BadPattern> {
    if pattern.len() > limits::route::PATTERN_BYTES {
        return Err(BadPattern::TooLong(pattern.len()));
    }
    let memory = limits::route::PATTERN_MEMORY;
    let config = Config::new()
        .nfa_size_limit(Some(memory))
        .hybrid_cache_capacity(memory)
        // Both pay only over long texts, and cost more than the rest of a room that is asked for the
        // first time.
        .auto_prefilter(false)
        .onepass(false);
    Regex::builder()
        .configure(config)
        .syntax(syntax::Config::new().nest_limit(limits::route::PATTERN_DEPTH))
        .build(pattern)
        .map_err(|error| BadPattern::Wrong(reason(&error)))
}

/// What is wrong with a pattern, with its place where there is one.
fn reason(error: &BuildError) -> String {
    if error.size_limit().is_some() {
        return format!(
            "it is too large: it may take {} KiB of memory",
            limits::route::PATTERN_MEMORY / 1024
        );
    }
    error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string)
}

/// As much of a text as rules look at.
#[must_use]
pub fn beginning(text: &str) -> &str {
    text.split_at(text.floor_char_boundary(limits::route::RULE_TEXT_BYTES)).0
}

/// Which of these names stand in a text as `@name`; letters of either case.
pub(super) fn named<'n>(text: &str, names: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let text = beginning(text);
    if !text.contains('@') {
        return Vec::new();
    }
    let said: Vec<&str> = text.split('@').skip(1).map(word).collect();
    names.filter(|name| said.iter().any(|word| word.eq_ignore_ascii_case(name))).collect()
}

/// The name at the start of a text: what an agent's name may be made of.
fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
    text.split_at(end.unwrap_or(text.len())).0.trim_end_matches('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_cannot_be_used_is_refused_with_the_reason() {
        assert_eq!(check_pattern("."), Ok(()));
        assert_eq!(check_pattern("(?i)deploy|roll ?back"), Ok(()));
        assert!(check_pattern("(").unwrap_err().to_string().contains("unclosed group"));
        assert!(check_pattern("a{1000}{1000}").unwrap_err().to_string().contains("too large"));
        assert!(matches!(check_pattern(&"x".repeat(5_000)), Err(BadPattern::TooLong(5_000))));
        assert!(check_pattern(&"(".repeat(900)).is_err());
    }

    #[test]
    fn a_pattern_that_would_take_for_ever_elsewhere_takes_no_time() {
        let engage = Engage::Matching(compile("^(a+)+$").unwrap());
        let text = format!("{}b", "a".repeat(limits::route::RULE_TEXT_BYTES));
        // What follows the beginning is not looked at, so the `b` does not count.
        assert!(engage.engages(&text, Called::Not));
    }

    #[test]
    fn names_are_whole_words_behind_an_at() {
        let known = ["andy", "an", "betty-2"];
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(named(text, known.into_iter()), expected, "{text}");
        };
        check("@andy hello", &["andy"]);
        check("(@Andy), @betty-2!", &["andy", "betty-2"]);
        check("@andyx @betty-22 andy", &[]);
        check("mail an@home, @an.", &["an"]);
        check("thanks @andy- and @", &["andy"]);
        check("", &[]);
    }
}
