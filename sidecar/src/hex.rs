//! Hexadecimal digits to digests; the other way is `Digest::to_hex`.

use chaperone_model::Digest;

/// The digest that 64 hexadecimal digits stand for.
pub(crate) fn digest(text: &str) -> Option<Digest> {
    let bytes = text.as_bytes();
    if bytes.len() != 64 {
        return None;
    }
    let mut digest = [0; 32];
    for (byte, pair) in digest.iter_mut().zip(bytes.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = (nibble(*high)? << 4) | nibble(*low)?;
    }
    Some(Digest(digest))
}

fn nibble(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_digests_write_and_nothing_else() {
        let digest_ = Digest(std::array::from_fn(|i| u8::try_from(i * 7 % 256).unwrap()));
        assert_eq!(digest(&digest_.to_hex()), Some(digest_));
        assert_eq!(digest("ab"), None);
        assert_eq!(digest(&"g".repeat(64)), None);
        assert_eq!(digest(&"é".repeat(32)), None);
    }
}
