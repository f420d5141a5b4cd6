//! The question to the catalogue, in SQL.
//!
//! It runs in the caller's own session, so nothing in it may depend on what the caller can set: every name and
//! operator is qualified with `pg_catalog`, every literal is an `E''` string of ASCII letters, and names come back
//! in hexadecimal, whatever the client's encoding is.
//!
//! A masked column of a table is also one of its partitions and heirs, of the tables that it is a partition or an heir of
//! (but not of their other heirs), of the columns that are generated from it, and of views and materialized views:
//!
//! - a plain column of a view, by the origin that the view's rule keeps for it (`resorigtbl`, `resorigcol`), also
//!   under another name and through subqueries;
//! - a computed column of a view that reads the masked column, unless its type can hold neither text nor what the masked
//!   column holds (a number for a number, a date, time, interval or number for one of the first three);
//! - a column of such a view with the masked column's name.
//!
//! The last two may be anything that is made of the column, so nothing of them is shown at all.
//!
//! Views that read a masked column and show nothing of it, and tables with a policy that does, are told too: an error that
//! comes up while they are read may quote it. So may one of what calls functions of users.

use chaperone_policy::ColumnMask;

use super::CATALOGUE_ROWS_MOST;

/// Tables, views, materialized views, foreign tables, partitioned tables.
const BASE: &str = r#"
 SELECT a.attrelid, a.attnum, w.mask, TRUE, TRUE FROM wanted w
 JOIN pg_catalog.pg_class c ON c.relname OPERATOR(pg_catalog.=) w.tab
 JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
  AND (w.sch IS NULL OR n.nspname OPERATOR(pg_catalog.=) w.sch)
 JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) c.oid
  AND a.attname OPERATOR(pg_catalog.=) w.col AND a.attnum OPERATOR(pg_catalog.>) 0
 WHERE c.relkind OPERATOR(pg_catalog.=) ANY (CAST(E'{r,v,m,f,p}' AS pg_catalog."char"[]))"#;

/// Not those of a table that is only read through: `down` is false above a masked table.
const HEIRS: &str = "
  SELECT a.attrelid AS rel, a.attnum AS num, TRUE AS exact, TRUE AS down FROM pg_catalog.pg_inherits i
  JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) i.inhrelid
   AND a.attname OPERATOR(pg_catalog.=) o.attname
  WHERE i.inhparent OPERATOR(pg_catalog.=) m.rel AND m.down";

/// Whoever reads the parent reads its heirs.
const PARENTS: &str = "
  SELECT a.attrelid, a.attnum, TRUE, FALSE FROM pg_catalog.pg_inherits i
  JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) i.inhparent
   AND a.attname OPERATOR(pg_catalog.=) o.attname
  WHERE i.inhrelid OPERATOR(pg_catalog.=) m.rel";

/// 2604 is pg_attrdef. Until PostgreSQL 14 the column itself depended on those that it is made of, since then its
/// expression does.
const GENERATED: &str = r#"
  SELECT a.attrelid, a.attnum, FALSE, TRUE FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_attrdef e ON e.adrelid OPERATOR(pg_catalog.=) a.attrelid
   AND e.adnum OPERATOR(pg_catalog.=) a.attnum
  JOIN pg_catalog.pg_depend p ON p.refclassid OPERATOR(pg_catalog.=) CAST(1259 AS pg_catalog.oid)
   AND p.refobjid OPERATOR(pg_catalog.=) m.rel
   AND p.refobjsubid OPERATOR(pg_catalog.=) CAST(m.num AS pg_catalog.int4)
   AND (p.classid OPERATOR(pg_catalog.=) CAST(2604 AS pg_catalog.oid)
     AND p.objid OPERATOR(pg_catalog.=) e.oid
    OR p.classid OPERATOR(pg_catalog.=) CAST(1259 AS pg_catalog.oid)
     AND p.objid OPERATOR(pg_catalog.=) a.attrelid
     AND p.objsubid OPERATOR(pg_catalog.=) CAST(a.attnum AS pg_catalog.int4))
  WHERE a.attrelid OPERATOR(pg_catalog.=) m.rel AND a.attnum OPERATOR(pg_catalog.<>) m.num
   AND a.attgenerated OPERATOR(pg_catalog.<>) CAST(E'' AS pg_catalog."char")"#;

