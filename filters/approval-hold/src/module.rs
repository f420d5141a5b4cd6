//! The module as the host sees it.

use chaperone_flow::{Flow, Live};
use chaperone_settings::Settings;

use crate::ApprovalHold;

/// The separate approval-hold.
#[derive(Debug)]
pub struct Module;

impl chaperone_host::Module for Module {
    const NAME: &'static str = "approval-hold";
    const READS_NOTES: bool = true;
    const EMITS_NOTES: bool = true;
    const COUNTERS: &[&[&str]] = &[crate::COUNTERS];
    const MAKES_SESSION: bool = false;

    type Shared = ();

    fn shared(_settings: &Settings, _random: [u8; 32]) {}

    fn flows(_shared: &(), settings: &Live<Settings>) -> Vec<Box<dyn Flow>> {
        vec![Box::new(ApprovalHold::new(settings.clone()))]
    }
}
