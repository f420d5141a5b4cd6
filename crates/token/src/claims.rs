//! What is expected of a token's claims (RFC 7519), and the checks, all cheap.

use chaperone_model::{Reason, UnixSeconds};

use crate::algorithm::Algorithm;
use crate::json::{Json, Object};

/// The largest token that is read, where nothing else is configured.
pub const DEFAULT_MAX_BYTES: usize = 16 * 1024;
/// How far clocks may differ, where nothing else is configured.
pub const DEFAULT_LEEWAY_SECONDS: u64 = 30;
/// How long a subject, issuer, token id or group may be.
pub const MAX_NAME_BYTES: usize = 512;
/// How many groups a token may carry.
pub const MAX_GROUPS: usize = 512;
/// The latest time a token may name: the end of the year 9999.
pub const MAX_TIME: u64 = 253_402_300_799;

/// What a token must say to be accepted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Expectation {
    /// The `iss` claim, compared byte for byte.
    pub issuer: String,
    /// One of these must be in the `aud` claim. None here means that no token is accepted.
    pub audiences: Vec<String>,
    /// The algorithms that are accepted.
    pub algorithms: Vec<Algorithm>,
    /// How far the issuer's clock and this one may differ, in seconds.
    pub leeway_seconds: u64,
    /// The claim that carries the groups: a name, or a JSON pointer such as `/realm_access/roles`.
    pub groups_claim: String,
    /// The largest token that is read.
    pub max_bytes: usize,
}

impl Expectation {
    /// Expects tokens of one issuer for one of some audiences, otherwise with the defaults: every algorithm,
    /// the claim `groups`.
    #[must_use]
    pub fn new(issuer: String, audiences: Vec<String>) -> Self {
        Self {
            issuer,
            audiences,
            algorithms: Algorithm::ALL.to_vec(),
            leeway_seconds: DEFAULT_LEEWAY_SECONDS,
            groups_claim: "groups".to_owned(),
            max_bytes: DEFAULT_MAX_BYTES,
        }
    }
}

/// A string that may name someone: not empty, not long, and nothing that could forge a line in a log.
fn name(value: &Json) -> Result<&str, Reason> {
    let text = value.text().ok_or(Reason::TokenClaim)?;
    if text.is_empty() || text.len() > MAX_NAME_BYTES || text.chars().any(char::is_control) {
        return Err(Reason::TokenClaim);
    }
    Ok(text)
}

pub(crate) fn optional_name<'a>(claims: &'a Object, claim: &str) -> Result<Option<&'a str>, Reason> {
    claims.get(claim).map(name).transpose()
}

pub(crate) fn required_name<'a>(claims: &'a Object, claim: &str) -> Result<&'a str, Reason> {
    optional_name(claims, claim)?.ok_or(Reason::TokenClaim)
}

/// One string or a list of strings.
fn names(value: &Json) -> Result<Vec<&str>, Reason> {
    match value {
        Json::List(list) => list.iter().map(name).collect(),
        Json::Constant | Json::Number(_) | Json::Object(_) | Json::Text(_) => Ok(vec![name(value)?]),
    }
}

pub(crate) fn check_audience(claims: &Object, accepted: &[String]) -> Result<(), Reason> {
    let given = names(claims.get("aud").ok_or(Reason::TokenAudience)?)?;
    if given.iter().any(|audience| accepted.iter().any(|one| one == audience)) {
        Ok(())
    } else {
        Err(Reason::TokenAudience)
    }
}

/// Checks `exp`, `nbf` and `iat`; gives `exp`.
pub(crate) fn check_times(claims: &Object, leeway: u64, now: UnixSeconds) -> Result<UnixSeconds, Reason> {
    let expires_at = time(claims, "exp", f64::floor)?.ok_or(Reason::TokenClaim)?;
    let not_before = time(claims, "nbf", f64::ceil)?;
    // A token from the future is a wrong clock, or one made in advance by somebody who had the key for a while.
    let issued_at = time(claims, "iat", f64::floor)?;
    if now.0 >= expires_at.saturating_add(leeway) {
        return Err(Reason::TokenExpired);
    }
    let horizon = now.0.saturating_add(leeway);
    if not_before.is_some_and(|time| time > horizon) || issued_at.is_some_and(|time| time > horizon) {
        return Err(Reason::TokenNotYetValid);
    }
    Ok(UnixSeconds(expires_at))
}

/// A time in seconds; fractions are rounded to the side on which the token is valid for less.
fn time(claims: &Object, claim: &str, round: fn(f64) -> f64) -> Result<Option<u64>, Reason> {
    match claims.get(claim) {
        None => Ok(None),
        #[expect(clippy::cast_precision_loss, reason = "the constant has 38 bits")]
        Some(Json::Number(number)) if (0.0..=MAX_TIME as f64).contains(number) =>
        {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the range is checked"
            )]
            Ok(Some(round(*number) as u64))
        }
        Some(_) => Err(Reason::TokenClaim),
    }
}

/// The groups; a token without that claim is of no group.
pub(crate) fn groups(claims: &Object, groups_claim: &str) -> Result<Vec<String>, Reason> {
    let Some(value) = lookup(claims, groups_claim)? else { return Ok(Vec::new()) };
    let groups = names(value)?;
    if groups.len() > MAX_GROUPS {
        return Err(Reason::TokenClaim);
    }
    Ok(groups.into_iter().map(str::to_owned).collect())
}

/// Finds a claim by name, or by JSON pointer (RFC 6901) if it begins with `/`.
fn lookup<'a>(claims: &'a Object, path: &str) -> Result<Option<&'a Json>, Reason> {
    let Some(pointer) = path.strip_prefix('/') else { return Ok(claims.get(path)) };
    let mut object = claims;
    let mut steps = pointer.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).peekable();
    while let Some(step) = steps.next() {
        let Some(value) = object.get(&step) else { return Ok(None) };
        if steps.peek().is_none() {
            return Ok(Some(value));
        }
        let Json::Object(inner) = value else { return Err(Reason::TokenClaim) };
        object = inner;
    }
    Ok(None)
}
