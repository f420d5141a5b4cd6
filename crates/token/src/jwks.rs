//! A JSON Web Key Set: the keys of one issuer.

use chaperone_model::Reason;

use crate::algorithm::Algorithm;
use crate::json::{self, Json};
use crate::key::{Key, KeyError};

/// The largest set that is read.
pub const MAX_JWKS_BYTES: usize = 256 * 1024;
/// How many keys a set may hold, whatever they are for.
pub const MAX_KEYS: usize = 64;
/// How many keys are tried on a token that does not name one.
pub const MAX_TRIED_KEYS: usize = 4;

/// The usable keys of a set.
#[derive(Clone, Debug, Default)]
pub struct Jwks {
    keys: Vec<Key>,
    rejected: Vec<Rejected>,
}

/// A key that is in the set and is not used, because something is wrong with it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rejected {
    /// Its place in the set, from 0.
    pub position: usize,
    /// What is wrong.
    pub why: KeyError,
}

impl Jwks {
    /// Reads a set. Keys for encryption and of unsupported types are left out; wrong keys are left out and
    /// [told](Self::rejected), so that one wrong key does not lock out everybody.
    ///
    /// # Errors
    ///
    /// If it is no set at all or too large.
    pub fn from_json(bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.len() > MAX_JWKS_BYTES {
            return Err(KeyError::TooLarge);
        }
        let set = json::read_object(bytes).map_err(|error| match error {
            json::Error::Duplicate => KeyError::DuplicateMember,
            json::Error::Malformed => KeyError::Malformed,
        })?;
        let Some(Json::List(list)) = set.get("keys") else { return Err(KeyError::Malformed) };
        if list.len() > MAX_KEYS {
            return Err(KeyError::TooManyKeys);
        }
        let mut read = Vec::new();
        let mut rejected = Vec::new();
        for (position, value) in list.iter().enumerate() {
            let Json::Object(object) = value else { return Err(KeyError::Malformed) };
            match Key::from_object(object) {
                Ok(Some(key)) => read.push((position, key)),
                Ok(None) => {}
                Err(why) => rejected.push(Rejected { position, why }),
            }
        }
        let keys = without_confusion(&read, &mut rejected);
        Ok(Self { keys, rejected })
    }

    /// The keys in use.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The keys that are not used because something is wrong with them, for a warning.
    #[must_use]
    pub fn rejected(&self) -> &[Rejected] {
        &self.rejected
    }

    /// Finds the keys to try: the one that is named, or if none is, the first few that fit.
    ///
    /// # Errors
    ///
    /// [`Reason::TokenKeyUnknown`] if there is none, [`Reason::TokenAlgorithm`] if the one that is named is
    /// for another algorithm.
    pub fn find(&self, key_id: Option<&str>, algorithm: Algorithm) -> Result<Vec<&Key>, Reason> {
        let named = |key: &&Key| key_id.is_none() || key.id() == key_id;
        let found: Vec<_> =
            self.keys.iter().filter(named).filter(|key| key.fits(algorithm)).take(MAX_TRIED_KEYS).collect();
        if !found.is_empty() {
            return Ok(found);
        }
        // A known key under another algorithm is no news of a rotation: no reason to fetch the keys again.
        let is_known = key_id.is_some() && self.keys.iter().any(|key| key.id() == key_id);
        Err(if is_known { Reason::TokenAlgorithm } else { Reason::TokenKeyUnknown })
    }
}

/// Leaves out keys of which one cannot tell which is meant; the same key twice is one key.
fn without_confusion(read: &[(usize, Key)], rejected: &mut Vec<Rejected>) -> Vec<Key> {
    let mut keys = Vec::with_capacity(read.len());
    for (index, (position, key)) in read.iter().enumerate() {
        let mut others = read.iter().take(index).chain(read.iter().skip(index.saturating_add(1)));
        let is_same = |other: &Key| other.is_confused_with(key) && other.material == key.material;
        if others.any(|(_, other)| other.is_confused_with(key) && !is_same(other)) {
            rejected.push(Rejected { position: *position, why: KeyError::DuplicateId });
        } else if !keys.iter().any(is_same) {
            keys.push(key.clone());
        }
    }
    keys
}
