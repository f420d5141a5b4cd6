//! The module as the host sees it.

use chaperone_flow::{Flow, Live};
use chaperone_settings::Settings;

use crate::{FactsCache, SqlGuard};

/// The separate sql-guard.
#[derive(Debug)]
pub struct Module;

impl chaperone_host::Module for Module {
    const NAME: &'static str = "sql-guard";
    const READS_NOTES: bool = false;
    const EMITS_NOTES: bool = true;
    const COUNTERS: &[&[&str]] = &[crate::COUNTERS];
    const MAKES_SESSION: bool = false;

    type Shared = FactsCache;

    fn shared(_settings: &Settings, _random: [u8; 32]) -> FactsCache {
        FactsCache::default()
    }

    fn flows(cache: &FactsCache, settings: &Live<Settings>) -> Vec<Box<dyn Flow>> {
        vec![Box::new(SqlGuard::new(settings.clone(), cache.clone()))]
    }
}
