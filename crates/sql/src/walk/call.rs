//! Calls of functions: their arguments, their clauses, and what they set.

use chaperone_model::facts::Effect;
use sqlparser::ast::{
    DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArgumentList,
    FunctionArguments, ObjectName, Value, ValueWithSpan, WindowFrame, WindowFrameBound, WindowSpec,
    WindowType,
};

use super::Walk;
use crate::names::{is_pure, reaches_outside};
use crate::scope::Lineage;
use crate::utility::setting;

impl<'a> Walk<'a> {
    pub(super) fn function(&mut self, function: &'a Function, lineage: &mut Lineage<'a>) {
        let Function {
            name,
            uses_odbc_syntax,
            parameters,
            args,
            within_group,
            filter,
            null_treatment: _,
            over,
        } = function;
        self.foreign(*uses_odbc_syntax, "ODBC call");
        self.foreign(!matches!(parameters, FunctionArguments::None), "parameters of a function");
        let mut arguments: &[FunctionArg] = &[];
        match args {
            FunctionArguments::None => {}
            FunctionArguments::Subquery(query) => self.subquery(query, lineage),
            FunctionArguments::List(FunctionArgumentList { duplicate_treatment: _, args, clauses }) => {
                arguments = args;
                for argument in args {
                    self.argument(argument, lineage);
                }
                for clause in clauses {
                    self.argument_clause(clause, lineage);
                }
            }
        }
        self.call(name, lineage, arguments);
        self.order_by_expressions(within_group, lineage);
        self.discard_all(filter.as_deref());
        match over {
            Some(WindowType::WindowSpec(window)) => self.window(window, lineage),
            Some(WindowType::NamedWindow(_)) | None => {}
        }
    }

    /// A call by `name`, its arguments already walked.
    pub(super) fn call(
        &mut self,
        name: &'a ObjectName,
        lineage: &mut Lineage<'a>,
        arguments: &[FunctionArg],
    ) {
        let Some((schema, bare)) = self.parts_of_function(name) else {
            lineage.unknown = true;
            return;
        };
        // Facts tell a schema from a name by the period between them.
        if bare.contains('.') || schema.is_some_and(|schema| schema.contains('.')) {
            self.opaque("period in the name of a function");
        }
        self.function_name(schema, bare);
        lineage.unknown |= !is_pure(schema, bare);
        // With three arguments it only computes; with two the second is a query.
        let computes = bare == "ts_rewrite" && arguments.len() == 3 && arguments.iter().all(is_plain);
        if reaches_outside(schema, bare) && !computes {
            self.opaque(bare);
        }
        if bare == "set_config" {
            match arguments.first().and_then(literal) {
                Some(name) => {
                    let effect: Effect = setting(name);
                    self.effect(effect);
                }
                None => self.opaque("set_config"),
            }
        }
    }

    /// As `parts`, for names that are partly made of keywords (`any`, `user`, `array`).
    fn parts_of_function(&mut self, name: &'a ObjectName) -> Option<(Option<&'a str>, &'a str)> {
        match name.0.as_slice() {
            [sqlparser::ast::ObjectNamePart::Identifier(only)] => Some((None, &only.value)),
            _ => self.parts(name),
        }
    }

    pub(super) fn argument(&mut self, argument: &'a FunctionArg, lineage: &mut Lineage<'a>) {
        let value = match argument {
            FunctionArg::Named { name: _, arg, operator: _ } => arg,
            FunctionArg::ExprNamed { name, arg, operator: _ } => {
                self.expression(name, lineage);
                arg
            }
            FunctionArg::Unnamed(arg) => arg,
        };
        match value {
            FunctionArgExpr::Expr(expression) => self.expression(expression, lineage),
            FunctionArgExpr::QualifiedWildcard(_) => {
                self.all_columns();
                lineage.unknown = true;
            }
            // `count(*)` asks for no column.
            FunctionArgExpr::Wildcard => {}
            FunctionArgExpr::WildcardWithOptions(_) => self.opaque("option of a wildcard"),
        }
    }

    fn argument_clause(&mut self, clause: &'a FunctionArgumentClause, lineage: &mut Lineage<'a>) {
        match clause {
            FunctionArgumentClause::OrderBy(expressions) => self.order_by_expressions(expressions, lineage),
            FunctionArgumentClause::JsonNullClause(_)
            | FunctionArgumentClause::JsonReturningClause(_)
            | FunctionArgumentClause::IgnoreOrRespectNulls(_) => {}
            FunctionArgumentClause::Where(_)
            | FunctionArgumentClause::Limit(_)
            | FunctionArgumentClause::OnOverflow(_)
            | FunctionArgumentClause::Having(_)
            | FunctionArgumentClause::Separator(_) => self.opaque("clause of a call"),
        }
    }

    pub(super) fn window(&mut self, window: &'a WindowSpec, lineage: &mut Lineage<'a>) {
        let WindowSpec { window_name: _, partition_by, order_by, window_frame } = window;
        self.expressions(partition_by, lineage);
        self.order_by_expressions(order_by, lineage);
        let Some(WindowFrame { units: _, start_bound, end_bound }) = window_frame else { return };
        for bound in std::iter::once(start_bound).chain(end_bound) {
            match bound {
                WindowFrameBound::CurrentRow => {}
                WindowFrameBound::Preceding(distance) | WindowFrameBound::Following(distance) => {
                    self.expressions(distance.as_deref(), lineage);
                }
            }
        }
    }
}

/// Whether an argument is known by its place, and one.
fn is_plain(argument: &FunctionArg) -> bool {
    match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expression)) => {
            !matches!(expression, Expr::QualifiedWildcard(..))
        }
        _ => false,
    }
}

/// The text of an argument that is a string literal. Under a name it could be another argument than it seems.
fn literal(argument: &FunctionArg) -> Option<&str> {
    let FunctionArg::Unnamed(FunctionArgExpr::Expr(expression)) = argument else { return None };
    let mut inner = expression;
    loop {
        match inner {
            Expr::Nested(nested) => inner = nested,
            // Other types take letters away: `'search_path_'::varchar(11)`.
            Expr::Cast { expr, data_type: DataType::Text, .. } => inner = expr,
            Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), span: _ }) => {
                return Some(text);
            }
            _ => return None,
        }
    }
}
