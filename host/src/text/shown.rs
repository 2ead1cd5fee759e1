//! What strangers wrote, as people are shown it. PURE.
//!
//! Owns the one rule: nothing in it moves a terminal's cursor, turns the text around, hides itself,
//! or begins a line that looks like one of ours. What would is shown as its code instead.

use crate::limits;

/// Text that may have several lines, where others cannot be faked by them.
#[must_use]
pub fn block(text: &str) -> String {
    escaped(text, |c| matches!(c, '\n' | '\t'))
}

/// Text that has one line.
#[must_use]
pub fn line(text: &str) -> String {
    escaped(text, |_| false)
}

/// One line of a table: cut, so that it pushes nothing else out of sight.
#[must_use]
pub fn cell(text: &str) -> String {
    let most = limits::admin::CELL_CHARS;
    // An escape is longer than what it stands for.
    cut(&line(&cut(text, most)), most)
}

/// An id in a sentence: as it is where it is plainly one, else as a name.
#[must_use]
pub fn id(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._:@+-/#=".contains(c);
    let short = text.chars().count() <= limits::admin::CELL_CHARS;
    if short && !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    name(text)
}

/// What somebody calls themselves or a room, in a sentence: in quotes, and cut.
#[must_use]
pub fn name(text: &str) -> String {
    line(&format!("{:?}", cut(text, limits::admin::NAME_CHARS)))
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn escaped(text: &str, spared: impl Fn(char) -> bool) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        if !spared(c) && (c.is_control() || is_hidden(c)) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
        shown
    })
}

/// Breaks lines, turns text or has no shape of its own. Without the joiner and the selectors that
/// emojis are made of.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180e}' | '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_that_strangers_write_moves_the_cursor_or_turns_the_text() {
        assert_eq!(block("a\u{1b}[2Jb\u{202e}c\nd\r"), "a\\u{1b}[2Jb\\u{202e}c\nd\\u{d}");
        assert_eq!(line("a\nb\u{2028}c"), "a\\u{a}b\\u{2028}c");
        assert_eq!(line("grüße 👩\u{200d}👧 ❤\u{fe0f}"), "grüße 👩\u{200d}👧 ❤\u{fe0f}");
    }

    #[test]
    fn an_id_that_reads_like_a_sentence_is_quoted() {
        assert_eq!(id("slack:C1/t-1"), "slack:C1/t-1");
        assert_eq!(id("C1 to an agent"), "\"C1 to an agent\"");
        assert_eq!(id(""), "\"\"");
        assert_eq!(id("a\"\n\u{202e}"), "\"a\\\"\\n\\u{202e}\"");
    }

    #[test]
    fn a_cell_is_cut() {
        let most = limits::admin::CELL_CHARS;
        assert_eq!(cell(&"x".repeat(most)).chars().count(), most);
        for long in ["x", "\u{1b}", "é"] {
            let shown = cell(&long.repeat(4_096));
            assert!(shown.chars().count() <= most + 1 && shown.ends_with('…'), "{shown}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_written_one_line_stays_one_line(
            text in prop_oneof![any::<String>(), "[\\n\\r\\u{202e}\\u{85}a]{0,40}"],
        ) {
            for shown in [line(&text), cell(&text), id(&text), name(&text)] {
                prop_assert!(!shown.chars().any(|c| c.is_control() || is_hidden(c)), "{shown:?}");
            }
            prop_assert!(!block(&text).chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
        }
    }
}
