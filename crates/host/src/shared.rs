//! Envoy's shared data: values under names that all VMs with one `vm_id` have in common, whichever worker they belong to.
//!
//! A name is never taken away again, so there are as many as there are cells. A write with a version does nothing where the
//! value has another one; where there is no value yet any version does, so that of two first writes with the highest,
//! which no value has, the second fails.

use chaperone_flow::{Cells, Read, Written};

use crate::abi;

/// Cells in shared data. The number is that of the form of their values: VMs of two versions of a module may live at once.
#[derive(Debug)]
pub(crate) struct SharedData;

fn key(cell: u16) -> String {
    format!("chaperone.counts.1.{cell}")
}

impl Cells for SharedData {
    fn read(&self, cell: u16) -> Read {
        abi::shared(&key(cell))
    }

    fn write(&self, cell: u16, value: &[u8], version: u32) -> Written {
        abi::share(&key(cell), value, version)
    }
}
