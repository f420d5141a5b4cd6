//! What is known of a session without reading all of it.

use std::collections::BTreeMap;

use chaperone_model::SessionId;
use chaperone_proto::{Body, Record};
use serde::{Deserialize, Serialize};

use crate::clock::Millis;

/// One session, as it is listed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Session {
    /// Its id.
    pub(crate) id: SessionId,
    /// The time of its earliest record.
    pub(crate) first_ms: Millis,
    /// The time of its latest record.
    pub(crate) last_ms: Millis,
    /// How many records are stored.
    pub(crate) records: u64,
    /// The last record's hash, hexadecimal.
    pub(crate) head: String,
    /// Since when a recorder of it is silent that should not be: the session is broken off. Not stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) silent_since_ms: Option<Millis>,
    /// What the records say.
    #[serde(flatten)]
    pub(crate) summary: Summary,
}

/// What the records of a session say about it as a whole.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Summary {
    /// The client's address.
    pub(crate) client: String,
    /// The policy's resource.
    pub(crate) resource: String,
    /// The protocol.
    pub(crate) protocol: String,
    /// Who it is; empty until that is known.
    pub(crate) subject: String,
    /// Their groups.
    pub(crate) groups: Vec<String>,
    /// Who vouches for them.
    pub(crate) issuer: String,
    /// As which role.
    pub(crate) role: String,
    /// In which database.
    pub(crate) database: String,
    /// The client's name for itself.
    pub(crate) application: String,
    /// How many commands were allowed.
    pub(crate) allowed: u64,
    /// How many were denied.
    pub(crate) denied: u64,
    /// How many were held.
    pub(crate) held: u64,
    /// How many records the recorder says it lost.
    pub(crate) lost: u64,
    /// Who closed it; empty while it is open.
    pub(crate) closed_by: String,
    /// Who recorded it, and whether they will tell nothing more of it.
    pub(crate) recorders: BTreeMap<String, bool>,
}

/// Most recorders that are remembered of one session: a chain has five filters.
const MAX_RECORDERS: usize = 16;

/// Longest text that a summary takes over, in bytes.
const MAX_TEXT: usize = 512;

impl Summary {
    /// Takes over who recorded it. Whether that is new.
    pub(crate) fn recorded_by(&mut self, recorder: &str, ended: bool) -> bool {
        let room = self.recorders.len() < MAX_RECORDERS;
        match self.recorders.get_mut(recorder) {
            Some(known) => !std::mem::replace(known, *known || ended) && ended,
            None if room => self.recorders.insert(recorder.to_owned(), ended).is_none(),
            None => false,
        }
    }

    /// Whether all who recorded it will tell nothing more of it.
    pub(crate) fn has_ended(&self) -> bool {
        !self.recorders.is_empty() && self.recorders.values().all(|ended| *ended)
    }

    /// The fields that another summary has otherwise, but for the recorders, which no record names.
    fn differences(&self, other: &Self) -> Vec<&'static str> {
        let same = [
            ("client", self.client == other.client),
            ("resource", self.resource == other.resource),
            ("protocol", self.protocol == other.protocol),
            ("subject", self.subject == other.subject),
            ("groups", self.groups == other.groups),
            ("issuer", self.issuer == other.issuer),
            ("role", self.role == other.role),
            ("database", self.database == other.database),
            ("application", self.application == other.application),
            ("allowed", self.allowed == other.allowed),
            ("denied", self.denied == other.denied),
            ("held", self.held == other.held),
            ("lost", self.lost == other.lost),
            ("closed_by", self.closed_by == other.closed_by),
        ];
        same.into_iter().filter(|(_, same)| !same).map(|(field, _)| field).collect()
    }

    /// Takes over what a record says.
    pub(crate) fn add(&mut self, record: &Record) {
        match &record.body {
            Some(Body::Opened(opened)) => {
                self.client = short(&opened.client);
                self.resource = short(&opened.resource);
                self.protocol = short(&opened.protocol);
            }
            Some(Body::Authenticated(who)) => {
                self.subject = short(&who.subject);
                self.groups = who.groups.iter().take(64).map(|group| short(group)).collect();
                self.issuer = short(&who.issuer);
                self.role = short(&who.role);
                self.database = short(&who.database);
                self.application = short(&who.application);
            }
            Some(Body::Verdict(verdict)) => {
                let counter = match verdict.decision.as_str() {
                    "allow" => &mut self.allowed,
                    "hold" => &mut self.held,
                    _ => &mut self.denied,
                };
                *counter = counter.saturating_add(1);
            }
            Some(Body::Gap(gap)) => self.lost = self.lost.saturating_add(gap.missing),
            Some(Body::Closed(closed)) => self.closed_by = short(&closed.by),
            Some(Body::Approval(_) | Body::Client(_) | Body::Server(_)) | None => {}
        }
    }
}

/// What records say, to be compared with what is listed.
#[derive(Debug, Default)]
pub(crate) struct Told {
    summary: Summary,
    /// Of the earliest and the latest record, in nanoseconds.
    times: Option<(u64, u64)>,
}

impl Told {
    /// Takes over what a record says.
    pub(crate) fn add(&mut self, record: &Record) {
        self.summary.add(record);
        let (first, last) = self.times.unwrap_or((record.time, record.time));
        self.times = Some((record.time.min(first), record.time.max(last)));
    }

    /// The fields of what is listed that are not what the records say.
    pub(crate) fn differences(&self, listed: &Session) -> Vec<&'static str> {
        let mut fields = self.summary.differences(&listed.summary);
        if let Some((first, last)) = self.times {
            fields.extend((Millis::from_nanos(first) != listed.first_ms).then_some("first_ms"));
            fields.extend((Millis::from_nanos(last) != listed.last_ms).then_some("last_ms"));
        }
        fields
    }
}

fn short(text: &str) -> String {
    let mut len = 0_usize;
    let fits = |c: &char| {
        len = len.saturating_add(c.len_utf8());
        len <= MAX_TEXT
    };
    text.chars().take_while(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_that_records_tell_is_compared() {
        let whole = serde_json::to_value(Summary::default()).unwrap();
        for (field, value) in whole.as_object().unwrap() {
            let other = match value {
                serde_json::Value::String(_) => "x".into(),
                serde_json::Value::Number(_) => 7.into(),
                serde_json::Value::Array(_) => vec!["x"].into(),
                _ => continue,
            };
            let mut altered = whole.clone();
            altered[field] = other;
            let altered: Summary = serde_json::from_value(altered).unwrap();
            assert_eq!(Summary::default().differences(&altered), [field.as_str()]);
        }
        assert!(Summary::default().differences(&Summary::default()).is_empty());
    }
}
