//! The five filters in one module: one VM, one parse, one copy.
//!
//! The same flows in the same order as the separate modules, in one [`Line`](chaperone_flow::Line): notes and identity
//! are values here, messages are cut once, and what nobody changes is not copied.

use chaperone_approval_hold::ApprovalHold;
use chaperone_flow::{Counts, Flow, Live};
use chaperone_identity::{IdentityFlow, Keyring, envoy_keyring};
use chaperone_response_masking::{ResponseMasking, Shared as MaskingShared, hash_key};
use chaperone_session_tap::SessionTap;
use chaperone_settings::Settings;
use chaperone_sql_guard::{FactsCache, SqlGuard};

/// The fused module.
#[derive(Debug)]
pub struct Module;

/// What the connections of a VM share.
#[derive(Debug)]
pub struct Shared {
    keyring: Keyring,
    facts: FactsCache,
    counts: Counts,
    masking: MaskingShared,
}

impl chaperone_host::Module for Module {
    const NAME: &'static str = "fused";
    const READS_NOTES: bool = false;
    const EMITS_NOTES: bool = false;
    const COUNTERS: &[&[&str]] = &[
        chaperone_identity::COUNTERS,
        chaperone_session_tap::COUNTERS,
        chaperone_sql_guard::COUNTERS,
        chaperone_approval_hold::COUNTERS,
        chaperone_response_masking::COUNTERS,
    ];
    const MAKES_SESSION: bool = true;

    type Shared = Shared;

    fn shared(settings: &Settings, random: [u8; 32]) -> Shared {
        Shared {
            keyring: envoy_keyring(),
            facts: FactsCache::default(),
            counts: chaperone_host::counts(),
            masking: MaskingShared::new(hash_key(settings, random)),
        }
    }

    fn flows(shared: &Shared, settings: &Live<Settings>) -> Vec<Box<dyn Flow>> {
        vec![
            Box::new(IdentityFlow::new(settings.clone(), shared.keyring.clone())),
            Box::new(SessionTap::new(settings.clone())),
            Box::new(SqlGuard::new(settings.clone(), shared.facts.clone(), shared.counts.clone())),
            Box::new(ApprovalHold::new(settings.clone())),
            Box::new(ResponseMasking::new(settings.clone(), shared.masking.clone())),
        ]
    }
}

chaperone_host::entry!(crate::Module);
