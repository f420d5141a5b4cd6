//! A checked expression: every name is resolved and every operation fits its operands.

/// What an expression does. Locals are numbered from the outermost fold inwards.
#[derive(Clone, Debug)]
pub(super) enum Expr {
    And(Box<[Self; 2]>),
    Binary(Op, Box<[Self; 2]>),
    Bool(bool),
    Fact(Fact),
    Fold(Box<Fold>),
    If(Box<[Self; 3]>),
    Int(i64),
    List(Vec<Self>),
    Local(usize),
    Not(Box<Self>),
    Or(Box<[Self; 2]>),
    Size(Box<Self>),
    Text(Box<str>),
}

/// `all`, `exists`, `exists_one`, `filter`, `map`: all are folds.
#[derive(Clone, Debug)]
pub(super) struct Fold {
    pub(super) range: Expr,
    pub(super) start: Expr,
    pub(super) going: Expr,
    pub(super) step: Expr,
    pub(super) result: Expr,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Op {
    Add,
    Contains,
    Divide,
    EndsWith,
    Equal,
    Greater,
    GreaterOrEqual,
    In,
    Index,
    Less,
    LessOrEqual,
    Multiply,
    NotEqual,
    Remainder,
    StartsWith,
    Subtract,
}

/// What can be asked about the caller, the time and the statement.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fact {
    Bounded,
    Columns,
    Database,
    Effects,
    Functions,
    Groups,
    Hour,
    Issuer,
    Opaque,
    Resource,
    Role,
    Settings,
    Statements,
    Subject,
    Tables,
    Unix,
    Verbs,
    Weekday,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Type {
    Bool,
    Int,
    /// None: an empty list, which fits any.
    List(Option<Box<Self>>),
    Text,
}

/// Every name that an expression may use.
pub(super) const FACTS: &[(&str, Fact)] = &[
    ("database", Fact::Database),
    ("now.hour", Fact::Hour),
    ("now.unix", Fact::Unix),
    ("now.weekday", Fact::Weekday),
    ("resource", Fact::Resource),
    ("role", Fact::Role),
    ("statement.bounded", Fact::Bounded),
    ("statement.columns", Fact::Columns),
    ("statement.effects", Fact::Effects),
    ("statement.functions", Fact::Functions),
    ("statement.opaque", Fact::Opaque),
    ("statement.settings", Fact::Settings),
    ("statement.tables", Fact::Tables),
    ("statement.verbs", Fact::Verbs),
    ("statements", Fact::Statements),
    ("who.groups", Fact::Groups),
    ("who.issuer", Fact::Issuer),
    ("who.subject", Fact::Subject),
];

impl Expr {
    /// Every fact that it asks for.
    pub(super) fn facts(&self, facts: &mut Vec<Fact>) {
        match self {
            Self::Bool(_) | Self::Int(_) | Self::Local(_) | Self::Text(_) => {}
            Self::Fact(fact) => facts.push(*fact),
            Self::Not(inner) | Self::Size(inner) => inner.facts(facts),
            Self::And(pair) | Self::Or(pair) | Self::Binary(_, pair) => {
                pair.iter().for_each(|part| part.facts(facts));
            }
            Self::If(parts) => parts.iter().for_each(|part| part.facts(facts)),
            Self::List(parts) => parts.iter().for_each(|part| part.facts(facts)),
            Self::Fold(fold) => {
                let Fold { range, start, going, step, result } = &**fold;
                [range, start, going, step, result].into_iter().for_each(|part| part.facts(facts));
            }
        }
    }
}

impl Fact {
    /// Whether it is about what the statement does.
    pub(super) fn is_of_statement(self) -> bool {
        match self {
            Self::Bounded
            | Self::Columns
            | Self::Effects
            | Self::Functions
            | Self::Opaque
            | Self::Settings
            | Self::Tables
            | Self::Verbs => true,
            Self::Database
            | Self::Groups
            | Self::Hour
            | Self::Issuer
            | Self::Resource
            | Self::Role
            | Self::Statements
            | Self::Subject
            | Self::Unix
            | Self::Weekday => false,
        }
    }

    pub(super) fn of_type(self) -> Type {
        match self {
            Self::Bounded | Self::Opaque => Type::Bool,
            Self::Hour | Self::Statements | Self::Unix | Self::Weekday => Type::Int,
            Self::Database | Self::Issuer | Self::Resource | Self::Role | Self::Subject => Type::Text,
            Self::Columns
            | Self::Effects
            | Self::Functions
            | Self::Groups
            | Self::Settings
            | Self::Tables
            | Self::Verbs => Type::List(Some(Box::new(Type::Text))),
        }
    }
}

impl Type {
    /// The type that both fit, if any.
    pub(super) fn join(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::List(None), Self::List(item)) | (Self::List(item), Self::List(None)) => {
                Some(Self::List(item))
            }
            (Self::List(Some(a)), Self::List(Some(b))) => {
                a.join(*b).map(|item| Self::List(Some(Box::new(item))))
            }
            (a, b) => (a == b).then_some(a),
        }
    }

    pub(super) fn called(&self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Int => "a number",
            Self::List(_) => "a list",
            Self::Text => "text",
        }
    }
}
