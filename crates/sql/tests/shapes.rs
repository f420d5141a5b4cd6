//! The facts of a shape are those of every text that has it, whatever its numbers are. Over PostgreSQL's own regression
//! statements, with other numbers in the place of theirs. Skipped where the corpus is absent.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::PathBuf;

use chaperone_sql::{Limits, Shape, read};

#[derive(serde::Deserialize)]
struct Entry {
    s: String,
}

/// Statements in which a number decides, which the corpus hardly has.
const TELLING: &[&str] = &[
    "delete from t where 1",
    "delete from t where id = 1 or 1 = 1",
    "delete from t where id < 5 or id > 3",
    "delete from t where id < 5 or id > 30",
    "delete from t where (id < 5 or id > 30) and b = 7",
    "delete from t where not (id > 5 and id < 3)",
    "delete from t where id * 0 = 0",
    "delete from t where id between 1 and 2 or id is null",
    "delete from t where case when 1 = 1 then true else false end",
    "delete from t where id in (1, 2, 3)",
    "update t set a = 1 where coalesce(1, b) = 1",
    "update t set a = 1 where b = 2 returning a + 1, 2",
    "explain (analyze 1) delete from t",
    "explain (analyze 0) delete from t where id = 3",
    "select 1 from t group by 1 order by 1, 2 limit 3 offset 4",
    "select a[1], b[2:3] from t where c ? 'x' and d = -5",
    "set statement_timeout = 5",
    "fetch 5 from c",
    "declare c cursor for select 1",
    "prepare p as select 1",
    "execute p(1, 2)",
    "copy t from stdin (format csv, header 1)",
    "select setval('s', 5)",
    "create table t (a numeric(10, 2), b varchar(5))",
    "alter sequence s restart with 5",
];

/// Numbers in the place of those of a text: the marks of its shape, filled again.
fn filled(shape: &Shape, numbers: &mut dyn FnMut() -> u32) -> String {
    let pieces: Vec<_> = std::str::from_utf8(shape.as_bytes()).unwrap().split('\0').collect();
    let (last, rest) = pieces.split_last().unwrap();
    rest.iter().map(|piece| format!("{piece}{}", numbers())).collect::<String>() + last
}

#[test]
fn the_numbers_do_not_change_what_a_shape_tells() {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora/pg15-statements.jsonl");
    let corpus = std::fs::read_to_string(&path).unwrap_or_else(|_| {
        println!("the corpus pg15-statements.jsonl is absent: only the few statements of this file");
        String::new()
    });
    let corpus = corpus.lines().map(|line| serde_json::from_str::<Entry>(line).unwrap().s);
    let limits = Limits::default();
    let (mut shaped, mut told) = (0, 0);
    let mut seed = 1_u32;
    let mut random = || {
        seed = seed.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        (seed >> 16) % 12
    };
    for text in TELLING.iter().map(|text| (*text).to_owned()).chain(corpus) {
        let Some(shape) = Shape::of(text.as_bytes()) else { continue };
        shaped += 1;
        let Some(facts) = shape.read(&limits) else { continue };
        told += 1;
        assert_eq!(facts, read(text.as_bytes(), &limits), "{text}");
        let (mut one, mut zero, mut down) = (|| 1, || 0, 1_000);
        let mut down = || {
            down -= 1;
            down
        };
        let fillings: [&mut dyn FnMut() -> u32; 5] =
            [&mut one, &mut zero, &mut down, &mut random, &mut || 123_456_789];
        for numbers in fillings {
            let other = filled(&shape, numbers);
            assert_eq!(Shape::of(other.as_bytes()).as_ref(), Some(&shape), "{other}");
            assert_eq!(facts, read(other.as_bytes(), &limits), "{text}\n{other}");
        }
    }
    println!("{told} of {shaped} shapes have facts of their own");
    assert!(told * 10 > shaped * 5, "most have: {told} of {shaped}");
}
