//! For which rows a condition holds.

/// For which rows a condition holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    /// For all, or nearly.
    Always,
    /// For none.
    Never,
    /// For those with certain values.
    Some,
    /// Not told.
    Unknown,
}

impl Verdict {
    pub(super) const fn some_if(condition: bool) -> Self {
        if condition { Self::Some } else { Self::Unknown }
    }

    /// Of a constant, or its opposite.
    pub(super) const fn constant(value: bool, negated: bool) -> Self {
        if value == negated { Self::Never } else { Self::Always }
    }

    pub(super) const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Never, _) | (_, Self::Never) => Self::Never,
            (Self::Some, _) | (_, Self::Some) => Self::Some,
            (Self::Always, Self::Always) => Self::Always,
            _ => Self::Unknown,
        }
    }

    pub(super) const fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Always, _) | (_, Self::Always) => Self::Always,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Never, Self::Never) => Self::Never,
            _ => Self::Some,
        }
    }
}
