//! How much of a budget is used, counted for one session or together for all sessions of a process.
//!
//! The VMs of Envoy's workers share nothing but values under names, which are read with a version and written if that is
//! still the version ([`Cells`]). Such values can never be taken away, so there is a fixed number of them: a count is kept
//! in the cell that its key falls into, beside others, until its window is over.
//!
//! ```text
//! key ── cell 0 … 1023 ──▶ [ key, ends at, bytes, rows, statements, writes ] × at most 64
//! ```

mod cell;
mod count;

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

use chaperone_model::Digest;
use sha2::{Digest as _, Sha256};

use cell::Entry;
pub use cell::{CELLS, ENTRIES_MOST};
pub use count::{Ask, Count, NEVER};

/// How often a cell is read again where others have written it meanwhile. Each time one of them has come further.
const ATTEMPTS: usize = 100;

/// The version of a cell that was never written.
const UNWRITTEN: u32 = u32::MAX;

/// Values that all VMs of a process share.
pub trait Cells: fmt::Debug {
    /// The value of a cell and its version, which is not 0.
    fn read(&self, cell: u16) -> Read;

    /// Writes a cell if it has this version, or none where the version is [`u32::MAX`].
    fn write(&self, cell: u16, value: &[u8], version: u32) -> Written;
}

/// What became of reading a cell.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Read {
    /// The host could not.
    Failed,
    /// It was never written.
    Nothing,
    /// Its value and version.
    Value(Vec<u8>, u32),
}

/// What became of writing a cell.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Written {
    /// It is written.
    Done,
    /// The host could not.
    Failed,
    /// It has another version by now.
    Outdated,
}

/// The counts that sessions share.
#[derive(Clone, Debug)]
pub struct Counts(Rc<dyn Cells>);

/// Under which something is counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CountKey([u8; 16]);

/// It cannot be told what is used: the host fails, there is no room, or others write all the time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Uncounted;

impl CountKey {
    /// For a budget, and whoever is counted together.
    #[must_use]
    pub fn new(budget: Digest, whose: &[&str]) -> Self {
        let mut digest = Sha256::new_with_prefix(budget.0);
        for text in whose {
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text.as_bytes());
        }
        let whole: [u8; 32] = digest.finalize().into();
        let mut key = [0; 16];
        key.iter_mut().zip(whole).for_each(|(byte, of)| *byte = of);
        Self(key)
    }

    const fn cell(self) -> u16 {
        let Self([first, second, ..]) = self;
        u16::from_be_bytes([first, second]) % CELLS
    }
}

impl Default for Counts {
    /// In the memory of this thread.
    fn default() -> Self {
        Self(Rc::new(Memory::default()))
    }
}

impl Counts {
    /// In these cells.
    #[must_use]
    pub fn new(cells: Rc<dyn Cells>) -> Self {
        Self(cells)
    }

    /// Lets a count be changed as if nobody else were there: `change` sees the count with this key and may be called more than
    /// once. A window lasts `window` milliseconds, from `now`, where none is under way.
    ///
    /// # Errors
    /// [`Uncounted`] where what was changed is not kept; then nothing is.
    pub fn update<R>(
        &self,
        key: CountKey,
        now: u64,
        window: u64,
        mut change: impl FnMut(&mut Count) -> R,
    ) -> Result<R, Uncounted> {
        let cell = key.cell();
        for _ in 0..ATTEMPTS {
            let (mut entries, version) = match self.0.read(cell) {
                Read::Failed => return Err(Uncounted),
                Read::Nothing => (Vec::new(), UNWRITTEN),
                Read::Value(value, version) => (cell::read(&value).ok_or(Uncounted)?, version),
            };
            let place = entries.iter().position(|entry| entry.key == key.0);
            let before = place.and_then(|place| entries.get(place)).map(|entry| entry.count);
            let (result, count) = before.unwrap_or_default().changed(now, window, &mut change);
            let Some(count) = count else { return Ok(result) };
            match place.and_then(|place| entries.get_mut(place)) {
                Some(entry) => entry.count = count,
                None => {
                    entries.retain(|entry| !entry.count.is_over(now));
                    if entries.len() >= ENTRIES_MOST {
                        return Err(Uncounted);
                    }
                    entries.push(Entry { key: key.0, count });
                }
            }
            match self.0.write(cell, &cell::written(&entries), version) {
                Written::Done => return Ok(result),
                Written::Failed => return Err(Uncounted),
                Written::Outdated => {}
            }
        }
        Err(Uncounted)
    }
}

/// Cells in the memory of one thread: where no host shares any.
#[derive(Debug, Default)]
struct Memory(RefCell<HashMap<u16, (Vec<u8>, u32)>>);

impl Cells for Memory {
    fn read(&self, cell: u16) -> Read {
        match self.0.borrow().get(&cell) {
            Some((value, version)) => Read::Value(value.clone(), *version),
            None => Read::Nothing,
        }
    }

    fn write(&self, cell: u16, value: &[u8], version: u32) -> Written {
        let mut cells = self.0.borrow_mut();
        let is = cells.get(&cell).map_or(UNWRITTEN, |(_, is)| *is);
        if is != version {
            return Written::Outdated;
        }
        cells.insert(cell, (value.to_vec(), if is == UNWRITTEN { 1 } else { is.wrapping_add(1) }));
        Written::Done
    }
}

#[cfg(test)]
mod tests;
