//! The key of [`Transform::Hash`](chaperone_model::mask::Transform::Hash).

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// A key for hashes: with it equal values look equal, without it nobody can try values out.
#[derive(Clone)]
pub struct Key(Hmac<Sha256>);

impl Key {
    /// Prepares a key.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        // A MAC whose key has the size of half a block is always made; the other branch only satisfies the types.
        Self(Hmac::new_from_slice(&key).unwrap_or_else(|_| Hmac::new(&Default::default())))
    }

    /// HMAC-SHA-256 of `value`.
    pub(crate) fn digest(&self, value: &[u8]) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(value);
        mac.finalize().into_bytes().into()
    }

    /// `h:` and the first 16 hexadecimal digits of the digest.
    pub(crate) fn hash(&self, value: &[u8]) -> String {
        let digest = self.digest(value);
        let digits = digest.iter().take(8).flat_map(|byte| [byte >> 4, byte & 15]);
        let digits = digits.filter_map(|digit| char::from_digit(digit.into(), 16));
        "h:".chars().chain(digits).collect()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_hmac_sha_256() {
        // RFC 4231, test case 1, whose key of 20 bytes is the same as one padded with zeros.
        let mut key = [0; 32];
        key[..20].fill(0x0b);
        assert_eq!(Key::new(key).hash(b"Hi There"), "h:b0344c61d8db3853");
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", Key::new([7; 32])), "Key");
    }
}
