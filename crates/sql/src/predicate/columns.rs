//! Which columns a side of a comparison depends on.

use std::collections::BTreeSet;

use sqlparser::ast::{
    AccessExpr, BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident,
    ObjectNamePart, SetExpr, Subscript, Value, ValueWithSpan,
};

use super::trivial::{is_remainder_of_one, is_system};
use super::{Own, Target};
use crate::shape;

/// Pairs of columns beyond which two sides are not told apart.
const MAX_PAIRS: usize = 10_000;

/// The columns that an expression depends on, as (qualifier, name).
#[derive(Debug)]
pub(super) struct Mentions<'a> {
    columns: BTreeSet<(Option<&'a str>, &'a str)>,
    target: Target<'a>,
}

impl<'a> Mentions<'a> {
    pub(super) fn of(expression: &'a Expr, target: &Target<'a>) -> Self {
        let mut mentions = Self { columns: BTreeSet::new(), target: *target };
        mentions.collect(expression);
        mentions
    }

    /// Whether one of them is taken for a column of the target.
    pub(super) fn bounds(&self) -> bool {
        self.columns.iter().any(|(qualifier, _)| match (self.target.columns, qualifier) {
            (Own::Any, _) | (Own::NamedOrBare, None) => true,
            (Own::Named, None) => false,
            (Own::Named | Own::NamedOrBare, Some(qualifier)) => *qualifier == self.target.name,
        })
    }

    /// Whether no column is on both sides. The same name behind different qualifiers is two columns.
    pub(super) fn is_apart(&self, other: &Self) -> bool {
        if self.columns.len().saturating_mul(other.columns.len()) > MAX_PAIRS {
            return false;
        }
        let same = |one: &(Option<&str>, &str), two: &(Option<&str>, &str)| {
            one.1 == two.1 && (one.0.is_none() || two.0.is_none() || one.0 == two.0)
        };
        self.columns.iter().all(|one| !other.columns.iter().any(|two| same(one, two)))
    }

    fn add(&mut self, qualifier: Option<&'a Ident>, name: &'a Ident) {
        if is_system(&name.value) {
            return;
        }
        self.columns.insert((qualifier.map(|qualifier| qualifier.value.as_str()), &name.value));
    }

    fn collect(&mut self, expression: &'a Expr) {
        match expression {
            _ if is_remainder_of_one(expression) => {}
            Expr::Identifier(name) => self.add(None, name),
            Expr::CompoundIdentifier(names) => {
                if let [.., qualifier, name] = names.as_slice() {
                    self.add(Some(qualifier), name);
                }
            }
            Expr::Nested(inner)
            | Expr::Cast { expr: inner, .. }
            | Expr::UnaryOp { expr: inner, .. }
            | Expr::Collate { expr: inner, .. }
            | Expr::Extract { expr: inner, .. }
            | Expr::Ceil { expr: inner, .. }
            | Expr::Floor { expr: inner, .. }
            | Expr::Substring { expr: inner, .. }
            | Expr::Overlay { expr: inner, .. }
            | Expr::Trim { expr: inner, .. }
            | Expr::AtTimeZone { timestamp: inner, .. }
            | Expr::Named { expr: inner, .. } => self.collect(inner),
            Expr::BinaryOp { left, op, right } => self.collect_operation(left, op, right),
            Expr::Function(function) => self.collect_call(function),
            Expr::Tuple(expressions) => self.collect_all(expressions),
            Expr::Array(array) => self.collect_all(&array.elem),
            Expr::CompoundFieldAccess { root, access_chain } => {
                self.collect(root);
                for access in access_chain {
                    match access {
                        AccessExpr::Subscript(Subscript::Index { index }) => self.collect(index),
                        AccessExpr::Dot(_) | AccessExpr::Subscript(Subscript::Slice { .. }) => {}
                    }
                }
            }
            // A subquery without FROM is its list.
            Expr::Subquery(query) => {
                if let SetExpr::Select(select) = query.body.as_ref() {
                    if select.from.is_empty() {
                        for item in &select.projection {
                            if let sqlparser::ast::SelectItem::UnnamedExpr(expr)
                            | sqlparser::ast::SelectItem::ExprWithAlias { expr, .. } = item
                            {
                                self.collect(expr);
                            }
                        }
                    }
                }
            }
            _ => {}
        }
    }

    fn collect_all(&mut self, expressions: &'a [Expr]) {
        for expression in expressions {
            self.collect(expression);
        }
    }

    /// An operation depends on its operands, unless they take each other out: `x - x`, `x * 0`.
    fn collect_operation(&mut self, left: &'a Expr, op: &BinaryOperator, right: &'a Expr) {
        let (one, two) = (Self::of(left, &self.target), Self::of(right, &self.target));
        let cancels = matches!(
            op,
            BinaryOperator::Minus
                | BinaryOperator::Divide
                | BinaryOperator::Modulo
                | BinaryOperator::PGBitwiseXor
        );
        let zero =
            matches!(op, BinaryOperator::Multiply | BinaryOperator::BitwiseAnd | BinaryOperator::PGExp)
                && (is_zero(left) || is_zero(right));
        if zero || (cancels && !one.is_apart(&two)) {
            return;
        }
        self.columns.extend(one.columns);
        self.columns.extend(two.columns);
    }

    fn collect_call(&mut self, function: &'a Function) {
        let FunctionArguments::List(list) = &function.args else { return };
        let name = match function.name.0.last() {
            Some(ObjectNamePart::Identifier(name)) => name.value.as_str(),
            _ => "",
        };
        for argument in &list.args {
            let (FunctionArg::Named { arg, .. }
            | FunctionArg::ExprNamed { arg, .. }
            | FunctionArg::Unnamed(arg)) = argument;
            if let FunctionArgExpr::Expr(expression) = arg {
                self.collect(expression);
                // What follows a constant in COALESCE is never looked at.
                if name == "coalesce" && matches!(expression, Expr::Value(_)) {
                    return;
                }
            }
        }
    }
}

fn is_zero(expression: &Expr) -> bool {
    match expression {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => is_zero(inner),
        Expr::Value(ValueWithSpan { value: Value::Number(text, _), .. }) => {
            // What may be zero is taken for it.
            shape::value(text).is_none_or(|text| text.chars().all(|digit| matches!(digit, '0' | '.' | '_')))
        }
        _ => false,
    }
}
