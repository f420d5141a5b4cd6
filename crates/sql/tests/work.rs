//! Small texts that once made lineage a matter of seconds. The budget is of looks, not of time; what is tested is that it
//! ends, and that what is not told is said so.

use std::fmt::Write as _;
use std::time::Instant;

use chaperone_model::facts::Output;
use chaperone_sql::{Limits, read};

/// So many columns under the names `c0`, `c1`, ….
fn columns(most: usize) -> String {
    (0..most).map(|number| format!("a as c{number}")).collect::<Vec<_>>().join(",")
}

fn timed(text: &str) -> (Option<Vec<Output>>, u128) {
    let began = Instant::now();
    let facts = read(text.as_bytes(), &Limits::default());
    assert_eq!(facts.opaque, None);
    (facts.statements.first().and_then(|statement| statement.outputs.clone()), began.elapsed().as_millis())
}

#[test]
fn many_names_over_many_wide_sources() {
    let mut text = format!("with w as (select {} from t) select coalesce(", columns(1_600));
    for number in 0..40_000 {
        let _ = write!(text, "x{number},");
    }
    text.push_str("1) from ");
    text.push_str(&(0..64).map(|number| format!("w w{number}")).collect::<Vec<_>>().join(","));
    let (outputs, took) = timed(&text);
    println!("{} bytes: {took} ms", text.len());
    assert!(outputs.is_none() || outputs.unwrap() == [Output::Unknown], "over the budget it is not told");
}

#[test]
fn many_renamed_copies_of_a_wide_source() {
    let names = (0..1_600).map(|number| format!("n{number}")).collect::<Vec<_>>().join(",");
    let mut text = format!("with w as (select {} from t) select 1 from ", columns(1_600));
    text.push_str(&(0..25).map(|number| format!("w w{number} ({names})")).collect::<Vec<_>>().join(","));
    let (outputs, took) = timed(&text);
    println!("{} bytes: {took} ms", text.len());
    assert_eq!(outputs.unwrap(), [Output::Computed(Vec::new())]);
}

#[test]
fn deep_scopes_with_many_sources() {
    let sources =
        (0..60).map(|number| format!("(select a as b{number}) s{number}")).collect::<Vec<_>>().join(",");
    let names = (0..40_000).map(|number| format!("x{number}")).collect::<Vec<_>>().join(",");
    let mut text = format!("coalesce({names})");
    for _ in 0..15 {
        text = format!("(select {text} from {sources})");
    }
    let (outputs, took) = timed(&format!("select {text}"));
    println!("{} bytes: {took} ms", text.len());
    assert_eq!(outputs.unwrap(), [Output::Unknown]);
}
