//! What can be used up: by a budget of a policy it is limited, for a caller it is counted.

/// One of the things that are counted.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Measure {
    /// Bytes of results.
    Bytes,
    /// Rows of results.
    Rows,
    /// Statements that are run.
    Statements,
    /// Statements that write.
    Writes,
}

/// So much of each.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Amounts {
    /// Bytes of results.
    pub bytes: u64,
    /// Rows of results.
    pub rows: u64,
    /// Statements that are run.
    pub statements: u64,
    /// Statements that write.
    pub writes: u64,
}

impl Measure {
    /// Every measure, those first that are counted before a command is run.
    pub const ALL: [Self; 4] = [Self::Statements, Self::Writes, Self::Rows, Self::Bytes];

    /// What it is called in documents and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Rows => "rows",
            Self::Statements => "statements",
            Self::Writes => "writes",
        }
    }
}

impl Amounts {
    /// No limit at all.
    pub const UNLIMITED: Self =
        Self { bytes: u64::MAX, rows: u64::MAX, statements: u64::MAX, writes: u64::MAX };

    /// So much of one.
    #[must_use]
    pub const fn of(&self, measure: Measure) -> u64 {
        match measure {
            Measure::Bytes => self.bytes,
            Measure::Rows => self.rows,
            Measure::Statements => self.statements,
            Measure::Writes => self.writes,
        }
    }

    /// Each of both, put together.
    #[must_use]
    pub fn with(self, other: Self, together: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            bytes: together(self.bytes, other.bytes),
            rows: together(self.rows, other.rows),
            statements: together(self.statements, other.statements),
            writes: together(self.writes, other.writes),
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        self.with(other, u64::saturating_add)
    }

    /// What is left of it without the other; nothing where that is more.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        self.with(other, u64::saturating_sub)
    }

    /// What there is less of than of the other, if anything.
    #[must_use]
    pub fn lacks(&self, other: &Self) -> Option<Measure> {
        Measure::ALL.into_iter().find(|measure| self.of(*measure) < other.of(*measure))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lacking_is_named() {
        let has = Amounts { rows: 3, bytes: 10, ..Amounts::default() };
        assert_eq!(has.lacks(&has), None);
        assert_eq!(has.lacks(&Amounts { rows: 4, bytes: 11, ..has }), Some(Measure::Rows));
        assert_eq!(has.lacks(&Amounts { statements: 1, rows: 4, ..has }), Some(Measure::Statements));
        assert_eq!(
            has.minus(Amounts { rows: 4, bytes: 1, ..has }),
            Amounts { bytes: 9, ..Amounts::default() }
        );
        assert_eq!(Amounts::UNLIMITED.plus(has), Amounts::UNLIMITED);
        assert_eq!(Amounts::UNLIMITED.lacks(&has), None);
    }
}
