//! PostgreSQL's own regression statements: what the server accepts is understood or called opaque, what it refuses
//! is not called understood. Skipped where the corpus is absent: `CHAPERONE_CORPORA` names its folder.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chaperone_model::facts::Opaque;
use chaperone_sql::{Limits, read};

/// Statements that the server's parser refuses and that are read all the same. None of them can do anything.
const MOST_REFUSED_BUT_READ: usize = 5;
/// Of what the server accepts, the most that may be opaque, in percent.
const MOST_OPAQUE_PERCENT: usize = 14;

#[derive(serde::Deserialize)]
struct Entry {
    s: String,
    l: String,
}

fn kind(opaque: &Opaque) -> String {
    match opaque {
        Opaque::Limit(which) => format!("limit {which}"),
        Opaque::Construct(what) => format!("construct {what}"),
        Opaque::Encoding => "encoding".to_owned(),
        Opaque::Unparsable(_) => "unparsable".to_owned(),
    }
}

#[test]
fn the_servers_statements_are_understood_or_opaque() {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora");
    let folder = std::env::var_os("CHAPERONE_CORPORA").map_or_else(beside, PathBuf::from);
    let Ok(corpus) = std::fs::read_to_string(folder.join("pg15-statements.jsonl")) else {
        println!("skipped: the corpus pg15-statements.jsonl is absent");
        return;
    };
    let limits = Limits::default();
    let mut opaque: BTreeMap<String, usize> = BTreeMap::new();
    let (mut accepted, mut not_understood, mut refused_but_read) = (0, 0, Vec::new());
    for line in corpus.lines() {
        let entry: Entry = serde_json::from_str(line).unwrap();
        let facts = read(entry.s.as_bytes(), &limits);
        let why = facts
            .opaque
            .iter()
            .chain(facts.statements.iter().filter_map(|statement| statement.opaque.as_ref()));
        let why = why.map(kind).next();
        if entry.l == "syntax" {
            if why.is_none() {
                refused_but_read.push(entry.s);
            }
            continue;
        }
        accepted += 1;
        if let Some(why) = why {
            not_understood += 1;
            *opaque.entry(why).or_default() += 1;
            if std::env::var_os("CHAPERONE_SQL_SHOW").is_some() {
                println!("{:?}: {:?}", facts, entry.s);
            }
        }
    }
    println!("{accepted} accepted by the server, {not_understood} of them opaque:");
    for (why, count) in &opaque {
        println!("{count:6} {why}");
    }
    println!("{} refused by the server but read:", refused_but_read.len());
    for statement in &refused_but_read {
        println!("  {statement:?}");
    }
    assert!(refused_but_read.len() <= MOST_REFUSED_BUT_READ, "{}", refused_but_read.len());
    assert!(not_understood * 100 <= accepted * MOST_OPAQUE_PERCENT, "{not_understood} of {accepted}");
}
