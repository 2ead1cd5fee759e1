//! What an error of the engine means to us: away, hopeless or worth another try. Owns every
//! [`EngineError`] of this folder, so that messages and hints read alike.

use std::{error::Error, fmt, io, path::Path};

use bollard::errors::Error as BollardError;

use crate::engine::{
    EngineError, EngineErrorKind, endpoint::NotLocal, ownership::OwnershipError, refusal::Refusal,
};

/// What to do when nothing listens.
const START_AN_ENGINE: &str = "start Docker or Podman, or set DOCKER_HOST to its socket";

/// What to do when something listens and does not let us in.
const JOIN_ITS_GROUP: &str = "join the group that owns the engine's socket (usually docker) and \
                              log in again, or use a rootless engine";

/// The error of a call, in the words of what was being done.
pub(super) fn failed(doing: impl fmt::Display, source: BollardError) -> EngineError {
    let kind = kind_of(&source);
    let hint = match kind {
        EngineErrorKind::Unreachable => Some(START_AN_ENGINE.to_owned()),
        EngineErrorKind::Permanent | EngineErrorKind::Transient => None,
    };
    EngineError { kind, message: format!("cannot {doing}"), hint, source: Some(Box::new(source)) }
}

/// The status that the engine answered with, if it answered.
pub(super) fn status(error: &BollardError) -> Option<u16> {
    if let BollardError::DockerResponseServerError { status_code, .. } = error {
        Some(*status_code)
    } else {
        None
    }
}

/// Whether the engine says that the container is gone, or is on its way out.
pub(super) fn is_gone(error: &BollardError) -> bool {
    matches!(status(error), Some(404))
        || says(error, "is already in progress")
        // Podman, when it goes while it is looked at.
        || (matches!(status(error), Some(500)) && says(error, "no such container"))
}

/// Whether the engine says that the container does not run.
pub(super) fn is_not_running(error: &BollardError) -> bool {
    matches!(status(error), Some(409 | 500))
        && (says(error, "not running") || says(error, "state improper"))
}

/// Whether the name that we chose is taken.
pub(super) fn is_name_taken(error: &BollardError) -> bool {
    matches!(status(error), Some(409 | 500)) && says(error, "already in use")
}

/// Whether the image is missing.
pub(super) fn is_image_missing(error: &BollardError) -> bool {
    matches!(status(error), Some(404 | 500))
        && (says(error, "no such image") || says(error, "image not known"))
}

pub(super) fn image_missing(image: &str, source: BollardError) -> EngineError {
    let message = format!("the engine has no image {image:?}");
    let hint = format!("build or pull it with the engine's own client: docker pull {image}");
    permanent(message, Some(hint), Some(Box::new(source)))
}

pub(super) fn name_taken(name: &str) -> EngineError {
    let hint = format!("another program made it: look with docker inspect {name}, and remove it");
    permanent(
        format!("the name {name:?} is taken by a container that is not ours"),
        Some(hint),
        None,
    )
}

pub(super) fn still_there(container: &str) -> EngineError {
    EngineError {
        kind: EngineErrorKind::Transient,
        message: format!("the engine does not finish removing the container {container}"),
        hint: None,
        source: None,
    }
}

pub(super) fn refused(refusal: Refusal) -> EngineError {
    let hint = Some(refusal.hint().to_owned());
    permanent("the container is refused".into(), hint, Some(Box::new(refusal)))
}

pub(super) fn not_local(refusal: NotLocal) -> EngineError {
    let hint = Some(NotLocal::HINT.to_owned());
    permanent("the engine cannot be used".into(), hint, Some(Box::new(refusal)))
}

pub(super) fn folders(source: OwnershipError) -> EngineError {
    let kind = kind_of_io(&source.source);
    let message = "cannot prepare the session's folders".to_owned();
    EngineError { kind, message, hint: None, source: Some(Box::new(source)) }
}

pub(super) fn own_files(source: io::Error) -> EngineError {
    let kind = kind_of_io(&source);
    let message = "cannot write the files that containers get".to_owned();
    EngineError { kind, message, hint: None, source: Some(Box::new(source)) }
}

