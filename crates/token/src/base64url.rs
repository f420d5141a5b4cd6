//! Base64url as RFC 7515 wants it: no padding, no foreign characters, unused bits zero.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Reads the one canonical encoding of some bytes; every other text is `None`.
pub(crate) fn read(text: &[u8]) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Writes bytes.
#[cfg(any(test, feature = "sign"))]
pub(crate) fn write(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_canonical_text_is_read() {
        for (text, why) in [
            ("Zg==", "padding"),
            ("Zh", "unused bits set"),
            ("Zm9", "unused bits set"),
            ("Z", "one character cannot be a byte"),
            ("Zm 9v", "a space"),
            ("Zm9v\n", "a line end"),
            ("Zm+v", "the other alphabet"),
            ("Zm/v", "the other alphabet"),
            ("Zm9v\0", "a NUL"),
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text:?}: {why}");
        }
        assert_eq!(read(b"").unwrap(), b"");
        assert_eq!(read(b"Zg").unwrap(), b"f");
        assert_eq!(read(b"-_8").unwrap(), [0xfb, 0xff]);
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_back_alike(text in "[A-Za-z0-9_=+/ -]{0,12}") {
            if let Some(bytes) = read(text.as_bytes()) {
                prop_assert_eq!(write(&bytes), text);
            }
        }
    }
}
