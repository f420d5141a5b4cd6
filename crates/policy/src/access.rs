//! Who may come in: issuers, resources, roles, approvers.

use chaperone_model::Identity;

use crate::document::UpstreamAuth;
use crate::introduction::Introduction;
use crate::names::Text;

/// Who asks, and for what.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// The verified caller.
    pub identity: &'a Identity,
    /// The resource that the listener leads to.
    pub resource: &'a str,
    /// The role, which is the user name that the client asked for.
    pub role: &'a str,
    /// The database that the client asked for.
    pub database: &'a str,
}

/// An identity provider whose tokens are believed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Issuer {
    /// The `iss` of its tokens, letter for letter.
    pub issuer: String,
    /// The `aud` that a token must have, any of these.
    pub audiences: Vec<String>,
    /// The accepted signature algorithms, by their JOSE names.
    pub algorithms: Vec<String>,
    /// Where its keys are.
    pub jwks: Jwks,
    /// The claim that lists the caller's groups.
    pub groups_claim: String,
    /// How many seconds clocks may differ.
    pub leeway: u64,
}

/// Where the keys of an issuer are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Jwks {
    /// The Envoy cluster that leads to the provider.
    pub cluster: String,
    /// The path of the key set; none: discovery tells.
    pub path: Option<String>,
}

/// Something that can be reached.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Its name.
    pub name: String,
    pub(crate) databases: Vec<Text>,
    pub(crate) search_path: Vec<String>,
    /// The roles that it offers.
    pub roles: Vec<Role>,
}

/// A role that clients may ask for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Role {
    /// The user name that the client asks for.
    pub name: String,
    /// Members of any of these groups may use it.
    pub groups: Vec<String>,
    /// These subjects may use it.
    pub subjects: Vec<String>,
    /// As whom the target sees the session.
    pub upstream: Upstream,
}

/// The gateway's own credential at the target.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Upstream {
    /// The target's user.
    pub user: String,
    /// How the target asks for the credential.
    pub auth: UpstreamAuth,
    /// The environment variable that holds the password; none for [`UpstreamAuth::Trust`].
    pub password_env: Option<String>,
    /// What the target is told of the caller.
    pub introduction: Option<Introduction>,
}

/// People who may decide about held commands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ApproverSet {
    /// What hold rules call it.
    pub name: String,
    /// Members of any of these groups,
    pub groups: Vec<String>,
    /// and these subjects.
    pub subjects: Vec<String>,
}

/// Whether any of the groups is one of the caller's.
pub(crate) fn shares(groups: &[String], with: &[String]) -> bool {
    groups.iter().any(|group| with.contains(group))
}

impl Resource {
    /// The first database that is said by its name.
    #[must_use]
    pub fn first_database(&self) -> Option<String> {
        self.databases.iter().find_map(Text::exact).map(str::to_owned)
    }

    pub(crate) fn offers(&self, database: &str) -> bool {
        self.databases.iter().any(|pattern| pattern.matches(database))
    }
}

impl Role {
    pub(crate) fn admits(&self, identity: &Identity) -> bool {
        shares(&self.groups, &identity.groups) || self.subjects.contains(&identity.subject)
    }
}

impl ApproverSet {
    pub(crate) fn has(&self, subject: &str, groups: &[String]) -> bool {
        shares(&self.groups, groups) || self.subjects.iter().any(|known| known == subject)
    }
}
