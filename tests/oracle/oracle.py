"""What PostgreSQL's own parser (libpg_query, by pglast) says that statements do: the oracle of the guard's facts.

    python oracle.py FILE… > said.jsonl

Files are .jsonl with {"s": TEXT} in each line, .json with [{"sql": TEXT}, …], or .sql as psql reads it. A line out is {"s": TEXT, "statements": [{"verbs", "relations", "functions", "columns", "unbounded"}, …]}, or
{"s": TEXT, "error": …} where the parser refuses the text. Only what the grammar tells is told: no catalogue is asked.
"""

import json
import sys

from pglast import ast, parse_sql
from pglast.enums import CoercionForm, ObjectType, TransactionStmtKind

import script

sys.setrecursionlimit(20_000)

#: Access by the node and the field that a relation's name stands in; anything else is a reading.
ACCESS = {
    ("InsertStmt", "relation"): "write",
    ("UpdateStmt", "relation"): "write",
    ("DeleteStmt", "relation"): "write",
    ("MergeStmt", "relation"): "write",
    ("TruncateStmt", "relations"): "write",
    ("IntoClause", "rel"): "create",
    ("CreateStmt", "relation"): "create",
    ("CreateForeignTableStmt", "relation"): "create",
    ("ViewStmt", "view"): "create",
    ("CreateSeqStmt", "sequence"): "create",
    ("AlterSeqStmt", "sequence"): "alter",
    ("AlterTableStmt", "relation"): "alter",
    ("RenameStmt", "relation"): "alter",
    ("AlterObjectSchemaStmt", "relation"): "alter",
    ("LockStmt", "relations"): "lock",
}

#: The first verb of each kind of statement.
VERBS = {
    "SelectStmt": "select",
    "InsertStmt": "insert",
    "UpdateStmt": "update",
    "DeleteStmt": "delete",
    "MergeStmt": "merge",
    "CopyStmt": "copy",
    "TruncateStmt": "truncate",
    "DropStmt": "drop",
    "DropdbStmt": "drop",
    "DropRoleStmt": "drop",
    "DropTableSpaceStmt": "drop",
    "DropUserMappingStmt": "drop",
    "DropOwnedStmt": "drop",
    "DropSubscriptionStmt": "drop",
    "CreateStmt": "create",
    "CreateForeignTableStmt": "create",
    "CreateTableAsStmt": "create",
    "ViewStmt": "create",
    "IndexStmt": "create",
    "CreateSeqStmt": "create",
    "CreateFunctionStmt": "create",
    "CreateTrigStmt": "create",
    "RuleStmt": "create",
    "CreateSchemaStmt": "create",
    "CreateExtensionStmt": "create",
    "CreateRoleStmt": "create",
    "CreatedbStmt": "create",
    "CreateDomainStmt": "create",
    "CreateEnumStmt": "create",
    "CompositeTypeStmt": "create",
    "CreateRangeStmt": "create",
    "CreatePolicyStmt": "create",
    "CreateFdwStmt": "create",
    "CreateForeignServerStmt": "create",
    "CreateUserMappingStmt": "create",
    "CreateEventTrigStmt": "create",
    "CreateStatsStmt": "create",
    "CreateCastStmt": "create",
    "CreateOpClassStmt": "create",
    "CreateOpFamilyStmt": "create",
    "CreateConversionStmt": "create",
    "CreateTransformStmt": "create",
    "CreatePLangStmt": "create",
    "CreateAmStmt": "create",
    "CreatePublicationStmt": "create",
    "CreateSubscriptionStmt": "create",
    "CreateTableSpaceStmt": "create",
    "DefineStmt": "create",
    "LockStmt": "lock",
    "DoStmt": "do",
    "CallStmt": "call",
    "ExecuteStmt": "execute",
    "PrepareStmt": "prepare",
    "DeallocateStmt": "deallocate",
    "DeclareCursorStmt": "declare",
    "FetchStmt": "fetch",
    "ClosePortalStmt": "close",
    "ExplainStmt": "explain",
    "VariableShowStmt": "show",
    "ListenStmt": "listen",
    "UnlistenStmt": "listen",
    "NotifyStmt": "notify",
    "LoadStmt": "load",
    "CheckPointStmt": "checkpoint",
    "ClusterStmt": "cluster",
    "ReindexStmt": "reindex",
    "RefreshMatViewStmt": "refresh",
    "DiscardStmt": "discard",
    "CommentStmt": "comment",
    "SecLabelStmt": "comment",
    "ReassignOwnedStmt": "reassign",
    "ConstraintsSetStmt": "set",
}

TRANSACTION = {
    TransactionStmtKind.TRANS_STMT_BEGIN: "begin",
    TransactionStmtKind.TRANS_STMT_START: "begin",
    TransactionStmtKind.TRANS_STMT_COMMIT: "commit",
    TransactionStmtKind.TRANS_STMT_ROLLBACK: "rollback",
    TransactionStmtKind.TRANS_STMT_SAVEPOINT: "savepoint",
    TransactionStmtKind.TRANS_STMT_RELEASE: "release",
    TransactionStmtKind.TRANS_STMT_ROLLBACK_TO: "rollback",
    TransactionStmtKind.TRANS_STMT_PREPARE: "prepare_transaction",
    TransactionStmtKind.TRANS_STMT_COMMIT_PREPARED: "prepare_transaction",
    TransactionStmtKind.TRANS_STMT_ROLLBACK_PREPARED: "prepare_transaction",
}

