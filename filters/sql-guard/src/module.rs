//! The module as the host sees it.

use chaperone_flow::{Counts, Flow, Live};
use chaperone_settings::Settings;

use crate::{FactsCache, SqlGuard};

/// What the connections of a VM share.
#[derive(Debug)]
pub struct Shared {
    facts: FactsCache,
    counts: Counts,
}

/// The separate sql-guard.
#[derive(Debug)]
pub struct Module;

impl chaperone_host::Module for Module {
    const NAME: &'static str = "sql-guard";
    const READS_NOTES: bool = false;
    const EMITS_NOTES: bool = true;
    const COUNTERS: &[&[&str]] = &[crate::COUNTERS];
    const MAKES_SESSION: bool = false;

    type Shared = Shared;

    fn shared(_settings: &Settings, _random: [u8; 32]) -> Shared {
        Shared { facts: FactsCache::default(), counts: chaperone_host::counts() }
    }

    fn flows(shared: &Shared, settings: &Live<Settings>) -> Vec<Box<dyn Flow>> {
        vec![Box::new(SqlGuard::new(settings.clone(), shared.facts.clone(), shared.counts.clone()))]
    }
}
