//! How the gateway proves itself to the target: the role's own credential, never the client's.
//!
//! | the policy says | with the start-up  | the target asks                   | the client is shown | then |
//! | ---             | ---                | ---                               | --- | --- |
//! | scram-sha-256   | SASLInitialResponse| AuthenticationSASL, …SASLContinue | CleartextPassword   | SASLResponse; the target's own proof is checked |
//! | md5             | nothing            | AuthenticationMD5Password         | CleartextPassword   | the digest |
//! | password        | nothing            | AuthenticationCleartextPassword   | the same            | the password |
//! | trust           | nothing            | nothing, and begins the session   | CleartextPassword   | nothing; the beginning was kept back |

use std::fmt;

use chaperone_model::Reason;
use chaperone_pgwire::client::write;
use chaperone_pgwire::server::Authentication;
use chaperone_policy::UpstreamAuth;
use chaperone_scram::{
    ClientFinal, ClientFirst, Error as ScramError, MAX_MESSAGE_BYTES, MECHANISM, NONCE_BYTES,
};

use crate::Keyring;

/// A password of the target.
#[derive(Clone)]
pub(crate) struct Password(pub(crate) String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// One authentication at the target.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) user: String,
    password: Password,
    stage: Stage,
}

/// The variants name what comes next.
#[derive(Debug)]
enum Stage {
    ScramMechanisms(ClientFirst),
    ScramChallenge(ClientFirst),
    ScramAnswer(ClientFirst, Vec<u8>),
    ScramProof(ClientFinal),
    Md5Salt,
    Md5Answer([u8; 4]),
    PasswordRequest,
    PasswordAnswer,
    TrustStart,
    TrustAnswer,
    /// The target's AuthenticationOk.
    Acceptance,
    Accepted,
}

/// What an authentication message of the target leads to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Asked {
    /// The target is satisfied, and has proved itself where it can.
    Accepted,
    /// The client is to be asked for its token now.
    AskClient,
    /// Nothing yet.
    Nothing,
}

impl Upstream {
    /// Begins. The nonce is random and of this connection only.
    pub(crate) fn new(auth: UpstreamAuth, user: &str, password: Password, nonce: &[u8; NONCE_BYTES]) -> Self {
        let stage = match auth {
            UpstreamAuth::Md5 => Stage::Md5Salt,
            UpstreamAuth::Password => Stage::PasswordRequest,
            UpstreamAuth::ScramSha256 => Stage::ScramMechanisms(ClientFirst::new(nonce)),
            UpstreamAuth::Trust => Stage::TrustStart,
        };
        Self { user: user.to_owned(), password, stage }
    }

    /// What is sent right behind the StartupMessage, without waiting to be asked.
    pub(crate) fn pipelined(&self) -> Option<Vec<u8>> {
        let Stage::ScramMechanisms(first) = &self.stage else { return None };
        let mut message = Vec::new();
        write::sasl_initial_response(&mut message, MECHANISM.as_bytes(), Some(first.message().as_bytes()))
            .ok()?;
        Some(message)
    }

    /// Takes an authentication message of the target. None of them is for the client.
    pub(crate) fn asked(&mut self, message: &Authentication<'_>) -> Result<Asked, Reason> {
        let stage = std::mem::replace(&mut self.stage, Stage::Accepted);
        let (stage, asked) = match (stage, message) {
            (Stage::ScramMechanisms(first), Authentication::Sasl(mechanisms)) => {
                if !mechanisms.iter().any(|name| name == MECHANISM.as_bytes()) {
                    return Err(Reason::TargetAuthUnsupported);
                }
                (Stage::ScramChallenge(first), Asked::AskClient)
            }
            (Stage::ScramChallenge(first), Authentication::SaslContinue(data)) => {
                if data.len() > MAX_MESSAGE_BYTES {
                    return Err(Reason::TargetImpostor);
                }
                (Stage::ScramAnswer(first, data.to_vec()), Asked::Nothing)
            }
            (Stage::ScramProof(last), Authentication::SaslFinal(data)) => {
                last.verify(data).map_err(reason)?;
                (Stage::Acceptance, Asked::Nothing)
            }
            (Stage::Md5Salt, Authentication::Md5Password { salt }) => {
                (Stage::Md5Answer(*salt), Asked::AskClient)
            }
            (Stage::PasswordRequest, Authentication::CleartextPassword) => {
                (Stage::PasswordAnswer, Asked::AskClient)
            }
            (Stage::TrustStart, Authentication::Ok) => (Stage::TrustAnswer, Asked::AskClient),
            (Stage::Acceptance, Authentication::Ok) => (Stage::Accepted, Asked::Accepted),
            // Satisfied with less than the policy says: not the server that is meant.
            (_, Authentication::Ok) => return Err(Reason::TargetImpostor),
            _ => return Err(Reason::TargetAuthUnsupported),
        };
        self.stage = stage;
        Ok(asked)
    }

    /// Whether everything is there that [`Self::answer`] needs.
    pub(crate) const fn can_answer(&self) -> bool {
        matches!(
            self.stage,
            Stage::ScramAnswer(..) | Stage::Md5Answer(_) | Stage::PasswordAnswer | Stage::TrustAnswer
        )
    }

