//! What is said of a person who is erased.

use crate::admin::erase::Erased;

/// What the host may not change, whoever asks.
const NOT_OURS: [&str; 3] = [
    "what others wrote about them, and what tasks were told to do",
    "copies of the central database (the next days replace them) and backups",
    "what the platforms themselves keep",
];

/// What went, what did not, and what would have to be done about that.
#[must_use]
pub fn erased(name: &str, what: &Erased) -> String {
    let mut lines = vec![if what.dry_run {
        format!("nothing is erased yet; this of {name} would go:")
    } else if what.failed.is_empty() {
        format!("erased {name}:")
    } else {
        format!("{name} is not erased yet; what went so far:")
    }];
    let mut counted = vec![
        (what.messages, "messages, in their place stands [erased]"),
        (what.with_files, "of them with files"),
    ];
    if let Some(central) = &what.central {
        counted.extend([
            (central.answers, "answers to agents' questions"),
            (central.names, "names on platforms"),
            (central.roles, "roles"),
            (central.refusals, "notes of what they were refused"),
            (central.asked, "things that were asked about them"),
            (central.renamed, "rows that must stay, and say their id instead of their name"),
        ]);
    }
    let counted = counted.iter().filter(|(count, _)| *count > 0);
    lines.extend(counted.map(|(count, of)| format!("  {count} {of}")));
    for (session, why) in &what.failed {
        lines.push(format!("could not look through {session}: {why}"));
    }
    if !what.failed.is_empty() {
        lines.push("mend those (lazaret doctor), and ask for it again".to_owned());
    }
    lines.push("not touched:".to_owned());
    lines.extend(what.sessions.iter().map(|session| {
        format!("  what the agent itself wrote and remembers (replies, transcripts) in {session}")
    }));
    lines.extend(NOT_OURS.iter().map(|what| format!("  {what}")));
    lines.join("\n")
}
