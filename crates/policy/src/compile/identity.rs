//! Issuers.

use std::collections::HashSet;

use super::spot::{Problems, Spot};
use super::unique;
use crate::access::{Issuer, Jwks};
use crate::document;
use crate::tree::Tree;

/// The signature algorithms that can be verified: asymmetric ones only.
pub const ALGORITHMS: &[&str] = &["ES256", "ES384", "EdDSA", "PS256", "RS256", "RS384", "RS512"];
/// How many seconds clocks may differ, unless the policy says otherwise.
pub const DEFAULT_LEEWAY: u64 = 30;
/// How many seconds clocks may differ at most.
pub const MAX_LEEWAY: u64 = 300;

pub(super) fn issuers(issuers: &[document::Issuer], tree: &Tree, problems: &mut Problems) -> Vec<Issuer> {
    let mut seen = HashSet::new();
    let list = Spot::root(tree).field("identity").field("issuers");
    let mut compiled = Vec::new();
    for (index, issuer) in issuers.iter().enumerate() {
        let spot = list.index(index);
        unique(&mut seen, &issuer.issuer, &spot.field("issuer"), problems);
        if !issuer.issuer.starts_with("https://") && !issuer.issuer.starts_with("http://") {
            let message = format!("`{}` is not an `https://` or `http://` address", issuer.issuer);
            problems.add(&spot.field("issuer"), message);
        }
        problems.not_empty(&issuer.audiences, &spot.field("audiences"));
        let algorithms = match &issuer.algorithms {
            None => ALGORITHMS.iter().map(|&name| name.to_owned()).collect(),
            Some(names) => {
                problems.not_empty(names, &spot.field("algorithms"));
                problems.read_list(names, &spot.field("algorithms"), algorithm)
            }
        };
        let leeway = issuer.leeway.map_or(DEFAULT_LEEWAY, |leeway| leeway.0);
        if leeway > MAX_LEEWAY {
            problems.add(&spot.field("leeway"), format!("more than {MAX_LEEWAY} seconds"));
        }
        let jwks = spot.field("jwks");
        if issuer.jwks.cluster.is_empty() {
            problems.add(&jwks.field("cluster"), "the name of a cluster is empty".to_owned());
        }
        let odd = |letter: char| letter.is_whitespace() || letter.is_control();
        let wrong = |path: &&String| !path.starts_with('/') || path.contains(odd);
        if let Some(path) = issuer.jwks.path.as_ref().filter(wrong) {
            problems.add(&jwks.field("path"), format!("`{path}` is not a path: it begins with `/`"));
        }
        compiled.push(Issuer {
            issuer: issuer.issuer.clone(),
            audiences: issuer.audiences.clone(),
            algorithms,
            jwks: Jwks { cluster: issuer.jwks.cluster.clone(), path: issuer.jwks.path.clone() },
            groups_claim: issuer.groups_claim.clone().unwrap_or_else(|| "groups".to_owned()),
            leeway,
        });
    }
    compiled
}

fn algorithm(name: &str) -> Result<String, String> {
    if ALGORITHMS.contains(&name) {
        Ok(name.to_owned())
    } else {
        Err(format!("`{name}` is not supported; there are {}", ALGORITHMS.join(", ")))
    }
}
