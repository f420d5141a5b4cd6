//! Evaluation of a checked expression. Recursion is as deep as the expression, which is bounded.

use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;

use chaperone_model::facts::{Effect, Relation};

use super::expression::{Expr, Fact, Fold, Op};
use super::{MAX_CONDITION_STEPS, Scope};
use crate::verbs;

/// Why an expression has no value. The command is denied then.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Failure {
    DivisionByZero,
    OutOfRange,
    Overflow,
    TooManySteps,
    /// An operation met an operand that the check should have refused.
    Unchecked,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DivisionByZero => "division by zero",
            Self::OutOfRange => "an index is out of range",
            Self::Overflow => "a number is too large",
            Self::TooManySteps => "the evaluation takes too many steps",
            Self::Unchecked => "the expression does not fit its operands",
        })
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Value<'f> {
    Bool(bool),
    Int(i64),
    List(Rc<[Self]>),
    Text(Cow<'f, str>),
}

pub(super) fn condition(expr: &Expr, scope: Scope<'_>) -> Result<bool, Failure> {
    let mut run = Run { scope, locals: Vec::new(), steps: MAX_CONDITION_STEPS };
    run.bool(expr)
}

struct Run<'f> {
    scope: Scope<'f>,
    locals: Vec<Value<'f>>,
    /// How many are left.
    steps: u32,
}

impl<'f> Run<'f> {
    fn spend(&mut self, steps: usize) -> Result<(), Failure> {
        let steps = u32::try_from(steps).map_err(|_| Failure::TooManySteps)?;
        self.steps = self.steps.checked_sub(steps).ok_or(Failure::TooManySteps)?;
        Ok(())
    }

    fn bool(&mut self, expr: &'f Expr) -> Result<bool, Failure> {
        match self.value(expr)? {
            Value::Bool(value) => Ok(value),
            Value::Int(_) | Value::List(_) | Value::Text(_) => Err(Failure::Unchecked),
        }
    }

    fn value(&mut self, expr: &'f Expr) -> Result<Value<'f>, Failure> {
        self.spend(1)?;
        Ok(match expr {
            Expr::Bool(value) => Value::Bool(*value),
            Expr::Int(value) => Value::Int(*value),
            Expr::Text(text) => Value::Text(Cow::Borrowed(text)),
            Expr::Fact(fact) => self.fact(*fact)?,
            Expr::Local(slot) => self.locals.get(*slot).cloned().ok_or(Failure::Unchecked)?,
            Expr::Not(operand) => Value::Bool(!self.bool(operand)?),
            Expr::And(operands) => {
                let [left, right] = &**operands;
                Value::Bool(self.bool(left)? && self.bool(right)?)
            }
            Expr::Or(operands) => {
                let [left, right] = &**operands;
                Value::Bool(self.bool(left)? || self.bool(right)?)
            }
            Expr::If(operands) => {
                let [test, yes, no] = &**operands;
                let branch = if self.bool(test)? { yes } else { no };
                self.value(branch)?
            }
            Expr::List(items) => {
                let items: Result<Vec<_>, _> = items.iter().map(|item| self.value(item)).collect();
                Value::List(items?.into())
            }
            Expr::Size(operand) => Value::Int(match self.value(operand)? {
                Value::List(items) => i64::try_from(items.len()).map_err(|_| Failure::Overflow)?,
                Value::Text(text) => {
                    self.spend(text.len())?;
                    i64::try_from(text.chars().count()).map_err(|_| Failure::Overflow)?
                }
                Value::Bool(_) | Value::Int(_) => return Err(Failure::Unchecked),
            }),
            Expr::Binary(op, operands) => {
                let [left, right] = &**operands;
                let (left, right) = (self.value(left)?, self.value(right)?);
                self.binary(*op, left, right)?
            }
            Expr::Fold(fold) => self.fold(fold)?,
        })
    }

    fn binary(&mut self, op: Op, left: Value<'f>, right: Value<'f>) -> Result<Value<'f>, Failure> {
        use Value::{Bool, Int, List, Text};
        self.spend(left.weight().saturating_add(right.weight()))?;
        Ok(match (op, left, right) {
            (Op::Equal, left, right) => Bool(left == right),
            (Op::NotEqual, left, right) => Bool(left != right),
            (Op::In, item, List(items)) => Bool(items.contains(&item)),
            (Op::Index, List(items), Int(index)) => {
                let index = usize::try_from(index).map_err(|_| Failure::OutOfRange)?;
                items.get(index).cloned().ok_or(Failure::OutOfRange)?
            }
            (Op::Add, Text(a), Text(b)) => Text(Cow::Owned([a, b].concat())),
            (Op::Add, List(a), List(b)) => List(a.iter().chain(&*b).cloned().collect()),
            (Op::Contains, Text(a), Text(b)) => Bool(a.contains(&*b)),
            (Op::StartsWith, Text(a), Text(b)) => Bool(a.starts_with(&*b)),
            (Op::EndsWith, Text(a), Text(b)) => Bool(a.ends_with(&*b)),
            (_, Text(a), Text(b)) => Bool(ordered(op, a.cmp(&b))?),
            (Op::Add, Int(a), Int(b)) => Int(a.checked_add(b).ok_or(Failure::Overflow)?),
            (Op::Subtract, Int(a), Int(b)) => Int(a.checked_sub(b).ok_or(Failure::Overflow)?),
            (Op::Multiply, Int(a), Int(b)) => Int(a.checked_mul(b).ok_or(Failure::Overflow)?),
            (Op::Divide | Op::Remainder, Int(_), Int(0)) => return Err(Failure::DivisionByZero),
            (Op::Divide, Int(a), Int(b)) => Int(a.checked_div(b).ok_or(Failure::Overflow)?),
            (Op::Remainder, Int(a), Int(b)) => Int(a.checked_rem(b).ok_or(Failure::Overflow)?),
            (_, Int(a), Int(b)) => Bool(ordered(op, a.cmp(&b))?),
            _ => return Err(Failure::Unchecked),
        })
    }

