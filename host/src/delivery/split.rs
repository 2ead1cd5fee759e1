//! PURE: one long text as several that a channel can take.
//!
//! Owns where it is cut: between paragraphs, else between lines, else between words, and within a
//! word only when nothing else is left. The same text is always cut in the same way, so that what
//! went out before a crash is not sent again.

use crate::channels::Body;

/// What of a post goes out in turn; a post that fits is one part.
#[must_use]
pub fn parts(body: Body, limit: Option<usize>) -> Vec<Body> {
    let Some(limit) = limit.map(|limit| limit.max(LEAST)) else { return vec![body] };
    match body {
        Body::Text(text) => cut(&text, limit).into_iter().map(Body::Text).collect(),
        // What does not fit into the changed message follows it.
        Body::Edit { of, text } => {
            let mut cut = cut(&text, limit).into_iter();
            let text = cut.next().unwrap_or_default();
            let rest = cut.map(Body::Text);
            std::iter::once(Body::Edit { of, text }).chain(rest).collect()
        }
        Body::Reaction { .. } | Body::Card(_) | Body::Question(..) => vec![body],
    }
}

/// Two code units are the longest character.
const LEAST: usize = 2;

fn cut(text: &str, limit: usize) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while width(rest) > limit {
        let fits = prefix(rest, limit);
        let at = seam(rest, fits);
        let (head, tail) = rest.split_at(at);
        let head = head.trim_end();
        if !head.is_empty() {
            parts.push(head.to_owned());
        }
        rest = tail.trim_start_matches('\n');
        // The blank at a seam goes with it; an indentation after a line's end does not.
        rest = rest.strip_prefix(' ').unwrap_or(rest);
    }
    if !rest.trim().is_empty() || parts.is_empty() {
        parts.push(rest.to_owned());
    }
    parts
}

/// UTF-16 code units: platforms count those or characters, and there are never fewer of these.
fn width(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Bytes of the longest beginning within the limit.
fn prefix(text: &str, limit: usize) -> usize {
    let mut units = 0;
    let past = text.char_indices().find(|(_, c)| {
        units += c.len_utf16();
        units > limit
    });
    past.map_or(text.len(), |(at, _)| at)
}

/// Where to cut within the first `fits` bytes. A seam so early that the part would be a scrap is
/// worse than a lesser one.
fn seam(text: &str, fits: usize) -> usize {
    // A seam right at the edge is one, too.
    let edge = text.get(fits..).is_some_and(|tail| tail.starts_with(['\n', ' ']));
    if edge {
        return fits;
    }
    let head = text.get(..fits).unwrap_or(text);
    let late = |at: &usize| *at >= fits / 4;
    let paragraph = head.rfind("\n\n").filter(late);
    let line = || head.rfind('\n').filter(late);
    let space = || head.rfind(' ').filter(|at| *at > 0);
    paragraph.or_else(line).or_else(space).unwrap_or(fits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use schemas::content::MessageRef;

    use super::*;
    use crate::channels::Of;

    #[track_caller]
    fn check(text: &str, limit: usize, expected: &[&str]) {
        assert_eq!(cut(text, limit), expected, "{text:?} at {limit}");
    }

    #[test]
    fn a_text_is_cut_at_paragraphs_then_lines_then_words_then_anywhere() {
        check("short", 10, &["short"]);
        check("one two\n\nthree four\nfive", 18, &["one two", "three four\nfive"]);
        check("one two\nthree four", 12, &["one two", "three four"]);
        check("one two three", 8, &["one two", "three"]);
        check("abcdefghij", 4, &["abcd", "efgh", "ij"]);
        check("a\n\nbcdefghijklm nop", 12, &["a\n\nbcdefghij", "klm nop"]);
        check("", 4, &[""]);
    }

    #[test]
    fn letters_of_two_units_are_not_cut_in_two() {
        check("🚀🚀🚀", 5, &["🚀🚀", "🚀"]);
        check("🚀🚀", 2, &["🚀", "🚀"]);
    }

    #[test]
    fn of_a_long_edit_the_rest_follows_as_a_message() {
        let of = Of { named: MessageRef::Seq(3), platform_id: None };
        let long = Body::Edit { of: of.clone(), text: "one two".to_owned() };
        let expected =
            vec![Body::Edit { of, text: "one".to_owned() }, Body::Text("two".to_owned())];
        assert_eq!(parts(long.clone(), Some(4)), expected);
        assert_eq!(parts(long.clone(), None), [long]);
    }

    proptest! {
        /// Nothing but blanks at the seams is lost, and every part fits.
        #[test]
        fn every_part_fits_and_no_word_is_lost(text in "[a-z🚀 \n]{0,200}", limit in 2_usize..40) {
            let parts = cut(&text, limit);
            prop_assert!(parts.iter().all(|part| width(part) <= limit), "{parts:?}");
            prop_assert!(parts.len() == 1 || parts.iter().all(|part| !part.trim().is_empty()));
            let letters = |text: &str| -> String {
                text.chars().filter(|c| !c.is_whitespace()).collect()
            };
            prop_assert_eq!(letters(&parts.concat()), letters(&text));
        }
    }
}
