//! Who a container runs as, and whom the session's folder is given to. PURE.
//!
//! The wall differs with the engine: under a rootful engine it is a user id of the session's own,
//! under a rootless one the user namespace. Never root in the host's own user namespace.

use super::{
    StartRequest,
    facts::{EngineFacts, EngineKind},
    refusal::Refusal,
};
use crate::limits;

/// The answer for one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPlan {
    /// `uid:gid` inside the container.
    pub user: String,
    /// Whether the engine maps the host's user onto itself inside (Podman's `keep-id`).
    pub keep_id: bool,
    /// Who must own the session's writable folders before the start.
    pub ownership: Ownership,
}

/// What has to be done to a session's folders so that the container may use them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// They belong to the host's own user, and so does the container.
    Keep,
    /// Root gives them away: to the session's user, and to the group of its agent.
    Give {
        /// The session's user.
        uid: u32,
        /// The agent's group, so that all its sessions share the agent's folder.
        gid: u32,
    },
}

/// Decides who the container of `request` runs as.
///
/// # Errors
/// When no safe user exists: the engine remaps users, belongs to somebody else, or ids ran out.
pub fn user_plan(request: &StartRequest, facts: &EngineFacts) -> Result<UserPlan, Refusal> {
    if facts.remaps_users {
        return Err(Refusal::RemapsUsers);
    }
    let host = facts.host;
    match (facts.rootless, host.uid == 0, facts.kind) {
        (true, true, EngineKind::Docker | EngineKind::Podman) => Err(Refusal::ForeignRootless),
        (false, true, EngineKind::Docker | EngineKind::Podman) => {
            let uid = guest_id(request.uid_index)?;
            let gid = guest_id(request.gid_index)?;
            Ok(plan(uid, gid, Ownership::Give { uid, gid }))
        }
        (false, false, EngineKind::Docker | EngineKind::Podman) => {
            Ok(plan(host.uid, host.gid, Ownership::Keep))
        }
        (true, false, EngineKind::Docker) => Ok(plan(0, 0, Ownership::Keep)),
        (true, false, EngineKind::Podman) => {
            Ok(UserPlan { keep_id: true, ..plan(host.uid, host.gid, Ownership::Keep) })
        }
    }
}

fn plan(uid: u32, gid: u32, ownership: Ownership) -> UserPlan {
    UserPlan { user: format!("{uid}:{gid}"), keep_id: false, ownership }
}

/// The n-th id for guests. 65534 is `nobody` and 65535 is "no change" to old system calls.
fn guest_id(index: u32) -> Result<u32, Refusal> {
    const NOBODY: u32 = 65_534;
    let id = limits::FIRST_GUEST_ID.checked_add(index).ok_or(Refusal::NoGuestId(index))?;
    let id = if id < NOBODY { Some(id) } else { id.checked_add(2) };
    // The highest number means "no change" to chown.
    id.filter(|id| *id < u32::MAX).ok_or(Refusal::NoGuestId(index))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{
        facts::{EngineKind::Docker, EngineKind::Podman, HostIdentity},
        fixtures,
    };

    #[track_caller]
    fn check(kind: EngineKind, rootless: bool, uid: u32, expected: Result<(&str, bool), &Refusal>) {
        let facts = EngineFacts {
            kind,
            rootless,
            host: HostIdentity { uid, gid: uid },
            ..fixtures::facts()
        };
        let plan = user_plan(&fixtures::request(), &facts);
        let seen = plan.as_ref().map(|p| (p.user.as_str(), p.keep_id));
        assert_eq!(seen, expected);
        if let Ok(plan) = plan {
            assert_eq!(plan.ownership == Ownership::Keep, uid != 0, "only root can give away");
        }
    }

    #[test]
    fn the_user_follows_the_host_and_the_engine() {
        check(Docker, false, 0, Ok(("64003:64001", false)));
        check(Podman, false, 0, Ok(("64003:64001", false)));
        check(Docker, false, 1000, Ok(("1000:1000", false)));
        check(Podman, false, 1000, Ok(("1000:1000", false)));
        check(Docker, true, 1000, Ok(("0:0", false)));
        check(Podman, true, 1000, Ok(("1000:1000", true)));
        check(Docker, true, 0, Err(&Refusal::ForeignRootless));
        check(Podman, true, 0, Err(&Refusal::ForeignRootless));
    }

    #[test]
    fn an_engine_that_remaps_users_is_refused() {
        let facts = EngineFacts { remaps_users: true, ..fixtures::facts() };
        assert_eq!(user_plan(&fixtures::request(), &facts), Err(Refusal::RemapsUsers));
    }

    #[test]
    fn ids_skip_nobody_and_the_numbers_that_mean_no_change() {
        assert_eq!(guest_id(0), Ok(64_000));
        assert_eq!(guest_id(1_533), Ok(65_533));
        assert_eq!(guest_id(1_534), Ok(65_536));
        assert_eq!(guest_id(1_535), Ok(65_537));
        assert_eq!(guest_id(u32::MAX), Err(Refusal::NoGuestId(u32::MAX)));
        let last = u32::MAX - 64_000 - 3;
        assert_eq!(guest_id(last), Ok(u32::MAX - 1));
        assert_eq!(guest_id(last + 1), Err(Refusal::NoGuestId(last + 1)));
    }
}
