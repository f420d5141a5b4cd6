//! From what the `cel` crate read to a checked expression.

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr as Cel, ListExpr, SelectExpr, operators};
use cel::common::value::CelVal;
use cel::parser::Expression;

use super::MAX_CONDITION_DEPTH;
use super::expression::{Expr, FACTS, Fold, Op, Type};

type Checked = Result<(Expr, Type), String>;

pub(super) fn condition(expression: &Expression) -> Result<Expr, String> {
    let mut checker = Checker { locals: Vec::new() };
    match checker.check(expression, 0)? {
        (expr, Type::Bool) => Ok(expr),
        (_, other) => Err(format!("the expression is {}, not true or false", other.called())),
    }
}

struct Checker {
    /// The variables of the folds around, the innermost last.
    locals: Vec<(String, Type)>,
}

impl Checker {
    fn check(&mut self, expression: &Expression, depth: usize) -> Checked {
        if depth > MAX_CONDITION_DEPTH {
            return Err(format!("the operations are nested deeper than {MAX_CONDITION_DEPTH}"));
        }
        let inner = depth.saturating_add(1);
        match &expression.expr {
            Cel::Literal(value) => literal(value),
            Cel::Ident(name) => self.named(name),
            Cel::Select(select) => self.select(select),
            Cel::List(list) => self.list(list, inner),
            Cel::Call(call) => self.call(call, inner),
            Cel::Comprehension(fold) => self.fold(fold, inner),
            Cel::Map(_) => Err("mappings are not supported".to_owned()),
            Cel::Struct(_) => Err("messages are not supported".to_owned()),
            Cel::Unspecified => Err("not valid CEL".to_owned()),
        }
    }

    fn named(&self, name: &str) -> Checked {
        if let Some((slot, (_, of_type))) =
            self.locals.iter().enumerate().rev().find(|(_, (local, _))| local == name)
        {
            return Ok((Expr::Local(slot), of_type.clone()));
        }
        let fact = FACTS.iter().find(|(known, _)| *known == name).map(|(_, fact)| *fact);
        fact.map(|fact| (Expr::Fact(fact), fact.of_type())).ok_or_else(|| unknown(name))
    }

    fn select(&self, select: &SelectExpr) -> Checked {
        let Cel::Ident(object) = &select.operand.expr else {
            return Err(format!("`.{}`: only `who`, `now` and `statement` have fields", select.field));
        };
        if self.locals.iter().any(|(local, _)| local == object) {
            return Err(format!("`{object}` has no field `{}`", select.field));
        }
        let path = format!("{object}.{}", select.field);
        if select.test {
            self.named(&path)?;
            return Ok((Expr::Bool(true), Type::Bool));
        }
        self.named(&path)
    }

    fn list(&mut self, list: &ListExpr, depth: usize) -> Checked {
        let mut items = Vec::with_capacity(list.elements.len());
        let mut item_type = None;
        for element in &list.elements {
            let (item, of_type) = self.check(element, depth)?;
            item_type = Some(match item_type {
                None => of_type,
                Some(before) => join(before, of_type, "a list")?,
            });
            items.push(item);
        }
        Ok((Expr::List(items), Type::List(item_type.map(Box::new))))
    }

    fn call(&mut self, call: &CallExpr, depth: usize) -> Checked {
        let mut operands = Vec::with_capacity(3);
        for operand in call.target.as_deref().into_iter().chain(&call.args) {
            operands.push(self.check(operand, depth)?);
        }
        let name = call.func_name.as_str();
        let method = call.target.is_some();
        let wrong = || format!("`{}` does not fit its operands", shown(name));
        match (name, <[_; 1]>::try_from(operands)) {
            (operators::LOGICAL_NOT, Ok([(operand, Type::Bool)])) => {
                Ok((Expr::Not(Box::new(operand)), Type::Bool))
            }
            (operators::NOT_STRICTLY_FALSE, Ok([(operand, Type::Bool)])) => Ok((operand, Type::Bool)),
            (operators::NEGATE, Ok([(operand, Type::Int)])) => {
                Ok((Expr::Binary(Op::Subtract, Box::new([Expr::Int(0), operand])), Type::Int))
            }
            ("size", Ok([(operand, Type::List(_) | Type::Text)])) => {
                Ok((Expr::Size(Box::new(operand)), Type::Int))
            }
            (_, Ok(_)) => Err(if known(name) { wrong() } else { unknown_function(name) }),
            (_, Err(operands)) => match <[_; 2]>::try_from(operands) {
                Ok([left, right]) => binary(name, method, left, right),
                Err(operands) => match (name, <[_; 3]>::try_from(operands)) {
                    (operators::CONDITIONAL, Ok([(test, Type::Bool), (yes, a), (no, b)])) => {
                        Ok((Expr::If(Box::new([test, yes, no])), join(a, b, "`? :`")?))
                    }
                    _ => Err(if known(name) { wrong() } else { unknown_function(name) }),
                },
            },
        }
    }

