//! Expressions: columns, operators, subqueries, and what an output is computed from.

use sqlparser::ast::{
    AccessExpr, BinaryOperator, CaseWhen, CastKind, CeilFloorKind, Expr, Ident, Query, Subscript,
    TypedString, Value,
};

use super::Walk;
use crate::names::{reaches_outside, reads_whole_rows};
use crate::scope::{Lineage, Out, Source, resolve};

impl<'a> Walk<'a> {
    /// Walks an output column; its lineage.
    pub(super) fn output(&mut self, expression: &'a Expr) -> Out<'a> {
        let mut inner = expression;
        while let Expr::Nested(nested) = inner {
            inner = nested;
        }
        let out = match inner {
            Expr::Identifier(name) => self.reference(None, name),
            Expr::CompoundIdentifier(names) => match names.as_slice() {
                [first, .., name] => {
                    self.check_name(first);
                    self.reference(names.iter().rev().nth(1), name)
                }
                _ => Out::Unknown,
            },
            _ => {
                let mut lineage = Lineage::default();
                self.expression(inner, &mut lineage);
                lineage.into_out()
            }
        };
        self.spend(out)
    }

    /// A column reference, or what looks like one.
    fn reference(&mut self, qualifier: Option<&'a Ident>, name: &'a Ident) -> Out<'a> {
        let Ident { value, quote_style, span: _ } = name;
        if qualifier.is_none() {
            if quote_style.is_none() && value == "default" {
                return Out::Computed(Vec::new());
            }
            self.check_name(name);
        }
        self.columns.push(value);
        if self.lineage_left == 0 {
            return Out::Unknown;
        }
        match qualifier {
            None => match self.scopes.iter().rev().find_map(|scope| scope.source(value)) {
                // The name of a FROM item is its whole row, unless it has a column of that name.
                Some(Source::Relation | Source::Query(_)) => {
                    self.all_columns();
                    Out::Unknown
                }
                // A column of that name, of whatever item, comes before the function's result as a whole.
                Some(Source::Function(_)) | None => self.resolve(None, value),
            },
            Some(_) if reads_whole_rows(value) => {
                self.function_name(None, value);
                self.all_columns();
                Out::Unknown
            }
            // A cast of the row to the type of its table.
            Some(_) if self.tables.contains(value.as_str()) => {
                self.all_columns();
                Out::Unknown
            }
            Some(qualifier) => {
                self.attribute(Some(&qualifier.value), value);
                self.resolve(Some(&qualifier.value), value)
            }
        }
    }

    /// `x.name`: a column, or a call of `name(x)`.
    fn attribute(&mut self, qualifier: Option<&str>, name: &'a str) {
        let source = qualifier.and_then(|name| self.scopes.iter().rev().find_map(|scope| scope.source(name)));
        if source.is_some_and(|source| source.surely_has(name)) {
            return;
        }
        if reaches_outside(None, name) {
            self.opaque(name);
        }
        self.attributes.push(name);
    }

