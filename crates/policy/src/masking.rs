//! What is hidden in results, and from whom.

use chaperone_model::RuleId;
use chaperone_model::mask::{Detector, Transform};
use chaperone_redact::Pattern;

use crate::access::Caller;
use crate::matcher::Who;

/// What is hidden from one caller.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Masks {
    /// By column, in the order of the document: the first that names a column decides.
    pub columns: Vec<ColumnMask>,
    /// By the look of values, in the order of the document.
    pub detectors: Vec<DetectorMask>,
    /// By a pattern of the policy's own, in the order of the document.
    pub patterns: Vec<PatternMask>,
}

/// A column whose values are hidden.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ColumnMask {
    /// The schema, folded; none: tables of this name in any schema.
    pub schema: Option<String>,
    /// The table, folded.
    pub table: String,
    /// The column, folded.
    pub column: String,
    /// What is shown instead.
    pub transform: Transform,
    /// The mask's id.
    pub rule: RuleId,
}

/// A kind of value that is hidden wherever it is found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DetectorMask {
    /// How it is found.
    pub detector: Detector,
    /// What is shown instead.
    pub transform: Transform,
    /// The mask's id.
    pub rule: RuleId,
}

/// A pattern whose finds are hidden wherever they are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PatternMask {
    /// What is found.
    pub pattern: Pattern,
    /// What is shown instead.
    pub transform: Transform,
    /// The mask's id.
    pub rule: RuleId,
}

/// One item of the document's `masking`.
#[derive(Clone, Debug)]
pub(crate) struct Masking {
    pub(crate) who: Who,
    pub(crate) columns: Vec<ColumnMask>,
    pub(crate) detectors: Vec<DetectorMask>,
    pub(crate) patterns: Vec<PatternMask>,
}

impl Masks {
    pub(crate) fn of(masking: &[Masking], caller: &Caller<'_>) -> Self {
        let mut masks = Self::default();
        for item in masking.iter().filter(|item| item.who.is(caller).is_ok()) {
            masks.columns.extend_from_slice(&item.columns);
            masks.detectors.extend_from_slice(&item.detectors);
            masks.patterns.extend_from_slice(&item.patterns);
        }
        masks
    }

    /// Whether nothing is hidden.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty() && self.detectors.is_empty() && self.patterns.is_empty()
    }
}