    fn fold(&mut self, fold: &'f Fold) -> Result<Value<'f>, Failure> {
        let Value::List(items) = self.value(&fold.range)? else { return Err(Failure::Unchecked) };
        let mut accumulated = self.value(&fold.start)?;
        let outside = self.locals.len();
        for item in items.iter() {
            // INVARIANT: the accumulator is at `outside`, the item behind it, as the checker numbered them.
            self.locals.extend([accumulated.clone(), item.clone()]);
            let going = self.bool(&fold.going)?;
            if going {
                accumulated = self.value(&fold.step)?;
            }
            self.locals.truncate(outside);
            if !going {
                break;
            }
        }
        self.locals.push(accumulated);
        let result = self.value(&fold.result)?;
        self.locals.truncate(outside);
        Ok(result)
    }

    fn fact(&mut self, fact: Fact) -> Result<Value<'f>, Failure> {
        let Scope { caller, statement, statements, now } = self.scope;
        let unix = i64::try_from(now.0).map_err(|_| Failure::Overflow)?;
        let text = |text: &'f str| Value::Text(Cow::Borrowed(text));
        let items: Vec<Value<'f>> = match fact {
            Fact::Bounded => return Ok(Value::Bool(statement.bounded)),
            Fact::Opaque => return Ok(Value::Bool(statement.opaque.is_some())),
            Fact::Database => return Ok(text(caller.database)),
            Fact::Issuer => return Ok(text(&caller.identity.issuer)),
            Fact::Resource => return Ok(text(caller.resource)),
            Fact::Role => return Ok(text(caller.role)),
            Fact::Subject => return Ok(text(&caller.identity.subject)),
            Fact::Unix => return Ok(Value::Int(unix)),
            // 1970-01-01 was a Thursday; Sunday is 0.
            Fact::Hour => return Ok(Value::Int(unix.div_euclid(3_600).rem_euclid(24))),
            Fact::Weekday => {
                return Ok(Value::Int(unix.div_euclid(86_400).saturating_add(4).rem_euclid(7)));
            }
            Fact::Statements => {
                return i64::try_from(statements).map(Value::Int).map_err(|_| Failure::Overflow);
            }
            Fact::Columns => statement.columns.iter().map(|name| text(name)).collect(),
            Fact::Functions => statement.functions.iter().map(|name| text(name)).collect(),
            Fact::Groups => caller.identity.groups.iter().map(|name| text(name)).collect(),
            Fact::Verbs => statement.verbs.iter().map(|verb| text(verbs::name(*verb))).collect(),
            Fact::Effects => statement.effects.iter().map(|effect| text(effect.name())).collect(),
            Fact::Settings => statement
                .effects
                .iter()
                .filter_map(|effect| match effect {
                    Effect::Setting(name) => Some(text(name)),
                    Effect::CopyIn
                    | Effect::CopyOut
                    | Effect::File
                    | Effect::Prepared(_)
                    | Effect::Program
                    | Effect::SwitchRole
                    | Effect::Unnamed(_) => None,
                })
                .collect(),
            Fact::Tables => {
                statement.relations.iter().map(|relation| Value::Text(qualified(relation))).collect()
            }
        };
        self.spend(items.len())?;
        Ok(Value::List(items.into()))
    }
}

/// `schema.name`, or the name alone where the statement has no more.
fn qualified(relation: &Relation) -> Cow<'_, str> {
    match &relation.schema {
        Some(schema) => Cow::Owned(format!("{schema}.{}", relation.name)),
        None => Cow::Borrowed(&relation.name),
    }
}

fn ordered(op: Op, ordering: std::cmp::Ordering) -> Result<bool, Failure> {
    Ok(match op {
        Op::Less => ordering.is_lt(),
        Op::LessOrEqual => ordering.is_le(),
        Op::Greater => ordering.is_gt(),
        Op::GreaterOrEqual => ordering.is_ge(),
        Op::Add
        | Op::Contains
        | Op::Divide
        | Op::EndsWith
        | Op::Equal
        | Op::In
        | Op::Index
        | Op::Multiply
        | Op::NotEqual
        | Op::Remainder
        | Op::StartsWith
        | Op::Subtract => return Err(Failure::Unchecked),
    })
}

impl Value<'_> {
    /// What an operation on it may cost, in steps.
    fn weight(&self) -> usize {
        match self {
            Self::Bool(_) | Self::Int(_) => 0,
            Self::List(items) => items.iter().map(|item| item.weight().saturating_add(1)).sum(),
            Self::Text(text) => text.len() / 16,
        }
    }
}
