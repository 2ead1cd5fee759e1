//! What an error of the engine means to us: away, hopeless or worth another try. Owns every
//! [`EngineError`] of this folder, so that messages and hints read alike.

use std::{error::Error, fmt, io, path::Path};

use bollard::errors::Error as BollardError;

use crate::engine::{
    EngineError, EngineErrorKind, endpoint::NotLocal, ownership::OwnershipError, refusal::Refusal,
};

/// What to do when nothing listens.
const START_AN_ENGINE: &str = "start Docker or Podman, or set DOCKER_HOST to its socket";

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
    matches!(status(error), Some(404)) || says(error, "is already in progress")
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
    let source: Box<dyn Error + Send + Sync> = tried.join("; ").into();
    EngineError {
        kind: EngineErrorKind::Unreachable,
        message: "no container engine answers".into(),
        hint: Some(START_AN_ENGINE.into()),
        source: Some(source),
    }
}

/// The whole chain in one line, for a notice.
pub(super) fn line(error: &EngineError) -> String {
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
