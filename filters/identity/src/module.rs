//! The module as the host sees it.

use std::rc::Rc;

use chaperone_flow::{Flow, Live};
use chaperone_settings::Settings;
use chaperone_token::HostVerify;

use crate::{HostSignatures, IdentityFlow, Keyring};

/// Envoy verifies signatures where it can.
#[derive(Debug)]
struct Envoy;

impl HostSignatures for Envoy {
    fn verify(&self, job: &HostVerify) -> Option<bool> {
        chaperone_host::verify_signature(job.hash, &job.spki_der, &job.signature, &job.text)
    }
}

/// A keyring that asks Envoy to verify what Envoy can.
#[must_use]
pub fn envoy_keyring() -> Keyring {
    Keyring::with_host(Rc::new(Envoy))
}

/// The separate identity.
#[derive(Debug)]
pub struct Module;

impl chaperone_host::Module for Module {
    const NAME: &'static str = "identity";
    const READS_NOTES: bool = false;
    const EMITS_NOTES: bool = false;
    const COUNTERS: &[&[&str]] = &[crate::COUNTERS];
    const MAKES_SESSION: bool = true;

    type Shared = Keyring;

    fn shared(_settings: &Settings, _random: [u8; 32]) -> Keyring {
        envoy_keyring()
    }

    fn flows(keyring: &Keyring, settings: &Live<Settings>) -> Vec<Box<dyn Flow>> {
        vec![Box::new(IdentityFlow::new(settings.clone(), keyring.clone()))]
    }
}
