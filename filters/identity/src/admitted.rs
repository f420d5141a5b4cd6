//! A session that was let in, and whether it still may do what it does.

use std::rc::Rc;

use chaperone_flow::Now;
use chaperone_model::{Identity, Reason};
use chaperone_settings::Settings;

use crate::presented::{find_issuer, has_expired};

/// For how many seconds what began in time may go on once the token has expired: a COPY, a long result.
const OVERTIME: u64 = 900;

/// Who was let in, and as what.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) identity: Rc<Identity>,
    role: String,
    database: String,
    /// The settings that were asked last, and what they say: how many seconds clocks may differ, or why not.
    standing: (Rc<Settings>, Result<u64, Reason>),
}

impl Admitted {
    /// Lets somebody in, if the settings say so.
    pub(crate) fn new(
        settings: Rc<Settings>,
        identity: Rc<Identity>,
        role: &str,
        database: &str,
    ) -> Result<Self, Reason> {
        let standing = standing(&settings, &identity, role, database);
        standing?;
        let (role, database) = (role.to_owned(), database.to_owned());
        Ok(Self { identity, role, database, standing: (settings, standing) })
    }

    /// Whether a command may begin now. New settings are obeyed at once.
    pub(crate) fn check(&mut self, settings: Rc<Settings>, now: Now) -> Result<(), Reason> {
        if !Rc::ptr_eq(&settings, &self.standing.0) {
            let standing = standing(&settings, &self.identity, &self.role, &self.database);
            self.standing = (settings, standing);
        }
        let leeway = self.standing.1?;
        if has_expired(&self.identity, leeway, now) { Err(Reason::TokenExpired) } else { Ok(()) }
    }

    /// Whether even what began in time must end now.
    pub(crate) fn has_outlived(&self, now: Now) -> bool {
        has_expired(&self.identity, self.standing.1.unwrap_or(0).saturating_add(OVERTIME), now)
    }
}

/// Whether the settings let this caller use this role and database.
fn standing(settings: &Settings, identity: &Identity, role: &str, database: &str) -> Result<u64, Reason> {
    let policy = &settings.policy;
    let role = offered(settings, role, database)?;
    let issuer = find_issuer(policy, &identity.issuer).ok_or(Reason::TokenIssuer)?;
    if policy.admits(role, identity) { Ok(issuer.leeway) } else { Err(Reason::RoleNotPermitted) }
}

/// The role, if it and the database are offered at all.
pub(crate) fn offered<'a>(
    settings: &'a Settings,
    role: &str,
    database: &str,
) -> Result<&'a chaperone_policy::Role, Reason> {
    // The settings that deny all because of a bad configuration lead to no resource.
    if settings.resource.is_empty() {
        return Err(Reason::PolicyInvalid);
    }
    let policy = &settings.policy;
    let role = policy.role(&settings.resource, role).ok_or(Reason::RoleUnknown)?;
    if policy.database_allowed(&settings.resource, database) {
        Ok(role)
    } else {
        Err(Reason::DatabaseUnknown)
    }
}