#: Objects of DROP that are relations of a schema.
DROPPED = {
    ObjectType.OBJECT_TABLE,
    ObjectType.OBJECT_VIEW,
    ObjectType.OBJECT_MATVIEW,
    ObjectType.OBJECT_FOREIGN_TABLE,
    ObjectType.OBJECT_SEQUENCE,
    ObjectType.OBJECT_INDEX,
}


#: Functions that the grammar itself puts in, for LIKE and SIMILAR TO with ESCAPE.
GRAMMARS = {"pg_catalog.like_escape", "pg_catalog.similar_to_escape"}


def verb(node):
    kind = type(node).__name__
    if kind == "TransactionStmt":
        return TRANSACTION.get(node.kind)
    if kind in ("GrantStmt", "GrantRoleStmt"):
        return "grant" if node.is_grant else "revoke"
    if kind == "VariableSetStmt":
        return "reset" if node.kind in (4, 5) else "set"
    if kind == "VacuumStmt":
        return "vacuum" if node.is_vacuumcmd else "analyze"
    if kind.startswith("Alter") or kind == "RenameStmt":
        return "alter"
    return VERBS.get(kind)


def runs(explain):
    """Whether an EXPLAIN runs what it explains."""
    said = [option.arg for option in explain.options or () if option.defname == "analyze"]
    value = getattr(said[-1], "sval", getattr(said[-1], "ival", "true")) if said else "off"
    return str(value).lower() not in ("off", "false", "0")


def names(parts):
    return [part.sval for part in parts]


class Reading:
    """One statement being read."""

    def __init__(self):
        self.verbs, self.relations, self.functions, self.columns = [], [], [], []
        self.unbounded = self.planned = False

    def said(self):
        return {
            "verbs": self.verbs,
            "relations": sorted({tuple(relation) for relation in self.relations}),
            "functions": sorted(set(self.functions)),
            "columns": sorted(set(self.columns)),
            "unbounded": self.unbounded,
        }

    def relation(self, schema, name, access):
        self.relations.append([schema or "", name, access])

    def node(self, node, field, parent, ctes):
        """Reads a node that stands in a field of its parent. `ctes` are the names that hide tables here."""
        if isinstance(node, (tuple, list)):
            for item in node:
                self.node(item, field, parent, ctes)
            return
        if not isinstance(node, ast.Node):
            return
        kind = type(node).__name__
        what = verb(node)
        # Queries are parts of all kinds of statements: a nested one is told by what it reads.
        if what and not self.planned and not (what == "select" and self.verbs):
            self.verbs.append(what)
        if kind == "ExplainStmt" and not runs(node):
            # Nothing is run: what it explains is read, at most.
            self.planned = True
        if kind in ("UpdateStmt", "DeleteStmt") and node.whereClause is None and not self.planned:
            self.unbounded = True
        if kind == "RangeVar":
            self.range_var(node, field, parent, ctes)
            return
        if kind in ("LockingClause", "ConstraintsSetStmt", "PartitionBoundSpec"):
            # Aliases of the same query; constraints; constants, MINVALUE among them.
            return
        if kind == "VariableSetStmt" and self.verbs[0] == "alter":
            self.verbs.pop()
        if kind == "FuncCall" and node.funcformat != CoercionForm.COERCE_SQL_SYNTAX:
            name = ".".join(names(node.funcname))
            if name not in GRAMMARS:
                self.functions.append(name)
        if kind == "ColumnRef" and isinstance(node.fields[-1], ast.String):
            self.columns.append(node.fields[-1].sval)
        if kind == "DropStmt" and node.removeType in DROPPED:
            for item in node.objects:
                *schema, name = names(item)
                self.relation(schema[-1] if schema else "", name, "drop")
        ctes = self.with_clause(node, ctes)
        for name in node:
            if name != "withClause":
                self.node(getattr(node, name), name, node, ctes)

    def with_clause(self, node, ctes):
        clause = getattr(node, "withClause", None)
        if clause is None:
            return ctes
        every = ctes | {cte.ctename for cte in clause.ctes}
        before = ctes
        for cte in clause.ctes:
            self.node(cte.ctequery, "ctequery", cte, every if clause.recursive else before)
            for extra in (cte.search_clause, cte.cycle_clause):
                self.node(extra, "", cte, every)
            before = before | {cte.ctename}
        return every

    def range_var(self, node, field, parent, ctes):
        access = "read" if self.planned else ACCESS.get((type(parent).__name__, field), "read")
        if isinstance(parent, ast.CopyStmt) and parent.is_from:
            access = "write"
        hidden = access == "read" and node.schemaname is None and node.relname in ctes
        if not hidden:
            self.relation(node.schemaname, node.relname, access)


def said_of(text):
    statements = []
    for raw in parse_sql(text):
        reading = Reading()
        reading.node(raw.stmt, "stmt", raw, frozenset())
        statements.append(reading.said())
    return statements


def texts(path):
    """The statements of a file."""
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        if path.endswith(".jsonl"):
            yield from (json.loads(line)["s"] for line in file)
        elif path.endswith(".json"):
            yield from (vector["sql"] for vector in json.load(file) if "sql" in vector)
        else:
            yield from script.statements(file.read())


def main():
    asked = set()
    for path in sys.argv[1:]:
        for text in texts(path):
            if text in asked:
                continue
            asked.add(text)
            try:
                said = {"s": text, "statements": said_of(text)}
            except Exception as error:  # Whatever the parser has against it, it is no statement.
                said = {"s": text, "error": f"{type(error).__name__}: {error}"[:200]}
            print(json.dumps(said))


main()
