//! PostgreSQL's own parser as the oracle: whatever it says that a statement does, the facts say too, or they are opaque.
//!
//! `scripts/oracle` asks it and names the file of what it said in `CHAPERONE_ORACLE`; skipped where that is not set.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};

use chaperone_model::facts::{Facts, Opaque, Statement};
use chaperone_sql::{Limits, read};
use serde::{Deserialize, Serialize};

/// Of SELECT, INSERT, UPDATE, DELETE, MERGE and COPY at most so many in ten thousand may be opaque …
const MOST_OPAQUE_QUERIES: usize = 125;
/// … and of all statements so many, in a corpus that was not written to be hard.
const MOST_OPAQUE: usize = 340;
/// Our own vectors, by themselves, are fewer than that, and were.
const CORPUS_LEAST: usize = 5_000;

#[derive(Debug, Deserialize)]
struct Said {
    s: String,
    #[serde(default)]
    statements: Vec<Deeds>,
    error: Option<String>,
}

/// What the parser says of one statement.
#[derive(Debug, Deserialize)]
struct Deeds {
    verbs: Vec<String>,
    relations: Vec<[String; 3]>,
    functions: Vec<String>,
    columns: Vec<String>,
    unbounded: bool,
}

impl Deeds {
    fn is_query(&self) -> bool {
        const QUERIES: [&str; 6] = ["select", "insert", "update", "delete", "merge", "copy"];
        self.verbs.first().is_some_and(|verb| QUERIES.contains(&verb.as_str()))
    }
}

fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
}

/// What the facts do not say of the deeds.
fn untold(deeds: &Deeds, facts: &Statement) -> Vec<String> {
    let mut untold = Vec::new();
    let verbs: Vec<_> = facts.verbs.iter().map(word).collect();
    untold.extend(deeds.verbs.iter().filter(|verb| !verbs.contains(verb)).map(|verb| format!("verb {verb}")));
    for [schema, name, access] in &deeds.relations {
        let told = facts.relations.iter().any(|relation| {
            relation.name == *name
                && relation.schema.as_deref().unwrap_or("") == schema
                && (access == "read" || word(relation.access) == *access)
        });
        if !told {
            untold.push(format!("{access} of {schema}.{name}"));
        }
    }
    for function in &deeds.functions {
        if !facts.functions.contains(function) {
            untold.push(format!("function {function}"));
        }
    }
    for column in &deeds.columns {
        if !facts.columns.contains(column) {
            untold.push(format!("column {column}"));
        }
    }
    if deeds.unbounded && facts.bounded {
        untold.push("unbounded".to_owned());
    }
    untold
}

fn why(facts: &Facts, statement: Option<&Statement>) -> Option<String> {
    let opaque = facts.opaque.as_ref().or_else(|| statement?.opaque.as_ref())?;
    Some(match opaque {
        Opaque::Limit(which) => format!("limit {which}"),
        Opaque::Construct(what) => format!("construct {what}"),
        Opaque::Encoding => "encoding".to_owned(),
        Opaque::Unparsable(_) => "unparsable".to_owned(),
    })
}

#[derive(Default)]
struct Count {
    all: usize,
    opaque: usize,
}

impl Count {
    fn per_ten_thousand(&self) -> usize {
        self.opaque * 10_000 / self.all.max(1)
    }
}

#[test]
fn nothing_that_the_servers_parser_sees_is_left_out() {
    let Some(path) = std::env::var_os("CHAPERONE_ORACLE") else {
        println!("skipped: CHAPERONE_ORACLE is not set; scripts/oracle sets it");
        return;
    };
    let shows = std::env::var("CHAPERONE_SQL_SHOW").unwrap_or_default();
    let limits = Limits::default();
    let (mut queries, mut all) = (Count::default(), Count::default());
    let mut reasons: BTreeMap<(bool, String, String), usize> = BTreeMap::new();
    let mut left_out = Vec::new();
    for line in BufReader::new(File::open(path).unwrap()).lines() {
        let said: Said = serde_json::from_str(&line.unwrap()).unwrap();
        if said.error.is_some() {
            continue;
        }
        let facts = read(said.s.as_bytes(), &limits);
        if facts.opaque.is_none() && facts.statements.len() != said.statements.len() {
            left_out.push(format!(
                "{} statements, not {}: {:?}",
                facts.statements.len(),
                said.statements.len(),
                said.s
            ));
            continue;
        }
        for (place, deeds) in said.statements.iter().enumerate() {
            let statement = facts.statements.get(place);
            let opaque = why(&facts, statement);
            let counts = if deeds.is_query() { vec![&mut queries, &mut all] } else { vec![&mut all] };
            for count in counts {
                count.all += 1;
                count.opaque += usize::from(opaque.is_some());
            }
            if let Some(opaque) = opaque {
                let verb = deeds.verbs.first().cloned().unwrap_or_default();
                if !shows.is_empty() && (shows == verb || shows == "all") {
                    let why = facts.opaque.as_ref().or_else(|| statement?.opaque.as_ref());
                    println!("{verb}: {why:?}\n    {:?}", said.s);
                }
                *reasons.entry((deeds.is_query(), verb, opaque)).or_default() += 1;
                continue;
            }
            let untold = statement.map_or_else(Vec::new, |statement| untold(deeds, statement));
            if !untold.is_empty() {
                left_out.push(format!("{}: {:?}", untold.join(", "), said.s));
            }
        }
    }
    for (what, count) in [("queries", &queries), ("all", &all)] {
        println!("{what}: {} of {} opaque", count.opaque, count.all);
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    for ((_, verb, reason), count) in reasons.iter().take(60) {
        println!("{count:6} {verb}: {reason}");
    }
    assert!(left_out.is_empty(), "{} left out:\n{}", left_out.len(), left_out.join("\n"));
    if all.all < CORPUS_LEAST {
        return;
    }
    assert!(queries.per_ten_thousand() <= MOST_OPAQUE_QUERIES, "{} in 10,000", queries.per_ten_thousand());
    assert!(all.per_ten_thousand() <= MOST_OPAQUE, "{} in 10,000", all.per_ten_thousand());
}
