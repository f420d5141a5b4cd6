//! Callers and facts in few words, for tests.

use chaperone_model::facts::{Access, Effect, Facts, ObjectKind, Opaque, Output, Relation, Statement, Verb};
use chaperone_model::{Identity, UnixSeconds};
use chaperone_policy::Caller;
use serde::Deserialize;

/// A Wednesday, 12:00:00 UTC.
pub(crate) const NOW: u64 = 1_750_852_800;
pub(crate) const ISSUER: &str = "https://idp.example.com";

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct BriefCaller {
    pub(crate) subject: String,
    pub(crate) groups: Vec<String>,
    pub(crate) issuer: String,
    pub(crate) expires_at: u64,
    pub(crate) resource: String,
    pub(crate) role: String,
    pub(crate) database: String,
}

impl Default for BriefCaller {
    fn default() -> Self {
        Self {
            subject: "agent-7".to_owned(),
            groups: vec!["agents".to_owned()],
            issuer: ISSUER.to_owned(),
            expires_at: NOW + 600,
            resource: "shop".to_owned(),
            role: "agent".to_owned(),
            database: "shop".to_owned(),
        }
    }
}

impl BriefCaller {
    pub(crate) fn identity(&self) -> Identity {
        Identity {
            subject: self.subject.clone(),
            groups: self.groups.clone(),
            issuer: self.issuer.clone(),
            token_id: "t-1".to_owned(),
            expires_at: UnixSeconds(self.expires_at),
        }
    }

    pub(crate) fn caller<'a>(&'a self, identity: &'a Identity) -> Caller<'a> {
        Caller { identity, resource: &self.resource, role: &self.role, database: &self.database }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct BriefFacts {
    pub(crate) statements: Vec<BriefStatement>,
    pub(crate) opaque: Option<Opaque>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct BriefStatement {
    pub(crate) verbs: Vec<Verb>,
    pub(crate) reads: Vec<String>,
    pub(crate) writes: Vec<String>,
    pub(crate) relations: Vec<Relation>,
    pub(crate) functions: Vec<String>,
    pub(crate) columns: Vec<String>,
    pub(crate) attributes: Vec<String>,
    pub(crate) outputs: Option<Vec<Output>>,
    /// True: the lineage of the result could not be told.
    pub(crate) untold: bool,
    /// True: a write without a real WHERE.
    pub(crate) unbounded: bool,
    pub(crate) effects: Vec<Effect>,
    pub(crate) opaque: Option<Opaque>,
}

impl BriefFacts {
    pub(crate) fn facts(&self) -> Facts {
        Facts {
            statements: self.statements.iter().map(BriefStatement::statement).collect(),
            opaque: self.opaque.clone(),
        }
    }
}

impl BriefStatement {
    pub(crate) fn statement(&self) -> Statement {
        let table = |text: &String, access| {
            let (schema, name) =
                text.split_once('.').map_or((None, text.as_str()), |(s, n)| (Some(s.to_owned()), n));
            Relation { schema, name: name.to_owned(), kind: ObjectKind::Table, access }
        };
        let reads = self.reads.iter().map(|text| table(text, Access::Read));
        let writes = self.writes.iter().map(|text| table(text, Access::Write));
        Statement {
            verbs: self.verbs.clone(),
            relations: reads.chain(writes).chain(self.relations.iter().cloned()).collect(),
            functions: self.functions.clone(),
            columns: self.columns.clone(),
            attributes: self.attributes.clone(),
            // What a plain SELECT has, so that tests about something else need not say it.
            outputs: self.outputs.clone().or_else(|| (!self.untold).then(Vec::new)),
            stored: Vec::new(),
            bounded: !self.unbounded,
            effects: self.effects.clone(),
            opaque: self.opaque.clone(),
        }
    }
}
