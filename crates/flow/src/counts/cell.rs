//! The value of a cell: counts one after the other, each of a fixed size.

use chaperone_model::Amounts;

use super::Count;

/// How many cells there are: what the host keeps is bounded by them.
pub const CELLS: u16 = 1_024;
/// How many counts one cell has at most.
pub const ENTRIES_MOST: usize = 64;

/// Bytes of one.
const ENTRY: usize = 16 + 5 * 8;

/// A count with its key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Entry {
    pub(super) key: [u8; 16],
    pub(super) count: Count,
}

/// None where it is no such value.
pub(super) fn read(value: &[u8]) -> Option<Vec<Entry>> {
    let entries = value.chunks_exact(ENTRY);
    if !entries.remainder().is_empty() || entries.len() > ENTRIES_MOST {
        return None;
    }
    entries.map(entry).collect()
}

fn entry(bytes: &[u8]) -> Option<Entry> {
    let (key, mut rest) = bytes.split_first_chunk()?;
    let mut number = || {
        let (number, behind) = rest.split_first_chunk()?;
        rest = behind;
        Some(u64::from_be_bytes(*number))
    };
    let ends_at = number()?;
    let used = Amounts { bytes: number()?, rows: number()?, statements: number()?, writes: number()? };
    Some(Entry { key: *key, count: Count { used, ends_at } })
}

pub(super) fn written(entries: &[Entry]) -> Vec<u8> {
    let mut value = Vec::with_capacity(entries.len() * ENTRY);
    for Entry { key, count: Count { used, ends_at } } in entries {
        value.extend_from_slice(key);
        for number in [*ends_at, used.bytes, used.rows, used.statements, used.writes] {
            value.extend_from_slice(&number.to_be_bytes());
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else_is() {
        let used = Amounts { bytes: 1, rows: u64::MAX, statements: 3, writes: 4 };
        let entry = |number| Entry { key: [number; 16], count: Count { used, ends_at: u64::from(number) } };
        let entries: Vec<_> = (0..ENTRIES_MOST).map(|number| entry(number as u8)).collect();
        let value = written(&entries);
        assert_eq!(read(&value), Some(entries));
        assert_eq!(read(&[]), Some(vec![]));
        assert_eq!(read(&value[1..]), None);
        assert_eq!(read(&[value, written(&[entry(1)])].concat()), None);
    }
}
