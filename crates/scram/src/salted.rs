//! From a password to the keys of RFC 5802, 3.

use std::borrow::Cow;
use std::fmt;

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

pub(crate) type Key = Zeroizing<[u8; 32]>;

/// The salted password: costly to derive, and as good as the password for one salt and iteration count.
///
/// Deriving costs milliseconds, so whoever connects often keeps it beside the password it was derived from.
#[derive(Clone)]
pub struct SaltedPassword {
    key: Key,
    salt: Vec<u8>,
    iterations: u32,
}

impl SaltedPassword {
    /// Derives it with PBKDF2. The time taken grows with `iterations`: bound them first.
    #[must_use]
    pub fn derive(password: &str, salt: &[u8], iterations: u32) -> Self {
        let password = Zeroizing::new(prepared(password).into_owned());
        let keyed = keyed(password.as_bytes());
        let mut round = keyed.clone().chain_update(salt).chain_update([0, 0, 0, 1]).finalize().into_bytes();
        let mut key = Zeroizing::new([0; 32]);
        key.copy_from_slice(&round);
        for _ in 1..iterations {
            round = keyed.clone().chain_update(round).finalize().into_bytes();
            for (byte, other) in key.iter_mut().zip(round) {
                *byte ^= other;
            }
        }
        Self { key, salt: salt.to_vec(), iterations }
    }

    /// The salt it was derived with.
    #[must_use]
    pub fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// The iterations it was derived with.
    #[must_use]
    pub fn iterations(&self) -> u32 {
        self.iterations
    }

    /// Tells whether it answers a challenge with this salt and count.
    #[must_use]
    pub fn is_for(&self, salt: &[u8], iterations: u32) -> bool {
        self.salt == salt && self.iterations == iterations
    }

    pub(crate) fn client_key(&self) -> Key {
        sign(&*self.key, b"Client Key")
    }

    pub(crate) fn server_key(&self) -> Key {
        sign(&*self.key, b"Server Key")
    }
}

impl fmt::Debug for SaltedPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaltedPassword").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

/// HMAC-SHA-256, keyed.
pub(crate) fn keyed(key: &[u8]) -> Hmac<Sha256> {
    // SPEC: RFC 2104, 2: a key longer than the block is replaced by its digest, which leaves no key that cannot
    // be taken; done here, so that there is no error to handle.
    let mut block = Zeroizing::new([0; 64]);
    if key.len() > block.len() {
        let digest = Sha256::digest(key);
        for (byte, other) in block.iter_mut().zip(digest) {
            *byte = other;
        }
    } else {
        for (byte, other) in block.iter_mut().zip(key) {
            *byte = *other;
        }
    }
    <Hmac<Sha256> as hmac::digest::KeyInit>::new((&*block).into())
}

pub(crate) fn sign(key: &[u8], text: &[u8]) -> Key {
    let mut signature = Zeroizing::new([0; 32]);
    signature.copy_from_slice(&keyed(key).chain_update(text).finalize().into_bytes());
    signature
}

/// SASLprep (RFC 4013) as PostgreSQL does it: ASCII as it is, and what cannot be prepared as it is as well, since
/// the server did the same when the password was set.
fn prepared(password: &str) -> Cow<'_, str> {
    if password.is_ascii() {
        return Cow::Borrowed(password);
    }
    match stringprep::saslprep(password) {
        Ok(prepared) if !prepared.is_empty() => prepared,
        Ok(_) | Err(_) => Cow::Borrowed(password),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_prepared_as_postgresql_does() {
        for (password, expected, why) in [
            ("pencil", "pencil", "ASCII"),
            ("a\u{7}b", "a\u{7}b", "control characters are prohibited, so as it is"),
            ("I\u{ad}X", "IX", "RFC 4013: a soft hyphen is mapped to nothing"),
            ("\u{aa}", "a", "RFC 4013: compatibility form"),
            ("\u{2168}", "IX", "RFC 4013: compatibility form"),
            ("p\u{a0}q", "p q", "a space of another kind"),
            ("a\u{308}", "\u{e4}", "composed"),
            ("\u{627}1", "\u{627}1", "RFC 4013: mixed directions are prohibited, so as it is"),
            ("\u{ad}", "\u{ad}", "nothing would be left, so as it is"),
            ("\u{e4}\u{7}", "\u{e4}\u{7}", "a control character is prohibited, so as it is"),
        ] {
            assert_eq!(prepared(password), expected, "{why}");
        }
    }

    #[test]
    fn derivation_is_pbkdf2() {
        // RFC 7914, 11: the first 32 bytes of the vector with one iteration.
        let derived = SaltedPassword::derive("passwd", b"salt", 1);
        let expected = [
            0x55, 0xac, 0x04, 0x6e, 0x56, 0xe3, 0x08, 0x9f, 0xec, 0x16, 0x91, 0xc2, 0x25, 0x44, 0xb6, 0x05,
            0xf9, 0x41, 0x85, 0x21, 0x6d, 0xde, 0x04, 0x65, 0xe6, 0x8b, 0x9d, 0x57, 0xc2, 0x0d, 0xac, 0xbc,
        ];
        assert_eq!(*derived.key, expected);
    }

    #[test]
    fn a_key_longer_than_a_block_is_digested() {
        // RFC 4231, 4.7.
        let signature = sign(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First");
        assert_eq!(signature[..4], [0x60, 0xe4, 0x31, 0x59]);
        // RFC 4231, 4.3.
        assert_eq!(sign(b"Jefe", b"what do ya want for nothing?")[..4], [0x5b, 0xdc, 0xc1, 0x46]);
    }
}
