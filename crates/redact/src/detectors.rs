//! The search itself: stops at the bytes that a detector waits for, and hides what it finds.

use std::ops::Range;

use chaperone_model::mask::{Detector, Transform};

use crate::{
    detect::{Text, card, email, iban, ip, phone, secret, ssn},
    key::Key,
    pattern::{Pattern, Search},
    transform::{REDACTED, write},
};

/// The longest text that is searched: the largest message that passes by default. A longer one is hidden whole.
pub const TEXT_MAX: usize = 16 << 20;

/// A set of detectors, each with what to do to what it finds.
#[derive(Clone, Debug)]
pub struct Detectors {
    transforms: [Option<Transform>; KINDS.len()],
    /// For each byte, at which next bytes something may be found there: one bit for each value of their last five
    /// bits. That is rough, and enough to pass over nearly all of a text in one look-up a byte.
    triggers: Box<[u32; 256]>,
    patterns: Vec<(Search, Transform)>,
    /// A pattern could not be compiled: every text is hidden whole.
    blind: bool,
    key: Key,
}

/// Every detector, in the order of their places in `transforms`.
const KINDS: [Detector; 7] = [
    Detector::Card,
    Detector::Email,
    Detector::Iban,
    Detector::IpAddress,
    Detector::Phone,
    Detector::SecretKey,
    Detector::Ssn,
];

const fn place(detector: Detector) -> usize {
    match detector {
        Detector::Card => 0,
        Detector::Email => 1,
        Detector::Iban => 2,
        Detector::IpAddress => 3,
        Detector::Phone => 4,
        Detector::SecretKey => 5,
        Detector::Ssn => 6,
    }
}

/// Something found.
#[derive(Clone, Debug)]
struct Find {
    range: Range<usize>,
    transform: Transform,
}

/// What has been looked at in vain, so that time stays linear.
#[derive(Default)]
struct Memo {
    address: usize,
    secret: secret::Memo,
}

/// What a text is part of, which decides what may be written into it.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Within {
    /// JSON: a number outside quotes must stay one.
    Json,
    /// Nothing in particular.
    Plain,
}

impl Detectors {
    /// Makes a set. Where a detector is named twice the first counts, as with the rules of a policy.
    #[must_use]
    pub fn new(detectors: &[(Detector, Transform)], key: [u8; 32]) -> Self {
        let transforms = KINDS
            .map(|kind| detectors.iter().find(|(known, _)| *known == kind).map(|(_, transform)| *transform));
        let mut triggers = Box::new([0; 256]);
        let mut mark = |byte: u8, next: u32| {
            if let Some(trigger) = triggers.get_mut(usize::from(byte)) {
                *trigger |= next;
            }
        };
        for (kind, _) in KINDS.iter().zip(&transforms).filter(|(_, transform)| transform.is_some()) {
            let alone: &[u8] = match kind {
                Detector::Card | Detector::Iban | Detector::Ssn => b"0123456789",
                Detector::Email => b"@",
                Detector::IpAddress => b"0123456789:",
                Detector::Phone => b"0123456789+(",
                Detector::SecretKey => {
                    secret::beginnings().for_each(|[byte, next]| mark(byte, bit(next)));
                    b""
                }
            };
            alone.iter().for_each(|byte| mark(*byte, u32::MAX));
        }
        Self { transforms, triggers, patterns: Vec::new(), blind: false, key: Key::new(key) }
    }

    /// With patterns besides. Where finds of several overlap all of them is hidden, by [`Transform::Redact`] unless
    /// their transforms are the same.
    #[must_use]
    pub fn with_patterns(self, patterns: &[(Pattern, Transform)]) -> Self {
        let compiled =
            patterns.iter().filter_map(|(pattern, transform)| Some((pattern.compile()?, *transform)));
        let compiled: Vec<_> = compiled.collect();
        // What cannot be searched for cannot be told from the rest.
        let blind = compiled.len() < patterns.len();
        Self { patterns: compiled, blind, ..self }
    }

