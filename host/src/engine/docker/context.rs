//! The endpoint of the Docker context in use, from the client's own settings. Reads two small
//! files and writes nothing; whatever is missing or odd there means "no context".

use std::{fs, path::Path};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::engine::{base_image::hex, endpoint::Places};

#[derive(Deserialize)]
struct ClientConfig {
    #[serde(rename = "currentContext")]
    current_context: Option<String>,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(rename = "Endpoints")]
    endpoints: Endpoints,
}

#[derive(Deserialize)]
struct Endpoints {
    docker: Endpoint,
}

#[derive(Deserialize)]
struct Endpoint {
    #[serde(rename = "Host")]
    host: String,
}

/// The address in the chosen context; `None` when no context or the default one is chosen.
pub(super) fn endpoint(places: &Places) -> Option<String> {
    let folder = places.docker_config.as_deref()?;
    let name = places
        .docker_context
        .clone()
        .filter(|name| !name.is_empty())
        .or_else(|| read::<ClientConfig>(&folder.join("config.json"))?.current_context)
        .filter(|name| name != "default" && !name.is_empty())?;
    // The client names the folder by the digest of the context's name.
    let id = hex(&Sha256::digest(name));
    let meta: Meta = read(&folder.join("contexts/meta").join(id).join("meta.json"))?;
    Some(meta.endpoints.docker.host)
}

fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_current_context_says_where_the_engine_is() {
        let home = tempfile::tempdir().unwrap();
        let places = Places { docker_config: Some(home.path().into()), ..Places::default() };
        assert_eq!(endpoint(&places), None);

        fs::write(home.path().join("config.json"), r#"{"currentContext":"mine"}"#).unwrap();
        assert_eq!(endpoint(&places), None, "a context without its file is no context");

        let meta = home.path().join("contexts/meta").join(hex(&Sha256::digest("mine")));
        fs::create_dir_all(&meta).unwrap();
        let text = r#"{"Name":"mine","Endpoints":{"docker":{"Host":"unix:///mine.sock"}}}"#;
        fs::write(meta.join("meta.json"), text).unwrap();
        assert_eq!(endpoint(&places).as_deref(), Some("unix:///mine.sock"));

        let chosen = Places { docker_context: Some("default".into()), ..places };
        assert_eq!(endpoint(&chosen), None);
    }
}