    /// The lineage of a column reference, within the budget.
    fn resolve(&mut self, qualifier: Option<&str>, name: &'a str) -> Out<'a> {
        let mut work = 0;
        let out = resolve(&self.scopes, qualifier, name, &mut work);
        self.charge(work, out)
    }

    /// Walks an expression, adding to `lineage` what it is computed from. Loops along the left edge of the tree,
    /// where operator chains grow.
    pub(super) fn expression(&mut self, expression: &'a Expr, lineage: &mut Lineage<'a>) {
        let mut current = expression;
        while let Some(next) = self.expression_step(current, lineage) {
            current = next;
        }
    }

    /// Walks everything of an expression but one operand, which is the result.
    fn expression_step(&mut self, expression: &'a Expr, lineage: &mut Lineage<'a>) -> Option<&'a Expr> {
        match expression {
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {
                let out = self.output(expression);
                lineage.add(&out);
                None
            }
            Expr::Value(_) => None,
            Expr::TypedString(TypedString { data_type: _, value, uses_odbc_syntax }) => {
                self.foreign(*uses_odbc_syntax, "ODBC constant");
                self.constant(&value.value);
                None
            }
            Expr::Nested(inner)
            | Expr::IsFalse(inner)
            | Expr::IsNotFalse(inner)
            | Expr::IsTrue(inner)
            | Expr::IsNotTrue(inner)
            | Expr::IsNull(inner)
            | Expr::IsNotNull(inner)
            | Expr::IsUnknown(inner)
            | Expr::IsNotUnknown(inner)
            | Expr::IsJson { expr: inner, kind: _, unique_keys: _, negated: _ }
            | Expr::IsNormalized { expr: inner, form: _, negated: _ }
            | Expr::UnaryOp { op: _, expr: inner }
            | Expr::Named { expr: inner, name: _ } => Some(inner),
            Expr::Collate { expr, collation } => {
                // Behind `x` a bare COLLATE may be a label, and what follows the next clause.
                let _checked = self.parts(collation);
                Some(expr)
            }
            Expr::Cast { kind, expr, data_type: _, format } => {
                self.foreign(!matches!(kind, CastKind::Cast | CastKind::DoubleColon), "kind of cast");
                self.foreign(format.is_some(), "FORMAT of a cast");
                Some(expr)
            }
            Expr::BinaryOp { left, op, right } => {
                self.foreign(is_foreign(op), "operator of another dialect");
                self.expression(right, lineage);
                Some(left)
            }
            Expr::IsDistinctFrom(left, right)
            | Expr::IsNotDistinctFrom(left, right)
            | Expr::AnyOp { left, compare_op: _, right, is_some: _ }
            | Expr::AllOp { left, compare_op: _, right }
            | Expr::AtTimeZone { timestamp: left, time_zone: right } => {
                self.expression(right, lineage);
                Some(left)
            }
            Expr::Between { expr, negated: _, low, high } => {
                self.expression(low, lineage);
                self.expression(high, lineage);
                Some(expr)
            }
            Expr::InList { expr, list, negated: _ } => {
                self.expressions(list, lineage);
                Some(expr)
            }
            Expr::InSubquery { expr, subquery, negated: _ } => {
                self.subquery(subquery, lineage);
                Some(expr)
            }
            Expr::Like { negated: _, any: _, expr, pattern, escape_char }
            | Expr::ILike { negated: _, any: _, expr, pattern, escape_char }
            | Expr::SimilarTo { negated: _, expr, pattern, escape_char } => {
                self.expression(pattern, lineage);
                self.expressions(escape_char.as_deref(), lineage);
                Some(expr)
            }
            Expr::Function(function) => {
                self.function(function, lineage);
                None
            }
            Expr::Exists { subquery, negated: _ } => {
                self.query(subquery);
                None
            }
            Expr::Subquery(query) => {
                self.subquery(query, lineage);
                None
            }
            Expr::Case { .. }
            | Expr::CompoundFieldAccess { .. }
            | Expr::Extract { .. }
            | Expr::Ceil { .. }
            | Expr::Floor { .. }
            | Expr::Position { .. }
            | Expr::Substring { .. }
            | Expr::Trim { .. }
            | Expr::Overlay { .. }
            | Expr::Convert { .. }
            | Expr::GroupingSets(_)
            | Expr::Cube(_)
            | Expr::Rollup(_)
            | Expr::Tuple(_)
            | Expr::Array(_)
            | Expr::Interval(_)
            | Expr::Wildcard(_)
            | Expr::QualifiedWildcard(..) => {
                self.rare_expression(expression, lineage);
                None
            }
            Expr::JsonAccess { .. }
            | Expr::InUnnest { .. }
            | Expr::RLike { .. }
            | Expr::Prefixed { .. }
            | Expr::Struct { .. }
            | Expr::Dictionary(_)
            | Expr::Map(_)
            | Expr::MatchAgainst { .. }
            | Expr::OuterJoin(_)
            | Expr::Prior(_)
            | Expr::Lambda(_)
            | Expr::MemberOf(_) => {
                lineage.unknown = true;
                self.opaque("expression of another dialect");
                None
            }
        }
    }