    /// Whether there is no detector in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.transforms.iter().all(Option::is_none) && self.patterns.is_empty() && !self.blind
    }

    /// Whether the set has this detector.
    #[must_use]
    pub fn has(&self, detector: Detector) -> bool {
        self.transform(detector).is_some()
    }

    /// Whether anything is found in `text`; always so in one over [`TEXT_MAX`].
    #[must_use]
    pub fn finds(&self, text: &[u8]) -> bool {
        !self.is_empty() && (self.hides_all_of(text) || !self.search(text).is_empty())
    }

    /// Hides what is found in `text`, which need not be valid UTF-8. None when nothing is found. NULL not being
    /// possible inside a text, [`Transform::Null`] acts as [`Transform::Redact`]. A text over [`TEXT_MAX`] is
    /// hidden whole.
    #[must_use]
    pub fn mask_text(&self, text: &[u8]) -> Option<Vec<u8>> {
        self.mask_within(text, Within::Plain)
    }

    /// As [`Self::mask_text`], in JSON: it stays valid, numbers outside quotes become 0. What a pattern finds across the
    /// borders of JSON's own signs hides all of it.
    #[must_use]
    pub fn mask_json(&self, json: &[u8]) -> Option<Vec<u8>> {
        self.mask_within(json, Within::Json)
    }

    pub(crate) fn mask_within(&self, text: &[u8], within: Within) -> Option<Vec<u8>> {
        if self.is_empty() {
            return None;
        }
        if self.hides_all_of(text) {
            return Some(whole(within));
        }
        let finds = self.search(text);
        if finds.is_empty() {
            return None;
        }
        let mut out = Vec::with_capacity(text.len());
        let mut done = 0;
        for Find { range, transform } in finds {
            out.extend_from_slice(text.get(done..range.start).unwrap_or_default());
            if within == Within::Json && is_bare(text, &range) {
                out.push(b'0');
            } else {
                write(transform, text.get(range.clone()).unwrap_or_default(), &self.key, &mut out);
            }
            done = range.end;
        }
        out.extend_from_slice(text.get(done..).unwrap_or_default());
        // The detectors know JSON's signs; a pattern may find anything.
        let broken = within == Within::Json && !self.patterns.is_empty() && is_json(text) && !is_json(&out);
        Some(if broken { whole(within) } else { out })
    }

    const fn hides_all_of(&self, text: &[u8]) -> bool {
        self.blind || text.len() > TEXT_MAX
    }

    fn transform(&self, detector: Detector) -> Option<Transform> {
        self.transforms.get(place(detector)).copied().flatten()
    }

    /// All finds, in order, none overlapping another.
    fn search(&self, bytes: &[u8]) -> Vec<Find> {
        let mut finds = self.detect(bytes);
        if self.patterns.is_empty() {
            return finds;
        }
        for (pattern, transform) in &self.patterns {
            finds.extend(pattern.finds(bytes).map(|range| Find { range, transform: *transform }));
        }
        finds.sort_by_key(|find| find.range.start);
        let mut apart: Vec<Find> = Vec::with_capacity(finds.len());
        for find in finds {
            match apart.last_mut().filter(|last| find.range.start < last.range.end) {
                Some(last) => {
                    last.range.end = last.range.end.max(find.range.end);
                    if last.transform != find.transform {
                        last.transform = Transform::Redact;
                    }
                }
                None => apart.push(find),
            }
        }
        apart
    }

    /// What the detectors find.
    fn detect(&self, bytes: &[u8]) -> Vec<Find> {
        let mut finds: Vec<Find> = Vec::new();
        let mut at = 0;
        let mut memo = Memo::default();
        while let Some(trigger) = self.next_trigger(bytes, at) {
            at = trigger;
            let floor = finds.last().map_or(0, |find| find.range.end);
            let (find, next) = self.look(&Text::new(bytes, floor), at, &mut memo);
            // Always on: a detector that looks nowhere must not stop the search.
            at = next.max(at + 1);
            let Some(mut find) = find else { continue };
            // An e-mail address swallows what was found in its local part.
            while finds.last().is_some_and(|last| last.range.start >= find.range.start) {
                finds.pop();
            }
            let floor = finds.last().map_or(0, |last| last.range.end);
            find.range.start = find.range.start.max(floor);
            at = at.max(find.range.end);
            finds.push(find);
        }
        finds
    }

    /// The first place from `at` on where something may be found.
    fn next_trigger(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let rest = bytes.get(at..)?;
        let is_trigger = |byte: u8, next: u8| {
            self.triggers.get(usize::from(byte)).is_some_and(|nexts| nexts & bit(next) != 0)
        };
        let skipped =
            rest.windows(2).position(|pair| matches!(pair, [byte, next] if is_trigger(*byte, *next)));
        // The last byte has none behind it.
        let last = || rest.last().filter(|byte| is_trigger(**byte, 0)).map(|_| rest.len() - 1);
        skipped.or_else(last).map(|skipped| at + skipped)
    }

    /// What is found around `at`, and where to go on looking.
    fn look(&self, text: &Text<'_>, at: usize, memo: &mut Memo) -> (Option<Find>, usize) {
        let by = |detector, find: &mut dyn FnMut(&Text<'_>, usize) -> Option<Range<usize>>| {
            let transform = self.transform(detector)?;
            find(text, at).map(|range| Find { range, transform })
        };
        match text.byte(at) {
            Some(b'0'..=b'9') => {
                let found = by(Detector::Iban, &mut iban::find)
                    .or_else(|| by(Detector::IpAddress, &mut ip::find_v4))
                    .or_else(|| by(Detector::Card, &mut card::find))
                    .or_else(|| by(Detector::Ssn, &mut ssn::find))
                    .or_else(|| by(Detector::Phone, &mut phone::find_north_american));
                (found, text.digits_end(at))
            }
            Some(b'@') => (by(Detector::Email, &mut email::find), at + 1),
            Some(b'+') => (by(Detector::Phone, &mut phone::find_international), at + 1),
            Some(b'(') => (by(Detector::Phone, &mut phone::find_north_american), at + 1),
            Some(b':') => {
                (by(Detector::IpAddress, &mut |text, at| ip::find_v6(text, at, &mut memo.address)), at + 1)
            }
            _ => (by(Detector::SecretKey, &mut |text, at| secret::find(text, at, &mut memo.secret)), at + 1),
        }
    }
}

/// What is shown for a text that is hidden whole.
fn whole(within: Within) -> Vec<u8> {
    match within {
        Within::Json => format!("\"{REDACTED}\"").into_bytes(),
        Within::Plain => REDACTED.as_bytes().to_vec(),
    }
}

fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
}

/// The bit of a byte in [`Detectors::triggers`].
const fn bit(byte: u8) -> u32 {
    1 << (byte & 31)
}

/// Whether a find stands outside quotes, as a JSON number does.
fn is_bare(json: &[u8], range: &Range<usize>) -> bool {
    let before = json.get(..range.start).unwrap_or_default();
    let before = before.strip_suffix(b"-").unwrap_or(before).trim_ascii_end();
    let after = json.get(range.end..).unwrap_or_default().trim_ascii_start();
    matches!(before.last(), None | Some(b':' | b'[' | b','))
        && matches!(after.first(), None | Some(b',' | b']' | b'}'))
        && json.get(range.clone()).unwrap_or_default().iter().all(u8::is_ascii_digit)
}
