//! Bearer tokens: one for the filters, one for the people who operate.
//!
//! A handler that takes [`Filter`], [`Operator`] or [`Anyone`] cannot run without the token: the value has no
//! other maker.

use std::hint::black_box;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use sha2::{Digest as _, Sha256};

use super::Service;
use super::answer::Failure;

/// The two tokens, as digests: a dump of the memory does not show them.
#[derive(Debug)]
pub(crate) struct Tokens {
    filter: [u8; 32],
    operator: [u8; 32],
}

/// Why there is no pair of tokens.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum TokensInvalid {
    /// One is missing or empty.
    #[error("set {0} to a long random text, the same for everybody who calls in this role")]
    Missing(&'static str),
    /// They are the same, so that a filter could approve what it holds.
    #[error("{} and {} must differ", Tokens::FILTER, Tokens::OPERATOR)]
    Same,
}

/// The caller is a filter.
#[derive(Debug)]
pub(super) struct Filter(());

/// The caller is an operator.
#[derive(Debug)]
pub(super) struct Operator(());

/// The caller is a filter or an operator.
#[derive(Debug)]
pub(super) struct Anyone(());

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Role {
    Filter,
    Operator,
}

// === impl Tokens ===

impl Tokens {
    /// The variable that holds the filters' token.
    pub(crate) const FILTER: &'static str = "CHAPERONE_FILTER_TOKEN";
    /// The variable that holds the operators' token.
    pub(crate) const OPERATOR: &'static str = "CHAPERONE_OPERATOR_TOKEN";

    /// Takes both tokens.
    pub(crate) fn new(filter: Option<&str>, operator: Option<&str>) -> Result<Self, TokensInvalid> {
        let given = |token: Option<&str>, name| match token.map(str::trim) {
            None | Some("") => Err(TokensInvalid::Missing(name)),
            Some(token) => Ok(hash(token)),
        };
        let tokens =
            Self { filter: given(filter, Self::FILTER)?, operator: given(operator, Self::OPERATOR)? };
        if tokens.filter == tokens.operator { Err(TokensInvalid::Same) } else { Ok(tokens) }
    }

    fn role(&self, presented: &str) -> Option<Role> {
        let presented = hash(presented);
        // Both are compared whatever the first says.
        let (filter, operator) = (same(&presented, &self.filter), same(&presented, &self.operator));
        match (filter, operator) {
            (true, _) => Some(Role::Filter),
            (false, true) => Some(Role::Operator),
            (false, false) => None,
        }
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.trim().as_bytes()).into()
}

/// Takes the same time wherever they differ.
fn same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    let difference = one.iter().zip(other).fold(0, |sum, (a, b)| black_box(sum | (a ^ b)));
    black_box(difference) == 0
}

fn role(parts: &Parts, service: &Service) -> Result<Role, Failure> {
    let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header.and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token)
    });
    let why = if token.is_some() {
        "the bearer token is not one of this sidecar's"
    } else {
        "a bearer token is needed"
    };
    token.and_then(|token| service.tokens.role(token)).ok_or_else(|| {
        service.metrics.unauthorized.add(1);
        Failure::unauthorized(why)
    })
}

fn only(expected: Role, needed: &str, parts: &Parts, service: &Service) -> Result<(), Failure> {
    if role(parts, service)? == expected {
        return Ok(());
    }
    service.metrics.unauthorized.add(1);
    Err(Failure::forbidden(needed))
}

impl FromRequestParts<Service> for Filter {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Failure> {
        only(Role::Filter, "this takes the filters' token", parts, service).map(Self)
    }
}

impl FromRequestParts<Service> for Operator {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Failure> {
        only(Role::Operator, "this takes the operators' token", parts, service).map(Self)
    }
}

impl FromRequestParts<Service> for Anyone {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Failure> {
        role(parts, service).map(|_| Self(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_must_be_two_and_differ() {
        use TokensInvalid::{Missing, Same};
        let fault = |filter, operator| Tokens::new(filter, operator).err();
        assert_eq!(fault(None, Some("b")), Some(Missing(Tokens::FILTER)));
        assert_eq!(fault(Some("a"), Some(" ")), Some(Missing(Tokens::OPERATOR)));
        assert_eq!(fault(Some("a"), Some("a")), Some(Same));
        assert_eq!(fault(Some("a"), Some("b")), None);
    }

    #[test]
    fn a_token_has_one_role_and_a_near_miss_has_none() {
        let tokens = Tokens::new(Some("filter-secret"), Some("operator-secret")).unwrap();
        assert!(tokens.role("filter-secret") == Some(Role::Filter));
        assert!(tokens.role("operator-secret") == Some(Role::Operator));
        for wrong in ["", "filter-secre", "filter-secret2", "FILTER-SECRET"] {
            assert!(tokens.role(wrong).is_none(), "{wrong}");
        }
    }
}
