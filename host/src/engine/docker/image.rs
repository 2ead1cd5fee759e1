//! Imports the built-in image. Never pulls: an image that somebody names is somebody's to bring.

use bollard::query_parameters::CreateImageOptions;
use futures_util::TryStreamExt;

use super::{connect::Connection, fault};
use crate::engine::{EngineError, base_image::BaseImage};

/// Imports the image unless it is there. The caller holds the import lock, so that it happens
/// once however many containers wait for it.
pub(super) async fn import(connection: &Connection, base: &BaseImage) -> Result<(), EngineError> {
    if connection.docker.inspect_image(&base.reference).await.is_ok() {
        return Ok(());
    }
    // The tag goes with the name: Podman ignores the parameter for it.
    let options = CreateImageOptions {
        from_src: Some("-".into()),
        repo: Some(base.reference.clone()),
        ..Default::default()
    };
    let body = bollard::body_full(base.tar.clone().into());
    connection
        .docker
        .create_image(Some(options), Some(body), None)
        .try_for_each(async |_progress| Ok(()))
        .await
        .map_err(|error| fault::failed("import the built-in image", error))
}