    fn fold(&mut self, fold: &ComprehensionExpr, depth: usize) -> Checked {
        if fold.iter_var2.is_some() {
            return Err("folds over two variables are not supported".to_owned());
        }
        let (range, of_type) = self.check(&fold.iter_range, depth)?;
        let Type::List(item) = of_type else {
            return Err(format!("`all`, `exists`, `map` … need a list, not {}", of_type.called()));
        };
        let (start, accumulated) = self.check(&fold.accu_init, depth)?;
        let outside = self.locals.len();
        self.locals.push((fold.accu_var.clone(), accumulated.clone()));
        // The items of an empty list are never seen, so any type will do for them.
        self.locals.push((fold.iter_var.clone(), item.map_or(Type::Text, |item| *item)));
        let (step, stepped) = self.check(&fold.loop_step, depth)?;
        let (going, _) = self.check(&fold.loop_cond, depth)?;
        let accumulated = join(accumulated, stepped, "a macro's result")?;
        self.locals.truncate(outside);
        self.locals.push((fold.accu_var.clone(), accumulated));
        let (result, of_type) = self.check(&fold.result, depth)?;
        self.locals.truncate(outside);
        Ok((Expr::Fold(Box::new(Fold { range, start, going, step, result })), of_type))
    }
}

fn literal(value: &CelVal) -> Checked {
    match value {
        CelVal::Boolean(value) => Ok((Expr::Bool(*value), Type::Bool)),
        CelVal::Int(value) => Ok((Expr::Int(*value), Type::Int)),
        CelVal::String(text) => Ok((Expr::Text(text.as_str().into()), Type::Text)),
        CelVal::Bytes(_) | CelVal::Double(_) | CelVal::Null | CelVal::UInt(_) => {
            Err("only text, whole numbers, true and false can be written here".to_owned())
        }
        CelVal::Unspecified
        | CelVal::Error
        | CelVal::Dyn
        | CelVal::Any
        | CelVal::Duration(_)
        | CelVal::List
        | CelVal::Map
        | CelVal::Timestamp(_)
        | CelVal::Type
        | CelVal::Unknown => Err("not valid CEL".to_owned()),
    }
}

fn binary(name: &str, method: bool, (left, a): (Expr, Type), (right, b): (Expr, Type)) -> Checked {
    let (op, result) = match (name, &a, &b) {
        (operators::LOGICAL_AND, Type::Bool, Type::Bool) => {
            return Ok((Expr::And(Box::new([left, right])), Type::Bool));
        }
        (operators::LOGICAL_OR, Type::Bool, Type::Bool) => {
            return Ok((Expr::Or(Box::new([left, right])), Type::Bool));
        }
        (operators::ADD, Type::Int, Type::Int) => (Op::Add, Type::Int),
        (operators::ADD, Type::Text, Type::Text) => (Op::Add, Type::Text),
        (operators::ADD, Type::List(_), Type::List(_)) => (Op::Add, join(a, b, "`+`")?),
        (operators::SUBSTRACT, Type::Int, Type::Int) => (Op::Subtract, Type::Int),
        (operators::MULTIPLY, Type::Int, Type::Int) => (Op::Multiply, Type::Int),
        (operators::DIVIDE, Type::Int, Type::Int) => (Op::Divide, Type::Int),
        (operators::MODULO, Type::Int, Type::Int) => (Op::Remainder, Type::Int),
        (operators::LESS, Type::Int | Type::Text, _) if a == b => (Op::Less, Type::Bool),
        (operators::LESS_EQUALS, Type::Int | Type::Text, _) if a == b => (Op::LessOrEqual, Type::Bool),
        (operators::GREATER, Type::Int | Type::Text, _) if a == b => (Op::Greater, Type::Bool),
        (operators::GREATER_EQUALS, Type::Int | Type::Text, _) if a == b => (Op::GreaterOrEqual, Type::Bool),
        (operators::EQUALS, _, _) => {
            join(a, b, "`==`")?;
            (Op::Equal, Type::Bool)
        }
        (operators::NOT_EQUALS, _, _) => {
            join(a, b, "`!=`")?;
            (Op::NotEqual, Type::Bool)
        }
        (operators::IN, _, Type::List(item)) => {
            if let Some(item) = item {
                join(a, *item.clone(), "`in`")?;
            }
            (Op::In, Type::Bool)
        }
        (operators::INDEX, Type::List(Some(item)), Type::Int) => (Op::Index, *item.clone()),
        ("contains", Type::Text, Type::Text) if method => (Op::Contains, Type::Bool),
        ("endsWith", Type::Text, Type::Text) if method => (Op::EndsWith, Type::Bool),
        ("startsWith", Type::Text, Type::Text) if method => (Op::StartsWith, Type::Bool),
        _ if known(name) => {
            return Err(format!("`{}` does not fit {} and {}", shown(name), a.called(), b.called()));
        }
        _ => return Err(unknown_function(name)),
    };
    Ok((Expr::Binary(op, Box::new([left, right])), result))
}

fn join(a: Type, b: Type, place: &str) -> Result<Type, String> {
    let message = format!("{place} mixes {} and {}", a.called(), b.called());
    a.join(b).ok_or(message)
}

/// The functions that people write by name.
const FUNCTIONS: &[&str] = &["contains", "endsWith", "size", "startsWith"];

fn known(name: &str) -> bool {
    FUNCTIONS.contains(&name) || name.contains(['_', '@', '!'])
}

/// An operator as people write it: `_==_` is `==`.
fn shown(name: &str) -> &str {
    if FUNCTIONS.contains(&name) { name } else { name.trim_matches(['_', '@']) }
}

fn unknown(name: &str) -> String {
    let names: Vec<_> = FACTS.iter().map(|(name, _)| format!("`{name}`")).collect();
    format!("`{name}` is not known here; there are {}", names.join(", "))
}

fn unknown_function(name: &str) -> String {
    format!(
        "the function `{name}` is not known here; there are `contains`, `endsWith`, `startsWith`, `size`, \
             `all`, `exists`, `exists_one`, `filter`, `map`"
    )
}
