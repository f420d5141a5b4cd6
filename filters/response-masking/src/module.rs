//! The module as the host sees it.

use chaperone_flow::{Flow, Live};
use chaperone_settings::Settings;

use crate::{ResponseMasking, Shared};

/// The separate response-masking.
#[derive(Debug)]
pub struct Module;

impl chaperone_host::Module for Module {
    const NAME: &'static str = "response-masking";
    const READS_NOTES: bool = true;
    const EMITS_NOTES: bool = false;
    const COUNTERS: &[&[&str]] = &[crate::COUNTERS];
    const MAKES_SESSION: bool = false;

    type Shared = Shared;

    fn shared(settings: &Settings, random: [u8; 32]) -> Shared {
        Shared::new(crate::hash_key(settings, random))
    }

    fn flows(shared: &Shared, settings: &Live<Settings>) -> Vec<Box<dyn Flow>> {
        vec![Box::new(ResponseMasking::new(settings.clone(), shared.clone()))]
    }
}
