//! Why a configuration cannot be read.

use std::fmt;

/// Why a configuration cannot be read.
#[derive(Debug)]
pub enum Error {
    /// Neither JSON or YAML text nor a binary `Struct`.
    Form(String),
    /// The policy inside it.
    Policy(chaperone_policy::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(why) => write!(f, "the plugin configuration cannot be read: {why}"),
            Self::Policy(error) => write!(f, "the policy cannot be read: {error}"),
        }
    }
}

impl std::error::Error for Error {}
