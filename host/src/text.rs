//! Every sentence that a person reads, beside the errors' own fragments.
//!
//! Owns wording only. One place, so that the same thing is called the same everywhere.

/// The guest program is not where it should be.
pub const NO_GUEST: &str = "the program lazaret-guest is not beside lazaret";

/// What to do about [`NO_GUEST`].
pub const NO_GUEST_HINT: &str =
    "build it, then put it there or name it by guest = \"…\" in lazaret.toml";

/// When a settings file cannot be read and nothing better is known.
pub const FILE_HINT: &str = "see the settings that `lazaret up --help` lists";

/// The nearest known words to one that is not known, or all of them when none is near.
#[must_use]
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    let near = known
        .clone()
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.chars().count() / 4)
        .min();
    match near {
        Some((_, candidate)) => format!("did you mean {candidate}?"),
        None => {
            let all: Vec<&str> = known.into_iter().collect();
            format!("known are {}", all.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_word_is_suggested_and_a_far_one_gets_the_list() {
        assert_eq!(did_you_mean("imgae", ["engine", "image"]), "did you mean image?");
        assert_eq!(did_you_mean("zebra", ["engine", "image"]), "known are engine, image");
    }
}
