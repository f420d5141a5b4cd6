//! Identifiers, each its own type so that none is taken for another.

use std::fmt;

use serde::{Deserialize, Serialize};

/// `bytes` as lower-case hexadecimal digits, two for each. On the way of every command, so without a formatter for each byte.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(if nibble < 10 { b'0' + nibble } else { b'a' + (nibble - 10) });
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl $name {
            /// The text of the id.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

text_id! {
    /// The `id` of a rule, as the policy's author wrote it.
    RuleId
}
text_id! {
    /// One session of one client connection: `s-` and 32 hexadecimal digits.
    SessionId
}
text_id! {
    /// One request for approval: `ap-` and 12 letters and digits that a person can type.
    ApprovalId
}

impl From<&Self> for SessionId {
    fn from(id: &Self) -> Self {
        id.clone()
    }
}

impl SessionId {
    /// Makes an id from 16 random bytes.
    #[must_use]
    pub fn from_random(random: [u8; 16]) -> Self {
        Self(format!("s-{}", hex(&random)))
    }
}

impl ApprovalId {
    /// Makes an id from 12 random bytes: 60 bits in Crockford's base 32, which has no look-alike letters.
    #[must_use]
    pub fn from_random(random: [u8; 12]) -> Self {
        const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        let letters = random
            .iter()
            .filter_map(|byte| ALPHABET.get(usize::from(byte & 31)).map(|letter| char::from(*letter)));
        Self("ap-".chars().chain(letters).collect())
    }
}

/// A SHA-256 digest.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest as 64 hexadecimal digits.
    #[must_use]
    pub fn to_hex(self) -> String {
        hex(&self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.to_hex())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_their_documented_form() {
        assert_eq!(SessionId::from_random([0xab; 16]).as_str(), format!("s-{}", "ab".repeat(16)));
        assert_eq!(
            ApprovalId::from_random([31, 32, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]).as_str(),
            "ap-z0123456789a"
        );
    }
}