pub(super) fn guest_missing(path: &Path, source: io::Error) -> EngineError {
    let hint = "install lazaret-guest beside lazaret, or name it with guest = in the config";
    let message = format!("cannot read the guest binary {}", path.display());
    permanent(message, Some(hint.into()), Some(Box::new(source)))
}

/// None of the sockets answers; `tried` are the reasons, one a socket.
pub(super) fn nobody_answers(tried: &[String]) -> EngineError {
    let tried = tried.join("; ");
    let hint = if tried.contains("Permission denied") { JOIN_ITS_GROUP } else { START_AN_ENGINE };
    EngineError {
        kind: EngineErrorKind::Unreachable,
        message: "no container engine answers".into(),
        hint: Some(hint.into()),
        source: Some(tried.into()),
    }
}

/// The whole chain in one line, for a notice.
pub(super) fn line(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

fn permanent(
    message: String,
    hint: Option<String>,
    source: Option<Box<dyn Error + Send + Sync>>,
) -> EngineError {
    EngineError { kind: EngineErrorKind::Permanent, message, hint, source }
}

fn kind_of(error: &BollardError) -> EngineErrorKind {
    let away = matches!(
        error,
        BollardError::IOError { .. }
            | BollardError::HyperResponseError { .. }
            | BollardError::HyperLegacyError { .. }
            | BollardError::SocketNotFoundError(_)
    );
    if away {
        return EngineErrorKind::Unreachable;
    }
    match status(error) {
        // Somebody removed it between two of our calls.
        Some(404) if says(error, "no such container") => EngineErrorKind::Transient,
        Some(code) if code < 500 => EngineErrorKind::Permanent,
        // A runtime that cannot start this container says so with 500; the same text will come
        // the next time.
        Some(_) if says(error, "bind source path does not exist") || says(error, "executable") => {
            EngineErrorKind::Permanent
        }
        Some(_) | None => EngineErrorKind::Transient,
    }
}

/// A full disk ends; a refused right does not until somebody acts.
fn kind_of_io(error: &io::Error) -> EngineErrorKind {
    if error.kind() == io::ErrorKind::StorageFull {
        EngineErrorKind::Transient
    } else {
        EngineErrorKind::Permanent
    }
}

/// Engines tell their cases apart only in prose.
fn says(error: &BollardError, words: &str) -> bool {
    if let BollardError::DockerResponseServerError { message, .. } = error {
        message.to_lowercase().contains(words)
    } else {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status_code: u16, message: &str, expected: EngineErrorKind) {
        let error =
            BollardError::DockerResponseServerError { status_code, message: message.into() };
        assert_eq!(failed("start the container", error).kind, expected);
    }

    #[test]
    fn what_follows_from_an_answer_depends_on_who_must_act() {
        use EngineErrorKind::{Permanent, Transient};
        check(400, "bind source path does not exist: /x", Permanent);
        check(500, "bind source path does not exist: /x", Permanent);
        check(404, "No such container: abc", Transient);
        check(404, "No such image: abc", Permanent);
        check(500, "no space left on device", Transient);
    }

    #[test]
    fn a_container_that_goes_while_it_is_looked_at_is_gone() {
        let gone = |status_code, message: &str| {
            let message = message.to_owned();
            is_gone(&BollardError::DockerResponseServerError { status_code, message })
        };
        assert!(gone(500, "container 9d does not exist in database: no such container"));
        assert!(!gone(500, "no such file or directory"));
    }

    #[test]
    fn an_engine_that_hangs_is_another_try_and_one_that_is_away_is_waited_for() {
        let hangs = failed("list the containers", BollardError::RequestTimeoutError);
        assert_eq!(hangs.kind, EngineErrorKind::Transient);
        let away = BollardError::SocketNotFoundError("/x".into());
        let away = failed("list the containers", away);
        assert_eq!(away.kind, EngineErrorKind::Unreachable);
        insta::assert_snapshot!(line(&away), @r"
        cannot list the containers: Socket not found: /x
        ");
    }

    #[test]
    fn a_closed_door_has_another_hint_than_an_empty_house() {
        let closed = nobody_answers(&["/var/run/docker.sock: Permission denied".into()]);
        assert_eq!(closed.hint.as_deref(), Some(JOIN_ITS_GROUP));
        assert_eq!(nobody_answers(&[]).hint.as_deref(), Some(START_AN_ENGINE));
    }
}