/// 1259 is pg_class, 2618 pg_rewrite, 16384 the first OID of users (the server's own views are named by the masks).
///
/// A rule that reads a table's whole row depends on the table as a whole (number 0), but PostgreSQL forgets that where the
/// rule reads a column of it as well; the tree has the whole row (`:varattno 0`) all the same.
///
/// A view's rule depends on the view too, which tells nothing. A rule is a tree in text, with one entry for each column of the view and of each of its subqueries: `:resno 2
/// :resname card … :resorigtbl 16400 :resorigcol 3`. Where entries have the column's number and name, only they
/// count; where a view's column was renamed there are none, and all of its number count. It is exact where each of
/// these is the masked column itself.
const VIEWS: &str = r#"
  SELECT a.attrelid, a.attnum,
   CASE WHEN pg_catalog.bool_or(h.named) THEN pg_catalog.bool_and(h.plain OR NOT h.named)
    ELSE pg_catalog.bool_and(h.plain) END, TRUE
  FROM pg_catalog.pg_depend p
  JOIN pg_catalog.pg_rewrite r ON r.oid OPERATOR(pg_catalog.=) p.objid
   AND r.ev_class OPERATOR(pg_catalog.>=) CAST(16384 AS pg_catalog.oid)
   AND r.ev_class OPERATOR(pg_catalog.<>) m.rel
  CROSS JOIN LATERAL (SELECT
   pg_catalog.split_part(s.piece, E' ', 1) AS num,
   pg_catalog.split_part(pg_catalog.split_part(s.piece, E' :resname ', 2), E' :ressortgroupref ', 1) AS nam,
   pg_catalog.split_part(pg_catalog.split_part(s.piece, E' :resorigtbl ', 2), E' ', 1) AS tab,
   pg_catalog.split_part(pg_catalog.split_part(s.piece, E' :resorigcol ', 2), E' ', 1) AS col
   FROM pg_catalog.unnest(pg_catalog.string_to_array(CAST(r.ev_action AS pg_catalog.text), E':resno '))
    AS s(piece)) t
  JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) r.ev_class
   AND CAST(a.attnum AS pg_catalog.text) OPERATOR(pg_catalog.=) t.num
  JOIN pg_catalog.pg_type y ON y.oid OPERATOR(pg_catalog.=) a.atttypid
  JOIN pg_catalog.pg_type x ON x.oid OPERATOR(pg_catalog.=) o.atttypid
  CROSS JOIN LATERAL (SELECT
   CAST(a.attname AS pg_catalog.text) OPERATOR(pg_catalog.=) t.nam AS named,
   t.tab OPERATOR(pg_catalog.=) CAST(m.rel AS pg_catalog.text)
    AND t.col OPERATOR(pg_catalog.=) CAST(m.num AS pg_catalog.text) AS plain,
   CASE WHEN t.tab OPERATOR(pg_catalog.=) E'0'
    THEN y.typcategory OPERATOR(pg_catalog.<>) ALL (CAST(E'{B,D,E,G,N,T}' AS pg_catalog."char"[]))
     OR y.typcategory OPERATOR(pg_catalog.=) x.typcategory
     OR x.typcategory OPERATOR(pg_catalog.=) ANY (CAST(E'{D,T}' AS pg_catalog."char"[]))
      AND y.typcategory OPERATOR(pg_catalog.=) ANY (CAST(E'{D,N,T}' AS pg_catalog."char"[]))
    ELSE t.tab OPERATOR(pg_catalog.=) CAST(m.rel AS pg_catalog.text)
     AND t.col OPERATOR(pg_catalog.=) ANY (ARRAY[E'0', CAST(m.num AS pg_catalog.text)])
   END AS hit) h
  WHERE p.classid OPERATOR(pg_catalog.=) CAST(2618 AS pg_catalog.oid)
   AND p.refclassid OPERATOR(pg_catalog.=) CAST(1259 AS pg_catalog.oid)
   AND p.refobjid OPERATOR(pg_catalog.=) m.rel
   AND (p.refobjsubid OPERATOR(pg_catalog.=) ANY (ARRAY[0, CAST(m.num AS pg_catalog.int4)])
    OR pg_catalog.strpos(CAST(r.ev_action AS pg_catalog.text), E':varattno 0 ') OPERATOR(pg_catalog.>) 0)
  GROUP BY a.attrelid, a.attnum, a.attname
  HAVING CASE WHEN pg_catalog.bool_or(h.named) THEN pg_catalog.bool_or(h.named AND h.hit)
    ELSE pg_catalog.bool_or(h.hit) END
   OR a.attname OPERATOR(pg_catalog.=) o.attname"#;

