//! How much text the guard is willing to read.

/// The most bytes in one text.
pub const MAX_BYTES: usize = 1 << 20;
/// The most tokens in one text.
pub const MAX_TOKENS: usize = 100_000;
/// The most statements in one text.
pub const MAX_STATEMENTS: usize = 1_000;
/// The deepest nesting of parentheses, brackets and CASE, and that of comments.
pub const MAX_DEPTH: usize = 50;
/// The longest path of operators from the root of a statement to a leaf, all levels of nesting together.
pub const MAX_CHAIN: usize = 500;

/// Bounds that are checked before the parser runs.
///
/// The parser builds operator chains in a loop but its tree is walked and *dropped* recursively, so a chain is as
/// dangerous to the stack as nesting is. `max_chain` bounds the depth of the tree, whatever it is made of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// The most bytes in one text ([`MAX_BYTES`]).
    pub max_bytes: usize,
    /// The most tokens in one text ([`MAX_TOKENS`]).
    pub max_tokens: usize,
    /// The most statements in one text ([`MAX_STATEMENTS`]).
    pub max_statements: usize,
    /// The deepest nesting ([`MAX_DEPTH`]).
    pub max_depth: usize,
    /// The longest path of operators ([`MAX_CHAIN`]).
    pub max_chain: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bytes: MAX_BYTES,
            max_tokens: MAX_TOKENS,
            max_statements: MAX_STATEMENTS,
            max_depth: MAX_DEPTH,
            max_chain: MAX_CHAIN,
        }
    }
}