    /// Kinds that no chain is made of; apart, so that the frames of chains stay small.
    #[inline(never)]
    fn rare_expression(&mut self, expression: &'a Expr, lineage: &mut Lineage<'a>) {
        match expression {
            Expr::Case { case_token: _, end_token: _, operand, conditions, else_result } => {
                self.expressions(operand.as_deref(), lineage);
                for CaseWhen { condition, result } in conditions {
                    self.expression(condition, lineage);
                    self.expression(result, lineage);
                }
                self.expressions(else_result.as_deref(), lineage);
            }
            Expr::CompoundFieldAccess { root, access_chain } => {
                self.expression(root, lineage);
                let mut has_fields = may_have_fields(root);
                for access in access_chain {
                    self.access(access, has_fields, lineage);
                    has_fields = true;
                }
            }
            Expr::Extract { field: _, syntax: _, expr } => {
                self.function_name(None, "extract");
                self.expression(expr, lineage);
            }
            Expr::Ceil { expr, field } | Expr::Floor { expr, field } => {
                let name = if matches!(expression, Expr::Ceil { .. }) { "ceil" } else { "floor" };
                self.function_name(None, name);
                let plain = matches!(
                    field,
                    CeilFloorKind::DateTimeField(sqlparser::ast::DateTimeField::NoDateTime)
                        | CeilFloorKind::Scale(_)
                );
                self.foreign(!plain, "CEIL or FLOOR TO");
                self.expression(expr, lineage);
            }
            Expr::Position { expr, r#in } => {
                self.function_name(None, "position");
                self.expression(expr, lineage);
                self.expression(r#in, lineage);
            }
            Expr::Substring { expr, substring_from, substring_for, special: _, shorthand } => {
                self.function_name(None, if *shorthand { "substr" } else { "substring" });
                self.expression(expr, lineage);
                self.expressions(substring_from.as_deref(), lineage);
                self.expressions(substring_for.as_deref(), lineage);
            }
            Expr::Trim { trim_where: _, trim_what, expr, trim_characters } => {
                self.function_name(None, "trim");
                self.expression(expr, lineage);
                self.expressions(trim_what.as_deref(), lineage);
                self.expressions(trim_characters.iter().flatten(), lineage);
            }
            Expr::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
                self.function_name(None, "overlay");
                self.expression(expr, lineage);
                self.expression(overlay_what, lineage);
                self.expression(overlay_from, lineage);
                self.expressions(overlay_for.as_deref(), lineage);
            }
            Expr::Convert { is_try: _, expr, data_type: _, charset: _, target_before_value: _, styles } => {
                self.opaque("CONVERT");
                lineage.unknown = true;
                self.expression(expr, lineage);
                self.expressions(styles, lineage);
            }
            Expr::GroupingSets(sets) | Expr::Cube(sets) | Expr::Rollup(sets) => {
                for set in sets {
                    self.expressions(set, lineage);
                }
            }
            Expr::Tuple(expressions) => self.expressions(expressions, lineage),
            Expr::Array(array) => self.expressions(&array.elem, lineage),
            Expr::Interval(interval) => match interval.value.as_ref() {
                Expr::Value(constant) => self.constant(&constant.value),
                _ => self.opaque("a column called interval"),
            },
            Expr::Wildcard(_) | Expr::QualifiedWildcard(..) => {
                self.all_columns();
                lineage.unknown = true;
            }
            _ => self.opaque("expression of another dialect"),
        }
    }

    /// The value of `TYPE 'value'`. With anything but a string, the type is a column and the value its label.
    fn constant(&mut self, value: &Value) {
        let string = matches!(
            value,
            Value::SingleQuotedString(_)
                | Value::EscapedStringLiteral(_)
                | Value::UnicodeStringLiteral(_)
                | Value::DollarQuotedString(_)
                | Value::SingleQuotedByteStringLiteral(_)
                | Value::HexStringLiteral(_)
        );
        self.foreign(!string, "a label that looks like a constant");
    }

    pub(super) fn expressions(
        &mut self,
        expressions: impl IntoIterator<Item = &'a Expr>,
        lineage: &mut Lineage<'a>,
    ) {
        for expression in expressions {
            self.expression(expression, lineage);
        }
    }

    /// A subquery whose rows become a value.
    pub(super) fn subquery(&mut self, query: &'a Query, lineage: &mut Lineage<'a>) {
        match self.query(query) {
            None => lineage.unknown = true,
            Some(columns) => {
                for (_, out) in columns.iter() {
                    lineage.add(out);
                }
            }
        }
    }

    fn access(&mut self, access: &'a AccessExpr, has_fields: bool, lineage: &mut Lineage<'a>) {
        match access {
            // A field of a composite value, or a call over it: which is not told, and neither is what comes of it.
            AccessExpr::Dot(Expr::Identifier(name)) => {
                let name = name.value.as_str();
                self.columns.push(name);
                self.attribute(None, name);
                if !has_fields || reads_whole_rows(name) {
                    self.function_name(None, name);
                }
                lineage.unknown = true;
            }
            AccessExpr::Dot(expression) => self.expression(expression, lineage),
            AccessExpr::Subscript(Subscript::Index { index }) => self.expression(index, lineage),
            AccessExpr::Subscript(Subscript::Slice { lower_bound, upper_bound, stride }) => {
                self.foreign(stride.is_some(), "stride of a slice");
                self.expressions(lower_bound, lineage);
                self.expressions(upper_bound, lineage);
            }
        }
    }
}

/// Whether a value may be of a composite type. Of a constant, or what operators make, `(5).f` is a call.
fn may_have_fields(expression: &Expr) -> bool {
    match expression {
        Expr::Nested(inner) => may_have_fields(inner),
        Expr::Identifier(_)
        | Expr::CompoundIdentifier(_)
        | Expr::CompoundFieldAccess { .. }
        | Expr::Function(_)
        | Expr::Subquery(_)
        | Expr::Tuple(_) => true,
        _ => false,
    }
}

fn is_foreign(operator: &BinaryOperator) -> bool {
    matches!(
        operator,
        BinaryOperator::Xor
            | BinaryOperator::DuckIntegerDivide
            | BinaryOperator::MyIntegerDivide
            | BinaryOperator::Match
            | BinaryOperator::Regexp
            | BinaryOperator::Glob
            | BinaryOperator::Assignment
    )
}
