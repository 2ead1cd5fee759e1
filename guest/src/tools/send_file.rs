//! `send_file`: a file of the container, now.

use std::path::{Path, PathBuf};

use super::{
    given::{Field, Kind},
    spec::{After, Does, Spec},
};
use crate::{
    posting::Post,
    reply::{FileSource, OutFile, What},
};

pub(super) const SPEC: Spec = Spec {
    name: "send_file",
    about: "Sends a file from your machine right now: a report, a picture, a log. People cannot \
            see your files; this is the way to show them one. Returns the number of the message. \
            A file has at most 25 MiB.",
    fields: &[
        Field::needed(
            "path",
            Kind::Text,
            "where the file is; a relative path is below your working directory",
        ),
        Field::may(
            "to",
            Kind::Text,
            "a name that list_destinations shows; leave it out to answer here",
        ),
        Field::may("text", Kind::Text, "words that go with it"),
        Field::may("name", Kind::Text, "what people see as its name; its own otherwise"),
    ],
    example: r#"{"path": "out/report.pdf", "text": "The report."}"#,
    does: Does::Post(
        |given| {
            let path = PathBuf::from(given.words("path"));
            let own = path.file_name().map(|name| name.to_string_lossy().into_owned());
            let name = given.text("name").or(own).unwrap_or_default();
            let file = OutFile { name, source: FileSource::Path(path) };
            let what = What::Words(given.text("text").unwrap_or_default());
            Ok(Post { to: given.text("to"), what, files: vec![file] })
        },
        After::Sent,
    ),
};

/// Puts relative paths below the working directory, and looks whether the files can be sent.
///
/// # Errors
/// Why one cannot, for the model.
pub(super) fn find(post: &mut Post, work: &Path) -> Result<(), String> {
    for file in &mut post.files {
        let FileSource::Path(path) = &mut file.source else { continue };
        *path = work.join(&*path);
        let refused = |why: String| Err(format!("{} cannot be sent: {why}", path.display()));
        match std::fs::metadata(&*path) {
            Err(error) => return refused(error.to_string()),
            Ok(meta) if meta.is_dir() => {
                return refused("it is a folder; pack it into one file first".to_owned());
            }
            Ok(meta) if !meta.is_file() => return refused("it is not a regular file".to_owned()),
            Ok(meta) if meta.len() > crate::limits::FILE_BYTES => {
                return refused(format!("it has more than {} bytes", crate::limits::FILE_BYTES));
            }
            Ok(_) => {}
        }
    }
    Ok(())
}