/// Views whose rules read these columns, or tables whose policies do (3256 is pg_policy). `x` is the relation that is
/// read, `{}` which of its columns.
const READERS: &str = r#"
  SELECT r.ev_class AS rel FROM pg_catalog.pg_depend p
  JOIN pg_catalog.pg_rewrite r ON r.oid OPERATOR(pg_catalog.=) p.objid
   AND r.ev_class OPERATOR(pg_catalog.>=) CAST(16384 AS pg_catalog.oid)
   AND r.ev_class OPERATOR(pg_catalog.<>) x.rel
  WHERE p.classid OPERATOR(pg_catalog.=) CAST(2618 AS pg_catalog.oid)
   AND p.refclassid OPERATOR(pg_catalog.=) CAST(1259 AS pg_catalog.oid)
   AND p.refobjid OPERATOR(pg_catalog.=) x.rel
  UNION ALL
  SELECT y.polrelid FROM pg_catalog.pg_depend p
  JOIN pg_catalog.pg_policy y ON y.oid OPERATOR(pg_catalog.=) p.objid
   AND y.polrelid OPERATOR(pg_catalog.<>) x.rel
  WHERE p.classid OPERATOR(pg_catalog.=) CAST(3256 AS pg_catalog.oid)
   AND p.refclassid OPERATOR(pg_catalog.=) CAST(1259 AS pg_catalog.oid)
   AND p.refobjid OPERATOR(pg_catalog.=) x.rel"#;

/// Views and rules that call functions of users, and tables with policies that do: what such a function reads nobody but the
/// server knows, and where the planner puts it into the statement, an error does not tell that it was one. 1255 is pg_proc;
/// languages 12 and 13 are `internal` and `c`.
const CALLERS: &str = r#"
 SELECT coalesce(r.ev_class, y.polrelid) FROM pg_catalog.pg_depend p
 JOIN pg_catalog.pg_proc f ON f.oid OPERATOR(pg_catalog.=) p.refobjid
  AND f.oid OPERATOR(pg_catalog.>=) CAST(16384 AS pg_catalog.oid)
  AND f.prolang OPERATOR(pg_catalog.<>) ALL (CAST(E'{12,13}' AS pg_catalog.oid[]))
 LEFT JOIN pg_catalog.pg_rewrite r ON p.classid OPERATOR(pg_catalog.=) CAST(2618 AS pg_catalog.oid)
  AND r.oid OPERATOR(pg_catalog.=) p.objid
  AND r.ev_class OPERATOR(pg_catalog.>=) CAST(16384 AS pg_catalog.oid)
 LEFT JOIN pg_catalog.pg_policy y ON p.classid OPERATOR(pg_catalog.=) CAST(3256 AS pg_catalog.oid)
  AND y.oid OPERATOR(pg_catalog.=) p.objid
 WHERE p.refclassid OPERATOR(pg_catalog.=) CAST(1255 AS pg_catalog.oid)
  AND p.classid OPERATOR(pg_catalog.=) ANY (CAST(E'{2618,3256}' AS pg_catalog.oid[]))
  AND coalesce(r.ev_class, y.polrelid) IS NOT NULL"#;

const ANSWER: &str = "
SELECT m.rel, m.num, m.mask,
 pg_catalog.encode(pg_catalog.convert_to(CAST(n.nspname AS pg_catalog.text), E'UTF8'), E'hex'),
 pg_catalog.encode(pg_catalog.convert_to(CAST(c.relname AS pg_catalog.text), E'UTF8'), E'hex'),
 pg_catalog.encode(pg_catalog.convert_to(CAST(a.attname AS pg_catalog.text), E'UTF8'), E'hex'), c.relnatts,
 m.exact
FROM masked m
JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) m.rel
JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) m.rel
 AND a.attnum OPERATOR(pg_catalog.=) m.num
UNION ALL SELECT x.rel, -1, 0,
 pg_catalog.encode(pg_catalog.convert_to(CAST(n.nspname AS pg_catalog.text), E'UTF8'), E'hex'),
 pg_catalog.encode(pg_catalog.convert_to(CAST(c.relname AS pg_catalog.text), E'UTF8'), E'hex'), E'', 0, TRUE
FROM readers x
JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) x.rel
JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
UNION ALL SELECT pg_catalog.max(c.oid), 0, 0, E'', E'', E'', 0, TRUE FROM pg_catalog.pg_class c";

