//! The engine, what it enforces, the guest program, and containers that belong to nobody.

use std::{os::unix::fs::PermissionsExt, path::Path, process::Stdio, time::Duration};

use schemas::{
    CONTRACT_VERSION,
    admin::Status,
    ids::InstallId,
    time::{Clock, SystemClock},
};
use sha2::{Digest, Sha256};
use tokio::process::Command;

use super::Finding;
use crate::{
    client::Client,
    config::Config,
    engine::{Engine, docker::DockerEngine},
    error::HostError,
    limits,
    store::SessionHealth,
    text::doctor as text,
};

const TOPIC: &str = "engine";
const GUEST: &str = "guest";

/// What an unknown program gets to say its version.
const ANSWER: Duration = Duration::from_secs(5);

pub(super) fn guest(config: &Config) -> Vec<Finding> {
    let Ok(path) = config.guest() else {
        let finding = Finding::problem(GUEST, crate::text::NO_GUEST);
        return vec![finding.means("no container can be started").mend(crate::text::NO_GUEST_HINT)];
    };
    vec![program(path)]
}

fn program(path: &Path) -> Finding {
    let shown = path.display();
    let bad = |what: String| {
        let finding = Finding::problem(GUEST, what).means("no container can be started");
        finding.mend(crate::text::NO_GUEST_HINT)
    };
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return bad(format!("{shown}: {error}")),
    };
    let runs = path.metadata().is_ok_and(|found| found.permissions().mode() & 0o111 != 0);
    if !runs {
        return bad(format!("{shown} is not executable"));
    }
    let digest: String = Sha256::digest(bytes).iter().take(6).map(|b| format!("{b:02x}")).collect();
    Finding::ok(GUEST, format!("{shown}, sha256 {digest}…"))
}

/// What the guest program says of itself.
async fn guest_version(config: &Config) -> Option<Finding> {
    let path = config.guest().ok()?;
    let asked =
        Command::new(path).arg("--version").stdin(Stdio::null()).kill_on_drop(true).output();
    let said = match tokio::time::timeout(ANSWER, asked).await {
        Ok(Ok(said)) if said.status.success() => said.stdout,
        Ok(Ok(_) | Err(_)) | Err(_) => {
            let finding = Finding::problem(GUEST, "it does not say its version");
            return Some(finding.means("it may be for another machine").mend("scripts/guest"));
        }
    };
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    let ours = format!("lazaret-guest {} contract {CONTRACT_VERSION}", env!("CARGO_PKG_VERSION"));
    if said == ours {
        return Some(Finding::ok(GUEST, said));
    }
    let finding = Finding::warning(
        GUEST,
        format!("{said}, and this is lazaret {}", env!("CARGO_PKG_VERSION")),
    );
    Some(finding.means("host and guest were not made together").mend("scripts/guest"))
}

/// What the database knows: whose containers are ours, and which sessions there are.
type Known<'k> = (Option<InstallId>, Option<&'k [SessionHealth]>);

pub(super) async fn look(
    config: &Config,
    client: Option<&mut Client>,
    known: Known<'_>,
) -> Vec<Finding> {
    let mut findings: Vec<Finding> = guest_version(config).await.into_iter().collect();
    let runs = client.is_some();
    if let Some(client) = client {
        let said = client.get::<Status>("/v1/status").await;
        if let Ok(status) = said
            && !status.engine.is_empty()
        {
            findings.push(as_the_host_says(&status));
            findings.extend(large(&status));
        }
    }
    let install = known.0.clone().unwrap_or_else(|| InstallId::mint(SystemClock.now()));
    let Ok(settings) = config.docker(install) else { return findings };
    let Ok(engine) = DockerEngine::new(settings) else { return findings };
    let described = tokio::time::timeout(limits::ENGINE_GLANCE, engine.describe()).await;
    match described {
        Ok(Ok(name)) => {
            findings.push(Finding::ok(TOPIC, name));
            findings.push(walls(&engine, config).await);
            if !runs && known.0.is_some() {
                findings.extend(containers(&engine, known.1.unwrap_or_default()).await);
            }
        }
        Ok(Err(_)) | Err(_) if runs => {}
        Ok(Err(failure)) => findings.push(unreachable(&failure.into())),
        Err(_) => {
            let silent =
                HostError::new(crate::error::ErrorKind::Engine, "the engine does not answer");
            findings.push(unreachable(&silent));
        }
    }
    findings
}

fn as_the_host_says(status: &Status) -> Finding {
    if status.engine_ok {
        return Finding::ok(TOPIC, format!("the host uses {}", status.engine));
    }
    let finding = Finding::problem(TOPIC, status.engine.clone()).means(text::ENGINE_AWAY);
    match &status.engine_hint {
        Some(hint) => finding.mend(hint.clone()),
        None => finding,
    }
}

/// Only the host that runs knows, for it measures.
fn large(status: &Status) -> Option<Finding> {
    let count = status.waiting.large;
    (count > 0).then(|| {
        Finding::warning("disk", format!("{count} sessions nearly hold what they may"))
            .means("past it they are set aside")
            .mend("lazaret sessions list")
    })
}

fn unreachable(failure: &HostError) -> Finding {
    let finding = Finding::problem(TOPIC, failure.chain()).means(text::ENGINE_AWAY);
    finding.mend(failure.hint_text().unwrap_or("start the engine, such as: systemctl start docker"))
}

/// What a container would be given, decided as for a real one; or why none would be started.
async fn walls(engine: &DockerEngine, config: &Config) -> Finding {
    match engine.effective(&config.home).await {
        Ok(table) => Finding::ok("walls", table),
        Err(failure) => {
            let failure = HostError::from(failure);
            let finding = Finding::problem("walls", failure.chain());
            let finding = finding.means("no container is started without its walls");
            finding.mend(failure.hint_text().unwrap_or("see: lazaret demo"))
        }
    }
}

async fn containers(engine: &DockerEngine, known: &[SessionHealth]) -> Option<Finding> {
    let list = engine.list().await.ok()?;
    let (ours, strays): (Vec<_>, Vec<_>) =
        list.into_iter().partition(|one| known.iter().any(|session| session.id == one.session));
    if strays.is_empty() {
        return (!ours.is_empty()).then(|| {
            Finding::ok("containers", format!("{} are there", ours.len()))
                .means("the next host takes them over")
        });
    }
    let names: Vec<&str> = strays.iter().map(|one| one.container.0.as_str()).collect();
    let finding =
        Finding::warning("containers", format!("of no known session: {}", names.join(", ")));
    Some(finding.means("the next host removes them").mend("lazaret up"))
}
