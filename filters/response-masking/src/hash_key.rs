//! The key with which the `hash` transform hides values.

use chaperone_settings::Settings;
use sha2::{Digest as _, Sha256};

/// The variable of the VM's environment that holds it.
const VARIABLE: &str = "CHAPERONE_HASH_KEY";

/// From the environment, so that equal values look equal in every worker and after a restart; without it every VM has
/// its own, and hashes can be compared only within a worker's sessions.
#[must_use]
pub fn hash_key(settings: &Settings, random: [u8; 32]) -> [u8; 32] {
    settings.environment.variable(VARIABLE).map_or(random, |secret| Sha256::digest(secret).into())
}
