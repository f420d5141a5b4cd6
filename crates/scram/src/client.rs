//! The exchange: each message consumes the state that it answers.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::Mac;
use sha2::{Digest, Sha256};

use crate::challenge::{Challenge, read_signature};
use crate::error::Error;
use crate::salted::{Key, SaltedPassword, keyed, sign};

/// The mechanism's name in AuthenticationSASL and SASLInitialResponse.
pub const MECHANISM: &str = "SCRAM-SHA-256";
/// How many random bytes the nonce is made of; libpq takes as many.
pub const NONCE_BYTES: usize = 18;

/// The header of a client that does not bind to a channel: there is no TLS between the two that both see.
const GS2_HEADER: &str = "n,,";
/// The same in base64, as the last message repeats it.
const GS2_HEADER_BASE64: &str = "biws";

/// The beginning: what is sent first.
#[derive(Clone, Debug)]
pub struct ClientFirst {
    message: String,
    nonce: String,
}

/// The middle: what is sent in answer to the challenge, and what the server must answer to that.
#[derive(Clone)]
pub struct ClientFinal {
    message: String,
    server_key: Key,
    auth_message: String,
}

// === impl ClientFirst ===

impl ClientFirst {
    /// Begins with a nonce, which must be random and of this exchange only.
    #[must_use]
    pub fn new(nonce: &[u8; NONCE_BYTES]) -> Self {
        // PostgreSQL takes the user's name from the startup packet and ignores this one.
        Self::with("", STANDARD.encode(nonce))
    }

    fn with(user: &str, nonce: String) -> Self {
        Self { message: format!("{GS2_HEADER}n={user},r={nonce}"), nonce }
    }

    /// The data of SASLInitialResponse.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Answers the data of AuthenticationSASLContinue.
    ///
    /// # Errors
    ///
    /// If the challenge is malformed, not an answer to this beginning, or asks for too little or too much work.
    pub fn challenge(&self, server_first: &[u8], password: &str) -> Result<ClientFinal, Error> {
        self.challenge_with(server_first, password, &mut None)
    }

    /// The same, with a place to keep the salted password from one exchange to the next. The place must belong to
    /// this password: nothing here can tell if it does.
    ///
    /// # Errors
    ///
    /// As [`challenge`](Self::challenge).
    pub fn challenge_with(
        &self,
        server_first: &[u8],
        password: &str,
        kept: &mut Option<SaltedPassword>,
    ) -> Result<ClientFinal, Error> {
        let challenge = Challenge::read(server_first, &self.nonce)?;
        let salted = match kept.take() {
            Some(salted) if salted.is_for(&challenge.salt, challenge.iterations) => salted,
            Some(_) | None => SaltedPassword::derive(password, &challenge.salt, challenge.iterations),
        };
        let answer = self.answer(&challenge, &salted);
        *kept = Some(salted);
        Ok(answer)
    }

    fn answer(&self, challenge: &Challenge<'_>, salted: &SaltedPassword) -> ClientFinal {
        let bare = self.message.strip_prefix(GS2_HEADER).unwrap_or_default();
        let without_proof = format!("c={GS2_HEADER_BASE64},r={}", challenge.nonce);
        let auth_message = format!("{bare},{},{without_proof}", challenge.text);
        let mut proof = salted.client_key();
        let stored_key = Sha256::digest(proof.as_slice());
        let signature = sign(&stored_key, auth_message.as_bytes());
        for (byte, other) in proof.iter_mut().zip(signature.iter()) {
            *byte ^= other;
        }
        let message = format!("{without_proof},p={}", STANDARD.encode(proof.as_slice()));
        ClientFinal { message, server_key: salted.server_key(), auth_message }
    }
}

// === impl ClientFinal ===

impl ClientFinal {
    /// The data of SASLResponse.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Verifies the data of AuthenticationSASLFinal: only who knows the password, or what the real server keeps of
    /// it, can have sent it. Nothing may be sent before this has succeeded.
    ///
    /// # Errors
    ///
    /// [`Error::Signature`] if the server does not know the password, [`Error::Refused`] if it says that we do not.
    pub fn verify(&self, server_final: &[u8]) -> Result<(), Error> {
        let signature = read_signature(server_final)?;
        // Compared in constant time.
        keyed(&*self.server_key)
            .chain_update(self.auth_message.as_bytes())
            .verify_slice(&signature)
            .map_err(|_| Error::Signature)
    }
}

/// Without the proof and the key.
impl fmt::Debug for ClientFinal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientFinal").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7677, 3.
    const SERVER_FIRST: &[u8] =
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

    #[test]
    fn the_vector_of_rfc_7677() {
        let first = ClientFirst::with("user", "rOprNGfwEbeRWgbNEkqO".to_owned());
        assert_eq!(first.message(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let last = first.challenge(SERVER_FIRST, "pencil").unwrap();
        assert_eq!(
            last.message(),
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
             p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        last.verify(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").unwrap();
    }

    #[test]
    fn what_is_kept_is_used_only_for_its_salt_and_count() {
        let first = ClientFirst::with("user", "rOprNGfwEbeRWgbNEkqO".to_owned());
        let mut kept = None;
        let one = first.challenge_with(SERVER_FIRST, "pencil", &mut kept).unwrap();
        assert!(kept.as_ref().is_some_and(|kept| kept.iterations() == 4096 && kept.salt()[..1] == [0x5b]));
        // With what is kept, the password is not looked at any more.
        let again = first.challenge_with(SERVER_FIRST, "", &mut kept).unwrap();
        assert_eq!(again.message(), one.message());
        for other in [("i=4096", "i=4097"), ("s=W22Z", "s=X22Z")] {
            let other = std::str::from_utf8(SERVER_FIRST).unwrap().replace(other.0, other.1);
            let kept_answer = first.challenge_with(other.as_bytes(), "pencil", &mut kept).unwrap();
            let fresh = first.challenge(other.as_bytes(), "pencil").unwrap();
            assert_eq!(kept_answer.message(), fresh.message());
        }
        // A refused challenge costs nothing that was kept.
        assert!(first.challenge_with(b"r=x", "pencil", &mut kept).is_err());
        assert!(kept.is_some());
    }
}
