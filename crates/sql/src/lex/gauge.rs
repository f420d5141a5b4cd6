//! How deep the parser's tree would become, told from the tokens before it is built.
//!
//! Each level of nesting counts its operators; an operator chain of n makes a tree n deep. A comma or the keyword
//! of a clause ends a chain, but only where an operand has just ended: the parser takes many a keyword for a name,
//! so `on + on + on` is a chain too.

use chaperone_model::facts::Opaque;
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Token;

use crate::limits::Limits;

#[derive(Debug)]
pub(super) struct Gauge {
    max_depth: usize,
    max_chain: usize,
    levels: Vec<Level>,
    statement: Level,
    last: Last,
}

#[derive(Clone, Copy, Debug, Default)]
struct Level {
    is_case: bool,
    /// Operators of the chain at hand.
    chain: usize,
    /// The deepest nested level in the chain at hand.
    inner: usize,
    /// The deepest finished chain.
    deepest: usize,
    /// Set operations and joins: they nest whole clauses, so no comma ends their chain.
    clauses: usize,
    /// Joins whose ON or USING is still to come: the parser reads what follows recursively.
    joins: usize,
}

/// How many operators an open join weighs on the stack.
const JOIN_WEIGHT: usize = 10;

/// What the token before was.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Last {
    Operand,
    Operator,
    Word,
}

enum Class {
    Boundary,
    Clause,
    Infix,
    Plain,
}

impl Level {
    fn depth(&self) -> usize {
        let open = self.clauses.saturating_add(self.joins.saturating_mul(JOIN_WEIGHT));
        open.saturating_add(self.deepest.max(self.chain.saturating_add(self.inner)))
    }

    fn end_chain(&mut self) {
        self.deepest = self.deepest.max(self.chain.saturating_add(self.inner));
        self.chain = 0;
        self.inner = 0;
    }
}

impl Gauge {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            max_depth: limits.max_depth,
            max_chain: limits.max_chain,
            levels: Vec::new(),
            statement: Level::default(),
            last: Last::Operator,
        }
    }

    pub(super) fn is_nested(&self) -> bool {
        self.levels.iter().any(|level| !level.is_case)
    }

    /// How many brackets and CASEs are open.
    pub(super) fn depth(&self) -> usize {
        self.levels.len()
    }

    pub(super) fn end_statement(&mut self) -> Result<(), Opaque> {
        while !self.levels.is_empty() {
            self.close()?;
        }
        self.check(self.statement.depth())?;
        self.statement = Level::default();
        self.last = Last::Operator;
        Ok(())
    }

    pub(super) fn see(&mut self, token: &Token) -> Result<(), Opaque> {
        self.last = match token {
            Token::LParen | Token::LBracket => {
                self.open(false)?;
                Last::Operator
            }
            Token::RParen | Token::RBracket => {
                while self.levels.last().is_some_and(|level| level.is_case) {
                    self.close()?;
                }
                self.close()?;
                Last::Operand
            }
            Token::Comma => {
                self.level().end_chain();
                Last::Operator
            }
            Token::Word(word) if word.quote_style.is_none() => self.word(word.keyword)?,
            Token::Word(_) => {
                self.juxtaposed()?;
                Last::Word
            }
            Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::SingleQuotedByteStringLiteral(_)
            | Token::HexStringLiteral(_)
            | Token::Placeholder(_) => Last::Operand,
            _ => {
                self.grow()?;
                Last::Operator
            }
        };
        Ok(())
    }

    fn word(&mut self, keyword: Keyword) -> Result<Last, Opaque> {
        if keyword == Keyword::CASE {
            self.open(true)?;
            return Ok(Last::Operator);
        }
        match class(keyword) {
            Class::Boundary if self.last != Last::Operator => {
                let level = self.level();
                level.end_chain();
                if matches!(keyword, Keyword::ON | Keyword::USING) {
                    level.joins = level.joins.saturating_sub(1);
                }
                Ok(Last::Operator)
            }
            Class::Clause if self.last != Last::Operator => {
                let level = self.level();
                level.end_chain();
                if keyword == Keyword::JOIN {
                    level.joins = level.joins.saturating_add(1);
                } else {
                    level.clauses = level.clauses.saturating_add(1);
                }
                let depth = level.depth();
                self.check(depth)?;
                Ok(Last::Operator)
            }
            // What follows is a name, whatever the word.
            Class::Plain if keyword == Keyword::AS => Ok(Last::Operator),
            Class::Infix => {
                self.grow()?;
                Ok(Last::Operator)
            }
            Class::Boundary | Class::Clause | Class::Plain => {
                if keyword == Keyword::END && self.levels.last().is_some_and(|level| level.is_case) {
                    self.close()?;
                    return Ok(Last::Operand);
                }
                self.juxtaposed()?;
                Ok(Last::Word)
            }
        }
    }

    /// A word behind a word may be a prefix (`interval interval …`), which the parser reads recursively.
    fn juxtaposed(&mut self) -> Result<(), Opaque> {
        if self.last == Last::Word { self.grow() } else { Ok(()) }
    }

    fn level(&mut self) -> &mut Level {
        self.levels.last_mut().unwrap_or(&mut self.statement)
    }

    fn grow(&mut self) -> Result<(), Opaque> {
        let level = self.level();
        level.chain = level.chain.saturating_add(1);
        let depth = level.depth();
        self.check(depth)
    }

    fn open(&mut self, is_case: bool) -> Result<(), Opaque> {
        self.grow()?;
        if self.levels.len() >= self.max_depth {
            return Err(Opaque::Limit("max_depth".to_owned()));
        }
        self.levels.push(Level { is_case, ..Level::default() });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Opaque> {
        let Some(closed) = self.levels.pop() else { return Ok(()) };
        let inner = closed.depth().saturating_add(1);
        let level = self.level();
        level.inner = level.inner.max(inner);
        let depth = level.depth();
        self.check(depth)
    }

    fn check(&self, depth: usize) -> Result<(), Opaque> {
        if depth > self.max_chain { Err(Opaque::Limit("max_chain".to_owned())) } else { Ok(()) }
    }
}

fn class(keyword: Keyword) -> Class {
    match keyword {
        Keyword::SELECT
        | Keyword::FROM
        | Keyword::WHERE
        | Keyword::ON
        | Keyword::GROUP
        | Keyword::HAVING
        | Keyword::ORDER
        | Keyword::LIMIT
        | Keyword::WHEN
        | Keyword::THEN
        | Keyword::ELSE
        | Keyword::RETURNING
        | Keyword::USING => Class::Boundary,
        Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::MINUS | Keyword::JOIN => {
            Class::Clause
        }
        Keyword::AND
        | Keyword::OR
        | Keyword::XOR
        | Keyword::NOT
        | Keyword::IS
        | Keyword::DISTINCT
        | Keyword::IN
        | Keyword::BETWEEN
        | Keyword::OVERLAPS
        | Keyword::LIKE
        | Keyword::ILIKE
        | Keyword::RLIKE
        | Keyword::REGEXP
        | Keyword::MATCH
        | Keyword::GLOB
        | Keyword::SIMILAR
        | Keyword::MEMBER
        | Keyword::OPERATOR
        | Keyword::DIV
        | Keyword::COLLATE
        | Keyword::AT
        | Keyword::ZONE
        | Keyword::NOTNULL
        | Keyword::ESCAPE
        | Keyword::PRIOR
        | Keyword::INTERVAL => Class::Infix,
        _ => Class::Plain,
    }
}
