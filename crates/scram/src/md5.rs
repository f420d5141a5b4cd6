//! PostgreSQL's older challenge: md5 of md5, kept for servers that still ask for it.

use std::fmt::Write;

use ::md5::{Digest, Md5};
use zeroize::Zeroizing;

/// The answer to AuthenticationMD5Password: `md5` and `md5(md5(password user) salt)` in hexadecimal.
#[must_use]
pub fn md5_password(user: &str, password: &str, salt: [u8; 4]) -> String {
    let inner = Zeroizing::new(hex(Md5::new().chain_update(password).chain_update(user)));
    format!("md5{}", hex(Md5::new().chain_update(inner.as_bytes()).chain_update(salt)))
}

fn hex(digest: Md5) -> String {
    let mut text = String::with_capacity(32);
    for byte in digest.finalize() {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_nested_as_postgresql_nests_them() {
        // From rust-postgres, whose vector real servers have accepted for years.
        assert_eq!(
            md5_password("md5_user", "password", [0x2a, 0x3d, 0x8f, 0xe0]),
            "md562af4dd09bbb41884907a838a3233294"
        );
    }

    #[test]
    fn every_part_matters() {
        let one = md5_password("a", "b", [1, 2, 3, 4]);
        assert_eq!(one.len(), 35);
        assert_ne!(one, md5_password("b", "b", [1, 2, 3, 4]));
        assert_ne!(one, md5_password("a", "c", [1, 2, 3, 4]));
        assert_ne!(one, md5_password("a", "b", [1, 2, 3, 5]));
    }
}
