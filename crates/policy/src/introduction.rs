//! What the target is told of the caller behind its account, and what would take that back.
//!
//! A target sees one account for all agents. A role may say what it is told besides, for its own row-level security and
//! for whoever looks at its sessions: the role that the session runs as, the caller's name as `application_name`, and
//! settings such as `chaperone.subject`. None of these may be changed in the session, whatever a rule allows.

use chaperone_model::facts::{Effect, Statement};
use chaperone_model::{Identity, SessionId};

use crate::access::Caller;
use crate::document::Detail;
use crate::policy::Policy;

/// The setting that `application_name` is.
const APPLICATION_NAME: &str = "application_name";
/// All settings, and one whose name the statement computes.
const ANY_SETTING: [&str; 2] = ["all", "*"];
/// Settings that are the session's role by another name.
const ROLE_SETTINGS: [&str; 2] = ["role", "session_authorization"];

/// What the target is told of the caller.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Introduction {
    /// The role that the session runs as.
    pub role: Option<String>,
    /// Settings, by their names in small letters, and what they are set to.
    pub(crate) settings: Vec<(String, Detail)>,
}

/// What a statement would take back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum TakenBack {
    /// The role that the session runs as.
    Role,
    /// This setting.
    Setting(String),
    /// Nobody can tell: the statement cannot be read.
    Unread,
}

impl Introduction {
    /// The settings with their values; none where a value cannot be a setting's.
    #[must_use]
    pub fn settings(&self, identity: &Identity, session: Option<&SessionId>) -> Option<Vec<(&str, String)>> {
        let value = |detail: Detail| {
            let value = match detail {
                // As JSON: a group's name may have any letters.
                Detail::Groups => serde_json::to_string(&identity.groups).ok()?,
                Detail::Issuer => identity.issuer.clone(),
                Detail::SessionId => session?.as_str().to_owned(),
                Detail::Subject => identity.subject.clone(),
            };
            (!value.contains('\0')).then_some(value)
        };
        self.settings.iter().map(|(name, detail)| Some((name.as_str(), value(*detail)?))).collect()
    }

    /// What the statement would take back of it.
    pub(crate) fn taken_back_by(&self, statement: &Statement) -> Option<TakenBack> {
        if statement.opaque.is_some() {
            return Some(TakenBack::Unread);
        }
        statement.effects.iter().find_map(|effect| match effect {
            Effect::Setting(name) if self.is_own(name) => Some(TakenBack::Setting(name.clone())),
            Effect::SwitchRole if self.role.is_some() => Some(TakenBack::Role),
            Effect::CopyIn
            | Effect::CopyOut
            | Effect::File
            | Effect::Prepared(_)
            | Effect::Program
            | Effect::Setting(_)
            | Effect::SwitchRole
            | Effect::Unnamed(_) => None,
        })
    }

    fn is_own(&self, setting: &str) -> bool {
        ANY_SETTING.contains(&setting)
            || self.settings.iter().any(|(name, _)| name == setting)
            || (self.role.is_some() && ROLE_SETTINGS.contains(&setting))
    }
}

impl Policy {
    /// What the target is to be told of those who use the role; none where it is told nothing.
    #[must_use]
    pub fn introduction(&self, resource: &str, role: &str) -> Option<&Introduction> {
        self.role(resource, role)?.upstream.introduction.as_ref()
    }

    /// The first statement that would take back what the target was told of the caller.
    pub(crate) fn taken_back<'s>(
        &self,
        caller: &Caller<'_>,
        statements: &'s [Statement],
    ) -> Option<(TakenBack, &'s Statement)> {
        let introduction = self.introduction(caller.resource, caller.role)?;
        statements.iter().find_map(|it| Some((introduction.taken_back_by(it)?, it)))
    }
}

/// From the document's words.
pub(crate) fn compiled(
    role: Option<&str>,
    application_name: Option<Detail>,
    settings: impl Iterator<Item = (String, Detail)>,
) -> Introduction {
    let application_name = application_name.map(|detail| (APPLICATION_NAME.to_owned(), detail));
    Introduction {
        role: role.map(str::to_owned),
        settings: application_name.into_iter().chain(settings).collect(),
    }
}

/// Why this cannot be the name of such a setting, if it cannot.
///
/// SPEC: `valid_custom_variable_name`: identifiers with a period between them. What has none would be a setting of
/// PostgreSQL itself.
pub(crate) fn wrong_name(name: &str) -> Option<String> {
    let is_identifier = |part: &str| {
        part.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
            && part.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    let parts: Vec<_> = name.split('.').collect();
    (parts.len() < 2 || !parts.into_iter().all(is_identifier) || name.len() > 63)
        .then(|| format!("`{name}` is not the name of a setting of your own, such as `chaperone.subject`"))
}
