//! Who asks in a rehearsal. What is not said is taken from the policy.

use chaperone_model::{Identity, UnixSeconds};
use chaperone_policy::{Caller, Policy, Resource};
use serde::{Deserialize, Serialize};

/// As people say it.
#[derive(Clone, Debug, Default, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Who {
    /// Who the agent is.
    #[arg(long, value_name = "NAME", default_value = "agent")]
    pub(crate) subject: Option<String>,
    /// A group that it is in; may be repeated.
    #[arg(long = "group", short, value_name = "GROUP")]
    pub(crate) groups: Vec<String>,
    /// Which provider says so; the policy's first where nothing is said.
    #[arg(long, value_name = "URL")]
    pub(crate) issuer: Option<String>,
    /// What it connects to; the policy's first resource where nothing is said.
    #[arg(long, value_name = "NAME")]
    pub(crate) resource: Option<String>,
    /// As which role; the first that lets it in where nothing is said.
    #[arg(long, value_name = "NAME")]
    pub(crate) role: Option<String>,
    /// To which database; the resource's first where nothing is said.
    #[arg(long, value_name = "NAME")]
    pub(crate) database: Option<String>,
}

/// As the filters know it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Known {
    pub(crate) subject: String,
    pub(crate) groups: Vec<String>,
    pub(crate) resource: String,
    pub(crate) role: String,
    pub(crate) database: String,
    #[serde(skip)]
    identity: Identity,
}

impl Known {
    pub(crate) fn caller(&self) -> Caller<'_> {
        Caller {
            identity: &self.identity,
            resource: &self.resource,
            role: &self.role,
            database: &self.database,
        }
    }
}

impl Who {
    /// What is not said here, as it is said there.
    pub(crate) fn or(self, other: &Self) -> Self {
        let either = |one: Option<String>, other: &Option<String>| one.or_else(|| other.clone());
        Self {
            subject: either(self.subject, &other.subject),
            groups: if self.groups.is_empty() { other.groups.clone() } else { self.groups },
            issuer: either(self.issuer, &other.issuer),
            resource: either(self.resource, &other.resource),
            role: either(self.role, &other.role),
            database: either(self.database, &other.database),
        }
    }

    /// Completes it by the policy.
    ///
    /// # Errors
    /// With what has to be said, since the policy does not.
    pub(crate) fn known(&self, policy: &Policy) -> Result<Known, String> {
        let issuer = self.issuer.clone();
        let issuer = issuer.or_else(|| policy.issuers().first().map(|issuer| issuer.issuer.clone()));
        let subject = self.subject.clone().unwrap_or_else(|| "agent".to_owned());
        let identity = Identity {
            subject: subject.clone(),
            groups: self.groups.clone(),
            issuer: issuer.unwrap_or_default(),
            token_id: "rehearsal".to_owned(),
            expires_at: UnixSeconds(u64::MAX),
        };
        let resource = match &self.resource {
            Some(name) => {
                let named = policy.resource(name);
                named
                    .ok_or_else(|| unknown("resource", name, policy.resources().iter().map(|it| &it.name)))?
            }
            None => policy.resources().first().ok_or("the policy has no resource to connect to")?,
        };
        let role = self.role.clone().or_else(|| role_of(policy, resource, &identity));
        let role = role.ok_or_else(|| {
            let names: Vec<_> = resource.roles.iter().map(|role| role.name.as_str()).collect();
            format!(
                "no role of `{}` lets this caller in; say its groups, or the role that it asks for: {}",
                resource.name,
                names.join(", ")
            )
        })?;
        let database = match &self.database {
            Some(database) => database.clone(),
            None => {
                resource.first_database().ok_or("every database of the resource is a pattern: say which")?
            }
        };
        let groups = self.groups.clone();
        Ok(Known { subject, groups, resource: resource.name.clone(), role, database, identity })
    }
}

fn role_of(policy: &Policy, resource: &Resource, identity: &Identity) -> Option<String> {
    let admits = |role: &&chaperone_policy::Role| policy.admits(role, identity);
    resource.roles.iter().find(admits).map(|role| role.name.clone())
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a String>) -> String {
    let known: Vec<_> = known.map(String::as_str).collect();
    format!("the policy has no {what} `{name}`; it has {}", known.join(", "))
}
