//! Runs `tests/vectors/*.json`. Each vector says why it is there. A vector that does not mention `opaque` (or `text`,
//! for the text as a whole) expects that nothing is opaque; the other facts are compared where they are mentioned.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::PathBuf;

use chaperone_model::facts::{Effect, Opaque, Output, Relation, Statement, Stored};
use chaperone_sql::{Limits, read};
use serde_json::Value;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    sql: String,
    why: String,
    count: Option<usize>,
    #[serde(default)]
    at: usize,
    verbs: Option<Vec<Value>>,
    relations: Option<Vec<String>>,
    functions: Option<Vec<String>>,
    columns: Option<Vec<String>>,
    attributes: Option<Vec<String>>,
    outputs: Option<Value>,
    stored: Option<Vec<String>>,
    bounded: Option<bool>,
    effects: Option<Vec<String>>,
    opaque: Option<String>,
    text: Option<String>,
}

fn word(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
}

fn relation(relation: &Relation) -> String {
    let schema = relation.schema.as_ref().map(|schema| format!("{schema}.")).unwrap_or_default();
    format!("{} {} {schema}{}", word(relation.access), word(relation.kind), relation.name)
}

fn effect(effect: &Effect) -> String {
    match effect {
        Effect::Setting(name) => format!("setting {name}"),
        Effect::Prepared(name) => format!("prepared {name}"),
        Effect::Unnamed(access) => format!("unnamed {}", word(access)),
        other => word(other),
    }
}

fn output(output: &Output) -> String {
    match output {
        Output::Column(name) => format!("column {name}"),
        Output::Computed(names) => format!("computed {}", names.join(",")).trim().to_owned(),
        Output::Star => "star".to_owned(),
        Output::Unknown => "unknown".to_owned(),
    }
}

fn stored(stored: &Stored) -> String {
    format!("{} = {}", stored.column.as_deref().unwrap_or("?"), output(&stored.from))
}

fn opaque(opaque: &Option<Opaque>) -> Option<String> {
    Some(match opaque.as_ref()? {
        Opaque::Construct(what) => format!("construct {what}"),
        Opaque::Limit(which) => format!("limit {which}"),
        Opaque::Encoding => "encoding".to_owned(),
        Opaque::Unparsable(_) => "unparsable".to_owned(),
    })
}

fn same_opaque(expected: Option<&str>, found: Option<&str>) -> bool {
    expected == found || (expected == Some("any") && found.is_some())
}

fn sorted(mut list: Vec<String>) -> Vec<String> {
    list.sort();
    list
}

/// What differs, one line each.
fn differences(vector: &Vector) -> Vec<String> {
    let facts = read(vector.sql.as_bytes(), &Limits::default());
    let mut wrong = Vec::new();
    let text = opaque(&facts.opaque);
    if !same_opaque(vector.text.as_deref(), text.as_deref()) {
        wrong.push(format!("the text is {text:?}, not {:?}", vector.text));
    }
    if vector.count.is_some_and(|count| count != facts.statements.len()) {
        wrong.push(format!("{} statements, not {:?}", facts.statements.len(), vector.count));
    }
    if vector.text.is_some() || vector.count == Some(0) {
        return wrong;
    }
    let Some(statement) = facts.statements.get(vector.at) else {
        wrong.push("no such statement".to_owned());
        return wrong;
    };
    compare(vector, statement, &mut wrong);
    wrong
}

fn compare(vector: &Vector, statement: &Statement, wrong: &mut Vec<String>) {
    let found = opaque(&statement.opaque);
    if !same_opaque(vector.opaque.as_deref(), found.as_deref()) {
        wrong.push(format!("it is {:?}, not {:?}", statement.opaque, vector.opaque));
    }
    let mut check = |what: &str, expected: Option<Vec<String>>, found: Vec<String>| {
        if expected.as_ref().is_some_and(|expected| *expected != found) {
            wrong.push(format!("{what} are {found:?}, not {expected:?}"));
        }
    };
    let verbs = vector.verbs.as_ref().map(|verbs| verbs.iter().map(word).collect());
    check("verbs", verbs, statement.verbs.iter().map(word).collect());
    check(
        "relations",
        vector.relations.clone().map(sorted),
        sorted(statement.relations.iter().map(relation).collect()),
    );
    check("functions", vector.functions.clone(), statement.functions.clone());
    check("columns", vector.columns.clone(), statement.columns.clone());
    check("attributes", vector.attributes.clone(), statement.attributes.clone());
    check("effects", vector.effects.clone(), statement.effects.iter().map(effect).collect());
    let found = match &statement.outputs {
        None => Value::from("none"),
        Some(outputs) => outputs.iter().map(output).collect(),
    };
    if vector.outputs.as_ref().is_some_and(|expected| *expected != found) {
        wrong.push(format!("outputs are {found}, not {:?}", vector.outputs));
    }
    let stored = statement.stored.iter().map(stored).collect::<Vec<_>>();
    if vector.stored.as_ref().is_some_and(|expected| *expected != stored) {
        wrong.push(format!("stored are {stored:?}, not {:?}", vector.stored));
    }
    if vector.bounded.is_some_and(|bounded| bounded != statement.bounded) {
        wrong.push(format!("bounded is {}", statement.bounded));
    }
}

#[test]
fn every_vector_holds() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let (mut vectors, mut wrong) = (0, Vec::new());
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap().path();
        let list: Vec<Vector> = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        for vector in list {
            vectors += 1;
            for difference in differences(&vector) {
                wrong.push(format!("{}\n    ({}) {difference}", vector.sql, vector.why));
            }
        }
    }
    assert!(vectors >= 80, "only {vectors} vectors");
    assert!(wrong.is_empty(), "{} of {vectors} vectors differ:\n{}", wrong.len(), wrong.join("\n"));
}
