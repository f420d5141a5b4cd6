//! Callers and facts in few words, for tests.
#![allow(dead_code, clippy::allow_attributes, reason = "each test binary uses a part of it")]

use chaperone_model::facts::{Access, Effect, Facts, ObjectKind, Opaque, Output, Relation, Statement, Verb};
use chaperone_model::{Identity, UnixSeconds};
use chaperone_policy::Caller;
use serde::Deserialize;

/// A Wednesday, 12:00:00 UTC.
pub const NOW: u64 = 1_750_852_800;
pub const ISSUER: &str = "https://idp.example.com";

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BriefCaller {
    pub subject: String,
    pub groups: Vec<String>,
    pub issuer: String,
    pub expires_at: u64,
    pub resource: String,
    pub role: String,
    pub database: String,
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
    pub fn identity(&self) -> Identity {
        Identity {
            subject: self.subject.clone(),
            groups: self.groups.clone(),
            issuer: self.issuer.clone(),
            token_id: "t-1".to_owned(),
            expires_at: UnixSeconds(self.expires_at),
        }
    }

    pub fn caller<'a>(&'a self, identity: &'a Identity) -> Caller<'a> {
        Caller { identity, resource: &self.resource, role: &self.role, database: &self.database }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BriefFacts {
    pub statements: Vec<BriefStatement>,
    pub opaque: Option<Opaque>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BriefStatement {
    pub verbs: Vec<Verb>,
    pub reads: Vec<String>,
    pub writes: Vec<String>,
    pub relations: Vec<Relation>,
    pub functions: Vec<String>,
    pub columns: Vec<String>,
    pub outputs: Option<Vec<Output>>,
    /// True: a write without a real WHERE.
    pub unbounded: bool,
    pub effects: Vec<Effect>,
    pub opaque: Option<Opaque>,
}

impl BriefFacts {
    pub fn facts(&self) -> Facts {
        Facts {
            statements: self.statements.iter().map(BriefStatement::statement).collect(),
            opaque: self.opaque.clone(),
        }
    }
}

impl BriefStatement {
    pub fn statement(&self) -> Statement {
        let table = |text: &String, access| {
            let (schema, name) = text.split_once('.').map_or((None, text.as_str()), |(s, n)| (Some(s.to_owned()), n));
            Relation { schema, name: name.to_owned(), kind: ObjectKind::Table, access }
        };
        let reads = self.reads.iter().map(|text| table(text, Access::Read));
        let writes = self.writes.iter().map(|text| table(text, Access::Write));
        Statement {
            verbs: self.verbs.clone(),
            relations: reads.chain(writes).chain(self.relations.iter().cloned()).collect(),
            functions: self.functions.clone(),
            columns: self.columns.clone(),
            // What a plain SELECT has, so that tests about something else need not say it.
            outputs: self.outputs.clone().or_else(|| Some(Vec::new())),
            bounded: !self.unbounded,
            effects: self.effects.clone(),
            opaque: self.opaque.clone(),
        }
    }
}
