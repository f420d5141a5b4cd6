//! The names of verbs, their classes, and sets of them.

use std::fmt;

use chaperone_model::facts::Verb;

/// Each verb with its name in a document.
pub(crate) const NAMES: &[(Verb, &str)] = &[
    (Verb::Alter, "alter"),
    (Verb::Analyze, "analyze"),
    (Verb::Begin, "begin"),
    (Verb::Call, "call"),
    (Verb::Checkpoint, "checkpoint"),
    (Verb::Close, "close"),
    (Verb::Cluster, "cluster"),
    (Verb::Comment, "comment"),
    (Verb::Commit, "commit"),
    (Verb::Copy, "copy"),
    (Verb::Create, "create"),
    (Verb::Deallocate, "deallocate"),
    (Verb::Declare, "declare"),
    (Verb::Delete, "delete"),
    (Verb::Discard, "discard"),
    (Verb::Do, "do"),
    (Verb::Drop, "drop"),
    (Verb::Execute, "execute"),
    (Verb::Explain, "explain"),
    (Verb::Fetch, "fetch"),
    (Verb::Grant, "grant"),
    (Verb::Insert, "insert"),
    (Verb::Listen, "listen"),
    (Verb::Load, "load"),
    (Verb::Lock, "lock"),
    (Verb::Merge, "merge"),
    (Verb::Notify, "notify"),
    (Verb::Other, "other"),
    (Verb::Prepare, "prepare"),
    (Verb::PrepareTransaction, "prepare_transaction"),
    (Verb::Reassign, "reassign"),
    (Verb::Refresh, "refresh"),
    (Verb::Reindex, "reindex"),
    (Verb::Release, "release"),
    (Verb::Reset, "reset"),
    (Verb::Revoke, "revoke"),
    (Verb::Rollback, "rollback"),
    (Verb::Savepoint, "savepoint"),
    (Verb::Select, "select"),
    (Verb::Set, "set"),
    (Verb::Show, "show"),
    (Verb::Truncate, "truncate"),
    (Verb::Update, "update"),
    (Verb::Vacuum, "vacuum"),
];

/// Groups of verbs that a document may name in the place of a verb. CALL, COPY, DO and what has no verb of its
/// own are in none: what they do is decided elsewhere, so a rule must name them.
pub(crate) const CLASSES: &[(&str, &[Verb])] = &[
    (
        "admin",
        &[
            Verb::Analyze,
            Verb::Checkpoint,
            Verb::Cluster,
            Verb::Grant,
            Verb::Load,
            Verb::PrepareTransaction,
            Verb::Reassign,
            Verb::Refresh,
            Verb::Reindex,
            Verb::Revoke,
            Verb::Vacuum,
        ],
    ),
    ("ddl", &[Verb::Alter, Verb::Comment, Verb::Create, Verb::Drop]),
    ("read", &[Verb::Close, Verb::Declare, Verb::Explain, Verb::Fetch, Verb::Select, Verb::Show]),
    (
        "session",
        &[
            Verb::Close,
            Verb::Deallocate,
            Verb::Declare,
            Verb::Discard,
            Verb::Execute,
            Verb::Fetch,
            Verb::Listen,
            Verb::Notify,
            Verb::Prepare,
            Verb::Reset,
            Verb::Set,
            Verb::Show,
        ],
    ),
    ("transaction", &[Verb::Begin, Verb::Commit, Verb::Release, Verb::Rollback, Verb::Savepoint]),
    ("write", &[Verb::Delete, Verb::Insert, Verb::Lock, Verb::Merge, Verb::Truncate, Verb::Update]),
];

/// The verb's name in a document.
pub(crate) fn name(verb: Verb) -> &'static str {
    NAMES.iter().find(|(named, _)| *named == verb).map_or("other", |(_, name)| name)
}

/// The verb as SQL writes it.
pub(crate) fn sql(verb: Verb) -> String {
    match verb {
        Verb::Other => "this statement".to_owned(),
        other => name(other).replace('_', " ").to_uppercase(),
    }
}

/// A set of verbs in one word.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
pub(crate) struct VerbSet(u64);

impl VerbSet {
    pub(crate) fn with(self, verb: Verb) -> Self {
        Self(self.0 | (1 << (verb as u32)))
    }

    pub(crate) fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) fn has(self, verb: Verb) -> bool {
        self.0 & (1 << (verb as u32)) != 0
    }

    /// Whether a verb is in both.
    pub(crate) fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether all verbs of the other are in this one.
    pub(crate) fn includes(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }

    /// The verbs of this name: a verb's own or a class's.
    pub(crate) fn named(term: &str) -> Option<Self> {
        let class = CLASSES.iter().find(|(name, _)| *name == term).map(|(_, verbs)| *verbs);
        let verb =
            || NAMES.iter().find(|(_, name)| *name == term).map(|(verb, _)| Self::default().with(*verb));
        class.map(|verbs| verbs.iter().copied().collect()).or_else(verb)
    }
}

impl FromIterator<Verb> for VerbSet {
    fn from_iter<I: IntoIterator<Item = Verb>>(verbs: I) -> Self {
        verbs.into_iter().fold(Self::default(), Self::with)
    }
}

impl fmt::Debug for VerbSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(NAMES.iter().filter(|(verb, _)| self.has(*verb)).map(|(_, name)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_has_the_name_that_facts_give_it() {
        let mut all = VerbSet::default();
        for (verb, name) in NAMES {
            assert_eq!(serde_json::to_value(verb).unwrap(), *name);
            assert!(!all.has(*verb), "{name} twice");
            all = all.with(*verb);
        }
        // A verb that is added to the model takes the next bit.
        assert_eq!(all.0, (1 << NAMES.len()) - 1);
        assert_eq!(NAMES.last().unwrap().0, Verb::Vacuum);
    }

    #[test]
    fn no_class_has_a_verbs_name() {
        for (class, verbs) in CLASSES {
            assert!(NAMES.iter().all(|(_, name)| name != class));
            assert_eq!(VerbSet::named(class), Some(verbs.iter().copied().collect()));
        }
        assert_eq!(VerbSet::named("frobnicate"), None);
    }
}
