//! Why an exchange ended. No error carries a password, a key, or text of the server's.

/// Why the exchange failed; whatever it is, the connection must not be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Error {
    /// The server asks for fewer or more iterations than accepted.
    #[error("the server asks for {0} iterations, which is out of range")]
    Iterations(u32),
    /// The server's message does not follow the protocol.
    #[error("the server's message is malformed")]
    Malformed,
    /// The server's nonce does not extend ours: an answer to another exchange.
    #[error("the server's nonce does not extend the client's")]
    Nonce,
    /// The server refused, as it says.
    #[error("the server refused: {0}")]
    Refused(ServerError),
    /// The server's signature is wrong: it does not know the password.
    #[error("the server could not prove that it knows the password")]
    Signature,
    /// The server's message or salt is larger than what is read.
    #[error("the server's message is too large")]
    TooLarge,
}

/// What a server says when it refuses (RFC 5802, 7: `server-error-value`).
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ServerError {
    /// `channel-binding-not-supported`, `channel-bindings-dont-match`, `server-does-support-channel-binding` or
    /// `unsupported-channel-binding-type`.
    #[error("channel binding")]
    ChannelBinding,
    /// `invalid-proof`.
    #[error("invalid proof")]
    InvalidProof,
    /// Anything else.
    #[error("another error")]
    Other,
    /// `unknown-user`.
    #[error("unknown user")]
    UnknownUser,
}

impl ServerError {
    pub(crate) fn from_value(value: &str) -> Self {
        match value {
            "channel-binding-not-supported"
            | "channel-bindings-dont-match"
            | "server-does-support-channel-binding"
            | "unsupported-channel-binding-type" => Self::ChannelBinding,
            "invalid-proof" => Self::InvalidProof,
            "unknown-user" => Self::UnknownUser,
            _ => Self::Other,
        }
    }
}
