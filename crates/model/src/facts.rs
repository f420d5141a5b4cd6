//! What a SQL text does, apart from how it is spelled.
//!
//! Made by the `sql` engine, matched by the `policy` engine. Names are folded as PostgreSQL folds them, so
//! `Secrets`, `SECRETS` and `"secrets"` are one name and `"Secrets"` is another.

use serde::{Deserialize, Serialize};

/// Everything known about one text that a client sent: one or more statements.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The statements in order; empty for an empty query.
    pub statements: Vec<Statement>,
    /// Why the text as a whole could not be understood. Where this is set the statements tell only a part.
    pub opaque: Option<Opaque>,
}

impl Facts {
    /// Whether the text as a whole, or a statement of it, is not accounted for.
    #[must_use]
    pub fn is_opaque(&self) -> bool {
        self.opaque.is_some() || self.statements.iter().any(|statement| statement.opaque.is_some())
    }

    /// About how many bytes of memory they take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.statements.iter().map(Statement::bytes).sum::<usize>()
    }
}

impl Statement {
    fn bytes(&self) -> usize {
        let texts =
            |texts: &[String]| -> usize { texts.iter().map(|text| size_of::<String>() + text.len()).sum() };
        let relations = self.relations.iter().map(|relation| {
            size_of::<Relation>() + relation.name.len() + relation.schema.as_ref().map_or(0, String::len)
        });
        let output = |output: &Output| {
            size_of::<Output>()
                + match output {
                    Output::Column(name) => name.len(),
                    Output::Computed(names) => texts(names),
                    Output::Star | Output::Unknown => 0,
                }
        };
        let outputs = self.outputs.iter().flatten().map(output);
        let stored = self.stored.iter().map(|stored| {
            size_of::<Option<String>>() + stored.column.as_ref().map_or(0, String::len) + output(&stored.from)
        });
        let effects = self.effects.iter().map(|effect| {
            size_of::<Effect>()
                + match effect {
                    Effect::Prepared(name) | Effect::Setting(name) => name.len(),
                    Effect::CopyIn
                    | Effect::CopyOut
                    | Effect::File
                    | Effect::Program
                    | Effect::SwitchRole
                    | Effect::Unnamed(_) => 0,
                }
        });
        size_of::<Self>()
            + self.verbs.len()
            + texts(&self.functions)
            + texts(&self.columns)
            + texts(&self.attributes)
            + relations.sum::<usize>()
            + outputs.sum::<usize>()
            + stored.sum::<usize>()
            + effects.sum::<usize>()
    }
}

/// What one statement does, nested statements included.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// The verbs, the statement's own first, then those of what it contains (a CTE that deletes).
    pub verbs: Vec<Verb>,
    /// Every relation (and other named object) that it touches.
    pub relations: Vec<Relation>,
    /// Every function it calls by name, folded, `schema.name` where qualified.
    pub functions: Vec<String>,
    /// Every column name that the text mentions anywhere, folded; `*` where it asks for all.
    pub columns: Vec<String>,
    /// Names behind a period that are a column or, in PostgreSQL's other notation for calls (`x.f` for `f(x)`), a function.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<String>,
    /// The columns of its result, in order; none where it has no result or lineage could not be told.
    pub outputs: Option<Vec<Output>>,
    /// What it puts into tables, nested statements included, but for constants.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stored: Vec<Stored>,
    /// For UPDATE and DELETE, also nested: true when each is bounded by a real predicate. True when there is none.
    pub bounded: bool,
    /// What it does to the session or outside of the tables.
    pub effects: Vec<Effect>,
    /// Why a part of it is not accounted for.
    pub opaque: Option<Opaque>,
}

/// What a statement (or a part of it) does.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// ALTER of any object.
    Alter,
    /// ANALYZE.
    Analyze,
    /// BEGIN, START TRANSACTION.
    Begin,
    /// CALL.
    Call,
    /// CHECKPOINT.
    Checkpoint,
    /// CLOSE of a cursor.
    Close,
    /// CLUSTER.
    Cluster,
    /// COMMENT ON, SECURITY LABEL.
    Comment,
    /// COMMIT, END.
    Commit,
    /// COPY in either direction; see [`Effect`] for the direction.
    Copy,
    /// CREATE of any object.
    Create,
    /// DEALLOCATE.
    Deallocate,
    /// DECLARE of a cursor.
    Declare,
    /// DELETE.
    Delete,
    /// DISCARD.
    Discard,
    /// DO.
    Do,
    /// DROP of any object.
    Drop,
    /// EXECUTE of a prepared statement.
    Execute,
    /// EXPLAIN (with ANALYZE the verbs of what it runs follow).
    Explain,
    /// FETCH, MOVE.
    Fetch,
    /// GRANT.
    Grant,
    /// INSERT.
    Insert,
    /// LISTEN, UNLISTEN.
    Listen,
    /// LOAD.
    Load,
    /// LOCK TABLE.
    Lock,
    /// MERGE.
    Merge,
    /// NOTIFY.
    Notify,
    /// A statement kind that is understood as a whole but has no verb of its own here.
    Other,
    /// PREPARE of a statement.
    Prepare,
    /// PREPARE TRANSACTION, COMMIT PREPARED, ROLLBACK PREPARED.
    PrepareTransaction,
    /// REASSIGN OWNED.
    Reassign,
    /// REFRESH MATERIALIZED VIEW.
    Refresh,
    /// REINDEX.
    Reindex,
    /// RELEASE SAVEPOINT.
    Release,
    /// RESET.
    Reset,
    /// REVOKE.
    Revoke,
    /// ROLLBACK, ABORT, ROLLBACK TO.
    Rollback,
    /// SAVEPOINT.
    Savepoint,
    /// SELECT, TABLE, VALUES.
    Select,
    /// SET, SET TRANSACTION, SET ROLE.
    Set,
    /// SHOW.
    Show,
    /// TRUNCATE.
    Truncate,
    /// UPDATE.
    Update,
    /// VACUUM.
    Vacuum,
}

