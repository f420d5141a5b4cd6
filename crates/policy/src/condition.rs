//! `when`: CEL expressions over the facts.
//!
//! The `cel` crate reads them. What it read is checked here against the types of the facts and put into a form
//! of our own, which has no operation that can panic and counts its steps: a VM of Envoy serves many
//! connections, and the crate's own interpreter bounds nothing.

mod check;
mod evaluate;
mod expression;

use cel::Program;
use chaperone_model::UnixSeconds;
use chaperone_model::facts::Statement;

use crate::access::Caller;
use expression::{Expr, Fact};

pub(crate) use evaluate::Failure;

/// Longest expression, in bytes.
pub const MAX_CONDITION_BYTES: usize = 2_000;
/// Most words and signs in an expression.
pub const MAX_CONDITION_TOKENS: usize = 300;
/// Deepest nesting of brackets, and of signs before an operand.
pub const MAX_CONDITION_NESTING: usize = 12;
/// Deepest nesting of operations, as they are evaluated.
pub const MAX_CONDITION_DEPTH: usize = 48;
/// Most steps that one evaluation may take; beyond that the command is denied.
pub const MAX_CONDITION_STEPS: u32 = 200_000;

/// A checked expression that is true or false.
#[derive(Clone, Debug)]
pub(crate) struct Condition(Expr);

/// What an expression can see.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'f> {
    pub(crate) caller: &'f Caller<'f>,
    pub(crate) statement: &'f Statement,
    pub(crate) statements: usize,
    pub(crate) now: UnixSeconds,
}

impl Condition {
    pub(crate) fn compile(source: &str) -> Result<Self, String> {
        within_limits(source)?;
        let program = Program::compile(source).map_err(|errors| {
            let first = errors.errors.first();
            first.map_or_else(
                || "not valid CEL".to_owned(),
                |error| {
                    let message = error.msg.lines().next().unwrap_or_default();
                    format!("not valid CEL at {}:{}: {message}", error.pos.0, error.pos.1)
                },
            )
        })?;
        check::condition(program.expression()).map(Self)
    }

    /// Whether it asks what a statement does, which is not told as a whole where the statement is opaque.
    pub(crate) fn depends_on_what_is_untold(&self) -> bool {
        let mut facts = Vec::new();
        self.0.facts(&mut facts);
        !facts.contains(&Fact::Opaque) && facts.iter().any(|fact| fact.is_of_statement())
    }

    pub(crate) fn holds(&self, scope: Scope<'_>) -> Result<bool, Failure> {
        evaluate::condition(&self.0, scope)
    }
}

/// Bounds what the parser, which recurses, is given.
fn within_limits(source: &str) -> Result<(), String> {
    if source.len() > MAX_CONDITION_BYTES {
        return Err(format!("the expression is longer than {MAX_CONDITION_BYTES} bytes"));
    }
    let mut tokens = 0_usize;
    let mut open = 0_usize;
    let mut signs = 0_usize;
    let mut branches = 0_usize;
    let mut in_word = false;
    // Brackets inside of text are counted too: no harm, and no second lexer to get wrong.
    for letter in source.chars() {
        let word = letter.is_alphanumeric() || letter == '_';
        if letter.is_whitespace() || (word && in_word) {
            in_word = word;
            continue;
        }
        in_word = word;
        tokens = tokens.saturating_add(1);
        match letter {
            '(' | '[' | '{' => open = open.saturating_add(1),
            ')' | ']' | '}' => open = open.saturating_sub(1),
            '?' => branches = branches.saturating_add(1),
            _ => {}
        }
        signs = if matches!(letter, '!' | '-') { signs.saturating_add(1) } else { 0 };
        if open > MAX_CONDITION_NESTING || signs > MAX_CONDITION_NESTING || branches > MAX_CONDITION_NESTING {
            return Err(format!("the expression is nested deeper than {MAX_CONDITION_NESTING}"));
        }
    }
    if tokens > MAX_CONDITION_TOKENS {
        return Err(format!("the expression has more than {MAX_CONDITION_TOKENS} words and signs"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