/// The question for these masks; none where a name cannot be written.
pub(crate) fn question(columns: &[ColumnMask]) -> Option<String> {
    let mut wanted = String::new();
    for (place, mask) in columns.iter().enumerate() {
        let comma = if place == 0 { "" } else { ", " };
        let schema = match &mask.schema {
            Some(schema) => name(schema)?,
            None => "CAST(NULL AS pg_catalog.name)".to_owned(),
        };
        wanted.push_str(&format!(
            "{comma}({place}, {schema}, {}, {})",
            name(&mask.table)?,
            name(&mask.column)?
        ));
    }
    let most = CATALOGUE_ROWS_MOST + 1;
    Some(format!(
        "WITH RECURSIVE wanted(mask, sch, tab, col) AS (VALUES {wanted}),
masked(rel, num, mask, exact, down) AS ({BASE}
 UNION SELECT d.rel, d.num, m.mask, m.exact AND d.exact, m.down AND d.down FROM masked m
 JOIN pg_catalog.pg_attribute o ON o.attrelid OPERATOR(pg_catalog.=) m.rel
  AND o.attnum OPERATOR(pg_catalog.=) m.num
 CROSS JOIN LATERAL ({HEIRS}
  UNION ALL{PARENTS}
  UNION ALL{GENERATED}
  UNION ALL{VIEWS}) d),
readers(rel) AS (SELECT d.rel FROM (SELECT DISTINCT m.rel FROM masked m) x CROSS JOIN LATERAL ({READERS}) d
 UNION ({CALLERS})
 UNION SELECT d.rel FROM readers x CROSS JOIN LATERAL ({READERS}) d){ANSWER}
LIMIT {most}"
    ))
}

/// A literal of type `name`. In an `E''` string a backslash always escapes, whatever the session's settings are.
fn name(text: &str) -> Option<String> {
    let mut literal = String::from("CAST(E'");
    for letter in text.chars() {
        match letter {
            '\0' => return None,
            '\'' => literal.push_str("''"),
            '\\' => literal.push_str("\\\\"),
            ' '..='~' => literal.push(letter),
            _ => literal.push_str(&format!("\\U{:08x}", u32::from(letter))),
        }
    }
    literal.push_str("' AS pg_catalog.name)");
    Some(literal)
}

#[cfg(test)]
mod tests {
    use chaperone_model::RuleId;
    use chaperone_model::mask::Transform;

    use super::*;

    fn mask(schema: Option<&str>, table: &str, column: &str) -> ColumnMask {
        ColumnMask {
            schema: schema.map(str::to_owned),
            table: table.to_owned(),
            column: column.to_owned(),
            transform: Transform::Redact,
            rule: RuleId("m".to_owned()),
        }
    }

    #[test]
    fn names_are_quoted_safely() {
        let cases = [
            ("card", "CAST(E'card' AS pg_catalog.name)", "plain"),
            ("o'x", "CAST(E'o''x' AS pg_catalog.name)", "a quote is doubled, never escaped"),
            ("a\\'", "CAST(E'a\\\\''' AS pg_catalog.name)", "a backslash cannot eat the quote"),
            ("größe", "CAST(E'gr\\U000000f6\\U000000dfe' AS pg_catalog.name)", "ASCII whatever the encoding"),
            ("a\nb", "CAST(E'a\\U0000000ab' AS pg_catalog.name)", "control characters too"),
        ];
        for (text, expected, why) in cases {
            assert_eq!(name(text).as_deref(), Some(expected), "{why}");
        }
        assert_eq!(name("a\0b"), None, "NUL would end the message");
        assert_eq!(question(&[mask(None, "t", "\0")]), None);
    }

    #[test]
    fn nothing_depends_on_the_search_path() {
        let question = question(&[mask(Some("public"), "customers", "card"), mask(None, "t", "c")]).unwrap();
        // Outside of literals: every operator is qualified, and so are tables, functions and types.
        let bare: String = question.split('\'').step_by(2).collect();
        let bare = bare.replace("OPERATOR(pg_catalog.=)", "").replace("OPERATOR(pg_catalog.<>)", "");
        let bare = bare.replace("OPERATOR(pg_catalog.>)", "").replace("OPERATOR(pg_catalog.>=)", "");
        for operator in ["=", "<", ">", "~", "||", "::", " IN ", " LIKE ", " BETWEEN ", "USING"] {
            assert!(!bare.contains(operator), "{operator}");
        }
        let after = |word: &str, known: &[&str]| {
            for rest in bare.split(word).skip(1) {
                assert!(
                    known.iter().any(|known| rest.starts_with(known)),
                    "{word}: {}",
                    rest.lines().next().unwrap()
                );
            }
        };
        for word in ["FROM ", "JOIN ", "LATERAL "] {
            after(word, &["pg_catalog.", "wanted", "masked", "readers", "LATERAL", "(", "\n"]);
        }
        let aliases =
            ["rel", "num", "nam", "tab", "col", "exact", "down", "s(piece)", "named", "plain", "hit"];
        after(" AS ", &[&aliases[..], &["pg_catalog.", "("]].concat());
        for function in [
            "encode(",
            "convert_to(",
            "max(",
            "bool_or(",
            "bool_and(",
            "split_part(",
            "unnest(",
            "string_to_array(",
            "strpos(",
        ] {
            assert_eq!(
                bare.matches(function).count(),
                bare.matches(&format!("pg_catalog.{function}")).count()
            );
        }
    }
}