    /// Whether the target has begun the session by itself, which the client must not see yet.
    pub(crate) const fn is_trusting(&self) -> bool {
        matches!(self.stage, Stage::TrustAnswer)
    }

    /// The message with which the target is answered once the client may come in; none where it wants none.
    pub(crate) fn answer(&mut self, keyring: &Keyring) -> Result<Option<Vec<u8>>, Reason> {
        let stage = std::mem::replace(&mut self.stage, Stage::Acceptance);
        let unwritable = |_| Reason::CredentialMissing;
        let mut message = Vec::new();
        match stage {
            Stage::ScramAnswer(first, challenge) => {
                let password = &self.password.0;
                let last = keyring
                    .with_salted(&self.user, password, |kept| {
                        first.challenge_with(&challenge, password, kept)
                    })
                    .map_err(reason)?;
                write::sasl_response(&mut message, last.message().as_bytes()).map_err(unwritable)?;
                self.stage = Stage::ScramProof(last);
            }
            Stage::Md5Answer(salt) => {
                let digest = chaperone_scram::md5_password(&self.user, &self.password.0, salt);
                write::password(&mut message, digest.as_bytes()).map_err(unwritable)?;
            }
            Stage::PasswordAnswer => {
                write::password(&mut message, self.password.0.as_bytes()).map_err(unwritable)?;
            }
            Stage::TrustAnswer => {
                self.stage = Stage::Accepted;
                return Ok(None);
            }
            _ => return Err(Reason::TargetAuthUnsupported),
        }
        Ok(Some(message))
    }
}

fn reason(error: ScramError) -> Reason {
    match error {
        // It says that it does not take our proof: our own credential is wrong.
        ScramError::Refused(_) => Reason::TargetRefused,
        ScramError::Iterations(_)
        | ScramError::Malformed
        | ScramError::Nonce
        | ScramError::Signature
        | ScramError::TooLarge => Reason::TargetImpostor,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(auth: UpstreamAuth) -> Upstream {
        Upstream::new(auth, "app", Password("secret".to_owned()), &[7; NONCE_BYTES])
    }

    #[test]
    fn every_other_method_than_the_policys_is_refused() {
        let all = [UpstreamAuth::Md5, UpstreamAuth::Password, UpstreamAuth::ScramSha256, UpstreamAuth::Trust];
        let mut sasl = Vec::new();
        chaperone_pgwire::server::write::authentication_sasl(&mut sasl, [MECHANISM.as_bytes()]).unwrap();
        let messages = [
            (Authentication::Md5Password { salt: [1; 4] }, UpstreamAuth::Md5),
            (Authentication::CleartextPassword, UpstreamAuth::Password),
            (Authentication::read(&sasl[5..]).unwrap(), UpstreamAuth::ScramSha256),
            (Authentication::Ok, UpstreamAuth::Trust),
        ];
        for auth in all {
            for (message, fits) in &messages {
                let expected = match (auth == *fits, message) {
                    (true, _) => Ok(Asked::AskClient),
                    (false, Authentication::Ok) => Err(Reason::TargetImpostor),
                    (false, _) => Err(Reason::TargetAuthUnsupported),
                };
                assert_eq!(upstream(auth).asked(message), expected, "{auth:?} {message:?}");
            }
            assert!(upstream(auth).asked(&Authentication::Other(7)).is_err());
        }
    }

    #[test]
    fn scram_is_refused_without_its_mechanism_and_without_the_servers_proof() {
        let mut sasl = Vec::new();
        let plus = [&b"SCRAM-SHA-256-PLUS"[..]];
        chaperone_pgwire::server::write::authentication_sasl(&mut sasl, plus).unwrap();
        let only_plus = Authentication::read(&sasl[5..]).unwrap();
        assert_eq!(upstream(UpstreamAuth::ScramSha256).asked(&only_plus), Err(Reason::TargetAuthUnsupported));

        let mut it = upstream(UpstreamAuth::ScramSha256);
        sasl.clear();
        chaperone_pgwire::server::write::authentication_sasl(&mut sasl, [MECHANISM.as_bytes()]).unwrap();
        it.asked(&Authentication::read(&sasl[5..]).unwrap()).unwrap();
        let nonce = upstream(UpstreamAuth::ScramSha256).pipelined().unwrap();
        let nonce = String::from_utf8_lossy(&nonce).split("r=").nth(1).unwrap().to_owned();
        let challenge = format!("r={nonce}x,s=c2FsdA==,i=4096");
        it.asked(&Authentication::SaslContinue(challenge.as_bytes())).unwrap();
        assert!(it.can_answer());
        assert!(it.answer(&Keyring::new()).unwrap().is_some());
        assert_eq!(it.asked(&Authentication::Ok), Err(Reason::TargetImpostor), "the proof was left out");
    }

    #[test]
    fn debug_shows_no_password() {
        let shown = format!("{:?}", upstream(UpstreamAuth::Password));
        assert!(!shown.contains("secret"), "{shown}");
    }
}