/// A named object that a statement touches.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Relation {
    /// The schema as written, folded; none where the name is not qualified (the search path decides).
    pub schema: Option<String>,
    /// The name, folded.
    pub name: String,
    /// What kind of object it is.
    pub kind: ObjectKind,
    /// What is done to it.
    pub access: Access,
}

/// Kinds of objects that rules tell apart.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    /// A database.
    Database,
    /// An extension, language, foreign server or wrapper, access method.
    Extension,
    /// A function, procedure, aggregate, operator, cast.
    Function,
    /// An index.
    Index,
    /// Anything else that has a name.
    Other,
    /// A role or user.
    Role,
    /// A schema.
    Schema,
    /// A sequence.
    Sequence,
    /// A table, view, materialized view, foreign table, or a relation not told apart: ALTER TABLE and ALTER INDEX … RENAME
    /// take indexes and sequences too, GRANT ON and FROM take sequences.
    Table,
    /// A trigger, rule, policy or event trigger.
    Trigger,
    /// A type or domain.
    Type,
}

impl ObjectKind {
    /// Whether such an object is in a schema.
    #[must_use]
    pub const fn has_schema(self) -> bool {
        match self {
            Self::Database | Self::Extension | Self::Role | Self::Schema => false,
            Self::Function
            | Self::Index
            | Self::Other
            | Self::Sequence
            | Self::Table
            | Self::Trigger
            | Self::Type => true,
        }
    }
}

/// What is done to an object.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Its definition is changed.
    Alter,
    /// It is made.
    Create,
    /// It is dropped.
    Drop,
    /// Rights on it change.
    Grant,
    /// It, or rows of it, are locked.
    Lock,
    /// It is read.
    Read,
    /// Rows are inserted, updated, deleted, or it is truncated.
    Write,
}

/// One column of a result.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// A plain column reference; the server names its table in RowDescription. The column's name, folded.
    Column(String),
    /// Computed from these column names and nothing else; empty for constants and `count(*)`.
    Computed(Vec<String>),
    /// `*` or `t.*`: any number of columns, each plain.
    Star,
    /// Not told: whole rows, functions over rows, columns of derived tables that are themselves not told.
    Unknown,
}

/// A value, or all values of a column, that a statement puts into a table.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    /// The column that takes it, folded; none where the statement does not tell.
    pub column: Option<String>,
    /// What it is.
    pub from: Output,
}

/// Effects that are not access to a relation.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// COPY … FROM STDIN.
    CopyIn,
    /// COPY … TO STDOUT.
    CopyOut,
    /// COPY to or from a file of the server.
    File,
    /// COPY … PROGRAM: runs a command on the server.
    Program,
    /// EXECUTE of, or PREPARE as, this name (folded).
    Prepared(String),
    /// Changes this setting (folded), by SET, RESET, set_config or ALTER SYSTEM.
    Setting(String),
    /// Changes who the session is: SET ROLE, SET SESSION AUTHORIZATION, RESET of them.
    SwitchRole,
    /// Does this to objects of any kind and any name that the text does not tell: CASCADE, DROP OWNED, VACUUM without a
    /// table. [`Statement::relations`] has only those that it names.
    Unnamed(Access),
}

impl Effect {
    /// What rules call it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::CopyIn => "copy_in",
            Self::CopyOut => "copy_out",
            Self::File => "file",
            Self::Prepared(_) => "prepared",
            Self::Program => "program",
            Self::Setting(_) => "setting",
            Self::SwitchRole => "switch_role",
            Self::Unnamed(_) => "unnamed",
        }
    }
}

/// Why something is not accounted for. Opaque is denied unless a rule says otherwise.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "why", content = "what")]
pub enum Opaque {
    /// A limit of the guard was reached; which one.
    Limit(String),
    /// A construct that is recognised but whose deeds cannot be told (DO, dynamic SQL, an unknown kind).
    Construct(String),
    /// The text is not valid UTF-8 or contains NUL.
    Encoding,
    /// The parser does not understand it; its message.
    Unparsable(String),
}
