//! File names that came from strangers, made safe. PURE.
//!
//! Owns the one rule, for files of both directions and for those that a person saves: whatever came
//! in, what comes out is a single path component of at most 255 bytes that no shell, file system or
//! reader of logs takes for anything else.

use crate::limits::MAX_NAME_BYTES;

/// The name under which attachment `n` (from 1) is written. A name that nothing is left of
/// becomes `attachment-<n>` with an extension by its media type.
#[must_use]
pub fn safe_name(name: Option<&str>, n: usize, mime: Option<&str>) -> String {
    let cleaned = name.map(clean).unwrap_or_default();
    if cleaned.is_empty() {
        return format!("attachment-{n}.{}", extension_for(mime));
    }
    let fitted = fit(&cleaned, "");
    // Cut, it may have become what it was not before.
    if is_reserved(&fitted) { fit(&format!("_{fitted}"), "") } else { fitted }
}

/// The same name with ` (copy)` before its extension, still within the limit.
#[must_use]
pub fn numbered_name(name: &str, copy: usize) -> String {
    fit(name, &format!(" ({copy})"))
}

fn clean(name: &str) -> String {
    // Whatever stands before the last separator was a folder on somebody's machine.
    let last = name.rsplit(is_separator).find(|part| !part.trim().is_empty()).unwrap_or_default();
    let visible: String = last
        .chars()
        .filter(|c| !c.is_control() && !is_invisible(*c))
        .map(|c| if is_wild(c) { '_' } else { c })
        .collect();
    let bare = visible
        .trim_start_matches(|c: char| is_dot(c) || c == '-' || c == '~' || c.is_whitespace())
        .trim_end_matches(|c: char| is_dot(c) || c.is_whitespace());
    if is_reserved(bare) { format!("_{bare}") } else { bare.to_owned() }
}

/// The separators of every system, and what looks like one or turns into one when normalised.
fn is_separator(c: char) -> bool {
    matches!(c, '/' | '\\' | '\u{2044}' | '\u{2215}' | '\u{29F8}' | '\u{FF0F}' | '\u{FF3C}')
}

/// The dot, and what turns into some when normalised.
fn is_dot(c: char) -> bool {
    matches!(c, '.' | '\u{2024}'..='\u{2026}' | '\u{FE52}' | '\u{FF0E}')
}

/// Characters that change how a name reads without being seen.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// Not names at all on some systems; wild cards and redirections in a shell.
fn is_wild(c: char) -> bool {
    matches!(c, ':' | '*' | '?' | '"' | '<' | '>' | '|')
}

/// Names of devices, with or without an extension, in any case.
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_uppercase();
    let numbered = ["COM", "LPT"].iter().any(|device| {
        stem.strip_prefix(device).is_some_and(|rest| {
            rest.chars().count() == 1 && rest.chars().all(|c| "0123456789¹²³".contains(c))
        })
    });
    numbered || ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].contains(&stem.as_str())
}

/// Longest extension that is kept when a name is cut; more is no extension.
const MAX_EXTENSION: usize = 32;

/// `stem + mark + extension`, the stem cut where it must be.
fn fit(name: &str, mark: &str) -> String {
    let (stem, extension) = match name.rfind('.') {
        Some(at) if at > 0 && name.len() - at <= MAX_EXTENSION => name.split_at(at),
        Some(_) | None => (name, ""),
    };
    let room = MAX_NAME_BYTES.saturating_sub(mark.len() + extension.len());
    let stem = stem.get(..stem.floor_char_boundary(room)).unwrap_or_default();
    let stem = if stem.len() < name.len() && extension.is_empty() && mark.is_empty() {
        stem.trim_end_matches(|c: char| is_dot(c) || c.is_whitespace())
    } else {
        stem
    };
    format!("{stem}{mark}{extension}")
}

fn extension_for(mime: Option<&str>) -> &'static str {
    let mime = mime.unwrap_or_default().to_ascii_lowercase();
    let bare = mime.split(';').next().unwrap_or_default().trim();
    EXTENSIONS.iter().find(|(known, _)| *known == bare).map_or("bin", |(_, extension)| extension)
}

const EXTENSIONS: [(&str, &str); 22] = [
    ("application/gzip", "gz"),
    ("application/json", "json"),
    ("application/pdf", "pdf"),
    ("application/zip", "zip"),
    ("audio/aac", "aac"),
    ("audio/mp4", "m4a"),
    ("audio/mpeg", "mp3"),
    ("audio/ogg", "ogg"),
    ("audio/wav", "wav"),
    ("audio/webm", "weba"),
    ("image/gif", "gif"),
    ("image/heic", "heic"),
    ("image/jpeg", "jpg"),
    ("image/png", "png"),
    ("image/svg+xml", "svg"),
    ("image/webp", "webp"),
    ("text/csv", "csv"),
    ("text/html", "html"),
    ("text/markdown", "md"),
    ("text/plain", "txt"),
    ("video/mp4", "mp4"),
    ("video/webm", "webm"),
];
