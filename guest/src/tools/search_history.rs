//! `search_history`: what was said in this conversation before.

use super::{
    desk::Seat,
    given::{Field, Given, Kind},
    spec::{Does, Spec},
};
use crate::{
    limits,
    past::{self, Past},
};

pub(super) const SPEC: Spec = Spec {
    name: "search_history",
    about: "Looks through what was said in this conversation before, by others and by you, also \
            what you do not remember any more. Returns the messages that hold most of the words, \
            the newest first among equals: number, who, when, where, and the text, cut where it is \
            long. Without \"words\" it returns the newest ones.",
    fields: &[
        Field::may("words", Kind::Text, "words to look for; no syntax, case does not matter"),
        Field::may("limit", Kind::Number, "how many messages at most; 10 otherwise"),
    ],
    example: r#"{"words": "invoice march", "limit": 5}"#,
    does: Does::Look(look),
};

fn look(given: &Given, seat: &Seat) -> Result<String, String> {
    let limit = given.number("limit").map_or(limits::FOUND_USUALLY, |limit| {
        usize::try_from(limit).unwrap_or(1).clamp(1, limits::FOUND_MOST)
    });
    let mut all = past::read(&seat.dir, &seat.zone, limits::SEARCHED_ROWS)
        .map_err(|error| format!("the history cannot be read just now ({error}); try again"))?;
    // What is worked on now is known already.
    all.retain(|one| one.number() < seat.begins);
    let found = rank(&given.text("words").unwrap_or_default(), &all, limit);
    if found.is_empty() {
        return Ok(format!("Nothing was found in the last {} messages.", all.len()));
    }
    let shown: Vec<String> = found.iter().map(|one| one.written(limits::FOUND_CHARS)).collect();
    Ok(shown.join("\n"))
}

/// Those that hold most of the words, in the order in which they come; of `all`, oldest first.
fn rank<'p>(words: &str, all: &'p [Past], limit: usize) -> Vec<&'p Past> {
    let words: Vec<String> =
        words.split_whitespace().take(limits::SEARCH_WORDS).map(str::to_lowercase).collect();
    let score = |one: &Past| {
        let text = one.searched().to_lowercase();
        words.iter().filter(|word| text.contains(word.as_str())).count()
    };
    let mut found: Vec<(usize, &Past)> = all.iter().rev().map(|one| (score(one), one)).collect();
    found.retain(|(score, _)| *score > 0 || words.is_empty());
    // Stable, so the newest stay first among equals.
    found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    found.into_iter().take(limit).map(|(_, one)| one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(number: i64, text: &str) -> Past {
        Past::own(number, text)
    }

    #[track_caller]
    fn check(words: &str, limit: usize, expected: &[i64]) {
        let all = [own(1, "The invoice of March"), own(3, "an INVOICE"), own(5, "lunch?")];
        let found: Vec<i64> = rank(words, &all, limit).iter().map(|one| one.number()).collect();
        assert_eq!(found, expected, "{words}");
    }

    #[test]
    fn most_words_come_first_and_the_newest_among_equals() {
        check("invoice march", 9, &[1, 3]);
        check("invoice", 9, &[3, 1]);
        check("invoice", 1, &[3]);
        check("nothing", 9, &[]);
        check(" ", 2, &[5, 3]);
    }
}
