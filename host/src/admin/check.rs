//! What is refused when it is saved, with the reason and what would be right. PURE.

use schemas::{admin::NewAgent, policy::ChainEntry};

use crate::{
    error::{ErrorKind, HostError, Result},
    limits,
    routing::engage::check_pattern,
};

/// An empty text clears a setting.
pub(super) fn text(given: String) -> Option<String> {
    Some(given).filter(|text| !text.is_empty())
}

/// A regular expression over which an agent engages.
pub(super) fn pattern(pattern: &str) -> Result<()> {
    match check_pattern(pattern) {
        Ok(()) => Ok(()),
        Err(error) => Err(HostError::new(ErrorKind::Invalid, format!("{pattern:?} is no pattern"))
            .because(error)
            .hint(
                "a regular expression without look-around and back-references, such as (?i)^hey",
            )),
    }
}

/// A name of a-z, 0-9 and `-`, as agents and destinations have.
pub(super) fn name(what: &str, name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits = !name.is_empty()
        && name.len() <= limits::NAME_BYTES
        && name.chars().all(plain)
        && !name.starts_with('-');
    if fits {
        return Ok(());
    }
    Err(HostError::new(ErrorKind::Invalid, format!("{name:?} is no name for {what}"))
        .hint(format!("up to {} of a-z, 0-9 and -, not beginning with -", limits::NAME_BYTES)))
}

/// An agent that can work.
///
/// # Errors
/// What cannot be, and what would be right.
pub(crate) fn agent(new: &NewAgent) -> Result<()> {
    name("an agent", &new.name)?;
    provider(&new.provider)?;
    new.fallbacks.iter().try_for_each(|entry| provider(&entry.provider))?;
    if new.fallbacks.len() > limits::admin::FALLBACKS {
        let what = format!("{} fallbacks", new.fallbacks.len());
        let hint = format!("at most {}", limits::admin::FALLBACKS);
        return Err(HostError::new(ErrorKind::Invalid, what).hint(hint));
    }
    let bounds = [
        ("memory", new.memory_bytes, limits::LEAST_MEMORY_BYTES),
        ("cpus", new.milli_cpus.map(u64::from), u64::from(limits::LEAST_MILLI_CPUS)),
        ("pids", new.pids.map(u64::from), u64::from(limits::LEAST_PIDS)),
    ];
    for (what, asked, least) in bounds {
        if asked.is_some_and(|asked| asked < least) {
            return Err(HostError::new(
                ErrorKind::Invalid,
                format!("{what} is too small for a guest: at least {least}"),
            ));
        }
    }
    new.work_dir.as_deref().map_or(Ok(()), work_dir)
}

fn provider(word: &str) -> Result<()> {
    if limits::PROVIDERS.contains(&word) {
        return Ok(());
    }
    Err(HostError::new(ErrorKind::NotFound, format!("no provider {word:?}"))
        .hint(format!("known providers: {}", limits::PROVIDERS.join(", "))))
}

/// One that is asked after the first, as it is typed: `PROVIDER` or `PROVIDER:MODEL`.
pub(super) fn chain_entry(typed: &str) -> std::result::Result<ChainEntry, String> {
    let (provider, model) = match typed.split_once(':') {
        Some((provider, model)) => (provider, Some(model)),
        None => (typed, None),
    };
    if provider.is_empty() || model.is_some_and(str::is_empty) {
        return Err("PROVIDER or PROVIDER:MODEL".to_owned());
    }
    Ok(ChainEntry { provider: provider.to_owned(), model: model.map(str::to_owned) })
}

/// All of them; `none` takes back what was said before it.
pub(super) fn chain(typed: Vec<ChainEntry>) -> Vec<ChainEntry> {
    let nobody = typed.iter().rposition(|entry| entry.provider == "none");
    typed.into_iter().skip(nobody.map_or(0, |at| at + 1)).collect()
}

/// A platform's word: a channel or the id of a room.
pub(super) fn platform_word(what: &str, word: &str) -> Result<()> {
    let fits = !word.is_empty()
        && word.len() <= limits::admin::PLATFORM_ID_BYTES
        && !word.chars().any(char::is_control);
    if fits {
        return Ok(());
    }
    let hint =
        format!("up to {} bytes without control characters", limits::admin::PLATFORM_ID_BYTES);
    Err(HostError::new(ErrorKind::Invalid, format!("{word:?} is no {what}")).hint(hint))
}

/// A folder inside the container in which an agent may work.
pub(super) fn work_dir(dir: &str) -> Result<()> {
    let refused = |why: &str| {
        Err(HostError::new(ErrorKind::Invalid, format!("{dir:?} is no working folder: {why}"))
            .hint("a folder of the container: /workspace/work, /workspace/agent, or below them"))
    };
    if dir.chars().any(char::is_control) {
        return refused("it holds a control character");
    }
    if dir.split('/').any(|part| part == ".." || part == ".") {
        return refused("it holds . or ..");
    }
    let below = ["/workspace/work", "/workspace/agent"].iter().any(|root| {
        dir.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    if below { Ok(()) } else { refused("it lies outside of what an agent may write") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_working_folder_lies_where_the_agent_may_write() {
        for good in ["/workspace/work", "/workspace/agent", "/workspace/work/repo/a b"] {
            assert!(work_dir(good).is_ok(), "{good}");
        }
        let bad =
            ["", "work", "/", "/etc", "/workspace", "/workspace/workshop", "/workspace/work/../.."];
        for bad in bad {
            let refused = work_dir(bad).unwrap_err();
            assert_eq!(refused.kind, ErrorKind::Invalid, "{bad}");
            assert!(refused.hint_text().is_some());
        }
    }

    #[test]
    fn a_name_is_one_that_a_folder_can_have() {
        assert!(name("an agent", "andy-2").is_ok());
        for bad in ["", "-a", "A", "a/b", "..", "é", &"x".repeat(limits::NAME_BYTES + 1)] {
            assert!(name("an agent", bad).is_err(), "{bad}");
        }
    }
}
